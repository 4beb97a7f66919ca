"""Why: a key that lies in a namespace must be worth one ledger and no more. So each ledger has its own.

All of them derive from the installation's key, which never leaves the place where the installation keeps it.
"""

import hmac

from chaosctl.model import Ref

FINGERPRINT = 16  # characters; enough to tell installations apart, and says nothing of the key


def key_of(where: Ref, installation: bytes) -> bytes:
    """The key of one ledger."""
    return _derived(f"ledger {where.namespace}/{where.name}", installation)


def fingerprint(installation: bytes) -> str:
    """By which runs and guardians of one installation know each other."""
    return _derived("fingerprint", installation).hex()[:FINGERPRINT]


def _derived(purpose: str, installation: bytes) -> bytes:
    return hmac.digest(installation, purpose.encode(), "sha256")
