"""Convert between the coverage of a central interval in percent and the quantile levels of its bounds."""

from typing import NamedTuple


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
