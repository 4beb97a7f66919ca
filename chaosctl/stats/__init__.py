"""Why: a verdict rests on statistics that stay valid however often one looks. Standard library only."""

from chaosctl.stats.bets import Bets, Wealth, above, below, grown, more_needed
from chaosctl.stats.betting import log_evidence_mean_above, log_evidence_mean_below
from chaosctl.stats.bootstrap import bootstrap_interval
from chaosctl.stats.detector import alarm_level, idle, run_length_for, watched
from chaosctl.stats.eprocess import log_evidence_above, log_evidence_below, samples_needed, threshold
from chaosctl.stats.intervals import clopper_pearson
from chaosctl.stats.sequences import mean_sequence, rate_sequence
from chaosctl.stats.sign import (
    log_evidence_greater,
    log_evidence_percentile_beyond,
    log_evidence_percentile_within,
    share_above,
)

__all__ = [
    "Bets",
    "Wealth",
    "above",
    "alarm_level",
    "below",
    "bootstrap_interval",
    "clopper_pearson",
    "grown",
    "idle",
    "log_evidence_above",
    "log_evidence_below",
    "log_evidence_greater",
    "log_evidence_mean_above",
    "log_evidence_mean_below",
    "log_evidence_percentile_beyond",
    "log_evidence_percentile_within",
    "mean_sequence",
    "more_needed",
    "rate_sequence",
    "run_length_for",
    "samples_needed",
    "share_above",
    "threshold",
    "watched",
]
