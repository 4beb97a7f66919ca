"""Why: files are checked before anybody runs them: at a desk, in an editor, in a pipeline."""

from collections.abc import Sequence
from typing import Literal

from chaosctl.catalog import find_playbook, installed
from chaosctl.catalog.check import check_file
from chaosctl.catalog.schema import schema as json_schema
from chaosctl.model import Json
from chaosctl.spec.problems import Problem


def lint(names: Sequence[str]) -> list[Problem]:
    """Everything that is wrong with these files. Raises Invalid for a name that leads to no file."""
    catalog = installed()
    return [problem for name in names for problem in check_file(find_playbook(name), catalog)]


def as_json(problem: Problem) -> Json:
    """A problem for programs."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "field": problem.field,
        "severity": str(problem.severity),
        "message": problem.message,
        "hint": problem.hint,
    }


def schema(document: Literal["playbook", "drill"]) -> Json:
    """The JSON Schema of "playbook" or "drill"."""
    return json_schema(document, installed())
