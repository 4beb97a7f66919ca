"""Why: probes that ask somebody else's endpoint must be tested without one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from chaosctl.errors import NoData


class Request(NamedTuple):
    """What was asked."""

    method: str
    url: str
    headers: Mapping[str, str]
    params: Mapping[str, str]


@dataclass
class FakeHttp:
    """Answers by URL: status and body. Whatever it does not know gives no answer."""

    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        self.requests.append(Request(method, url, headers or {}, params or {}))
        try:
            return self.answers[url]
        except KeyError:
            raise NoData(f"{method} {url}: no answer") from None
