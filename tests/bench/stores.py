"""How fast a journal takes events, each on disk before the next."""

import time
from datetime import UTC, datetime

from postgres import server

from bench.tools import home
from chaosctl.engine.events import Trouble
from chaosctl.store import Store

EVENTS = 500
GOAL = "≥ 200/s"


def appends():
    with home() as folder:
        yield f"appends to a journal, each durable, of {EVENTS}", f"{rate(folder / 'store.db'):.0f}/s", GOAL


def appends_on_a_server():
    with server(quick=False) as postgres:
        found = rate(postgres.url(postgres.database()))
        yield f"the same in PostgreSQL, on a server of this machine, of {EVENTS}", f"{found:.0f}/s", GOAL


def rate(place):
    """Appends a second."""
    with Store(place) as store, store.journal("bench") as journal:
        began = time.monotonic()
        for number in range(EVENTS):
            journal.append(Trouble(at=datetime.now(UTC), what="bench", why=str(number)))
        return EVENTS / (time.monotonic() - began)
