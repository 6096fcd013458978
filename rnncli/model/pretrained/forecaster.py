"""Forecast the series of a panel with the pretrained network, as seen with one or several seasons. NumPy only."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnncli.model.pretrained.network import LEVELS, Weights
from rnncli.model.pretrained.simple_forecasts import Seasons
from rnncli.model.pretrained.window_forecasts import forecast_windows, memory
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.window_values import slice_windows

VALUES_AT_ONCE = 5_000_000  # of windows sliced at once


class View(NamedTuple):
    """Seasons that the network is told, and the weight of its forecasts with them."""

    seasons: Seasons
    weight: float


class PretrainedForecaster(NamedTuple):
    """The pretrained network with the seasons of a table."""

    members: tuple[Weights, ...]  # networks whose quantiles are averaged
    views: tuple[View, ...]

    @property
    def context(self) -> int:
        """Return the newest rows of a series that forecasts depend on."""
        return max(memory(view.seasons) for view in self.views)

    def quantiles(self, panel: Panel, cutoffs: Cutoffs, horizon: int) -> np.ndarray:
        """Return the quantiles (N, H, K, Q) at LEVELS after cutoffs; NaN where a series has no value before."""
        parts = [self.after(past, horizon) for _, past in self.windows(panel, cutoffs)]
        return np.concatenate([np.empty((0, horizon, panel.targets, len(LEVELS))), *parts])

    def windows(
        self, panel: Panel, cutoffs: Cutoffs, limit: int = VALUES_AT_ONCE
    ) -> Iterator[tuple[Cutoffs, np.ndarray]]:
        """Yield some cutoffs at a time, at most `limit`, with the values before them: (N, L, K)."""
        size = min(limit, max(1, VALUES_AT_ONCE // (self.context * panel.targets)))
        for start in range(0, len(cutoffs.rows), size):
            part = Cutoffs(cutoffs.series[start : start + size], cutoffs.rows[start : start + size])
            length = min(self.context, max(1, int(part.rows.max())))
            yield part, slice_windows(panel, part, length, 0).past

    def after(self, past: np.ndarray, horizon: int) -> np.ndarray:
        """Return the quantiles (N, H, K, Q) at LEVELS after windows (N, L, K)."""
        return self.mixed(self.by_view(past, horizon))

    def mixed(self, by_view: list[np.ndarray]) -> np.ndarray:
        """Return the mean of the forecasts (...) with each view by the weights of the views."""
        return np.average(by_view, axis=0, weights=[view.weight for view in self.views])

    def by_view(self, past: np.ndarray, horizon: int) -> list[np.ndarray]:
        """Return the quantiles (N, H, K, Q) with the seasons of each view after windows (N, L, K)."""
        count, length, targets = past.shape
        flat = past.transpose(0, 2, 1).reshape(count * targets, length)
        found = []
        for view in self.views:
            quantiles = forecast_windows(self.members, flat[:, -memory(view.seasons) :], view.seasons, horizon)
            found.append(quantiles.reshape(count, targets, horizon, -1).swapaxes(1, 2))
        return found
