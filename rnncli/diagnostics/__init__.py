"""Diagnostics of trained networks: gradients, memory, gates, attention and permutation importance."""

from rnncli.diagnostics.measurements import Diagnostics, Measurement, measure, select_cutoffs

__all__ = ["Diagnostics", "Measurement", "measure", "select_cutoffs"]
