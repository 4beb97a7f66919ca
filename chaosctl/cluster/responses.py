"""Why: what an API server or a pod behind it answers is foreign. It is cut, cleaned and told apart here."""

import json
from typing import cast

from chaosctl.changes import look
from chaosctl.errors import ClusterError, Conflict, Forbidden, Gone, Lost, Refused
from chaosctl.model import Json

LONGEST = 300  # characters of a foreign text in a message of ours
ERRORS: dict[int, type[ClusterError]] = {
    401: Forbidden,
    403: Forbidden,
    404: Gone,
    409: Conflict,
    408: Lost,
    410: Lost,
    429: Lost,
}
FIRST_ERROR, FIRST_SERVER_ERROR = 400, 500


def parse(what: str, body: bytes) -> Json:
    """The JSON object of an answer. Raises Lost."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Lost(f"{what}: the answer is not a JSON object: {clean(_text(body))}")
    return cast("Json", found)


def check(what: str, status: int, body: bytes) -> None:
    """Raise the error that a status stands for."""
    if status < FIRST_ERROR:
        return
    kind = ERRORS.get(status) or (Lost if status >= FIRST_SERVER_ERROR else Refused)
    raise kind(f"{what}: {status} {clean(_message(body))}".rstrip())


def because(body: bytes) -> str:
    """Why something was refused: the causes that a Status names, else its message."""
    causes = look(_status(body), "/details/causes")
    named = [str(look(cause, "/message")) for cause in causes] if isinstance(causes, list) else []
    return clean("; ".join(named) or _message(body))


def clean(text: str) -> str:
    """A foreign text on one line, without control characters, cut."""
    line = "".join(char if char.isprintable() else " " for char in text[: 2 * LONGEST])
    line = " ".join(line.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _message(body: bytes) -> str:
    status = _status(body)
    return _text(body) if status is None else str(status.get("message", ""))


def _status(body: bytes) -> Json | None:
    """The JSON object of a refusal; some come from proxies on the way, and are none."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _text(body: bytes) -> str:
    return body[: 4 * LONGEST].decode(errors="replace")
