{{/* The schedules file: what the database is told of the entries, so that it knows what should have run. */}}

{{/* What run-job is called with for one entry, as a JSON list. Takes job (merged). */}}
{{- define "run-job.args" -}}
{{- $job := .job -}}
{{- $args := empty $job.command | ternary (list $job.job) (list "exec" $job.name) -}}
{{- $args = concat $args (list (printf "--timeout=%s" $job.timeout) (printf "--locked=%s" $job.locked)) -}}
{{- if and (ne $job.name $job.job) (not $job.command) -}}
{{- $args = append $args (printf "--as=%s" $job.name) -}}
{{- end -}}
{{- if $job.dryRun -}}
{{- $args = append $args "--dry-run" -}}
{{- end -}}
{{- with $job.params -}}
{{- $args = append $args (printf "--params=%s" (toRawJson .)) -}}
{{- end -}}
{{- with $job.command -}}
{{- range $code, $meaning := $job.exitCodes -}}
{{- $args = append $args (printf "--exit-code=%s=%s" $code $meaning) -}}
{{- end -}}
{{- $args = append $args "--" -}}
{{- range . -}}
{{- $args = append $args (toString .) -}}
{{- end -}}
{{- end -}}
{{- range $job.args -}}
{{- $args = append $args (toString .) -}}
{{- end -}}
{{- toJson $args -}}
{{- end -}}

{{/*
The entries that are told of, by key, as a JSON list of keys. Not told of are dry runs, which do nothing for a scheduled time, and entries
with a database of their own, whose runs tell of their schedules themselves. Of entries that share a name the first is told of: a name has
one schedule.
*/}}
{{- define "run-job.scheduledKeys" -}}
{{- $keys := list -}}
{{- $names := list -}}
{{- range $key, $job := include "run-job.jobs" . | fromJson -}}
{{- if not (or $job.dryRun (hasKey (default dict $job.env) "DATABASE_URL") (has $job.name $names)) -}}
{{- $keys = append $keys $key -}}
{{- $names = append $names $job.name -}}
{{- end -}}
{{- end -}}
{{- toJson $keys -}}
{{- end -}}

{{- define "run-job.schedulesFile" -}}
{{- $root := . -}}
{{- $jobs := include "run-job.jobs" . | fromJson -}}
{{- $entries := list -}}
{{- range $key := include "run-job.scheduledKeys" . | fromJsonArray -}}
{{- $job := get $jobs $key -}}
{{- $times := include "run-job.times" (dict "root" $root "key" $key "job" $job) | fromJson -}}
{{- $entry := dict
    "name" $job.name
    "job" (empty $job.command | ternary $job.job $job.name)
    "schedule" $job.schedule
    "timeZone" $job.timeZone
    "args" (include "run-job.args" (dict "job" $job) | fromJsonArray)
    "shards" (int $times.shards)
    "timeout" $job.timeout
    "activeDeadlineSeconds" (int64 $times.deadline)
    "startingDeadlineSeconds" (int64 $job.startingDeadlineSeconds)
    "lateAfter" (default (printf "%ds" (int64 $times.late)) $job.lateAfter)
    "catchUp" $job.catchUp
    "catchUpLimit" (int $job.catchUpLimit)
    "suspend" $job.suspend
    "cronJob" (include "run-job.cronJobName" (dict "root" $root "key" $key "job" $job))
    "namespace" $root.Release.Namespace
-}}
{{- range $field := list "params" "owner" "runbook" "tags" "pauseAfter" "notifyEvery" "blackouts" "after" -}}
{{- with get $job $field -}}
{{- $_ := set $entry $field . -}}
{{- end -}}
{{- end -}}
{{- $entries = append $entries $entry -}}
{{- end -}}
{{- dict "source" (printf "%s/%s" .Release.Namespace .Release.Name) "schedules" $entries | toYaml -}}
{{- end -}}

{{/* Refuses entries that wait for each other: whoever waits for nobody that is left is taken away, until none can be. */}}
{{- define "run-job.refuseCircles" -}}
{{- $left := dict -}}
{{- range $key, $job := . -}}
{{- $others := list -}}
{{- range $job.after -}}
{{- $others = append $others .name -}}
{{- end -}}
{{- $_ := set $left $job.name $others -}}
{{- end -}}
{{- range until (len $left) -}}
{{- range $name, $others := deepCopy $left -}}
{{- $waits := false -}}
{{- range $others -}}
{{- if hasKey $left . -}}
{{- $waits = true -}}
{{- end -}}
{{- end -}}
{{- if not $waits -}}
{{- $_ := unset $left $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $left -}}
{{- fail (printf "\n\njobs: %s come after each other in a circle, so that none of them could ever begin: take one of them out of `after`" (keys $left | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
