"""Why: where no Argo and no Flagger is, somebody must undo a bad release, or a drill has nothing to prove.

The watchdog is a system under test. It sees with its own traffic, decides with its own checks, remembers in
its own journal, and shares none of a run's eyes.
"""

from chaosctl.watchdog.events import AnyEvent, parse_event
from chaosctl.watchdog.lease import LEASE
from chaosctl.watchdog.rules import CONFIG, Rules
from chaosctl.watchdog.settings import Settings
from chaosctl.watchdog.watchdog import LABEL, Watchdog

__all__ = ["CONFIG", "LABEL", "LEASE", "AnyEvent", "Rules", "Settings", "Watchdog", "parse_event"]
