{{/* Cron lines and time zones, checked as the API server will, but with a sentence for whoever wrote them. */}}

{{/* The values that one field of a cron line stands for, as a JSON list. */}}
{{- define "run-job.cron.field" -}}
{{- $bad := printf "\n\n%s: %q isn't a cron line that Kubernetes takes: " .where .line -}}
{{- $found := dict -}}
{{- /* An empty part of a list says nothing, nor does what follows a star's hyphen; a number with leading noughts would be read as octal. */ -}}
{{- range $part := compact (splitList "," (upper .text)) -}}
{{- $part = regexReplaceAll "^([*?])-[^/]*" $part "${1}" -}}
{{- range $i, $name := $.names -}}
{{- $part = regexReplaceAll (printf "\\b%s\\b" $name) $part (toString (add $i $.min)) -}}
{{- end -}}
{{- $part = regexReplaceAll "(^|[-/])\\+?0*([0-9])" $part "${1}${2}" -}}
{{- if not (regexMatch "^([*?]|[0-9]{1,9}(-[0-9]{1,9})?)(/[0-9]{1,9})?$" $part) -}}
{{- fail (printf "%s%q isn't a %s (write numbers from %d to %d, lists such as 1,15, ranges such as 1-5, steps such as */15)" $bad $.text $.label (int $.min) (int $.max)) -}}
{{- end -}}
{{- $range := index (splitList "/" $part) 0 -}}
{{- $step := 1 -}}
{{- $low := int $.min -}}
{{- $high := int $.max -}}
{{- if contains "/" $part -}}
{{- $step = int (index (splitList "/" $part) 1) -}}
{{- if eq $step 0 -}}
{{- fail (printf "%sthe step of its %s %q is 0" $bad $.label $.text) -}}
{{- end -}}
{{- end -}}
{{- if regexMatch "^[0-9]" $range -}}
{{- $low = int (index (splitList "-" $range) 0) -}}
{{- if contains "-" $range -}}
{{- $high = int (index (splitList "-" $range) 1) -}}
{{- else if not (contains "/" $part) -}}
{{- $high = $low -}}
{{- end -}}
{{- end -}}
{{- if or (lt $low (int $.min)) (gt $high (int $.max)) -}}
{{- $hint := "" -}}
{{- if and (eq $.label "day of the week") (eq $high 7) -}}
{{- $hint = ": Sunday is 0" -}}
{{- end -}}
{{- fail (printf "%sits %s %q isn't within %d and %d%s" $bad $.label $.text (int $.min) (int $.max) $hint) -}}
{{- end -}}
{{- if gt $low $high -}}
{{- fail (printf "%sthe range of its %s %q ends before it begins" $bad $.label $.text) -}}
{{- end -}}
{{- range $value := untilStep $low (int (add $high 1)) $step -}}
{{- $_ := set $found (printf "%02d" $value) $value -}}
{{- end -}}
{{- end -}}
{{- if not $found -}}
{{- fail (printf "%sno %s is in its list %q, and so it would never start a Job" (printf "\n\n%s: %q isn't a cron line to work by: " .where .line) .label .text) -}}
{{- end -}}
{{- $values := list -}}
{{- range keys $found | sortAlpha -}}
{{- $values = append $values (get $found .) -}}
{{- end -}}
{{- toJson $values -}}
{{- end -}}

{{/* A cron line as JSON: the values of each field, and whether days are restricted. */}}
{{- define "run-job.cron" -}}
{{- $macros := dict "@yearly" "0 0 1 1 *" "@annually" "0 0 1 1 *" "@monthly" "0 0 1 * *" "@weekly" "0 0 * * 0" "@daily" "0 0 * * *" "@midnight" "0 0 * * *" "@hourly" "0 * * * *" -}}
{{- $line := toString .line -}}
{{- $bad := printf "\n\n%s: %q isn't a cron line that Kubernetes takes: " .where $line -}}
{{- if contains "TZ" $line -}}
{{- fail (printf "%sname the time zone in timeZone instead" $bad) -}}
{{- end -}}
{{- $text := $line -}}
{{- if hasPrefix "@" $line -}}
{{- if not (hasKey $macros $line) -}}
{{- fail (printf "%sthe names it may have are %s" $bad (keys $macros | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $text = get $macros $line -}}
{{- end -}}
{{- $fields := regexSplit "\\s+" (trim $text) -1 -}}
{{- if ne (len $fields) 5 -}}
{{- fail (printf "%sit has %d fields and not 5 (minute, hour, day of the month, month, day of the week), such as \"0 2 * * *\"" $bad (len $fields)) -}}
{{- end -}}
{{- $months := list "JAN" "FEB" "MAR" "APR" "MAY" "JUN" "JUL" "AUG" "SEP" "OCT" "NOV" "DEC" -}}
{{- $days := list "SUN" "MON" "TUE" "WED" "THU" "FRI" "SAT" -}}
{{- $base := dict "where" .where "line" $line -}}
{{- dict
    "minutes" (include "run-job.cron.field" (merge (dict "text" (index $fields 0) "label" "minute" "min" 0 "max" 59 "names" list) $base) | fromJsonArray)
    "hours" (include "run-job.cron.field" (merge (dict "text" (index $fields 1) "label" "hour" "min" 0 "max" 23 "names" list) $base) | fromJsonArray)
    "daysOfMonth" (include "run-job.cron.field" (merge (dict "text" (index $fields 2) "label" "day of the month" "min" 1 "max" 31 "names" list) $base) | fromJsonArray)
    "months" (include "run-job.cron.field" (merge (dict "text" (index $fields 3) "label" "month" "min" 1 "max" 12 "names" $months) $base) | fromJsonArray)
    "daysOfWeek" (include "run-job.cron.field" (merge (dict "text" (index $fields 4) "label" "day of the week" "min" 0 "max" 6 "names" $days) $base) | fromJsonArray)
  | toJson -}}
{{- end -}}

{{/* The longest gap between neighbours in a list of values on a circle of `size`. */}}
{{- define "run-job.cron.gap" -}}
{{- $values := .values -}}
{{- $previous := sub (int (last $values)) .size -}}
{{- $gap := 0 -}}
{{- range $values -}}
{{- $gap = max $gap (sub (int .) $previous) -}}
{{- $previous = int . -}}
{{- end -}}
{{- $gap -}}
{{- end -}}

{{/* The longest time between two runs of a schedule, in seconds; rounded up where months differ. */}}
{{- define "run-job.cron.period" -}}
{{- $cron := . -}}
{{- $day := 86400 -}}
{{- if lt (len $cron.months) 12 -}}
{{- mul $day (add 31 (mul 31 (include "run-job.cron.gap" (dict "values" $cron.months "size" 12)))) -}}
{{- else if lt (len $cron.daysOfMonth) 31 -}}
{{- if ge (int (first $cron.daysOfMonth)) 29 -}}
{{- mul $day 62 -}}
{{- else -}}
{{- mul $day (include "run-job.cron.gap" (dict "values" $cron.daysOfMonth "size" 31)) -}}
{{- end -}}
{{- else if lt (len $cron.daysOfWeek) 7 -}}
{{- mul $day (include "run-job.cron.gap" (dict "values" $cron.daysOfWeek "size" 7)) -}}
{{- else if lt (len $cron.hours) 24 -}}
{{- mul 3600 (include "run-job.cron.gap" (dict "values" $cron.hours "size" 24)) -}}
{{- else -}}
{{- mul 60 (include "run-job.cron.gap" (dict "values" $cron.minutes "size" 60)) -}}
{{- end -}}
{{- end -}}

{{/* Refuses a time zone that Kubernetes wouldn't take; else the hours in which its clocks may jump, as the list file has them. */}}
{{- define "run-job.timeZone" -}}
{{- $zones := .root.Files.Get "files/time-zones.txt" -}}
{{- $zone := toString .zone -}}
{{- $line := regexFind (printf "(?m)^%s( .*)?$" (regexQuoteMeta $zone)) $zones -}}
{{- if or (not $zone) (not $line) -}}
{{- $like := "" -}}
{{- if $zone -}}
{{- $like = regexFind (printf "(?im)^(\\S+/)?%s( |$)" (regexQuoteMeta (replace " " "_" $zone))) $zones | trim -}}
{{- end -}}
{{- fail (printf "\n\n%s: %q isn't an IANA time zone: %s" .where $zone (ternary (printf "did you mean %s?" $like) "write one such as Etc/UTC or Europe/Berlin" (ne $like ""))) -}}
{{- end -}}
{{- trimPrefix $zone $line | trim -}}
{{- end -}}

{{/* The hours of a schedule in which its zone's clocks may jump, joined by commas; empty where they never do. */}}
{{- define "run-job.jumps" -}}
{{- $hours := include "run-job.timeZone" (dict "root" .root "zone" .job.timeZone "where" (printf "jobs.%s.timeZone" .key)) -}}
{{- $cron := include "run-job.cron" (dict "line" .job.schedule "where" (printf "jobs.%s.schedule" .key)) | fromJson -}}
{{- $hit := list -}}
{{- if and $hours (lt (len $cron.hours) 24) -}}
{{- range splitList " " $hours -}}
{{- $hour := int . -}}
{{- range $cron.hours -}}
{{- if eq (int .) $hour -}}
{{- $hit = append $hit (printf "%02d:00" $hour) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- join ", " $hit -}}
{{- end -}}
