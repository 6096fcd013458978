"""The scores of a backtest as a person, a table or a program reads them."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.cli import console
from rnncli.cli.comparison_words import difference_words, violation_words
from rnncli.cli.evaluate.request import BacktestRequest, ScoreRequest
from rnncli.cli.figures import backtest as figure
from rnncli.errors import DataError, GateError
from rnncli.evaluation import metrics, significance
from rnncli.evaluation.backtest import ForecastChunk, WindowScores
from rnncli.evaluation.conditions import FailCondition, check_fail_condition
from rnncli.evaluation.significance import Difference, WindowPositions
from rnncli.files.paths import STANDARD_STREAM
from rnncli.messages import did_you_mean
from rnncli.panel import Cutoffs, Forecast, Panel
from rnncli.panel.export.backtest_table import Backtest, backtest_frame
from rnncli.panel.export.names import POINT
from rnncli.panel.time import formats
from rnncli.tables import writing
from rnncli.tables.formats import is_binary, output_format

WORST = 10  # series shown on a terminal


class Grouping(NamedTuple):
    """Which group each of N windows is of."""

    by: str
    labels: list[str]
    groups: np.ndarray  # (N,)


class Report(NamedTuple):
    """All that is to be said."""

    names: Sequence[str]  # metrics
    own: str  # the method that the others are compared with
    windows: int
    scores: dict[str, dict[str, float]]  # method, metric
    metric: str | None  # that methods are compared by
    differences: dict[str, Difference]  # of the model from each baseline
    broken_down: pd.DataFrame | None  # a row for each group and method
    costs: Mapping[str, Mapping[str, float]] = MappingProxyType({})  # what a method took, in further columns

    @property
    def columns(self) -> list[str]:
        """The scores that every method has."""
        return list(self.scores[self.own])

    @property
    def rows(self) -> dict[str, dict[str, float]]:
        """The scores of each method with what it took, as far as that is known."""
        names = list(dict.fromkeys(name for row in self.costs.values() for name in row))
        nothing = dict.fromkeys(names, math.nan)
        return {method: {**row, **nothing, **self.costs.get(method, {})} for method, row in self.scores.items()}

    @property
    def sentences(self) -> dict[str, str]:
        """What is said of the model against each baseline."""
        return {name: difference_words(difference, name) for name, difference in self.differences.items()}


def grouping(by: str | None, panel: Panel, frame: pd.DataFrame, places: Cutoffs, horizon: int) -> Grouping | None:
    """The groups that windows are broken down into. Raises DataError where a column tells no groups."""
    if by is None:
        return None
    match "series" if by == panel.summary.roles.id else by:
        case "horizon":
            return Grouping("horizon", [str(step) for step in range(1, horizon + 1)], places.rows * 0)
        case "series":
            return Grouping("series", [str(name) for name in panel.ids], places.series)
        case "window":
            groups, cutoffs = pd.factorize(panel.times_at(places.series, places.rows - 1), sort=True)
            return Grouping("cutoff", formats.plain(list(cutoffs)), groups)
        case "week":
            if panel.times.integer:
                raise DataError("--by week: the clock is plain numbers, which have no weeks")
            times = pd.DatetimeIndex(panel.times_at(places.series, places.rows - 1)).tz_localize(None)
            groups, weeks = pd.factorize(times.to_period("W").start_time, sort=True)
            return Grouping("week", [f"{week:%Y-%m-%d}" for week in weeks], groups)
        case _:
            labels, groups = _of_column(by, panel, frame)
            return Grouping(by, labels, groups[places.series])


def _of_column(column: str, panel: Panel, frame: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """The values of a column and which of them each series has."""
    identifier = panel.summary.roles.id
    if column not in frame or identifier is None:
        known = ["horizon", "series", "window", "week", *(str(name) for name in frame.columns)]
        why = (
            f'there is no column "{column}"' if identifier else "without a column of ids there are no groups of series"
        )
        raise DataError(f"--by: {why}.{did_you_mean(column, known)}")
    if column in ("model", "windows") or column in metrics.METRICS:
        raise DataError(f'--by: the column "{column}" has the name of one of the scores. Rename it')
    table = frame[[identifier, column]].drop_duplicates()
    twice = table[identifier].duplicated()
    if twice.any():
        name = table[identifier][twice].iloc[0]
        raise DataError(f'--by "{column}": it changes within series "{name}". Name a column that does not')
    value = table.set_index(table[identifier].astype(str))[column].reindex([str(name) for name in panel.ids])
    texts = value.astype(object).where(value.notna(), "").astype(str)  # an empty value is a group, too
    groups, labels = pd.factorize(texts, sort=True)
    return [str(label) for label in labels], groups


def report(found: WindowScores, windows: WindowPositions, grouped: Grouping | None, own: str = POINT) -> Report:
    """What the windows tell; own: the method that the others are compared with."""
    metric = metrics.comparable(found.scoring.metrics)
    differences = {}
    if metric is not None:
        mine = found.terms[own][metric]
        others = {name: row[metric] for name, row in found.terms.items() if name != own}
        differences = {name: significance.compare(mine, other, windows) for name, other in others.items()}
    table = None if grouped is None else _table(found, grouped)
    return Report(found.scoring.metrics, own, len(found.cutoffs.rows), found.overall(), metric, differences, table)


def _table(found: WindowScores, grouped: Grouping) -> pd.DataFrame:
    """A row for each group and method: the group, how many windows, the method, its scores."""
    size = len(grouped.labels)
    if grouped.by == "horizon":
        scores, counts = found.by_step(), np.full(size, len(found.cutoffs.rows))
    else:
        scores, counts = found.by_group(grouped.groups, size), np.bincount(grouped.groups, minlength=size)
    tables = [
        pd.DataFrame({grouped.by: grouped.labels, "windows": counts, "model": method} | row)
        for method, row in scores.items()
    ]
    every = pd.concat(tables, ignore_index=True)
    place = np.tile(np.arange(size), len(tables))
    return every.iloc[np.argsort(place, kind="stable")][np.repeat(counts, len(tables)) > 0].reset_index(drop=True)


def write_results(
    report: Report,
    found: WindowScores,
    request: ScoreRequest,
    backtest: BacktestRequest,
    saved: "Forecasts | None",
    freq: str,
) -> None:
    """The files that were asked for, then the scores; freq: what a step of the clock is called."""
    if saved is not None:
        saved.write()
    if backtest.plot is not None:
        figure.draw(backtest.plot, found, report.own, report.metric, freq)
    show(report, request.format, request.explain)


def check_conditions(conditions: list[FailCondition], report: Report, drift: str | None = None) -> None:
    """Raise GateError if a condition of --fail-if holds; drift: words for a drift of the scores, if there is one."""
    scores, drifted = report.scores[report.own], drift is not None
    found = (check_fail_condition(condition, scores, report.differences, drifted) for condition in conditions)
    if reasons := [violation_words(violation, drift) for violation in found if violation]:
        raise GateError("; ".join(reasons))


def show(report: Report, kind: str, explained: bool) -> None:
    """Everything on stdout, but for what is said of differences and metrics, which goes beside it."""
    if report.metric is not None and kind != "json":
        subject = report.metric if report.own == POINT else f"{report.metric}, {report.own}"
        console.notes([f"{subject}: {text}" for text in report.sentences.values()])
    match kind:
        case "table":
            header = ["model", *next(iter(report.rows.values()))]
            rows = [
                [name, *(console.format_value(value) for value in row.values())] for name, row in report.rows.items()
            ]
            console.show_table(header, rows)
            if report.broken_down is not None:
                _show_broken_down(report.broken_down, report)
        case "json":
            print(json.dumps(_plain(report), indent=1))
        case _:
            whole = pd.DataFrame([{"model": name} | row for name, row in report.rows.items()])
            writing.write(whole if report.broken_down is None else report.broken_down, STANDARD_STREAM, kind)
    if explained:
        console.notes([f"{name}: {text}" for name, text in metrics.formulas(report.names).items()])


def _show_broken_down(table: pd.DataFrame, report: Report) -> None:
    """The rows of the method that the others are compared with; of series those it does worst on."""
    group = str(table.columns[0])
    own = table[table["model"] == report.own].set_index(group).drop(columns="model")
    caption = ""
    if group == "series" and len(own) > WORST and report.metric is not None:
        caption = f"the {WORST} worst of {len(own)} series; --format csv has them all"
        own = own.sort_values(report.metric, ascending=False).head(WORST)
    rows = [
        [str(label), *(console.format_value(value) for value in row)]
        for label, row in zip(own.index, own.values.tolist(), strict=True)
    ]
    console.show_table([group, *own.columns], rows, title=f"by {group}", caption=caption)


def _plain(report: Report) -> dict[str, object]:
    """What a program gets: what could not be measured is null."""

    def number(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    rows = [] if report.broken_down is None else json.loads(report.broken_down.to_json(orient="records"))
    return {
        "windows": report.windows,
        "scores": {method: {name: number(value) for name, value in row.items()} for method, row in report.rows.items()},
        "compared_by": report.metric,
        "differences": {
            name: {key: number(getattr(one, key)) for key in one._fields} | {"verdict": one.verdict}
            for name, one in report.differences.items()
        },
        "by": rows,
    }


class Forecasts:
    """The forecasts of every window, gathered while they pass."""

    def __init__(self, path: Path, percents: tuple[float, ...]) -> None:
        self.path, self.percents = path, percents
        self.kind = output_format(path)
        self.frames: list[pd.DataFrame] = []

    def collected(self, panel: Panel, chunks: Iterator[ForecastChunk]) -> Iterator[ForecastChunk]:
        """The same chunks."""
        for chunk in chunks:
            first = next(iter(chunk.forecasts.values()))
            methods = {name: Forecast(scored.point, scored.quantiles) for name, scored in chunk.forecasts.items()}
            backtest = Backtest(chunk.cutoffs, first.actual, methods, first.levels)
            text_times = not is_binary(self.kind)
            self.frames.append(backtest_frame(panel, backtest, self.percents, text_times))
            yield chunk

    def write(self) -> None:
        """Put them into the file."""
        writing.write(pd.concat(self.frames, ignore_index=True), str(self.path), self.kind)
