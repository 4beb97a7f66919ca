"""Why: what a pod may look like, and what of it may change, is half of all that a server refuses."""

from collections.abc import Iterator

from chaosctl.sandbox.api.causes import Cause, duplicate, forbidden, not_found, one_of, required, wrong
from chaosctl.sandbox.api.names import LABEL, LABEL_RULE
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.quantities import amount

_PULL = ("Always", "IfNotPresent", "Never")
_CHANGEABLE = frozenset(
    {
        "activeDeadlineSeconds",
        "tolerations",
        "schedulingGates",
        "containers",
        "initContainers",
        "ephemeralContainers",
    }
)
_FIXED = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions "
    "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
    "was previously negative)"
)


def check(base: str, spec: Json) -> Iterator[Cause]:
    """What is wrong with a pod spec that lies at a path."""
    if not spec.get("containers"):
        yield required(f"{base}.containers")
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    seen: set[str] = set()
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind) or ()):
            field, name = f"{base}.{kind}[{index}]", container.get("name")
            yield from _container(field, container)
            yield from _mounts(field, container, volumes)
            if name in seen:
                yield duplicate(f"{field}.name", name)
            seen.add(name)


def check_template(base: str, spec: Json, policies: tuple[str, ...]) -> Iterator[Cause]:
    """What only the controllers of pods demand."""
    policy = spec.get("restartPolicy")
    if policy not in policies:
        yield one_of(f"{base}.restartPolicy", policy, policies)


def check_change(old: Json, new: Json, *, binding: bool) -> Iterator[Cause]:
    """Of a pod's spec only images, deadlines, gates and tolerations may change; its node by binding it."""
    if _fixed(old, binding=binding) != _fixed(new, binding=binding):
        yield forbidden("spec", _FIXED)


def _fixed(pod: Json, *, binding: bool) -> Json:
    free = _CHANGEABLE | ({"nodeName"} if binding else set())
    spec = pod.get("spec") or {}
    fixed = {key: value for key, value in spec.items() if key not in free}
    for field in ("containers", "initContainers"):
        fixed[field] = [{k: v for k, v in c.items() if k != "image"} for c in spec.get(field) or ()]
    return fixed


def _container(field: str, container: Json) -> Iterator[Cause]:
    name, policy = container.get("name"), container.get("imagePullPolicy")
    if not name:
        yield required(f"{field}.name")
    elif not LABEL.fullmatch(name):
        yield wrong(f"{field}.name", name, LABEL_RULE)
    if not container.get("image"):
        yield required(f"{field}.image")
    elif policy not in _PULL:
        yield one_of(f"{field}.imagePullPolicy", policy, _PULL)
    for index, variable in enumerate(container.get("env") or ()):
        if not variable.get("name"):
            yield required(f"{field}.env[{index}].name")
    yield from _resources(field, container.get("resources") or {})


def _mounts(field: str, container: Json, volumes: set[str | None]) -> Iterator[Cause]:
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            yield not_found(f"{field}.volumeMounts[{index}].name", mount.get("name"))


def _resources(field: str, resources: Json) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for what, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            if (amount(str(value)) or 0) < 0:
                why = "must be greater than or equal to 0"
                yield wrong(f"{field}.resources.{what}[{name}]", str(value), why)
    for name in sorted(limits.keys() & requests.keys()):
        limit, request = amount(str(limits[name])), amount(str(requests[name]))
        if limit is not None and request is not None and request > limit:
            message = f"must be less than or equal to {name} limit of {limits[name]}"
            yield wrong(f"{field}.resources.requests", requests[name], message)
