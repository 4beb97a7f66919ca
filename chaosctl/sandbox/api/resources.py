"""Why: one table says what the server serves; discovery, storage, OpenAPI and columns all follow it."""

from typing import NamedTuple

from chaosctl.sandbox.api.objects import Json


class Resource(NamedTuple):
    """One kind at one version, as discovery describes it."""

    group_version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        return self.group_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.group_version.rpartition("/")[2]

    @property
    def review(self) -> bool:
        """Whether it is a question that is answered, not an object that is stored."""
        return self.kind.endswith("Review")


_STATUS, _SCALED = ("status",), ("status", "scale")
_LOCAL = ("log", "exec", "attach", "portforward", "proxy")
_POD = ("status", *_LOCAL, "eviction", "binding", "ephemeralcontainers")
_ALL = ("all",)
_CRD = ("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition")
_RBAC, _AUTHZ = "rbac.authorization.k8s.io/v1", "authorization.k8s.io/v1"


def _namespaced(group_version: str, plural: str, kind: str, *more: tuple[str, ...]) -> Resource:
    return Resource(group_version, plural, kind, True, *more)  # noqa: FBT003  # fields of a tuple, in order


def _cluster_wide(group_version: str, plural: str, kind: str, *more: tuple[str, ...]) -> Resource:
    return Resource(group_version, plural, kind, False, *more)  # noqa: FBT003  # fields of a tuple, in order


RESOURCES = (
    _cluster_wide("v1", "namespaces", "Namespace", ("ns",), ("status", "finalize")),
    _cluster_wide("v1", "nodes", "Node", ("no",), _STATUS),
    _namespaced("v1", "pods", "Pod", ("po",), _POD, _ALL),
    _namespaced("v1", "services", "Service", ("svc",), (*_STATUS, "proxy"), _ALL),
    _namespaced("v1", "configmaps", "ConfigMap", ("cm",)),
    _namespaced("v1", "secrets", "Secret"),
    _namespaced("v1", "serviceaccounts", "ServiceAccount", ("sa",), ("token",)),
    _namespaced("v1", "events", "Event", ("ev",)),
    _namespaced("v1", "endpoints", "Endpoints", ("ep",)),
    _cluster_wide("v1", "persistentvolumes", "PersistentVolume", ("pv",), _STATUS),
    _namespaced("v1", "persistentvolumeclaims", "PersistentVolumeClaim", ("pvc",), _STATUS),
    _namespaced("v1", "resourcequotas", "ResourceQuota", ("quota",), _STATUS),
    _namespaced("v1", "limitranges", "LimitRange", ("limits",)),
    _namespaced("v1", "replicationcontrollers", "ReplicationController", ("rc",), _SCALED, _ALL),
    _namespaced("apps/v1", "deployments", "Deployment", ("deploy",), _SCALED, _ALL),
    _namespaced("apps/v1", "replicasets", "ReplicaSet", ("rs",), _SCALED, _ALL),
    _namespaced("apps/v1", "statefulsets", "StatefulSet", ("sts",), _SCALED, _ALL),
    _namespaced("apps/v1", "daemonsets", "DaemonSet", ("ds",), _STATUS, _ALL),
    _namespaced("apps/v1", "controllerrevisions", "ControllerRevision"),
    _namespaced("batch/v1", "jobs", "Job", (), _STATUS, _ALL),
    _namespaced("batch/v1", "cronjobs", "CronJob", ("cj",), _STATUS, _ALL),
    _namespaced(
        "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", ("hpa",), _STATUS, _ALL
    ),
    _namespaced("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
    _namespaced("networking.k8s.io/v1", "ingresses", "Ingress", ("ing",), _STATUS),
    _namespaced("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", ("netpol",)),
    _namespaced("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", ("pdb",), _STATUS),
    _namespaced(_RBAC, "roles", "Role"),
    _namespaced(_RBAC, "rolebindings", "RoleBinding"),
    _cluster_wide(_RBAC, "clusterroles", "ClusterRole"),
    _cluster_wide(_RBAC, "clusterrolebindings", "ClusterRoleBinding"),
    _cluster_wide("storage.k8s.io/v1", "storageclasses", "StorageClass", ("sc",)),
    _cluster_wide("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", ("pc",)),
    _namespaced("coordination.k8s.io/v1", "leases", "Lease"),
    _cluster_wide(*_CRD, ("crd", "crds"), _STATUS, ("api-extensions",)),
    _cluster_wide(_AUTHZ, "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    _cluster_wide(_AUTHZ, "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    _cluster_wide(_AUTHZ, "subjectaccessreviews", "SubjectAccessReview"),
    _namespaced(_AUTHZ, "localsubjectaccessreviews", "LocalSubjectAccessReview"),
    _cluster_wide("authentication.k8s.io/v1", "selfsubjectreviews", "SelfSubjectReview"),
)

BUILT_IN_GROUPS = frozenset(resource.group for resource in RESOURCES)
_WITH_GENERATION = frozenset(
    {
        "apps",
        "batch",
        "policy",
        "networking.k8s.io",
        "apiextensions.k8s.io",
        "autoscaling",
        "discovery.k8s.io",
    }
)


def counts_generations(resource: Resource) -> bool:
    """Whether metadata.generation follows the spec: for workloads and custom resources."""
    if resource.plural == "pods":
        return True
    return resource.group in _WITH_GENERATION or resource.group not in BUILT_IN_GROUPS


def defined_by(definition: Json) -> list[Resource]:
    """The resources that a CustomResourceDefinition adds, the storage version first."""
    spec, names = definition["spec"], definition["spec"]["names"]
    return [
        Resource(
            f"{spec['group']}/{version['name']}",
            names["plural"],
            names["kind"],
            spec["scope"] == "Namespaced",
            tuple(names.get("shortNames") or ()),
            tuple(version.get("subresources") or ()),
            tuple(names.get("categories") or ()),
        )
        for version in sorted(spec["versions"], key=lambda version: not version.get("storage"))
        if version.get("served")
    ]
