{{- define "embedding-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "embedding-operator.fullname" -}}
{{- $name := include "embedding-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "embedding-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "embedding-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "embedding-operator.labels" -}}
{{- with .Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "embedding-operator.selectorLabels" . }}
{{- end }}

{{- define "embedding-operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "embedding-operator.fullname" .) -}}
{{- end }}

{{- define "embedding-operator.image" -}}
{{- with .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end }}

{{- define "embedding-operator.pokeName" -}}
{{- printf "%s-poke" (include "embedding-operator.fullname" .) -}}
{{- end }}

{{- /* The role of the agents in gateway pods, and the only role that the operator may bind. */ -}}
{{- define "embedding-operator.gatewayRole" -}}
{{- printf "%s-gateway" (include "embedding-operator.fullname" .) -}}
{{- end }}

{{- define "embedding-operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "embedding-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- /* Whether a PodMonitor is enabled and can be created. */ -}}
{{- define "embedding-operator.rendersPodMonitor" -}}
{{- $known := .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PodMonitor" -}}
{{- if and .Values.podMonitor.enabled (or $known (ne .Values.podMonitor.renderMode "skipIfMissing")) }}yes{{ end -}}
{{- end }}
