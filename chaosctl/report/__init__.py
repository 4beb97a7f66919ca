"""Why: people learn from what they can read and trust. A run's journal becomes one document, in many formats.

`compose` makes the document from a journal's events; the other functions show it.
"""

from chaosctl.report.compose import compose
from chaosctl.report.data import data
from chaosctl.report.document import Chain, Document
from chaosctl.report.history import Record, read
from chaosctl.report.junit import junit
from chaosctl.report.render import html, markdown, svg

__all__ = ["Chain", "Document", "Record", "compose", "data", "html", "junit", "markdown", "read", "svg"]
