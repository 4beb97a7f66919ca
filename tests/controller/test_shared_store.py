"""Why: replicas share their journals, and one that slept may claim what another one goes on with."""

import json
import signal

import pytest
from controller.place import Installation, asked, until

from chaosctl.store import Store

LONG = {"timeline": [{"at": "0s", "inject": {"kind": "scale-down", "replicas": 1}, "hold": "10m"}]}


@pytest.fixture
def url(postgres):
    return postgres.url(postgres.database())


@pytest.fixture
def store(url):
    with Store(url) as opened:
        yield opened


@pytest.fixture
def pair(place, space, url):
    """Two replicas with their journals on a server; one leads."""
    made = Installation(place, space, space)
    made.environment["CHAOSCTL_STORE"] = url
    made.start()
    made.leader()
    made.start()
    yield made
    made.end()


@pytest.fixture
def injected(place, pair, space):
    """The replica that leads, amid a fault."""
    place.furnish(space, **LONG)
    place.apply(asked(space))
    place.injected("first", space)
    return pair.leader()


def test_a_leader_that_sleeps_amid_a_fault_is_followed_and_wakes_up_to_nothing(place, injected, space, store):
    injected.signal(signal.SIGSTOP)
    status = place.over("first", space)
    (run,) = store.runs()
    proof, version = store.verify(run.id), place.version(space)
    injected.signal(signal.SIGCONT)
    injected.ended()

    assert (status["verdict"], status["revert"], place.replicas(space)) == ("aborted", "clean", 3)
    assert (run.verdict, run.origin) == ("aborted", f"{space}/first")
    assert (store.verify(run.id), proof.fault, place.version(space)) == (proof, "", version)


@pytest.mark.usefixtures("injected")
def test_a_journal_that_somebody_without_the_lease_took_is_claimed_again_by_who_leads(place, space, store):
    (name,) = store.unfinished()
    store.journal(name)
    place.kubectl("patch", "runs", "first", "-n", space, "--type=merge", "-p", ABORT)
    status = place.over("first", space)

    assert (status["verdict"], status["revert"], place.replicas(space)) == ("aborted", "clean", 3)
    assert "resumed" in [event["type"] for event in store.events(name)]
    until(lambda: store.unfinished() == [])
    assert store.verify(name).intact


ABORT = json.dumps({"spec": {"abort": "enough"}})
