{{/* Refuses what no template can make sense of, before one trips over it. Every template begins with `run-job.check`. */}}

{{- define "run-job.check" -}}
{{- include "run-job.check.nulls" . -}}
{{- include "run-job.check.labels" . -}}
{{- include "run-job.check.numbers" . -}}
{{- if .Values.jobDefaults.name -}}
{{- fail "\n\njobDefaults.name would give every entry the same name, and so one lock and one slot for all: set jobs.<key>.name" -}}
{{- end -}}
{{- end -}}

{{/*
null takes a value's default away. A map or a list of one's own is then empty; whatever the chart can't do without is refused: its
default would be gone as well.
*/}}
{{- define "run-job.check.nulls" -}}
{{- $needed := list
    "image" "image.repository" "image.pullPolicy" "secret" "serviceAccount" "serviceAccount.create" "jobDefaults" "migration"
    "migration.enabled" "migration.timeout" "migration.retries" "migration.ttlSecondsAfterFinished" "test" "test.enabled"
    "networkPolicy" "networkPolicy.enabled" "grafanaDashboard" "grafanaDashboard.enabled" "prometheusRule" "prometheusRule.enabled"
    "notifications" "notifications.enabled" "notifications.schedule"
    "console" "console.enabled" "console.replicas" "console.actions" "console.service" "console.service.port" "console.ingress" "console.ingress.enabled"
    "console.httpRoute" "console.httpRoute.enabled" "console.serviceMonitor" "console.serviceMonitor.enabled" "console.serviceMonitor.interval"
-}}
{{- range list "jobFailed" "notSucceeded" "runsLong" "historyUnreachable" "failing" "overdue" "missed" "placesExhausted" "consoleStale" -}}
{{- $needed = append $needed (printf "prometheusRule.%s" .) -}}
{{- $needed = append $needed (printf "prometheusRule.%s.enabled" .) -}}
{{- $needed = append $needed (printf "prometheusRule.%s.severity" .) -}}
{{- end -}}
{{- range list "enabled" "timeZone" "suspend" "timeout" "retries" "locked" "dryRun" "shards" "maxRounds" "startingDeadlineSeconds" "successfulJobsHistoryLimit" "failedJobsHistoryLimit" "ttlSecondsAfterFinished" "startAllowance" "catchUp" "catchUpLimit" "heapPercent" "tmpSize" "alerts" "runner" "runner.inject" "runner.path" "automountServiceAccountToken" -}}
{{- $needed = append $needed (printf "jobDefaults.%s" .) -}}
{{- end -}}
{{- range $path := $needed -}}
{{- $at := $.Values -}}
{{- range $key := splitList "." $path -}}
{{- if kindIs "map" $at -}}
{{- $at = get $at $key -}}
{{- end -}}
{{- if or (kindIs "invalid" $at) (eq (toString $at) "") -}}
{{- fail (printf "\n\n%s is null or empty, which takes the chart's default away and leaves nothing in its place: leave it out to keep the default, or write a value" $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "run-job.check.fill" (dict "in" .Values "maps" (list "commonLabels" "commonAnnotations" "config" "jobs" "podSecurityContext" "containerSecurityContext") "lists" (list "imagePullSecrets" "extraObjects")) -}}
{{- /* An entry that another values file takes back. */ -}}
{{- range $key, $entry := .Values.jobs -}}
{{- if kindIs "invalid" $entry -}}
{{- $_ := unset $.Values.jobs $key -}}
{{- end -}}
{{- end -}}
{{- include "run-job.check.fill" (dict "in" .Values.secret "maps" (list "refs" "values") "lists" list) -}}
{{- include "run-job.check.fill" (dict "in" .Values.serviceAccount "maps" (list "annotations") "lists" list) -}}
{{- include "run-job.check.fill" (dict "in" .Values.migration "maps" (list "env") "lists" list) -}}
{{- include "run-job.check.fill" (dict "in" .Values.prometheusRule "maps" (list "labels" "annotations" "alertLabels") "lists" list) -}}
{{- include "run-job.check.fill" (dict "in" .Values.notifications "maps" (list "env") "lists" list) -}}
{{- include "run-job.check.fill" (dict "in" .Values.console "maps" (list "tokenSecret" "env" "resources") "lists" (list "trustedProxies" "identityHeaders" "actors" "fromPeers")) -}}
{{- include "run-job.check.fill" (dict "in" .Values.console.service "maps" (list "annotations") "lists" list) -}}
{{- include "run-job.check.fill" (dict "in" .Values.console.ingress "maps" (list "annotations") "lists" list) -}}
{{- include "run-job.check.fill" (dict "in" .Values.console.httpRoute "maps" (list "annotations") "lists" (list "parentRefs" "hostnames")) -}}
{{- include "run-job.check.fill" (dict "in" .Values.console.serviceMonitor "maps" (list "labels") "lists" list) -}}
{{- include "run-job.check.fill" (dict "in" .Values.grafanaDashboard "maps" (list "labels" "annotations") "lists" list) -}}
{{- include "run-job.check.fill" (dict "in" .Values.jobDefaults "maps" (list "params" "env" "resources" "labels" "annotations" "podLabels" "podAnnotations" "nodeSelector" "affinity" "dnsConfig" "image" "lifecycle" "blackouts") "lists" (list "command" "args" "imagePullSecrets" "envFrom" "shutdownUrls" "sidecars" "initContainers" "volumes" "volumeMounts" "tolerations" "topologySpreadConstraints" "hostAliases" "tags" "after")) -}}
{{- end -}}

{{/* Puts an empty map or list in the place of each of these that is null. */}}
{{- define "run-job.check.fill" -}}
{{- range $key := .maps -}}
{{- if kindIs "invalid" (index $.in $key) -}}
{{- $_ := set $.in $key dict -}}
{{- end -}}
{{- end -}}
{{- range $key := .lists -}}
{{- if kindIs "invalid" (index $.in $key) -}}
{{- $_ := set $.in $key list -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels that the chart sets itself: two of one name are no YAML, and those of others would take pods away from their selectors. */}}
{{- define "run-job.check.labels" -}}
{{- $places := dict "commonLabels" .Values.commonLabels "jobDefaults.labels" .Values.jobDefaults.labels "jobDefaults.podLabels" .Values.jobDefaults.podLabels -}}
{{- range $key, $entry := .Values.jobs -}}
{{- $_ := set $places (printf "jobs.%s.labels" $key) (default dict $entry).labels -}}
{{- $_ := set $places (printf "jobs.%s.podLabels" $key) (default dict $entry).podLabels -}}
{{- end -}}
{{- range $where, $labels := $places -}}
{{- range $name := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "app.kubernetes.io/component" "helm.sh/chart" -}}
{{- if hasKey (default dict $labels) $name -}}
{{- fail (printf "\n\n%s: the chart sets %s itself: leave it out, or use nameOverride, image.tag or a label of another name" $where $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Helm reads numbers as floats, which lose digits. */}}
{{- define "run-job.check.numbers" -}}
{{- include "run-job.check.number" (dict "where" "image.tag" "value" .Values.image.tag "text" true) -}}
{{- include "run-job.check.number" (dict "where" "config" "value" .Values.config) -}}
{{- include "run-job.check.number" (dict "where" "secret.values" "value" .Values.secret.values "text" true) -}}
{{- include "run-job.check.number" (dict "where" "migration.env" "value" .Values.migration.env "text" true) -}}
{{- include "run-job.check.number" (dict "where" "jobDefaults.env" "value" .Values.jobDefaults.env "text" true) -}}
{{- include "run-job.check.number" (dict "where" "jobDefaults.params" "value" .Values.jobDefaults.params) -}}
{{- range $key, $entry := .Values.jobs -}}
{{- with $entry -}}
{{- include "run-job.check.number" (dict "where" (printf "jobs.%s.env" $key) "value" .env "text" true) -}}
{{- include "run-job.check.number" (dict "where" (printf "jobs.%s.params" $key) "value" .params) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Refuses the numbers in a value, at any depth, that aren't what was written any more: whole ones beyond 2^53 and, where a text is wanted
(`text`), those with a fraction, of which 1.10 has become 1.1.
*/}}
{{- define "run-job.check.number" -}}
{{- $value := .value -}}
{{- if kindIs "map" $value -}}
{{- range $key, $item := $value -}}
{{- if has $key (list "true" "false") -}}
{{- fail (printf "\n\n%s has a name that YAML reads as %s, such as y, n, yes, no, on or off: quote it" $.where $key) -}}
{{- end -}}
{{- include "run-job.check.number" (dict "where" (printf "%s.%s" $.where $key) "value" $item "text" $.text) -}}
{{- end -}}
{{- else if kindIs "slice" $value -}}
{{- range $index, $item := $value -}}
{{- include "run-job.check.number" (dict "where" (printf "%s[%d]" $.where $index) "value" $item "text" $.text) -}}
{{- end -}}
{{- else if or (kindIs "float64" $value) (kindIs "int64" $value) (kindIs "int" $value) -}}
{{- if or (gt (float64 $value) 9007199254740991.0) (lt (float64 $value) -9007199254740991.0) -}}
{{- fail (printf "\n\n%s is a number with more digits than Helm keeps: quote it" .where) -}}
{{- end -}}
{{- if and .text (kindIs "float64" $value) (ne (floor $value) $value) -}}
{{- fail (printf "\n\n%s is a number with a fraction, which may have lost a digit already (1.10 is read as 1.1): quote it" .where) -}}
{{- end -}}
{{- end -}}
{{- end -}}
