"""Why: it looks every second; being rarely wrong at one look would make it wrong within the hour."""

from random import Random

import pytest
from watchdog.scene import Behaviour, Scene, seconds

from chaosctl.model import Counts
from chaosctl.stats import log_evidence_above, log_evidence_below
from chaosctl.testing import EPOCH, in_virtual_time
from chaosctl.watchdog.evidence import Bet

LOOKS = 600
EACH = 20


def looks(rate, seed, times=LOOKS):
    random = Random(seed)
    for _ in range(times):
        yield counts(sum(random.random() < rate for _ in range(EACH)))


def counts(bad):
    return Counts(bad=bad, n=EACH, start=EPOCH, end=EPOCH + seconds(1))


def won(bet, heard):
    """After how many looks it was won, None if never."""
    for number, look in enumerate(heard, 1):
        bet.add(look)
        if bet.won:
            return number
    return None


def test_a_revision_exactly_at_its_objective_is_rarely_blamed_in_ten_minutes_of_looks():
    blamed = [won(Bet(log_evidence_above, 0.05, 0.05), looks(0.05, seed)) for seed in range(100)]

    assert sum(look is not None for look in blamed) <= 5


def test_a_revision_exactly_at_its_objective_is_rarely_certified():
    trusted = [won(Bet(log_evidence_below, 0.05, 0.05), looks(0.05, seed)) for seed in range(100)]

    assert sum(look is not None for look in trusted) <= 5


@pytest.mark.parametrize(("rate", "within"), [(0.1, 40), (0.2, 8), (0.38, 4), (1.0, 1)])
def test_the_worse_a_revision_is_the_sooner_it_is_blamed(rate, within):
    took = sorted(won(Bet(log_evidence_above, 0.05, 0.005), looks(rate, seed)) or LOOKS for seed in range(40))

    assert took[36] <= within


def test_a_long_good_past_cannot_hide_a_bad_present():
    bet = Bet(log_evidence_above, 0.05, 0.01)
    assert won(bet, looks(0.0, 1, 6 * LOOKS)) is None

    assert won(bet, looks(0.38, 2)) <= 8


def test_a_revision_just_good_enough_is_certified_in_the_end_though_it_began_badly():
    bet = Bet(log_evidence_below, 0.05, 0.05)
    assert won(bet, looks(0.2, 1, 60)) is None

    assert won(bet, looks(0.01, 2)) is not None


@pytest.mark.parametrize("seed", range(4))
def test_a_release_exactly_at_its_objectives_is_not_rolled_back(seed):
    async def story():
        async with Scene(seed=seed).watching() as scene:
            await scene.certified()
            await scene.release("model:next", Behaviour(errors=0.05, wrong=0.05))
            with pytest.raises(AssertionError):
                await scene.until(lambda: scene.image() == "model:stable", within=180)

    in_virtual_time(story())
