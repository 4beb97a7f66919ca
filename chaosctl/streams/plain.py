"""Why: not every model speaks a protocol of models; any URL can be asked, and its status is the answer."""

from collections.abc import Mapping

from chaosctl.streams.corpus import Row
from chaosctl.streams.protocol import Answer, Head, HttpRequest

DONE = Answer("", None)


class Plain:
    """The same request every time; every status below 300 is a good answer."""

    def __init__(self, path: str, method: str, headers: Mapping[str, str], body: bytes) -> None:
        self.asked = HttpRequest(method, path, tuple(headers.items()), body)

    def request(self, row: Row) -> HttpRequest:  # noqa: ARG002  whatever the row
        return self.asked

    def parse(self, head: Head, body: bytes, row: Row) -> Answer:  # noqa: ARG002  the status said it
        return DONE
