"""Why: a connection breaks where it likes, and once it broke nobody knows what the server had done."""

import contextlib
import socket
import threading
from contextlib import contextmanager

COMMIT = b"COMMIT"
WITHIN = 30


class Wire:
    """Between a store and its server; counts what the store says, and breaks or stalls when told."""

    def __init__(self, port):
        self._server = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._sockets = []
        self._moment, self._until = "", 0
        self.said = 0
        self._holds = False
        self.held, self.release = threading.Event(), threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self):
        return self._listening.getsockname()[1]

    def cut(self, moment, number):
        """Break at the next message of this number: `before` the server gets it, or `after` it has answered.

        Or fall `silent`: the server gets it, and nothing that it answers comes back any more.
        """
        self._moment, self._until = moment, self.said + number

    def hold_commit(self):
        """Keep the next COMMIT back until `release` is set."""
        self._holds = True

    def close(self):
        self.release.set()
        for one in (self._listening, *self._sockets):
            shut(one)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                self._sockets += [client, server]
                threading.Thread(target=self._relay, args=(client, server), daemon=True).start()

    def _relay(self, client, server):
        """Messages to the server; its answers come back in a thread of their own."""
        deaf, answered = threading.Event(), threading.Event()
        back = threading.Thread(target=answers, args=(server, client, deaf, answered), daemon=True)
        back.start()
        while message := received(client):
            self.said += 1
            breaks = self._moment if self.said == self._until else ""
            if COMMIT in message and self._holds:
                self._holds = False
                self.held.set()
                self.release.wait(WITHIN)
            if breaks == "before":
                break
            if breaks:
                deaf.set()
            if not sent(server, message) or (breaks == "after" and answered.wait(WITHIN)):
                break
        shut(client)
        shut(server)


def answers(server, client, deaf, answered):
    while message := received(server):
        if deaf.is_set():  # the server has done it, and the store never hears so
            answered.set()
        elif not sent(client, message):
            break
    shut(client)


def received(one):
    try:
        return one.recv(65536)
    except OSError:
        return b""


def sent(one, message):
    try:
        one.sendall(message)
    except OSError:
        return False
    return True


def shut(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def wire(port):
    made = Wire(port)
    try:
        yield made
    finally:
        made.close()
