"""Why: the protocol's rules are functions from bytes to bytes, so that any bad body can be tried quickly.

Open Inference Protocol (V2), JSON tensors: https://github.com/kserve/open-inference-protocol
"""

import json
from typing import NamedTuple, NoReturn

from chaosctl.sandbox.model.classifier import FEATURES, Classifier

INPUT = "features"
OUTPUTS = ("probability", "label")
DATATYPES = {"probability": "FP64", "label": "INT64"}
NUMBERS = frozenset((int, float))


class BadRequest(Exception):
    """The body does not follow the protocol or the model's metadata. The message says how."""


class Model(NamedTuple):
    """What is served: a name, a version, the weights and the decision threshold."""

    name: str
    version: str
    classifier: Classifier
    threshold: float

    def metadata(self) -> dict[str, object]:
        outputs = [{"name": name, "datatype": DATATYPES[name], "shape": [-1]} for name in OUTPUTS]
        return {
            "name": self.name,
            "versions": [self.version],
            "platform": "chaosctl-logistic-regression",
            "inputs": [{"name": INPUT, "datatype": "FP64", "shape": [-1, FEATURES]}],
            "outputs": outputs,
        }

    def infer(self, body: bytes) -> bytes:
        """Answer an inference request. Raises BadRequest."""
        request = decode(body)
        wanted = wanted_outputs(request)
        rows = features(request)
        try:
            probabilities = [self.classifier.probability(row) for row in rows]
        except (ValueError, OverflowError):
            raise BadRequest(f"data of {INPUT} must be finite numbers") from None
        answer: dict[str, object] = {"model_name": self.name, "model_version": self.version}
        if "id" in request:
            answer["id"] = request["id"]
        answer["outputs"] = [self.output(name, probabilities) for name in wanted]
        return json.dumps(answer, separators=(",", ":")).encode()

    def output(self, name: str, probabilities: list[float]) -> dict[str, object]:
        data: list[float] | list[int] = probabilities
        if name == "label":
            data = [int(probability >= self.threshold) for probability in probabilities]
        return {"name": name, "datatype": DATATYPES[name], "shape": [len(data)], "data": data}


def decode(body: bytes) -> dict[str, object]:
    """A request as a JSON object whose `id`, where there is one, is a string."""
    try:
        request = json.loads(body, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not valid JSON") from None
    if not isinstance(request, dict):
        raise BadRequest("the body must be a JSON object")
    if not isinstance(request.get("id", ""), str):
        raise BadRequest("id must be a string")
    return request


def refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def wanted_outputs(request: dict[str, object]) -> list[str]:
    """The names in `outputs`; all of the model's where the request names none."""
    outputs = request.get("outputs", [])
    if not isinstance(outputs, list):
        raise BadRequest("outputs must be a list")
    names = [output.get("name") if isinstance(output, dict) else None for output in outputs]
    if unknown := [name for name in names if name not in OUTPUTS]:
        raise BadRequest(
            f"the model has no output {json.dumps(unknown[0])[:100]}; it has {', '.join(OUTPUTS)}"
        )
    return [name for name in names if name in OUTPUTS] or list(OUTPUTS)


def features(request: dict[str, object]) -> list[list[float]]:
    """The rows of the one input tensor."""
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise BadRequest(f"inputs must be a list of one tensor, {INPUT}")
    tensor = inputs[0]
    if tensor.get("name") != INPUT:
        raise BadRequest(f"the model has one input, {INPUT}")
    if tensor.get("datatype") != "FP64":
        raise BadRequest(f"datatype of {INPUT} must be FP64")
    count = row_count(tensor.get("shape"))
    data = tensor.get("data")
    if not isinstance(data, list):
        raise BadRequest(f"data of {INPUT} must be a list")
    return rows_of(data, count)


def row_count(shape: object) -> int:
    match shape:
        case [int(count), columns] if count >= 1 and columns == FEATURES and type(count) is int:
            return count
    raise BadRequest(f"shape of {INPUT} must be [n, {FEATURES}] with n ≥ 1")


def rows_of(data: list[object], count: int) -> list[list[float]]:
    """Rows from nested or flattened data, as the protocol allows both."""
    nested = bool(data) and isinstance(data[0], list)
    rows = data if nested else [data[i : i + FEATURES] for i in range(0, len(data), FEATURES)]
    checked = [row for row in rows if isinstance(row, list) and len(row) == FEATURES]
    if len(checked) != count or len(rows) != count:
        raise BadRequest(f"data of {INPUT} does not have the {count} x {FEATURES} values of its shape")
    if any(not NUMBERS.issuperset(map(type, row)) for row in checked):
        raise BadRequest(f"data of {INPUT} must be finite numbers")
    return checked
