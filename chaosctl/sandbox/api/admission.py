"""Why: whoever writes, by HTTP or in process, meets the same names, defaults, owned fields and refusals."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from chaosctl.sandbox.api import defaults, errors, quantities, validation
from chaosctl.sandbox.api.objects import Json, timestamp
from chaosctl.sandbox.api.resources import Resource, counts_generations

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"  # no vowels, so that no words come out
_SUFFIX_LENGTH = 5
_SERVER_OWNED = (
    "name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp",
    "deletionGracePeriodSeconds", "resourceVersion",
)  # fmt: skip
_KEEPS_STATUS = frozenset({"nodes"})  # a kubelet registers its node together with the status
_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def admit_new(resource: Resource, namespace: str | None, body: Json) -> Json:
    """A body as its writer wants it, defaults filled in. Changes the body. Raises ApiError 400, 422."""
    metadata = body["metadata"] = body.get("metadata") or {}
    if metadata.get("resourceVersion"):
        raise errors.internal("resourceVersion should not be set on objects to be created")
    _place(resource, namespace, metadata)
    _name(metadata)
    if "status" in resource.subresources and resource.plural not in _KEEPS_STATUS:
        body.pop("status", None)
    for field in (
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "generation",
    ):
        metadata.pop(field, None)
    metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
    metadata |= {"generation": 1} if counts_generations(resource) else {}
    body |= {"apiVersion": resource.group_version, "kind": resource.kind}
    defaults.fill(resource, body)
    quantities.normalise(resource.kind, body)
    validation.check_new(resource, body)
    return body


def admit_change(resource: Resource, old: Json, new: Json, subresource: str) -> Json:
    """A changed object as it will be stored. Raises ApiError 409, 422."""
    _check_version(resource, old, new)
    validation.check_metadata_change(resource, old, new)
    new = _restricted(resource, old, new, subresource)
    new |= {"apiVersion": old["apiVersion"], "kind": old["kind"]}
    new["metadata"] |= {field: old["metadata"][field] for field in _SERVER_OWNED if field in old["metadata"]}
    if subresource == "status":
        return new
    defaults.fill(resource, new)
    defaults.keep_assigned(resource, old, new)
    quantities.normalise(resource.kind, new)
    validation.check_change(resource, old, new, subresource)
    return new


def count_generation(resource: Resource, old: Json, new: Json) -> None:
    """Move metadata.generation where what is wanted has changed."""
    aside = {"metadata", "status"} if "status" in resource.subresources else {"metadata"}
    wanted = {key: value for key, value in new.items() if key not in aside}
    if counts_generations(resource) and wanted != {k: v for k, v in old.items() if k not in aside}:
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def check_preconditions(resource: Resource, old: Json, uid: str | None, version: str | None) -> None:
    """Raises ApiError 409 where the object is not the one that was meant."""
    conflict = partial(errors.conflict, resource.group, resource.kind, old["metadata"]["name"])
    for what, wanted, is_ in (
        ("UID", uid, old["metadata"]["uid"]),
        ("ResourceVersion", version, old["metadata"]["resourceVersion"]),
    ):
        if wanted and wanted != is_:
            text = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({is_})."
            raise conflict(f"{text} The object might have been deleted and then recreated")


def marked_deleted(
    resource: Resource, old: Json, grace_seconds: int | None, finalizers: Sequence[str]
) -> Json | None:
    """The object as it waits for its end, or None where nothing has to be waited for."""
    metadata = old["metadata"]
    grace = _grace(resource, old, grace_seconds)
    waits_for = list(dict.fromkeys([*metadata.get("finalizers", ()), *finalizers]))
    if not grace and not waits_for and resource.plural != "namespaces":
        return None
    before = metadata.get("deletionGracePeriodSeconds")
    shorter = before is None or grace < before
    new = {**old, "metadata": {**metadata, **({"finalizers": waits_for} if waits_for else {})}}
    if shorter:
        end = {"deletionTimestamp": timestamp(timedelta(seconds=grace)), "deletionGracePeriodSeconds": grace}
        new["metadata"] |= end
    if resource.plural == "namespaces":
        new["status"] = {**old.get("status", {}), "phase": "Terminating"}
        new["metadata"].pop("deletionGracePeriodSeconds", None)
    return new


def may_go(body: Json) -> bool:
    """Whether nothing holds a deleted object any more."""
    metadata = body["metadata"]
    held = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
    if body["kind"] == "Namespace":
        held = held or body["spec"].get("finalizers")
    return "deletionTimestamp" in metadata and not held


def _place(resource: Resource, namespace: str | None, metadata: Json) -> None:
    if not resource.namespaced:
        metadata.pop("namespace", None)
        return
    if metadata.get("namespace") not in {None, "", namespace}:
        raise errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    metadata["namespace"] = namespace


def _name(metadata: Json) -> None:
    if not metadata.get("name") and (start := metadata.get("generateName")):
        metadata["name"] = start + "".join(secrets.choice(_SUFFIX) for _ in range(_SUFFIX_LENGTH))


def _check_version(resource: Resource, old: Json, new: Json) -> None:
    metadata, name = new.setdefault("metadata", {}), old["metadata"]["name"]
    if metadata.get("uid") not in {None, "", old["metadata"]["uid"]}:
        why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: "
        raise errors.conflict(resource.group, resource.plural, name, why + old["metadata"]["uid"])
    if metadata.get("resourceVersion") not in {None, "", old["metadata"]["resourceVersion"]}:
        raise errors.conflict(resource.group, resource.plural, name, _MODIFIED)


def _restricted(resource: Resource, old: Json, new: Json, subresource: str) -> Json:
    """What this way of writing may change: the status alone, or all but the status."""
    if subresource == "status":
        status = {"status": new["status"]} if "status" in new else {}
        managed = {k: v for k, v in new["metadata"].items() if k == "managedFields"}
        rest = {key: value for key, value in old.items() if key != "status"}
        return {**rest, **status, "metadata": {**old["metadata"], **managed}}
    if "status" in resource.subresources:
        new.pop("status", None)
        new |= {"status": old["status"]} if "status" in old else {}
    return new


def _grace(resource: Resource, old: Json, wanted: int | None) -> int:
    """How long a kubelet gets, in seconds; only running pods have one."""
    if resource.plural != "pods" or not old["spec"].get("nodeName"):
        return 0
    if old.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
        return 0
    grace = old["spec"].get("terminationGracePeriodSeconds", 30) if wanted is None else wanted
    return max(0, int(grace))
