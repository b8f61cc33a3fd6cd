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

{{/*
What the runner takes where a variable isn't set: the one place of the chart that knows it. A test holds it to the runner's own
defaults. RUN_JOB_RECORD_TIMEOUT_SECONDS is how long a run may try to record how it ended.
*/}}
{{- define "run-job.runnerDefaults" -}}
WORKER_SHUTDOWN_TIMEOUT_SECONDS: 30
WORKER_CONNECT_TIMEOUT_SECONDS: 10
WORKER_LOCK_WAIT_SECONDS: 600
WORKER_MAX_CONCURRENT_JOBS: 10
RUN_JOB_RECORD_TIMEOUT_SECONDS: 60
OTEL_SHUTDOWN_TIMEOUT_MS: 3000
RUN_JOB_NOTIFY_TIMEOUT_MS: 2000
{{- end -}}

{{/* What the runner takes of them: the least, the most, and whether it must be whole. The same test holds it to the runner. */}}
{{- define "run-job.runnerBounds" -}}
WORKER_SHUTDOWN_TIMEOUT_SECONDS: [0, 86400, false]
WORKER_CONNECT_TIMEOUT_SECONDS: [0.1, 600, false]
WORKER_LOCK_WAIT_SECONDS: [0, 86400, false]
WORKER_MAX_CONCURRENT_JOBS: [1, 10000, true]
RUN_JOB_RECORD_TIMEOUT_SECONDS: [1, 3600, false]
OTEL_SHUTDOWN_TIMEOUT_MS: [0, 600000, true]
RUN_JOB_NOTIFY_TIMEOUT_MS: [0, 600000, true]
DATABASE_POOL_SIZE: [1, 1000, true]
WORKER_DEFAULT_TIMEOUT_SECONDS: [0.001, 1987200, false]
WORKER_LOCK_CHECK_SECONDS: [0.1, 600, false]
RUN_JOB_HISTORY_DAYS: [1, 36500, true]
{{- end -}}

{{/* Whole units, rounded up, of one of these variables. Takes root, job, key, name, and `per`, by which it is divided. */}}
{{- define "run-job.numberOf" -}}
{{- $default := get (include "run-job.runnerDefaults" . | fromYaml) .name -}}
{{- $text := include "run-job.setting" (merge (dict "default" $default) .) -}}
{{- if not (regexMatch "^[0-9]+([.][0-9]+)?(e[+]?[0-9]+)?$" $text) -}}
{{- fail (printf "\n\n%s (for jobs.%s) is %q: write a plain number, without a unit" .name .key $text) -}}
{{- end -}}
{{- $bounds := get (include "run-job.runnerBounds" . | fromYaml) .name -}}
{{- $number := float64 $text -}}
{{- if or (lt $number (float64 (index $bounds 0))) (gt $number (float64 (index $bounds 1))) (and (index $bounds 2) (ne $number (floor $number))) -}}
{{- fail (printf "\n\n%s (for jobs.%s) is %s, with which no run begins: write a %s from %v to %v" .name .key $text (ternary "whole number" "number" (index $bounds 2)) (index $bounds 0) (index $bounds 1)) -}}
{{- end -}}
{{- ceil (divf (float64 $text) (float64 (default 1 .per))) | int64 -}}
{{- end -}}

{{/*
Every length of time of one job, in seconds, as JSON; and how many shards run at once.

run          what one run may take: wait + timeout + grace + flush + record
pod          what one pod may take: the way to the run, the run, and closing; and as much for each missed time that it may catch up with
long         what a Job may take that needs no retry: a pod for each round, and the controller's waits between them
late         how long after its time a run may begin: the way to it, and the wait
deadline     activeDeadlineSeconds: every pod that may be needed one after the other, with the controller's waits between them
termination  terminationGracePeriodSeconds

wait is that for the lock, for one of the places, and for a database that has no connection left, whatever `locked` says: it is one
bound for all of them; and that for the slots of `after`. activeDeadlineSeconds is the Job's, with all its
retries and rounds (maxRounds), while the runner's timeout is that of one pod. The controller waits 10 s before the first new pod and doubles that each time, up to 10 min.
*/}}
{{- define "run-job.times" -}}
{{- $job := .job -}}
{{- $where := printf "jobs.%s" .key -}}
{{- $timeout := include "run-job.seconds" (dict "text" $job.timeout "where" (printf "%s.timeout" $where)) | int64 -}}
{{- if gt $timeout 1987200 -}}
{{- fail (printf "\n\n%s.timeout: %q is more than a run may take: write at most 23d; work that takes longer goes on in another pod (maxRounds)" $where $job.timeout) -}}
{{- end -}}
{{- $start := include "run-job.seconds" (dict "text" $job.startAllowance "where" (printf "%s.startAllowance" $where)) | int64 -}}
{{- $setting := dict "root" .root "job" $job "key" .key -}}
{{- /* Those that nothing is derived from are checked where somebody has set them. */ -}}
{{- range $name := keys (include "run-job.runnerBounds" . | fromYaml) | sortAlpha -}}
{{- if ne (include "run-job.setting" (merge (dict "name" $name "default" "") $setting)) "" -}}
{{- $_ := include "run-job.numberOf" (merge (dict "name" $name) $setting) -}}
{{- end -}}
{{- end -}}
{{- $wait := include "run-job.numberOf" (merge (dict "name" "WORKER_LOCK_WAIT_SECONDS") $setting) | int64 -}}
{{- /* The two waits follow each other. */ -}}
{{- $wait = add $wait (include "run-job.afterWait" (dict "job" $job "where" $where "wait" $wait) | int64) -}}
{{- $grace := include "run-job.numberOf" (merge (dict "name" "WORKER_SHUTDOWN_TIMEOUT_SECONDS") $setting) | int64 -}}
{{- /* Telemetry, check-ins and notifications are sent at the same time. */ -}}
{{- $telemetry := include "run-job.numberOf" (merge (dict "name" "OTEL_SHUTDOWN_TIMEOUT_MS" "per" 1000) $setting) | int64 -}}
{{- $notify := include "run-job.numberOf" (merge (dict "name" "RUN_JOB_NOTIFY_TIMEOUT_MS" "per" 1000) $setting) | int64 -}}
{{- $flush := max $telemetry $notify -}}
{{- $record := include "run-job.numberOf" (merge (dict "name" "RUN_JOB_RECORD_TIMEOUT_SECONDS") $setting) | int64 -}}
{{- $connect := include "run-job.numberOf" (merge (dict "name" "WORKER_CONNECT_TIMEOUT_SECONDS") $setting) | int64 -}}
{{- $places := include "run-job.numberOf" (merge (dict "name" "WORKER_MAX_CONCURRENT_JOBS") $setting) | int64 -}}
{{- /* The runner bounds each further step of its end (unlock, close, sidecars, standard output): 20 s at the worst. */ -}}
{{- $closing := int64 20 -}}
{{- $run := add $wait $timeout $grace $flush $record -}}
{{- $runs := 1 -}}
{{- if eq $job.catchUp "all" -}}
{{- $runs = add 1 (int $job.catchUpLimit) -}}
{{- end -}}
{{- $pod := add $start (mul $runs (add (mul 2 $connect) $run $closing)) -}}
{{- $retries := int $job.retries -}}
{{- $shards := int64 (default 1 $job.shards) -}}
{{- $parallelism := int64 (default (min $shards $places) $job.parallelism) -}}
{{- if gt $parallelism $shards -}}
{{- fail (printf "\n\n%s.parallelism (%d) is more than its shards (%d): set it to %d at most" $where $parallelism $shards $shards) -}}
{{- end -}}
{{- if gt $parallelism $places -}}
{{- fail (printf "\n\n%s.parallelism (%d) is more than may be at work at once (WORKER_MAX_CONCURRENT_JOBS, %d): the rest of its pods would only wait; set it to %d at most, leave it out, or raise WORKER_MAX_CONCURRENT_JOBS in config" $where $parallelism $places $places) -}}
{{- end -}}
{{- $waves := int64 (ceil (divf $shards $parallelism)) -}}
{{- /* A pod that ends as continued counts as no retry; the controller waits before the next one all the same. */ -}}
{{- $more := int (add $retries (sub (int64 (default 1 $job.maxRounds)) 1)) -}}
{{- $rounds := int (default 1 $job.maxRounds) -}}
{{- $long := mul $rounds $pod -}}
{{- $waits := int64 0 -}}
{{- $next := int64 10 -}}
{{- range $wait := until $more -}}
{{- $waits = add $waits $next -}}
{{- if lt (int $wait) (sub $rounds 1 | int) -}}
{{- $long = add $long $next -}}
{{- end -}}
{{- $next = min (mul 2 $next) 600 -}}
{{- end -}}
{{- $deadline := mul $waves (add (mul (add 1 $more) $pod) $waits) -}}
{{- if not (kindIs "invalid" $job.activeDeadlineSeconds) -}}
{{- $deadline = int64 $job.activeDeadlineSeconds -}}
{{- if le $deadline $run -}}
{{- fail (printf "\n\n%s.activeDeadlineSeconds (%d) must be more than lock wait + timeout + grace + flush + record (%d + %d + %d + %d + %d = %d s), else Kubernetes ends the run before the runner can say why: raise it, or leave it out to have it derived" $where $deadline $wait $timeout $grace $flush $record $run) -}}
{{- end -}}
{{- end -}}
{{- $least := add $grace $flush $record -}}
{{- $termination := add $least $closing -}}
{{- if not (kindIs "invalid" $job.terminationGracePeriodSeconds) -}}
{{- $termination = int64 $job.terminationGracePeriodSeconds -}}
{{- if le $termination $least -}}
{{- fail (printf "\n\n%s.terminationGracePeriodSeconds (%d) must be more than grace + flush + record (%d + %d + %d = %d s), else a run that is told to stop is killed before it can close its record: raise it, or leave it out to have it derived" $where $termination $grace $flush $record $least) -}}
{{- end -}}
{{- end -}}
{{- dict "wait" $wait "timeout" $timeout "run" $run "pod" $pod "long" $long "late" (add $start $wait) "deadline" $deadline "termination" $termination "shards" $shards "parallelism" $parallelism "places" $places | toJson -}}
{{- end -}}
