"""A recorded trace is sent as it was, or at another rate in a way that is said."""

from itertools import accumulate, islice
from random import Random
from statistics import mean, pstdev

import pytest

from chaosctl.errors import Invalid
from chaosctl.spec.arrivals import written
from chaosctl.streams.arrivals import arrivals
from chaosctl.streams.trace import expected, offsets

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0319600,3180,8
2023-11-16 18:17:08.9799600,110,27
"""


def read(text):
    return list(offsets(text.splitlines(), "trace.csv"))


def process(**more):
    return written({"process": "trace", "file": "trace.csv", **more})


def recorded(count=2000, seed=3):
    random = Random(seed)
    return list(accumulate((random.expovariate(10) for _ in range(count - 1)), initial=0.0))


def play(trace, **more):
    return list(arrivals(process(**more), 1, trace))


def test_a_trace_of_language_models_is_read_as_it_is():
    assert read(AZURE) == pytest.approx([0, 0.052, 5])


@pytest.mark.parametrize(
    "text",
    [
        "10\n10.5\n12\n",
        "id,time\n1,10\n2,10.5\n3,12\n",
        "2024-01-01T00:00:10Z\n2024-01-01T00:00:10.5Z\n2024-01-01T00:00:12Z",
    ],
    ids=["seconds alone", "another column", "dates"],
)
def test_times_are_seconds_or_dates_in_any_column(text):
    assert read(text) == [0, 0.5, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least two requests"),
        ("time\n", "at least two requests"),
        ("5\n", "at least two requests"),
        ("5\n5\n", "no rate"),
        ("1\n3\n2\n", "trace.csv:3: earlier than the request before"),
        ("1\nnever\n", "trace.csv:2: 'never' is neither seconds nor a date"),
        ("1\nnan\n", "trace.csv:2"),
        ("1\ninf\n", "trace.csv:2"),
        ("id,time\n1,2\n3\n", "trace.csv:3: no time"),
        ("1\n\n2\n", "trace.csv:2: no time"),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(text, said):
    with pytest.raises(Invalid, match=said):
        read(text)


def test_it_is_sent_once_as_it_was_and_then_nothing_more():
    trace = recorded()
    assert play(trace) == trace


def test_repeated_it_begins_again_where_one_more_request_would_come():
    trace = [0.0, 1.0, 3.0]
    found = list(islice(arrivals(process(repeat=True), 0, trace), 6))
    assert found == pytest.approx([0, 1, 3, 4.5, 5.5, 7.5])


def test_thinned_it_has_that_share_of_the_same_requests():
    trace = recorded()
    found = play(trace, scale={"thin": "25%"})
    assert set(found) <= set(trace)
    assert len(found) == pytest.approx(500, rel=0.1)


def test_compressed_it_has_the_same_gaps_so_many_times_shorter():
    trace = recorded()
    assert play(trace, scale={"compress": 10}) == pytest.approx([one / 10 for one in trace])


def test_superposed_it_is_so_many_traces_in_the_same_time():
    trace = recorded()
    found = play(trace, scale={"superpose": 3})
    assert len(found) == 3 * len(trace)
    assert found == sorted(found)
    assert found[-1] <= trace[-1] * 1.01


def test_superposing_evens_bursts_out_and_compressing_does_not():
    bursts = [burst * 10 + number / 100 for burst in range(200) for number in range(50)]

    def variation(times, window):
        counts = [0] * int(times[-1] // window + 1)
        for one in times:
            counts[int(one // window)] += 1
        return pstdev(counts) / mean(counts)

    assert variation(play(bursts, scale={"superpose": 20}), 1) < variation(bursts, 1) / 2
    assert variation(play(bursts, scale={"compress": 2}), 0.5) == pytest.approx(variation(bursts, 1), rel=0.1)


@pytest.mark.parametrize("scale", [{}, {"thin": "25%"}, {"compress": 4}, {"superpose": 3}])
@pytest.mark.parametrize("repeat", [False, True])
def test_how_many_are_expected_is_how_many_come(scale, repeat):
    trace = recorded()
    one = process(scale=scale, repeat=repeat)
    for seconds in (10.0, 150.0, 500.0):
        come = sum(1 for _ in _until(arrivals(one, 2, trace), seconds))
        assert expected(trace, one, seconds) == pytest.approx(come, rel=0.15, abs=20)


def _until(times, end):
    for one in times:
        if one >= end:
            return
        yield one


@pytest.mark.parametrize(
    "scale", [{"thin": "50%", "compress": 2}, {"superpose": 1}, {"thin": "0%"}, {"compress": 0}]
)
def test_a_scale_that_makes_no_sense_is_refused(scale):
    with pytest.raises(ValueError, match="scale"):
        process(scale=scale)
