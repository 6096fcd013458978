"""Forecast a table without training: choose seasons for the pretrained network and calibrate it. No torch.

The network has seen no row of the table, so that its forecasts after every row are out of sample: all of them tell
how much to trust the seasons, and how wide the intervals must be.
"""

from typing import NamedTuple

import numpy as np

from rnncli import __version__
from rnncli.config.sections import Config
from rnncli.evaluation import baselines
from rnncli.model import conformal, data_profile
from rnncli.model.card import Card, PretrainedPart, Validation
from rnncli.model.conformal import Calibration
from rnncli.model.model import Model
from rnncli.model.pretrained import package_file
from rnncli.model.pretrained.forecaster import PretrainedForecaster, View
from rnncli.model.pretrained.network import LEVELS, MIDDLE
from rnncli.model.pretrained.simple_forecasts import Seasons
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.ingest.column_roles import with_roles
from rnncli.panel.time.frequency import DAY, Frequency
from rnncli.panel.window_values import slice_windows
from rnncli.planning import seasonality

MAX_ORIGINS, MAX_WINDOWS = 30, 1_000  # rolling origins of a series, and of all series
MIN_ROWS = 8  # before an origin, if the series has many more
SEASONS_BEFORE = 1.5  # before an origin, if the series has many more
PRIOR_HORIZONS = 4  # without overlap, at which half of the evidence counts
BLOCKS = 3  # of a horizon, whose errors count as independent: intervals of plain series were too wide with fewer
EVIDENCE = 5.0  # weight of the logarithm of the ratio of two errors
UNSEASONAL = 0.05  # prior weight of the forecasts without a season
YEAR_OF_WEEKS, YEAR_OF_BUSINESS_WEEKS = 364, 260  # days: a year that keeps the day of the week


class Evidence(NamedTuple):
    """Accuracy of the pretrained network at the rolling origins of a table."""

    windows: int
    relative: float | None  # error of the forecast relative to seasonal naive; None if not known
    covered: float | None  # share of the values in the 80 % intervals before calibration


class CalibratedForecaster(NamedTuple):
    """The network with its seasons weighed at the rolling origins of a table, and the calibration of its intervals."""

    forecaster: PretrainedForecaster
    calibration: Calibration | None  # None without an origin
    evidence: Evidence


class ZeroShot(NamedTuple):
    """A model without training, and the evidence that its weights and intervals rest on."""

    model: Model
    evidence: Evidence


def zero_shot(panel: Panel, config: Config, horizon: int) -> ZeroShot:
    """Return the model of the pretrained network for a table, calibrated on it."""
    setup = _setup(panel, config)
    forecaster, calibration, evidence = _calibrated(setup, panel, horizon, MAX_WINDOWS)
    card = _card(panel, config, horizon, setup.season, forecaster, evidence.windows)
    return ZeroShot(Model(card, (), calibration, pretrained=forecaster), evidence)


def weighed_forecaster(panel: Panel, config: Config, horizon: int, max_windows: int) -> PretrainedForecaster:
    """Return the pretrained network with its seasons weighed on a table, by so many windows at most."""
    return _calibrated(_setup(panel, config), panel, horizon, max_windows).forecaster


def uncalibrated_card(panel: Panel, config: Config, horizon: int) -> Card:
    """Return the card of the pretrained network for a table, before any forecast."""
    setup = _setup(panel, config)
    return _card(panel, config, horizon, setup.season, setup.forecaster, 0)


class _Setup(NamedTuple):
    forecaster: PretrainedForecaster  # with prior weights of its seasons
    season: int  # of the scores


def _setup(panel: Panel, config: Config) -> _Setup:
    """Choose the seasons of a table."""
    strengths = seasonality.cycle_strengths(panel)
    season = config.network.season or seasonality.choose_season(panel.frequency, strengths).value
    views = _views(panel.frequency, config.network.season, season, strengths)
    return _Setup(PretrainedForecaster(package_file.load().members, views), season)


def _views(frequency: Frequency, fixed: int | None, season: int, strengths: dict[int, float]) -> tuple[View, ...]:
    """Return the seasons to tell the network, with prior weights. fixed: season that the user set."""
    if fixed is None and frequency.unit != "integer":
        seasons = [_calendar(frequency, season)]
    else:
        others = seasonality.other_cycles(frequency, strengths, season, fixed=True) if season > 1 else []
        seasons = [*(Seasons(season, cycle) for cycle in others[:1] if cycle > season), Seasons(season)]
    if fixed is None and seasons[0].short > 1:
        return *(View(each, (1 - UNSEASONAL) / len(seasons)) for each in seasons), View(Seasons(1), UNSEASONAL)
    return tuple(View(each, 1 / len(seasons)) for each in seasons)


def _calendar(frequency: Frequency, season: int) -> Seasons:
    """Return the day and the week, the week and the year, or the season found in the data."""
    cycles = seasonality.natural_seasons(frequency)
    if frequency.unit == "integer" or not cycles:
        return Seasons(season)
    if frequency.unit == "business":
        return Seasons(cycles[0], YEAR_OF_BUSINESS_WEEKS)
    if frequency.unit == "month":
        return Seasons(cycles[0])
    if frequency.every == DAY:
        return Seasons(7, YEAR_OF_WEEKS)
    day = DAY // frequency.every
    short = day if day in cycles else season if season > 1 else cycles[0]
    return Seasons(short, 7 * short if 7 * short in cycles else 1)


def _calibrated(setup: _Setup, panel: Panel, horizon: int, max_windows: int) -> CalibratedForecaster:
    """Weigh the seasons of the network and calibrate its intervals by rolling origins."""
    forecaster, season = setup
    cutoffs = rolling_origins(panel, horizon, season, max_windows)
    if not len(cutoffs.rows):
        return CalibratedForecaster(forecaster, None, Evidence(0, None, None))
    past, actual = slice_windows(panel, cutoffs, season, horizon)
    parts = [forecaster.by_view(window, horizon) for _, window in forecaster.windows(panel, cutoffs)]
    by_view = [np.concatenate(of_view) for of_view in zip(*parts, strict=True)]
    spread = conformal.interval_spread(by_view[0], np.array(LEVELS))
    unit = np.where(spread > conformal.MIN_SPREAD, spread, np.nan)
    errors = [_mean(np.abs(actual - quantiles[..., MIDDLE]) / unit) for quantiles in by_view]
    horizons = float((~np.isnan(actual)).any(axis=2).sum()) / horizon / max(1.0, _overlap(panel, cutoffs, horizon))
    forecaster = forecaster._replace(views=_weighed(forecaster.views, errors, horizons))
    quantiles = forecaster.mixed(by_view)
    blocks = (panel.lengths[cutoffs.series] - cutoffs.rows) // max(1, horizon // BLOCKS)
    calibration = conformal.fit_calibration(quantiles, actual, np.array(LEVELS), blocks)
    naive = np.abs(actual - baselines.seasonal_naive(past, horizon, season))
    error = np.where(np.isnan(naive), np.nan, np.abs(actual - quantiles[..., MIDDLE]))
    relative = float(np.nansum(error) / np.nansum(naive)) if np.nansum(naive) > 0 else None
    evidence = Evidence(len(cutoffs.rows), relative, _covered(quantiles, actual))
    return CalibratedForecaster(forecaster, calibration, evidence)


def rolling_origins(panel: Panel, horizon: int, season: int, max_windows: int) -> Cutoffs:
    """Return origins spread over the series, each with rows before it and at least one after it."""
    per_series = int(np.clip(max_windows // len(panel.ids), 1, MAX_ORIGINS))
    chosen = np.arange(len(panel.ids))[:: -(-len(panel.ids) // max_windows)]
    series, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number in chosen:
        length = int(panel.lengths[number])
        first = min(max(MIN_ROWS, round(SEASONS_BEFORE * season)), max(3, length // 2))
        last = max(first, length - horizon) if length > first else 0
        origins = np.unique(
            np.linspace(first, min(last + horizon // 2, length - 1), per_series).round().astype(np.int64)
        )
        origins = origins[(origins >= first) & (origins < length)]
        series.append(np.full(len(origins), number, np.int64))
        rows.append(origins)
    return Cutoffs(np.concatenate(series), np.concatenate(rows))


def _overlap(panel: Panel, cutoffs: Cutoffs, horizon: int) -> float:
    """Return how many of the windows of a series cover the same step, on average."""
    counts = np.bincount(cutoffs.series, minlength=len(panel.ids))
    first = np.full(len(panel.ids), np.iinfo(np.int64).max)
    np.minimum.at(first, cutoffs.series, cutoffs.rows)
    used = counts > 0
    steps = np.minimum(panel.lengths[cutoffs.series] - cutoffs.rows, horizon)
    return float(steps.sum() / (panel.lengths - first)[used].sum())


def _weighed(views: tuple[View, ...], errors: list[float], horizons: float) -> tuple[View, ...]:
    """Return the views with weights by their errors, shrunk towards the prior weights if there is little evidence."""
    if not np.isfinite(errors).all() or min(errors) <= 0:
        return views
    trust = EVIDENCE * horizons / (horizons + PRIOR_HORIZONS)
    weights = np.array([view.weight for view in views]) * (np.array(errors) / min(errors)) ** -trust
    return tuple(
        view._replace(weight=float(weight)) for view, weight in zip(views, weights / weights.sum(), strict=True)
    )


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _covered(quantiles: np.ndarray, actual: np.ndarray) -> float | None:
    """Return the share of known values in the 80 % intervals."""
    low, high = quantiles[..., LEVELS.index(0.1)], quantiles[..., LEVELS.index(0.9)]
    known = ~np.isnan(actual) & ~np.isnan(low)
    return float(((actual >= low) & (actual <= high))[known].mean()) if known.any() else None


def pretrained_part(forecaster: PretrainedForecaster, horizon: int) -> PretrainedPart:
    """Return the entry of a card for the pretrained network."""
    return PretrainedPart(
        name=package_file.load().card.name,
        horizon=horizon,
        context=forecaster.context,
        seasons=tuple((view.seasons.short, view.seasons.long) for view in forecaster.views),
        weights=tuple(view.weight for view in forecaster.views),
    )


def _card(
    panel: Panel,
    config: Config,
    horizon: int,
    season: int,
    forecaster: PretrainedForecaster,
    windows: int,
) -> Card:
    return Card(
        rnncli=__version__,
        libraries={"numpy": np.__version__},
        config=config.model_copy(update={"columns": with_roles(panel.summary.roles, config.columns)}),
        pretrained=pretrained_part(forecaster, horizon),
        season=season,
        reasons={},
        frequency=panel.frequency.name,
        integer_clock=panel.times.integer,
        zone=panel.times.zone,
        seen=data_profile.profile(panel),
        parameters=sum(value.size for weights in forecaster.members for value in weights.values()),
        validation=Validation(windows=windows, held_out=0, refitted=False),
    )
