"""Why: clients decide by code, reason and causes, so a refusal must look as the real API server's does."""

from collections.abc import Sequence

from chaosctl.sandbox.api.objects import Json


class ApiError(Exception):
    """A refusal: an HTTP code, a reason, and a message for people."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details

    @property
    def status(self) -> Json:
        """The Status object that a client gets."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            **({"reason": self.reason} if self.reason else {}),
            **({"details": self.details} if self.details is not None else {}),
            "code": self.code,
        }


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def undecodable(group_version: str, kind: str, why: str) -> ApiError:
    """A body that is none of its kind."""
    version = group_version.rpartition("/")[2]
    return bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {why}')


def internal(message: str) -> ApiError:
    """What a real server did not foresee; it gives no reason."""
    return ApiError(500, "", message)


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> ApiError:
    text = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", text, {})


def rejected_patch() -> ApiError:
    """A failed test and a path that is not there look alike."""
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def gone(version: int, oldest: int) -> ApiError:
    return ApiError(410, "Expired", f"too old resource version: {version} ({oldest})")


def not_found(group: str, plural: str, name: str) -> ApiError:
    full = f"{plural}.{group}" if group else plural
    return ApiError(404, "NotFound", f'{full} "{name}" not found', _details(group, plural, name))


def already_exists(group: str, plural: str, name: str, *, going: bool = False) -> ApiError:
    """Also one that is going keeps its name until it has gone."""
    full = f"{plural}.{group}" if group else plural
    text = f'{"object is being deleted: " if going else ""}{full} "{name}" already exists'
    return ApiError(409, "AlreadyExists", text, _details(group, plural, name))


def forbidden(group: str, plural: str, name: str, why: str) -> ApiError:
    """403 by an admission plug-in."""
    full = f"{plural}.{group}" if group else plural
    return ApiError(403, "Forbidden", f'{full} "{name}" is forbidden: {why}', _details(group, plural, name))


def conflict(group: str, plural: str, name: str, why: str) -> ApiError:
    full = f"{plural}.{group}" if group else plural
    message = f'Operation cannot be fulfilled on {full} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(group, plural, name))


def invalid(group: str, kind: str, name: str, causes: Sequence[tuple[str, str, str]]) -> ApiError:
    """422 from (field, reason, message) of each thing that is wrong."""
    texts = [f"{field}: {message}" for field, _, message in causes]
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    listed = [{"reason": reason, "message": message, "field": field} for field, reason, message in causes]
    said = {"name": name, "group": group, "kind": kind}
    details = {**{key: text for key, text in said.items() if text}, "causes": listed}
    full = f"{kind}.{group}" if group else kind
    return ApiError(422, "Invalid", f'{full} "{name}" is invalid: {text}', details)


def invalid_option(kind: str, field: str, reason: str, message: str) -> ApiError:
    """422 for an option of a request, such as dryRun; kind is CreateOptions or the like."""
    return invalid("meta.k8s.io", kind, "", [(field, reason, message)])


def _details(group: str, plural: str, name: str) -> Json:
    return {"name": name, "group": group, "kind": plural} if group else {"name": name, "kind": plural}
