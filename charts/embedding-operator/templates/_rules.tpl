{{- /* Permissions on namespaced objects: bound cluster-wide, or only in watch.namespaces. */ -}}
{{- define "embedding-operator.namespacedRules" -}}
# The desired state that users set. Specs are never written.
- apiGroups: [embedding-operator.io]
  resources: [embeddingservices]
  verbs: [get, list, watch]
# The observed state.
- apiGroups: [embedding-operator.io]
  resources: [embeddingservices/status]
  verbs: [patch]
# Children have owner references with blockOwnerDeletion; OwnerReferencesPermissionEnforcement requires this for them.
- apiGroups: [embedding-operator.io]
  resources: [embeddingservices/finalizers]
  verbs: [update]
# One Deployment of engines for each pool of a service, and one for its gateway, written with server-side apply.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# The Service of an EmbeddingService, and the configuration and identity of its gateway.
- apiGroups: [""]
  resources: [services, configmaps, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
# Engines accept requests only from their gateway.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# Lets the agent in a gateway pod watch the engines' EndpointSlices. This is the only role that the operator can bind.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  resourceNames: [{{ include "embedding-operator.gatewayRole" . }}]
  verbs: [bind]
# Node drains evict one engine, and one gateway pod, at a time.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# Addresses and readiness of engines and gateways; patch sets the deletion cost, so that the idlest pods go first.
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
# Events, for kubectl describe.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- /* Permissions on cluster-scoped objects: needed in every mode. */ -}}
{{- define "embedding-operator.clusterRules" -}}
# Objects that cluster admins set.
- apiGroups: [embedding-operator.io]
  resources: [gpupools, scalingschedules]
  verbs: [get, list, watch]
# Which services they apply to, and which nodes they match.
- apiGroups: [embedding-operator.io]
  resources: [gpupools/status, scalingschedules/status]
  verbs: [patch]
# A ScalingSchedule selects namespaces by their labels.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
# Nodes and GPUs of a pool.
- apiGroups: [""]
  resources: [nodes]
  verbs: [list, watch]
# The public keys with which the tokens of gateways that send a poke are verified.
- nonResourceURLs: [/.well-known/openid-configuration, /openid/v1/jwks]
  verbs: [get]
{{- end }}
