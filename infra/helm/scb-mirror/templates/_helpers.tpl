{{/* What the schema can't say, as what to do. */}}
{{- define "scb-mirror.checks" -}}
{{- if not .Values.image.repository }}
{{- fail "image.repository: say where the image is (docs/deploy.md, \"Kubernetes\")" }}
{{- end }}
{{- if not .Values.settings.to }}
{{- fail "settings.to: say which store to mirror to, such as s3://my-bucket/lightning?region=eu-central-1" }}
{{- end }}
{{- if and (include "scb-mirror.asksLnd" .) (not .Values.lnd.secretName) (not .Values.secretSettings.lndconnect) }}
{{- fail "lnd.secretName: name the Secret that has lnd's tls.cert and scb.macaroon, or give secretSettings.lndconnect" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.metricsFrom) }}
{{- fail "networkPolicy.metricsFrom: say from where Prometheus scrapes, or the NetworkPolicy keeps it out" }}
{{- end }}
{{- end }}

{{- define "scb-mirror.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "scb-mirror.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "scb-mirror.labels" -}}
{{ include "scb-mirror.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "scb-mirror.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "scb-mirror.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{- define "scb-mirror.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default (printf "v%s" $.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Whether lnd is asked over gRPC. */}}
{{- define "scb-mirror.asksLnd" -}}
{{- if eq (.Values.settings.from | default (eq .Values.command "run" | ternary "lnd" "")) "lnd" -}}true{{- end -}}
{{- end }}

{{/*
The new pod is up before the old one stops, so a broken upgrade never leaves the node without a mirror;
conditional writes keep two of them apart. Stores without those, and volumes, take one pod at a time.
*/}}
{{- define "scb-mirror.strategy" -}}
{{- $one := eq (index .Values.settings "single-writer" | toString) "true" -}}
{{- range (kindIs "slice" .Values.settings.to | ternary .Values.settings.to (list .Values.settings.to)) -}}
{{- if or (hasPrefix "rclone:" .) (hasPrefix "file:" .) -}}{{- $one = true -}}{{- end -}}
{{- end -}}
{{- if $one -}}
type: Recreate
{{- else -}}
type: RollingUpdate
rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
{{- end -}}
{{- end }}

{{/* What the projected volume takes from the Secrets: a source for each, with the file's name. */}}
{{- define "scb-mirror.secretSources" -}}
{{- if and .Values.lnd.secretName (include "scb-mirror.asksLnd" .) }}
- secret:
    name: {{ .Values.lnd.secretName | quote }}
    items:
      {{- with .Values.lnd.tlsCertKey }}
      - { key: {{ . | quote }}, path: tls.cert }
      {{- end }}
      - { key: {{ .Values.lnd.macaroonKey | quote }}, path: scb.macaroon }
{{- end }}
{{- with .Values.backupKey }}
{{- if .secretName }}
- secret:
    name: {{ .secretName | quote }}
    items: [{ key: {{ .key | quote }}, path: backup-key }]
{{- end }}
{{- end }}
{{- range $cloud := list "aws" "google" }}
{{- with index $.Values.storeCredentials $cloud }}
{{- if .secretName }}
- secret:
    name: {{ .secretName | quote }}
    items: [{ key: {{ .key | quote }}, path: {{ $cloud }}-credentials }]
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.secretSettings }}
- secret:
    name: {{ $value.secretName | quote }}
    items: [{ key: {{ $value.key | quote }}, path: {{ $name }} }]
{{- end }}
{{- end }}
