"""The column names of forecasts: `rnncli`, `rnncli-lo-80`, `rnncli-hi-80`, `rnncli-q0.1`, `rnncli-sample-1`.

utilsforecast and Nixtla's tools use the same names. With several targets each name starts with its target:
`load-rnncli-lo-80`. An interval is named by its coverage in percent, a quantile by its level in (0, 1).
"""

import re
from typing import NamedTuple

import numpy as np

from rnncli.config.intervals import interval_bounds

POINT, CUTOFF, ANOMALY = "rnncli", "cutoff", "anomaly"
WIDE_ID, WIDE_TARGET = "unique_id", "y"
_SUFFIX = re.compile(r"(.+)-(?:(lo|hi)-(\d+(?:\.\d+)?)|q(0?\.\d+)|sample-\d+)$")


class ForecastColumn(NamedTuple):
    """The parts of a column name."""

    method: str
    level: float | None  # the quantile level; None for a point forecast or a sample
    point: bool


def nearest(levels: np.ndarray, level: float) -> int:
    """Return the index of a level among levels (P,), which differ from it by rounding at most."""
    return int(np.abs(levels - level).argmin())


def interval(method: str, percent: float) -> tuple[str, str]:
    """Return the column names of the two ends of an interval."""
    return f"{method}-lo-{percent:g}", f"{method}-hi-{percent:g}"


def quantile(method: str, level: float) -> str:
    """Return the column name of a quantile."""
    return f"{method}-q{level:g}"


def sample(method: str, number: int) -> str:
    """Return the column name of a sample path, counted from 0."""
    return f"{method}-sample-{number + 1}"


def prefixed(name: str, target: str | None) -> str:
    """Return the name, after that of its target if there are several."""
    return name if target is None else f"{target}-{name}"


def parse(name: str) -> ForecastColumn:
    """Return the parts of a column name; any name without a known suffix is a method's point forecast."""
    found = _SUFFIX.match(name)
    if found is None:
        return ForecastColumn(name, None, point=True)
    method, side, percent, level = found.groups()
    if side:
        bounds = interval_bounds(float(percent))
        return ForecastColumn(method, bounds.low if side == "lo" else bounds.high, point=False)
    return ForecastColumn(method, float(level) if level else None, point=False)
