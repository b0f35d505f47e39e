{{- define "genreconcile.name" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "genreconcile.account" -}}
{{- default (include "genreconcile.name" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "genreconcile.selector" -}}
app.kubernetes.io/name: genreconcile
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "genreconcile.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "genreconcile.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "genreconcile.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end -}}
{{- end -}}

{{- /* "operator" or "folder"; fails where the values say both or none. */ -}}
{{- define "genreconcile.runs" -}}
{{- $operator := or .Values.operator.files .Values.operator.paths -}}
{{- $folder := or .Values.folder.files .Values.folder.path -}}
{{- if and $operator $folder }}{{ fail "operator and folder exclude each other: give one of them" }}{{ end -}}
{{- if not (or $operator $folder) }}{{ fail "nothing to run: give operator.files, operator.paths, folder.files or folder.path" }}{{ end -}}
{{- if and .Values.folder.files .Values.folder.path }}{{ fail "folder.files and folder.path exclude each other: give one of them" }}{{ end -}}
{{- if and $folder .Values.shards }}{{ fail "shards go with operator: a folder has no parents to divide" }}{{ end -}}
{{- if and .Values.lease.takeoverAfter (not .Values.shards) }}{{ fail "lease.takeoverAfter goes with shards" }}{{ end -}}
{{- if $operator }}operator{{ else }}folder{{ end -}}
{{- end -}}

{{- /* The files of the ConfigMap, as a JSON object; empty where there are none. */ -}}
{{- define "genreconcile.files" -}}
{{- if eq (include "genreconcile.runs" .) "operator" -}}
{{- merge dict .Values.operator.files .Values.operator.modules | toJson -}}
{{- else -}}
{{- .Values.folder.files | toJson -}}
{{- end -}}
{{- end -}}

{{- define "genreconcile.place" -}}
/etc/genreconcile/{{ include "genreconcile.runs" . }}
{{- end -}}

{{- define "genreconcile.args" -}}
{{- $place := include "genreconcile.place" . -}}
{{- if eq (include "genreconcile.runs" .) "operator" }}
{{- range $name, $_ := .Values.operator.files }}
- {{ printf "%s/%s" $place $name | quote }}
{{- end }}
{{- range .Values.operator.paths }}
- {{ quote . }}
{{- end }}
{{- else }}
{{- with .Values.folder }}
- --filename={{ default $place .path }}
- --name={{ include "genreconcile.name" $ }}
- --namespace={{ default $.Release.Namespace .namespace }}
{{- with .applyset }}
- --applyset={{ . }}
{{- end }}
- --mode={{ .mode }}
{{- end }}
{{- end }}
- --lease={{ include "genreconcile.name" . }}
{{- with .Values.shards }}
- --shards={{ . }}
{{- end }}
{{- with .Values.lease }}
{{- with .duration }}
- --lease-duration={{ . }}
{{- end }}
{{- with .renewDeadline }}
- --lease-renew-deadline={{ . }}
{{- end }}
{{- with .retryPeriod }}
- --lease-retry-period={{ . }}
{{- end }}
{{- with .takeoverAfter }}
- --takeover-after={{ . }}
{{- end }}
{{- end }}
{{- range .Values.watchNamespaces }}
- --watch-namespace={{ . }}
{{- end }}
{{- if .Values.acceptChanges }}
- --accept-changes
{{- end }}
{{- if not .Values.events }}
- --no-events
{{- end }}
- --listen=:{{ .Values.metrics.port }}
- --log-format={{ .Values.logFormat }}
{{- range .Values.extraArgs }}
- {{ quote . }}
{{- end }}
{{- end -}}
