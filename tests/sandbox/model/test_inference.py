"""However a request is wrong, the answer is a reason and never an exception of a library."""

import json

import pytest

from chaosctl.sandbox.model.classifier import Classifier
from chaosctl.sandbox.model.inference import BadRequest, Model

MODEL = Model("breast-cancer", "stable", Classifier(-1.0, (1.0,) * 30), 0.5)


def request(shape=(1, 30), data=None, datatype="FP64", name="features", **more):
    data = [0.0] * 30 if data is None else data
    tensor = {"name": name, "datatype": datatype, "shape": list(shape), "data": data}
    return {"inputs": [tensor], **more}


def answer(content):
    return json.loads(MODEL.infer(json.dumps(content).encode()))


def outputs(content):
    return {output["name"]: output["data"] for output in answer(content)["outputs"]}


def test_an_answer_names_model_version_and_the_callers_id():
    got = answer(request(id="call-7"))
    assert (got["model_name"], got["model_version"], got["id"]) == ("breast-cancer", "stable", "call-7")


def test_an_answer_has_no_id_where_the_request_had_none():
    assert "id" not in answer(request())


def test_labels_follow_the_threshold():
    malignant = [0.1] * 30
    assert outputs(request(data=malignant))["label"] == [1]
    strict = MODEL._replace(threshold=0.99)
    assert b'"data":[0]' in strict.infer(json.dumps(request(data=malignant)).encode())


def test_rows_may_be_nested_or_flattened():
    rows = [[0.0] * 30, [0.1] * 30]
    nested = outputs(request(shape=(2, 30), data=rows))
    assert nested == outputs(request(shape=(2, 30), data=[*rows[0], *rows[1]]))
    assert nested["label"] == [0, 1]


def test_only_the_outputs_asked_for_are_given():
    assert list(outputs(request(outputs=[{"name": "label"}]))) == ["label"]


WRONG = {
    "not JSON": b"{",
    "not text": b"\xff\xfe\x00",
    "an array": b"[]",
    "nested beyond the parser": b"[" * 100_000,
    "NaN": json.dumps(request(data=[float("nan")] * 30)).encode(),
    "a number beyond floats": json.dumps(request(data=[10**400] + [0] * 29)).encode(),
    "infinite": json.dumps(request()).replace("0.0", "1e999").encode(),
    "a numeric id": request(id=7),
    "no inputs": {},
    "two inputs": {"inputs": request()["inputs"] * 2},
    "another name": request(name="x"),
    "another datatype": request(datatype="FP32"),
    "one axis": request(shape=(30,)),
    "29 columns": request(shape=(1, 29), data=[0.0] * 29),
    "no rows": request(shape=(0, 30), data=[]),
    "a boolean count": request(shape=(True, 30)),
    "fewer values than the shape": request(shape=(2, 30)),
    "more values than the shape": request(data=[0.0] * 31),
    "a ragged row": request(shape=(2, 30), data=[[0.0] * 30, [0.0]]),
    "text": request(data=["a"] * 30),
    "booleans": request(data=[True] * 30),
    "null": request(data=[None] * 30),
    "data that is no list": request(data={"a": 1}),
    "an unknown output": request(outputs=[{"name": "x"}]),
    "outputs that are no list": request(outputs="label"),
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_body_is_refused_with_a_reason(body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(BadRequest, match=r"\w+ must|has no|has one|does not|not valid"):
        MODEL.infer(raw)
