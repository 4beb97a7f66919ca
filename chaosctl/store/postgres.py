"""Why: several controllers share one store on a server. What is peculiar to PostgreSQL is here.

Our tables lie in a schema of their own, so the database may be shared. Whatever a session needs is said when
a transaction begins, so that a pooler between us and the server changes nothing.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import zip_longest

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from sqlalchemy import Column, Connection, Insert, Integer, MetaData, Table, create_engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from chaosctl.errors import StoreError
from chaosctl.store.backend import Away, begin_as_told
from chaosctl.store.schema import APPLICATION, VERSION, schema

OLDEST = 13
SCHEMA = "chaosctl"
THEIRS = f"count(*) FROM pg_class WHERE relnamespace = to_regnamespace('{SCHEMA}')"  # where we are not
PAUSED_S = 2  # a writer that sleeps amid a transaction may hold a journal for so long
LOCK_S = 4  # so long is a journal waited for
ANSWER_S = 6.0  # and so long any answer
PATIENCE = (
    f"SET LOCAL lock_timeout = '{LOCK_S}s'; SET LOCAL idle_in_transaction_session_timeout = '{PAUSED_S}s'"
)
# What was committed is on the server's disk, whatever its administrator prefers for others.
DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)
DEFAULTS = {
    "application_name": "chaosctl",
    "connect_timeout": "5",
    "target_session_attrs": "read-write",  # of several hosts, the primary
}
FORM = "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters percent-encoded (@ is %40)"
PASSING = ("08", "40", "57P", "25P03", "53300")  # connection, conflict, shutdown, our pause, too many clients
ADVICE = {
    "25006": "the database is read-only: name the primary server, or make the database writable",
    "3F000": "the schema chaosctl is gone: bring back a copy",
    "42501": f"the role may not: let it own the schema {SCHEMA}, or give it CREATE on the database",
    "42P01": "our tables are gone: bring back a copy",
    "53100": "the disk of the server is full: free some space there",
    "55P03": "another process holds the journal: wait for it, or look in pg_stat_activity and end it",
    "57014": "somebody cancelled the statement: try again",
    "XX001": "the database is damaged: bring back a copy",
    "XX002": "an index is damaged: REINDEX the database",
}

about = Table("about", MetaData(), Column("version", Integer, nullable=False))


class Impatient(psycopg.Connection[tuple[object, ...]]):
    """Gives a server up that does not answer: whoever waits for it has things to undo."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, timeout or ANSWER_S)
        except psycopg.OperationalError:
            if self.info.transaction_status is TransactionStatus.ACTIVE:
                self.close()  # the answer may still come, and would be taken for the next one's
            raise


class Postgres:
    """A schema in a database that several processes may use at once."""

    reading = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {PATIENCE}"
    writing = f"BEGIN; {PATIENCE}; {DURABLE}"

    def __init__(self, url: str) -> None:
        self._options = DEFAULTS | _parsed(url)
        self.place = _shown(self._options)
        engine = create_engine(
            "postgresql+psycopg://",  # without an address: no message of SQLAlchemy's can hold a password
            creator=self._connect,
            use_native_hstore=False,
            execution_options={"schema_translate_map": {None: SCHEMA}},
        )
        self.engine = begin_as_told(engine)

    def check(self) -> None:
        """A server that is another one has another schema; `prepare` and the chain tell."""

    def prepare(self, connection: Connection) -> None:
        """One of several processes at a time, so that the first one makes what the others find."""
        self._suits(connection)
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({APPLICATION})")
        if _shows(connection, f"to_regclass('{SCHEMA}.about')"):
            self._known(connection.execute(select(about.c.version)).scalar_one())
            return
        if int(_shows(connection, THEIRS)):
            raise StoreError(
                f"{self.place}: its schema {SCHEMA} belongs to another program: name another database"
            )
        if not _shows(connection, f"to_regnamespace('{SCHEMA}')"):
            connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        schema.create_all(connection)
        about.create(connection)
        connection.execute(insert(about).values(version=VERSION))

    def unless_there(self, table: Table) -> Insert:
        return insert(table).on_conflict_do_nothing()

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            kind = Away if _passes(error.orig) else StoreError
            raise kind(f"{self.place}: {self._advice(error.orig)}") from error
        except SQLAlchemyError as error:
            raise StoreError(f"{self.place}: {error}: check the server") from error

    def _connect(self) -> Impatient:
        place = make_conninfo("", **self._options)
        return Impatient.connect(place, autocommit=True, prepare_threshold=None)

    def _suits(self, connection: Connection) -> None:
        """Whether the server can keep journals at all."""
        if int(_shows(connection, "current_setting('server_version_num')")) < OLDEST * 10_000:
            have = _shows(connection, "current_setting('server_version')")
            raise StoreError(f"{self.place}: PostgreSQL {have} is too old: {OLDEST} is needed, or newer")
        if (encoding := _shows(connection, "current_setting('server_encoding')")) != "UTF8":
            raise StoreError(
                f"{self.place}: the database is in {encoding}: "
                "create one with ENCODING 'UTF8' TEMPLATE template0"
            )

    def _known(self, version: int) -> None:
        if version != VERSION:
            raise StoreError(
                f"{self.place} was made by another version of chaosctl: use that one to read it "
                f"(the store has version {version}, this chaosctl knows {VERSION})"
            )

    def _advice(self, error: BaseException | None) -> str:
        if advice := ADVICE.get(getattr(error, "sqlstate", "") or ""):
            return advice
        said = " ".join(str(error).split())
        password = self._options.get("password")
        said = said.replace(password, "…") if password else said
        return f"{said}: check CHAOSCTL_STORE, and whether the server is up"


def _parsed(url: str) -> dict[str, str]:
    """What libpq makes of a URL. Errors are our own: libpq's repeat parts of it, and so of the password."""
    authority, *rest = re.split("[/?]", url.partition("://")[2], maxsplit=1)
    whole = url.startswith(("postgresql://", "postgres://")) and authority.count("@") <= 1
    if not whole or any("@" in part for part in rest):
        raise StoreError(f"CHAOSCTL_STORE is neither a path nor a URL of PostgreSQL: {FORM}")
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        raise StoreError(f"CHAOSCTL_STORE is a URL that PostgreSQL cannot read: {FORM}") from None


def _shown(options: Mapping[str, str]) -> str:
    """Where it is, for messages: never who we are there."""
    hosts, ports = (options.get(name, "").split(",") for name in ("host", "port"))
    both = zip_longest(hosts, ports, fillvalue=ports[0] if len(ports) == 1 else "")
    where = ",".join(f"{host}:{port}" if port else host for host, port in both)
    return f"postgresql://{where}/{options.get('dbname', '')}"


def _passes(error: BaseException | None) -> bool:
    """Whether it may be over in a moment. Errors of the connection itself have no state."""
    state = getattr(error, "sqlstate", None)
    return state.startswith(PASSING) if state else isinstance(error, psycopg.OperationalError)


def _shows(connection: Connection, what: str) -> str:
    found = connection.exec_driver_sql(f"SELECT {what}").scalar_one()
    return "" if found is None else str(found)
