{{/* Which entries wait for which. */}}

{{/*
Refuses entries that wait for each other in a circle, so that none of them could ever begin. A name outside this release waits for nothing, as
far as can be seen here; `run-job schedules apply` sees more.
*/}}
{{- define "run-job.refuseCircles" -}}
{{- $waits := dict -}}
{{- range $key, $job := include "run-job.jobs" . | fromJson -}}
{{- $names := get $waits $job.name | default list -}}
{{- range $job.after -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- $_ := set $waits $job.name $names -}}
{{- end -}}
{{- /* Who waits for nobody that is left can begin: after as many rounds as there are names only a circle is left, and who waits for it. */ -}}
{{- range until (len $waits) -}}
{{- range $name := keys $waits | sortAlpha -}}
{{- $early := false -}}
{{- range get $waits $name -}}
{{- if hasKey $waits . -}}
{{- $early = true -}}
{{- end -}}
{{- end -}}
{{- if not $early -}}
{{- $_ := unset $waits $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $waits -}}
{{- $name := keys $waits | sortAlpha | first -}}
{{- $path := list -}}
{{- range until (len $waits) -}}
{{- if not (has $name $path) -}}
{{- $path = append $path $name -}}
{{- $next := "" -}}
{{- range get $waits $name -}}
{{- if and (not $next) (hasKey $waits .) -}}
{{- $next = . -}}
{{- end -}}
{{- end -}}
{{- $name = $next -}}
{{- end -}}
{{- end -}}
{{- /* The walk may have begun before the circle. */ -}}
{{- $circle := list -}}
{{- range $path -}}
{{- if or $circle (eq . $name) -}}
{{- $circle = append $circle . -}}
{{- end -}}
{{- end -}}
{{- fail (printf "\n\n%s: none of them could ever begin; take one out of the others' `after`" (append $circle $name | join " comes after ")) -}}
{{- end -}}
{{- end -}}

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
