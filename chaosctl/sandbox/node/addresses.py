"""Why: every pod, Service and node has an address of its own, and two sandboxes on a machine never share one.

A sandbox owns 127.N.0.0/16. It holds N by listening on one port of it, so the kernel gives N back
however the sandbox ends.
"""

import secrets
import socket
from typing import Self

CLAIM_PORT = 17127
_BLOCKS = range(1, 255)
_NODES, _PODS, _SERVICES = range(1), range(1, 192), range(192, 255)  # third octets
_EACH = 254


class AddressesExhausted(Exception):
    """Every address of the range is in use."""


class Pool:
    """A range of addresses. A freed one is used again last, so that it does not soon mean another pod."""

    def __init__(self, block: int, thirds: range) -> None:
        self._block, self._thirds = block, thirds
        self._used: set[str] = set()
        self._next = 0

    def take(self) -> str:
        """A free address. AddressesExhausted if there is none."""
        for _ in range(len(self._thirds) * _EACH):
            address = self._at(self._next)
            self._next = (self._next + 1) % (len(self._thirds) * _EACH)
            if self.reserve(address):
                return address
        raise AddressesExhausted(f"all addresses from {self._at(0)} on are in use")

    def reserve(self, address: str) -> bool:
        """Take a certain address; whether it was free."""
        free = address not in self._used
        self._used.add(address)
        return free

    def free(self, address: str) -> None:
        self._used.discard(address)

    def _at(self, number: int) -> str:
        return f"127.{self._block}.{self._thirds[number // _EACH]}.{number % _EACH + 1}"


class Addresses:
    """The sandbox's block of loopback addresses."""

    def __init__(self, block: int, claim: socket.socket) -> None:
        self._claim = claim
        self.nodes, self.pods, self.services = (Pool(block, thirds) for thirds in (_NODES, _PODS, _SERVICES))

    @classmethod
    def claim(cls) -> Self:
        """A block that no other sandbox holds. AddressesExhausted if there is none."""
        for block in secrets.SystemRandom().sample(_BLOCKS, len(_BLOCKS)):
            claim = socket.socket()
            try:
                claim.bind((f"127.{block}.0.254", CLAIM_PORT))
                claim.listen(1)
            except OSError:
                claim.close()
            else:
                return cls(block, claim)
        raise AddressesExhausted(f"other sandboxes hold all {len(_BLOCKS)} blocks of 127.0.0.0/8")

    def close(self) -> None:
        self._claim.close()
