"""Why: two replicas, and one that starts again, must mean the same journal by the same Run.

So what a Run's journals are called follows from its namespace and name alone; one that was deleted and
created again is known to the store, and never runs twice.
"""

import hashlib
from datetime import UTC, datetime

from chaosctl.changes import look, text_at
from chaosctl.model import Json, Ref
from chaosctl.operations.run import LETTERS

GROUP = "chaosctl.dev"
API_VERSION = f"{GROUP}/v1"
LENGTH = 10  # letters of a journal's name: one that a person's run may have has fewer
DRILL = f"{GROUP}/drill"
"""The label by which a Run that a schedule fired names its Drill."""


def ref(kind: str, namespace: str = "", name: str = "") -> Ref:
    """One of our own objects."""
    return Ref(api_version=API_VERSION, kind=kind, namespace=namespace, name=name)


def origin(body: Json) -> str:
    """What the journals of a Run say that they are from."""
    return f"{text_at(body, '/metadata/namespace')}/{text_at(body, '/metadata/name')}"


def created(body: Json) -> datetime:
    """When an object was created; long ago where it does not say so."""
    text = look(body, "/metadata/creationTimestamp")
    return datetime.fromisoformat(str(text)) if text else datetime.fromtimestamp(0, UTC)


def journal(origin: str, part: int) -> str:
    """The journal of one part of a Run: ten letters that nobody else's has."""
    number = int.from_bytes(hashlib.sha256(f"{origin}/{part}".encode()).digest())
    letters = []
    for _ in range(LENGTH):
        number, letter = divmod(number, len(LETTERS))
        letters.append(LETTERS[letter])
    return "".join(letters)


def seed(uid: str) -> int:
    """The seed of a Run that names none: whoever takes it over makes the same choices."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4]) >> 1
