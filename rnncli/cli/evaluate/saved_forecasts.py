"""`evaluate FORECASTS ACTUALS`: scores of saved forecasts, and their drift from the model's backtest."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnncli.cli import console, data_input
from rnncli.cli.evaluate import report
from rnncli.cli.evaluate.request import BacktestRequest, ScoreRequest
from rnncli.config.intervals import interval_percent
from rnncli.config.sections import Columns, Config
from rnncli.errors import DataError, RequestError, about
from rnncli.evaluation import backtest, conditions, metrics, score_drift
from rnncli.evaluation.backtest import ForecastChunk, Scoring, WindowScores
from rnncli.evaluation.breakdown import Grouping, group_windows
from rnncli.evaluation.significance import WindowPositions
from rnncli.messages import counted
from rnncli.model.card import Card
from rnncli.network.device import free_cores
from rnncli.panel import Panel, Table
from rnncli.panel.export.names import POINT
from rnncli.panel.ingest import saved_forecasts
from rnncli.panel.ingest.saved_forecasts import SavedForecasts
from rnncli.panel.panel import Forecast
from rnncli.planning import seasonality
from rnncli.tables import reading
from rnncli.tables.formats import format_by_suffix

COVARIATE_FIELDS = ("known", "past", "static", "categorical", "holidays")
# WQL needs more quantiles than most saved forecasts contain.
DEFAULT_METRICS = tuple(name for name in metrics.DEFAULT_METRICS if not metrics.METRICS[name].reads_quantiles)


class SavedRequest(NamedTuple):
    """Forecasts to score, and the actual values."""

    source: Path  # a table or a folder of tables
    data: str
    config: Config
    percents: tuple[float, ...] | None  # the intervals to score; None: all
    card: Card | None  # of the model that produced the forecasts


def score_saved(request: SavedRequest, scores: ScoreRequest, backtest_request: BacktestRequest) -> None:
    """Report the scores of saved forecasts.

    Raises DataError if they do not fit the actual values, RequestError if a requested interval is missing, and
    GateError if a condition of --fail-if holds.
    """
    files = _table_files(request.source)
    with about(request.data):
        table = data_input.read_table(request.data, request.config.columns)
        panel = data_input.build_panel(table, _without_covariates(request.config.columns))
    with about(str(request.source)):
        saved = saved_forecasts.read(list(_read_tables(request.source, files)), panel, request.config.columns)
    season = request.card.season if request.card else seasonality.season_for_scores(panel)
    percents = _choose_percents(_available_percents(saved), request.percents)
    scoring = Scoring(season, percents, scores.metrics or list(DEFAULT_METRICS), None, scores.baselines, free_cores())
    _report_content(saved, files, season)
    horizon = next(iter(saved.points.values())).shape[1]
    with about(request.data):
        grouping = None if scores.by is None else group_windows(scores.by, panel, table, saved.cutoffs, horizon)
        weeks = None if panel.times.integer else group_windows("week", panel, table, saved.cutoffs, horizon)
    by_step = backtest_request.plot is not None or scores.by == "horizon"
    ledger = backtest.score_windows([_chunk(saved, panel, scoring)], scoring, by_step)
    method = POINT if POINT in saved.points else next(iter(saved.points))
    result = report.report(ledger, _windows(saved, panel, horizon), grouping, method)
    drift = None if request.card is None else _report_drift(ledger, result, weeks, request.card, method)
    parsed = [
        conditions.parse_fail_condition("--fail-if", text, result.columns, list(result.differences))
        for text in scores.fail_if
    ]
    report.write_results(result, ledger, scores, backtest_request, None, panel.frequency.name)
    report.check_conditions(parsed, result, drift)


def _table_files(source: Path) -> list[Path]:
    """Return the tables in a folder, or the file itself. Raises DataError if there are none."""
    files = sorted(filter(_is_table, source.rglob("*"))) if source.is_dir() else [source]
    if not files:
        raise DataError(f"{source}: the folder contains no tables")
    return files


def _is_table(path: Path) -> bool:
    return format_by_suffix(path) not in (None, "ndjson") and not path.name.startswith((".", "_"))


def _read_tables(source: Path, files: list[Path]) -> Iterator[tuple[str, Table]]:
    """Yield each table with its file name, or with an empty name if the source is a single file."""
    for path in files:
        try:
            yield path.name if source.is_dir() else "", Table(reading.read(str(path)))
        except DataError as error:
            raise DataError(f"{path.name}: {error}" if source.is_dir() else str(error)) from error


def _without_covariates(columns: Columns) -> Columns:
    """Return the columns needed for actual values."""
    return columns.model_copy(update=dict.fromkeys(COVARIATE_FIELDS, ()) | {"weight": None})


def _available_percents(saved: SavedForecasts) -> list[float]:
    """Return the intervals, in ascending order, of which both ends are saved."""
    levels = np.round(saved.levels, 6)
    upper = [level for level in levels if level > 0.5 and np.round(1 - level, 6) in levels]
    return [float(np.round(interval_percent(level), 4)) for level in upper]


def _choose_percents(available: list[float], requested: tuple[float, ...] | None) -> tuple[float, ...]:
    """Return the intervals to score. Raises RequestError if a requested interval is not available."""
    for percent in requested or ():
        if not np.isclose(percent, available, rtol=0, atol=1e-4).any():
            known = ", ".join(f"{value:g}" for value in available) or "none"
            raise RequestError(f"--level {percent:g}: the forecasts do not contain this interval (available: {known})")
    return tuple(available) if requested is None else requested


def _chunk(saved: SavedForecasts, panel: Panel, scoring: Scoring) -> ForecastChunk:
    """Return all windows with the forecasts of each method; missing quantiles are NaN."""
    levels = np.unique(np.concatenate([backtest.interval_levels(scoring.percents), saved.levels]))
    forecasts = {}
    for name, point in saved.points.items():
        quantiles = np.full((*point.shape, len(levels)), np.nan)
        for level, values in saved.quantiles.get(name, {}).items():
            quantiles[..., int(np.abs(levels - level).argmin())] = values
        forecasts[name] = Forecast(point, quantiles)
    return ForecastChunk(saved.cutoffs, backtest.with_baselines(forecasts, levels, panel, saved.cutoffs, scoring))


def _windows(saved: SavedForecasts, panel: Panel, horizon: int) -> WindowPositions:
    """Return the positions of the windows, numbered by cutoff; the step is the median distance of the cutoffs."""
    cutoffs, number = np.unique(panel.firsts[saved.cutoffs.series] + saved.cutoffs.rows, return_inverse=True)
    step = int(np.median(np.diff(cutoffs))) if len(cutoffs) > 1 else horizon
    return WindowPositions(saved.cutoffs.series, len(cutoffs) - 1 - number, -(-horizon // step))


def _report_content(saved: SavedForecasts, files: list[Path], season: int) -> None:
    """Report how many forecasts are scored, and how many cannot be."""
    source = f"{len(files)} files" if len(files) > 1 else files[0].name
    methods = ", ".join(saved.points)
    console.note(f"scored: {counted(len(saved.cutoffs.rows), 'forecast')} of {methods} in {source}; season {season}")
    if saved.waiting:
        console.note(f"pending: {counted(saved.waiting, 'forecast step')} without an actual value yet")
    if saved.unknown:
        console.warn(f"{counted(saved.unknown, 'row')} ignored: no actual values for the series")


def _report_drift(
    ledger: WindowScores, result: report.Report, weeks: Grouping | None, card: Card, method: str
) -> str | None:
    """Compare the production score with the model's backtest, and report it.

    Returns None if the score stays in the range expected from the backtest, otherwise a description of the drift, also
    if the two cannot be compared.
    """
    promised = (
        score_drift.expected_score(card, result.metric) if result.metric is not None and card.targets == 1 else None
    )
    if promised is None or result.metric is None:
        unknown = "the backtest of the model has no score to compare with"
        console.warn(unknown)
        return unknown
    score = result.scores[method][result.metric]
    words = f"production {result.metric} {score:.3g}, backtest {promised.score:.3g}"
    if np.isnan(promised.high) or np.isnan(score):
        unknown = f"{words}: too few windows to compare them"
        console.warn(unknown)
        return unknown
    expected = f"the expected range {max(promised.low, 0.0):.3g} to {promised.high:.3g}"
    by_week = {"these forecasts": np.array(score)}
    if weeks is not None:
        values = ledger.by_group(weeks.groups, len(weeks.labels))[method][result.metric]
        by_week = dict(zip(weeks.labels, values, strict=True))
    since = score_drift.drifted_since(promised, {label: float(value) for label, value in by_week.items()})
    if since is not None:
        console.warn(f"{words}: outside {expected} since {since}")
        return f"{words}, outside {expected} since {since}"
    if score > promised.high:
        console.note(f"{words}: above {expected}, but not recently")
    else:
        console.note(f"{words}: {'better than' if score < promised.low else 'within'} {expected}")
    return None
