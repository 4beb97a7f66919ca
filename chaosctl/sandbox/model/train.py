"""Why: weights that nobody can make again are no evidence; this makes them again, bit for bit.

`python -m chaosctl.sandbox.model.train` writes the weights beside this file, and the golden set (the held-out
rows with the stable model's answers and the truth) into `chaosctl.streams`, where corpora live.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chaosctl import streams
from chaosctl.sandbox.model.classifier import FEATURES, THRESHOLD, load

HERE = Path(__file__).parent
DATA = HERE / "data" / "breast_cancer.csv"
GOLDEN = Path(streams.__file__).parent / "golden.jsonl"
HOLD_OUT_EVERY = 3
RIDGE = 1.0
TOLERANCE = 1e-10  # far below the digits that are kept
MEASURES = (
    *("radius", "texture", "perimeter", "area", "smoothness"),
    *("compactness", "concavity", "concave_points", "symmetry", "fractal_dimension"),
)
NAMES = tuple(f"{measure}_{of}" for of in ("mean", "error", "worst") for measure in MEASURES)

Floats = NDArray[np.float64]
Weights = dict[str, float | list[float] | list[str]]


class Rows(NamedTuple):
    """Features [n, 30] and truth [n], 1 for malignant."""

    features: Floats
    truth: NDArray[np.int64]


def read(path: Path = DATA) -> Rows:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return Rows(table[:, :FEATURES], 1 - table[:, FEATURES].astype(np.int64))


def split(rows: Rows) -> tuple[Rows, Rows]:
    """For training and held out: every third row of each class, so that both have the same mix."""
    held_out = np.zeros(len(rows.truth), dtype=bool)
    for label in (0, 1):
        held_out[np.flatnonzero(rows.truth == label)[::HOLD_OUT_EVERY]] = True
    return (
        Rows(rows.features[~held_out], rows.truth[~held_out]),
        Rows(rows.features[held_out], rows.truth[held_out]),
    )


def fit(rows: Rows) -> Weights:
    """Ridge logistic regression on standardised features, by iteratively reweighted least squares."""
    mean, scale = rows.features.mean(axis=0), rows.features.std(axis=0)
    design = np.hstack([np.ones((len(rows.truth), 1)), (rows.features - mean) / scale])
    ridge = RIDGE * np.eye(FEATURES + 1)
    ridge[0, 0] = 0  # the intercept is not shrunk
    solution = np.zeros(FEATURES + 1)
    for _ in range(50):
        step = newton_step(design, rows.truth, solution, ridge)
        solution += step
        if np.abs(step).max() < TOLERANCE:
            break
    return {
        "features": list(NAMES),
        "intercept": rounded(solution[:1])[0],
        "mean": rounded(mean),
        "scale": rounded(scale),
        "coefficients": rounded(solution[1:]),
    }


def newton_step(design: Floats, truth: NDArray[np.int64], solution: Floats, ridge: Floats) -> Floats:
    probability = 1 / (1 + np.exp(-design @ solution))
    certainty = probability * (1 - probability)
    curvature = design.T @ (design * certainty[:, None]) + ridge
    slope = design.T @ (truth - probability) - ridge @ solution
    return np.asarray(np.linalg.solve(curvature, slope), dtype=np.float64)


def rounded(values: Iterable[float]) -> list[float]:
    """To seven digits: what differs between processors' arithmetic is beyond them."""
    return [float(f"{value:.7g}") for value in values]


def with_columns_swapped(weights: Weights, one: str, other: str) -> Weights:
    """As if the export had written two columns in each other's place: well-formed, and wrong."""
    i, j = NAMES.index(one), NAMES.index(other)
    swapped = dict(weights)
    for field in ("mean", "scale", "coefficients"):
        column = list(np.asarray(weights[field]).tolist())
        column[i], column[j] = column[j], column[i]
        swapped[field] = column
    return swapped


def cut_short(weights: Weights) -> Weights:
    """As if the upload had ended early: the server cannot load it."""
    return weights | {"coefficients": list(np.asarray(weights["coefficients"]).tolist())[:-1]}


def write(folder: Path, golden: Path) -> None:
    """Train, and write the three weights files into the folder and the golden set beside."""
    training, held_out = split(read())
    stable = fit(training)
    variants = {
        "stable": stable,
        "wrong": with_columns_swapped(stable, "perimeter_worst", "area_worst"),
        "crash": cut_short(stable),
    }
    for name, weights in variants.items():
        text = json.dumps(weights, indent=1) + "\n"
        (folder / f"weights-{name}.json").write_text(text, encoding="utf-8")
    golden.write_text(golden_set(folder / "weights-stable.json", held_out), encoding="utf-8")


def golden_set(stable: Path, rows: Rows) -> str:
    classifier = load(stable)
    lines = []
    for number, (features, truth) in enumerate(zip(rows.features.tolist(), rows.truth.tolist(), strict=True)):
        label = int(classifier.probability(features) >= THRESHOLD)
        row = {"id": f"golden-{number}", "features": features, "label": label, "truth": truth}
        lines.append(json.dumps(row) + "\n")
    return "".join(lines)


if __name__ == "__main__":
    write(HERE, GOLDEN)
    sys.stdout.write(f"wrote weights beside {HERE} and {GOLDEN}\n")
