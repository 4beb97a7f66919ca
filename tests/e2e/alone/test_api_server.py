"""Why: API servers are upgraded and stores stall amid drills; no fault may outlive that by much.

On the test node only: nobody stops the API server of a cluster that they named.
"""

import os
import signal
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.drilling import Drill, playbook
from e2e.place import Place, until

NODE = Path(__file__).parents[2] / "cluster" / "testnode"
NAME = os.environ.get("CHAOSCTL_TESTNODE_NAME", "knode")
STATES = os.environ.get("CHAOSCTL_TESTNODE_STATE", "/var/tmp/chaosctl-testnode")  # noqa: S108 - of the scripts
PAUSE = 20.0  # seconds
ENDINGS = (0, 1, 3, 4)
OURS = not Path(f"/run/netns/{NAME}").exists()

pytestmark = pytest.mark.skipif(
    OURS, reason="KUBECONFIG_E2E names a cluster whose API server is not ours to stop"
)


@pytest.fixture
def drill(kubeconfig, namespace, tmp_path):
    """A target of its own, with a guardian."""
    place = Place(kubeconfig)
    place.furnish(namespace)
    found = Drill(place, namespace, tmp_path)
    with found.guardian():
        yield found
    place.close()


@pytest.mark.parametrize("what", ["restarted", "crashed", "stalled"])
def test_a_run_whose_api_server_fails_in_the_hold_ends_with_everything_back(drill, what):
    before = drill.place.facts(drill.namespace)
    running = drill.begin(playbook(hold="10s"))
    drill.injected()

    trouble(what)

    assert drill.end(running) in ENDINGS, drill.said()
    drill.is_back(before)


@pytest.mark.parametrize("what", ["crashed", "stalled"])
def test_a_killed_run_whose_api_server_fails_is_undone_by_the_guardian(drill, what):
    before = drill.place.facts(drill.namespace)
    running = drill.begin(playbook(hold="10s"))
    drill.injected()
    running.kill()
    running.wait()

    trouble(what)

    drill.is_back(before)


def trouble(what):
    """What befalls the API server; it is well again afterwards."""
    with {"restarted": restarted, "crashed": crashed, "stalled": store_stalled}[what]():
        threading.Event().wait(0.0 if what == "restarted" else PAUSE)


@contextmanager
def restarted():
    """As by an upgrade; it takes a minute to say goodbye to everybody."""
    subprocess.run([NODE / "apiserver", "stop"], check=True)
    yield from again()


@contextmanager
def crashed():
    os.kill(pid_of("kube-apiserver"), signal.SIGKILL)
    yield from again()


def again():
    """Wait until the API server has gone; start it afterwards."""
    pid = pid_of("kube-apiserver")
    until(lambda: not Path(f"/proc/{pid}").exists())
    try:
        yield
    finally:
        subprocess.run([NODE / "apiserver"], check=True, capture_output=True)


def pid_of(program):
    return int((Path(STATES) / NAME / f"{program}.pid").read_text())


@contextmanager
def store_stalled():
    """etcd answers nothing, as on a disk that hangs."""
    pid = pid_of("etcd")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
