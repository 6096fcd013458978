"""Inputs of the pretrained network for each window: scaled steps, traits, simple forecasts and their errors.

NumPy only. All of it depends on the window alone: a change of units or of the batch changes no forecast.
"""

import math
from typing import NamedTuple

import numpy as np

from rnncli.model.pretrained.simple_forecasts import METHODS, Seasons, simple_forecasts, weighted_mean

ENCODED = 96  # newest steps that the recurrent layer reads
STEP_INPUTS, TRAITS, AHEAD_INPUTS = 7, 20, 4
CANDIDATES = 2 * len(METHODS)  # of the values, then of their logarithms
MAX_TESTED = 28  # newest steps that the simple forecasts are tested on
MAX_CANDIDATE = 200.0  # distance of a simple forecast from the centre, in scales
MAX_LOG_GROWTH = 1.5  # of the logarithm of a forecast beyond those of the window
MAX_SEASONS_AHEAD, MAX_AHEAD = 10.0, 5.0  # of the inputs of a step ahead


class WindowFeatures(NamedTuple):
    """Inputs of the network for B windows and H steps ahead, in scales of each window."""

    sequence: np.ndarray  # (B, ENCODED, STEP_INPUTS)
    traits: np.ndarray  # (B, TRAITS)
    errors: np.ndarray  # (B, K) of each simple forecast in the newest steps
    accuracy: np.ndarray  # (B, K) the smallest of these errors, relative to each
    candidates: np.ndarray  # (B, H, K) simple forecasts
    relative: np.ndarray  # (B, H, K) distances from their median, as area sines
    ahead: np.ndarray  # (B, H, AHEAD_INPUTS)
    centre: np.ndarray  # (B,) in units of the data
    scale: np.ndarray  # (B,) in units of the data


def window_features(past: np.ndarray, seasons: Seasons, steps: np.ndarray) -> WindowFeatures:
    """Return the inputs for windows (B, L), NaN where unknown, and steps ahead (H,). Each window has a value."""
    values, weights = filled(past, seasons.short)
    seen = weights.sum(axis=1)
    centre, scale, change = _scaling(values, weights, seen, seasons.short)
    scaled = (values - centre[:, None]) / scale[:, None] * weights
    positive = ((values > 0) | (weights == 0)).all(axis=1)
    logs = np.where(positive[:, None] & (weights > 0), np.log(np.where(values > 0, values, 1.0)), 0.0)
    window = _Window(scaled, logs, weights, positive, centre, scale)
    candidates, season, both = window.candidates(seasons, steps)
    tested = np.minimum(MAX_TESTED, np.minimum(seen // 3, 6 if seasons.short == 1 else max(8, 2 * seasons.short)))
    errors = _test_errors(window, seasons, tested.astype(np.int64).clip(min=1))
    can_test = seen >= 4
    errors = np.where(can_test[:, None], errors, 1.0)
    best = errors.min(axis=1, keepdims=True)
    traits = _traits(window, seasons, values, season, both, change, np.where(can_test, best[:, 0], 1.0))
    ahead = np.broadcast_to(_ahead(steps, seasons)[None], (len(past), len(steps), AHEAD_INPUTS - 1))
    share = np.minimum(steps[None, :] / seen[:, None], MAX_AHEAD)
    candidates = candidates.swapaxes(1, 2)
    return WindowFeatures(
        sequence=_sequence(window, past, seen, season, seasons.short).astype(np.float32),
        traits=traits.astype(np.float32),
        errors=np.arcsinh(errors).astype(np.float32),
        accuracy=((best + 1e-6) / (errors + 1e-6)).astype(np.float32),
        candidates=candidates.astype(np.float32),
        relative=np.arcsinh(candidates - np.median(candidates, axis=2, keepdims=True)).astype(np.float32),
        ahead=np.concatenate([ahead, share[..., None]], axis=2).astype(np.float32),
        centre=centre,
        scale=scale,
    )


def filled(past: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Return windows (B, L) with gaps filled, and weights (B, L) of 1 from the first value on.

    A gap gets the value of a season before it, or else the last value.
    """
    known = ~np.isnan(past)
    started = np.maximum.accumulate(known, axis=1)
    values = np.where(known, past, 0.0)
    if (known == started).all():
        return values, started.astype(np.float64)
    length = past.shape[1]
    newest = np.maximum.accumulate(np.where(known, np.arange(length), 0), axis=1)
    last = np.take_along_axis(values, newest, axis=1)
    if season == 1:
        return np.where(started, last, 0.0), started.astype(np.float64)
    for step in range(length):
        hole = started[:, step] & ~known[:, step]
        if hole.any():
            ago = step - season
            usable = started[:, ago] if ago >= 0 else np.zeros(len(past), bool)
            values[:, step] = np.where(hole, np.where(usable, values[:, max(ago, 0)], last[:, step]), values[:, step])
    return values, started.astype(np.float64)


def _scaling(
    values: np.ndarray, weights: np.ndarray, seen: np.ndarray, season: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return centre, scale and mean change (B,) of windows: the mean of the last season, the mean seasonal change."""
    change, seasonal = _mean_change(values, weights, 1), _mean_change(values, weights, season)
    scale = np.where((seen >= season + 3) & (seasonal > 0), seasonal, change)
    size = weighted_mean(np.abs(values), weights)
    scale = np.where(scale > 0, scale, np.where(size > 0, 0.1 * size, 1.0))
    span = max(season, 1)
    return weighted_mean(values[:, -span:], weights[:, -span:]), np.maximum(scale, 1e-9 * size), change


def _mean_change(values: np.ndarray, weights: np.ndarray, lag: int) -> np.ndarray:
    """Return the mean absolute change over a lag of windows (B, L): (B,), zero without a pair."""
    if lag >= values.shape[1]:
        return np.zeros(len(values))
    return weighted_mean(np.abs(values[:, lag:] - values[:, :-lag]), weights[:, lag:] * weights[:, :-lag])


class _Window(NamedTuple):
    scaled: np.ndarray  # (B, L) distance from the centre, in scales
    logs: np.ndarray  # (B, L) logarithms, zero if any value is not positive
    weights: np.ndarray  # (B, L)
    positive: np.ndarray  # (B,) whether all values are
    centre: np.ndarray  # (B,)
    scale: np.ndarray  # (B,)

    def candidates(self, seasons: Seasons, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the simple forecasts (B, K, H) of values and logarithms, and the seasons (B, m), (B, M) of values."""
        count = len(self.scaled)
        middle = weighted_mean(self.logs, self.weights)[:, None]
        centred = (self.logs - middle) * self.weights
        both = simple_forecasts(np.concatenate([self.scaled, centred]), np.tile(self.weights, (2, 1)), seasons, steps)
        values, logs = both.values[:count], both.values[count:]
        low, high = (limit[:, None, None] for limit in (centred.min(axis=1), centred.max(axis=1)))
        levels = np.exp(logs.clip(low - MAX_LOG_GROWTH, high + MAX_LOG_GROWTH) + middle[:, :, None])
        levels = (levels - self.centre[:, None, None]) / self.scale[:, None, None]
        candidates = np.concatenate([values, np.where(self.positive[:, None, None], levels, values)], axis=1)
        return candidates.clip(-MAX_CANDIDATE, MAX_CANDIDATE), both.season[:count], both.both[:count]

    def before(self, steps: np.ndarray) -> "_Window":
        """Return the windows without their newest steps (B,), moved so that they end together."""
        length = self.scaled.shape[1]
        source = np.arange(length) - steps[:, None]
        there = source >= 0
        scaled, logs, weights = (
            np.where(there, np.take_along_axis(part, source.clip(0), axis=1), 0.0)
            for part in (self.scaled, self.logs, self.weights)
        )
        return _Window(scaled, logs, weights, self.positive, self.centre, self.scale)


def _test_errors(window: _Window, seasons: Seasons, tested: np.ndarray) -> np.ndarray:
    """Return the mean error (B, K) of each simple forecast in the newest steps (B,) of the windows."""
    horizon = int(tested.max())
    steps = np.arange(1, horizon + 1)
    forecasts = window.before(tested).candidates(seasons, steps)[0]  # (B, K, H)
    length = window.scaled.shape[1]
    index = length - tested[:, None] + steps[None, :] - 1
    within = (steps[None, :] <= tested[:, None]) & (index < length)
    actual = np.take_along_axis(window.scaled, index.clip(0, length - 1), axis=1)
    errors = np.abs(forecasts - actual[:, None]) * within[:, None]
    return errors.sum(axis=2) / tested[:, None]


def _sequence(window: _Window, past: np.ndarray, seen: np.ndarray, season: np.ndarray, lag: int) -> np.ndarray:
    """Return the newest steps: value, adjusted value, changes, what is known, and the row number; zeros before."""
    scaled, weights, length = window.scaled, window.weights, window.scaled.shape[1]
    adjusted = (scaled - season[:, np.arange(-length, 0) % season.shape[1]]) * weights
    row = np.log1p((seen[:, None] - np.arange(length - 1, -1, -1)).clip(0)) / 4
    parts = [np.arcsinh(scaled), np.arcsinh(adjusted), _changes(scaled, weights, 1), _changes(scaled, weights, lag)]
    steps = np.stack([*parts, weights, (~np.isnan(past)).astype(np.float64), row], axis=2)[:, -ENCODED:]
    return np.pad(steps, ((0, 0), (ENCODED - steps.shape[1], 0), (0, 0)))


def _changes(scaled: np.ndarray, weights: np.ndarray, lag: int) -> np.ndarray:
    out = np.zeros_like(scaled)
    if lag < scaled.shape[1]:
        out[:, lag:] = np.arcsinh((scaled[:, lag:] - scaled[:, :-lag]) * weights[:, lag:] * weights[:, :-lag])
    return out


def _traits(
    window: _Window,
    seasons: Seasons,
    values: np.ndarray,
    season: np.ndarray,
    both: np.ndarray,
    change: np.ndarray,
    best: np.ndarray,
) -> np.ndarray:
    """Return what distinguishes windows as a whole: (B, TRAITS)."""
    scaled, weights, (short, long) = window.scaled, window.weights, seasons
    seen, ones = weights.sum(axis=1), np.ones(len(scaled))
    length = scaled.shape[1]
    variances = []
    for shape in (np.zeros((len(scaled), 1)), season, both):
        rest = scaled - shape[:, np.arange(-length, 0) % shape.shape[1]]
        variances.append(weighted_mean((rest - weighted_mean(rest, weights)[:, None]) ** 2, weights))
    size = weighted_mean(np.abs(values), weights)
    least = np.maximum(variances[0], 1e-9)
    return np.stack(
        [
            np.log(seen) / 4,
            np.log((seen / short).clip(max=30)) / 2,
            ones * math.log(short) / 4,
            ones * (short > 1),
            ones * (long > 1),
            np.log((seen / long).clip(max=30)) / 2 * (long > 1),
            np.arcsinh(window.centre / window.scale) / 4,
            np.arcsinh(size / window.scale) / 4,
            window.positive,
            weighted_mean((values == 0).astype(np.float64), weights),
            ((values == np.round(values)) | (weights == 0)).all(axis=1),
            ((values < 0) & (weights > 0)).any(axis=1),
            np.log1p((change / window.scale).clip(0, 50)),
            (variances[1] / least).clip(0, 2),
            (variances[2] / least).clip(0, 2),
            np.log1p(np.sqrt(variances[0])),
            np.arcsinh(scaled[:, -1]),
            seen >= 4,
            np.log1p(best),
            seen >= short + 3,
        ],
        axis=1,
    ).astype(np.float64)


def _ahead(steps: np.ndarray, seasons: Seasons) -> np.ndarray:
    """Return the inputs (H, AHEAD_INPUTS - 1) of steps ahead that are the same for all windows."""
    ratio = np.minimum(steps / seasons.short, MAX_SEASONS_AHEAD)
    return np.stack([np.log(steps) / 4, ratio, ((steps - 1) % seasons.short) / seasons.short], axis=1)
