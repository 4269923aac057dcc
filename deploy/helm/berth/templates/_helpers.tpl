{{- /* The labels of what belongs to a component: a role, or nats. */ -}}
{{- define "berth.labels" -}}
app.kubernetes.io/name: {{ eq . "nats" | ternary "nats" "berth" }}
app.kubernetes.io/part-of: berth
app.kubernetes.io/component: {{ . }}
{{- end -}}

{{- /* Takes a component and how strict its spread is (topologySpread of the values). */ -}}
{{- define "berth.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: {{ .spread.zones | quote }}
    labelSelector: { matchLabels: { app.kubernetes.io/component: {{ .component }} } }
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: {{ .spread.hosts | quote }}
    labelSelector: { matchLabels: { app.kubernetes.io/component: {{ .component }} } }
{{- end -}}

{{- /* Where every pod may run, and as whom. */ -}}
{{- define "berth.pod" -}}
automountServiceAccountToken: false
# A service that is named berth-… would else be a variable BERTH_…, which is refused as a misspelt setting.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Of every container. */ -}}
{{- define "berth.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{- /* Takes a component and the size and class of its volume. */ -}}
{{- define "berth.claim" -}}
volumeClaimTemplates:
  - metadata: { name: data }
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .storageClass }}
      storageClassName: {{ . | quote }}
      {{- end }}
      resources: { requests: { storage: {{ .size | quote }} } }
{{- end -}}

{{- define "berth.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ . }}
  labels: {{- include "berth.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector: { matchLabels: { app.kubernetes.io/component: {{ . }} } }
{{- end -}}

{{- define "berth.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The secret with the passwords of NATS. */ -}}
{{- define "berth.passwords" -}}
{{ .Values.nats.existingSecret | default .Values.existingSecret }}
{{- end -}}

{{- /* Takes the root and a role: the URL with its user, whose password is the variable NATS_PASSWORD. */ -}}
{{- define "berth.natsUrl" -}}
{{- $nats := .root.Values.nats -}}
{{- $scheme := empty $nats.tls.existingSecret | ternary "nats" "tls" -}}
{{- $servers := $nats.servers -}}
{{- if $nats.enabled -}}
{{- $servers = list "nats-0.nats:4222" "nats-1.nats:4222" "nats-2.nats:4222" -}}
{{- end -}}
{{- $scheme }}://{{ .role }}:$(NATS_PASSWORD)@{{ first $servers }}
{{- range rest $servers }},{{ $scheme }}://{{ . }}{{ end -}}
{{- end -}}
