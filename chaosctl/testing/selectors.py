"""Why: what a selector selects must be decided as the API server does, or tests prove nothing."""

import re

from pydantic import JsonValue

from chaosctl.changes import look
from chaosctl.model import Json

_SET = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")
_TERMS = re.compile(r",(?![^(]*\))")


def selects(selector: str, body: Json) -> bool:
    """Whether a label selector, as kubectl writes it, selects the object."""
    labels = look(body, "/metadata/labels")
    present = labels if isinstance(labels, dict) else {}
    return all(_term(term.strip(), present) for term in _TERMS.split(selector) if term.strip())


def has_fields(fields: str, body: Json) -> bool:
    """Whether a field selector (`spec.nodeName=a,status.phase!=Failed`) selects the object."""
    return all(_field(term.strip(), body) for term in fields.split(",") if term.strip())


def _term(term: str, labels: dict[str, JsonValue]) -> bool:
    if found := _SET.match(term):
        key, how, values = found.groups()
        return (labels.get(key) in [value.strip() for value in values.split(",")]) is (how == "in")
    if "!=" in term:
        key, _, value = term.partition("!=")
        return labels.get(key) != value
    key, equals, value = term.replace("==", "=").partition("=")
    if equals:
        return labels.get(key) == value
    return term[1:] not in labels if term.startswith("!") else term in labels


def _field(term: str, body: Json) -> bool:
    wanted = "!=" not in term
    path, _, value = term.replace("==", "=").replace("!=", "=").partition("=")
    return (str(look(body, "/" + path.replace(".", "/")) or "") == value) is wanted
