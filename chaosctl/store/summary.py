"""Why: a list of a thousand runs must not read a million events. What it shows follows from a few of them."""

from collections.abc import Mapping
from typing import NamedTuple, cast

from chaosctl.changes import look
from chaosctl.model import Json

DONE = "done"
PHASES = {
    "started": "steady",
    "refused": DONE,
    "opened": "active",
    "closed": "recovering",
    "finished": DONE,
}


class RunSummary(NamedTuple):
    """A run in a list. Moments are ISO 8601 in UTC, empty where not reached; so is the verdict.

    `origin` is the object in a cluster that asked for it, "namespace/name"; empty for a command's runs.
    """

    id: str
    playbook: str
    target: str
    started: str
    ended: str
    phase: str
    verdict: str
    origin: str = ""


def news(event: Json) -> Mapping[str, str]:
    """The columns of a summary that this event changes."""
    kind, at = str(event.get("type")), str(event.get("at"))
    if kind not in PHASES:
        return {}
    columns = {"phase": PHASES[kind]}
    if kind in ("started", "refused"):
        columns |= {"playbook": _text(event, "/script/playbook"), "target": _target(event), "started": at}
        columns |= {"origin": _text(event, "/origin")}
    if columns["phase"] == DONE:
        columns |= {"ended": at}
    return columns | ({"verdict": "refused"} if kind == "refused" else {})


def _target(event: Json) -> str:
    workload = "/script/target/workload"
    return f"{_text(event, f'{workload}/namespace')}/{_text(event, f'{workload}/name')}"


def _text(event: Json, path: str) -> str:
    return cast("str", look(event, path) or "")
