"""Why: what users got is judged by these probes alone."""

from datetime import timedelta

import pytest
from probes.views import END, KINDS, read, sample, view

from chaosctl.errors import NoData
from chaosctl.model import Level
from chaosctl.probes.latency import Latency
from chaosctl.probes.ready_replicas import ReadyReplicas
from chaosctl.probes.slow_answers import SlowAnswers
from chaosctl.spec import Bounds
from chaosctl.testing import EPOCH, FakeAnswers

FROM_ANSWERS = [
    {"kind": "error-rate"},
    {"kind": "latency"},
    {"kind": "slow-answers", "slowerThan": "300ms"},
    {"kind": "agreement"},
    {"kind": "revision"},
]


@pytest.mark.parametrize("body", FROM_ANSWERS, ids=lambda body: body["kind"])
async def test_without_traffic_there_is_no_data(body):
    with pytest.raises(NoData, match="no traffic"):
        await read(body, view(answers=False))


@pytest.mark.parametrize("body", FROM_ANSWERS, ids=lambda body: body["kind"])
async def test_without_requests_there_is_no_data(body):
    with pytest.raises(NoData):
        await read(body, view())


@pytest.mark.parametrize("body", FROM_ANSWERS, ids=lambda body: body["kind"])
async def test_a_reading_answers_for_its_interval_and_is_of_the_kind_that_is_declared(body):
    reading = await read(body, view(sample()))

    assert (reading.start, reading.end) == (EPOCH, END)
    assert (reading.reading == "counts") is KINDS[body["kind"]].counts
    assert getattr(reading, "complement", False) is KINDS[body["kind"]].complement


async def test_the_error_rate_is_the_share_of_requests_without_a_good_answer():
    reading = await read({"kind": "error-rate"}, view(sample(1), sample(2, ok=False), sample(3), sample(4)))

    assert reading.value == 0.25
    assert reading.first_bad == EPOCH + timedelta(seconds=2)


async def test_latency_is_a_percentile_in_seconds():
    samples = [sample(second=1, seconds=n / 100) for n in range(100)]

    assert (await read({"kind": "latency"}, view(*samples))).value == pytest.approx(0.99)
    assert (await read({"kind": "latency", "percentile": 50}, view(*samples))).value == pytest.approx(0.5)


async def test_slow_answers_are_a_share_that_failures_belong_to():
    samples = [sample(seconds=0.2), sample(seconds=0.4), sample(ok=False), sample()]

    assert (await read({"kind": "slow-answers", "slowerThan": "300ms"}, view(*samples))).value == 0.5


async def test_agreement_is_the_share_of_right_answers_and_counts_the_wrong_ones():
    reading = await read({"kind": "agreement"}, view(*[sample()] * 99, sample(agrees=False)))

    assert reading.value == 0.99
    assert (reading.bad, reading.n) == (1, 100)


async def test_the_revision_is_the_most_common_one_before_a_fault():
    reading = await read({"kind": "revision"}, view(*[sample(version="1")] * 3, sample(version="2")))

    assert (reading.value, reading.n, reading.detail) == (0.75, 4, "1")


async def test_the_revision_of_the_steady_state_is_expected_afterwards():
    steady = Level(value=1, start=EPOCH, end=END, detail="1")

    reading = await read({"kind": "revision"}, view(sample(version="2"), before=steady))

    assert (reading.value, reading.detail) == (0, "1")


async def test_a_revision_that_is_named_is_the_expected_one():
    steady = Level(value=1, start=EPOCH, end=END, detail="1")

    reading = await read({"kind": "revision", "version": "2"}, view(sample(version="2"), before=steady))

    assert (reading.value, reading.detail) == (1, "2")


async def test_when_no_answer_is_good_nobody_knows_the_revision():
    with pytest.raises(NoData):
        await read({"kind": "revision"}, view(sample(ok=False)))


async def test_answers_that_do_not_tell_their_version_are_no_data():
    with pytest.raises(NoData, match="told its model version"):
        await read({"kind": "revision"}, view(sample(version="")))


@pytest.mark.parametrize(("percentile", "share"), [(99, 0.01), (50, 0.5), (99.9, 0.001)])
def test_a_percentile_within_a_limit_can_be_asked_of_the_share_that_is_slower(percentile, share):
    probe, holds = Latency(percentile=percentile).as_counts(Bounds(max=0.25))

    assert probe == SlowAnswers(slower_than=timedelta(seconds=0.25))
    assert holds.max == pytest.approx(share)


@pytest.mark.parametrize(
    ("percentile", "bounds"),
    [
        (100, {"max": 1}),
        (99, {"min": 1}),
        (99, {"min": 1, "max": 2}),
        (99, {"max": 0}),
        (99, {"max": 1, "from_steady": True}),
    ],
)
def test_what_no_share_can_say_stays_a_percentile(percentile, bounds):
    assert Latency(percentile=percentile).as_counts(Bounds(**bounds)) is None


def test_a_probe_that_counts_nothing_has_no_other_form():
    assert ReadyReplicas().as_counts(Bounds(min=3)) is None


async def test_statuses_are_counted_among_all_that_were_due():
    body = {"kind": "statuses", "among": [500, 502]}
    seen = view(sample(1, status=500), sample(2, status=503), sample(3), sample(4, status=502))
    assert (await read(body, seen)).value == 0.5


async def test_requests_that_left_are_counted_by_the_second():
    assert (await read({"kind": "request-rate"}, view(*(sample(n) for n in range(5))))).value == 0.5


async def test_a_probe_of_a_stream_reads_that_streams_answers_alone():
    burst = FakeAnswers([sample(1, ok=False)])
    both = view(sample(1), sample(2))._replace(stream={"burst": burst}.get)
    assert (await read({"kind": "error-rate"}, both)).value == 0
    assert (await read({"kind": "error-rate", "stream": "burst"}, both)).value == 1
    with pytest.raises(NoData, match="later has sent no traffic yet"):
        await read({"kind": "error-rate", "stream": "later"}, both)
