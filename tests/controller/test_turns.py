"""Why: two runs on one target would judge each other's faults; whoever asked first comes first."""

import asyncio

from chaosctl.controller.turns import Ticket, Turns
from chaosctl.testing import deployment_ref, in_virtual_time

A, B = deployment_ref("a"), deployment_ref("b")


def ticket(name, created, target=A, number=0):
    return Ticket(created, number, target, name)


class Queue:
    """Runs that take ten seconds each, and what they said while they waited."""

    def __init__(self, at_once=10):
        self.turns = Turns(at_once)
        self.ran, self.said, self.given_up = [], {}, set()

    async def run(self, one, after=0.0):
        await asyncio.sleep(after)
        said = self.said.setdefault(one.name, [])
        async with self.turns.turn(one, lambda: one.name in self.given_up, said.append) as ours:
            if not ours:
                return
            self.ran.append((one.name, round(asyncio.get_running_loop().time())))
            await asyncio.sleep(10)


def played(*runs, at_once=10, then=None):
    async def play():
        queue = Queue(at_once)
        tasks = [asyncio.ensure_future(queue.run(*one)) for one in runs]
        if then:
            await then(queue, tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        return queue

    return in_virtual_time(play())


def test_runs_on_one_target_come_one_after_the_other_in_the_order_in_which_they_were_created():
    queue = played((ticket("third", "03"),), (ticket("first", "01"),), (ticket("second", "02"), 1))

    assert queue.ran == [("third", 0), ("first", 10), ("second", 20)]
    assert queue.said["second"] == [
        "waiting for third, which runs on the same target",
        "waiting for first, which runs on the same target",
    ]


def test_of_those_created_in_the_same_second_the_one_that_was_heard_of_first_comes_first():
    first = (ticket("going", "00"),)
    queue = played(first, (ticket("z", "01", number=1), 1), (ticket("a", "01", number=2), 1))

    assert [name for name, _ in queue.ran] == ["going", "z", "a"]


def test_runs_on_different_targets_do_not_wait_for_each_other_until_there_are_too_many():
    runs = [(ticket("a", "01"),), (ticket("b", "02", B),), (ticket("c", "03", deployment_ref("c")),)]

    assert [when for _, when in played(*runs).ran] == [0, 0, 0]
    crowded = played(*runs, at_once=2)
    assert crowded.ran == [("a", 0), ("b", 0), ("c", 10)]
    assert crowded.said["c"] == ["waiting, as 2 runs are going on"]


def test_what_was_going_on_already_waits_for_nothing_but_its_target():
    crowd = [(ticket("a", "01"),), (ticket("b", "02", B),), (ticket("resumed", "", deployment_ref("c")), 1)]

    assert ("resumed", 1) in played(*crowd, at_once=2).ran


def test_one_that_is_given_up_leaves_the_queue_without_a_turn_and_the_next_moves_up():
    async def give_up(queue, tasks):  # noqa: ARG001 - the shape of what happens then
        await asyncio.sleep(5)
        queue.given_up.add("second")
        queue.turns.look_again()

    runs = [(ticket("first", "01"),), (ticket("second", "02"), 1), (ticket("third", "03"), 1)]
    queue = played(*runs, then=give_up)

    assert queue.ran == [("first", 0), ("third", 10)]
    assert queue.turns.waiting == 0


def test_one_that_is_cancelled_while_it_waits_or_runs_holds_nobody_up():
    async def cancel(queue, tasks):  # noqa: ARG001 - the shape of what happens then
        await asyncio.sleep(2)
        tasks[1].cancel()
        await asyncio.sleep(2)
        tasks[0].cancel()

    runs = [(ticket("first", "01"),), (ticket("second", "02"), 1), (ticket("third", "03"), 1)]

    assert played(*runs, then=cancel).ran == [("first", 0), ("third", 4)]
