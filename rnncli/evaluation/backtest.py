"""Forecast the windows of a backtest with a model and the baselines, and score them by window."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnncli.config.intervals import interval_bounds
from rnncli.config.metrics import PointName
from rnncli.evaluation import baselines, metrics, statsforecast_models
from rnncli.evaluation.baselines import BASELINES, REFERENCES, BaselineInput
from rnncli.evaluation.cutoffs import first_values, full_pasts
from rnncli.evaluation.metrics import DEFAULT_METRICS, METRICS
from rnncli.evaluation.past_changes import past_changes
from rnncli.evaluation.window_errors import TENTHS, EvaluatedForecast, MetricTerms, divide, mean_ratio
from rnncli.model.card import Card
from rnncli.model.model import Model
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.export.names import POINT
from rnncli.panel.panel import Forecast
from rnncli.panel.window_values import slice_windows

if TYPE_CHECKING:
    import torch

VALUES_AT_ONCE = 50_000_000  # of one chunk of windows: bounds its memory to about a gigabyte

MethodTerms = dict[str, dict[str, MetricTerms]]  # method, to column, to terms
MethodScores = dict[str, dict[str, np.ndarray]]  # method, to column, to scores


class Scoring(NamedTuple):
    """Settings of the scores of each window."""

    season: int  # of the baselines and the metrics
    percents: tuple[float, ...]  # nominal coverages of the intervals
    metrics: Sequence[str] = DEFAULT_METRICS
    point: PointName | None = None  # point forecast of the model
    statsforecast: Sequence[str] = ()  # further baselines
    processes: int = 1  # for those


class ForecastChunk(NamedTuple):
    """Some windows with the forecasts of each method."""

    cutoffs: Cutoffs
    forecasts: dict[str, EvaluatedForecast]


class WindowScores(NamedTuple):
    """Terms of each metric and method for each of N windows."""

    cutoffs: Cutoffs
    scoring: Scoring
    terms: MethodTerms  # (N, K) each
    step_terms: MethodTerms  # (H,) each: summed by step ahead; empty if not requested

    def overall(self) -> dict[str, dict[str, float]]:
        """Return the scores over all windows, by method and column."""
        scores = self.by_group(np.zeros(len(self.cutoffs.rows), np.int64), 1)
        return {method: {name: float(score[0]) for name, score in row.items()} for method, row in scores.items()}

    def by_group(self, groups: np.ndarray, count: int) -> MethodScores:
        """Return the scores (G,) of each group of windows; groups: (N,) from 0 to count - 1."""
        return self._scores(self.terms, lambda values: np.bincount(groups, values.sum(axis=1), count))

    def by_step(self) -> MethodScores:
        """Return the scores (H,) of each step ahead."""
        return self._scores(self.step_terms, lambda values: values)

    def _scores(self, terms: MethodTerms, total: Callable[[np.ndarray], np.ndarray]) -> MethodScores:
        scores = {
            method: {name: divide(total(term.numerator), total(term.denominator)) for name, term in row.items()}
            for method, row in terms.items()
        }
        for name in self.scoring.metrics:
            if (derived := METRICS[name].derived) is not None:
                reference = [scores[derived.reference][part] for part in derived.metrics]
                for row in scores.values():
                    row[name] = mean_ratio([row[part] for part in derived.metrics], reference)
        columns = metrics.columns(self.scoring.metrics, self.scoring.percents)
        return {method: {name: row[name] for name in columns} for method, row in scores.items()}


def forecast_in_chunks(
    model: Model,
    panel: Panel,
    cutoffs: Cutoffs,
    scoring: Scoring,
    device: "torch.device | None",
    others: Mapping[str, Model] | None = None,
) -> Iterator[ForecastChunk]:
    """Yield the windows in chunks that fit into memory. others: further models, by name."""
    for part in split_cutoffs(model.card, 1 + len(others or {}), panel, cutoffs, scoring):
        yield ForecastChunk(part, forecast_all_methods(model, panel, part, scoring, device, others))


def split_cutoffs(card: Card, models: int, panel: Panel, cutoffs: Cutoffs, scoring: Scoring) -> Iterator[Cutoffs]:
    """Yield as many cutoffs at a time as `models` models of this size and the baselines may forecast at once."""
    methods = models + len(BASELINES)
    values = max(card.context, scoring.season) + card.horizon * (2 + methods) * len(interval_levels(scoring.percents))
    chunk = max(1, VALUES_AT_ONCE // (values * panel.targets))
    for start in range(0, len(cutoffs.rows), chunk):
        yield Cutoffs(cutoffs.series[start : start + chunk], cutoffs.rows[start : start + chunk])


def forecast_all_methods(
    model: Model,
    panel: Panel,
    cutoffs: Cutoffs,
    scoring: Scoring,
    device: "torch.device | None",
    others: Mapping[str, Model] | None = None,
) -> dict[str, EvaluatedForecast]:
    """Return the forecasts of the models and the baselines at each cutoff, with the actual values."""
    levels = interval_levels(scoring.percents)
    models = {POINT: model} | dict(others or {})
    forecasts = {
        name: fitted.forecast(panel, cutoffs, levels, device, scoring.point) for name, fitted in models.items()
    }
    return with_baselines(forecasts, levels, panel, cutoffs, scoring)


def with_baselines(
    forecasts: Mapping[str, Forecast], levels: np.ndarray, panel: Panel, cutoffs: Cutoffs, scoring: Scoring
) -> dict[str, EvaluatedForecast]:
    """Return forecasts by method, and those of the baselines, with the actual values.

    All forecasts have one horizon and quantiles at `levels`. Steps that no given method forecasts are not scored.
    """
    points = [forecast.point for forecast in forecasts.values()]
    horizon = points[0].shape[1]
    past, future = slice_windows(panel, cutoffs, max(scoring.season, horizon), horizon)
    future = np.where(np.isnan(points).all(axis=0), np.nan, future)
    changes = past_changes(panel, cutoffs, scoring.season)
    found = dict(forecasts)
    first = first_values(panel, cutoffs)
    history = BaselineInput(past, cutoffs.rows, *first, changes.step_square, changes.season_square)
    for name in baselines.methods(scoring.season):
        if name not in found:
            normal = BASELINES[name].forecast(history, horizon, scoring.season)
            found[name] = Forecast(normal.point, normal.quantiles(levels))
    for name in scoring.statsforecast:
        if name not in found:
            found[name] = _statsforecast(name, levels, panel, cutoffs, horizon, scoring)
    for name in metrics.references(scoring.metrics):
        point = _reference(name, panel, cutoffs, horizon, scoring.season)
        found[name] = Forecast(point, np.full((*point.shape, len(levels)), np.nan))
    errors = changes.season_error, changes.season_square
    return {
        name: EvaluatedForecast(future, forecast.point, forecast.quantiles, levels, *errors)
        for name, forecast in found.items()
    }


def _statsforecast(
    name: str, levels: np.ndarray, panel: Panel, cutoffs: Cutoffs, horizon: int, scoring: Scoring
) -> Forecast:
    """Return the forecasts of a model of statsforecast, fitted to the whole past of each cutoff."""
    pasts = full_pasts(panel, cutoffs)
    fitted = statsforecast_models.forecast(name, pasts, horizon, scoring.season, levels, scoring.processes)
    shape = (len(cutoffs.rows), panel.targets, horizon)
    return Forecast(*(values.reshape(*shape, *values.shape[2:]).swapaxes(1, 2) for values in fitted))


def _reference(name: str, panel: Panel, cutoffs: Cutoffs, horizon: int, season: int) -> np.ndarray:
    """Return the point forecasts (N, H, K) of a reference method from the whole past of each cutoff."""
    points = [REFERENCES[name](past, horizon, season) for past in full_pasts(panel, cutoffs)]
    return np.reshape(points, (len(cutoffs.rows), panel.targets, horizon)).swapaxes(1, 2)


def interval_levels(percents: tuple[float, ...]) -> np.ndarray:
    """Return the quantile levels (P,) that metrics need: the tenths and both ends of each interval."""
    ends = [level for percent in percents for level in interval_bounds(percent)]
    return np.unique(np.round(np.concatenate([TENTHS, ends]), 6))


def score_windows(chunks: Iterable[ForecastChunk], scoring: Scoring, by_step: bool = False) -> WindowScores:
    """Return the terms of all metrics by window, and with by_step also by step ahead."""
    cutoffs, terms, step_terms = [], [], []
    names, percents = metrics.computed(scoring.metrics), scoring.percents
    for chunk in chunks:
        cutoffs.append(chunk.cutoffs)
        terms.append({method: metrics.terms(found, names, percents) for method, found in chunk.forecasts.items()})
        if by_step:
            step_terms.append(
                {method: _terms_by_step(found, names, percents) for method, found in chunk.forecasts.items()}
            )
    joined = Cutoffs(*(np.concatenate(column) for column in zip(*cutoffs, strict=True)))
    summed = _merge(step_terms, lambda values: np.asarray(np.sum(values, axis=0)))
    return WindowScores(joined, scoring, _merge(terms, np.concatenate), summed)


def _terms_by_step(
    forecast: EvaluatedForecast, names: Sequence[str], percents: Sequence[float]
) -> dict[str, MetricTerms]:
    """Return the terms (H,) of each step ahead, summed over windows."""
    rows = [metrics.terms(forecast.at_step(index), names, percents) for index in range(forecast.actual.shape[1])]
    return {
        name: MetricTerms(
            np.array([row[name].numerator.sum() for row in rows]),
            np.array([row[name].denominator.sum() for row in rows]),
        )
        for name in rows[0]
    }


def _merge(chunks: list[MethodTerms], join: Callable[[list[np.ndarray]], np.ndarray]) -> MethodTerms:
    """Join the terms of all chunks by method and column."""
    methods = chunks[0] if chunks else {}
    return {
        method: {
            name: MetricTerms(
                join([chunk[method][name].numerator for chunk in chunks]),
                join([chunk[method][name].denominator for chunk in chunks]),
            )
            for name in row
        }
        for method, row in methods.items()
    }
