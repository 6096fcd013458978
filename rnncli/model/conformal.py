"""What validation windows teach about a forecast's quantiles: how far they were off, and how errors hang together.

Conformal prediction (Vovk et al. 2005; Romano et al. 2019), interval by interval and step by step: errors are taken in
units of the window's own spread (Sesia and Candès 2020), so that what was learned on a calm series fits a wild one.
Sample paths put the ranks that whole futures had in their forecasts into a new forecast, and so keep what goes together
along the horizon and between targets (Clark et al. 2004, the Schaake shuffle). numpy only.
"""

import math
from typing import NamedTuple

import numpy as np

from rnncli.model import sample_paths
from rnncli.model.quantile_values import interpolate, normal_deviates

SPREAD = (0.1, 0.9)  # levels between which a window's spread lies
MIN_POOLED = 30  # origins times neighbouring steps, at least, that a correction is taken from
PRIOR_ORIGINS = 10  # origins at which half of a correction is believed: windows of one origin share their shocks
MIN_SPREAD = 1e-280  # a spread that can be divided by


class Calibration(NamedTuple):
    """Corrections learned on windows that the networks never trained on."""

    levels: np.ndarray  # (Q,) rising
    shifts: np.ndarray  # (H, K, Q) what each quantile is moved by, in units of the window's spread
    ranks: np.ndarray  # (R, H, K) where what happened lay in corrected forecasts, as normal deviates

    def apply(self, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Quantiles (N, H, K, P) at levels (P,), rising, those that were learned at among them, moved as learned.

        Between these they lie on straight lines, and further out as far from the outermost as before: so that none
        depends on what else is asked for.
        """
        known = np.flatnonzero(np.isin(levels, self.levels))
        before = quantiles[..., known]
        moved = _rising(before + self.shifts * interval_spread(before, self.levels)[..., None], self.levels)
        inside = interpolate(
            moved,
            normal_deviates(self.levels),
            normal_deviates(levels.clip(self.levels[0], self.levels[-1])),
        )
        below, above = levels < self.levels[0], levels > self.levels[-1]
        inside[..., below] += quantiles[..., below] - before[..., :1]
        inside[..., above] += quantiles[..., above] - before[..., -1:]
        return _rising(inside, levels)  # but for rounding they are

    def transferred(self, own: np.ndarray, others: np.ndarray) -> "Calibration":
        """The same for other networks, whose quantiles then lie as far from their median as these do when corrected.

        Networks trained for longer, and on more rows, are surer of themselves than those that it was learned of, and
        what they err by on rows of their training tells nothing. own, others: (N, H, K, Q) what both say of the same
        windows, where neither knows what came; the typical one of them counts.
        """
        unit = interval_spread(others, self.levels)[..., None]
        lacking = _from_median(self.apply(own, self.levels)) - _from_median(others)
        units = np.where(unit > MIN_SPREAD, lacking / np.where(unit > MIN_SPREAD, unit, 1.0), np.nan)
        known = np.isfinite(units).any(axis=0)
        typical = np.nanmedian(np.where(known, units, 0.0), axis=0)
        return self._replace(shifts=np.where(known, typical, self.shifts))


def _from_median(quantiles: np.ndarray) -> np.ndarray:
    """How far quantiles (..., Q) lie above the one in their middle: (..., Q)."""
    return quantiles - quantiles[..., quantiles.shape[-1] // 2, None]


def _rising(quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles (..., P) none of which lies on the wrong side of one nearer to the median."""
    middle = int(np.searchsorted(levels, 0.5))
    above = np.maximum.accumulate(quantiles[..., middle:], axis=-1)
    below = np.minimum(quantiles[..., :middle], above[..., :1])
    return np.concatenate([np.minimum.accumulate(below[..., ::-1], axis=-1)[..., ::-1], above], axis=-1)


def fit_calibration(
    quantiles: np.ndarray, actual: np.ndarray, levels: np.ndarray, origins: np.ndarray, raw: np.ndarray | None = None
) -> Calibration | None:
    """From forecasts (V, H, K, Q) of windows with what happened (V, H, K), NaN where unknown; None without any.

    levels: (Q,) rising, as far above one half as below. Both ends of an interval are moved alike, so that an error all
    windows had in common, as those of one origin (V,) may, is not taken for one that will come again. The median stays.
    raw: (V, H, K, Q) the same before they were held to whole numbers, which tell ranks apart that these make equal.
    """
    spread = interval_spread(quantiles, levels)
    unit = np.where(spread > MIN_SPREAD, spread, np.nan)
    known = np.isfinite(actual / unit).any(axis=(1, 2))
    if not known.any():
        return None
    count = len(np.unique(origins[known]))
    horizon, targets = actual.shape[1:]
    shifts = np.zeros((horizon, targets, len(levels)))
    for place in range(len(levels) // 2):
        low, high = quantiles[..., place], quantiles[..., -1 - place]
        beyond = np.maximum(low - actual, actual - high) / unit  # (V, H, K)
        moved = _moves(beyond, float(levels[-1 - place] - levels[place]), int(known.sum()), count)
        shifts[..., place], shifts[..., -1 - place] = -moved, moved
    calibration = Calibration(levels, shifts, np.empty((0, horizon, targets)))
    finest = calibration.apply(quantiles if raw is None else raw, levels)
    return calibration._replace(ranks=sample_paths.ranks(finest, actual, levels))


def interval_spread(quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """How far the outer tenths of a forecast (..., Q) lie apart: (...)."""
    low, high = (int(np.abs(levels - level).argmin()) for level in SPREAD)
    return quantiles[..., high] - quantiles[..., low]


def _moves(beyond: np.ndarray, share: float, windows: int, origins: int) -> np.ndarray:
    """How far (H, K) the ends of an interval are to be moved outwards to hold a share of what happened.

    beyond: (V, H, K) how far outside of it values lay, below zero inside; NaN where unknown.
    """
    horizon, targets = beyond.shape[1:]
    moves = np.zeros((horizon, targets))
    reach = min(horizon, math.ceil(MIN_POOLED / origins) // 2)
    needed = share * (1 + 1 / windows)  # one window more than there are may be the worst of all
    for step in range(horizon):
        pooled = beyond[:, max(0, step - reach) : step + reach + 1]
        for target in range(targets):
            values = pooled[:, :, target]
            values = values[np.isfinite(values)]
            if len(values):
                moves[step, target] = np.quantile(values, min(needed, 1.0))
    if needed >= 1:  # too few windows to have met what is so rare: no reason to narrow anything
        moves = moves.clip(min=0)
    return moves * origins / (origins + PRIOR_ORIGINS)
