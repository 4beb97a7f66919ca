"""What the documents tell people to send is understood."""

import json
import re
from pathlib import Path

import pytest

from chaosctl.traffic import proxy
from chaosctl.traffic.proxy.orders import Place
from chaosctl.traffic.proxy.traffic import TRAFFIC

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "run-the-proxy-by-hand.md"
BLOCKS = re.findall(r"(?m)^    \{(?:.*\n)+?(?=\n)", proxy.__doc__)
CURLS = re.findall(
    r"-d '(\{.*?)'\n", HOW_TO.read_text().replace("'$until'", "2050-01-01T00:00:00Z"), re.DOTALL
)


def understood(text):
    """The protocols whose proxies would take this order."""
    found = []
    for name, traffic in TRAFFIC.items():
        try:
            found.append((name, traffic(Place("h", 1)).board.read(json.loads(text))))
        except ValueError:
            continue
    return found


def test_there_are_examples():
    assert (len(BLOCKS), len(CURLS)) == (2, 8)


@pytest.mark.parametrize("text", [*BLOCKS, *CURLS])
def test_an_order_of_a_document_is_one_of_a_proxy(text):
    assert [fault for _, fault in understood(text) if fault or text == "{}"]


@pytest.mark.parametrize(("protocol", "text"), list(zip(TRAFFIC, BLOCKS, strict=True)))
def test_the_example_of_each_protocol_names_what_there_is(protocol, text):
    assert [name for name, _ in understood(text)] == [protocol]
