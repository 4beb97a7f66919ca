"""Why: a Deployment gives a process arguments and environment variables; a bad one must say so at once."""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chaosctl.traffic.proxy.faults import Fault, order_from


class Place(NamedTuple):
    """A host and a port."""

    host: str
    port: int


class Settings(NamedTuple):
    """Where to listen, where to pass on to, and the fault to start with. Times are in seconds."""

    listen: Place
    upstream: Place
    admin: Place
    fault: Fault | None
    linger: float


def place(text: str) -> Place:
    """From `host:port`. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004  the largest port
        raise ValueError(f"{text} is not host:port")
    return Place(host.strip("[]"), int(port))


def fault(text: str) -> Fault | None:
    return order_from(json.loads(text))


def settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read arguments and environment. Exits with status 2 and a message where they make no sense."""
    parser = argparse.ArgumentParser(prog="python -m chaosctl.traffic.proxy", description="The fault proxy.")
    for name, kind, default in (
        ("listen", place, ":8080"),
        ("upstream", place, None),
        ("admin", place, ":9901"),
        ("fault", fault, "{}"),
        ("linger", float, "0.7"),
    ):
        given = environment.get(f"CHAOSCTL_PROXY_{name.upper()}", default)
        parser.add_argument(f"--{name}", type=kind, default=given, required=given is None)
    chosen = Settings(**vars(parser.parse_args(arguments)))
    own = environment.get("POD_IP", "0.0.0.0")
    return chosen._replace(
        listen=Place(chosen.listen.host or own, chosen.listen.port),
        admin=Place(chosen.admin.host or own, chosen.admin.port),
    )
