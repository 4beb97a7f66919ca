"""Why: the promise "killed at any moment, everything is back by itself" is tried here, position by position.

`python -m crash.matrix [--pods real] [--most N]` starts a sandbox and a guardian, records where a run can
die, kills one run at each of these positions with SIGKILL, several at a time, and waits for the guardian.
"""

import argparse
import os
import shutil
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crash.deadly import Fate, Position, chosen
from crash.scene import BAD, Cluster, deadline, is_closed, script
from crash.victim import fork
from crash.world import wait_for, world

AT_ONCE = {"objects": 24, "real": 4}
GRACE = timedelta(seconds=15)
LOOK_AGAIN = 0.1
DIED_OF_KILL = -signal.SIGKILL
TRIES = 10
RECORDINGS = 4
FINISHED = (0, 4)  # with real pods a second may be too short to feel every fault


@dataclass
class Victim:
    """One run that is to die."""

    position: Position | None
    namespace: str
    home: Path
    before: dict
    pid: int
    born: float = field(default_factory=time.monotonic)
    died: datetime | None = None
    code: int | None = None
    tries: int = 1


@dataclass
class Result:
    position: Position
    late: float | None  # seconds after the deadline until all was closed; None: nothing had been injected
    trouble: str = ""


class Matrix:
    """Kills runs and looks at what is left."""

    def __init__(self, folder, cluster, kubeconfig, at_once):
        self.at_once = at_once
        self.folder = folder
        self.cluster = cluster
        self.kubeconfig = kubeconfig
        self.count = 0

    def recorded(self):
        """Where every one of several undisturbed runs could die; the rest is a matter of luck."""
        victims = [self.start(None) for _ in range(RECORDINGS)]
        seen = [self.positions_of(victim) for victim in victims]
        return [position for position in seen[0] if all(position in other for other in seen)]

    def positions_of(self, victim):
        _, status = os.waitpid(victim.pid, 0)
        assert os.waitstatus_to_exitcode(status) in FINISHED, (victim.home / "output").read_text()
        names = (victim.home / "seen").read_text().splitlines()
        return list(chosen([Position(*read(name)) for name in names]))

    def start(self, position, tries=1):
        self.count += 1
        namespace = f"crash-{self.count}"
        self.cluster.furnish(namespace)
        wait_for(lambda: self.cluster.is_ready(namespace), self.folder)
        home = self.folder / namespace
        before = self.cluster.facts(namespace)
        fate = Recording(home / "seen") if position is None else Fate(position)
        pid = fork(script(namespace), home, self.kubeconfig, fate)
        return Victim(position, namespace, home, before, pid, tries=tries)

    def run(self, positions):
        """One result for each position."""
        waiting, going = list(reversed(positions)), []
        while waiting or going:
            while waiting and len(going) < self.at_once:
                going.append(self.start(waiting.pop()))
            ledgers = self.cluster.ledgers()
            for victim in list(going):
                result = self.look(victim, ledgers.get(victim.namespace))
                if result is None:
                    continue
                going.remove(victim)
                if result == "again":
                    going.append(self.start(victim.position, victim.tries + 1))
                else:
                    yield result
            time.sleep(LOOK_AGAIN)

    def look(self, victim, ledger):
        if victim.code is None:
            pid, status = os.waitpid(victim.pid, os.WNOHANG)
            if not pid:
                return None
            victim.code, victim.died = os.waitstatus_to_exitcode(status), datetime.now(UTC)
        if victim.code != DIED_OF_KILL:
            if victim.tries < TRIES:
                return "again"
            output = (victim.home / "output").read_text()[-300:]
            return Result(victim.position, None, f"not reached: exit {victim.code}: {output}")
        return self.judge(victim, ledger)

    def judge(self, victim, ledger):
        lines = ledger["lines"] if ledger else []
        end = deadline(ledger) if lines else victim.died
        now = datetime.now(UTC)
        back = not lines or is_closed(ledger)
        if back and self.cluster.facts(victim.namespace) == victim.before:
            return self.ended(victim, max((now - end).total_seconds(), 0) if lines else None)
        if now > max(end, victim.died) + GRACE:
            left = difference(victim.before, self.cluster.facts(victim.namespace))
            return Result(victim.position, None, f"LEFT BEHIND: {'open ledger; ' if not back else ''}{left}")
        return None

    def ended(self, victim, late):
        images, said = self.cluster.undo(victim.namespace, self.folder)
        trouble = f"rollout undo deploys {images}: {said}" if BAD in images else ""
        self.cluster.http.delete(f"api/v1/namespaces/{victim.namespace}")
        shutil.rmtree(victim.home, ignore_errors=True)
        return Result(victim.position, late, trouble)


class Recording(Fate):
    """Writes positions down where another process can read them."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def reach(self, moment, operation, number):
        with self.file.open("a") as out:
            out.write(f"{moment}\t{operation}\t{number}\n")


def read(line):
    moment, operation, number = line.split("\t")
    return moment, operation, int(number)


def difference(before, after):
    return "; ".join(
        f"{key}: {before[key]} became {after[key]}" for key in before if before[key] != after[key]
    )[:600]


def table(results):
    """Positions by operation: how many, how late at the latest, what was left."""
    rows = {}
    for result in results:
        rows.setdefault(result.position.operation, []).append(result)
    print(f"{'operation':<44} {'killed':>6} {'latest after the deadline':>26}  left behind")
    for operation, found in sorted(rows.items()):
        late = max((one.late for one in found if one.late is not None), default=None)
        trouble = [str(one.position.moment) + " " + one.trouble for one in found if one.trouble]
        text = "nothing to undo" if late is None else f"{late:.1f} s"
        print(f"{operation:<44} {len(found):>6} {text:>26}  {'; '.join(trouble) or 'nothing'}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", choices=("objects", "real"), default="objects")
    parser.add_argument("--most", type=int, default=10_000)
    options = parser.parse_args(arguments)
    with world("processes" if options.pods == "real" else "objects") as (folder, kubeconfig):
        matrix = Matrix(folder, Cluster(kubeconfig), kubeconfig, AT_ONCE[options.pods])
        return survey(matrix, options.most)


def survey(matrix, most):
    began = time.monotonic()
    positions = matrix.recorded()
    step = max(1, len(positions) // most)
    positions = positions[::step]
    print(f"{len(positions)} positions", flush=True)
    results = list(matrix.run(positions))
    table(results)
    troubles = [result for result in results if result.trouble]
    moments = Counter(result.position.moment for result in results)
    late = [result.late for result in results if result.late is not None]
    print(
        f"{len(results)} runs killed by SIGKILL ({dict(moments)}) in {time.monotonic() - began:.0f} s; "
        f"undone at the latest {max(late, default=0):.1f} s after the deadline; {len(troubles)} in trouble"
    )
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
