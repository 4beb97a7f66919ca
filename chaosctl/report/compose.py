"""Why: the post-mortem follows from the journal alone, so that it can be written again years later.

It also exists for runs that failed, were aborted or refused, proved nothing, or died on the way.
"""

from collections.abc import Iterable

from chaosctl.engine import events
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase, Stage
from chaosctl.engine.verdict import verdict
from chaosctl.report import checks, harm, incident, recap
from chaosctl.report.document import Chain, Document, Header, Line, Readings
from chaosctl.report.figure import figure
from chaosctl.report.history import History, Record, fold
from chaosctl.report.limits import limits
from chaosctl.report.text import clean
from chaosctl.report.timeline import timeline
from chaosctl.report.words import OWN

UNFINISHED = "unfinished"


def compose(records: Iterable[Record], chain: Chain | None = None) -> Document:
    """The post-mortem of a run, whole or not. Raises Invalid for an empty journal, Illegal for no journal."""
    history = fold(records)
    chain = chain or Chain()
    rows, harmed, entries = checks.rows(history), harm.rows(history), incident.entries(history)
    margins = checks.margins(history)
    near = checks.near(margins)
    actions = recap.actions(rows, near, history, harmed)
    return Document(
        header=_header(history),
        recap=(
            recap.injected(history, entries),
            recap.broke(history, entries, harmed),
            recap.caught(history, harmed),
            recap.recovered(history, rows),
            recap.learned(near, actions, chain, len(history.records)),
        ),
        checks=rows,
        entries=entries,
        harm=harmed,
        clocks=incident.clocks(history),
        detection=incident.detection(history),
        response=incident.response(history),
        recovery=incident.recovery(history),
        timeline=timeline(history),
        margins=margins,
        actions=actions,
        limits=limits(history),
        readings=_readings(history),
        chain=chain,
        length=len(history.records),
        figure=figure(history),
    )


def _header(history: History) -> Header:
    state, first = history.state, history.records[0].event
    script = state.plot
    found = verdict(state)
    over = state.phase is Phase.DONE
    return Header(
        run=state.run,
        playbook=script.playbook,
        digest=script.digest,
        summary=script.summary,
        hypothesis=script.hypothesis,
        target=str(script.target),
        context=script.target.context,
        images=first.images if isinstance(first, events.Started) else (),
        parameters=tuple(Line(name, value) for name, value in script.parameters.items()),
        version=first.version if isinstance(first, events.Started | events.Refused) else "",
        seed=script.seed,
        started=history.start,
        ended=state.at if over else None,
        result=found.result if over else UNFINISHED,
        revert=found.revert if over else "unknown",
        reverted=_reverted(state),
        exit_code=found.exit_code if over else None,
        why=tuple(clean(reason) for reason in found.why) if over else (),
    )


def _reverted(state: State) -> str:
    """What is left of us, in words."""
    stages = {life.stage for life in state.lives.values()}
    if stages <= {Stage.PENDING, Stage.PLANNED, Stage.SKIPPED}:
        return "nothing was touched"
    if stages & {Stage.APPLYING, Stage.APPLIED, Stage.REVERTING}:
        return "not known to be reverted"
    if Stage.STUCK in stages:
        return "revert INCOMPLETE: chaosctl recover tries again"
    by = sorted({life.restored_by for life in state.lives.values()} - {"", OWN})
    restored = f" (restored by {', '.join(clean(name) for name in by)})" if by else ""
    return ("superseded by others" if Stage.SUPERSEDED in stages else "reverted clean") + restored


def _readings(history: History) -> tuple[Readings, ...]:
    """Which rows of the journal belong to which check."""
    probes = {check.name: (check.probe or {}).get("kind") for check in history.state.checks}
    return tuple(
        Readings(name, str(probes.get(name, "")), checks.evidence(samples))
        for name, samples in history.samples.items()
    )
