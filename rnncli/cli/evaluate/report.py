"""Report of a backtest: scores, differences and breakdown as a table on the terminal, a file format or JSON."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from rnncli.cli import console
from rnncli.cli.comparison_words import difference_words, violation_words
from rnncli.cli.evaluate.request import BacktestRequest, ScoreRequest
from rnncli.cli.figures import backtest as figure
from rnncli.errors import GateError
from rnncli.evaluation import metrics, significance
from rnncli.evaluation.backtest import ForecastChunk, WindowScores
from rnncli.evaluation.breakdown import Grouping, score_groups
from rnncli.evaluation.conditions import FailCondition, check_fail_condition
from rnncli.evaluation.significance import Difference, WindowPositions
from rnncli.files.paths import STANDARD_STREAM
from rnncli.panel import Forecast, Panel
from rnncli.panel.export.backtest_table import Backtest, backtest_table
from rnncli.panel.export.names import POINT
from rnncli.tables import writing
from rnncli.tables.formats import is_binary, output_format

WORST = 10  # series shown on a terminal


class Report(NamedTuple):
    """The content of a report."""

    metrics: Sequence[str]
    method: str  # that the others are compared with
    windows: int
    scores: dict[str, dict[str, float]]  # by method and column
    metric: str | None  # that methods are compared by
    differences: dict[str, Difference]  # of the method from each other
    breakdown: pd.DataFrame | None  # a row for each group and method
    costs: Mapping[str, Mapping[str, float]] = MappingProxyType({})  # further columns by method

    @property
    def columns(self) -> list[str]:
        """The columns of scores."""
        return list(self.scores[self.method])

    @property
    def rows(self) -> dict[str, dict[str, float]]:
        """The scores and costs of each method; NaN where there are none."""
        names = list(dict.fromkeys(name for row in self.costs.values() for name in row))
        unknown = dict.fromkeys(names, math.nan)
        return {method: {**row, **unknown, **self.costs.get(method, {})} for method, row in self.scores.items()}


def report(scores: WindowScores, windows: WindowPositions, grouping: Grouping | None, method: str = POINT) -> Report:
    """Return the report of a backtest; method: that the others are compared with."""
    metric, differences = metrics.comparable(scores.scoring.metrics), {}
    if metric is not None:
        terms = {name: row[metric] for name, row in scores.terms.items()}
        differences = significance.compare_all(terms, method, windows)
    breakdown = None if grouping is None else score_groups(scores, grouping)
    count = len(scores.cutoffs.rows)
    return Report(scores.scoring.metrics, method, count, scores.overall(), metric, differences, breakdown)


def write_results(
    report: Report,
    scores: WindowScores,
    request: ScoreRequest,
    backtest: BacktestRequest,
    saved: "Forecasts | None",
    frequency: str,
) -> None:
    """Write the requested files, then show the scores; frequency: its name, for the figure."""
    if saved is not None:
        saved.write()
    if backtest.plot is not None:
        figure.draw(backtest.plot, scores, report.method, report.metric, frequency)
    show(report, request.format, request.explain)


def check_conditions(conditions: list[FailCondition], report: Report, drift: str | None = None) -> None:
    """Raise GateError if a condition of --fail-if holds; drift: words for a drift of the scores, if there is one."""
    scores, drifted = report.scores[report.method], drift is not None
    found = (check_fail_condition(condition, scores, report.differences, drifted) for condition in conditions)
    if reasons := [violation_words(violation, drift) for violation in found if violation]:
        raise GateError(f"--fail-if {'; '.join(reasons)}")


def show(report: Report, format: str, explain: bool) -> None:
    """Show the scores on stdout, differences and explanations of the metrics on stderr."""
    if report.metric is not None and format != "json":
        subject = report.metric if report.method == POINT else f"{report.metric}, {report.method}"
        differences = report.differences.items()
        console.notes([f"{subject}: {difference_words(difference, name)}" for name, difference in differences])
    match format:
        case "table":
            _show_table(report)
        case "json":
            print(json.dumps(_as_json(report), indent=1))
        case _:
            overall = pd.DataFrame([{"model": name} | row for name, row in report.rows.items()])
            chosen = overall if report.breakdown is None else report.breakdown
            writing.write(pa.Table.from_pandas(chosen, preserve_index=False), STANDARD_STREAM, format)
    if explain:
        console.notes([f"{name}: {formula}" for name, formula in metrics.formulas(report.metrics).items()])


def _show_table(report: Report) -> None:
    """Show the scores, and their breakdown if there is one."""
    header = ["model", *next(iter(report.rows.values()))]
    rows = [[name, *(console.format_value(value) for value in row.values())] for name, row in report.rows.items()]
    console.show_table(header, rows)
    if report.breakdown is not None:
        _show_breakdown(report.breakdown, report)


def _show_breakdown(table: pd.DataFrame, report: Report) -> None:
    """Show the rows of the method that the others are compared with; of many series only the worst."""
    group = str(table.columns[0])
    scores = table[table["model"] == report.method].set_index(group).drop(columns="model")
    caption = ""
    if group == "series" and len(scores) > WORST and report.metric is not None:
        caption = f"the {WORST} worst of {len(scores)} series; --format csv shows all"
        scores = scores.sort_values(report.metric, ascending=False).head(WORST)
    rows = [
        [str(label), *(console.format_value(value) for value in row)]
        for label, row in zip(scores.index, scores.values.tolist(), strict=True)
    ]
    console.show_table([group, *scores.columns], rows, title=f"by {group}", caption=caption)


def _as_json(report: Report) -> dict[str, object]:
    """Return the report for programs; NaN becomes null."""
    breakdown = report.breakdown
    return {
        "windows": report.windows,
        "scores": {
            method: {name: _finite(value) for name, value in row.items()} for method, row in report.rows.items()
        },
        "compared_by": report.metric,
        "differences": {
            name: {key: _finite(getattr(difference, key)) for key in difference._fields}
            | {"verdict": difference.verdict}
            for name, difference in report.differences.items()
        },
        "by": [] if breakdown is None else json.loads(breakdown.to_json(orient="records")),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


class Forecasts:
    """Collects the forecasts of all windows and writes them to a file."""

    def __init__(self, path: Path, percents: tuple[float, ...]) -> None:
        self.path, self.percents = path, percents
        self.format = output_format(path)
        self.tables: list[pa.Table] = []

    def collected(self, panel: Panel, chunks: Iterator[ForecastChunk]) -> Iterator[ForecastChunk]:
        """Yield the chunks unchanged, and collect their forecasts."""
        for chunk in chunks:
            first = next(iter(chunk.forecasts.values()))
            methods = {name: Forecast(found.point, found.quantiles) for name, found in chunk.forecasts.items()}
            backtest = Backtest(chunk.cutoffs, first.actual, methods, first.levels)
            text_times = not is_binary(self.format)
            self.tables.append(backtest_table(panel, backtest, self.percents, text_times))
            yield chunk

    def write(self) -> None:
        """Write the collected forecasts."""
        writing.write(pa.concat_tables(self.tables), str(self.path), self.format)
