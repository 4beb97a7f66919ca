"""Why: Jinja is known here and nowhere else. Templates are sandboxed and everything foreign is escaped.

Three languages, three ways to escape: HTML and SVG escape markup; Markdown escapes markup and its own signs.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from chaosctl.report import axis, people, text
from chaosctl.report.document import Document, Evidence, Figure
from chaosctl.report.recap import harm_text
from chaosctl.report.words import short

SIGNS = re.compile(r"[\\`*|~]|(?<!\w)_|_(?!\w)|\](?=[(\[:])")
BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|ms|s|min|h)(?!\w))")
LEADING = re.compile(r"^(\d+)(?=[.)](?:\s|$))|^()(?=[#=]|--|[+-](?:\s|$))")


def html(document: Document, earlier: str = "") -> str:
    """One file that needs nothing else. `earlier` is a Markdown file in which people may have written."""
    drawn = Markup(svg(document.figure)) if document.figure else ""  # noqa: S704 - our own, escaped already
    return _render("postmortem.html", document, earlier, drawn=drawn)


def markdown(document: Document, earlier: str = "") -> str:
    """`earlier` is the same file as it was before: what people wrote in it is kept."""
    return _render("postmortem.md", document, earlier)


def svg(figure: Figure) -> str:
    """The swimlane, to stand alone or in a page."""
    return _environment(_seen).get_template("swimlane.svg").render(plot=axis.plot(figure), figure=figure)


def _render(template: str, document: Document, earlier: str, **more: Any) -> str:  # noqa: ANN401 - Jinja's own type
    finalize = _plain if template.endswith(".md") else _seen
    page = _environment(finalize).get_template(template)
    texts = people.written(earlier)
    return page.render(document=document, header=document.header, people=texts, **more)


@cache
def _environment(finalize: Callable[[object], object]) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("chaosctl.report"),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    helpers = (text.moment, text.time_of_day, text.count, text.percent, text.plural, text.seconds, harm_text)
    environment.filters |= {helper.__name__: helper for helper in (*helpers, ids, place, short)}
    environment.globals["questions"] = people.QUESTIONS
    return environment


def ids(evidence: Evidence) -> Markup:
    """The journal's rows: #3, #9 or #14 to #96 (41 rows)."""
    few = len(evidence) <= 3  # noqa: PLR2004 - as many as fit on a line
    rows = f"#{min(evidence, default=0)} to #{max(evidence, default=0)} ({text.count(len(evidence))} rows)"
    return Markup(", ".join(f"#{seq}" for seq in evidence) if few else rows)  # noqa: S704 - only numbers


def place(name: str, texts: Mapping[str, str]) -> Markup:
    """A place for people in Markdown: theirs, byte for byte."""
    return Markup(people.place(name, texts))  # noqa: S704 - people's own file


def _seen(value: object) -> object:
    """For HTML and SVG: Jinja escapes what this leaves. A number and its unit stay on one line."""
    if isinstance(value, Markup):
        return value
    return BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text.clean(str(value), limit=10_000))


def _plain(value: object) -> object:
    """For Markdown: neither markup nor Markdown's own signs."""
    if isinstance(value, Markup):
        return value
    line = str(escape(" ".join(text.clean(str(value)).split()))).replace("&#39;", "'").replace("&#34;", '"')
    return Markup(LEADING.sub(r"\1\\", SIGNS.sub(r"\\\g<0>", line)))  # noqa: S704 - escaped in this line
