"""Why: a leader may die at any moment, and its successor must finish what it began. Here it dies everywhere.

`python -m e2e.takeover [--most N]` (in `tests/`, in the network of a real cluster) records where a leader can
die during a Run with two injections: before and after every event but `Measured`, and before, during and
after every write of a ledger. At each of these positions a leader is killed by SIGKILL while another replica
stands by; both are processes that share a PostgreSQL database. Several die at once, each with a target of its
own.
"""

import argparse
import asyncio
import os
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from crash.deadly import DeadlyCluster, DeadlyStore, Fate, Position, in_lanes
from crash.matrix import Recording, read
from crash.victim import child
from e2e.place import Place, difference, until
from postgres import server

from chaosctl.catalog.crds import definitions
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.controller import serve as serving
from chaosctl.operations import conduct
from chaosctl.operations.order import Access
from chaosctl.operations.perform import Performer

AT_ONCE = 5
LONGEST = 180.0  # seconds of a case
LOOK_AGAIN = 0.2
TRIES = 3
NOT_REACHED = "not reached"  # in this order of events; it is no trouble of ours, unless it is frequent
MAY_MISS = 0.1
KILLED = -signal.SIGKILL
MISSING = "knode.local/missing:1"
VERSION = "chaosctl.dev/v1"
PLAYBOOK = {
    "summary": "Two injections that overlap.",
    "stableFor": "1s",
    "probes": {"ready": {"kind": "ready-replicas"}},
    "steadyState": [{"probe": "ready", "min": 3, "every": "250ms"}],
    "timeline": [
        {"at": "200ms", "id": "scale", "inject": {"kind": "scale-down", "replicas": 2}, "hold": "4s"},
        {"at": "400ms", "id": "release", "inject": {"kind": "release", "image": MISSING}, "hold": "4s"},
    ],
    "expect": [{"probe": "ready", "min": 1}],
    "recoverWithin": "60s",
}


@dataclass
class Case:
    """A target, its two replicas, and where the leader dies; None lets it live."""

    position: Position | None
    namespace: str
    folder: Path
    database: str
    before: dict
    tries: int = 1
    born: float = field(default_factory=time.monotonic)
    leader: int = 0
    successor: int = 0
    led: str = ""  # who held the Lease first
    code: int | None = None
    died: float = 0.0
    taken: float = 0.0
    over: bool = False
    watcher: threading.Thread | None = None


@dataclass(frozen=True)
class Result:
    """What came of a case: seconds from the death to the new leader, and the verdict."""

    position: Position | None
    takeover: float = 0.0
    verdict: str = ""
    trouble: str = ""


@dataclass
class Survey:
    """Kills leaders, and looks at what their successors make of it."""

    place: Place
    databases: object
    folder: Path
    name: str = field(default_factory=lambda: f"takeover-{secrets.token_hex(2)}")
    count: int = 0

    def start(self, position, tries=1):
        """Furnish a target, let one replica lead and the other stand by, and apply a Run."""
        self.count += 1
        namespace = f"{self.name}-{self.count}"
        self.place.furnish(namespace)
        head = {"apiVersion": VERSION, "metadata": {"name": "drill", "namespace": namespace}}
        self.place.apply({**head, "kind": "Playbook", "spec": PLAYBOOK})
        folder = self.folder / namespace
        folder.mkdir()
        case = Case(position, namespace, folder, self.databases.database(), {}, tries)
        fate = Recording(folder / "seen") if position is None else Fate(position)
        case.leader = self.replica(case, fate)
        case.led = until(lambda: self.place.lease(namespace), say=lambda: said(case))
        case.successor = self.replica(case, None)
        case.before = self.place.facts(namespace)
        target = {"namespace": namespace, "workload": "Deployment/model"}
        self.place.apply({**head, "kind": "Run", "spec": {"playbook": {"name": "drill"}, "target": target}})
        if position:
            case.watcher = threading.Thread(target=self.watch, args=(case,), daemon=True)
            case.watcher.start()
        return case

    def watch(self, case):
        """Note when the leader ends, and when another one leads."""
        try:
            _, status = os.waitpid(case.leader, 0)
        except ChildProcessError:
            return  # the case is over, and its leader was not hit
        case.died = time.monotonic()
        case.code = os.waitstatus_to_exitcode(status)
        while not (case.taken or case.over) and case.code == KILLED:
            holder = self.place.lease(case.namespace)
            case.taken = time.monotonic() if holder not in ("", case.led) else 0.0
            time.sleep(LOOK_AGAIN)

    def replica(self, case, fate):
        """A controller in a process of its own; its process id."""
        environment = {
            "CHAOSCTL_HOME": str(case.folder),
            "CHAOSCTL_NAMESPACE": case.namespace,
            "CHAOSCTL_STORE": self.databases.url(case.database),
            "CHAOSCTL_KEY_FILE": str(self.folder / "key"),
            "KUBECONFIG": str(self.place.kubeconfig),
        }

        def work():
            os.environ.update(environment)
            if fate is not None:
                deadly(fate)
            access = Access(kubeconfig=str(self.place.kubeconfig))
            return asyncio.run(serving.serve(serving.Options(access, (case.namespace,), "127.0.0.1", 0)))

        return child(case.folder, work)

    def run(self, positions):
        """One result for each position."""
        waiting, going = list(reversed(positions)), []
        try:
            while waiting or going:
                while waiting and len(going) < AT_ONCE:
                    going.append(self.start(waiting.pop()))
                for case in list(going):
                    if result := self.look(case):
                        going.remove(case)
                        self.end(case)
                        if result.trouble == NOT_REACHED and case.tries < TRIES:
                            going.append(self.start(case.position, case.tries + 1))
                        else:
                            yield result
                time.sleep(LOOK_AGAIN)
        finally:
            for case in going:
                self.end(case)

    def look(self, case):
        """A result, or None while it goes on."""
        now = time.monotonic()
        if not finished(self.place.run(case.namespace)) or not self.is_back(case):
            late = now - case.born > LONGEST
            return Result(case.position, trouble=f"not over: {self.left(case)}") if late else None
        return self.judged(case)

    def judged(self, case):
        status = self.place.run(case.namespace)
        if case.position and case.code is None:
            return Result(case.position, trouble=NOT_REACHED)
        if case.code not in (None, KILLED):
            return Result(case.position, trouble=f"the leader ended with {case.code}: {said(case)}")
        if not status.get("verdict") or status.get("revert") != "clean":
            return Result(case.position, trouble=f"{status}")
        return Result(case.position, case.taken - case.died if case.taken else 0.0, status["verdict"])

    def is_back(self, case):
        """Everything as before, and no line of the ledger open."""
        ledger = self.place.ledger(case.namespace)
        closed = ledger is None or all(line["state"] == "closed" and line["tidy"] for line in ledger["lines"])
        return (
            closed and self.place.is_ready(case.namespace) and self.place.facts(case.namespace) == case.before
        )

    def left(self, case):
        after = difference(case.before, self.place.facts(case.namespace))
        return f"{self.place.run(case.namespace).get('phase')}; {after}; {said(case)}"

    def end(self, case):
        """Nothing of a case stays."""
        for pid in (case.leader, case.successor):
            if pid and not (pid == case.leader and case.code is not None):
                os.kill(pid, signal.SIGKILL)
                with suppress(ChildProcessError):  # who watches the leader has heard of its end
                    os.waitpid(pid, 0)
        case.over = True
        if case.watcher:
            case.watcher.join()
        self.place.http.delete(f"/api/v1/namespaces/{case.namespace}")
        self.databases.drop(case.database)

    def recorded(self):
        """Where the leader of an undisturbed Run could die."""
        case = self.start(None)
        try:
            found = until(lambda: self.look(case), LONGEST, lambda: self.left(case))
            print(f"undisturbed: {found.trouble or found.verdict}")
            lines = (case.folder / "seen").read_text().splitlines()
        finally:
            self.end(case)
        return [one for one in dict.fromkeys(Position(*read(line)) for line in lines) if counts(one)]


def deadly(fate):
    """From here on this process may die wherever its controller does something to the outside."""
    connected, store = serving.connected, serving.Store

    @asynccontextmanager
    async def connecting(access, **options):
        async with connected(access, **options) as world:
            cluster = DeadlyCluster(world.cluster, fate)
            yield replace(world, cluster=cluster, ledgers=Ledgers(cluster, world.clock, world.ledgers.key))

    serving.connected = connecting
    serving.Store = lambda place: DeadlyStore(store(place), fate)
    conduct.Performer = lambda *arguments: in_lanes(Performer(*arguments))


def counts(position):
    """Every kind of event but `Measured`, and every write of a ledger."""
    operation = position.operation
    if operation.startswith("append "):
        return "measured" not in operation
    return operation.endswith(("patch ConfigMap", "create ConfigMap")) and "dry-run" not in operation


def finished(status):
    ends = [one["status"] for one in status.get("conditions", []) if one["type"] == "Finished"]
    return ends == ["True"]


def said(case):
    output = case.folder / "output"
    return output.read_text()[-800:] if output.exists() else ""


def furnished(place):
    """Our definitions; they stay where they were there already. Says how to take them away again."""
    had = place.get("/apis/chaosctl.dev/v1") is not None
    place.apply(*definitions().values())
    until(lambda: place.get("/apis/chaosctl.dev/v1/runs") is not None)

    def away():
        if not had:
            for body in definitions().values():
                place.kubectl("delete", "crd", body["metadata"]["name"], "--ignore-not-found")

    return away


def survey(kubeconfig, most):
    """Print the table; the exit code. Nobody else uses the cluster, so it must be as before."""
    place, began = Place(kubeconfig), time.monotonic()
    before = place.everything()
    away = furnished(place)
    try:
        with server() as databases, TemporaryDirectory(prefix="chaosctl-takeover-") as folder:
            (Path(folder) / "key").write_text(secrets.token_hex(32))
            found = Survey(place, databases, Path(folder))
            positions = found.recorded()
            step = max(1, -(-len(positions) // most))
            print(f"{len(positions)} positions, every {step}.", flush=True)
            results = list(found.run(positions[::step]))
            gone(place, found)
    finally:
        away()
    left = difference(before, place.everything())
    place.close()
    return report(results, time.monotonic() - began, left)


def gone(place, found):
    """Wait until the namespaces of all cases are gone."""
    for number in range(1, found.count + 1):
        until(lambda name=f"{found.name}-{number}": place.get(f"/api/v1/namespaces/{name}") is None)


def report(results, seconds, left):
    print(f"{'position':<64} {'takeover':>9}  verdict")
    for one in results:
        print(f"{one.position!s:<64} {one.takeover:>7.1f} s  {one.trouble or one.verdict}")
    missed = [one for one in results if one.trouble == NOT_REACHED]
    troubles = [one for one in results if one.trouble not in ("", NOT_REACHED)]
    verdicts = Counter(one.verdict for one in results if not one.trouble)
    latest = max((one.takeover for one in results), default=0)
    print(
        f"{len(results) - len(missed)} of {len(results)} leaders killed by SIGKILL in {seconds:.0f} s; "
        f"taken over after {latest:.1f} s at the latest; "
        f"verdicts {dict(verdicts)}; {len(troubles)} in trouble; left in the cluster: {left or 'nothing'}"
    )
    return 1 if troubles or left or len(missed) > MAY_MISS * len(results) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=1000)
    return survey(os.environ["KUBECONFIG_E2E"], parser.parse_args().most)


if __name__ == "__main__":
    sys.exit(main())
