"""Why: how often it looks and how sure it must be are one installation's choice, not one model's."""

from datetime import timedelta

from pydantic import Field

from chaosctl.model import Model

MANAGER = "chaosctl-watchdog"


class Settings(Model):
    """Where and how often the watchdog looks, and how often it may err.

    `namespaces`: "" is every one; `home` is that of its own Lease. `false_alarm` is the likelihood with
    which a revision that just meets an objective is ever blamed for it, `false_trust` the one with which
    a revision that misses it is certified. `instance` tells watchdogs apart.
    """

    namespaces: tuple[str, ...] = ("",)
    home: str = "chaosctl-system"
    every: timedelta = timedelta(seconds=1)
    renew_every: timedelta = timedelta(seconds=4)
    settle_within: timedelta = timedelta(seconds=10)
    false_alarm: float = Field(default=0.01, gt=0, lt=1)
    false_trust: float = Field(default=0.05, gt=0, lt=1)
    instance: str = MANAGER
