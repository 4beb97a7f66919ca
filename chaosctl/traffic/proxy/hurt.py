"""Why: what happens to the body of an answer is apart from how answers pass, which must stay quick."""

import asyncio
from functools import partial

from chaosctl.traffic.proxy.bodies import CHANGES
from chaosctl.traffic.proxy.faults import Harm, Requests
from chaosctl.traffic.proxy.messages import LAST_CHUNK, Head, Messages, chunk, response_bytes
from chaosctl.traffic.proxy.pace import step
from chaosctl.traffic.proxy.switchboard import outlast


class HurtBody:
    """One body on its way back, changed and slowed down."""

    def __init__(self, client: Messages, board: Requests, harm: Harm, switched: asyncio.Event) -> None:
        self.client = client
        self.board = board
        self.rate = harm.rate
        self.switched = switched
        self.slowed = False
        body = harm.body
        self.change = CHANGES[body.how](body, partial(board.count, "body")) if body else None

    def head(self, head: Head) -> Head:
        """The head that goes with it."""
        return self.change.head(head) if self.change else head

    async def pass_back(self, head: Head, upstream: Messages, *, close: bool) -> None:
        """Raises Lost."""
        await self.client.write(response_bytes(head, close=close))
        while isinstance(part := await upstream.next(), bytes):
            await self.trickle(self.change.piece(part) if self.change else part, chunked=head.chunked)
        await self.trickle(self.change.last() if self.change else b"", chunked=head.chunked)
        if head.chunked:
            await self.client.write(LAST_CHUNK)

    async def trickle(self, data: bytes, *, chunked: bool) -> None:
        while data:
            slow = self.rate > 0 and not self.switched.is_set()
            size = step(self.rate) if slow else len(data)
            piece, data = data[:size], data[size:]
            await self.client.write(chunk(piece) if chunked else piece)
            if slow:
                self.count()
                await outlast(self.switched, len(piece) / self.rate)

    def count(self) -> None:
        if not self.slowed:
            self.slowed = True
            self.board.count("slowBody")
