"""Why: a pipeline shows a drill's verdict among its tests, so each check is one test case there.

A check that could not be decided is an error, not a failure: nothing was refuted, something was not shown.
"""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from chaosctl.report.document import CheckRow, Document
from chaosctl.report.text import clean

GOOD = "passed"


def junit(documents: Iterable[Document]) -> str:
    """One suite a run."""
    suites = Element("testsuites", name="chaosctl")
    for document in documents:
        _suite(suites, document)
    indent(suites)
    return tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _suite(suites: Element, document: Document) -> None:
    header = document.header
    lasted = (header.ended - header.started).total_seconds() if header.ended else 0.0
    suite = SubElement(suites, "testsuite", name=clean(f"{header.playbook} on {header.target}"))
    suite.attrib |= {
        "id": clean(header.run),
        "time": f"{lasted:.3f}",
        "timestamp": header.started.isoformat(),
    }
    for row in document.checks:
        _case(suite, document, row)
    _verdict(suite, document)
    for kind, tag in (("tests", "testcase"), ("failures", "testcase/failure"), ("errors", "testcase/error")):
        suite.set(kind, str(len(suite.findall(tag))))


def _case(suite: Element, document: Document, row: CheckRow) -> None:
    case = SubElement(suite, "testcase", name=clean(row.name), classname=_class(document))
    if row.verdict != GOOD:
        tag = "failure" if row.verdict == "failed" else "error"
        message = clean(f"expected {row.expected}, observed {row.observed} ({row.samples} samples)")
        SubElement(case, tag, message=message, type=row.verdict)


def _verdict(suite: Element, document: Document) -> None:
    """The run itself: what no single check says, such as a stop, a refusal or an incomplete revert."""
    header = document.header
    case = SubElement(suite, "testcase", name="verdict", classname=_class(document))
    if header.exit_code:
        tag = "failure" if header.result == "failed" else "error"
        message = clean("; ".join([header.result, header.reverted, *header.why]))
        SubElement(case, tag, message=message, type=header.result)
    elif header.exit_code is None:
        SubElement(case, "error", message="the journal ends before the run did", type=header.result)


def _class(document: Document) -> str:
    return clean(f"chaosctl.{document.header.playbook}")
