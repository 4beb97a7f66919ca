"""Why: a Deployment gives a process arguments and environment variables; a bad one must say so at once."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chaosctl.traffic.proxy.orders import Place, place
from chaosctl.traffic.proxy.traffic import TRAFFIC, Traffic

ABOUT = """Pass requests, or any TCP connection, on to an address, and hurt them when told to.
Each option may come from a variable: CHAOSCTL_PROXY_LISTEN for --listen."""


class Settings(NamedTuple):
    """Where to listen, where to pass on to, and the fault to start with. Times are in seconds."""

    listen: Place
    upstream: Place
    admin: Place
    protocol: str
    fault: Any
    linger: float

    def traffic(self) -> Traffic[Any]:
        return TRAFFIC[self.protocol](self.upstream)


def protocol(text: str) -> str:
    if text not in TRAFFIC:
        raise ValueError(f"{text} is none of {', '.join(TRAFFIC)}")
    return text


OPTIONS: tuple[tuple[str, Callable[[str], Any], str | None, str], ...] = (
    ("listen", place, ":8080", "host:port to serve; without a host $POD_IP, else all addresses"),
    ("upstream", place, None, "host:port to pass on to"),
    ("admin", place, ":9901", "host:port that takes orders"),
    ("protocol", protocol, "http", "http, or tcp for everything else"),
    ("fault", json.loads, "{}", "a fault to start with, as JSON"),
    ("linger", float, "0.7", "seconds that it still serves after SIGTERM"),
)


def settings(given: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read arguments and environment. Exits with status 2 and a message where they make no sense."""
    parser = arguments(environment)
    chosen = Settings(**vars(parser.parse_args(given)))
    own = environment.get("POD_IP", "0.0.0.0")
    try:
        fault = chosen.traffic().board.read(chosen.fault)
    except ValueError as wrong:
        parser.error(f"argument --fault: {wrong}")
    return chosen._replace(
        fault=fault,
        listen=Place(chosen.listen.host or own, chosen.listen.port),
        admin=Place(chosen.admin.host or own, chosen.admin.port),
    )


def arguments(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """What may be given; what the environment gives is the default."""
    parser = argparse.ArgumentParser(prog="chaosctl proxy", description=ABOUT, formatter_class=_Help)
    for name, kind, default, about in OPTIONS:
        given = environment.get(f"CHAOSCTL_PROXY_{name.upper()}", default)
        parser.add_argument(f"--{name}", type=kind, default=given, required=given is None, help=about)
    return parser


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
