"""A forecast for each step as it completes, and how odd that step was. Knows nothing of where rows come from.

Of the past it keeps what the networks look back on, and of each series its newest forecast: as much for a day as for
a year.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import torch

from rnncli.config.metrics import PointName
from rnncli.model import forecast_state, sample_paths
from rnncli.model.forecast_state import ForecastState
from rnncli.model.model import Model
from rnncli.network import quantile_head
from rnncli.panel import Cutoffs, Panel, history
from rnncli.panel.history import Appended
from rnncli.panel.panel import Forecast


class OnlineForecast(NamedTuple):
    """What follows from some new rows."""

    panel: Panel
    places: Cutoffs  # (N,) one behind each step that completed
    forecast: Forecast | None  # none without such steps
    anomaly: np.ndarray  # (N, K) 0: in the middle of its forecast, 1: outside of it; NaN where there was none
    merged: Appended | None  # what became of the rows; none of the first ones


class OnlineForecaster:
    """Goes along with series as they grow."""

    def __init__(
        self,
        model: Model,
        levels: np.ndarray,
        device: torch.device,
        point: PointName | None,
        kept: ForecastState | None,
    ) -> None:
        """levels: (P,) quantiles that are asked for; kept: what earlier runs left."""
        self.model, self.levels, self.device, self.point = model, levels, device, point
        self.needed = np.union1d(levels, quantile_head.LEVELS)
        self.state = kept
        self._newest: dict[str, tuple[int, np.ndarray]] = {}  # id to the step that its forecast (H, K, Q) begins at

    def take(self, rows: Panel) -> OnlineForecast:
        """The forecasts behind each step that rows complete: none where they are all late or seen before.

        Raises DataError where the rows do not go on from those before.
        """
        context, before = self.model.card.context, self.state
        if before is not None:
            kept, rows = history.with_ids_of_one_type(before.panel, rows)
            before = before._replace(panel=kept)
        merged = before and history.append_rows(before.panel, rows, before.steps + int(rows.lengths.max()))
        panel = merged.panel if merged else rows
        places = _completed(panel, rows, before.panel if before else None)
        self.model.check(panel)
        self.state = before.after(merged) if before and merged else forecast_state.initial_state(rows, context)
        if not len(places.rows):
            return OnlineForecast(panel, places, None, np.empty((0, panel.targets)), merged)
        whole = self.model.forecast(panel, places, self.needed, self.device, self.point)
        trained = whole.quantiles[..., np.isin(self.needed, quantile_head.LEVELS)]
        anomaly = self._judge(panel, places, trained)
        asked = Forecast(whole.point, whole.quantiles[..., np.isin(self.needed, self.levels)])
        return OnlineForecast(panel, places, asked, anomaly, merged)

    def _judge(self, panel: Panel, places: Cutoffs, quantiles: np.ndarray) -> np.ndarray:
        """How odd (N, K) each step was in the forecast made before it; the newest forecasts (N, H, K, Q) are kept."""
        horizon = quantiles.shape[1]
        said = np.full((len(places.rows), *quantiles.shape[2:]), np.nan)
        steps = panel.firsts[places.series] + places.rows  # each forecast's first
        for place, (series, step) in enumerate(zip(places.series, steps, strict=True)):
            name = str(panel.ids[series])  # which may be a number until a series comes whose name is none
            begins, forecast = self._newest.get(name, (step, quantiles[place]))
            if 0 <= step - 1 - begins < horizon:
                said[place] = forecast[step - 1 - begins]
            self._newest[name] = int(step), quantiles[place]
        actual = panel.values[panel.offsets[places.series] + places.rows - 1]  # (N, K)
        deviates = sample_paths.normal_ranks(actual, said, np.array(quantile_head.LEVELS))
        share = np.vectorize(NormalDist().cdf, otypes=[float])(deviates)
        return np.where(np.isnan(actual) | np.isnan(said).any(axis=-1), np.nan, np.abs(2 * share - 1))


def _completed(panel: Panel, rows: Panel, before: Panel | None) -> Cutoffs:
    """Behind each row that is newer than all of its series before."""
    number = np.searchsorted(panel.ids, rows.ids)
    reached = np.full(len(panel.ids), np.iinfo(np.int64).min)
    if before is not None:
        reached[np.searchsorted(panel.ids, before.ids)] = before.firsts + before.lengths
    series = np.repeat(number, rows.lengths)
    steps = np.repeat(rows.firsts, rows.lengths) + np.arange(len(series)) - np.repeat(rows.offsets[:-1], rows.lengths)
    new = (steps >= reached[series]) & ~np.isnan(rows.values).all(axis=1)
    return Cutoffs(series[new], (steps - panel.firsts[series])[new] + 1)
