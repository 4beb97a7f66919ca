"""Why: how much a server can take, and how it answers then, is asked outside of drills, too."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from chaosctl.cli.options import Output, OutputOption

INCONCLUSIVE = 4


def add_to(app: typer.Typer) -> None:
    app.command()(load)


def load(
    url: Annotated[str, typer.Argument(help="http:// or https://, with its path.")] = "",
    users: Annotated[
        int | None,
        typer.Option("--connections", "-c", min=1, help="Closed loop: so many ask again and again."),
    ] = None,
    rate: Annotated[str, typer.Option(help="Open loop: so often, as 500/s, whatever becomes of it.")] = "",
    arrival: Annotated[
        str,
        typer.Option(help="Of --rate: poisson or constant; or all of it as JSON, as in a playbook."),
    ] = "poisson",
    duration: Annotated[str, typer.Option("--duration", "-d", help="As 30s or 5m.")] = "10s",
    requests: Annotated[
        int | None, typer.Option("--requests", "-n", min=1, help="End after so many.")
    ] = None,
    method: Annotated[str, typer.Option("--method", "-X", help="Of the request.")] = "",
    headers: Annotated[list[str] | None, typer.Option("--header", "-H", help="NAME: VALUE.")] = None,
    body: Annotated[str, typer.Option("--body", help="Its text, or @FILE.")] = "",
    protocol: Annotated[str, typer.Option(help="http: the URL as it is; v2: a model's inputs.")] = "http",
    model: Annotated[str, typer.Option(help="The model's name, in a protocol of models.")] = "",
    corpus: Annotated[Path | None, typer.Option(help="Inputs of the model, one JSON object a line.")] = None,
    answer_within: Annotated[str, typer.Option(help="Later answers count as failed.")] = "5s",
    max_in_flight: Annotated[int, typer.Option(min=1, help="Open loop: past it, requests drop.")] = 10_000,
    authorities: Annotated[Path | None, typer.Option("--ca", help="PEM of whom to trust.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=1000, help="Processes that share the load.")] = 1,
    seed: Annotated[int, typer.Option(help="Of everything that is random.")] = 0,
    output: OutputOption = Output.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the result.")] = False,
    worker: Annotated[bool, typer.Option("--worker", hidden=True)] = False,
) -> None:
    """Send requests to a server, and say how it answered. Exit code 4 where it is us who are slow."""
    import uvloop

    from chaosctl.cli.load_view import View, text
    from chaosctl.operations import load as loading

    if worker:
        uvloop.run(loading.work(sys.stdin.read()))
        return
    given = loading.ordered(
        {
            "url": url,
            "protocol": protocol,
            "model": model,
            "rows": loading.content(corpus),
            "ask": loading.asked(method, headers or [], body),
            **loading.loop(users, rate, arrival),
            "lasting": duration,
            "requests": requests,
            "answerWithin": answer_within,
            "maxInFlight": max_in_flight,
            "connections": max_in_flight,
            "authorities": loading.content(authorities),
            "seed": seed,
        }
    )
    view = View(quiet=quiet)
    loaded = uvloop.run(loading.run(given, workers, view.hear))
    view.end()
    typer.echo(json.dumps(loaded.body(), indent=2) if output is Output.JSON else text(loaded))
    raise typer.Exit(INCONCLUSIVE if loaded.invalid() else 0)
