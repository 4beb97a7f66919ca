"""What the image of the tests runs on the sandbox: a web server that has one page, as on a cluster."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page(BaseHTTPRequestHandler):
    def do_GET(self):  # the library's name for it
        found = self.path.partition("?")[0] in {"/", "/index.html"}
        body = b"v1\n" if found else b"404 Not Found\n"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Page).serve_forever()
