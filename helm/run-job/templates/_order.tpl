{{/* What waiting for other entries comes to. */}}

{{/* How long a run may wait, in seconds, for the slots that it comes after: as for the lock unless said. Takes job, where and wait. */}}
{{- define "run-job.afterWait" -}}
{{- $longest := int64 0 -}}
{{- range $index, $after := .job.after -}}
{{- $within := int64 $.wait -}}
{{- if $after.within -}}
{{- $within = include "run-job.seconds" (dict "text" $after.within "where" (printf "%s.after[%d].within" $.where $index)) | int64 -}}
{{- end -}}
{{- $longest = max $longest $within -}}
{{- end -}}
{{- $longest -}}
{{- end -}}
