"""Why: a plan finds missing permissions only if the sandbox enforces Roles as a cluster does."""

import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chaosctl.sandbox.api.audit import Audit, nowhere
from chaosctl.sandbox.api.default_roles import DEFAULT_ROLES
from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import Resource

if TYPE_CHECKING:
    from chaosctl.sandbox.api.store import Store

_RBAC = "rbac.authorization.k8s.io/v1"
_MASTERS, _AUTHENTICATED = "system:masters", "system:authenticated"
_ACCOUNT = "system:serviceaccount:"
_TOKEN_BYTES = 24
_OPEN_PATHS = ("/api", "/apis", "/healthz", "/livez", "/openapi", "/readyz", "/version")
_OPEN_REVIEWS = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})


class Identity(NamedTuple):
    """Who asks."""

    user: str
    groups: tuple[str, ...] = ()

    @property
    def admin(self) -> bool:
        return _MASTERS in self.groups


class Attributes(NamedTuple):
    """What is asked for: a verb on a resource, or on a path where `path` is given."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Identities:
    """The tokens that were given out. There is no other way in."""

    def __init__(self) -> None:
        self._known: dict[str, Identity] = {}
        self.admin_token = self.issue("sandbox-admin", (_MASTERS,))

    def issue(self, user: str, groups: tuple[str, ...] = ()) -> str:
        """A new token for a user or a ServiceAccount (`system:serviceaccount:NAMESPACE:NAME`)."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._known[token] = identity(user, groups)
        return token

    def of(self, token: str) -> Identity:
        """Raises ApiError 401."""
        try:
            return self._known[token]
        except KeyError:
            raise ApiError(401, "Unauthorized", "Unauthorized") from None


def identity(user: str, groups: tuple[str, ...] = ()) -> Identity:
    """A user with the groups that everybody of the kind is in."""
    own: tuple[str, ...] = ()
    if user.startswith(_ACCOUNT):
        own = (
            "system:serviceaccounts",
            f"system:serviceaccounts:{user.removeprefix(_ACCOUNT).partition(':')[0]}",
        )
    return Identity(user, tuple(dict.fromkeys((*groups, *own, _AUTHENTICATED))))


class Authorizer:
    """Evaluates Roles, ClusterRoles and their bindings in the store."""

    def __init__(self, store: "Store", audit: Audit = nowhere) -> None:
        self._store, self._audit = store, audit
        self._roles = store.resource(_RBAC, "roles")
        self._cluster_roles = store.resource(_RBAC, "clusterroles")
        self._bindings = store.resource(_RBAC, "rolebindings")
        self._cluster_bindings = store.resource(_RBAC, "clusterrolebindings")

    def check(self, who: Identity, what: Attributes) -> None:
        """Raises ApiError 403 in the words of a real server."""
        allowed = self.allows(who, what)
        self._audit(_entry(who, what, allowed=allowed))
        if not allowed:
            raise forbidden(who, what)

    def impersonated(self, who: Identity, user: str, groups: tuple[str, ...]) -> Identity:
        """Somebody else, as `kubectl --as` wants it. Raises ApiError 403."""
        self.check(who, Attributes("impersonate", resource="users", name=user))
        for group in groups:
            self.check(who, Attributes("impersonate", resource="groups", name=group))
        return identity(user, groups)

    def allows(self, who: Identity, what: Attributes) -> bool:
        if who.admin or _is_open(what):
            return True
        return any(_covers(rule, what) for rule in self.rules(who, what.namespace))

    def rules(self, who: Identity, namespace: str) -> Iterator[Json]:
        """The rules that hold for somebody in a namespace, and everywhere."""
        for binding in self._store.list(self._cluster_bindings):
            if _binds(binding, who):
                yield from self._rules_of(binding, "")
        if namespace:
            for binding in self._store.list(self._bindings, namespace):
                if _binds(binding, who):
                    yield from self._rules_of(binding, namespace)

    def role_of(self, binding: Json, namespace: str) -> Json | None:
        """The role that a binding in this namespace names, if there is one."""
        reference = binding["roleRef"]
        if reference["kind"] == "ClusterRole":
            return self._store.find(self._cluster_roles, None, reference["name"])
        return self._store.find(self._roles, namespace, reference["name"])

    def _rules_of(self, binding: Json, namespace: str) -> list[Json]:
        return (self.role_of(binding, namespace) or {}).get("rules") or []


def forbidden(who: Identity, what: Attributes) -> ApiError:
    """The refusal of a request."""
    full = f"{what.resource}.{what.group}" if what.group else what.resource
    if what.path:
        text = f'forbidden: User "{who.user}" cannot {what.verb} path "{what.path}"'
        return ApiError(403, "Forbidden", text)
    where = f'in the namespace "{what.namespace}"' if what.namespace else "at the cluster scope"
    named = f' "{what.name}"' if what.name else ""
    cannot = f'cannot {what.verb} resource "{what.full_resource}" in API group "{what.group}" {where}'
    details = {"name": what.name, "group": what.group, "kind": what.resource}
    message = f'{full}{named} is forbidden: User "{who.user}" {cannot}'
    return ApiError(403, "Forbidden", message, {key: value for key, value in details.items() if value})


def _entry(who: Identity, what: Attributes, *, allowed: bool) -> Json:
    """An audit.k8s.io/v1 Event."""
    fields = {"apiGroup": what.group, "resource": what.resource, "subresource": what.subresource}
    fields |= {"namespace": what.namespace, "name": what.name}
    reference = {key: value for key, value in fields.items() if value}
    head = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "RequestReceived"}
    where = {"objectRef": reference} if what.resource else {"requestURI": what.path}
    decision = {"authorization.k8s.io/decision": "allow" if allowed else "forbid"}
    return {**head, "verb": what.verb, "user": {"username": who.user}, **where, "annotations": decision}


def bootstrap(store: "Store") -> None:
    """Create the ClusterRoles that every cluster has."""
    roles, bindings = store.resource(_RBAC, "clusterroles"), store.resource(_RBAC, "clusterrolebindings")
    for name, rules in DEFAULT_ROLES.items():
        store.create(roles, None, {"metadata": {"name": name}, "rules": rules})
    masters = {"kind": "Group", "name": _MASTERS}
    role = {"kind": "ClusterRole", "name": "cluster-admin"}
    store.create(
        bindings, None, {"metadata": {"name": "cluster-admin"}, "subjects": [masters], "roleRef": role}
    )


def account_of(resource: Resource, namespace: str, name: str) -> str:
    """The user name of a ServiceAccount."""
    if resource.kind != "ServiceAccount":
        raise TypeError(f"{resource.kind} is no ServiceAccount")
    return f"{_ACCOUNT}{namespace}:{name}"


def _is_open(what: Attributes) -> bool:
    if what.path:
        return any(what.path == each or what.path.startswith(f"{each}/") for each in _OPEN_PATHS)
    return what.verb == "create" and what.resource in _OPEN_REVIEWS


def _binds(binding: Json, who: Identity) -> bool:
    for subject in binding.get("subjects") or ():
        match subject["kind"]:
            case "User" if subject["name"] == who.user:
                return True
            case "Group" if subject["name"] in who.groups:
                return True
            case "ServiceAccount":
                namespace = subject.get("namespace") or binding["metadata"].get("namespace", "")
                if who.user == f"{_ACCOUNT}{namespace}:{subject['name']}":
                    return True
    return False


def _covers(rule: Json, what: Attributes) -> bool:
    if not _among(rule.get("verbs"), what.verb):
        return False
    if what.path:
        return any(_path_matches(path, what.path) for path in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _among(rule.get("apiGroups"), what.group)
        and _resource_matches(rule.get("resources") or (), what)
        and (not names or what.name in names)
    )


def _resource_matches(resources: Sequence[str], what: Attributes) -> bool:
    anywhere = f"*/{what.subresource}" in resources if what.subresource else False
    return _among(resources, what.full_resource) or anywhere


def _path_matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _among(listed: Sequence[str] | None, wanted: str) -> bool:
    return bool(listed) and ("*" in (listed or ()) or wanted in (listed or ()))
