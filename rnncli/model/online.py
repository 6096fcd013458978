"""Forecast each step as soon as it is complete, and score how unusual its values were.

Memory is bounded: only the context of the networks and the newest forecast of each series are kept.
"""

from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnncli.config.metrics import PointName
from rnncli.model import forecast_state, sample_paths
from rnncli.model.forecast_state import ForecastState
from rnncli.model.model import Model
from rnncli.panel import Cutoffs, Panel, history
from rnncli.panel.history import Appended
from rnncli.panel.panel import Forecast

if TYPE_CHECKING:
    import torch


class OnlineForecast(NamedTuple):
    """Forecasts after some new rows."""

    panel: Panel
    cutoffs: Cutoffs  # (N,) after each completed step
    forecast: Forecast | None  # None without completed steps
    anomaly: np.ndarray  # (N, K) from 0 (median of its forecast) to 1 (outside it); NaN without a forecast
    appended: Appended | None  # the new rows in the panel; None for the first rows


class OnlineForecaster:
    """Forecasts series whose rows arrive in pieces."""

    def __init__(
        self,
        model: Model,
        levels: np.ndarray,
        device: "torch.device | None",
        point: PointName | None,
        state: ForecastState | None,
        renewed: Callable[[Panel], Model] | None = None,
    ) -> None:
        """levels: (P,) quantiles to forecast; state: of an earlier run; renewed: returns a model for longer series."""
        self._renewed, self._known = renewed, 0 if state is None else len(state.panel.values)
        self.model, self.levels, self.device, self.point = model, levels, device, point
        self.needed = np.union1d(levels, self.model.levels)
        self.state = state
        self._newest: dict[str, tuple[int, np.ndarray]] = {}  # id to the first step of its forecast (H, K, Q)

    def add_rows(self, rows: Panel) -> OnlineForecast:
        """Append rows and return the forecasts after each step that they complete.

        None are returned if all rows are late or repeated. Raises DataError if the rows do not fit those before.
        """
        context, before = self.model.card.context, self.state
        if before is not None:
            panel, rows = history.with_ids_of_one_type(before.panel, rows)
            before = before._replace(panel=panel)
        appended = before and history.append_rows(before.panel, rows, before.steps + int(rows.lengths.max()))
        panel = appended.panel if appended else rows
        cutoffs = _completed(panel, rows, before.panel if before else None)
        self.model.check(panel)
        self._renew(panel)
        self.state = before.after(appended) if before and appended else forecast_state.initial_state(rows, context)
        if not len(cutoffs.rows):
            return OnlineForecast(panel, cutoffs, None, np.empty((0, panel.targets)), appended)
        found = self.model.forecast(panel, cutoffs, self.needed, self.device, self.point)
        trained = found.quantiles[..., np.isin(self.needed, self.model.levels)]
        anomaly = self._anomaly(panel, cutoffs, trained)
        forecast = Forecast(found.point, found.quantiles[..., np.isin(self.needed, self.levels)])
        return OnlineForecast(panel, cutoffs, forecast, anomaly, appended)

    def _renew(self, panel: Panel) -> None:
        """Replace the model once the stored rows have doubled since it was made."""
        if self._renewed is None:
            return
        if not self._known:
            self._known = len(panel.values)  # the model was made of these
        elif len(panel.values) >= 2 * self._known:
            self.model, self._known = self._renewed(panel), len(panel.values)

    def _anomaly(self, panel: Panel, cutoffs: Cutoffs, quantiles: np.ndarray) -> np.ndarray:
        """Return the anomaly (N, K) of each step in the forecast made before it, and store the newest forecasts.

        quantiles: (N, H, K, Q) forecasts after the steps.
        """
        horizon = quantiles.shape[1]
        expected = np.full((len(cutoffs.rows), *quantiles.shape[2:]), np.nan)
        steps = panel.firsts[cutoffs.series] + cutoffs.rows  # the first of each forecast
        for index, (series, step) in enumerate(zip(cutoffs.series, steps, strict=True)):
            name = str(panel.ids[series])  # ids are numbers until a series arrives whose id is a text
            begin, forecast = self._newest.get(name, (step, quantiles[index]))
            if 0 <= step - 1 - begin < horizon:
                expected[index] = forecast[step - 1 - begin]
            self._newest[name] = int(step), quantiles[index]
        actual = panel.values[panel.offsets[cutoffs.series] + cutoffs.rows - 1]  # (N, K)
        ranks = sample_paths.normal_ranks(actual, expected, self.model.levels)
        share = np.vectorize(NormalDist().cdf, otypes=[float])(ranks)
        return np.where(np.isnan(actual) | np.isnan(expected).any(axis=-1), np.nan, np.abs(2 * share - 1))


def _completed(panel: Panel, rows: Panel, before: Panel | None) -> Cutoffs:
    """Return the cutoff after each row that is newer than all earlier rows of its series."""
    indices = np.searchsorted(panel.ids, rows.ids)
    ends = np.full(len(panel.ids), np.iinfo(np.int64).min)
    if before is not None:
        ends[np.searchsorted(panel.ids, before.ids)] = before.firsts + before.lengths
    series = np.repeat(indices, rows.lengths)
    steps = np.repeat(rows.firsts, rows.lengths) + np.arange(len(series)) - np.repeat(rows.offsets[:-1], rows.lengths)
    new = (steps >= ends[series]) & ~np.isnan(rows.values).all(axis=1)
    return Cutoffs(series[new], (steps - panel.firsts[series])[new] + 1)
