"""A leader that dies is followed by another one; `make takeover` tries every position."""

from e2e import takeover

FEW = 6


def test_a_leader_that_dies_anywhere_is_followed_by_one_that_finishes_its_runs(kubeconfig, capfd):
    code = takeover.survey(kubeconfig, FEW)
    assert code == 0, capfd.readouterr().out
