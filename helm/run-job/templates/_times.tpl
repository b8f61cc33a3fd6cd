{{/* Durations, and the deadlines that follow from them. */}}

{{/* Whole seconds, rounded up, of a duration such as 90s, 30m or 1h30m. */}}
{{- define "run-job.seconds" -}}
{{- $text := toString .text -}}
{{- if not (regexMatch "^([0-9]+([.][0-9]+)?(ms|s|m|h|d))+$" $text) -}}
{{- fail (printf "\n\n%s: %q isn't a duration: write a number and its unit (ms, s, m, h, d), such as 90s, 30m or 1h30m" .where $text) -}}
{{- end -}}
{{- $units := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 -}}
{{- $total := 0.0 -}}
{{- range regexFindAll "[0-9]+([.][0-9]+)?(ms|s|m|h|d)" $text -1 -}}
{{- $number := regexFind "^[0-9.]+" . -}}
{{- $total = addf $total (mulf (float64 $number) (get $units (trimPrefix $number .))) -}}
{{- end -}}
{{- if le $total 0.0 -}}
{{- fail (printf "\n\n%s: %q is no time at all: write a duration above zero, such as 90s or 30m" .where $text) -}}
{{- end -}}
{{- ceil $total | int64 -}}
{{- end -}}

{{/* Whole seconds, rounded up, of a setting that is a plain number. */}}
{{- define "run-job.numberOf" -}}
{{- $text := include "run-job.setting" . -}}
{{- if not (regexMatch "^[0-9]+([.][0-9]+)?(e[+]?[0-9]+)?$" $text) -}}
{{- fail (printf "\n\n%s (for jobs.%s) is %q: write a plain number, without a unit" .name .key $text) -}}
{{- end -}}
{{- ceil (divf (float64 $text) (float64 (default 1 .per))) | int64 -}}
{{- end -}}

{{/*
Every length of time of one job, in seconds, as JSON.

run          what one run may take: lock wait + timeout + grace + flush
pod          what one pod may take: the way to the run, the run, and closing
deadline     activeDeadlineSeconds: every pod that may be needed one after the other, with the controller's waits between them
termination  terminationGracePeriodSeconds

activeDeadlineSeconds is the Job's, with all its retries, while the runner's timeout is that of one pod. The controller waits
10 s before the first new pod and doubles that each time, up to 10 min.
*/}}
{{- define "run-job.times" -}}
{{- $job := .job -}}
{{- $where := printf "jobs.%s" .key -}}
{{- $timeout := include "run-job.seconds" (dict "text" $job.timeout "where" (printf "%s.timeout" $where)) | int64 -}}
{{- $start := include "run-job.seconds" (dict "text" $job.startAllowance "where" (printf "%s.startAllowance" $where)) | int64 -}}
{{- $setting := dict "root" .root "job" $job "key" .key -}}
{{- $grace := include "run-job.numberOf" (merge (dict "name" "WORKER_SHUTDOWN_TIMEOUT_SECONDS" "default" 30) $setting) | int64 -}}
{{- $flush := include "run-job.numberOf" (merge (dict "name" "OTEL_SHUTDOWN_TIMEOUT_MS" "default" 3000 "per" 1000) $setting) | int64 -}}
{{- $connect := include "run-job.numberOf" (merge (dict "name" "WORKER_CONNECT_TIMEOUT_SECONDS" "default" 10) $setting) | int64 -}}
{{- $wait := int64 0 -}}
{{- if eq $job.locked "wait" -}}
{{- $wait = include "run-job.numberOf" (merge (dict "name" "WORKER_LOCK_WAIT_SECONDS" "default" 60) $setting) | int64 -}}
{{- end -}}
{{- /* The runner bounds each step of its end (record, unlock, close, sidecars, standard output): 29 s at the worst. */ -}}
{{- $closing := int64 30 -}}
{{- $run := add $wait $timeout $grace $flush -}}
{{- $pod := add $start (mul 2 $connect) $run $closing -}}
{{- $retries := int $job.retries -}}
{{- $shards := int (default 1 $job.shards) -}}
{{- $parallelism := int (default $shards $job.parallelism) -}}
{{- if gt $parallelism $shards -}}
{{- fail (printf "\n\n%s.parallelism (%d) is more than its shards (%d): set it to %d at most" $where $parallelism $shards $shards) -}}
{{- end -}}
{{- $waves := int64 (ceil (divf $shards $parallelism)) -}}
{{- $waits := int64 0 -}}
{{- $next := int64 10 -}}
{{- range until $retries -}}
{{- $waits = add $waits $next -}}
{{- $next = min (mul 2 $next) 600 -}}
{{- end -}}
{{- $deadline := mul $waves (add (mul (add 1 $retries) $pod) $waits) -}}
{{- if not (kindIs "invalid" $job.activeDeadlineSeconds) -}}
{{- $deadline = int64 $job.activeDeadlineSeconds -}}
{{- if le $deadline $run -}}
{{- fail (printf "\n\n%s.activeDeadlineSeconds (%d) must be more than lock wait + timeout + grace + flush (%d + %d + %d + %d = %d s), else Kubernetes ends the run before the runner can say why: raise it, or leave it out to have it derived" $where $deadline $wait $timeout $grace $flush $run) -}}
{{- end -}}
{{- end -}}
{{- $termination := add $grace $flush $closing -}}
{{- if not (kindIs "invalid" $job.terminationGracePeriodSeconds) -}}
{{- $termination = int64 $job.terminationGracePeriodSeconds -}}
{{- if le $termination (add $grace $flush) -}}
{{- fail (printf "\n\n%s.terminationGracePeriodSeconds (%d) must be more than grace + flush (%d + %d = %d s), else a run that is told to stop is killed before it can close its record: raise it, or leave it out to have it derived" $where $termination $grace $flush (add $grace $flush)) -}}
{{- end -}}
{{- end -}}
{{- dict "timeout" $timeout "run" $run "pod" $pod "deadline" $deadline "termination" $termination "shards" $shards "parallelism" $parallelism | toJson -}}
{{- end -}}
