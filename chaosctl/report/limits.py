"""Why: a report that does not say what it cannot know is read as if it knew everything."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from chaosctl.engine.tables import Phase
from chaosctl.report.history import History
from chaosctl.report.text import clean, length, listed, offset, percent, plural
from chaosctl.report.words import label
from chaosctl.spec import Check, Tested


def limits(history: History) -> tuple[str, ...]:
    return tuple(
        line
        for part in (_unfinished, _warned, _blind, _gaps, _error_rates, _untested)
        for line in part(history)
    )


def _unfinished(history: History) -> Iterator[str]:
    state = history.state
    if state.phase is not Phase.DONE:
        yield "The journal ends before the run did. What happened afterwards is unknown."
    for at in state.resumed_at:
        when = offset(at - history.zero)
        yield f"Another process took the run over at {when}; what happened just before is unknown."
    for what, n in state.troubles.items():
        yield f"{clean(what).capitalize()} ended {plural(n, 'time')} during the run and was started again."


def _warned(history: History) -> Iterator[str]:
    for warning in history.state.warnings:
        yield f"Known before the start: {clean(warning)}"


def _blind(history: History) -> Iterator[str]:
    for name, samples in history.samples.items():
        without = [sample.event.why for sample in samples if sample.reading is None]
        if without:
            reasons = listed(sorted({clean(why, 80) for why in without})[:3])
            shown = clean(label(history.state.check(name)))
            yield f"{shown}: {len(without)} of {plural(len(samples), 'reading')} had no data: {reasons}"


def _gaps(history: History) -> Iterator[str]:
    """The widest hole in each check's readings; checks that share it share the line."""
    holes: dict[tuple[str, str], list[str]] = {}
    for check in history.watchers():
        pause, after = _widest(history, check)
        if pause > max(check.every * 1.5, timedelta(seconds=1)):
            hole = length(pause), offset(after - history.zero)
            holes.setdefault(hole, []).append(clean(label(check)))
    for (lasted, at), names in holes.items():
        yield f"{listed(names)}: nothing was read for {lasted} from {at}."


def _widest(history: History, check: Check) -> tuple[timedelta, datetime]:
    seen = [sample.reading for sample in history.of(check) if sample.reading]
    pauses = [(after.start - before.end, before.end) for before, after in pairwise(seen)]
    return max(pauses, default=(timedelta(), history.start))


def _error_rates(history: History) -> Iterator[str]:
    """Tests that are right about the same are named together."""
    tested: dict[tuple[float, timedelta | None], list[str]] = {}
    for check in history.state.checks:
        if isinstance(check.decision, Tested):
            how = check.decision.alpha, check.decision.window
            tested.setdefault(how, []).append(clean(label(check)))
    for (alpha, window), names in tested.items():
        unit = f"counts windows of {length(window)}" if window else "assumes independent failures"
        yield f"{listed(names)}: held wrongly in at most {percent(alpha)} of runs (alpha); {unit}."
    if tested:
        yield _run_level(history)


def _run_level(history: History) -> str:
    """What failed, aborted and flagged share. All that must pass needs no correction: each must hold."""
    plot = history.state.plot
    tests = [check for check in plot.checks if isinstance(check.decision, Tested)]
    shared = f"shared by {plural(len(tests), 'test')}" if len(tests) > 1 else "by its one test"
    return f"Failed, aborted or flagged wrongly in at most {percent(plot.alpha)} of runs (alpha), {shared}."


def _untested(history: History) -> Iterator[str]:
    plot = history.state.plot
    if plot.workload is None:
        yield "No traffic was sent by this run; what users would have felt was not measured."
    else:
        yield "Traffic was synthetic, at one rate. Other loads and other requests were not tested."
    if not history.state.notices:
        yield "No alert and no person reported anything to this run; whether they would have was not tested."
    yield f"One run on one target (seed {plot.seed}). It shows what happened, not how often it would."
