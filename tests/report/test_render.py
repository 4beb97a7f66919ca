import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from report.journals import ENDINGS, at, passed, records, started

from chaosctl.engine import events
from chaosctl.report import Chain, compose, html, junit, markdown, svg

HOSTILE = (
    "</style></svg><script>alert(1)</script>\x1b[2J\x07\u202e|`"
    "[x](javascript:x)<img src=//e.x onerror=x>\n# {{7*7}}"
)
VOID = {"meta", "br", "img", "link", "hr", "input"}


class Outline(HTMLParser):
    """Checks that tags are closed in order, and notes every tag and attribute."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(page):
    parser = Outline()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture(scope="module")
def good():
    return compose(records(passed()))


@pytest.fixture(scope="module")
def hostile():
    """A run in which everything that others wrote is hostile."""
    some = passed()
    entry = started().script.entries[0].model_copy(update={"fault": {"kind": HOSTILE, "image": HOSTILE}})
    some[0] = started(
        playbook=HOSTILE, summary=HOSTILE, hypothesis=HOSTILE, parameters={HOSTILE: HOSTILE}, entries=(entry,)
    )
    noticed = at(events.Noticed, 38, by=HOSTILE, what=HOSTILE, when=some[0].at)
    cut = next(n for n, event in enumerate(some) if isinstance(event, events.Noticed))
    some[cut:cut] = [noticed, at(events.Trouble, 38, what=HOSTILE, why=HOSTILE)]
    return compose(records(some), Chain(HOSTILE, intact=False, fault=HOSTILE))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_page_is_whole_and_asks_for_nothing(ending):
    page = html(compose(records(ENDINGS[ending]())))
    found = outline(page)
    assert "script" not in found.tags
    assert not {"src", "href"} & {name for name, _ in found.attributes}
    assert "url(http" not in page
    assert "@import" not in page
    assert set(re.findall(r"https?://[^\"<\s]+", page)) <= {"http://www.w3.org/2000/svg"}


def test_what_others_wrote_cannot_break_a_page(hostile):
    found = outline(html(hostile))
    assert not {"script", "img"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]


def test_what_others_wrote_is_no_template(hostile):
    assert "49" not in hostile.header.playbook
    assert "{{7*7}}" in html(hostile)


def test_what_others_wrote_cannot_break_a_picture_or_a_junit_file(hostile):
    ET.fromstring(svg(hostile.figure))  # noqa: S314 - our own output
    tree = ET.fromstring(junit([hostile]))  # noqa: S314 - our own output
    assert tree[0].get("tests") == str(len(tree[0].findall("testcase")))


def test_what_others_wrote_cannot_break_markdown(hostile):
    page = markdown(hostile)
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"(?<!\\)\]\(", page)
    widths = {line.count("|") - line.count("\\|") for line in page.splitlines() if line.startswith("| ")}
    assert widths <= {3, 4, 6, 8}
    assert [line for line in page.splitlines() if line.startswith("# ")] == [page.splitlines()[0]]


def test_no_control_or_direction_character_reaches_any_format(hostile):
    for page in (html(hostile), markdown(hostile), svg(hostile.figure), junit([hostile])):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# a heading", r"\# a heading"),
        ("1. a list", r"1\. a list"),
        ("--- a rule", r"\--- a rule"),
        ("over_run and _emphasis_", r"over_run and \_emphasis\_"),
        ("a list [of] things", "a list [of] things"),
    ],
)
def test_markdowns_own_signs_are_escaped_and_nothing_else(text, shown):
    assert shown in markdown(compose(records([started(hypothesis=text)]))).splitlines()


def test_a_picture_has_a_title_a_description_and_patterns_for_grey(good):
    tree = ET.fromstring(svg(good.figure))  # noqa: S314 - our own output
    names = {element.tag.split("}")[1] for element in tree.iter()}
    assert {"title", "desc", "pattern"} <= names
    assert tree.get("role") == "img"
    text = "".join(tree.itertext())
    assert "restored" in text
    assert "rollback" in text


def test_marks_in_the_picture_stand_where_the_journal_says(good):
    noticed = next(lane for lane in good.figure.lanes if lane.label == "watchdog").marks[0]
    assert noticed.at == 37.5
    impact = next(mark for mark in good.figure.clocks if mark.label == "impact")
    assert impact.at == pytest.approx(22.1)


def test_readings_without_data_are_shown_as_such():
    assert "no data" in svg(compose(records(ENDINGS["inconclusive"]())).figure)


def test_what_people_wrote_is_kept_byte_for_byte(good):
    first = markdown(good)
    theirs = "- the alert was *muted*: <b>why?</b>\n\n  `kubectl` | {{ 7*7 }}\t\u00e9\n"
    start = first.index("-->\n", first.index("<!-- people: contributing-factors")) + 4
    end = first.index("<!-- end of people: contributing-factors")
    edited = first[:start] + theirs + first[end:]
    again = markdown(good, edited)
    assert again == edited
    assert markdown(good, again) == edited


def test_what_people_wrote_appears_in_the_page_and_blanks_stay_blank(good):
    blank = "> *For people to fill in.* Where did we get lucky?\n"
    edited = markdown(good).replace(blank, "Luck:\n\n<b>The cache was warm.</b>\n")
    page = html(good, edited)
    assert "&lt;b&gt;The cache was warm.&lt;/b&gt;" in page
    assert page.count("For people to fill in") == 2
    assert page.count("Written by people") == 1
    with_actions = edited.replace("| … | … | … | … | … |", "| mute less | ana | Friday | fix | rerun |")
    assert "mute less" in html(good, with_actions)


def test_a_place_that_nobody_knows_is_not_kept(good):
    assert "mine" not in markdown(good, "<!-- people: other -->\nmine\n<!-- end of people: other -->")
