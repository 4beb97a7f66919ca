"""Why: clients decide by code, reason and causes, so a refusal must look as the real API server's does."""

from collections.abc import Sequence

from chaosctl.sandbox.api.objects import Json


class ApiError(Exception):
    """A refusal: an HTTP code, a reason, and a message for people."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details or {}

    @property
    def status(self) -> Json:
        """The Status object that a client gets."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def gone(version: int, oldest: int) -> ApiError:
    return ApiError(410, "Expired", f"too old resource version: {version} ({oldest})")


def not_found(group: str, plural: str, name: str) -> ApiError:
    full = f"{plural}.{group}" if group else plural
    return ApiError(404, "NotFound", f'{full} "{name}" not found', _details(group, plural, name))


def already_exists(group: str, plural: str, name: str) -> ApiError:
    full = f"{plural}.{group}" if group else plural
    return ApiError(409, "AlreadyExists", f'{full} "{name}" already exists', _details(group, plural, name))


def conflict(group: str, plural: str, name: str, why: str) -> ApiError:
    full = f"{plural}.{group}" if group else plural
    message = f'Operation cannot be fulfilled on {full} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(group, plural, name))


def forbidden(group: str, plural: str, name: str, why: str) -> ApiError:
    """403 by an admission plug-in."""
    full = f"{plural}.{group}" if group else plural
    return ApiError(403, "Forbidden", f'{full} "{name}" is forbidden: {why}', _details(group, plural, name))


def invalid(group: str, kind: str, name: str, causes: Sequence[tuple[str, str, str]]) -> ApiError:
    """422 from (field, reason, message) of each thing that is wrong."""
    texts = [f"{field}: {message}" for field, _, message in causes]
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    listed = [{"reason": reason, "message": message, "field": field} for field, reason, message in causes]
    details = {"name": name, "group": group, "kind": kind, "causes": listed}
    full = f"{kind}.{group}" if group else kind
    return ApiError(422, "Invalid", f'{full} "{name}" is invalid: {text}', details)


def _details(group: str, plural: str, name: str) -> Json:
    return {"name": name, "group": group, "kind": plural} if group else {"name": name, "kind": plural}
