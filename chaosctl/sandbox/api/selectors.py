"""Why: lists and watches are narrowed by labels and fields in the two little languages of Kubernetes."""

import re
from collections.abc import Callable, Mapping

from chaosctl.sandbox.api import label_selectors
from chaosctl.sandbox.api.errors import bad_request
from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.resources import Resource

Match = Callable[[Json], bool]
_EQUALITY = re.compile(r"\s*([^=!\s]+)\s*(==|=|!=)\s*([^\s=!]*)\s*")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_NAMES = frozenset({"metadata.name", "metadata.namespace"})
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
    "replicationcontrollers": frozenset({"status.replicas"}),
    "jobs": frozenset({"status.successful"}),
    "services": frozenset({"spec.clusterIP", "spec.type"}),
}  # fmt: skip


def by_labels(text: str) -> Match:
    """Objects whose labels satisfy `a=b,c!=d,e in (f,g),h,!i`. Raises ApiError 400."""
    tests = label_selectors.parse(text)

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


def _field_test(resource: Resource, part: str) -> Match:
    found = _EQUALITY.fullmatch(part)
    if not found:
        raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    path, wanted, equal = found[1], found[3], found[2] != "!="
    if path not in _NAMES and path not in _FIELDS.get(resource.plural, frozenset()):
        raise bad_request(_not_a_field(resource, path))
    if path == "status.successful":  # as the field was called before it had its present name
        return lambda body: (str(dig(body, "status.succeeded") or 0) == wanted) is equal
    return lambda body: (_text(dig(body, path)) == wanted) is equal


def _not_a_field(resource: Resource, path: str) -> str:
    """Kinds that have fields of their own say it in other words than those that have none."""
    if resource.plural not in _FIELDS:
        return f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'
    if resource.plural == "jobs":
        return f'field label "{path}" not supported for Job'
    return f"field label not supported: {path}"


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
