"""Why: it looks every second, for weeks. Doubt and trust must both be earned, however often it looks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chaosctl.errors import NoData
from chaosctl.model import Counts
from chaosctl.ports import Answers
from chaosctl.spec import show_share
from chaosctl.stats import log_evidence_above, log_evidence_below, threshold
from chaosctl.watchdog.events import Revision
from chaosctl.watchdog.rules import Objectives
from chaosctl.watchdog.settings import Settings

EXPECTED = 5  # bad ones by the objective, after which a bet that is losing is given up for a new one

Evidence = Callable[[int, int, float], float]


@dataclass
class Bet:
    """An e-process that starts over when it is losing, so that a long good past cannot hide a bad present.

    The k-th stretch may spend alpha / (k (k + 1)): in all it is wrong with a probability of at most alpha.
    """

    evidence: Evidence
    objective: float
    alpha: float
    bad: int = 0
    n: int = 0
    stretch: int = 1
    won: bool = False

    def add(self, counts: Counts) -> None:
        """Take more observations; once won, it stays so until it is started over."""
        if self.won:
            return
        self.bad, self.n = self.bad + counts.bad, self.n + counts.n
        evidence = self.evidence(self.bad, self.n, self.objective)
        self.won = evidence >= threshold(self.alpha, self.stretch)
        if not self.won and self.n * self.objective >= EXPECTED and evidence < 0:
            self.start_over()

    def start_over(self) -> None:
        self.stretch += self.n > 0
        self.bad, self.n, self.won = 0, 0, False


class Trial:
    """What was heard of one revision: alarms that refute its objectives, proofs that certify them."""

    def __init__(
        self, revision: Revision, objectives: Objectives, settings: Settings, since: datetime
    ) -> None:
        self.revision = revision
        self.until = since
        self.settled = False
        self.versions: tuple[str, ...] = ()
        self.failing = ""
        self.told: set[str] = set()
        self._compares = objectives.agreement is not None
        rates = {"errors": objectives.errors.max}
        if objectives.agreement:
            rates["agreement"] = 1 - objectives.agreement.min
        suspicions = {"suspects": rates["agreement"]} if self._compares else {}
        doubts = rates | suspicions
        each = settings.false_alarm / len(doubts)
        self.alarms = {name: Bet(log_evidence_above, rate, each) for name, rate in doubts.items()}
        trust = settings.false_trust
        self.proofs = {name: Bet(log_evidence_below, rate, trust) for name, rate in rates.items()}

    @property
    def proven(self) -> bool:
        return all(proof.won for proof in self.proofs.values())

    @property
    def alarm(self) -> str:
        """The objective that was refuted, in numbers; "" while there is none."""
        return next((self._words(name, bet) for name, bet in self.alarms.items() if bet.won), "")

    def hear(self, answers: Answers, end: datetime, trusted: tuple[str, ...] | None) -> None:
        """Take the answers since the last time for alarms. Those of versions not `trusted` count once more.

        So a canary's wrong answers are seen among many good ones. None: nobody is under suspicion.
        """
        for name, counts in self._heard(answers, end, trusted):
            self.alarms[name].add(counts)

    def is_mixed(self, answers: Answers, end: datetime, trusted: tuple[str, ...]) -> bool:
        """Whether versions that were trusted before answered beside others since the last time."""
        try:
            seen = answers.versions(self.until, end).keys()
        except NoData:
            return False
        return not seen.isdisjoint(trusted) and not seen <= set(trusted)

    def prove(self, answers: Answers, end: datetime) -> None:
        """Take the answers since the last time as this revision's own."""
        for name, counts in self._heard(answers, end, None):
            self.proofs[name].add(counts)
        try:
            self.versions = tuple(sorted(answers.versions(self.until, end)))
        except NoData:
            return

    def fail(self, why: str) -> None:
        """It was refuted: whatever was shown before counts no more."""
        self.failing = why
        self.doubt()

    def doubt(self) -> None:
        """It is not whole at the moment: the proofs start over."""
        self.settled = False
        for proof in self.proofs.values():
            proof.start_over()

    def _words(self, name: str, bet: Bet) -> str:
        share = bet.bad / bet.n
        if name == "errors":
            return f"errors {show_share(share)} > {show_share(bet.objective)} ({bet.n} samples)"
        whose = " of new versions" if name == "suspects" else ""
        return f"agreement {show_share(1 - share)} < {show_share(1 - bet.objective)} ({bet.n} samples{whose})"

    def _heard(
        self, answers: Answers, end: datetime, trusted: tuple[str, ...] | None
    ) -> Iterator[tuple[str, Counts]]:
        start = self.until
        try:
            yield "errors", answers.failures(start, end)
            if self._compares:
                yield "agreement", answers.disagreements(start, end)
                if trusted is not None:
                    suspects = answers.versions(start, end).keys() - set(trusted)
                    for version in sorted(suspects):
                        yield "suspects", answers.disagreements(start, end, version)
        except NoData:
            return
