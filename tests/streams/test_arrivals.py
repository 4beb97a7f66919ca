"""When requests are due follows from what is written and the seed alone."""

from bisect import bisect_left
from itertools import islice, pairwise, takewhile

import pytest
from pydantic import ValidationError

from chaosctl.spec.arrivals import written
from chaosctl.streams.arrivals import arrivals

CONSTANT = {"process": "constant", "rate": "4/s"}
POISSON = {"process": "poisson", "rate": "50/s"}
GAMMA = {"process": "gamma", "rate": "50/s", "burstiness": 4}
MMPP = {"process": "mmpp", "rates": ["0/s", "100/s"], "dwells": ["2s", "2s"]}
STEP = {"process": "step", "steps": [{"rate": "20/s", "for": "30s"}, {"rate": "100/s", "for": "30s"}]}
PULSE = {"process": "step", "steps": [*STEP["steps"], {"rate": "0/s", "for": "1s"}]}
RAMP = {"process": "ramp", "from": "0/s", "to": "100/s", "over": "60s"}
DOWN = {"process": "ramp", "from": "100/s", "to": "0/s", "over": "60s"}
SINE = {"process": "sine", "rate": "50/s", "amplitude": "50/s", "period": "40s"}
RANDOM = [POISSON, GAMMA, MMPP, STEP, RAMP, SINE]
LONG = 8_000.0  # seconds


def take(count, body, seed=0):
    return list(islice(arrivals(written(body), seed), count))


def until(seconds, body, seed=0):
    return list(takewhile(lambda offset: offset < seconds, arrivals(written(body), seed)))


def counts(times, start, end):
    return bisect_left(times, end) - bisect_left(times, start)


def dispersion(times, window):
    """Variance over mean of the counts in windows of so many seconds."""
    found = [counts(times, n * window, (n + 1) * window) for n in range(int(times[-1] // window))]
    mean = sum(found) / len(found)
    return sum((one - mean) ** 2 for one in found) / len(found) / mean


def test_constant_arrivals_are_evenly_spaced_from_the_start():
    assert take(4, CONSTANT) == [0.0, 0.25, 0.5, 0.75]


def test_what_says_no_process_is_poisson():
    assert take(5, {"rate": "50/s"}) == take(5, POISSON)


@pytest.mark.parametrize("body", RANDOM, ids=lambda body: body["process"])
def test_the_seed_decides_and_time_never_goes_back(body):
    times = take(1000, body, seed=7)
    assert times == take(1000, body, seed=7) == sorted(times)
    assert times != take(1000, body, seed=8)


@pytest.mark.parametrize("body", RANDOM, ids=lambda body: body["process"])
@pytest.mark.parametrize("seconds", [10.0, 100.0, 2000.0])
def test_as_many_come_as_are_expected(body, seconds):
    runs = 40 if seconds < LONG / 100 else 4
    found = sum(len(until(seconds, body, seed)) for seed in range(runs)) / runs
    assert found == pytest.approx(written(body).expected(seconds), rel=0.15)


def test_poisson_arrivals_are_as_irregular_as_they_should_be():
    gaps = [b - a for a, b in pairwise(take(20_000, POISSON, seed=1))]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation == pytest.approx(mean, rel=0.05)


@pytest.mark.parametrize("burstiness", [0.25, 1, 4, 16])
def test_the_counts_of_gamma_vary_by_its_burstiness(burstiness):
    times = until(LONG, {**GAMMA, "burstiness": burstiness}, seed=3)
    assert dispersion(times, 20.0) == pytest.approx(burstiness, rel=0.2)


def test_the_bursts_of_mmpp_last_and_those_of_gamma_do_not():
    bursts = until(LONG, MMPP, seed=5)
    even = until(LONG, {**GAMMA, "rate": "50/s", "burstiness": dispersion(bursts, 1.0)}, seed=5)

    assert dispersion(bursts, 10.0) > 2 * dispersion(bursts, 1.0)
    assert dispersion(even, 10.0) < 1.3 * dispersion(even, 1.0)


def test_one_rate_follows_the_other_and_the_last_one_stays():
    times = until(600.0, STEP, seed=2)
    assert counts(times, 0, 30) / 30 == pytest.approx(20, rel=0.2)
    assert counts(times, 30, 600) / 570 == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize("body", [PULSE, DOWN])
def test_what_comes_down_to_nothing_ends(body):
    times = list(arrivals(written(body), 1))
    assert times[-1] < 60.0
    assert len(times) == pytest.approx(written(body).expected(3600.0), rel=0.1)


def test_a_ramp_from_very_much_to_very_little_finds_its_next_request_at_once():
    body = {"process": "ramp", "from": "20000/s", "to": "1/h", "over": "100ms"}
    times = take(1100, body, seed=1)  # candidates at the first rate would be 72 million an hour
    assert times[-1] > 3600


def test_a_ramp_rises_and_a_sine_goes_up_and_down():
    rising, waving = until(120.0, RAMP, seed=4), until(LONG, SINE, seed=4)
    assert counts(rising, 0, 15) < counts(rising, 45, 60) / 3
    assert counts(rising, 60, 120) / 60 == pytest.approx(100, rel=0.1)
    up = sum(counts(waving, 40.0 * n, 40.0 * n + 20.0) for n in range(500))
    assert up > 3 * (len(waving) - up)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"rate": "0/s"}, "greater than 0"),
        ({"process": "bursts", "rate": "1/s"}, "bursts"),
        ({**MMPP, "rates": ["0/s", "0/s"]}, "every rate is 0/s"),
        ({**MMPP, "rates": ["1/s"]}, "rates"),
        ({**MMPP, "rates": ["0/s", "1/h"], "dwells": ["1ms", "1ms"]}, "one request in 1000 turns"),
        ({**MMPP, "dwells": ["0s", "1s"]}, "dwells"),
        ({"process": "step", "steps": []}, "steps"),
        ({**RAMP, "to": "0/s"}, "every rate is 0/s"),
        ({**SINE, "amplitude": "51/s"}, "the amplitude is above the rate"),
        ({**GAMMA, "burstiness": 0}, "burstiness"),
        ({**GAMMA, "dwells": ["1s", "1s"]}, "dwells"),
    ],
)
def test_what_cannot_be_sent_is_refused(body, why):
    with pytest.raises(ValidationError, match=why):
        written(body)
