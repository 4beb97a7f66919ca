"""A small server to run in pods: starts in milliseconds, answers with its name, does what it is asked to.

`server.py ADDRESS PORT [VERSION]`. GET /fail: /healthz fails from then on. GET /exit: ends with code 3.
GET /hold: never answers. Environment: UNREADY=1 never becomes ready; STUBBORN=1 ignores SIGTERM.
"""

import os
import signal
import socket
import sys

address, port, version = sys.argv[1], int(sys.argv[2]), (sys.argv[3:] or ["v1"])[0]
if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
unready = bool(os.environ.get("UNREADY"))
failing = False
held = []
print(f"serving {version} on {address}", flush=True)  # noqa: T201  # its log
with socket.create_server((address, port)) as listener:
    while True:
        connection, _ = listener.accept()
        request = connection.recv(4096)
        if not request:
            connection.close()
            continue
        path = request.split(b" ")[1].decode()
        if path == "/exit":
            print("asked to exit", flush=True)  # noqa: T201  # its log
            sys.exit(3)
        if path == "/hold":
            held.append(connection)
            continue
        failing = failing or path == "/fail"
        bad = (path == "/healthz" and failing) or (path == "/ready" and unready)
        body = f"{version} {address}".encode()
        status = b"500 Bad" if bad else b"200 OK"
        head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        connection.sendall(head % (status, len(body)) + body)
        connection.close()
