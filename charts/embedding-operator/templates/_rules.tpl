{{- /* Rights on what lives in namespaces: bound everywhere, or only in watch.namespaces. */ -}}
{{- define "embedding-operator.namespacedRules" -}}
# What users ask for. Their specs are never written.
- apiGroups: [embedding-operator.io]
  resources: [embeddingservices]
  verbs: [get, list, watch]
# What became of it.
- apiGroups: [embedding-operator.io]
  resources: [embeddingservices/status]
  verbs: [get, patch]
# The owner reference of a child blocks the owner's deletion; OwnerReferencesPermissionEnforcement asks for this.
- apiGroups: [embedding-operator.io]
  resources: [embeddingservices/finalizers]
  verbs: [update]
# One Deployment of engines for each pool of a service, and one of its gateway, applied on the server's side.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# The address of a service; what its gateway runs with, and as whom.
- apiGroups: [""]
  resources: [services, configmaps, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
# Engines take requests from their gateway only.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# The agent in a gateway pod learns where the engines are. Only this one role can be given to it.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  resourceNames: [{{ include "embedding-operator.gatewayRole" . }}]
  verbs: [bind]
# Node drains take one engine, and one gateway pod, at a time.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# Where engines and gateways listen and whether they are ready; patch sets the deletion cost, so that the idlest go first.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch]
# An autoscaler that targets a managed Deployment is reported as ConflictingScaler.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [list]
# What happened, for kubectl describe.
- apiGroups: [events.k8s.io, ""]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- /* Rights on what lives outside namespaces: needed in every mode. */ -}}
{{- define "embedding-operator.clusterRules" -}}
# What cluster admins set.
- apiGroups: [embedding-operator.io]
  resources: [gpupools, scalingschedules]
  verbs: [get, list, watch]
# Whom they bind and what they hold.
- apiGroups: [embedding-operator.io]
  resources: [gpupools/status, scalingschedules/status]
  verbs: [get, patch]
# A ScalingSchedule selects namespaces by their labels.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get, list, watch]
# The nodes and GPUs of a pool.
- apiGroups: [""]
  resources: [nodes]
  verbs: [get, list, watch]
# Which gateway a notice comes from.
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
{{- end }}
