"""Convert between tables (Arrow) and panels (arrays of aligned series). Does not import torch."""

from rnncli.panel.ingest.build import Expected, from_table
from rnncli.panel.panel import Cutoffs, Forecast, Panel
from rnncli.panel.table import Table

__all__ = ["Cutoffs", "Expected", "Forecast", "Panel", "Table", "from_table"]
