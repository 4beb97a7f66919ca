"""Why: the answers must be exact and repeatable, and starting must not cost an import of numpy."""

import json
from collections.abc import Sequence
from math import exp, isfinite
from operator import mul
from pathlib import Path
from typing import NamedTuple

FEATURES = 30
THRESHOLD = 0.5  # the probability from which a row is called malignant, unless configured


class Classifier(NamedTuple):
    """A logistic regression with the standardisation folded into its coefficients."""

    intercept: float
    coefficients: tuple[float, ...]

    def probability(self, row: Sequence[float]) -> float:
        """Of malignant, for one row of features. Raises ValueError where no finite number comes out."""
        logit = self.intercept + sum(map(mul, self.coefficients, row))
        if not isfinite(logit):
            raise ValueError("features must be finite numbers")
        # exp of a large number overflows, so the exponent is never positive.
        if logit >= 0:
            return 1 / (1 + exp(-logit))
        odds = exp(logit)
        return odds / (1 + odds)


def load(path: Path) -> Classifier:
    """Read weights as `train` writes them. Raises ValueError where they do not fit the features."""
    weights = json.loads(path.read_text(encoding="utf-8"))
    for field in ("mean", "scale", "coefficients"):
        if len(weights[field]) != FEATURES:
            raise ValueError(f"{path.name}: {field} has {len(weights[field])} values for {FEATURES} features")
    slopes = tuple(c / s for c, s in zip(weights["coefficients"], weights["scale"], strict=True))
    return Classifier(weights["intercept"] - sum(map(mul, slopes, weights["mean"])), slopes)
