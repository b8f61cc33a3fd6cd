{{/* `H` in a cron line: a number made of the release and the key, so that jobs spread over minutes and stay where they are. */}}

{{/* A number below `below`, made of `seed`: of the digits in its SHA-256. */}}
{{- define "run-job.hash" -}}
{{- $digits := regexReplaceAll "[^0-9]" (sha256sum .seed) "" -}}
{{- mod (int64 (printf "1%s" (trunc 9 $digits))) (int64 .below) -}}
{{- end -}}

{{/* The cron line with numbers in the place of every H. Takes root, key, line. The 29th and later aren't in every month. */}}
{{- define "run-job.spread" -}}
{{- $fields := regexSplit "\\s+" (trim (toString .line)) -1 -}}
{{- $bounds := list (list 0 59) (list 0 23) (list 1 28) (list 1 12) (list 0 6) -}}
{{- $resolved := list -}}
{{- range $index, $field := $fields -}}
{{- $parts := list -}}
{{- range $part := splitList "," $field -}}
{{- if and (lt $index 5) (regexMatch "^H(\\([0-9]{1,4}-[0-9]{1,4}\\))?(/[0-9]{1,4})?$" $part) -}}
{{- $where := printf "\n\njobs.%s.schedule: %q" $.key (toString $.line) -}}
{{- $low := index (index $bounds $index) 0 -}}
{{- $high := index (index $bounds $index) 1 -}}
{{- with regexFind "[0-9]+-[0-9]+" $part -}}
{{- $low = int (index (splitList "-" .) 0) -}}
{{- $high = int (index (splitList "-" .) 1) -}}
{{- end -}}
{{- $last := index (list 59 23 31 12 6) $index -}}
{{- if or (lt $low (index (index $bounds $index) 0)) (gt $high $last) -}}
{{- fail (printf "%s isn't a cron line: the range of %q isn't within %d and %d" $where $part (int (index (index $bounds $index) 0)) $last) -}}
{{- end -}}
{{- if gt $low $high -}}
{{- fail (printf "%s isn't a cron line: the range of %q ends before it begins" $where $part) -}}
{{- end -}}
{{- $size := add 1 (sub $high $low) -}}
{{- $step := regexFind "/[0-9]+$" $part | trimPrefix "/" -}}
{{- if and $step (eq (int $step) 0) -}}
{{- fail (printf "%s isn't a cron line: the step of %q is 0" $where $part) -}}
{{- end -}}
{{- if $step -}}
{{- $size = min $size (int $step) -}}
{{- end -}}
{{- $value := add $low (include "run-job.hash" (dict "seed" (printf "%s/%s/%d" $.root.Release.Name $.key $index) "below" $size) | int) -}}
{{- if not $step -}}
{{- $parts = append $parts (toString $value) -}}
{{- else if gt (add $value (int $step)) (int $high) -}}
{{- $parts = append $parts (toString $value) -}}
{{- else -}}
{{- $parts = append $parts (printf "%d-%d/%s" (int $value) (int $high) $step) -}}
{{- end -}}
{{- else -}}
{{- $parts = append $parts $part -}}
{{- end -}}
{{- end -}}
{{- $resolved = append $resolved (join "," $parts) -}}
{{- end -}}
{{- join " " $resolved -}}
{{- end -}}
