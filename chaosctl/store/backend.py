"""Why: what SQLite and PostgreSQL do each in its own way is named here, and so is all of it."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, Insert, Table, event

from chaosctl.errors import StoreError


class Away(StoreError):
    """The database went away, or asks to try again; whether the last commit counts is not known."""


class Backend(Protocol):
    """One kind of database. `place` is for messages, `reading` and `writing` begin a transaction."""

    place: str
    engine: Engine
    reading: str
    writing: str

    def check(self) -> None:
        """Raise StoreError where what was opened is no longer what is there."""
        ...

    def prepare(self, connection: Connection) -> None:
        """Make an empty place ours, bring an older one up to date, refuse all others. Raises StoreError."""
        ...

    def unless_there(self, table: Table) -> Insert:
        """An insert that leaves a row alone that is there already."""
        ...

    def translated(self) -> AbstractContextManager[None]:
        """What the database complains about, as StoreError that says what to do; Away to try again."""
        ...


def backend_of(place: Path | str) -> Backend:
    """What keeps journals in a file, or where a `postgresql://` URL says. Raises StoreError."""
    if isinstance(place, Path):
        from chaosctl.store.sqlite import Sqlite  # noqa: PLC0415 - whoever needs one does not pay for both

        return Sqlite(place)
    from chaosctl.store.postgres import Postgres  # noqa: PLC0415 - its driver takes a tenth of our memory

    return Postgres(place)


def begin_as_told(engine: Engine) -> Engine:
    """Transactions begin with the statement that whoever opens one names as the option `begin`."""

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options()["begin"])

    event.listen(engine, "begin", begin)
    return engine
