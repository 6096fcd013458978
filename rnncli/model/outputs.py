"""Forecasts before calibration, a batch at a time."""

from typing import NamedTuple

import numpy as np

from rnncli.panel import Cutoffs


class OutputBatch(NamedTuple):
    """The forecasts of some cutoffs, and the windows that they were made from."""

    cutoffs: Cutoffs  # (N,)
    output: np.ndarray  # (N, H, K, 1 + P) point forecast and quantiles
    past: np.ndarray  # (N, L, K)
