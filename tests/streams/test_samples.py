"""What a window says about a stream, whatever order answers came in and however many there were."""

import asyncio
from datetime import UTC, datetime
from random import Random

import numpy as np
import pytest

from chaosctl.errors import NoData
from chaosctl.streams.samples import NAME_LIMIT, Sample, Window

ANSWER_WITHIN = 5.0


def at(second):
    return datetime.fromtimestamp(second, UTC)


def good(due, seconds=0.01, *, version="1", agrees=True, pod=None):
    return Sample(due, due, due + seconds, 200, None, version, agrees, pod)


def failed(due, error="reset"):
    return Sample(due, due, due + 0.001, None, error)


def window(*samples, **more):
    made = Window(ANSWER_WITHIN, **more)
    for sample in samples:
        made.add(sample)
    return made


def test_failures_are_counted_over_requests_due_in_the_interval_its_end_left_out():
    seen = window(good(1), failed(2), failed(3), good(4))
    counts = seen.failures(at(2), at(4))
    assert (counts.bad, counts.n) == (2, 2)
    assert (counts.first_bad, counts.last_bad) == (at(2), at(3))


def test_requests_that_we_never_sent_are_nobodys_failures_and_the_answer_begins_after_them():
    seen = window(good(1), failed(2, "unsent"), failed(3, "unsent"), good(4), failed(5))
    counts, latency = seen.failures(at(0), at(9)), seen.latency(at(0), at(9), 0)
    assert (counts.bad, counts.n) == (1, 2)
    assert at(3) < counts.start < at(4)
    assert (latency.n, latency.start) == (2, counts.start)
    assert seen.failures(at(4), at(9)).start == at(4)
    with pytest.raises(NoData, match="stopped, or too busy"):
        seen.failures(at(0), at(4))


def test_samples_are_in_the_order_in_which_they_were_due_however_they_came():
    times = [float(n) for n in range(100)]
    Random(1).shuffle(times)
    assert [sample.scheduled for sample in window(*map(good, times))] == sorted(times)


def test_a_sample_comes_out_as_it_went_in():
    samples = [
        Sample(1.0, 1.5, 2.0, 200, None, "v1", agrees=True, pod="pod-a"),
        Sample(2.0, None, 2.5, None, "connect", None, None, None),
        Sample(3.0, 3.0, 3.5, 503, "status"),
        Sample(4.0),
    ]
    assert window(*samples).samples(at(0), at(9)) == samples


def test_disagreements_are_of_good_answers_to_rows_with_a_known_one():
    seen = window(good(1), good(2, agrees=False), good(3, agrees=None), failed(4))
    counts = seen.disagreements(at(0), at(9))
    assert (counts.bad, counts.n, counts.first_bad) == (1, 2, at(2))


def test_disagreements_can_be_asked_of_one_version_alone():
    seen = window(good(1, version="a"), good(2, version="b", agrees=False), good(3, version="b"))
    assert seen.disagreements(at(0), at(9), "a").bad == 0
    counts = seen.disagreements(at(0), at(9), "b")
    assert (counts.bad, counts.n) == (1, 2)
    with pytest.raises(NoData):
        seen.disagreements(at(0), at(9), "c")


def test_failed_requests_are_slow_ones():
    seen = window(good(1, 0.1), good(2, 0.3), failed(3))
    assert seen.slower_than(at(0), at(9), 0.2).bad == 2


def test_percentiles_are_numpys():
    random = Random(5)
    seconds = [random.expovariate(10) for _ in range(997)]
    seen = window(*(good(due, wait) for due, wait in enumerate(seconds)))
    for percentile in (0, 50, 90, 99, 99.9, 100):
        level = seen.latency(at(0), at(2000), percentile)
        assert level.value == pytest.approx(np.percentile(seconds, percentile))
        assert level.n == 997


def test_a_refused_connection_does_not_make_the_service_look_fast():
    seen = window(*(failed(due, "connect") for due in range(10)))
    assert seen.latency(at(0), at(99), 50).value == ANSWER_WITHIN


def test_latency_counts_from_when_a_request_was_due_not_from_when_it_was_sent():
    seen = window(Sample(1.0, 3.0, 3.5, 200, None, "1", agrees=True))
    assert seen.latency(at(0), at(9), 50).value == 2.5


def test_versions_and_pods_are_of_good_answers():
    seen = window(
        good(1, version="a", pod="x"), good(2, version="b", pod="x"), good(3, version="a"), failed(4)
    )
    assert seen.versions(at(0), at(9)) == {"a": 2, "b": 1}
    assert seen.pods(at(0), at(9)) == {"x": 2, "": 1}


def test_errors_are_counted_by_class():
    seen = window(good(1), failed(2), failed(3, "timeout"), failed(4))
    assert seen.errors(at(0), at(9)) == {"reset": 2, "timeout": 1}


@pytest.mark.parametrize("question", ["failures", "disagreements", "versions", "pods", "errors"])
def test_no_data_is_never_an_answer(question):
    with pytest.raises(NoData):
        getattr(window(good(1)), question)(at(5), at(6))


def test_agreement_has_nothing_to_say_where_no_answer_was_good():
    with pytest.raises(NoData, match="no good answer"):
        window(failed(1)).disagreements(at(0), at(9))
    with pytest.raises(NoData, match="no good answer"):
        window(failed(1)).versions(at(0), at(9))


def test_a_full_window_drops_the_oldest_and_refuses_to_speak_of_them():
    seen = window(*(good(float(n)) for n in range(1000)), limit=100)
    assert len(seen) <= 100
    assert seen.failures(at(990), at(1000)).n == 10
    with pytest.raises(NoData, match="no longer kept"):
        seen.failures(at(0), at(1000))
    seen.add(good(3.0))
    assert min(sample.scheduled for sample in seen) > 3


def test_a_server_that_makes_up_versions_without_end_fills_no_memory():
    seen = window(*(good(n, version=f"v{n}") for n in range(NAME_LIMIT + 100)))
    versions = seen.versions(at(0), at(1e6))
    assert len(versions) <= NAME_LIMIT
    assert versions["(others)"] > 100


async def test_settled_waits_until_all_that_was_due_is_in():
    seen = window(good(1))
    waiting = asyncio.create_task(seen.settled(at(10)))
    for moment in (3, 9.99):
        seen.settle(moment)
        await asyncio.sleep(0)
        assert not waiting.done()
    seen.settle(10)
    await asyncio.wait_for(waiting, 10)


async def test_settled_returns_at_once_when_the_stream_has_ended():
    seen = window()
    seen.settle(float("inf"))
    await seen.settled(at(1e9))
