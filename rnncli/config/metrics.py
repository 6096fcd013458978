"""The metrics that networks can be trained for, and the traits by which the rest of the program treats them.

A new training metric is a row here and its row in `evaluation/metrics.py`. No other module compares their names.
"""

from typing import Literal, NamedTuple

MetricName = Literal["quantiles", "mase", "smape", "owa", "mae", "mse", "rmsse"]
PointName = Literal["median", "mean"]
ErrorDivisor = Literal["unit", "season error", "size"]


class MetricTraits(NamedTuple):
    """Traits of a metric that networks can be trained for."""

    divisors: tuple[ErrorDivisor, ...]  # what it divides errors by, one for each part; none: the window's own scale
    point: PointName = "median"  # statistic of the forecast distribution that minimises it

    @property
    def needs_history(self) -> bool:
        """Return whether errors are divided by a statistic of the values before the window."""
        return any(divisor != "unit" for divisor in self.divisors)


TRAINING_METRICS: dict[MetricName, MetricTraits] = {
    "quantiles": MetricTraits(()),
    "mase": MetricTraits(("season error",)),
    "smape": MetricTraits(("size",)),
    "owa": MetricTraits(("season error", "size")),
    "mae": MetricTraits(("unit",)),
    "mse": MetricTraits(("unit",), point="mean"),
    "rmsse": MetricTraits(("season error",), point="mean"),
}
