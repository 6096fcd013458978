"""Values around cutoffs. numpy only."""

from typing import NamedTuple

import numpy as np

from rnncli.panel.panel import Cutoffs, Panel


class WindowValues(NamedTuple):
    """Values on both sides of N cutoffs, NaN outside their series."""

    past: np.ndarray  # (N, L, K)
    future: np.ndarray  # (N, H, K)


def slice_windows(panel: Panel, cutoffs: Cutoffs, context: int, horizon: int) -> WindowValues:
    """Return the last `context` values before each cutoff and the first `horizon` values after it."""
    starts, ends = panel.offsets[cutoffs.series][:, None], panel.offsets[cutoffs.series + 1][:, None]
    rows = starts + cutoffs.rows[:, None] + np.arange(-context, horizon)
    values = panel.values[rows.clip(0, len(panel.values) - 1)]
    values[(rows < starts) | (rows >= ends)] = np.nan
    return WindowValues(values[:, :context], values[:, context:])
