"""Convert between tables (DataFrames) and panels (arrays of aligned series). Does not import torch."""

from rnncli.panel.ingest.build import Expected, from_frame
from rnncli.panel.panel import Cutoffs, Forecast, Panel

__all__ = ["Cutoffs", "Expected", "Forecast", "Panel", "from_frame"]
