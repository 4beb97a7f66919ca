{{- /* Rules as Roles have them, out of a list of {group, resource, verbs, names}: one for each resource. */}}
{{- define "chaosctl.rules" -}}
{{- $verbs := dict -}}
{{- range . -}}
{{- $key := printf "%s|%s|%s" .group .resource (join "," .names) -}}
{{- $_ := set $verbs $key (concat (get $verbs $key | default list) .verbs | uniq | sortAlpha) -}}
{{- end -}}
{{- range $key, $list := $verbs }}
{{- $parts := splitList "|" $key }}
- apiGroups: [{{ index $parts 0 | quote }}]
  resources: [{{ index $parts 1 }}]
  {{- with index $parts 2 }}
  resourceNames: [{{ . }}]
  {{- end }}
  verbs: [{{ join ", " $list }}]
{{- end }}
{{- end }}

{{- /* The controller's rights in one scope: its own, and those of every fault that is enabled. */}}
{{- define "chaosctl.controllerRules" -}}
{{- $rights := .root.Files.Get "files/rights.yaml" | fromYaml -}}
{{- $rules := get $rights.controller .scope | default list -}}
{{- range .root.Values.faults.enabled -}}
{{- $rules = concat $rules (get (get $rights.faults .) $.scope | default list) -}}
{{- end -}}
{{- include "chaosctl.rules" $rules -}}
{{- if eq .scope "targets" -}}
{{- with .root.Values.rbac.secrets }}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ toJson . }}
  verbs: [get]
{{- end }}
{{- with .root.Values.rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end -}}
{{- end }}

{{- define "chaosctl.watchdogRules" -}}
{{- $rights := .root.Files.Get "files/rights.yaml" | fromYaml -}}
{{- include "chaosctl.rules" (get $rights.watchdog .scope | default list) -}}
{{- end }}

{{- /* A Role (or ClusterRole) and its binding to an account of the release. */}}
{{- define "chaosctl.grant" -}}
{{- $kind := ternary "Role" "ClusterRole" (not (empty .namespace)) -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "chaosctl.labels" .root | nindent 4 }}
rules:
{{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "chaosctl.labels" .root | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ $kind }}, name: {{ .name }}}
subjects:
  - {kind: ServiceAccount, name: {{ .account }}, namespace: {{ .root.Release.Namespace }}}
{{- end }}
