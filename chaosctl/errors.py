"""Why: a caller must be able to tell our bug, the user's mistake and the cluster's refusal apart.

* ChaosError
  + Illegal           an event or a ledger move that the tables do not allow (a bug of ours)
  + Invalid           what the user wrote is wrong: what, where, what to do
  + CannotPlan        the target does not look as the fault needs it
  + NoData            a probe could not measure; never a pass
  + TooLate           the deadline passed, or the ledger is closed: nothing may be written
  + Busy              another run holds the target
  + StoreError        a journal could not be read or written
    - Fenced          another process took the journal over, and answers for its run
    - Unreadable      another version of chaosctl wrote what this one does not know
  + ClusterError      the Kubernetes API said no, or said nothing
    - Gone            404: the object does not exist (any more)
    - Conflict        409: somebody was faster, or the object is there already
    - Forbidden       401, 403: we may not
    - Refused         400, 422: not valid, or a `test` that failed
    - Held            429 to an eviction: a disruption budget says not now
    - Lost            no answer, 429 or 5xx: the write happened, or did not, or still will
      * Throttled     429 that says for how long: nothing happened
"""


class ChaosError(Exception):
    """Base of every error that a caller may want to catch."""


class Illegal(ChaosError):
    """An event or a ledger move that the tables do not allow."""


class Invalid(ChaosError):
    """What the user wrote is wrong. The message says what, where, and what to do."""


class CannotPlan(ChaosError):
    """The target does not look as the fault needs it."""


class NoData(ChaosError):
    """A probe could not measure."""


class TooLate(ChaosError):
    """The deadline passed, or the ledger is closed."""


class Busy(ChaosError):
    """Another run holds the target."""


class StoreError(ChaosError):
    """A journal could not be read or written: full, locked, gone or fenced."""


class Fenced(StoreError):
    """Another process took the journal over. Whoever hears this leaves the cluster alone, too."""


class Unreadable(StoreError):
    """Another version of chaosctl wrote the journal, and this one does not know what it says."""


class ClusterError(ChaosError):
    """The Kubernetes API said no, or said nothing."""


class Gone(ClusterError):
    """The object does not exist (any more)."""


class Conflict(ClusterError):
    """Somebody was faster, or the object is there already."""


class Forbidden(ClusterError):
    """We may not."""


class Refused(ClusterError):
    """Not valid, or a `test` that failed."""


class Held(ClusterError):
    """A disruption budget does not let the pod go for now; ask again later."""


class Lost(ClusterError):
    """No answer: the write happened, or did not, or still will."""


class Throttled(Lost):
    """The server was too busy, and did nothing; it wants to be asked again in `after` seconds."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after
