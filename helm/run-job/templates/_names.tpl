{{/* Names and labels. */}}

{{- define "run-job.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Without the dots that a release's name may have: an Indexed Job's pods make a host name of it. */}}
{{- define "run-job.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "run-job.name" . -}}
{{- $release := replace "." "-" .Release.Name -}}
{{- if contains $name $release -}}
{{- include "run-job.fit" (dict "name" $release "max" 40) -}}
{{- else -}}
{{- include "run-job.fit" (dict "name" (printf "%s-%s" $release $name) "max" 40) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A name of at most `max` characters. One that is cut ends in a hash of the whole, so that two never become one. */}}
{{- define "run-job.fit" -}}
{{- if gt (len .name) (int .max) -}}
{{- printf "%s-%s" (trunc (sub .max 9 | int) .name | trimAll "-.") (sha256sum .name | trunc 8) -}}
{{- else -}}
{{- .name -}}
{{- end -}}
{{- end -}}

{{/*
The CronJob's name. A CronJob's may have 52 characters, since the controller appends 11 to name a Job. The pods of an Indexed
Job append a dash and the index for their host names, which may have 63: the API server refuses a Job in which that doesn't fit.
*/}}
{{- define "run-job.cronJobName" -}}
{{- $max := 52 -}}
{{- $shards := int (default 1 .job.shards) -}}
{{- if gt $shards 1 -}}
{{- $max = sub 51 (len (toString (sub $shards 1))) -}}
{{- end -}}
{{- include "run-job.fit" (dict "name" (printf "%s-%s" (include "run-job.fullname" .root) .key) "max" $max) -}}
{{- end -}}

{{- define "run-job.selectorLabels" -}}
app.kubernetes.io/name: {{ include "run-job.name" . | quote }}
app.kubernetes.io/instance: {{ include "run-job.fit" (dict "name" .Release.Name "max" 63) | quote }}
{{- end -}}

{{- define "run-job.labels" -}}
{{ include "run-job.selectorLabels" . }}
app.kubernetes.io/version: {{ include "run-job.version" . | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The tag of the image as text: `--set image.tag=2` is a number. */}}
{{- define "run-job.tag" -}}
{{- default .Chart.AppVersion (include "run-job.text" .Values.image.tag) -}}
{{- end -}}

{{/* What runs: the tag as a label's value. */}}
{{- define "run-job.version" -}}
{{- include "run-job.tag" . | replace "+" "_" | trunc 63 | trimAll "-_." -}}
{{- end -}}

{{/* The annotations of an object: the common ones and its own, or nothing. */}}
{{- define "run-job.annotations" -}}
{{- $all := mergeOverwrite (deepCopy (default dict .root.Values.commonAnnotations)) (deepCopy (default dict .own)) -}}
{{- with $all }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The image. `global.imageRegistry` takes the place of the registry that the repository begins with, if it begins with one. */}}
{{- define "run-job.image" -}}
{{- include "run-job.imageOf" (dict "root" . "image" .Values.image "tag" (include "run-job.tag" .)) -}}
{{- end -}}

{{/* An image as a reference. Takes: root, image, tag (where there is no digest). */}}
{{- define "run-job.imageOf" -}}
{{- $repository := .image.repository -}}
{{- with (default dict .root.Values.global).imageRegistry -}}
{{- $parts := splitList "/" $repository -}}
{{- if and (gt (len $parts) 1) (regexMatch "[.:]|^localhost$" (first $parts)) -}}
{{- $parts = rest $parts -}}
{{- end -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (join "/" $parts) -}}
{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository .tag -}}
{{- end -}}
{{- end -}}

{{/* The Secrets to pull with, as JSON: those of `global`, which may be plain names, the chart's and the job's, each once. Takes: root, job. */}}
{{- define "run-job.pullSecrets" -}}
{{- $names := list -}}
{{- range concat (default list (default dict .root.Values.global).imagePullSecrets) .root.Values.imagePullSecrets (default list .job.imagePullSecrets) -}}
{{- $names = append $names (kindIs "map" . | ternary (get (kindIs "map" . | ternary . dict) "name") .) -}}
{{- end -}}
{{- $secrets := list -}}
{{- range uniq $names -}}
{{- $secrets = append $secrets (dict "name" .) -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end -}}

{{- define "run-job.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "run-job.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* "true" when pods are given a DATABASE_URL from somewhere, as far as can be seen: without one there is nothing to migrate. */}}
{{- define "run-job.hasDatabase" -}}
{{- with .Values -}}
{{- if or .secret.existing .migration.env (hasKey .secret.refs "DATABASE_URL") (hasKey .secret.values "DATABASE_URL") (hasKey .jobDefaults.env "DATABASE_URL") -}}
true
{{- end -}}
{{- end -}}
{{- end -}}
