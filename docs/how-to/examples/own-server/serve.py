#!/usr/bin/env python3
"""A model server of one's own: says 1 where the sum of the features is above a threshold."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ.get("VERSION", "one")
THRESHOLD = float(os.environ.get("THRESHOLD", "10"))


class Model(BaseHTTPRequestHandler):
    """The Open Inference Protocol (V2), as far as chaosctl asks for it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Ready at once: /v2/health/ready, /v2/health/live."""
        self._answer({})

    def do_POST(self) -> None:
        """/v2/models/NAME/infer: one row, one label."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        label = int(sum(asked["inputs"][0]["data"]) > THRESHOLD)
        output = {"name": "label", "datatype": "INT64", "shape": [1], "data": [label]}
        self._answer({"id": asked.get("id", ""), "model_version": VERSION, "outputs": [output]})

    def _answer(self, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], 8080), Model).serve_forever()
