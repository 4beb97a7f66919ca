"""Why: a drill that uses a quota up must meet the refusals that a real API server gives, word for word.

A quota counts once its controller has put it into its status; so much is used as the store holds. Quotas with
scopes are stored, and neither counted nor enforced.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from chaosctl.sandbox.api import errors
from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.quantities import amount, in_canonical_form
from chaosctl.sandbox.api.resources import Resource

Amounts = Mapping[str, Decimal]
_ONE = Decimal(1)
_BY_NAME = frozenset(
    {
        "configmaps",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
    }
)
_COMPUTED = ("cpu", "memory")
_DEMANDED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_OVER = frozenset({"Succeeded", "Failed"})


def check(resource: Resource, body: Json, quotas: Iterable[Json], present: Sequence[Json]) -> None:
    """Raises ApiError 403 where a new object would exceed a quota; `present` are those of its kind."""
    asked = _counted(resource, body)
    for quota in quotas:
        if dig(quota, "spec.scopes") or dig(quota, "spec.scopeSelector"):
            continue
        hard = _amounts(dig(quota, "status.hard") or {})
        name = quota["metadata"]["name"]
        if missing := _unsaid(resource, body, hard):
            raise _refusal(resource, body, f"failed quota: {name}: must specify {missing}")
        used = _sum(_counted(resource, each) for each in present)
        over = sorted(key for key in hard.keys() & asked.keys() if used[key] + asked[key] > hard[key])
        if over:
            sides = {"requested": asked, "used": used, "limited": hard}
            said = ", ".join(f"{side}: {_listed(over, amounts)}" for side, amounts in sides.items())
            raise _refusal(resource, body, f"exceeded quota: {name}, {said}")


def used(quota: Json, objects: Iterable[tuple[Resource, Json]]) -> dict[str, str]:
    """What the objects of the quota's namespace use of each thing that it limits."""
    total = _sum(_counted(resource, body) for resource, body in objects)
    return {key: in_canonical_form(key, total[key]) for key in dig(quota, "spec.hard") or {}}


def _counted(resource: Resource, body: Json) -> Amounts:
    """All that one object counts for."""
    suffix = f".{resource.group}" if resource.group else ""
    counted = {f"count/{resource.plural}{suffix}": _ONE}
    if not resource.group and resource.plural in _BY_NAME:
        counted[resource.plural] = _ONE
    if resource.plural != "pods":
        return counted
    return counted | _of_pod(body) if dig(body, "status.phase") not in _OVER else counted


def _of_pod(pod: Json) -> dict[str, Decimal]:
    """Containers run together, initial ones one after the other before them."""
    spec = pod["spec"]
    counted = {"pods": _ONE, **_sum(_of_container(each) for each in spec["containers"])}
    for before in map(_of_container, spec.get("initContainers") or ()):
        counted |= {key: max(value, counted.get(key, value)) for key, value in before.items()}
    return counted


def _of_container(container: Json) -> dict[str, Decimal]:
    resources = container.get("resources") or {}
    requests, limits = _amounts(resources.get("requests") or {}), _amounts(resources.get("limits") or {})
    plain = {name: requests[name] for name in _COMPUTED if name in requests}
    return {
        **plain,
        **{f"requests.{name}": value for name, value in requests.items()},
        **{f"limits.{name}": value for name, value in limits.items()},
    }


def _unsaid(resource: Resource, body: Json, hard: Amounts) -> str:
    """What a quota limits and the pod's containers say nothing of, by resource."""
    if resource.plural != "pods":
        return ""
    spec, missing = body["spec"], defaultdict(list)
    for container in (*spec["containers"], *(spec.get("initContainers") or ())):
        for key in (hard.keys() & _DEMANDED) - _of_container(container).keys():
            missing[key].append(container["name"])
    return "; ".join(f"{key} for: {','.join(sorted(missing[key]))}" for key in sorted(missing))


def _amounts(texts: Json) -> dict[str, Decimal]:
    found = ((key, amount(str(text))) for key, text in texts.items())
    return {key: value for key, value in found if value is not None}


def _sum(parts: Iterable[Amounts]) -> defaultdict[str, Decimal]:
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        for key, value in part.items():
            total[key] += value
    return total


def _listed(keys: Iterable[str], amounts: Amounts) -> str:
    return ",".join(f"{key}={in_canonical_form(key, amounts[key])}" for key in keys)


def _refusal(resource: Resource, body: Json, why: str) -> errors.ApiError:
    return errors.forbidden(resource.group, resource.plural, body["metadata"]["name"], why)
