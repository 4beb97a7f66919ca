"""Why: clients rely on fields that nobody wrote: kubectl crashes without some, diffs show the others."""

import base64
from collections.abc import Callable

from chaosctl.sandbox.api.objects import Json, containers, pod_spec, timestamp
from chaosctl.sandbox.api.resources import Resource

_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_ROLLING = {"maxUnavailable": "25%", "maxSurge": "25%"}
_UNREACHABLE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_ASSIGNED = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
_READ_ONLY_BITS = 420  # 0644


def assign(resource: Resource, body: Json, allocate: Callable[[], str]) -> None:
    """Add what the server alone decides of a new object: addresses and the first status."""
    match resource.kind:
        case "Pod":
            body["status"] = {"phase": "Pending", "qosClass": quality_of_service(body["spec"])}
        case "Namespace":
            body.setdefault("spec", {"finalizers": ["kubernetes"]})
            body["status"] = {"phase": "Active"}
            body["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = body["metadata"].get(
                "name"
            )
        case "Service":
            _place_service(body, allocate)
        case "CustomResourceDefinition":
            body["status"] = _accepted(body)
        case "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob":
            body["status"] = {}


def keep_assigned(resource: Resource, old: Json, new: Json) -> None:
    """A change that does not mention what was assigned keeps it."""
    if resource.kind == "Service" and (new.get("spec") or {}).get("type") == old["spec"].get("type"):
        _missing(new["spec"], {field: old["spec"][field] for field in _ASSIGNED if field in old["spec"]})


def fill(resource: Resource, body: Json) -> None:
    """Fill in the defaults of an object, new or changed."""
    if spec := pod_spec(resource.kind, body):
        _fill_pod(spec)
    if isinstance(body.get("spec"), dict) and (filler := _FILLERS.get(resource.kind)):
        filler(body["spec"])
    if resource.kind == "Secret":
        _fill_secret(body)
    if resource.kind == "Pod" and isinstance(body.get("spec"), dict):
        _fill_bound_pod(body["spec"])
    if resource.group == "rbac.authorization.k8s.io":
        _fill_binding(body)


def quality_of_service(spec: Json) -> str:
    """Guaranteed, Burstable or BestEffort, from what the containers ask for."""
    resources = [container.get("resources") or {} for container in containers(spec)]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= (each.get("limits") or {}).keys() and each["limits"] == each.get("requests")
        for each in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _missing(target: Json, defaults: Json) -> None:
    for key, value in defaults.items():
        if target.get(key) is None:
            target[key] = value


def _fill_pod(spec: Json) -> None:
    _missing(
        spec,
        {
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
            "securityContext": {},
            "terminationGracePeriodSeconds": 30,
        },
    )
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    for container in containers(spec):
        _fill_container(container)
    for volume in spec.get("volumes") or ():
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            if isinstance(volume.get(source), dict):
                volume[source].setdefault("defaultMode", _READ_ONLY_BITS)


def _fill_container(container: Json) -> None:
    _missing(
        container,
        {
            "imagePullPolicy": _pull_policy(container.get("image") or ""),
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        },
    )
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(probe := container.get(name), dict):
            _fill_probe(probe)
    for variable in container.get("env") or ():
        if isinstance(field := (variable.get("valueFrom") or {}).get("fieldRef"), dict):
            field.setdefault("apiVersion", "v1")


def _fill_probe(probe: Json) -> None:
    _missing(probe, _PROBE)
    if isinstance(probe.get("httpGet"), dict):
        _missing(probe["httpGet"], {"path": "/", "scheme": "HTTP"})


def _pull_policy(image: str) -> str:
    name = image.rpartition("/")[2]
    latest = "@" not in name and (":" not in name or name.endswith(":latest"))
    return "Always" if latest else "IfNotPresent"


def _fill_bound_pod(spec: Json) -> None:
    """What admission adds to pods themselves, but not to templates."""
    for container in containers(spec):
        resources = container["resources"]
        if resources.get("limits"):  # a limit without a request asks for the whole of it
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}
    _missing(
        spec, {"serviceAccountName": "default", "serviceAccount": spec.get("serviceAccountName") or "default"}
    )
    _missing(spec, {"enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority", "priority": 0})
    present = {toleration.get("key") for toleration in spec.get("tolerations") or ()}
    for key in _UNREACHABLE:
        if key not in present:
            toleration = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            spec.setdefault("tolerations", []).append(toleration)


def _fill_deployment(spec: Json) -> None:
    _missing(
        spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": {}}
    )
    strategy = spec["strategy"]
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        if strategy.get("rollingUpdate") is None:
            strategy["rollingUpdate"] = {}
        _missing(strategy["rollingUpdate"], _ROLLING)


def _fill_replica_set(spec: Json) -> None:
    _missing(spec, {"replicas": 1})


def _fill_stateful_set(spec: Json) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    _missing(spec, {"replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady"})
    _missing(spec, {"updateStrategy": rolling})


def _fill_daemon_set(spec: Json) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    _missing(spec, {"revisionHistoryLimit": 10, "updateStrategy": rolling})


def _fill_job(spec: Json) -> None:
    _missing(spec, {"backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False})
    _missing(spec, {"podReplacementPolicy": "TerminatingOrFailed", "manualSelector": False})
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    _missing(spec, {"parallelism": 1})


def _fill_cron_job(spec: Json) -> None:
    _missing(spec, {"concurrencyPolicy": "Allow", "suspend": False})
    _missing(spec, {"successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1})


def _fill_service(spec: Json) -> None:
    _missing(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in {None, 0, ""}:
            port["targetPort"] = port.get("port")
    if spec["type"] != "ExternalName":
        _missing(spec, {"internalTrafficPolicy": "Cluster"})


def _place_service(body: Json, allocate: Callable[[], str]) -> None:
    spec = body.setdefault("spec", {})
    body["status"] = {"loadBalancer": {}}
    if spec.get("type") == "ExternalName":
        return
    if not spec.get("clusterIP"):
        spec["clusterIP"] = allocate()
    spec["clusterIPs"] = [spec["clusterIP"]]
    _missing(spec, {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"})


def _fill_claim(spec: Json) -> None:
    _missing(spec, {"volumeMode": "Filesystem"})


def _fill_autoscaler(spec: Json) -> None:
    target = {"type": "Utilization", "averageUtilization": 80}
    _missing(spec, {"minReplicas": 1})
    _missing(spec, {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]})


def _fill_secret(body: Json) -> None:
    body.setdefault("type", "Opaque")
    if texts := body.pop("stringData", None):
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        body["data"] = {**(body.get("data") or {}), **encoded}


def _fill_binding(body: Json) -> None:
    if isinstance(role := body.get("roleRef"), dict):
        role.setdefault("apiGroup", "rbac.authorization.k8s.io")
    for subject in body.get("subjects") or ():
        if subject.get("kind") in {"User", "Group"}:
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _accepted(definition: Json) -> Json:
    names, versions = definition["spec"]["names"], definition["spec"]["versions"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", names["kind"] + "List")
    definition["spec"].setdefault("conversion", {"strategy": "None"})
    conditions = [
        {
            "type": type_,
            "status": "True",
            "reason": reason,
            "message": text,
            "lastTransitionTime": timestamp(),
        }
        for type_, reason, text in (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        )
    ]
    stored = [version["name"] for version in versions if version.get("storage")]
    return {"acceptedNames": names, "conditions": conditions, "storedVersions": stored}


_FILLERS: dict[str, Callable[[Json], None]] = {
    "Deployment": _fill_deployment,
    "ReplicaSet": _fill_replica_set,
    "ReplicationController": _fill_replica_set,
    "StatefulSet": _fill_stateful_set,
    "DaemonSet": _fill_daemon_set,
    "Job": _fill_job,
    "CronJob": _fill_cron_job,
    "Service": _fill_service,
    "PersistentVolumeClaim": _fill_claim,
    "HorizontalPodAutoscaler": _fill_autoscaler,
}
