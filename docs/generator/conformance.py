"""Why: who trusts the sandbox must see what was asked of it and of a real cluster, and where they differ."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from generator import markdown

SUITE = Path(__file__).parents[2] / "tests" / "conformance"
ABOUT = """
One suite runs against the sandbox (`make drills`) and against a real Kubernetes (`make e2e`), with the
official client and with kubectl. No test knows which side it is on; CI runs both. What differs is a bug of
the sandbox, or stands in the second table.
"""
DIFFER = "## What differs, and why"
DIFFERENCES = """
Each line is a test that expects one thing of a cluster and another of the sandbox. What the sandbox does not
have at all is in [its own page](sandbox.md).
"""


class Difference(NamedTuple):
    """What a test expects on each side."""

    test: str
    reason: str
    real: str
    sandbox: str


def page() -> str:
    files = sorted(SUITE.glob("test_*.py"))
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    tests = [(f"`{file.name}`", _about(tree), str(len(list(_tests(tree))))) for file, tree in trees.items()]
    total = ("", "together", str(sum(int(count) for _, _, count in tests)))
    found = [_row(one) for tree in trees.values() for one in differences(tree)]
    return markdown.page(
        "Conformance",
        ABOUT,
        markdown.table(("file", "what it asks", "tests"), [*tests, total]),
        DIFFER,
        DIFFERENCES,
        markdown.table(("what is tried", "real cluster", "sandbox", "because"), found),
    )


def differences(tree: ast.Module) -> Iterator[Difference]:
    """What the marker `differs` says, of every test that has it."""
    for test in _tests(tree):
        for mark in test.decorator_list:
            if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "differs":
                sides = {each.arg: ast.unparse(each.value) for each in mark.keywords}
                yield Difference(test.name, ast.literal_eval(mark.args[0]), **sides)  # type: ignore[arg-type]


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def _about(tree: ast.Module) -> str:
    return " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())


def _row(one: Difference) -> tuple[str, str, str, str]:
    sentence = one.test.removeprefix("test_").replace("_", " ")
    return sentence, f"`{one.real}`", f"`{one.sandbox}`", one.reason
