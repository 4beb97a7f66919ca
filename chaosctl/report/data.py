"""Why: pipelines depend on this shape, so it is written down once, apart from what people read."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from chaosctl.model import Interval, Json
from chaosctl.report.document import CheckRow, ClockRow, Document, EntryRow, HarmRow
from chaosctl.spec import ClockName

DURATIONS = {
    ClockName.DETECT: "timeToDetect",
    ClockName.MITIGATE: "timeToMitigate",
    ClockName.ROLLBACK: "timeToRollBack",
    ClockName.RECOVER: "timeToRecover",
}


def data(document: Document, postmortem: Mapping[str, str] | None = None) -> Json:
    """A run for programs. `postmortem` maps formats to the files that were written."""
    header = document.header
    return {
        "run": header.run,
        "playbook": header.playbook,
        "digest": header.digest,
        "target": {"name": header.target, "context": header.context},
        "verdict": header.result,
        "revert": header.revert,
        "exit": header.exit_code,
        "why": list(header.why),
        "started": _moment(header.started),
        "ended": _moment(header.ended) if header.ended else None,
        "seed": header.seed,
        "clocks": _clocks(document.clocks),
        "entries": [_entry(row) for row in document.entries],
        "checks": [_check(row) for row in document.checks],
        "impact": [_harm(row) for row in document.harm],
        "integrity": {
            "events": document.length,
            "head": document.chain.head,
            "intact": document.chain.intact,
        },
        "postmortem": dict(postmortem or {}),
    }


def _clocks(rows: tuple[ClockRow, ...]) -> Json:
    moments: Json = {row.name: _interval(row.at) for row in rows if row.at}
    lengths: Json = {
        DURATIONS[row.name]: {"from": row.origin, "low": row.since[0], "high": row.since[1]}
        for row in rows
        if row.since and row.name in DURATIONS
    }
    return moments | lengths


def _entry(row: EntryRow) -> Json:
    effect: JsonValue = None
    if row.effect:
        effect = {"expected": row.effect.expected, "observed": row.effect.observed, "held": row.effect.held}
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "restoredBy": row.restored_by or None,
        "why": row.why or None,
        "effect": effect,
    }


def _check(row: CheckRow) -> Json:
    return {
        "name": row.name,
        "role": row.role,
        "expected": row.expected,
        "observed": row.observed,
        "samples": row.samples,
        "verdict": row.verdict,
        "evidence": [str(seq) for seq in row.evidence],
    }


def _harm(row: HarmRow) -> Json:
    return {
        "check": row.check,
        "bad": row.bad,
        "n": row.n,
        "low": row.low,
        "high": row.high,
        "errorBudgetMinutes": row.budget_minutes,
    }


def _interval(at: Interval) -> Json:
    return {"low": _moment(at.low), "high": _moment(at.high)}


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
