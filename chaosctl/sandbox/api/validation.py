"""Why: a drill must meet a real server's refusals of names, owners, finalizers and immutable fields."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from chaosctl.sandbox.api import errors, validation_kinds, validation_pods
from chaosctl.sandbox.api.causes import Cause, forbidden, required, wrong
from chaosctl.sandbox.api.names import (
    KEY_RULE,
    LABEL,
    LABEL_RULE,
    QUALIFIED,
    SUBDOMAIN,
    SUBDOMAIN_RULE,
    VALUE,
    VALUE_RULE,
)
from chaosctl.sandbox.api.objects import Json, dig, pod_spec
from chaosctl.sandbox.api.resources import Resource

_LONGEST_NAME = 253
_FREE_NAMES = frozenset({"roles", "clusterroles", "rolebindings", "clusterrolebindings"})
_SHORT_NAMES = frozenset({"namespaces", "services"})
_POLICIES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"), ("Always",)),
    "Job": ("OnFailure", "Never"),
    "CronJob": ("OnFailure", "Never"),
}
_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_FIXED: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec.selector",),
    "ReplicaSet": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "Job": ("spec.completions", "spec.selector", "spec.template.spec"),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
}
_SET_ONCE = "field is immutable when `immutable` is set"


def check_new(resource: Resource, body: Json) -> None:
    """Raises ApiError 422 with every cause."""
    _refuse(resource, body, [*_name(resource, body["metadata"]), *_always(resource, body)])


def check_change(resource: Resource, old: Json, new: Json, subresource: str = "") -> None:
    """Raises ApiError 422 with every cause."""
    fixed = _immutable(resource, old, new, binding=subresource == "binding")
    _refuse(resource, new, [*_always(resource, new), *fixed])


def check_metadata_change(resource: Resource, old: Json, new: Json) -> None:
    """What the server alone decides may be left out, and not be changed. Raises ApiError 422."""
    before, after = old["metadata"], new["metadata"]
    causes = [
        wrong(f"metadata.{field}", after[field], "field is immutable")
        for field in ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
        if after.get(field) is not None and _moment(after[field]) != _moment(before.get(field))
    ]
    late = [each for each in after.get("finalizers") or () if each not in (before.get("finalizers") or ())]
    if "deletionTimestamp" in before and late:
        shown = ", ".join(f'"{each}"' for each in late)
        text = "no new finalizers can be added if the object is being deleted, found new finalizers "
        causes.append(forbidden("metadata.finalizers", f"{text}[]string{{{shown}}}"))
    _refuse(resource, old, causes)


def _moment(value: object) -> object:
    """Clients write one time in many ways."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _refuse(resource: Resource, body: Json, causes: list[Cause]) -> None:
    if causes:
        raise errors.invalid(resource.group, resource.kind, body["metadata"].get("name", ""), causes)


def _always(resource: Resource, body: Json) -> Iterator[Cause]:
    yield from _labels(body["metadata"])
    yield from _owners(body["metadata"])
    yield from validation_kinds.check(resource.kind, body)
    base = {"Pod": "spec", "CronJob": "spec.jobTemplate.spec.template.spec"}
    at = base.get(resource.kind, "spec.template.spec")
    spec = pod_spec(resource.kind, body)
    if spec:
        yield from validation_pods.check(at, spec)
        if policies := _POLICIES.get(resource.kind):
            yield from validation_pods.check_template(at, spec, policies)
    elif resource.kind == "Pod" or resource.kind in _POLICIES:
        yield required(f"{at}.containers")


def _name(resource: Resource, metadata: Json) -> Iterator[Cause]:
    name = metadata.get("name")
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif resource.plural in _FREE_NAMES:
        if "/" in name or "%" in name or name in {".", ".."}:
            yield wrong("metadata.name", name, "may not contain '/' or '%'")
    elif resource.plural in _SHORT_NAMES and not LABEL.fullmatch(name):
        yield wrong("metadata.name", name, "must not contain dots" if "." in name else LABEL_RULE)
    elif not SUBDOMAIN.fullmatch(name) or len(name) > _LONGEST_NAME:
        yield wrong("metadata.name", name, SUBDOMAIN_RULE)


def _labels(metadata: Json) -> Iterator[Cause]:
    for key, value in (metadata.get("labels") or {}).items():
        if not QUALIFIED.fullmatch(key):
            yield wrong("metadata.labels", key, KEY_RULE)
        if not isinstance(value, str) or not VALUE.fullmatch(value):
            yield wrong("metadata.labels", value, VALUE_RULE)
    for key in metadata.get("annotations") or {}:
        if not QUALIFIED.fullmatch(key.lower()):
            yield wrong("metadata.annotations", key, KEY_RULE)
    for index, name in enumerate(metadata.get("finalizers") or ()):
        if "/" not in name and name not in _FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield wrong(f"metadata.finalizers[{index}]", name, text)


def _owners(metadata: Json) -> Iterator[Cause]:
    owners = metadata.get("ownerReferences") or []
    for index, owner in enumerate(owners):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield required(f"metadata.ownerReferences[{index}].{field}", "must not be empty")
    controllers = [f"{owner['kind']}/{owner['name']}" for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        text = 'Only one reference can have Controller set to true. Found "true" in references for'
        yield wrong("metadata.ownerReferences", owners, f"{text} {' and '.join(controllers[:2])}")


def _immutable(resource: Resource, old: Json, new: Json, *, binding: bool) -> Iterator[Cause]:
    for field in _FIXED.get(resource.kind, ()):
        if dig(old, field) != dig(new, field):
            yield wrong(field, dig(new, field), "field is immutable")
    before, after = dig(old, "spec.clusterIP"), dig(new, "spec.clusterIP")
    if resource.kind == "Service" and before not in {None, "", after}:
        yield wrong("spec.clusterIPs[0]", [after], "may not change once set")
    if resource.kind == "Pod":
        yield from validation_pods.check_change(old, new, binding=binding)
    if old.get("immutable") and resource.kind in {"ConfigMap", "Secret"}:
        if not new.get("immutable"):
            yield forbidden("immutable", _SET_ONCE)
        if old.get("data") != new.get("data"):
            yield forbidden("data", _SET_ONCE)
