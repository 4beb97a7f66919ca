"""Why: the fault proxy is a program of its own, in our image and for whoever wants one by hand."""

import typer

AS_IT_IS = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def add_to(app: typer.Typer) -> None:
    app.command(context_settings=AS_IT_IS)(proxy)


def proxy(context: typer.Context) -> None:
    """Pass requests, or any TCP connection, on to an address, and hurt them when told to."""
    from chaosctl.traffic.proxy.serve import run

    run(context.args)
