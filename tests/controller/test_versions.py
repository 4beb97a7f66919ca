"""Why: during an upgrade, or back from one, a controller meets what another version of it wrote."""

from datetime import UTC, datetime
from typing import Literal

import pytest
from controller.place import Installation, asked, until

from chaosctl.engine.events import Event
from chaosctl.store import Store

HOLD = "4s"
TIMELINE = [{"at": "0s", "inject": {"kind": "scale-down", "replicas": 1}, "hold": HOLD}]


SPACES = ("versions", "versions-b")


class Rehearsed(Event):
    """What a version to come may write."""

    type: Literal["rehearsed"] = "rehearsed"


@pytest.fixture(scope="module")
def url(postgres):
    return postgres.url(postgres.database())


@pytest.fixture(scope="module")
def older(place, url):
    """A replica that leads after one of a newer version died amid a fault."""
    made = Installation(place, "versions", *SPACES)
    made.environment["CHAOSCTL_STORE"] = url
    place.furnish(SPACES[0], timeline=TIMELINE)
    newer = made.start()
    made.leader()
    place.apply(asked(SPACES[0]))
    place.injected("first", SPACES[0])
    newer.kill()
    with Store(url) as store:
        (name,) = store.unfinished()
        store.journal(name).append(Rehearsed(at=datetime.now(UTC)))
    made.start()
    yield made.leader()
    made.end()


@pytest.mark.usefixtures("older")
def test_the_fault_of_a_newer_version_is_undone_and_its_run_left_to_that_version(place, url):
    until(lambda: place.replicas(SPACES[0]) == 3)
    status = until(lambda: "another version" in str(found := place.status("first", SPACES[0])) and found)

    assert "verdict" not in status
    with Store(url) as store:
        assert len(store.unfinished()) == 1


def test_runs_of_its_own_go_on_beside_it(place, older):
    place.furnish(SPACES[1])
    place.apply(asked(SPACES[1]))

    assert place.over("first", SPACES[1])["verdict"] == "passed"
    assert older.process.poll() is None
