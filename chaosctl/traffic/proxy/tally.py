"""Why: whoever switches a fault on must know that the traffic passes, and that it did before."""


class Tally:
    """What a proxy did, over all connections. With TCP a request is a connection."""

    def __init__(self) -> None:
        self.requests = 0
        self.passed = 0
        self.failed = 0
        self.in_flight = 0
        self.connections = 0
        self.copies_lost = 0
        self.draining = False
