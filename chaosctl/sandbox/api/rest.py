"""Why: these are the verbs of the Kubernetes API over HTTP; what they do to the state is in the store."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from chaosctl.sandbox.api import (
    apply,
    escalation,
    evictions,
    options,
    paging,
    patches,
    pods,
    proxying,
    reviews,
    scale,
    schemas,
    watch,
)
from chaosctl.sandbox.api.answers import Presenter, as_json
from chaosctl.sandbox.api.authz import Authorizer, Identities
from chaosctl.sandbox.api.calls import Call, is_dry_run
from chaosctl.sandbox.api.causes import wrong
from chaosctl.sandbox.api.errors import ApiError, bad_request, invalid, invalid_option, method_not_allowed
from chaosctl.sandbox.api.managed_fields import Writer
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.places import PROXY
from chaosctl.sandbox.api.pods import Backend
from chaosctl.sandbox.api.resources import Resource
from chaosctl.sandbox.api.store import Store

_APPLY = "application/apply-patch+yaml"
_PATCHES: dict[str, Callable[[Json, Any], Json]] = {
    "application/json-patch+json": patches.json_patch,
    "application/merge-patch+json": patches.merge_patch,
    "application/strategic-merge-patch+json": patches.strategic_merge_patch,
}
_ANSWERED_WHOLE = frozenset({"pods", "services", "serviceaccounts", "namespaces", "persistentvolumeclaims"})
_CREATED_BY_UPDATE = frozenset(
    {
        "services",
        "endpoints",
        "leases",
        "events",
        "roles",
        "clusterroles",
        "rolebindings",
        "clusterrolebindings",
    }
)
_NEVER_BLINDLY = frozenset({"leases", "poddisruptionbudgets", "customresourcedefinitions"})
_PARTS = {
    "eviction": ("policy/v1", "Eviction"),
    "binding": ("v1", "Binding"),
    "token": ("authentication.k8s.io/v1", "TokenRequest"),
}
_NOT_OFFERED = frozenset({"exec", "attach", "portforward"})


class Rest:
    """Answers calls on resources."""

    def __init__(
        self, store: Store, authorizer: Authorizer, identities: Identities, backend: Backend
    ) -> None:
        self._store, self._authorizer = store, authorizer
        self._identities, self._backend = identities, backend
        self._verbs: dict[str, Callable[[Call], Awaitable[web.StreamResponse]]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }

    async def answer(self, call: Call) -> web.StreamResponse:
        """Raises ApiError."""
        self._authorizer.check(call.identity, call.attributes)
        if call.place.subresource in _NOT_OFFERED:
            raise pods.unsupported(call.place.subresource)
        if call.place.subresource == PROXY:
            return await proxying.relay(self._store, call)
        return await self._verbs[call.verb](call)

    async def _get(self, call: Call) -> web.StreamResponse:
        place = call.place
        if place.subresource == "log":
            return await pods.logs(self._store, self._backend, call)
        found = self._store.get(place.resource, place.namespace, place.name or "")
        if place.subresource == "scale":
            return as_json(scale.of(found))
        return self._shown(call, found)

    async def _list(self, call: Call) -> web.StreamResponse:
        page, metadata = paging.page(self._store, call, options.of_list(call))
        return as_json(self._presenter(call).many(page, metadata))

    async def _watch(self, call: Call) -> web.StreamResponse:
        return await watch.serve(self._store, call, self._presenter(call))

    async def _create(self, call: Call) -> web.StreamResponse:
        place, body = call.place, await call.body()
        if place.resource.review:
            self._check(call, body)
            return as_json(reviews.answer(place.resource, body, call.identity, self._authorizer), 201)
        if place.subresource:
            return self._create_part(call, body)
        _check_kind(place.resource, body)
        warnings = self._check(call, body)
        self._may_give(call, body)
        return self._shown(call, self._made(call, body), 201, warnings)

    def _create_part(self, call: Call, body: Json) -> web.Response:
        place = call.place
        name, namespace = place.name or "", place.namespace or ""
        if (kind := _PARTS.get(place.subresource)) is not None:
            schemas.check_part(*kind, body)
        match place.subresource:
            case "eviction":
                return as_json(evictions.evict(self._store, call, body), 201)
            case "binding":
                return as_json(pods.bind(self._store, call, body), 201)
            case "token":
                self._store.get(place.resource, namespace, name)
                asked = reviews.token_request(place.resource, namespace, name, body, self._identities)
                return as_json(asked, 201)
        raise method_not_allowed()

    async def _update(self, call: Call) -> web.StreamResponse:
        place, body = call.place, await call.body()
        name = (body.get("metadata") or {}).get("name")
        if name not in {None, "", place.name}:
            raise bad_request(
                f"the name of the object ({name}) does not match the name on the URL ({place.name})"
            )
        if place.subresource == "scale":
            return self._scaled(call, lambda _: body)
        _check_kind(place.resource, body)
        warnings = self._check(call, body)
        self._may_give(call, body)
        if not place.subresource and place.resource.plural in _CREATED_BY_UPDATE and not self._is_there(call):
            return self._shown(call, self._made(call, body), 201, warnings)
        self._check_version(place.resource, body)
        return self._shown(call, self._changed(call, lambda _: body), 200, warnings)

    def _is_there(self, call: Call) -> bool:
        place = call.place
        return self._store.find(place.resource, place.namespace, place.name or "") is not None

    def _made(self, call: Call, body: Json) -> Json:
        place, manager = call.place, call.manager
        return self._store.create(
            place.resource, place.namespace, body, manager=manager, dry_run=call.dry_run
        )

    def _check_version(self, resource: Resource, body: Json) -> None:
        """Raises ApiError 422 where a kind is not updated blindly and no version is named."""
        careful = resource.plural in _NEVER_BLINDLY or self._store.definition(resource) is not None
        metadata = body.get("metadata") or {}
        if careful and not metadata.get("resourceVersion"):
            why = wrong("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(resource.group, resource.plural, metadata.get("name", ""), [why])

    async def _patch(self, call: Call) -> web.StreamResponse:
        patch, kind = await call.patch_body(), call.request.content_type
        if kind == _APPLY:
            return self._applied(call, patch)
        change = _PATCHES.get(kind)
        custom = self._store.definition(call.place.resource) is not None
        if change is None or (custom and change is patches.strategic_merge_patch):
            raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
        if call.place.subresource == "scale":
            return self._scaled(call, lambda present: change(present, patch))
        warnings: list[str] = []

        def patched(present: Json) -> Json:
            new = change(present, patch)
            warnings.extend(self._check_patched(call, new))
            self._may_give(call, new)
            return new

        return self._shown(call, self._changed(call, patched), 200, warnings)

    def _applied(self, call: Call, config: Any) -> web.Response:  # noqa: ANN401  # a client may have sent anything
        resource, namespace, name = call.place.resource, call.place.namespace, call.place.name or ""
        warnings = self._check_applied(call, config)
        writer = Writer(call.manager, "Apply", call.place.subresource)
        existed = self._store.find(resource, namespace, name) is not None

        def merged(live: Json | None) -> tuple[Json, list[Json]]:
            new, owners = apply.merge(live, config, writer, resource.group_version, force=call.flag("force"))
            self._check(call, new)
            self._may_give(call, new)
            return new, owners

        result = self._store.apply(resource, namespace, name, merged, writer=writer, dry_run=call.dry_run)
        return self._shown(call, result, 200 if existed else 201, warnings)

    def _check_applied(self, call: Call, config: Any) -> list[str]:  # noqa: ANN401  # a client may have sent anything
        if not isinstance(config, dict):
            raise bad_request("the body of the request must be an object")
        if not call.option("fieldManager"):
            text = "Required value: is required for apply patch"
            raise invalid_option("PatchOptions", "fieldManager", "FieldValueRequired", text)
        place = call.place
        _check_kind(place.resource, config)
        warnings = self._check(call, config, partial=True)
        config["metadata"] = {**(config.get("metadata") or {}), "name": place.name}
        if place.subresource:
            self._store.get(place.resource, place.namespace, place.name or "")
        return warnings

    async def _delete(self, call: Call) -> web.StreamResponse:
        asked, resource = await options.of_delete(call), call.place.resource
        last = self._removed(call, call.place.name or "", asked)
        still_there = self._store.find(resource, call.place.namespace, call.place.name or "") is not None
        if still_there or resource.plural in _ANSWERED_WHOLE:
            return self._shown(call, last)
        details = {"name": call.place.name, "group": resource.group, "kind": resource.plural}
        details |= {"uid": last["metadata"]["uid"]}
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return as_json({**status, "details": {key: value for key, value in details.items() if value}})

    async def _delete_collection(self, call: Call) -> web.StreamResponse:
        asked, place, match = await options.of_delete(call), call.place, call.match()
        chosen = [body for body in self._store.list(place.resource, place.namespace) if match(body)]
        for body in chosen:
            if self._store.find(place.resource, body["metadata"].get("namespace"), body["metadata"]["name"]):
                self._removed(call, body["metadata"]["name"], asked, body["metadata"].get("namespace"))
        metadata = {"resourceVersion": str(self._store.version)}
        return as_json(self._presenter(call).many(chosen, metadata))

    def _removed(self, call: Call, name: str, asked: Json, namespace: str | None = None) -> Json:
        pins, resource = asked.get("preconditions") or {}, call.place.resource
        grace = call.number("gracePeriodSeconds")
        return self._store.delete(
            resource,
            namespace or call.place.namespace,
            name,
            uid=pins.get("uid"),
            version=pins.get("resourceVersion"),
            grace_seconds=asked.get("gracePeriodSeconds") if grace is None else grace,
            policy=options.policy(resource, call, asked),
            dry_run=call.dry_run or is_dry_run(asked.get("dryRun") or [], "DeleteOptions"),
        )

    def _changed(self, call: Call, change: Callable[[Json], Json]) -> Json:
        place = call.place
        return self._store.update(
            place.resource,
            place.namespace,
            place.name or "",
            change,
            manager=call.manager,
            subresource=place.subresource,
            dry_run=call.dry_run,
        )

    def _scaled(self, call: Call, change: Callable[[Json], Json]) -> web.Response:
        def scaled(body: Json) -> Json:
            wanted = change(scale.of(body))
            schemas.check_part("autoscaling/v1", "Scale", wanted)
            return scale.apply(body, wanted)

        return as_json(scale.of(self._changed(call, scaled)))

    def _check(self, call: Call, body: Json, *, partial: bool = False) -> list[str]:
        """Warnings about the body's fields. Raises ApiError 400, 422."""
        resource, mode = call.place.resource, call.option("fieldValidation") or "Warn"
        definition = self._store.definition(resource)
        return schemas.check(resource, body, mode, definition, partial=partial)

    def _may_give(self, call: Call, body: Json) -> None:
        """Raises ApiError 403 where it would give rights that whoever asks does not have."""
        place = call.place
        escalation.check(call.identity, place.resource, place.namespace or "", body, self._authorizer)

    def _check_patched(self, call: Call, body: Json) -> list[str]:
        """As `_check`, but what a patch makes is invalid where a body would be a bad request."""
        try:
            return self._check(call, body)
        except ApiError as error:
            if error.code != 400:  # noqa: PLR2004  # HTTP's own number
                raise
            why = f"Invalid value: {json.dumps(json.dumps(body))}: {error.message.partition(': ')[2]}"
            raise invalid("", "", "", [("patch", "FieldValueInvalid", why)]) from error

    def _presenter(self, call: Call) -> Presenter:
        accept = call.request.headers.get("Accept", "")
        return Presenter(self._store, call.place.resource, accept, call.option("includeObject"))

    def _shown(
        self, call: Call, body: Json, code: int = 200, warnings: list[str] | None = None
    ) -> web.Response:
        listed = ", ".join(f"299 - {json.dumps(text)}" for text in warnings or ())
        headers = {"Warning": listed} if listed else None
        return as_json(self._presenter(call).one(body), code, headers=headers)


def _check_kind(resource: Resource, body: Json) -> None:
    """Raises ApiError 400 where the body is of another kind than the URL."""
    version, kind = (
        body.setdefault("apiVersion", resource.group_version),
        body.setdefault("kind", resource.kind),
    )
    if kind != resource.kind:
        short = str(version).rpartition("/")[2]
        raise bad_request(f'{kind} in version "{short}" cannot be handled as a {resource.kind}')
    if version != resource.group_version:
        expected = f"does not match the expected API version ({resource.group_version})"
        raise bad_request(f"the API version in the data ({version}) {expected}")
