"""The metrics of forecasts: one row each, from which options, scores, explanations and conditions are derived.

A new metric is a function and a row here. To make it a training metric as well, add it to `config/metrics.py`. Imports
no numpy, so that the help can list the metrics.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rnncli.config.metrics import MetricName

if TYPE_CHECKING:
    from rnncli.evaluation.window_errors import EvaluatedForecast, MetricTerms


class RelativeMean(NamedTuple):
    """A metric derived from others: their mean, each divided by the score of a reference method."""

    metrics: tuple[str, ...]
    reference: str


class Metric(NamedTuple):
    """A metric, with exactly one of `of_windows`, `of_intervals` and `derived`."""

    name: str
    formula: str  # in one line, for --explain
    of_windows: "Callable[[EvaluatedForecast], MetricTerms] | None" = None
    of_intervals: "Callable[[EvaluatedForecast, float], MetricTerms] | None" = None  # at a coverage in percent
    derived: RelativeMean | None = None
    lower_is_better: bool = True
    nominal: bool = False  # a perfect interval scores its nominal coverage
    reads_quantiles: bool = False  # it scores quantiles at many levels, not the point forecast
    training: MetricName | None = None  # value of --metric that trains for it

    @property
    def comparable(self) -> bool:
        """Return whether differences between methods can be tested: it has terms by window, and lower is better."""
        return self.of_windows is not None and self.lower_is_better

    @property
    def ranks_methods(self) -> bool:
        """Return whether the method with the lowest score is the best."""
        return self.of_intervals is None and self.lower_is_better


def mae(forecast: "EvaluatedForecast") -> "MetricTerms":
    """Return the terms of the mean absolute error."""
    return forecast.mean(abs(forecast.errors))


def mse(forecast: "EvaluatedForecast") -> "MetricTerms":
    """Return the terms of the mean squared error."""
    return forecast.mean(forecast.errors**2)


def rmse(forecast: "EvaluatedForecast") -> "MetricTerms":
    """Return the terms of the root mean squared error."""
    return forecast.mean(forecast.errors**2, root=True)


def mase(forecast: "EvaluatedForecast") -> "MetricTerms":
    """Return the terms of the mean absolute scaled error (Hyndman and Koehler 2006)."""
    return forecast.mean(abs(forecast.errors), forecast.season_error)


def rmsse(forecast: "EvaluatedForecast") -> "MetricTerms":
    """Return the terms of the root mean squared scaled error."""
    return forecast.mean(forecast.errors**2, forecast.season_square, root=True)


def smape(forecast: "EvaluatedForecast") -> "MetricTerms":
    """Return the terms of the symmetric mean absolute percentage error."""
    return forecast.mean(200 * forecast.ratio(abs(forecast.errors), abs(forecast.actual) + abs(forecast.point)))


def weighted_quantile_loss(forecast: "EvaluatedForecast") -> "MetricTerms":
    """Return the terms of the weighted quantile loss."""
    return forecast.ratio_of_sums(forecast.tenths_loss(), abs(forecast.actual))


def scaled_quantile_loss(forecast: "EvaluatedForecast") -> "MetricTerms":
    """Return the terms of the scaled quantile loss."""
    return forecast.mean(forecast.quantile_loss(), forecast.season_error)


def coverage(forecast: "EvaluatedForecast", percent: float) -> "MetricTerms":
    """Return the terms of the coverage of an interval."""
    return forecast.share_inside(forecast.interval(percent))


def width(forecast: "EvaluatedForecast", percent: float) -> "MetricTerms":
    """Return the terms of the width of an interval."""
    return forecast.mean(forecast.interval(percent).width)


def interval_score(forecast: "EvaluatedForecast", percent: float) -> "MetricTerms":
    """Return the terms of the mean scaled interval score (Gneiting and Raftery 2007)."""
    interval = forecast.interval(percent)
    scores = interval.width + 2 / (1 - percent / 100) * forecast.distance_outside(interval)
    return forecast.mean(scores, forecast.season_error)


NAIVE2 = "Naive2"  # M4's reference method
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("MAE", "mean |y - f|", mae, training="mae"),
        Metric("MSE", "mean (y - f)^2", mse, training="mse"),
        Metric("RMSE", "mean over windows of sqrt(mean (y - f)^2)", rmse),
        Metric(
            "MASE",
            "mean |y - f| / mean |y[t] - y[t - season]| before the cutoff; windows with a constant past are skipped",
            mase,
            training="mase",
        ),
        Metric(
            "RMSSE",
            "mean over windows of sqrt(mean (y - f)^2 / mean (y[t] - y[t - season])^2 before the cutoff)",
            rmsse,
            training="rmsse",
        ),
        Metric(
            "sMAPE",
            "mean of 200 |y - f| / (|y| + |f|), in percent from 0 to 200, as in M4; 0 if y = f = 0",
            smape,
            training="smape",
        ),
        Metric(
            "WQL",
            "sum of the mean over quantiles q = 0.1, ..., 0.9 of 2 max(q (y - f), (q - 1)(y - f)), divided by sum |y|",
            weighted_quantile_loss,
            reads_quantiles=True,
        ),
        Metric(
            "OWA",
            "mean of sMAPE and MASE, each divided by that of Naive2 (M4's overall weighted average)",
            derived=RelativeMean(("sMAPE", "MASE"), NAIVE2),
            training="owa",
        ),
        Metric(
            "coverage",
            "share of the actual values inside the interval, from 0 to 1",
            of_intervals=coverage,
            lower_is_better=False,
            nominal=True,
        ),
        Metric("width", "mean of the interval's upper end minus its lower end", of_intervals=width),
        Metric(
            "MSIS",
            "mean of width + 2 / (1 - coverage) times the distance of y from the interval, scaled as in MASE (M4)",
            of_intervals=interval_score,
        ),
    )
}
DEFAULT_METRICS = ("MASE", "MAE", "RMSE", "sMAPE", "WQL", "coverage")  # they fit into 80 columns
SCALED_QUANTILE_LOSS = Metric(  # not shown: a training metric only
    "scaled quantile loss",
    "mean over all levels of 2 max(q (y - f), (q - 1)(y - f)), scaled as in MASE",
    scaled_quantile_loss,
    reads_quantiles=True,
    training="quantiles",
)


def training_metric(name: MetricName) -> Metric:
    """Return the metric that networks trained with --metric NAME are evaluated with."""
    return next(metric for metric in (*METRICS.values(), SCALED_QUANTILE_LOSS) if metric.training == name)


def formulas(names: Sequence[str]) -> dict[str, str]:
    """Return the formula of each metric, in a line."""
    return {name: METRICS[name].formula for name in names}


def comparable(names: Iterable[str]) -> str | None:
    """Return the first metric whose differences between methods can be tested; None if there is none."""
    return next((name for name in names if METRICS[name].comparable), None)


def computed(names: Sequence[str]) -> list[str]:
    """Return the metrics whose terms are computed: derived metrics are replaced by those that they need."""
    needed = [part for name in names if (derived := METRICS[name].derived) for part in derived.metrics]
    return [name for name in dict.fromkeys([*names, *needed]) if METRICS[name].derived is None]


def references(names: Iterable[str]) -> list[str]:
    """Return the reference methods that derived metrics need."""
    return list(dict.fromkeys(derived.reference for name in names if (derived := METRICS[name].derived)))


def columns(names: Iterable[str], percents: Sequence[float]) -> list[str]:
    """Return the column names of metrics: those of intervals once for each coverage, as coverage-80."""
    return [
        column
        for name in names
        for column in (
            [_column(name, percent) for percent in percents] if METRICS[name].of_intervals is not None else [name]
        )
    ]


def _column(name: str, percent: float) -> str:
    return f"{name}-{percent:g}"


def metric_of(column: str) -> Metric | None:
    """Return the metric of a column of `columns`; None if there is none."""
    if column in METRICS:
        return METRICS[column]
    metric = METRICS.get(column.rpartition("-")[0])
    return metric if metric is not None and metric.of_intervals is not None else None


def nominal_coverages(names: Iterable[str]) -> dict[str, float]:
    """Return the columns of coverage, each with its nominal coverage in percent."""
    coverages = {}
    for name in names:
        metric = metric_of(name)
        if metric is not None and metric.nominal:
            try:
                coverages[name] = float(name.rpartition("-")[2])
            except ValueError:  # a column of a card that was tampered with
                continue
    return coverages


def terms(forecast: "EvaluatedForecast", names: Sequence[str], percents: Sequence[float]) -> "dict[str, MetricTerms]":
    """Return the terms of the metrics by window, under their column names."""
    found = {}
    for name in names:
        metric = METRICS[name]
        if metric.of_windows is not None:
            found[name] = metric.of_windows(forecast)
        elif metric.of_intervals is not None:
            found |= {_column(name, percent): metric.of_intervals(forecast, percent) for percent in percents}
    return found
