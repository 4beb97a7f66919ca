"""Why: whatever befalls a run, the same must be true at its end. Here runs are started and judged."""

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaosctl import cli
from chaosctl.cluster import kubernetes
from chaosctl.engine import decide
from chaosctl.operations import aftermath
from chaosctl.store import Store
from crash.deadly import Fate, Position
from crash.matrix import GRACE, difference
from crash.rough import TIMEOUT
from crash.scene import HOLD, SET_UP, deadline, is_closed, script
from crash.trouble import Struck, disk
from crash.victim import INTERRUPTED, REPAIR, child, conduct
from crash.world import wait_for

AT_ONCE = 24
LOOK_AGAIN = 0.1  # seconds
LONGEST = 300  # seconds of a run: undoing waits two minutes for an API server that does not answer
FEW = 3
TRIES = 4  # where a run did not come to the position
ASLEEP = (HOLD + SET_UP).total_seconds() + 1  # longer than any deadline
INCOMPLETE = 5
SENSIBLE = (0, 2, 3, 4, INCOMPLETE)
BEFORE_THE_RUN = (INTERRUPTED, -signal.SIGINT, -signal.SIGTERM)


@dataclass(frozen=True)
class Day:
    """What happens to one run, and what must come of it.

    `strike` gives what happens, from the run's state folder: at `position`, or before the run.
    `size` is that of the disk of the state folder, in bytes. `recovers`: only `chaosctl recover` ends it all.
    """

    row: str
    position: Position | None = None
    strike: Callable | None = None
    size: int = 0
    codes: tuple[int, ...] = SENSIBLE
    says: str = ""
    guarded: bool = True
    recovers: bool = False
    kubeconfig: str = ""
    heal: Callable | None = None
    hasty: bool = False  # gives up soon what does not work
    tries: int = 1

    def fate(self, folder, state):
        strike = self.strike(state) if self.strike else None
        if self.position is None:
            if strike:
                strike()
            return Fate()
        return Struck(self.position, strike=strike, mark=folder / "struck")


@dataclass
class Patient:
    """A run under way."""

    day: Day
    namespace: str
    folder: Path
    before: dict
    disk: ExitStack
    pid: int = 0
    born: float = field(default_factory=time.monotonic)
    stopped: float = 0.0
    code: int | None = None
    ended: datetime | None = None
    recovering: int = 0
    recovered: int | None = None
    trouble: str = ""

    @property
    def state(self):
        return self.folder / "state"

    @property
    def output(self):
        return (self.folder / "output").read_text()

    @property
    def was_struck(self):
        return self.day.position is None or (self.folder / "struck").exists()

    @property
    def needs_recover(self):
        """Whether it said so, or could not even say so."""
        return self.day.recovers or "chaosctl recover" in self.output

    @property
    def repair(self):
        """The command that it told people to run."""
        return self.output.partition(REPAIR)[2].strip().partition("\n")[0]

    @property
    def by_hand(self):
        """The commands that it named for those who have only kubectl."""
        named = self.output.partition(REPAIR)[2].splitlines()
        return "\n".join(line for line in named if line.startswith("kubectl"))


@dataclass(frozen=True)
class Result:
    day: Day
    code: int | None
    seconds: float
    trouble: str = ""


class Ward:
    """Runs days, many at once, against one sandbox."""

    def __init__(self, folder, kubeconfig, cluster, name="day"):
        self.folder = folder
        self.kubeconfig = kubeconfig
        self.cluster = cluster
        self.name = name
        self.count = 0

    def run(self, days):
        """One result for each day."""
        waiting, going = list(reversed(days)), []
        try:
            while waiting or going:
                while waiting and len(going) < AT_ONCE:
                    going.append(self.start(waiting.pop()))
                for result in self.round(going):
                    if isinstance(result, Day):
                        waiting.append(result)
                    else:
                        yield result
                time.sleep(LOOK_AGAIN)
        finally:
            for patient in going:
                abandon(patient)

    def round(self, going):
        """Look at everybody once; what came of those who are done."""
        ledgers = self.cluster.ledgers()
        for patient in list(going):
            result = self.look(patient, ledgers.get(patient.namespace))
            if result is not None:
                going.remove(patient)
                self.discharge(patient)
                yield result

    def start(self, day):
        self.count += 1
        namespace = f"{self.name}-{self.count}"
        self.cluster.furnish(namespace)
        wait_for(lambda: self.cluster.is_ready(namespace), self.folder)
        before = self.cluster.facts(namespace)
        patient = Patient(day, namespace, self.folder / namespace, before, ExitStack())
        patient.folder.mkdir()
        if day.size:
            patient.disk.enter_context(disk(patient.state, day.size))
        patient.state.mkdir(exist_ok=True)
        key = self.folder / "home" / "key"
        if key.exists():
            shutil.copy(key, patient.state)
        patient.pid = child(patient.folder, lambda: live(patient, self.access(day)))
        return patient

    def access(self, day):
        return day.kubeconfig or str(self.kubeconfig)

    def discharge(self, patient):
        patient.disk.close()
        self.cluster.http.delete(f"api/v1/namespaces/{patient.namespace}")
        shutil.rmtree(patient.folder)

    def look(self, patient, ledger):
        """A result, the day again, or None while it goes on."""
        if patient.code is None:
            self.watch(patient, ledger)
            return None
        if not patient.was_struck and patient.day.tries < TRIES:
            return Day(**{**vars(patient.day), "tries": patient.day.tries + 1})
        if trouble := wrong(patient, ledger):
            return result(patient, trouble)
        if patient.recovered is None and patient.needs_recover:
            self.recover(patient)
            return None
        return self.judge(patient, ledger)

    def watch(self, patient, ledger):
        """Wake a run that was stopped once its deadlines are over; notice its end."""
        now = time.monotonic()
        if patient.stopped and now > patient.stopped + ASLEEP and (ledger is None or is_closed(ledger)):
            patient.stopped = 0.0
            os.kill(patient.pid, signal.SIGCONT)
        pid, status = os.waitpid(patient.pid, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            patient.stopped = now
        elif pid:
            patient.code, patient.ended = os.waitstatus_to_exitcode(status), datetime.now(UTC)
        elif now > patient.born + LONGEST:
            os.kill(patient.pid, signal.SIGKILL)

    def recover(self, patient):
        """Do what it said, or what everybody is told to do after a run that died."""
        if not patient.recovering:
            if patient.day.heal:
                patient.day.heal(patient.state)
            self.by_hand(patient)
            command = patient.repair or shlex.join(
                ["chaosctl", "recover", "--kubeconfig", self.access(patient.day)]
            )
            patient.recovering = child(patient.folder, lambda: commanded(command, patient.state))
        pid, status = os.waitpid(patient.recovering, os.WNOHANG)
        if pid:
            patient.recovered, patient.ended = os.waitstatus_to_exitcode(status), datetime.now(UTC)

    def by_hand(self, patient):
        """Where it named commands for kubectl, they alone must bring every object back."""
        if patient.by_hand:
            said = subprocess.run(
                ["bash", "-c", patient.by_hand], capture_output=True, text=True, check=False
            )
            before, after = patient.before["objects"], self.cluster.facts(patient.namespace)["objects"]
            if before != after:
                patient.trouble = f"{patient.by_hand}\n{said}\n{difference(before, after)}"

    def judge(self, patient, ledger):
        if patient.trouble:
            return result(patient, patient.trouble)
        if patient.recovered:
            return result(patient, f"recover: exit {patient.recovered}: {patient.output[-600:]}")
        back = ledger is None or is_over(ledger)
        if back and self.cluster.facts(patient.namespace) == patient.before:
            return result(patient, unfinished(patient))
        end = max(patient.ended, (ledger and deadline(ledger)) or patient.ended)
        if datetime.now(UTC) < end + GRACE:
            return None
        left = difference(patient.before, self.cluster.facts(patient.namespace))
        return result(patient, f"LEFT: {'' if back else 'open ledger; '}{left}: {patient.output[-600:]}")


def abandon(patient):
    """Leave no process and no disk of a run that nobody waits for any more."""
    for pid, ended in ((patient.pid, patient.code), (patient.recovering, patient.recovered)):
        if pid and ended is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    patient.disk.close()


def live(patient, kubeconfig):
    """A run in a child, with a state folder of its own."""
    os.environ["CHAOSCTL_HOME"] = str(patient.state)
    os.environ["TMPDIR"] = str(patient.folder)
    kubernetes.TIMEOUT = TIMEOUT
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    fate = patient.day.fate(patient.folder, patient.state)
    plot = script(patient.namespace)
    if patient.day.hasty:
        decide.MAX_TRIES, aftermath.TRIES = FEW, FEW
        plot = plot.model_copy(update={"recover_within": timedelta(seconds=FEW)})
    return asyncio.run(conduct(plot, patient.state, kubeconfig, fate, guarded=patient.day.guarded))


def commanded(command, state):
    """A command of ours in a child, as a shell would start it."""
    os.environ["CHAOSCTL_HOME"] = str(state)
    os.environ["TMPDIR"] = str(state.parent)
    sys.argv = shlex.split(command)
    print(f"$ {command}")
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def wrong(patient, ledger):
    """What its end itself shows to be wrong."""
    day, output = patient.day, patient.output
    if not patient.was_struck:
        return f"did not come to {day.position}: exit {patient.code}: {output[-600:]}"
    touched = ledger is not None and ledger["lines"]
    if patient.code not in day.codes and not (patient.code in BEFORE_THE_RUN and not touched):
        return f"exit {patient.code}: {output[-1500:]}"
    if day.says not in output:
        return f"does not say {day.says!r}: {output[-600:]}"
    return "exit 5 without a command" if patient.code == INCOMPLETE and not patient.repair else ""


def unfinished(patient):
    """A journal without an end, or a run without a post-mortem."""
    if not (patient.state / "store.db").exists():
        return ""
    with Store(patient.state / "store.db") as store:
        for run in store.runs():
            if run.phase != "done":
                return f"exit {patient.code}, and the journal ends in {run.phase}: {patient.output[-600:]}"
            if not (patient.state / "runs" / run.id / "postmortem.md").exists():
                return f"exit {patient.code}, and no post-mortem: {patient.output[-600:]}"
    return ""


def is_over(ledger):
    """Nothing to undo, and the target is free for others."""
    return is_closed(ledger) and not ledger["held_until"]


def result(patient, trouble=""):
    return Result(patient.day, patient.code, time.monotonic() - patient.born, trouble)


def roomy(state):
    """Space was freed on the disk."""
    (state / "ballast").unlink(missing_ok=True)
    subprocess.run(["mount", "-o", "remount,size=64m", str(state)], check=True)
