"""Cut, forecast, score: how a model would have done, beside the baselines on the same windows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from rnncli.config.intervals import interval_bounds
from rnncli.config.sections import PointName
from rnncli.evaluation import baselines, metrics, statsforecast_models
from rnncli.evaluation.baselines import BASELINES, Past
from rnncli.evaluation.cutoffs import first_values, full_pasts, slice_windows
from rnncli.evaluation.metrics import Parts, Scored
from rnncli.evaluation.past_changes import past_changes
from rnncli.model.card import Card
from rnncli.model.model import Model
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.export.names import POINT
from rnncli.panel.panel import Forecast

VALUES_AT_ONCE = 50_000_000  # of one chunk of windows: bounds its memory to a gigabyte or so


class Chunk(NamedTuple):
    """Some windows, and every method's forecasts of them."""

    places: Cutoffs
    scored: dict[str, Scored]


class Ledger(NamedTuple):
    """What each of N windows adds to each metric of each method."""

    places: Cutoffs
    scoring: "Scoring"
    parts: dict[str, dict[str, Parts]]  # (N, K) each
    steps: dict[str, dict[str, Parts]]  # (H,) each: the same of each step ahead, where that was asked for

    def table(self) -> dict[str, dict[str, float]]:
        """Method, to metric, to score over all windows."""
        whole = self.grouped(np.zeros(len(self.places.rows), np.int64), 1)
        return {method: {name: float(score[0]) for name, score in row.items()} for method, row in whole.items()}

    def grouped(self, groups: np.ndarray, count: int) -> dict[str, dict[str, np.ndarray]]:
        """Method, to metric, to the scores (G,) of the windows that are of each group; groups: (N,) below count."""
        return self._scores(self.parts, lambda values: np.bincount(groups, values.sum(axis=1), count))

    def by_step(self) -> dict[str, dict[str, np.ndarray]]:
        """Method, to metric, to the scores (H,) of each step ahead."""
        return self._scores(self.steps, lambda values: values)

    def _scores(
        self, parts: dict[str, dict[str, Parts]], total: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, dict[str, np.ndarray]]:
        scores = {
            method: {name: metrics.ratio(total(part.above), total(part.below)) for name, part in row.items()}
            for method, row in parts.items()
        }
        if metrics.OWA in self.scoring.names:
            for row in scores.values():
                row[metrics.OWA] = metrics.owa(row, scores[metrics.NAIVE2])
        columns = metrics.columns(self.scoring.names, self.scoring.percents)
        return {method: {name: row[name] for name in columns} for method, row in scores.items()}


class Scoring(NamedTuple):
    """What is to be told of every window."""

    season: int  # of the baselines and the metrics
    percents: tuple[float, ...]  # of the intervals
    names: Sequence[str] = metrics.USUAL
    point: PointName | None = None  # of the model
    automatic: Sequence[str] = ()  # models of statsforecast, as further baselines
    processes: int = 1  # that fit them

    @property
    def parts(self) -> list[str]:
        """The metrics to sum up: OWA is made of two others."""
        needed = [*self.names, *(metrics.OWA_PARTS if metrics.OWA in self.names else ())]
        return [name for name in dict.fromkeys(needed) if name != metrics.OWA]


def walk(
    model: Model,
    panel: Panel,
    places: Cutoffs,
    scoring: Scoring,
    device: torch.device,
    others: Mapping[str, Model] | None = None,
) -> Iterator[Chunk]:
    """The windows, some at a time: there may be more than memory holds. others: further models, by name."""
    for some in pieces(model.card, 1 + len(others or {}), panel, places, scoring):
        yield Chunk(some, run(model, panel, some, scoring, device, others))


def pieces(card: Card, models: int, panel: Panel, places: Cutoffs, scoring: Scoring) -> Iterator[Cutoffs]:
    """As many cutoffs at a time as so many models like this one may forecast at once, beside the baselines."""
    methods = models + len(BASELINES)
    values = max(card.context, scoring.season) + card.horizon * (2 + methods) * len(interval_levels(scoring.percents))
    chunk = max(1, VALUES_AT_ONCE // (values * panel.targets))
    for start in range(0, len(places.rows), chunk):
        yield Cutoffs(places.series[start : start + chunk], places.rows[start : start + chunk])


def run(
    model: Model,
    panel: Panel,
    places: Cutoffs,
    scoring: Scoring,
    device: torch.device,
    others: Mapping[str, Model] | None = None,
) -> dict[str, Scored]:
    """The models' and the baselines' forecasts at each cutoff, beside what happened."""
    levels = interval_levels(scoring.percents)
    models = {POINT: model} | dict(others or {})
    made = {name: one.forecast(panel, places, levels, device, scoring.point) for name, one in models.items()}
    return laid_beside(made, levels, panel, places, scoring)


def laid_beside(
    forecasts: Mapping[str, Forecast], levels: np.ndarray, panel: Panel, places: Cutoffs, scoring: Scoring
) -> dict[str, Scored]:
    """Forecasts by whom they are, of one horizon, quantiles at levels, and the baselines', beside what happened.

    What none of the methods given forecasts is not scored.
    """
    points = [forecast.point for forecast in forecasts.values()]
    horizon, season = points[0].shape[1], scoring.season
    values, future = slice_windows(panel, places, max(season, horizon), horizon)
    future = np.where(np.isnan(points).all(axis=0), np.nan, future)
    known = past_changes(panel, places, season)
    errors = known.season_error, known.season_square
    scored = {
        name: Scored(future, forecast.point, forecast.quantiles, levels, *errors)
        for name, forecast in forecasts.items()
    }
    past = Past(values, places.rows, *first_values(panel, places), known.step_square, known.season_square)
    for name, baseline in BASELINES.items():
        if name not in scored and (name != "SeasonalNaive" or season > 1):
            told = baseline(past, horizon, season)
            scored[name] = Scored(future, told.point, baselines.quantiles(told, levels), levels, *errors)
    if scoring.automatic:
        pasts = full_pasts(panel, places)
        for name in (name for name in scoring.automatic if name not in scored):
            told_all = statsforecast_models.forecast(name, pasts, horizon, season, levels, scoring.processes)
            shape = (len(places.rows), panel.targets, horizon)
            point, quantiles = (one.reshape(*shape, *one.shape[2:]).swapaxes(1, 2) for one in told_all)
            scored[name] = Scored(future, point, quantiles, levels, *errors)
    if metrics.OWA in scoring.names:
        point = _naive2(panel, places, horizon, season)
        nothing = np.full((*point.shape, len(levels)), np.nan)
        scored[metrics.NAIVE2] = Scored(future, point, nothing, levels, *errors)
    return scored


def _naive2(panel: Panel, places: Cutoffs, horizon: int, season: int) -> np.ndarray:
    """M4's reference from the whole past of each cutoff: (N, H, K)."""
    made = [baselines.naive2(past, horizon, season) for past in full_pasts(panel, places)]
    return np.reshape(made, (len(places.rows), panel.targets, horizon)).swapaxes(1, 2)


def interval_levels(percents: tuple[float, ...]) -> np.ndarray:
    """The quantile levels that the scores need: tenths, and both ends of each interval."""
    ends = [level for percent in percents for level in interval_bounds(percent)]
    return np.unique(np.round(np.concatenate([metrics.TENTHS, ends]), 6))


def ledger(chunks: Iterable[Chunk], scoring: Scoring, by_step: bool = False) -> Ledger:
    """What every window adds to the metrics, and with by_step what every step ahead does."""
    places, parts, steps = [], [], []
    names, percents = scoring.parts, scoring.percents
    for chunk in chunks:
        places.append(chunk.places)
        parts.append({method: metrics.parts(one, names, percents) for method, one in chunk.scored.items()})
        if by_step:
            steps.append({method: _of_steps(one, names, percents) for method, one in chunk.scored.items()})
    every = Cutoffs(*(np.concatenate(column) for column in zip(*places, strict=True)))
    return Ledger(every, scoring, _merged(parts, np.concatenate), _merged(steps, lambda parts: np.sum(parts, axis=0)))


def _of_steps(scored: Scored, names: Sequence[str], percents: Sequence[float]) -> dict[str, Parts]:
    """The metrics of each step ahead by itself, summed over windows: (H,) each."""
    horizon = scored.actual.shape[1]
    rows = [metrics.parts(scored.step(number), names, percents) for number in range(horizon)]
    return {
        name: Parts(
            np.array([row[name].above.sum() for row in rows]), np.array([row[name].below.sum() for row in rows])
        )
        for name in rows[0]
    }


def _merged(
    chunks: list[dict[str, dict[str, Parts]]], join: Callable[[list[np.ndarray]], np.ndarray]
) -> dict[str, dict[str, Parts]]:
    """Of the parts of several chunks those of all."""
    methods = chunks[0] if chunks else {}
    return {
        method: {
            name: Parts(
                join([one[method][name].above for one in chunks]), join([one[method][name].below for one in chunks])
            )
            for name in row
        }
        for method, row in methods.items()
    }
