{{/* What an entry of `jobs` comes to. */}}

{{/*
The entries that are on, each merged over `jobDefaults`, as JSON: a map by key. `name` is what the runs are known by: lock, slot and
history are the name's, so that two entries of one job each do their work.
*/}}
{{- define "run-job.jobs" -}}
{{- $jobs := dict -}}
{{- range $key, $entry := .Values.jobs -}}
{{- $job := mergeOverwrite (deepCopy $.Values.jobDefaults) (deepCopy (default dict $entry)) -}}
{{- include "run-job.setEnv" (dict "job" $job "env" (default dict $entry).env) -}}
{{- include "run-job.refuseOwn" (dict "where" (printf "jobs.%s.env" $key) "env" $job.env) -}}
{{- include "run-job.dropNulls" $job -}}
{{- /* A digest wins over a tag, but not that of the defaults over an entry's own. */ -}}
{{- $image := default dict (default dict $entry).image -}}
{{- if and $image.tag (not $image.digest) -}}
{{- $_ := unset $job.image "digest" -}}
{{- end -}}
{{- if $job.enabled -}}
{{- if not $job.schedule -}}
{{- fail (printf "\n\njobs.%s.schedule is missing: give it a cron line, such as \"0 2 * * *\"" $key) -}}
{{- end -}}
{{- if $job.image -}}
{{- if not $job.image.repository -}}
{{- fail (printf "\n\njobs.%s.image.repository is missing: say which image" $key) -}}
{{- end -}}
{{- if not (or $job.image.tag $job.image.digest) -}}
{{- fail (printf "\n\njobs.%s.image needs a tag or a digest: what runs must not change by itself" $key) -}}
{{- end -}}
{{- else if ((default dict $entry).runner).inject -}}
{{- fail (printf "\n\njobs.%s.runner.inject is for an image of the job's own, and the chart's has run-job already: set image, or leave inject out" $key) -}}
{{- end -}}
{{- if and $job.job $job.command -}}
{{- fail (printf "\n\njobs.%s has both job and command: name the job that is found by its name, or the program to run" $key) -}}
{{- end -}}
{{- if and (default dict $entry).exitCodes (not $job.command) -}}
{{- fail (printf "\n\njobs.%s.exitCodes are those of a program, and it has no command: name the program to run, or leave them out" $key) -}}
{{- end -}}
{{- if not $job.command -}}
{{- include "run-job.refuseArgs" (dict "where" (printf "jobs.%s.args" $key) "args" $job.args) -}}
{{- end -}}
{{- $own := replace "-" "_" $key -}}
{{- $_ := set $job "job" (default $own $job.job) -}}
{{- $_ := set $job "name" (default (ternary $job.job $key (eq $own $job.job)) $job.name) -}}
{{- $_ := set $job "schedule" (include "run-job.spread" (dict "root" $ "key" $key "line" $job.schedule)) -}}
{{- $_ := set $jobs $key $job -}}
{{- end -}}
{{- end -}}
{{- include "run-job.refuseCircles" $jobs -}}
{{- toJson $jobs -}}
{{- end -}}

{{/* Arguments of run-job with which an entry would do no work and succeed, and those that the chart has to know of. */}}
{{- define "run-job.refuseArgs" -}}
{{- $help := "prints help and ends with 0, so that the work would never be done and the Job succeed: leave it out" -}}
{{- $refused := dict
    "--help" $help "-h" $help
    "--scheduled-at" "stands for one slot, which every run but the first would find done and succeed: leave it out"
    "--timeout" "is the chart's: use timeout" "--locked" "is the chart's: use locked" "--dry-run" "is the chart's: use dryRun"
    "--as" "is the chart's: use name" "--params" "is the chart's: use params"
-}}
{{- range .args -}}
{{- $flag := regexFind "^-[^=]*" (toString .) -}}
{{- if hasKey $refused $flag -}}
{{- fail (printf "\n\n%s: %s %s" $.where $flag (get $refused $flag)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* By these a run knows what it stands for: with one that is set by hand every run would take itself for the same. */}}
{{- define "run-job.refuseOwn" -}}
{{- range list "POD_NAME" "POD_NAMESPACE" "NODE_NAME" "JOB_NAME" "JOB_UID" "JOB_COMPLETION_INDEX" "CRONJOB_NAME" "RUN_JOB_SCHEDULE" "RUN_JOB_TIME_ZONE" "RUN_JOB_SHARDS" "RUN_JOB_SLOTS" -}}
{{- if hasKey $.env . -}}
{{- fail (printf "\n\n%s: %s is set for each run, which tells by it what it stands for: give a variable of yours another name" $.where .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Sets variables as they are: merged, two of different sources would become one with both. */}}
{{- define "run-job.setEnv" -}}
{{- range $name, $value := .env -}}
{{- $_ := set $.job.env $name $value -}}
{{- end -}}
{{- end -}}

{{/* Takes what is null out of a map and the maps within: null is how an entry takes back a default. */}}
{{- define "run-job.dropNulls" -}}
{{- $map := . -}}
{{- range $key, $value := deepCopy $map -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $map $key -}}
{{- else if kindIs "map" $value -}}
{{- include "run-job.dropNulls" (get $map $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The value that a job will see of one of the runner's variables: its own, else that of `config`, else the default. */}}
{{- define "run-job.setting" -}}
{{- $own := get (default dict .job.env) .name -}}
{{- if and (not (kindIs "map" $own)) (ne (toString $own) "") (hasKey (default dict .job.env) .name) -}}
{{- $own -}}
{{- else if ne (toString (get (default dict .root.Values.config) .name)) "" -}}
{{- get .root.Values.config .name -}}
{{- else -}}
{{- .default -}}
{{- end -}}
{{- end -}}

{{/* Refuses a credential in a place that isn't a Secret. `values` is a map of names to values, `where` its path. */}}
{{- define "run-job.refuseSecrets" -}}
{{- range $name, $value := .values -}}
{{- if not (kindIs "map" $value) -}}
{{- $known := has $name (list "DATABASE_URL" "AMQP_URL" "RUN_JOB_CHECKINS" "RUN_JOB_MONITORS" "RUN_JOB_NOTIFY" "OTEL_EXPORTER_OTLP_HEADERS" "OTEL_EXPORTER_OTLP_TRACES_HEADERS" "OTEL_EXPORTER_OTLP_METRICS_HEADERS" "OTEL_EXPORTER_OTLP_LOGS_HEADERS") -}}
{{- $named := regexMatch "(?i)(password|passwd|secret|token|api_?key|private_?key)$" $name -}}
{{- $inUrl := regexMatch "://[^/@:\\s]*:[^/@\\s]+@" (toString $value) -}}
{{- if or $known $named $inUrl -}}
{{- fail (printf "\n\n%s.%s looks like a credential, and would be readable by all who can read the release or its objects: put it into a Secret (secret.existing or secret.refs)" $.where $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
