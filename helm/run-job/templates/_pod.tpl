{{/* The pod that every object of ours runs: a CronJob's, the migration's and the test's. */}}

{{/* A value as text: whole numbers without an exponent, and nothing for null. */}}
{{- define "run-job.text" -}}
{{- if kindIs "invalid" . -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- define "run-job.fieldRef" -}}
{{- dict "valueFrom" (dict "fieldRef" (dict "fieldPath" .)) | toJson -}}
{{- end -}}

{{/* Environment variables as a list, by name. What the job sets itself wins. */}}
{{- define "run-job.env" -}}
{{- $job := .job -}}
{{- $env := dict -}}
{{- if .inlineConfig -}}
{{- range $name, $value := .root.Values.config -}}
{{- $_ := set $env $name (dict "value" (include "run-job.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $env "POD_NAME" (include "run-job.fieldRef" "metadata.name" | fromJson) -}}
{{- $_ := set $env "POD_NAMESPACE" (include "run-job.fieldRef" "metadata.namespace" | fromJson) -}}
{{- $_ := set $env "NODE_NAME" (include "run-job.fieldRef" "spec.nodeName" | fromJson) -}}
{{- if .ofJob -}}
{{- $_ := set $env "JOB_NAME" (include "run-job.fieldRef" "metadata.labels['batch.kubernetes.io/job-name']" | fromJson) -}}
{{- $_ := set $env "JOB_UID" (include "run-job.fieldRef" "metadata.labels['batch.kubernetes.io/controller-uid']" | fromJson) -}}
{{- end -}}
{{- with .cronJobName -}}
{{- $_ := set $env "CRONJOB_NAME" (dict "value" .) -}}
{{- $_ := set $env "RUN_JOB_SCHEDULE" (dict "value" $job.schedule) -}}
{{- $_ := set $env "RUN_JOB_TIME_ZONE" (dict "value" $job.timeZone) -}}
{{- if eq $job.catchUp "all" -}}
{{- $_ := set $env "RUN_JOB_CATCH_UP" (dict "value" "all") -}}
{{- end -}}
{{- end -}}
{{- with $job.checkpointFile -}}
{{- $_ := set $env "WORKER_CHECKPOINT_FILE" (dict "value" .) -}}
{{- end -}}
{{- if hasKey . "retries" -}}
{{- $_ := set $env "RUN_JOB_RETRIES" (dict "value" (toString (int .retries))) -}}
{{- end -}}
{{- if gt (int (default 1 $job.shards)) 1 -}}
{{- $_ := set $env "RUN_JOB_SHARDS" (dict "value" (toString (int $job.shards))) -}}
{{- end -}}
{{- with $job.shutdownUrls -}}
{{- $_ := set $env "RUN_JOB_SHUTDOWN_URLS" (dict "value" (join "," .)) -}}
{{- end -}}
{{- range $name, $ref := .root.Values.secret.refs -}}
{{- $_ := set $env $name (dict "valueFrom" (dict "secretKeyRef" $ref)) -}}
{{- end -}}
{{- range $name, $value := $job.env -}}
{{- if kindIs "map" $value -}}
{{- $_ := set $env $name $value -}}
{{- else -}}
{{- $_ := set $env $name (dict "value" (include "run-job.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- /* The runtime reads the container's memory limit itself; without a limit, its own default is the better one. Options that come
out of a Secret or the like can't be added to. A program would inherit it, and an older Node refuse it. */ -}}
{{- if and (not $job.command) (($job.resources).limits).memory (not (hasKey (default dict (get $env "NODE_OPTIONS")) "valueFrom")) -}}
{{- $options := get (default dict (get $env "NODE_OPTIONS")) "value" | default "" -}}
{{- $heap := printf "--max-old-space-size-percentage=%d" (int $job.heapPercent) -}}
{{- if not (contains "--max-old-space-size" $options) -}}
{{- $_ := set $env "NODE_OPTIONS" (dict "value" (printf "%s %s" $heap $options | trim)) -}}
{{- end -}}
{{- end -}}
{{- range $name := keys $env | sortAlpha }}
- name: {{ $name | quote }}
  {{- toYaml (get $env $name) | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "run-job.envFrom" -}}
{{- if and .root.Values.config (not .inlineConfig) }}
- configMapRef:
    name: {{ include "run-job.fullname" .root | quote }}
{{- end }}
{{- with .secretName }}
- secretRef:
    name: {{ . | quote }}
{{- end }}
{{- with .root.Values.secret.existing }}
- secretRef:
    name: {{ tpl . $.root | quote }}
{{- end }}
{{- with .job.envFrom }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{/* Whether an init container brings run-job into the job's own image: "true", or nothing. */}}
{{- define "run-job.injects" -}}
{{- if and .image (default dict .runner).inject }}true{{ end -}}
{{- end -}}

{{/* Where run-job is in an image of the job's own. */}}
{{- define "run-job.path" -}}
{{- trimSuffix "/" (default dict .runner).path | default "/opt/run-job" -}}
{{- end -}}

{{/* Copies run-job, its Node and an init out of our image into a folder that the job's container sees. */}}
{{- define "run-job.injector" -}}
- name: run-job-inject
  image: {{ include "run-job.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [inject, /run-job]
  resources:
    requests: {cpu: 50m, memory: 64Mi}
    limits: {memory: 256Mi}
  {{- with .Values.containerSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - name: run-job
      mountPath: /run-job
{{- end -}}

{{/* A container that the user wrote, with our security context unless it has one, and further fields over it. */}}
{{- define "run-job.userContainer" -}}
{{- $container := mergeOverwrite (deepCopy .container) .with -}}
{{- if not (hasKey $container "securityContext") -}}
{{- $_ := set $container "securityContext" .root.Values.containerSecurityContext -}}
{{- end -}}
- {{ toYaml $container | nindent 2 | trim }}
{{- end -}}

{{/*
The pod's spec. Takes: root, job (merged), args, serviceAccountName, secretName, inlineConfig, ofJob, cronJobName,
terminationGracePeriodSeconds, retries, and of a pod that goes on restartPolicy and container, further fields of the container.
*/}}
{{- define "run-job.podSpec" -}}
{{- $root := .root -}}
{{- $job := .job -}}
{{- range $job.volumes -}}
{{- if and (eq .name "run-job") (include "run-job.injects" $job) -}}
{{- fail "\n\na volume is named run-job, which is the chart's own with runner.inject: give yours another name" -}}
{{- end -}}
{{- if eq .name "tmp" -}}
{{- fail "\n\na volume is named tmp, which is the chart's own at /tmp: give yours another name, or set tmpSize" -}}
{{- end -}}
{{- end -}}
{{- range concat $job.sidecars $job.initContainers -}}
{{- if eq .name "run-job" -}}
{{- fail "\n\na sidecar or init container is named run-job, which is the job's own: give yours another name" -}}
{{- end -}}
{{- if and (eq .name "run-job-inject") (include "run-job.injects" $job) -}}
{{- fail "\n\na sidecar or init container is named run-job-inject, which is the chart's own with runner.inject: give yours another name" -}}
{{- end -}}
{{- end -}}
{{- $places := list "/tmp" -}}
{{- if include "run-job.injects" $job -}}
{{- $places = append $places (include "run-job.path" $job) -}}
{{- end -}}
{{- range $job.volumeMounts -}}
{{- if has .mountPath $places -}}
{{- fail (printf "\n\na volume is mounted at %s, where the chart's own emptyDir is: mount it elsewhere%s" .mountPath (eq .mountPath "/tmp" | ternary ", or set tmpSize" "")) -}}
{{- end -}}
{{- end -}}
restartPolicy: {{ default "Never" .restartPolicy }}
serviceAccountName: {{ .serviceAccountName | quote }}
automountServiceAccountToken: {{ default false $job.automountServiceAccountToken }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .terminationGracePeriodSeconds }}
{{- with include "run-job.pullSecrets" (dict "root" $root "job" $job) | fromJsonArray }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if or $job.sidecars $job.initContainers (include "run-job.injects" $job) }}
initContainers:
  {{- if include "run-job.injects" $job }}
  {{- include "run-job.injector" $root | nindent 2 }}
  {{- end }}
  {{- range $job.sidecars }}
  {{- include "run-job.userContainer" (dict "root" $root "container" . "with" (dict "restartPolicy" "Always")) | nindent 2 }}
  {{- end }}
  {{- range $job.initContainers }}
  {{- include "run-job.userContainer" (dict "root" $root "container" . "with" dict) | nindent 2 }}
  {{- end }}
{{- end }}
containers:
  - name: run-job
    {{- with $job.image }}
    image: {{ include "run-job.imageOf" (dict "root" $root "image" . "tag" (include "run-job.text" .tag)) | quote }}
    imagePullPolicy: {{ default $root.Values.image.pullPolicy .pullPolicy }}
    command:
      {{- range list "tini" "--" "node" "dist/run-job.js" }}
      - {{ eq . "--" | ternary . (printf "%s/%s" (include "run-job.path" $job) .) }}
      {{- end }}
    {{- else }}
    image: {{ include "run-job.image" $root | quote }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    {{- end }}
    {{- with $job.workingDir }}
    workingDir: {{ . | quote }}
    {{- end }}
    {{- with $job.lifecycle }}
    lifecycle:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    args:
      {{- /* Kubernetes reads $(NAME) in an argument as a variable, and $$ as a dollar. */}}
      {{- range .args }}
      - {{ . | replace "$" "$$" | toRawJson }}
      {{- end }}
    env:
      {{- include "run-job.env" . | trim | nindent 6 }}
    {{- with include "run-job.envFrom" . | trim }}
    envFrom:
      {{- . | nindent 6 }}
    {{- end }}
    {{- with $job.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $root.Values.containerSecurityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .container }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    terminationMessagePath: /dev/termination-log
    terminationMessagePolicy: FallbackToLogsOnError
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      {{- if include "run-job.injects" $job }}
      - name: run-job
        mountPath: {{ include "run-job.path" $job }}
        readOnly: true
      {{- end }}
      {{- with $job.volumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: {{ $job.tmpSize }}
  {{- if include "run-job.injects" $job }}
  - name: run-job
    emptyDir:
      sizeLimit: 256Mi
  {{- end }}
  {{- with $job.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $job.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $job.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $job.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $job.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $job.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $job.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with $job.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $job.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
What Kubernetes makes of an exit code; see the table in docs/kubernetes.md. Takes `indexed`. The first rule that matches counts: a pod
that was evicted is replaced, whatever it said; 80 (continued) asks for a new pod; 64 (usage), 65 (permanent), 78 (configuration) and
79 (cancelled) can't be mended by a retry; the rest counts. A shard that failed for good (65) fails its own index: FailJob would send
SIGTERM to the others, whose work can still be done.
*/}}
{{- define "run-job.failurePolicy" -}}
podReplacementPolicy: Failed
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: "True"
    - action: Ignore
      onExitCodes:
        containerName: run-job
        operator: In
        values: [80]
    {{- if .indexed }}
    - action: FailIndex
      onExitCodes:
        containerName: run-job
        operator: In
        values: [65]
    {{- end }}
    - action: FailJob
      onExitCodes:
        containerName: run-job
        operator: In
        values: {{ ternary (list 64 78 79) (list 64 65 78 79) .indexed | toJson }}
{{- end -}}

{{- define "run-job.podMetadata" -}}
labels:
  {{- $labels := mergeOverwrite (include "run-job.labels" .root | fromYaml) (deepCopy (default dict .job.podLabels)) (dict "app.kubernetes.io/component" .component) (include "run-job.selectorLabels" .root | fromYaml) }}
  {{- toYaml $labels | nindent 2 }}
annotations:
  {{- $own := dict "checksum/config" (list .root.Values.config .root.Values.secret.values | toJson | sha256sum) }}
  {{- mergeOverwrite (deepCopy (default dict .root.Values.commonAnnotations)) (deepCopy (default dict .job.podAnnotations)) $own | toYaml | nindent 2 }}
{{- end -}}

{{/* Whatever of ours that isn't a CronJob runs as the defaults say: where, with what resources, beside which sidecars. */}}
{{- define "run-job.helperJob" -}}
{{- $job := omit (deepCopy .root.Values.jobDefaults) "shards" "parallelism" "maxRounds" "checkpointFile" "command" "image" "runner" "workingDir" "lifecycle" "automountServiceAccountToken" "after" "blackouts" "pauseAfter" -}}
{{- include "run-job.setEnv" (dict "job" $job "env" .env) -}}
{{- include "run-job.dropNulls" $job -}}
{{- toJson $job -}}
{{- end -}}
