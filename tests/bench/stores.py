"""How fast a journal takes events, each on disk before the next."""

import time
from datetime import UTC, datetime

from bench.tools import home
from chaosctl.engine.events import Trouble
from chaosctl.store import Store

EVENTS = 500


def appends():
    with home() as folder, Store(folder / "store.db") as store, store.journal("bench") as journal:
        began = time.monotonic()
        for number in range(EVENTS):
            journal.append(Trouble(at=datetime.now(UTC), what="bench", why=str(number)))
        rate = EVENTS / (time.monotonic() - began)
    yield f"appends to a journal, each durable, of {EVENTS}", f"{rate:.0f}/s", "≥ 200/s"
