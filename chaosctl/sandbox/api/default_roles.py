"""Why: people bind the ClusterRoles that every cluster brings: cluster-admin, admin, edit and view."""

from chaosctl.sandbox.api.objects import Json

_READ, _WRITE = ["get", "list", "watch"], ["create", "delete", "deletecollection", "patch", "update"]
_CORE = [
    "configmaps", "endpoints", "events", "persistentvolumeclaims", "pods", "pods/log", "pods/status",
    "services", "serviceaccounts", "replicationcontrollers", "replicationcontrollers/scale", "resourcequotas",
    "limitranges", "namespaces",
]  # fmt: skip
_WORKLOADS = ["apps", "batch", "autoscaling", "policy", "networking.k8s.io", "discovery.k8s.io"]
_VIEW = [
    {"apiGroups": [""], "resources": _CORE, "verbs": _READ},
    {"apiGroups": _WORKLOADS, "resources": ["*"], "verbs": _READ},
]
_EDIT_CORE = [
    *_CORE[:-3],
    "secrets",
    "pods/eviction",
    "pods/exec",
    "pods/portforward",
    "serviceaccounts/token",
]
_EDIT = [
    *_VIEW,
    {"apiGroups": [""], "resources": _EDIT_CORE, "verbs": [*_READ, *_WRITE]},
    {"apiGroups": _WORKLOADS, "resources": ["*"], "verbs": [*_READ, *_WRITE]},
]
_ADMIN = [
    *_EDIT,
    {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles", "rolebindings"],
        "verbs": [*_READ, *_WRITE],
    },
    {"apiGroups": ["authorization.k8s.io"], "resources": ["localsubjectaccessreviews"], "verbs": ["create"]},
]
DEFAULT_ROLES: dict[str, list[Json]] = {
    "cluster-admin": [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ],
    "admin": _ADMIN,
    "edit": _EDIT,
    "view": _VIEW,
}
