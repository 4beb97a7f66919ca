"""Why: what must keep away from a node that is about to be broken says so by node affinity.

Only what is required is looked at: what is preferred would matter where nodes fill up, and these never do.
"""

from collections.abc import Callable, Mapping, Sequence

from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.controllers.meta import labels_of

_JUDGES: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": lambda value, values: _is_number(value) and int(str(value)) > int(values[0]),
    "Lt": lambda value, values: _is_number(value) and int(str(value)) < int(values[0]),
}


def admits(pod: Json, node: Json) -> bool:
    """Whether a pod's selector and required node affinity allow a node."""
    labels = labels_of(node)
    if not (pod["spec"].get("nodeSelector") or {}).items() <= labels.items():
        return False
    required = dig(pod, "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")
    fields = {"metadata.name": node["metadata"]["name"]}
    return required is None or any(
        _meets(term, labels, fields) for term in required.get("nodeSelectorTerms") or ()
    )


def _meets(term: Json, labels: Mapping[str, str], fields: Mapping[str, str]) -> bool:
    """Whether a node meets every requirement of a term; an empty one is met by none."""
    asked = [(each, labels) for each in term.get("matchExpressions") or ()]
    asked += [(each, fields) for each in term.get("matchFields") or ()]
    return bool(asked) and all(
        _JUDGES[each["operator"]](where.get(each["key"]), each.get("values") or ()) for each, where in asked
    )


def _is_number(value: str | None) -> bool:
    return value is not None and value.removeprefix("-").isdecimal()
