"""How well a network is: how far back it reaches, what it keeps, and which parts of it do nothing. No printing."""

from rnncli.diagnostics.measurements import Diagnostics, Measurement, measure, select_cutoffs

__all__ = ["Diagnostics", "Measurement", "measure", "select_cutoffs"]
