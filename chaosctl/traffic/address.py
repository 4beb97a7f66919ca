"""Why: people name a model's address as a URL, a Service as host:port; sockets want host, port and TLS."""

from typing import NamedTuple
from urllib.parse import urlsplit

from chaosctl.errors import Invalid

PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """Where to connect, and what to put before every path."""

    host: str
    port: int
    tls: bool = False
    prefix: str = ""

    @property
    def authority(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def address(text: str) -> Address:
    """From `host:port`, `http://host/prefix` or `https://…`. Raises Invalid."""
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        host, port = url.hostname or "", url.port
        host.encode("idna")  # what asyncio does with a name, and would fail at later
    except ValueError as wrong:
        raise Invalid(f"{text!r} is no address: {wrong}") from wrong
    if url.scheme not in PORTS or not host or url.username is not None:
        raise Invalid(f"{text!r} is no address: write host:port, or a URL with http or https and no password")
    if any(c.isspace() or not c.isprintable() for c in text):
        raise Invalid(f"{text!r} is no address: it has spaces or control characters")
    tls = url.scheme == "https"
    return Address(host, PORTS[url.scheme] if port is None else port, tls, url.path.rstrip("/"))
