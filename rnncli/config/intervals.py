"""Levels of the quantiles of networks, and of the bounds of central intervals with a coverage in percent."""

from typing import NamedTuple

QUANTILE_LEVELS = (0.025, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.975)  # of networks; the outermost bound 95 %


class Bounds(NamedTuple):
    """The quantile levels of the two bounds of an interval."""

    low: float
    high: float


def interval_bounds(percent: float) -> Bounds:
    """Return the quantile levels of the interval with this coverage."""
    return Bounds(0.5 - percent / 200, 0.5 + percent / 200)


def interval_percent(level: float) -> float:
    """Return the coverage of the interval with a bound at this quantile level."""
    return abs(200 * level - 100)
