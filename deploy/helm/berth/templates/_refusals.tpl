{{- /* What values.schema.json cannot say, since it is about more than one value. Renders nothing. */ -}}
{{- define "berth.refusals" -}}
{{- $nats := .Values.nats -}}
{{- if and (not $nats.enabled) (not $nats.servers) -}}
{{- fail "nats.servers: name your NATS servers, or let the chart run three (nats.enabled)" -}}
{{- end -}}
{{- if and $nats.enabled $nats.servers -}}
{{- fail "nats.servers: these are servers of your own, and nats.enabled runs others; set it to false" -}}
{{- end -}}
{{- if and $nats.enabled $nats.tls.existingSecret -}}
{{- fail "nats.tls: the servers of this chart speak no TLS; it is for servers of your own (nats.enabled: false)" -}}
{{- end -}}
{{- if and $nats.enabled (gt (int $nats.replicas) 3) -}}
{{- fail "nats.replicas: the chart runs three servers, so a stream can be kept on at most three" -}}
{{- end -}}
{{- if and $nats.tls.clientCertificate (not $nats.tls.existingSecret) -}}
{{- fail "nats.tls.clientCertificate: name the secret that has it (nats.tls.existingSecret)" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.host: name the host that clients ask for" -}}
{{- end -}}
{{- range $name, $value := .Values.settings -}}
{{- if hasPrefix "BERTH_UPSTREAM_" $name -}}
{{- $key := printf "BERTH_UPSTREAM_%s_KEY" (trimPrefix "BERTH_UPSTREAM_" $name | splitList "_" | first) -}}
{{- range $role := list "gateway" "connector" -}}
{{- if not (hasKey ((get $.Values.roles $role).secretSettings | default dict) $key) -}}
{{- fail (printf "roles.%s.secretSettings.%s: gateways and connectors need the key of an upstream (settings.%s)" $role $key $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $role, $own := .Values.roles -}}
{{- range $name, $key := $own.secretSettings -}}
{{- $url := trimSuffix "KEY" $name | printf "%sURL" -}}
{{- if and (hasPrefix "BERTH_UPSTREAM_" $name) (not (hasKey $.Values.settings $url)) -}}
{{- fail (printf "settings.%s: say where the upstream is whose key is in roles.%s.secretSettings" $url $role) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
