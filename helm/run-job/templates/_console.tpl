{{/* The console: its name, what selects its pods, and settings that can't work. */}}

{{- define "run-job.consoleName" -}}
{{- printf "%s-console" (include "run-job.fullname" .) -}}
{{- end -}}

{{- define "run-job.consoleSelector" -}}
{{ include "run-job.selectorLabels" . }}
app.kubernetes.io/component: console
{{- end -}}

{{- define "run-job.checkConsole" -}}
{{- $console := .Values.console -}}
{{- if not (or $console.tokenSecret $console.trustedProxies) -}}
{{- fail "\n\nconsole.enabled: the console lets nobody in as it is. Name the Secret with its token in console.tokenSecret (name and key), or the proxies in front that ask who it is in console.trustedProxies" -}}
{{- end -}}
{{- if $console.tokenSecret -}}
{{- if not (and $console.tokenSecret.name $console.tokenSecret.key) -}}
{{- fail "\n\nconsole.tokenSecret: give both the Secret's name and its key" -}}
{{- end -}}
{{- end -}}
{{- if not (include "run-job.hasDatabase" (dict "Values" (mergeOverwrite (deepCopy .Values) (dict "migration" (dict "env" $console.env))) "Release" .Release "Chart" .Chart "Template" .Template)) -}}
{{- fail "\n\nconsole.enabled: the console reads the database, and has none: set DATABASE_URL in the Secret, or in console.env with valueFrom" -}}
{{- end -}}
{{- if and $console.ingress.enabled (not $console.ingress.host) -}}
{{- fail "\n\nconsole.ingress.host: name the host that leads to the console" -}}
{{- end -}}
{{- if and $console.httpRoute.enabled (not $console.httpRoute.parentRefs) -}}
{{- fail "\n\nconsole.httpRoute.parentRefs: name the Gateway that the route belongs to" -}}
{{- end -}}
{{- if and $console.actors (not $console.actions) -}}
{{- fail "\n\nconsole.actors says who may do what console.actions offers: set both" -}}
{{- end -}}
{{- end -}}

{{/* Whether Prometheus has the console's metrics: "true", or nothing. */}}
{{- define "run-job.hasConsoleMetrics" -}}
{{- if and .Values.console.enabled .Values.console.serviceMonitor.enabled }}true{{ end -}}
{{- end -}}
