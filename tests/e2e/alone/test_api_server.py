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


@pytest.mark.parametrize("what", ["restarted", "away", "stalled"])
def test_a_run_whose_api_server_fails_in_the_hold_ends_with_everything_back(drill, what):
    before = drill.place.facts(drill.namespace)
    running = drill.begin(playbook(hold="10s"))
    drill.injected()

    trouble(what)

    assert drill.end(running) in ENDINGS, drill.said()
    drill.is_back(before)


@pytest.mark.parametrize("what", ["away", "stalled"])
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
    with {"restarted": api_server_away, "away": api_server_away, "stalled": store_stalled}[what]():
        threading.Event().wait(0.0 if what == "restarted" else PAUSE)


@contextmanager
def api_server_away():
    subprocess.run([NODE / "apiserver", "stop"], check=True)
    pid = int((Path(STATES) / NAME / "kube-apiserver.pid").read_text())
    until(lambda: not Path(f"/proc/{pid}").exists())
    try:
        yield
    finally:
        subprocess.run([NODE / "apiserver"], check=True, capture_output=True)


@contextmanager
def store_stalled():
    """etcd answers nothing, as on a disk that hangs."""
    pid = int((Path(STATES) / NAME / "etcd.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
