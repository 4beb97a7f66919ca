"""Why: what holds of a store must hold wherever it lies, also when somebody changes it behind its back."""

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from postgres import Server


@dataclass(frozen=True)
class OnDisk:
    """A store in a file."""

    where: Path

    def edit(self, statement, *values):
        """How many rows it changed."""
        with closing(sqlite3.connect(self.where)) as connection, connection:
            return connection.execute(statement, values).rowcount

    def look(self, query):
        with closing(sqlite3.connect(self.where)) as connection:
            return connection.execute(query).fetchall()


@dataclass(frozen=True)
class OnServer:
    """A store in a database of a server."""

    where: str
    server: Server
    database: str

    def edit(self, statement, *values):
        return self.server.run(statement.replace("?", "%s"), *values, database=self.database, among=OURS)

    @contextmanager
    def held(self, statement):
        """A transaction of somebody else that goes on."""
        with self.server.connected(self.database, OURS) as connection, connection.transaction():
            connection.execute(statement)
            yield

    def look(self, query):
        return self.server.run(query, database=self.database, among=OURS)


# As somebody who may do anything: our tables without a prefix, and without foreign keys that are in the way.
OURS = "-c search_path=chaosctl -c session_replication_role=replica"
