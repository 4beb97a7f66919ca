"""Why: which path answers what is decided without a socket, so that HTTP and inference can be read apart."""

import json
from typing import NamedTuple

from chaosctl.sandbox.model.inference import BadRequest, Model
from chaosctl.sandbox.model.metrics import Metrics

READ = ("GET", "HEAD")
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Answer(NamedTuple):
    """A response before it is written, and how many seconds later to write it."""

    status: int
    body: bytes
    content_type: str = "application/json"
    allow: str = ""
    delay: float = 0.0
    counted: bool = False


class Application:
    """The routes of the Open Inference Protocol for one model."""

    def __init__(self, model: Model, metrics: Metrics, delay: float = 0.0) -> None:
        self.model = model
        self.metrics = metrics
        self.delay = delay
        self.ready = True

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """The answer to one whole request; never raises."""
        match path.rstrip("/").split("/")[1:]:
            case ["metrics"]:
                return readable(method, Answer(200, self.metrics.text().encode(), PROMETHEUS))
            case ["v2"]:
                metadata = {"name": "chaosctl-sample-model", "version": self.model.version, "extensions": []}
                return readable(method, document(200, metadata))
            case ["v2", "health", "live"]:
                return readable(method, document(200, {"live": True}))
            case ["v2", "health", "ready"]:
                return readable(method, self.readiness())
            case ["v2", "models", name, *rest] if rest[:1] != ["versions"]:
                return self.of_model(method, name, self.model.version, rest, body)
            case ["v2", "models", name, "versions", version, *rest]:
                return self.of_model(method, name, version, rest, body)
        return error(404, "no such path")

    def of_model(self, method: str, name: str, version: str, rest: list[str], body: bytes) -> Answer:
        if (name, version) != (self.model.name, self.model.version):
            return error(404, f"this server has the model {self.model.name}, version {self.model.version}")
        match rest:
            case []:
                return readable(method, document(200, self.model.metadata()))
            case ["ready"]:
                return readable(method, self.readiness())
            case ["infer"] if method == "POST":
                return self.infer(body)
            case ["infer"]:
                return error(405, "inference is a POST")._replace(allow="POST")
        return error(404, "no such path")

    def readiness(self) -> Answer:
        return document(200 if self.ready else 503, {"ready": self.ready})

    def infer(self, body: bytes) -> Answer:
        try:
            answer = Answer(200, self.model.infer(body))
        except BadRequest as bad:
            answer = error(400, str(bad))
        return answer._replace(delay=self.delay, counted=True)


def readable(method: str, answer: Answer) -> Answer:
    if method in READ:
        return answer
    return error(405, f"{method[:20]} is not possible here")._replace(allow="GET, HEAD")


def document(status: int, content: object) -> Answer:
    return Answer(status, json.dumps(content, separators=(",", ":")).encode())


def error(status: int, message: str) -> Answer:
    return document(status, {"error": message})
