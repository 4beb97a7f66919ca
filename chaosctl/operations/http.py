"""Why: probes ask other people's endpoints; one module knows the HTTP client and bounds what it takes."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

from chaosctl.errors import NoData

TIMEOUT = 10.0  # seconds
LARGEST = 1024 * 1024  # bytes of a body


class PlainHttp:
    """One request at a time, without redirects, with a limit on time and size."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and at most 1 MiB of the body. Raises NoData."""
        try:
            async with self._client.stream(method, url, headers=headers, params=params) as answer:
                return answer.status_code, await _body(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoData(f"{url.partition('?')[0]}: {type(error).__name__}") from None


async def _body(answer: httpx.Response) -> bytes:
    pieces = bytearray()
    async for piece in answer.aiter_bytes():
        pieces += piece
        if len(pieces) > LARGEST:
            break
    return bytes(pieces[:LARGEST])
