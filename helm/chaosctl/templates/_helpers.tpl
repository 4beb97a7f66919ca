{{- define "chaosctl.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "chaosctl.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* "part-of" is how chaosctl knows its own: they are never a target. */}}
{{- define "chaosctl.labels" -}}
{{ include "chaosctl.selector" . }}
app.kubernetes.io/part-of: chaosctl
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "chaosctl.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $image.repository $image.digest }}
{{- else -}}
{{ printf "%s:%s" $image.repository ($image.tag | default .Chart.AppVersion) }}
{{- end -}}
{{- end }}

{{- define "chaosctl.account" -}}
{{ .Values.serviceAccount.name | default (include "chaosctl.fullname" .) }}
{{- end }}

{{- define "chaosctl.keySecret" -}}
{{ .Values.key.existingSecret | default (printf "%s-key" (include "chaosctl.fullname" .)) }}
{{- end }}

{{- define "chaosctl.storeSecret" -}}
{{ .Values.store.postgres.existingSecret | default (printf "%s-store" (include "chaosctl.fullname" .)) }}
{{- end }}

{{- define "chaosctl.claim" -}}
{{ .Values.store.sqlite.existingClaim | default (printf "%s-store" (include "chaosctl.fullname" .)) }}
{{- end }}

{{- define "chaosctl.replicas" -}}
{{- if kindIs "invalid" .Values.replicas -}}
{{ ternary 1 2 .Values.store.sqlite.enabled }}
{{- else -}}
{{ .Values.replicas }}
{{- end -}}
{{- end }}

{{- /* What no schema can say. */}}
{{- define "chaosctl.check" -}}
{{- $postgres := .Values.store.postgres -}}
{{- $named := or $postgres.url $postgres.existingSecret -}}
{{- if and $postgres.url $postgres.existingSecret -}}
{{ fail "store.postgres: give either url or existingSecret" }}
{{- end -}}
{{- if and $named .Values.store.sqlite.enabled -}}
{{ fail "store: journals lie either in PostgreSQL or on a volume; leave out store.postgres or store.sqlite" }}
{{- end -}}
{{- if not (or $named .Values.store.sqlite.enabled) -}}
{{ fail "store: say where journals lie. In PostgreSQL: --set store.postgres.existingSecret=NAME, a Secret with the URL under the key \"url\". On a volume, with one controller: --set store.sqlite.enabled=true" }}
{{- end -}}
{{- if and .Values.store.sqlite.enabled (ne (include "chaosctl.replicas" .) "1") -}}
{{ fail "replicas: journals on a volume have one writer. Leave replicas out, or use store.postgres" }}
{{- end -}}
{{- end }}

{{- /* Where and as whom every container of ours runs: the restricted Pod Security Standard. */}}
{{- define "chaosctl.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "chaosctl.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* What every container of ours is told. */}}
{{- define "chaosctl.env" -}}
- {name: CHAOSCTL_HOME, value: /var/lib/chaosctl}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- end }}

{{- /* Where journals lie, where that is not the home. */}}
{{- define "chaosctl.storeEnv" -}}
{{- if not .Values.store.sqlite.enabled }}
- name: CHAOSCTL_STORE
  valueFrom:
    secretKeyRef:
      name: {{ include "chaosctl.storeSecret" . }}
      key: {{ ternary "url" .Values.store.postgres.secretKey (empty .Values.store.postgres.existingSecret) }}
{{- end }}
{{- end }}

{{- /* Pods start anew when it changes. */}}
{{- define "chaosctl.storeSum" -}}
checksum/store: {{ toJson .Values.store | sha256sum }}
{{- end }}

{{- define "chaosctl.mounts" -}}
- {name: home, mountPath: /var/lib/chaosctl}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "chaosctl.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- end }}

{{- define "chaosctl.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
