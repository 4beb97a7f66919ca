"""Why: nobody may give away rights that they do not have. A cluster refuses that, and a plan has to find out.

Who holds the verb `escalate` on roles may write what they like into them; who holds `bind` on a role may give
it to anybody. All others need every right that is in it.
"""

import itertools
from collections.abc import Iterator

from chaosctl.sandbox.api.authz import Attributes, Authorizer, Identity
from chaosctl.sandbox.api.errors import ApiError, not_found
from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.resources import Resource

GROUP = "rbac.authorization.k8s.io"
_ROLES = frozenset({"roles", "clusterroles"})


def check(who: Identity, resource: Resource, namespace: str, body: Json, authorizer: Authorizer) -> None:
    """Raises ApiError 403 where a role, or a binding of one, gives more than whoever writes it has.

    404 where a role is bound that does not exist, so that it cannot be told what it gives.
    """
    if resource.group != GROUP:
        return
    verb, plural, name = _asked_for(resource, body)
    if authorizer.allows(who, Attributes(verb, GROUP, plural, namespace=namespace, name=name)):
        return
    role = body if verb == "escalate" else authorizer.role_of(body, namespace)
    if role is None:
        raise not_found(GROUP, plural, name)
    missing = [rule for rule in role.get("rules") or () if not _held(who, rule, namespace, authorizer)]
    if missing:
        raise _refusal(who, resource, str(dig(body, "metadata.name") or ""), missing)


def _asked_for(resource: Resource, body: Json) -> tuple[str, str, str]:
    """The verb that makes it allowed in any case, and on what."""
    if resource.plural in _ROLES:
        return "escalate", resource.plural, str(dig(body, "metadata.name") or "")
    reference = body["roleRef"]
    return "bind", f"{reference['kind'].lower()}s", reference["name"]


def _held(who: Identity, rule: Json, namespace: str, authorizer: Authorizer) -> bool:
    return all(authorizer.allows(who, asked) for asked in _asked(rule, namespace))


def _asked(rule: Json, namespace: str) -> Iterator[Attributes]:
    """Every right of a rule, one by one."""
    for verb, path in itertools.product(rule.get("verbs") or (), rule.get("nonResourceURLs") or ()):
        yield Attributes(verb, path=path)
    parts = (rule.get("verbs") or (), rule.get("apiGroups") or (), rule.get("resources") or ())
    for verb, group, whole in itertools.product(*parts):
        resource, _, subresource = whole.partition("/")
        for name in rule.get("resourceNames") or ("",):
            yield Attributes(verb, group, resource, subresource, namespace, name)


def _refusal(who: Identity, resource: Resource, name: str, missing: list[Json]) -> ApiError:
    groups = " ".join(f'"{group}"' for group in who.groups)
    rights = "\n".join(map(_shown, missing))
    text = (
        f'{resource.plural}.{GROUP} "{name}" is forbidden: user "{who.user}" (groups=[{groups}]) '
        f"is attempting to grant RBAC permissions not currently held:\n{rights}"
    )
    return ApiError(403, "Forbidden", text, {"name": name, "group": GROUP, "kind": resource.plural})


def _shown(rule: Json) -> str:
    names = {
        "apiGroups": "APIGroups",
        "resources": "Resources",
        "resourceNames": "ResourceNames",
        "nonResourceURLs": "NonResourceURLs",
        "verbs": "Verbs",
    }
    parts = (f"{names[key]}:[{_listed(rule[key])}]" for key in names if rule.get(key))
    return "{" + ", ".join(parts) + "}"


def _listed(values: list[str]) -> str:
    return " ".join(f'"{value}"' for value in values)
