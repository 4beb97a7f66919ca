"""Why: KServe, Triton and our sample model are spoken to in the Open Inference Protocol (V2), JSON over HTTP.

https://github.com/kserve/open-inference-protocol
"""

import json
from urllib.parse import quote

from chaosctl.streams.corpus import Row
from chaosctl.streams.protocol import Answer, Head, HttpRequest, NotAnAnswer

INPUT = "features"
VERSION_LIMIT = 128
HEADERS = (("content-type", "application/json"), ("accept", "application/json"))


class V2:
    """One row a request: input `features` FP64 [1, n], output `label` INT64 [1]."""

    def __init__(self, model: str) -> None:
        self.path = f"/v2/models/{quote(model, safe='')}/infer"

    def request(self, row: Row) -> HttpRequest:
        shape = [1, len(row.features)]
        tensor = {"name": INPUT, "datatype": "FP64", "shape": shape, "data": row.features}
        body = json.dumps({"id": row.id, "inputs": [tensor]}, separators=(",", ":"))
        return HttpRequest("POST", self.path, HEADERS, body.encode())

    def parse(self, head: Head, body: bytes, row: Row) -> Answer:  # noqa: ARG002  other protocols read it
        content = decode(body)
        if content.get("id", row.id) != row.id:
            raise NotAnAnswer("the answer has another request's id")
        version = content.get("model_version", "")
        if not isinstance(version, str):
            raise NotAnAnswer("model_version is not a string")
        return Answer(plain(version), label_of(content.get("outputs")))


def decode(body: bytes) -> dict[str, object]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAnAnswer("the body is not JSON") from None
    if not isinstance(content, dict):
        raise NotAnAnswer("the body is not a JSON object")
    return content


def plain(version: str) -> str:
    """Cut, and without what could command a terminal: it will be shown to people."""
    return "".join(c if c.isprintable() else "�" for c in version[:VERSION_LIMIT])


def label_of(outputs: object) -> int | None:
    """The one value of the output `label`; None where the model has no such output."""
    if not isinstance(outputs, list):
        raise NotAnAnswer("outputs is not a list")
    for output in outputs:
        match output:
            case {"name": "label", "data": [label]} if type(label) is int:
                return label
            case {"name": "label"}:
                raise NotAnAnswer("the label is not one whole number")
    return None
