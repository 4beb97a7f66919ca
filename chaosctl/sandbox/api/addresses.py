"""Why: every Service needs an address of its own on loopback, also where no node hands them out."""

from collections.abc import Callable
from ipaddress import IPv4Network
from itertools import islice

SERVICE_NETWORK = IPv4Network("127.96.0.0/12")


def address_counter(network: IPv4Network = SERVICE_NETWORK) -> Callable[[], str]:
    """A function that gives the next address of a network each time."""
    addresses = islice(network.hosts(), 9, None)  # the first few are left to the cluster itself
    return lambda: str(next(addresses))
