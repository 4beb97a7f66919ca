"""Why: a plan asks beforehand whether it may, as `kubectl auth` does; reviews are answered, not stored."""

from datetime import timedelta

from chaosctl.sandbox.api.authz import Attributes, Authorizer, Identities, Identity, account_of, identity
from chaosctl.sandbox.api.causes import wrong
from chaosctl.sandbox.api.errors import invalid
from chaosctl.sandbox.api.objects import Json, timestamp
from chaosctl.sandbox.api.resources import Resource

_HOUR_S = 3600


def answer(resource: Resource, body: Json, who: Identity, authorizer: Authorizer) -> Json:
    """The review with its status. Raises ApiError 422."""
    spec = body.get("spec") or {}
    match resource.kind:
        case "SelfSubjectReview":
            user = {"username": who.user, "groups": list(who.groups)}
            status: Json = {"userInfo": user}
        case "SelfSubjectRulesReview":
            status = _rules(authorizer, who, spec.get("namespace") or "")
        case "SelfSubjectAccessReview":
            status = _access(authorizer, who, spec)
        case _:
            asked = identity(spec.get("user") or "", tuple(spec.get("groups") or ()))
            status = _access(authorizer, asked, spec)
    metadata = {**(body.get("metadata") or {}), "creationTimestamp": None}
    return {
        "kind": resource.kind,
        "apiVersion": resource.group_version,
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


def token_request(resource: Resource, namespace: str, name: str, body: Json, identities: Identities) -> Json:
    """A TokenRequest with a token for a ServiceAccount."""
    seconds = int((body.get("spec") or {}).get("expirationSeconds") or _HOUR_S)
    token = identities.issue(account_of(resource, namespace, name))
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": timestamp()},
        "spec": {"audiences": [], **(body.get("spec") or {}), "expirationSeconds": seconds},
        "status": {"token": token, "expirationTimestamp": timestamp(timedelta(seconds=seconds))},
    }


def _access(authorizer: Authorizer, who: Identity, spec: Json) -> Json:
    allowed = authorizer.allows(who, _attributes(spec))
    return {"allowed": True, "reason": "RBAC: allowed"} if allowed else {"allowed": False}


def _attributes(spec: Json) -> Attributes:
    if path := spec.get("nonResourceAttributes"):
        return Attributes(path.get("verb", ""), path=path.get("path", ""))
    asked = spec.get("resourceAttributes")
    if not asked:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid("authorization.k8s.io", "", "", [wrong("spec", None, why)])
    fields = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Attributes(*(asked.get(field) or "" for field in fields))


def _rules(authorizer: Authorizer, who: Identity, namespace: str) -> Json:
    rules = list(authorizer.rules(who, namespace))
    resources = [rule for rule in rules if rule.get("resources")]
    paths = [rule for rule in rules if rule.get("nonResourceURLs")]
    return {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
