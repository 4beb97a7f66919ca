"""Why: what people write is checked before a cluster sees it: lint, schema."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from chaosctl.cli.options import Output, OutputOption

Document = Literal["playbook", "drill"]


def add_to(app: typer.Typer) -> None:
    app.command()(lint)
    app.command()(schema)


def lint(
    files: Annotated[list[str], typer.Argument(help="Files, or names of shipped playbooks.")],
    output: OutputOption = Output.TEXT,
) -> None:
    """Check playbooks and drills. Exit code 2 with file, line and field for each error."""
    from chaosctl.operations.documents import as_json
    from chaosctl.operations.documents import lint as check

    problems = check(files)
    if output is Output.JSON:
        typer.echo(json.dumps([as_json(problem) for problem in problems], indent=2))
    for problem in problems if output is Output.TEXT else ():
        typer.echo(problem.render(), err=True)
    errors = sum(problem.severity == "error" for problem in problems)
    if output is Output.TEXT:
        _summary(len(files), errors, len(problems) - errors)
    raise typer.Exit(2 if errors else 0)


def _summary(files: int, errors: int, warnings: int) -> None:
    def count(number: int, noun: str) -> str:
        return f"{number} {noun}{'' if number == 1 else 's'}"

    text = f"{count(files, 'file')}: {count(errors, 'error')}, {count(warnings, 'warning')}"
    hint = ". Help: chaosctl schema playbook" if errors else ""
    typer.echo(text + hint, err=bool(errors))


def schema(
    document: Annotated[Document, typer.Argument(help="playbook or drill.")],
    out: Annotated[Path | None, typer.Option(help="Write it to a file.")] = None,
) -> None:
    """Print the JSON Schema of playbooks or drills, for editors and other tools."""
    from chaosctl.operations.documents import schema as of

    text = json.dumps(of(document), indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)
