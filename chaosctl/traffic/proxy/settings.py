"""Why: a Deployment gives a process arguments and environment variables; a bad one must say so at once."""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from chaosctl.traffic.proxy.faults import Fault, order_from

ABOUT = """Pass requests on to an address, and make latency, errors and lost connections when told to.
Each option may come from a variable: CHAOSCTL_PROXY_LISTEN for --listen."""


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
    parser = argparse.ArgumentParser(prog="chaosctl proxy", description=ABOUT, formatter_class=_Help)
    for name, kind, default, about in (
        ("listen", place, ":8080", "host:port to serve; without a host $POD_IP, else all addresses"),
        ("upstream", place, None, "host:port to pass on to"),
        ("admin", place, ":9901", "host:port that takes orders"),
        ("fault", fault, "{}", "a fault to start with, as JSON"),
        ("linger", float, "0.7", "seconds that it still serves after SIGTERM"),
    ):
        given = environment.get(f"CHAOSCTL_PROXY_{name.upper()}", default)
        parser.add_argument(f"--{name}", type=kind, default=given, required=given is None, help=about)
    chosen = Settings(**vars(parser.parse_args(arguments)))
    own = environment.get("POD_IP", "0.0.0.0")
    return chosen._replace(
        listen=Place(chosen.listen.host or own, chosen.listen.port),
        admin=Place(chosen.admin.host or own, chosen.admin.port),
    )


class _Help(argparse.HelpFormatter):
    """Speaks as the other commands do."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, prefix or "Usage: ")
