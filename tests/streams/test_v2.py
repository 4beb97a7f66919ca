"""The codec asks as the protocol says, and survives whatever is answered."""

import json

import pytest

from chaosctl.errors import Invalid
from chaosctl.streams.codecs import codec
from chaosctl.streams.corpus import Row
from chaosctl.streams.protocol import Answer, Head, NotAnAnswer

ROW = Row("r-1", (1.0, 2.5), 1)
V2 = codec("v2", "fraud model")


def parsed(content):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return V2.parse(Head(200, {}, len(body)), body, ROW)


def good(**more):
    outputs = [{"name": "probability", "data": [0.9]}, {"name": "label", "data": [1]}]
    return {"model_name": "m", "model_version": "7", "id": "r-1", "outputs": outputs, **more}


def test_a_request_is_an_inference_of_one_row():
    request = V2.request(ROW)
    assert (request.method, request.path) == ("POST", "/v2/models/fraud%20model/infer")
    tensor = {"name": "features", "datatype": "FP64", "shape": [1, 2], "data": [1.0, 2.5]}
    assert json.loads(request.body) == {"id": "r-1", "inputs": [tensor]}


def test_an_answer_has_version_and_label():
    assert parsed(good()) == Answer("7", 1)


def test_a_model_without_a_label_still_answers():
    assert parsed(good(outputs=[{"name": "scores", "data": [1, 2]}])).label is None


def test_a_version_that_could_hurt_a_terminal_is_made_plain_and_short():
    version = parsed(good(model_version="\x1b[31m" + "x" * 1000)).version
    assert version.isprintable()
    assert len(version) == 128


HOSTILE = {
    "invalid UTF-8": b'{"outputs": "\xff\xfe"}',
    "HTML": b"<html><script>alert(1)</script></html>",
    "nothing": b"",
    "nested beyond the parser": b"[" * 100_000,
    "a number too long to read": b"9" * 5000,
    "an array": [],
    "no outputs": {},
    "outputs that are an object": good(outputs={}),
    "another request's id": good(id="r-2"),
    "a numeric version": good(model_version=7),
    "a label in words": good(outputs=[{"name": "label", "data": ["yes"]}]),
    "a true label": good(outputs=[{"name": "label", "data": [True]}]),
    "two labels": good(outputs=[{"name": "label", "data": [0, 1]}]),
    "a label without data": good(outputs=[{"name": "label"}]),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_answer_is_a_typed_error(content):
    with pytest.raises(NotAnAnswer):
        parsed(content)


def test_an_unknown_protocol_is_refused_with_those_that_there_are():
    with pytest.raises(Invalid, match="no protocol 'grpc'; there are v2"):
        codec("grpc", "m")
