"""The rules that controllers share, on their own."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import Controller, Manager
from chaosctl.sandbox.controllers.meta import Key, key_of, matches, scaled
from chaosctl.sandbox.controllers.rollout import Bounds, bounds, new_replicas, old_replicas, proportional


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "x"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_selectors_choose_labels(selector: dict[str, Any] | None, chosen: bool):
    assert matches(selector, {"app": "web"}) is chosen


@pytest.mark.parametrize(
    ("value", "total", "up", "expected"),
    [(2, 10, True, 2), ("25%", 3, True, 1), ("25%", 3, False, 0), ("100%", 3, True, 3), ("34%", 3, True, 2)],
)
def test_percentages_round_up_or_down(value: int | str, total: int, up: bool, expected: int):
    assert scaled(value, total, up=up) == expected


def sized(name: str, replicas: int, available: int, most: int = 0) -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/max-replicas": str(most)} if most else {}
    metadata = {
        "name": name,
        "creationTimestamp": f"2026-01-01T00:00:0{name[-1]}Z",
        "annotations": annotations,
    }
    return {"metadata": metadata, "spec": {"replicas": replicas}, "status": {"availableReplicas": available}}


def halves() -> st.SearchStrategy[tuple[int, int]]:
    """A size, and how many of it are available."""
    return st.integers(0, 40).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size)))


@given(st.builds(Bounds, st.integers(10, 40), st.integers(0, 10), st.integers(0, 10)), halves(), halves())
def test_no_step_of_a_rollout_leaves_its_bounds(limits: Bounds, new_size, old_size):
    new, old = sized("rs1", *new_size), sized("rs0", *old_size)
    everybody = new_size[0] + old_size[0]
    grown = new_replicas(limits, new_size[0], everybody)
    assert grown <= limits.replicas
    assert grown + old_size[0] <= max(limits.most, everybody)
    left = old_replicas(limits, new, [old])["rs0"]
    assert 0 <= left <= old_size[0]
    still_available = new_size[1] + min(left, old_size[1])
    assert still_available >= min(new_size[1] + old_size[1], limits.least_available)


def test_a_rollout_that_may_do_nothing_may_do_one():
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}
    assert bounds({"spec": {"replicas": 3, "strategy": strategy}}) == Bounds(3, 0, 1)


@given(st.lists(st.integers(1, 20), min_size=2, max_size=4), st.integers(0, 60))
def test_proportional_scaling_gives_exactly_what_is_allowed(sizes: list[int], replicas: int):
    total = sum(sizes)
    sets = [sized(f"rs{index}", size, size, total) for index, size in enumerate(sizes)]
    assert sum(proportional(Bounds(replicas, 0, 0), sets).values()) == replicas


class Clumsy(Controller):
    """Fails a few times before it does what it should."""

    def __init__(self, store: Store, recorder: Recorder, failures: list[Exception]) -> None:
        super().__init__(store, recorder)
        self.failures, self.done = failures, asyncio.Event()

    def keys(self, change: Change) -> list[Key]:
        return [key_of(change.object)] if change.resource.plural == "configmaps" else []

    def sync(self, key: Key) -> float | None:
        assert key == ("default", "one")
        if self.failures:
            raise self.failures.pop(0)
        self.done.set()


class Blind:
    def see(self, change: Change) -> None:
        raise ValueError(change.resource.plural)


async def test_trouble_is_reported_and_tried_again_and_stops_nobody_else():
    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    store = Store()
    lost_race = ApiError(409, "Conflict", "somebody was faster")
    clumsy = Clumsy(store, Recorder(store), [lost_race, KeyError("a bug"), lost_race])
    manager = Manager(store, [clumsy], [Blind()])
    manager.start()
    store.create(store.resource("v1", "configmaps"), "default", {"metadata": {"name": "one"}})
    async with asyncio.timeout(10):
        await clumsy.done.wait()
    await manager.stop()
    assert [type(error) for error in reported] == [ValueError, KeyError]


def test_the_same_event_again_only_counts_up():
    store = Store()
    recorder, events = Recorder(store), store.resource("v1", "events")
    about = store.create(store.resource("v1", "configmaps"), "default", {"metadata": {"name": "one"}})
    for _ in range(3):
        recorder.warning(about, "Odd", "looks odd", "test")
    recorder.normal(about, "Fine", "looks fine", "test")
    assert sorted((e["reason"], e["count"]) for e in store.list(events)) == [("Fine", 1), ("Odd", 3)]


def test_an_event_that_was_deleted_starts_again():
    store = Store()
    recorder, events = Recorder(store), store.resource("v1", "events")
    about = store.create(store.resource("v1", "configmaps"), "default", {"metadata": {"name": "one"}})
    for _ in range(3):
        recorder.warning(about, "Odd", "looks odd", "test")
        for event in store.list(events):
            store.delete(events, "default", event["metadata"]["name"])
    recorder.warning(about, "Odd", "looks odd", "test")
    assert len(store.list(events)) <= 1
