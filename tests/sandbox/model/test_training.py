"""What is served was made by the committed code from the committed data, and is good."""

import json
from pathlib import Path

import numpy as np
import pytest

from chaosctl.sandbox.model import classifier, train

HERE = Path(train.__file__).parent


def golden():
    return [json.loads(line) for line in train.GOLDEN.read_text().splitlines()]


def labels(weights, threshold=classifier.THRESHOLD):
    model = classifier.load(HERE / f"weights-{weights}.json")
    return np.array([int(model.probability(row["features"]) >= threshold) for row in golden()])


def known():
    return np.array([row["label"] for row in golden()])


def test_training_again_gives_the_committed_weights_and_golden_set(tmp_path):
    train.write(tmp_path, tmp_path / "golden.jsonl")
    assert (tmp_path / "golden.jsonl").read_text() == train.GOLDEN.read_text()
    for name in ("stable", "wrong", "crash"):
        committed, again = (
            json.loads((folder / f"weights-{name}.json").read_text()) for folder in (HERE, tmp_path)
        )
        assert committed == {
            key: value if key == "features" else pytest.approx(value, rel=1e-5)
            for key, value in again.items()
        }


def test_the_stable_model_is_right_about_at_least_95_percent_of_rows_it_never_saw():
    truth = np.array([row["truth"] for row in golden()])
    assert np.mean(labels("stable") == truth) >= 0.95


def test_no_row_of_the_golden_set_was_trained_on():
    training, held_out = train.split(train.read())
    assert len(training.truth) + len(held_out.truth) == 569
    trained_on = {tuple(row) for row in training.features.tolist()}
    assert trained_on.isdisjoint(tuple(row["features"]) for row in golden())


def test_the_golden_answers_are_the_stable_models():
    assert labels("stable").tolist() == known().tolist()


def test_wrong_weights_are_wrong_about_a_good_share_but_not_about_everything():
    assert 0.2 <= np.mean(labels("wrong") != known()) <= 0.6


def test_a_threshold_near_one_changes_enough_answers_to_be_noticed():
    assert np.mean(labels("stable", 0.9999) != known()) > 0.1


def test_probabilities_far_out_stay_between_zero_and_one():
    model = classifier.Classifier(0.0, (1000.0,))
    assert (model.probability([50.0]), model.probability([-50.0])) == (1.0, 0.0)


def test_weights_that_do_not_fit_are_refused_by_name():
    with pytest.raises(ValueError, match=r"weights-crash\.json: coefficients has 29 values for 30 features"):
        classifier.load(HERE / "weights-crash.json")
