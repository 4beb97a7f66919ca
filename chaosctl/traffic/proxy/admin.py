"""Why: chaosctl must be able to ask what the proxy did, and to stop it, beside the traffic.

Bodies have at most 64 KiB. There is no password: the port is reached through the API server, whose RBAC
guards pods/proxy, and a fault ends at its deadline whoever sent it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chaosctl.traffic.proxy.messages import End, Head, Lost, Messages, fields
from chaosctl.traffic.proxy.relay import phrase
from chaosctl.traffic.proxy.switchboard import Switchboard
from chaosctl.traffic.proxy.tally import Tally

BODY_LIMIT = 64 * 1024

Reply = tuple[int, dict[str, object]]


class Admin:
    """Answers about, and orders to, one proxy."""

    def __init__(self, switchboard: Switchboard[Any], tally: Tally, drain: Callable[[], None]) -> None:
        self.drain = drain
        self.switchboard = switchboard
        self.tally = tally

    async def serve(self, client: Messages) -> None:
        """One connection, one request."""
        try:
            head = await client.next()
            assert isinstance(head, Head)  # noqa: S101  messages begin with one
            status, content = self.reply(head, await read_body(client))
            body = json.dumps(content).encode()
            headers = (
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            )
            await client.write(fields(f"HTTP/1.1 {status} {phrase(status)}".encode(), headers) + body)
        except Lost:
            pass  # whoever asked is gone; there is nobody to tell
        finally:
            client.close()

    def reply(self, head: Head, body: bytes) -> Reply:
        match head.start.partition(b"?")[0].split(b" "):
            case [b"GET", b"/healthz"]:
                return 200, {"ok": True}
            case [b"GET", b"/status"]:
                return 200, self.status()
            case [b"POST", b"/fault"]:
                return self.switch(body)
            case [b"POST", b"/drain"]:
                self.drain()
                return 200, self.status()
        return 404, {"error": "there are GET /healthz, GET /status, POST /fault, POST /drain"}

    def switch(self, body: bytes) -> Reply:
        try:
            self.switchboard.switch(self.switchboard.read(json.loads(body or b"{}")))
        except (ValueError, RecursionError) as wrong:
            return 400, {"error": str(wrong)}
        return 200, self.status()

    def status(self) -> dict[str, object]:
        """`passed` went upstream and back; `failed` did not, for another reason than our fault."""
        fault, left = self.switchboard.fault, self.switchboard.seconds_left()
        deadline = None if fault is None else datetime.fromtimestamp(fault.deadline, UTC).isoformat()
        return {
            "active": left > 0,
            "deadline": deadline,
            "secondsLeft": round(left, 3),
            "requests": self.tally.requests,
            "passed": self.tally.passed,
            "failed": self.tally.failed,
            "inFlight": self.tally.in_flight,
            "connections": self.tally.connections,
            "copiesLost": self.tally.copies_lost,
            "draining": self.tally.draining,
            "touched": dict(self.switchboard.touched),
        }


async def read_body(client: Messages) -> bytes:
    """Raises Lost, also where the body is too long."""
    body = bytearray()
    while not isinstance(part := await client.next(), End):
        if not isinstance(part, bytes) or len(body) + len(part) > BODY_LIMIT:
            raise Lost
        body += part
    return bytes(body)
