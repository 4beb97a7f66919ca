"""Why: a verdict rests on statistics that stay valid however often one looks. Standard library only."""

from chaosctl.stats.eprocess import log_evidence_above, log_evidence_below, samples_needed, threshold
from chaosctl.stats.intervals import clopper_pearson

__all__ = ["clopper_pearson", "log_evidence_above", "log_evidence_below", "samples_needed", "threshold"]
