"""Why: lists and watches are narrowed by labels and fields in the two little languages of Kubernetes."""

import re
from collections.abc import Callable, Mapping

from chaosctl.sandbox.api.errors import bad_request
from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.resources import Resource

Match = Callable[[Json], bool]
_Test = Callable[[Mapping[str, str]], bool]

_PARTS = re.compile(r"(?:[^,(]|\([^)]*\))+")
_SET = re.compile(r"\s*([^\s,!=()]+)\s+(in|notin)\s*\(([^)]*)\)\s*")
_EQUALITY = re.compile(r"\s*([^=!\s]+)\s*(==|=|!=)\s*([^\s=!]*)\s*")
_PRESENCE = re.compile(r"\s*(!?)\s*([^\s,!=()]+)\s*")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_FIELDS: dict[str, frozenset[str]] = {
    "pods": frozenset(
        {
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
            "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
        }
    ),
    "events": frozenset(
        {"reason", "type", "source", "reportingComponent"} | {f"involvedObject.{each}" for each in _INVOLVED}
    ),
    "namespaces": frozenset({"status.phase"}),
    "nodes": frozenset({"spec.unschedulable"}),
    "secrets": frozenset({"type"}),
    "replicasets": frozenset({"status.replicas"}),
    "replicationcontrollers": frozenset({"status.replicas"}),
    "jobs": frozenset({"status.successful"}),
    "services": frozenset({"spec.clusterIP", "spec.type"}),
}  # fmt: skip


def by_labels(text: str) -> Match:
    """Objects whose labels satisfy `a=b,c!=d,e in (f,g),h,!i`. Raises ApiError 400."""
    tests = [_label_test(part) for part in _PARTS.findall(text)]

    def match(body: Json) -> bool:
        labels = body["metadata"].get("labels") or {}
        return all(test(labels) for test in tests)

    return match


def by_fields(resource: Resource, text: str) -> Match:
    """Objects whose fields satisfy `a=b,c!=d`. Raises ApiError 400, also for fields not offered."""
    tests = [_field_test(resource, part) for part in text.split(",") if part.strip()]
    return lambda body: all(test(body) for test in tests)


def matches(selector: Json | None, labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a LabelSelector object; none matches nothing, an empty one all."""
    if selector is None:
        return False
    wanted = (selector.get("matchLabels") or {}).items()
    expressions = selector.get("matchExpressions") or ()
    return all(labels.get(key) == value for key, value in wanted) and all(
        _expression(each, labels) for each in expressions
    )


def _label_test(part: str) -> _Test:
    if found := _SET.fullmatch(part):
        key, values = found[1], {value.strip() for value in found[3].split(",")}
        if found[2] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUALITY.fullmatch(part):
        key, value = found[1], found[3]
        if found[2] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _PRESENCE.fullmatch(part):
        key, absent = found[2], bool(found[1])
        return lambda labels: (key in labels) is not absent
    raise bad_request(f"unable to parse requirement: {part!r}")


def _field_test(resource: Resource, part: str) -> Match:
    found = _EQUALITY.fullmatch(part)
    if not found:
        raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    path, wanted, equal = found[1], found[3], found[2] != "!="
    known = _FIELDS.get(resource.plural, frozenset()) | {"metadata.name", "metadata.namespace"}
    if path not in known:
        raise bad_request(f"field label not supported: {path}")
    return lambda body: (_text(dig(body, path)) == wanted) is equal


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _expression(expression: Json, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
