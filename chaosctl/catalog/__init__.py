"""Why: one value knows every kind, built in or plugged in, so that files can be read, checked and resolved."""

from chaosctl.catalog.files import find_playbook, library
from chaosctl.catalog.kinds import Catalog, catalog_of, installed
from chaosctl.catalog.loading import Bound, DrillFile, PlaybookFile, load, load_drill, load_playbook
from chaosctl.catalog.resolve import digest, resolve

__all__ = [
    "Bound",
    "Catalog",
    "DrillFile",
    "PlaybookFile",
    "catalog_of",
    "digest",
    "find_playbook",
    "installed",
    "library",
    "load",
    "load_drill",
    "load_playbook",
    "resolve",
]
