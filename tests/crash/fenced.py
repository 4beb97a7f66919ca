"""Why: a run that slept while another process took its journal over must leave the cluster to that one.

`python -m crash.fenced PLACE`: a run is stopped with SIGSTOP amid a fault, its journal is claimed, and it
goes on with SIGCONT. It must end and have undone nothing; `chaosctl recover` then brings all to its end.
"""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from chaosctl.operations.home import home
from chaosctl.store import Store
from crash.deadly import Position
from crash.scene import Cluster, is_closed, script
from crash.trouble import Struck, signalled
from crash.victim import fork
from crash.world import wait_for, world

NAMESPACE = "fenced"
INCONCLUSIVE = 4
APPLIED = Position("after", "append applied scale", 1)


def one_fault():
    """Fewer replicas, for longer than this takes."""
    whole = script(NAMESPACE)
    lasting = whole.entries[0].model_copy(update={"hold": timedelta(minutes=2)})
    return whole.model_copy(update={"entries": (lasting,)})


def asleep(folder, cluster, kubeconfig, place):
    """The process of a run that sleeps amid its fault."""
    folder.mkdir()
    cluster.furnish(NAMESPACE)
    wait_for(lambda: cluster.is_ready(NAMESPACE), folder.parent)
    fate = Struck(APPLIED, strike=signalled(signal.SIGSTOP), mark=folder / "struck")
    pid = fork(one_fault(), folder, kubeconfig, fate, guarded=False, place=place)
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), (folder / "output").read_text()
    wait_for(lambda: len(cluster.facts(NAMESPACE)["pods"]) == 2, folder.parent)
    return pid


def awake(pid):
    """How it ended."""
    os.kill(pid, signal.SIGCONT)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def recover(kubeconfig, place):
    command = [sys.executable, "-m", "chaosctl", "recover", "--kubeconfig", str(kubeconfig)]
    environment = os.environ | {"CHAOSCTL_STORE": str(place)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def main(place):
    with world(guardian=False) as (folder, kubeconfig):
        home().key()  # one installation, so that `recover` knows the ledger
        cluster = Cluster(kubeconfig)
        pid = asleep(folder / NAMESPACE, cluster, kubeconfig, place)
        during = cluster.facts(NAMESPACE)
        with Store(place) as store:
            (name,) = store.unfinished()
            store.journal(name)
            code, output = awake(pid), (folder / NAMESPACE / "output").read_text()
            assert code == INCONCLUSIVE, output
            assert "another process goes on with its journal" in output
            assert cluster.facts(NAMESPACE) == during, "it has undone something"
            assert not is_closed(cluster.ledgers()[NAMESPACE]), "it has closed the ledger"
            assert store.runs()[0].verdict == "", "it has judged"
            print(recover(kubeconfig, place))
            assert (store.runs()[0].phase, store.runs()[0].verdict) == ("done", "aborted")
        left = cluster.ledgers().get(NAMESPACE)
        assert left is None or is_closed(left)
        wait_for(lambda: cluster.is_ready(NAMESPACE), folder)
        cluster.close()


if __name__ == "__main__":
    main(sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1]))
