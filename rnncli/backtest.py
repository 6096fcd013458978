"""Cut, forecast, score: how a model would have done, beside the baselines on the same windows."""

from collections.abc import Sequence

import numpy as np
import torch

from rnncli import baselines, metrics
from rnncli.metrics import Parts, Scored
from rnncli.model import Model
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.forecasts import POINT

VALUES_AT_ONCE = 50_000_000  # of one chunk of windows: bounds its memory to a gigabyte or so


def cutoffs(panel: Panel, horizon: int, windows: int, step: int) -> Cutoffs:
    """The last `windows` cutoffs of each series, `step` rows apart, that have a row before and a horizon after them."""
    back = horizon + np.arange(windows - 1, -1, -1) * step  # (W,)
    rows = (panel.lengths[:, None] - back).reshape(-1)
    series = np.repeat(np.arange(len(panel.ids)), windows)
    return Cutoffs(series[rows >= 1], rows[rows >= 1])


def run(
    model: Model, panel: Panel, places: Cutoffs, percents: tuple[float, ...], device: torch.device
) -> dict[str, Scored]:
    """The model's and the baselines' forecasts at each cutoff, beside what happened."""
    card = model.card
    levels = interval_levels(percents)
    forecast = model.forecast(panel, places, levels, device)
    past, future = cut(panel, places, max(card.context, card.season), card.horizon)
    errors = scales(panel, places, card.season)
    points = {"Naive": baselines.naive(past, card.horizon)}
    if card.season > 1:
        points["SeasonalNaive"] = baselines.seasonal_naive(past, card.horizon, card.season)
    scored = {POINT: Scored(future, forecast.point, forecast.quantiles, levels, *errors)}
    return scored | {name: Scored(future, point, None, levels, *errors) for name, point in points.items()}


def interval_levels(percents: tuple[float, ...]) -> np.ndarray:
    """The quantile levels that the scores need: tenths, and both ends of each interval."""
    ends = [0.5 + side * percent / 200 for percent in percents for side in (-1, 1)]
    return np.unique(np.round(np.concatenate([metrics.TENTHS, ends]), 6))


def table(
    model: Model,
    panel: Panel,
    places: Cutoffs,
    percents: tuple[float, ...],
    device: torch.device,
    names: Sequence[str] = metrics.USUAL,
) -> dict[str, dict[str, float]]:
    """Model or baseline, to metric, to score. Windows are taken some at a time: there may be more than memory holds."""
    card = model.card
    values = (max(card.context, card.season) + card.horizon * 4 * len(interval_levels(percents))) * panel.targets
    chunk = max(1, VALUES_AT_ONCE // values)
    sums: dict[str, dict[str, Parts]] = {}
    for start in range(0, len(places.rows), chunk):
        some = Cutoffs(places.series[start : start + chunk], places.rows[start : start + chunk])
        for name, scored in run(model, panel, some, percents, device).items():
            row = sums.setdefault(name, {})
            for metric, part in metrics.parts(scored, names, percents).items():
                row[metric] = row[metric].plus(part) if metric in row else part
    return {name: {metric: part.ratio for metric, part in row.items()} for name, row in sums.items()}


def cut(panel: Panel, places: Cutoffs, context: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Past (N, context, K) and future (N, horizon, K) of each cutoff, NaN outside of its series."""
    starts, ends = panel.offsets[places.series][:, None], panel.offsets[places.series + 1][:, None]
    rows = starts + places.rows[:, None] + np.arange(-context, horizon)
    values = panel.values[rows.clip(0, len(panel.values) - 1)]
    values[(rows < starts) | (rows >= ends)] = np.nan
    return values[:, :context], values[:, context:]


def scales(panel: Panel, places: Cutoffs, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Seasonal naive's absolute and squared error before each cutoff: (N, K) each."""
    errors = np.empty((2, len(places.rows), panel.targets))
    order = np.argsort(places.series, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(places.series[order])) + 1) if len(order) else []:
        values = panel.series(places.series[group[0]])
        for power in (1, 2):
            errors[power - 1, group] = baselines.season_errors(values, season, places.rows[group], power)
    return errors[0], errors[1]
