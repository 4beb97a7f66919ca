"""Why: some API servers, and what stands before them, end every watch at once, forget soon, and throttle.

`python -m e2e.fleeting --to URL --file F` is a proxy before an API server that does all three, and has no
answer to the first dry runs.
"""

import asyncio
from itertools import count
from random import Random

from crash.rough import Rough, cut, main, refusal

LASTS = 1.0  # seconds of a watch
GONE, BUSY, AWAY = 410, 429, 503
AWAY_FOR = 4  # dry runs
REFUSED = 1 / 3  # share of the writes


class Fleeting(Rough):
    """Watches last a second, and every second one is told that it asks too late; many writes must wait."""

    def __init__(self, origin, session):
        super().__init__(origin, session)
        self.watches, self.tries, self.random = count(), count(), Random(7)

    async def handle(self, request):
        if request.query.get("watch") == "true":
            return await self.watched(request)
        if "dryRun" in request.query and next(self.tries) < AWAY_FOR:
            return refusal(AWAY)
        if request.method != "GET" and self.random.random() < REFUSED:
            return refusal(BUSY)
        return await self.forward(request, "")

    async def watched(self, request):
        if next(self.watches) % 2:
            return refusal(GONE)
        try:
            return await asyncio.wait_for(self.forward(request, ""), LASTS)
        except TimeoutError:
            return cut(request)


if __name__ == "__main__":
    main(Fleeting)
