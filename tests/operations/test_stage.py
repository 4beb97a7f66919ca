"""A run's traffic is its workload and what entries add to it; each is seen apart, and ends when it should."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from traffic.conftest import ALWAYS, HOST, listening, read_request, until

from chaosctl.errors import CannotPlan
from chaosctl.model import Stream
from chaosctl.operations.stage import Player
from chaosctl.spec import Script, Workload
from chaosctl.spec.drill import parse_target

GOOD = b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"outputs": []}'
EVEN = {"process": "constant", "rate": "50/s"}
MANY = {"process": "constant", "rate": "200/s"}


def script(port):
    target = parse_target("models/Deployment/fraud").model_copy(update={"url": f"http://{HOST}:{port}"})
    workload = Workload(requests={"corpus": "golden"}, arrival=EVEN)
    return Script(playbook="p", target=target, entries=(), workload=workload, seed=3)


class Here:
    """This machine's clock."""

    def now(self):
        return datetime.now(UTC)


def soon(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def burst(arrival=MANY, most=100):
    return Stream(name="burst", arrival=arrival, answer_within=2, most=most)


async def answering(reader, writer):
    while True:
        await read_request(reader)
        writer.write(GOOD)


async def test_what_an_entry_sends_is_seen_apart_from_the_workload():
    async with listening(answering) as port, Player(None, Here())(script(port), script(port).target) as stage:
        assert stage.of("burst") is None
        stage.begin("burst", burst(), soon(30))
        await until(lambda: len(stage.of("burst")) > 100)
        workload, added = stage.answers.failures(*ALWAYS), stage.of("burst").failures(*ALWAYS)
    assert 0 < workload.n < added.n
    assert (workload.bad, added.bad) == (0, 0)


async def test_it_ends_by_itself_at_its_deadline_and_all_of_it_is_settled():
    async with listening(answering) as port, Player(None, Here())(script(port), script(port).target) as stage:
        stage.begin("burst", burst(), soon(0.5))
        seen = stage.of("burst")
        await asyncio.wait_for(seen.settled(soon(1000)), 20)
        assert len(seen) == 100
        before = stage.answers.failures(*ALWAYS).n
        await until(lambda: stage.answers.failures(*ALWAYS).n > before + 5)  # the workload goes on
        assert len(seen) == 100


async def test_ended_early_it_sends_no_more_and_what_it_saw_stays():
    async with listening(answering) as port, Player(None, Here())(script(port), script(port).target) as stage:
        stage.begin("burst", burst(), soon(30))
        await until(lambda: len(stage.of("burst")))
        await stage.end("burst")
        count = len(stage.of("burst"))
        await until(lambda: len(stage.answers) > 20)
        assert len(stage.of("burst")) == count
        await stage.end("burst")


async def test_nothing_is_sent_after_the_stage_is_left():
    async with listening(answering) as port:
        async with Player(None, Here())(script(port), script(port).target) as stage:
            stage.begin("burst", burst(), soon(30))
            await until(lambda: len(stage.of("burst")))
        assert not [task for task in asyncio.all_tasks() if "Workload.run" in repr(task)]


async def test_the_same_seed_sends_the_same_burst():
    offsets = []
    async with listening(answering) as port:
        for _ in range(2):
            async with Player(None, Here())(script(port), script(port).target) as stage:
                stage.begin("burst", burst({"process": "poisson", "rate": "200/s"}), soon(0.4))
                await asyncio.wait_for(stage.of("burst").settled(soon(1000)), 20)
                due = list(stage.of("burst").scheduled)
                offsets.append([one - due[0] for one in due])
    first, second = sorted(offsets, key=len)
    assert len(first) > 20
    assert second[: len(first)] == pytest.approx(first, abs=1e-5)


async def test_more_than_this_process_may_open_is_no_plan():
    async with listening(answering) as port, Player(None, Here())(script(port), script(port).target) as stage:
        with pytest.raises(CannotPlan, match="open files"):
            stage.begin("burst", burst(most=10_000_000), soon(1))
