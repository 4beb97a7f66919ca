"""Why: agreement can be measured only on questions whose answers are known."""

import json
from collections.abc import Iterator
from importlib.resources import files
from random import Random
from typing import NamedTuple

from chaosctl.errors import Invalid


class Row(NamedTuple):
    """One question: the features of one sample, and the label the good model gives (None where unknown)."""

    id: str
    features: tuple[float, ...]
    label: int | None


Corpus = tuple[Row, ...]


def golden() -> Corpus:
    """The held-out rows of the sample model with the answers of its stable version."""
    return parse((files("chaosctl.streams") / "golden.jsonl").read_text(encoding="utf-8"), "golden.jsonl")


def parse(text: str, name: str) -> Corpus:
    """Rows from JSON lines of `{"features": […], "label": 0, "id": "…"}`. Raises Invalid with the line.

    `label` may be left out (then agreement has nothing to say about the row), and so may `id`.
    """
    rows = tuple(
        row(line, f"{name}:{number}") for number, line in enumerate(text.splitlines(), 1) if line.strip()
    )
    if not rows:
        raise Invalid(f"{name}: no rows to send; write one JSON object a line")
    return rows


def row(line: str, where: str) -> Row:
    try:
        content = json.loads(line)
        features = tuple(map(float, content["features"]))
        label = content.get("label")
        identity = str(content.get("id", where))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
        raise Invalid(f'{where}: not a row like {{"features": [1.5, 2], "label": 0}}') from wrong
    if label is not None and type(label) is not int:
        raise Invalid(f"{where}: label must be a whole number")
    return Row(identity, features, label)


def shuffled(corpus: Corpus, seed: int = 0) -> Iterator[Row]:
    """Endlessly: every row once in an order of the seed, then all again in another."""
    random = Random(seed)  # noqa: S311  repeatable, not secret
    rows = list(corpus)
    while True:
        random.shuffle(rows)
        yield from rows
