"""Conformal calibration of quantile forecasts on validation windows. numpy only.

Conformal prediction (Vovk et al. 2005; Romano et al. 2019) by interval and step. Errors are measured in units of the
window's interval spread (Sesia and Candès 2020), so that corrections transfer between series of different volatility.
"""

import math
from typing import NamedTuple

import numpy as np

from rnncli.model import sample_paths
from rnncli.model.quantile_values import interpolate, normal_deviates

SPREAD = (0.1, 0.9)  # levels of the interval whose width is a window's spread
MIN_POOLED = 30  # least number of origins times neighbouring steps for a correction
PRIOR_ORIGINS = 10  # number at which half of a correction is applied: windows of one origin share shocks
MIN_SPREAD = 1e-280  # least divisor


class Calibration(NamedTuple):
    """Corrections estimated on windows that the networks were not trained on."""

    levels: np.ndarray  # (Q,) rising
    shifts: np.ndarray  # (H, K, Q) shift of each quantile, in units of the window's spread
    ranks: np.ndarray  # (R, H, K) normal ranks of observed futures in calibrated forecasts

    def apply(self, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return calibrated quantiles (N, H, K, P); levels: (P,) rising, including the calibrated ones.

        Quantiles between the calibrated levels are interpolated. Those outside keep their distance from the outermost,
        so that a quantile does not depend on the other levels.
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
        return _rising(inside, levels)  # rounding may have reversed neighbours

    def transferred(self, validated: np.ndarray, retrained: np.ndarray) -> "Calibration":
        """Return this calibration transferred to retrained networks, with the calibrated interval widths.

        Retrained networks are overconfident, and their errors on training rows cannot reveal it. validated, retrained:
        (N, H, K, Q) forecasts of both ensembles after the ends of series; the median shift over windows is used.
        """
        unit = interval_spread(retrained, self.levels)[..., None]
        missing = _from_median(self.apply(validated, self.levels)) - _from_median(retrained)
        units = np.where(unit > MIN_SPREAD, missing / np.where(unit > MIN_SPREAD, unit, 1.0), np.nan)
        known = np.isfinite(units).any(axis=0)
        typical = np.nanmedian(np.where(known, units, 0.0), axis=0)
        return self._replace(shifts=_as_stored(np.where(known, typical, self.shifts)))


def _as_stored(values: np.ndarray) -> np.ndarray:
    """Return values in the precision of a model file, so that a model forecasts the same before it is saved."""
    largest = np.finfo(np.float32).max
    return values.clip(-largest, largest).astype(np.float32).astype(np.float64)


def _from_median(quantiles: np.ndarray) -> np.ndarray:
    """Return quantiles (..., Q) minus the middle quantile."""
    return quantiles - quantiles[..., quantiles.shape[-1] // 2, None]


def _rising(quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return quantiles (..., P) sorted outwards from the median."""
    middle = int(np.searchsorted(levels, 0.5))
    above = np.maximum.accumulate(quantiles[..., middle:], axis=-1)
    below = np.minimum(quantiles[..., :middle], above[..., :1])
    return np.concatenate([np.minimum.accumulate(below[..., ::-1], axis=-1)[..., ::-1], above], axis=-1)


def fit_calibration(
    quantiles: np.ndarray, actual: np.ndarray, levels: np.ndarray, origins: np.ndarray, raw: np.ndarray | None = None
) -> Calibration | None:
    """Return the calibration from forecasts (V, H, K, Q) and actual values (V, H, K); None without known values.

    levels: (Q,) rising and symmetric around one half. origins: (V,) cutoffs of the windows. Both ends of an interval
    are shifted by the same distance, so that an error shared by all windows of an origin is not taken for a bias. The
    median is not shifted. raw: (V, H, K, Q) forecasts before rounding to counts, in which ranks differ that rounding
    makes equal.
    """
    spread = interval_spread(quantiles, levels)
    unit = np.where(spread > MIN_SPREAD, spread, np.nan)
    known = np.isfinite(actual / unit).any(axis=(1, 2))
    if not known.any():
        return None
    count = len(np.unique(origins[known]))
    horizon, targets = actual.shape[1:]
    shifts = np.zeros((horizon, targets, len(levels)))
    for index in range(len(levels) // 2):
        low, high = quantiles[..., index], quantiles[..., -1 - index]
        distances = np.maximum(low - actual, actual - high) / unit  # (V, H, K)
        widening = _widenings(distances, float(levels[-1 - index] - levels[index]), int(known.sum()), count)
        shifts[..., index], shifts[..., -1 - index] = -widening, widening
    calibration = Calibration(levels, _as_stored(shifts), np.empty((0, horizon, targets)))
    calibrated = calibration.apply(quantiles if raw is None else raw, levels)
    return calibration._replace(ranks=_as_stored(sample_paths.ranks(calibrated, actual, levels)))


def interval_spread(quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the width (...) of the 80 % interval of forecasts (..., Q)."""
    low, high = (int(np.abs(levels - level).argmin()) for level in SPREAD)
    return quantiles[..., high] - quantiles[..., low]


def _widenings(distances: np.ndarray, coverage: float, windows: int, origins: int) -> np.ndarray:
    """Return by how much (H, K) the ends of an interval must be moved outwards to attain a coverage.

    distances: (V, H, K) of the actual values outside the interval, negative inside; NaN where unknown.
    """
    horizon, targets = distances.shape[1:]
    widenings = np.zeros((horizon, targets))
    reach = min(horizon, math.ceil(MIN_POOLED / origins) // 2)
    needed = coverage * (1 + 1 / windows)  # finite-sample correction: the next window may be the worst
    for step in range(horizon):
        pooled = distances[:, max(0, step - reach) : step + reach + 1]
        for target in range(targets):
            values = pooled[:, :, target]
            values = values[np.isfinite(values)]
            if len(values):
                widenings[step, target] = np.quantile(values, min(needed, 1.0))
    if needed >= 1:  # too few windows to justify a narrower interval
        widenings = widenings.clip(min=0)
    return widenings * origins / (origins + PRIOR_ORIGINS)
