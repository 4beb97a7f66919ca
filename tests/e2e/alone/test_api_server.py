"""Why: API servers are upgraded and stores stall amid drills; no fault may outlive that by much.

On the test node only: nobody stops the API server of a cluster that they named.
"""

import os
import signal
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from e2e.drilling import Drill, playbook
from e2e.place import new_namespace, until

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
def drills(place, kubectl, tmp_path):
    """Two targets, each with a guardian of its own."""
    with ExitStack() as stack:
        found = [drill(stack, place, kubectl, tmp_path / name) for name in ("one", "other")]
        yield found


def drill(stack, place, kubectl, folder):
    folder.mkdir()
    namespace = stack.enter_context(new_namespace(kubectl))
    place.furnish(namespace)
    made = Drill(place, namespace, folder)
    stack.enter_context(made.guardian())
    return made


@pytest.mark.parametrize("what", ["restarted", "crashed", "stalled"])
def test_an_api_server_that_fails_in_the_hold_leaves_nothing_behind_whether_the_runner_lives_or_not(
    drills, what
):
    before = [one.place.facts(one.namespace) for one in drills]
    living, killed = [one.begin(playbook(hold="10s")) for one in drills]
    for one in drills:
        one.injected()
    killed.kill()
    killed.wait()

    trouble(what)

    assert drills[0].end(living) in ENDINGS, drills[0].said()
    for one, facts in zip(drills, before, strict=True):
        one.is_back(facts)


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
