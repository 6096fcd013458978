"""DataFrame to sequences and back: ids, clock, gaps. Column names end here. No torch, no paths."""

from rnncli.panel.build import from_frame
from rnncli.panel.sequences import Cutoffs, Panel

__all__ = ["Cutoffs", "Panel", "from_frame"]
