"""Why: teams already measure what matters to them; a drill must be able to hold them to it."""

import json
import math
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from chaosctl.changes import look
from chaosctl.errors import NoData
from chaosctl.model import Level, Reading
from chaosctl.probes.headers import HeaderValue, Url, resolved
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import text

LONGEST_MESSAGE = 200


class Prometheus(Probe):
    """The value of a PromQL query: a scalar, or a vector of one element."""

    unit: ClassVar[str] = ""
    kind: Literal["prometheus"] = "prometheus"
    url: Url
    query: str = Field(min_length=1)
    headers: Mapping[str, HeaderValue] = {}

    async def read(self, view: View) -> Reading:
        url = self.url.rstrip("/") + "/api/v1/query"
        headers = await resolved(self.headers, view)
        status, body = await view.http.request("GET", url, headers=headers, params={"query": self.query})
        return Level(value=_number(_sample(status, body)), start=view.start, end=view.end)


def _sample(status: int, body: bytes) -> JsonValue:
    """The one value in an answer of the HTTP API, still as text."""
    try:
        answer: JsonValue = json.loads(body)
    except ValueError:
        raise NoData(f"Prometheus answered with status {status} and no JSON") from None
    if text(answer, "/status") != "success":
        raise NoData(f"Prometheus refused the query (status {status}): {_short(text(answer, '/error'))}")
    result, kind = look(answer, "/data/result"), text(answer, "/data/resultType")
    if kind == "scalar":
        return look(result, "/1")
    if kind != "vector" or not isinstance(result, list):
        raise NoData(f'the query gives a "{_short(kind)}", not a scalar or a vector')
    if len(result) != 1:
        raise NoData(
            f"the query gives {len(result)} series, one is needed" if result else "the query gives nothing"
        )
    return look(result, "/0/value/1")


def _number(value: JsonValue) -> float:
    try:
        number = float(str(value))
    except ValueError:
        raise NoData("the query gives no number") from None
    if not math.isfinite(number):
        raise NoData(f"the query gives {number}")
    return number


def _short(message: str) -> str:
    """What a foreign server said, cut and without what could control a terminal."""
    return "".join(character for character in message[:LONGEST_MESSAGE] if character.isprintable())
