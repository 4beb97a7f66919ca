"""Why: what happened must outlive the process that did it, and nobody may change it unseen afterwards.

A journal is a chain of rows in SQLite or PostgreSQL. Each row names the hash of the row before it, so that a
changed, removed or moved row is found. Readings, which are many, lie in columns and are sealed into the chain
by blocks.
"""

from chaosctl.store.bundle import SUFFIX
from chaosctl.store.bundle import verify as verify_bundle
from chaosctl.store.chain import Proof
from chaosctl.store.journal import RunJournal
from chaosctl.store.store import Record, Store
from chaosctl.store.summary import DONE, RunSummary

__all__ = ["DONE", "SUFFIX", "Proof", "Record", "RunJournal", "RunSummary", "Store", "verify_bundle"]
