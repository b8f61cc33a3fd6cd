{{/* Which minutes have more pods than may be at work at once. */}}

{{/*
The most crowded minute as JSON, or nothing where every minute has room: `at`, `pods`, `places`, `wait` and `keys`. Entries of
different time zones are counted apart, since Helm knows no offsets. Days of the month and months count as if they always fell together;
days of the week are told apart.
*/}}
{{- define "run-job.crowd" -}}
{{- $root := . -}}
{{- $minutes := dict -}}
{{- $entries := dict -}}
{{- range $key, $job := include "run-job.jobs" . | fromJson -}}
{{- if not $job.suspend -}}
{{- $cron := include "run-job.cron" (dict "line" $job.schedule "where" (printf "jobs.%s.schedule" $key)) | fromJson -}}
{{- $times := include "run-job.times" (dict "root" $root "key" $key "job" $job) | fromJson -}}
{{- $pods := int $times.parallelism -}}
{{- $anyDay := or (lt (len $cron.daysOfMonth) 31) (lt (len $cron.months) 12) -}}
{{- $days := list -}}
{{- range $cron.daysOfWeek -}}
{{- $days = append $days (int .) -}}
{{- end -}}
{{- $_ := set $entries $key (dict "pods" $pods "days" (ternary (until 7) $days $anyDay) "places" (int $times.places) "wait" (int $times.wait)) -}}
{{- range $hour := $cron.hours -}}
{{- range $minute := $cron.minutes -}}
{{- $at := printf "%02d:%02d %s" (int $hour) (int $minute) $job.timeZone -}}
{{- $_ := set $minutes $at (append (default list (get $minutes $at)) $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $worst := dict "pods" 0 -}}
{{- range $at, $keys := $minutes -}}
{{- $most := 0 -}}
{{- range $keys -}}
{{- $most = add $most (get $entries .).pods -}}
{{- end -}}
{{- /* Not worth a look at its days where it can't be the worst. */ -}}
{{- range $day := and (gt (len $keys) 1) (gt (int $most) (int $worst.pods)) | ternary (until 7) list -}}
{{- $pods := 0 -}}
{{- $places := 0 -}}
{{- $wait := 0 -}}
{{- $there := list -}}
{{- range $key := $keys -}}
{{- $entry := get $entries $key -}}
{{- if has $day $entry.days -}}
{{- $pods = add $pods $entry.pods -}}
{{- $places = ternary $entry.places (min $places $entry.places) (eq (int $places) 0) -}}
{{- $wait = max $wait $entry.wait -}}
{{- $there = append $there $key -}}
{{- end -}}
{{- end -}}
{{- if and (gt (int $pods) (int $places)) (gt (int $pods) (int $worst.pods)) -}}
{{- $worst = dict "at" $at "pods" $pods "places" $places "wait" $wait "keys" $there -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $worst.at -}}
{{- toJson $worst -}}
{{- end -}}
{{- end -}}
