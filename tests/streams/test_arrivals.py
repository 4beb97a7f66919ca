"""When requests are due follows from the rate and the seed alone."""

from itertools import islice, pairwise

import pytest

from chaosctl.errors import Invalid
from chaosctl.streams.arrivals import arrivals


def take(count, process, rate, seed=0):
    return list(islice(arrivals(process, rate, seed), count))


def test_constant_arrivals_are_evenly_spaced_from_the_start():
    assert take(4, "constant", 4.0) == [0.0, 0.25, 0.5, 0.75]


def test_poisson_arrivals_repeat_from_their_seed():
    assert take(50, "poisson", 50, seed=7) == take(50, "poisson", 50, seed=7)
    assert take(50, "poisson", 50, seed=7) != take(50, "poisson", 50, seed=8)


def test_poisson_arrivals_come_at_the_rate_and_are_as_irregular_as_they_should_be():
    times = take(20_000, "poisson", 50, seed=1)
    gaps = [b - a for a, b in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(0.02, rel=0.05)
    assert deviation == pytest.approx(mean, rel=0.05)


def test_arrivals_never_go_back():
    times = take(1000, "poisson", 1e6, seed=3)
    assert times == sorted(times)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_sends_nothing_is_refused(rate):
    with pytest.raises(Invalid, match="sends nothing"):
        arrivals("constant", rate)


def test_an_unknown_process_is_refused_with_those_that_there_are():
    with pytest.raises(Invalid, match="no arrival process 'bursts'; there are constant, poisson"):
        arrivals("bursts", 1)
