"""DataFrame to sequences and back: ids, clock, gaps. Column names end here. No torch, no paths."""

from rnncli.panel.build import Expected, from_frame
from rnncli.panel.sequences import Cutoffs, Panel

__all__ = ["Cutoffs", "Expected", "Panel", "from_frame"]
