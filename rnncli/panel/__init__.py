"""DataFrame to sequences and back: ids, clock, gaps. Column names end here. No torch, no paths."""

from rnncli.panel.ingest.build import Expected, from_frame
from rnncli.panel.panel import Cutoffs, Panel

__all__ = ["Cutoffs", "Expected", "Panel", "from_frame"]
