"""Why: what people write into a post-mortem must survive every time that we write it again, byte for byte.

Their places in the Markdown file stand between two comments that name them. Everything else is ours.
"""

import re
from collections.abc import Mapping

QUESTIONS: Mapping[str, str] = {
    "luck": "Where did we get lucky?",
    "contributing-factors": "What came together to make this possible? There is rarely a single cause.",
    "went-well": "What worked, and is worth keeping?",
    "actions": "Which proposals are taken on, by whom, until when? Which are declined, and why?",
}
BLANK = "*For people to fill in.*"
TABLE = """
| action | owner | due | type | retest, or why declined |
|---|---|---|---|---|
| … | … | … | … | … |
"""
_PLACE = re.compile(r"<!-- people: ([a-z-]+) -->\n(.*?)<!-- end of people: \1 -->", re.DOTALL)


def written(earlier: str) -> Mapping[str, str]:
    """What people wrote into an earlier Markdown file, by place. Untouched blanks are left out."""
    found = {name: text for name, text in _PLACE.findall(earlier) if name in QUESTIONS}
    return {name: text for name, text in found.items() if text != blank(name)}


def blank(name: str) -> str:
    """What stands in a place until somebody writes there."""
    question = f"> {BLANK} {QUESTIONS[name]}\n"
    return question + TABLE if name == "actions" else question


def place(name: str, texts: Mapping[str, str]) -> str:
    """A place for people in Markdown, with what they wrote before."""
    return f"<!-- people: {name} -->\n{texts.get(name, blank(name))}<!-- end of people: {name} -->"
