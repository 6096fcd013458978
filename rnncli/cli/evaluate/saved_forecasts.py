"""rnncli evaluate FORECASTS ACTUALS: how forecasts made earlier did."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.cli import console, data_input
from rnncli.cli.evaluate import report
from rnncli.cli.evaluate.request import Wishes
from rnncli.config.sections import Config
from rnncli.errors import DataError, RequestError, about
from rnncli.evaluation import backtest, score_drift
from rnncli.evaluation.backtest import Chunk, Ledger, Scoring
from rnncli.evaluation.metrics import USUAL
from rnncli.evaluation.significance import Windows
from rnncli.model.card import Card
from rnncli.model.model import Forecast
from rnncli.network.device import free_cores
from rnncli.panel import Panel
from rnncli.panel.export.forecast_table import POINT
from rnncli.panel.ingest import saved_forecasts
from rnncli.panel.ingest.saved_forecasts import Archived
from rnncli.planning import seasonality
from rnncli.tables import reading
from rnncli.tables.formats import format_by_suffix

# Where nothing is asked for: WQL needs more quantiles than most forecasts have.
NAMES = tuple(name for name in USUAL if name != "WQL")


class Scores(NamedTuple):
    """What the forecasts came to."""

    report: report.Report
    found: Ledger
    step: str  # of the clock, by name
    drift: str | None  # how the model left the band that its backtest had promised


class Request(NamedTuple):
    """What is to be scored, and how."""

    config: Config
    percents: tuple[float, ...] | None  # the intervals; None: all there are
    card: Card | None  # of the model that made them
    by_step: bool  # whether somebody looks at each step ahead


def score(source: Path, data: str, request: Request, wished: Wishes) -> Scores:
    """The forecasts in a file or a folder against a table with what happened.

    Raises DataError where they do not fit, RequestError where an interval was asked for that none of them has.
    """
    config, card = request.config, request.card
    files = sorted(filter(_readable, source.rglob("*"))) if source.is_dir() else [source]
    if not files:
        raise DataError(f"{source} holds no tables")
    with about(data):
        frame = data_input.read_table(data, config.columns)
        panel = data_input.build_panel(frame, config.columns.without_inputs())
    with about(str(source)):
        made = saved_forecasts.read(list(_tables(source, files)), panel, config.columns)
    season = card.season if card else seasonality.season_for_scores(panel)
    percents = _chosen(_percents(made), request.percents)
    names = wished.names or list(NAMES)
    scoring = Scoring(season, percents, names, None, wished.automatic, free_cores())
    console.notes(_found(made, files, season))
    horizon = next(iter(made.points.values())).shape[1]
    with about(data):
        grouped = report.grouping(wished.by, panel, frame, made.places, horizon)
        weeks = None if panel.times.integer else report.grouping("week", panel, frame, made.places, horizon)
    found = backtest.ledger([_chunk(made, panel, scoring)], scoring, request.by_step or wished.by == "horizon")
    own = POINT if POINT in made.points else next(iter(made.points))
    shown = report.report(found, _lying(made, panel, horizon), grouped, own)
    return Scores(shown, found, panel.frequency.name, _drift(found, shown, weeks, card, own))


def _tables(source: Path, files: list[Path]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each file's table, with the name that messages about a file of a folder need."""
    for path in files:
        try:
            yield path.name if source.is_dir() else "", reading.read(str(path))
        except DataError as error:
            raise DataError(f"{path.name}: {error}" if source.is_dir() else str(error)) from error


def _readable(path: Path) -> bool:
    return format_by_suffix(path) not in (None, "ndjson") and not path.name.startswith((".", "_"))


def _percents(made: Archived) -> list[float]:
    """The intervals that some method has both ends of, rising."""
    levels = np.round(made.levels, 6)
    upper = [level for level in levels if level > 0.5 and np.round(1 - level, 6) in levels]
    return [float(np.round(200 * level - 100, 4)) for level in upper]


def _chosen(there: list[float], asked: tuple[float, ...] | None) -> tuple[float, ...]:
    """The intervals to score. Raises RequestError where one that was asked for is not there."""
    for percent in asked or ():
        if not np.isclose(percent, there, rtol=0, atol=1e-4).any():
            known = ", ".join(f"{one:g}" for one in there) or "none"
            raise RequestError(f"--level {percent:g}: no forecast has this interval; there are {known}")
    return tuple(there) if asked is None else asked


def _chunk(made: Archived, panel: Panel, scoring: Scoring) -> Chunk:
    """All windows, with every method's forecasts."""
    levels = np.unique(np.concatenate([backtest.interval_levels(scoring.percents), made.levels]))
    forecasts = {}
    for name, point in made.points.items():
        quantiles = np.full((*point.shape, len(levels)), np.nan)
        for level, values in made.quantiles.get(name, {}).items():
            quantiles[..., int(np.abs(levels - level).argmin())] = values
        forecasts[name] = Forecast(point, quantiles)
    return Chunk(made.places, backtest.laid_beside(forecasts, levels, panel, made.places, scoring))


def _lying(made: Archived, panel: Panel, horizon: int) -> Windows:
    """Where the windows lie: by the cutoffs that there are, and as far as one from the next."""
    cutoffs, number = np.unique(panel.firsts[made.places.series] + made.places.rows, return_inverse=True)
    apart = int(np.median(np.diff(cutoffs))) if len(cutoffs) > 1 else horizon
    return Windows(made.places.series, len(cutoffs) - 1 - number, -(-horizon // apart))


def _found(made: Archived, files: list[Path], season: int) -> list[str]:
    of = f"{len(files)} files" if len(files) > 1 else files[0].name
    lines = [f"scored: {len(made.places.rows)} forecasts of {', '.join(made.points)} in {of}; season {season}"]
    if made.waiting:
        lines.append(f"waiting: {made.waiting} steps that were forecast have no actual value yet")
    if made.unknown:
        lines.append(f"warning: {made.unknown} rows are of series that the actual values do not have; left out")
    return lines


def _drift(
    found: Ledger, report: report.Report, weeks: report.Grouping | None, card: Card | None, own: str
) -> str | None:
    """Say how the live score compares to the backtest's, and since when it has been worse than its band.

    What cannot be compared is no reason to be content: it is said as well.
    """
    if card is None:
        return None
    if report.metric is None or card.targets > 1 or (promised := score_drift.promise(card, report.metric)) is None:
        unknown = "the backtest of the model has no such score to set beside these"
        console.warn(unknown)
        return unknown
    score = report.scores[own][report.metric]
    said = f"live {report.metric} {score:.3g}, backtest {promised.score:.3g}"
    if np.isnan(promised.high) or np.isnan(score):
        unknown = f"{said}: too little in one of them to tell whether that is much"
        console.warn(unknown)
        return unknown
    band = f"the band {max(promised.low, 0.0):.3g} to {promised.high:.3g}"
    by_week = {"these forecasts": np.array(score)}
    if weeks is not None:
        values = found.grouped(weeks.groups, len(weeks.labels))[own][report.metric]
        by_week = dict(zip(weeks.labels, values, strict=True))
    since = score_drift.drifted_since(promised, {label: float(value) for label, value in by_week.items()})
    if since is not None:
        console.warn(f"{said}: outside of {band} since {since}")
        return f"{said}, outside of {band} since {since}"
    if score > promised.high:
        console.note(f"{said}: above {band}, but not of late")
    else:
        console.note(f"{said}: {'better than' if score < promised.low else 'inside of'} {band}")
    return None
