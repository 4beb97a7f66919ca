"""Why: one value knows every kind, built in or plugged in, so that files can be read and resolved."""

from chaosctl.catalog.check import check_file
from chaosctl.catalog.files import find_playbook, library
from chaosctl.catalog.kinds import Catalog, catalog_of, installed
from chaosctl.catalog.lint import lint
from chaosctl.catalog.loading import Bound, DrillFile, PlaybookFile, load, load_drill, load_playbook
from chaosctl.catalog.resolve import digest, resolve, scripts_of
from chaosctl.catalog.schema import body_schema, schema

__all__ = [
    "Bound",
    "Catalog",
    "DrillFile",
    "PlaybookFile",
    "body_schema",
    "catalog_of",
    "check_file",
    "digest",
    "find_playbook",
    "installed",
    "library",
    "lint",
    "load",
    "load_drill",
    "load_playbook",
    "resolve",
    "schema",
    "scripts_of",
]
