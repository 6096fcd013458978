"""A series and its forecast, and curves, drawn in characters."""

import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 66, 10
PAST, MEDIAN, INTERVAL, NOW = "•", "●", "░", "│"

MARKS = "•░"


class Curve(NamedTuple):
    """A curve and its name."""

    name: str
    along: Sequence[float]
    values: Sequence[float]


def draw_forecast(
    title: str, past: Sequence[float], low: Sequence[float], median: Sequence[float], high: Sequence[float]
) -> str:
    """The past (NaN leaves a gap), a bar at now, and the median ahead within its interval: 11 lines of 76 columns."""
    ahead = min(len(median), WIDTH // 2)
    before = _thinned(past, WIDTH - ahead)
    under, middle, over = (_thinned(line, ahead) for line in (low, median, high))
    known = [value for line in (before, under, over) for value in line if value == value]
    least, most = min(known), max(known)

    def row(value: float) -> int:
        return round((most - value) / ((most - least) or 1.0) * (HEIGHT - 1))

    canvas = [[" "] * (len(before) + 1 + ahead) for _ in range(HEIGHT)]
    for line in canvas:
        line[len(before)] = NOW
    for place, value in enumerate(before):
        if value == value:
            canvas[row(value)][place] = PAST
    for place in range(ahead):
        for between in range(row(over[place]), row(under[place]) + 1):
            canvas[between][len(before) + 1 + place] = INTERVAL
        canvas[row(middle[place])][len(before) + 1 + place] = MEDIAN
    labels = [f"{most:.4g}", *[""] * (HEIGHT - 2), f"{least:.4g}"]
    body = [f"{label:>9} {''.join(line).rstrip()}" for label, line in zip(labels, canvas, strict=True)]
    return "\n".join([f"{'':>9} {title}", *body])


def _thinned(values: Sequence[float], length: int) -> list[float]:
    """The values, or as many of them as there are places, evenly spaced."""
    if len(values) <= length:
        return list(values)
    return [values[round(place * (len(values) - 1) / (length - 1))] for place in range(length)]


def draw_curves(title: str, along: str, curves: Sequence[Curve], logarithmic: bool = False) -> str:
    """Up to two curves, each by a mark of its own, over the same values `along`: 13 lines of 76 columns.

    Without a logarithm of what is not above zero.
    """
    scale = math.log10 if logarithmic else float
    points = [
        (mark, x, scale(y))
        for mark, curve in zip(MARKS, curves, strict=False)
        for x, y in zip(curve.along, curve.values, strict=True)
        if y == y and not (logarithmic and y <= 0)
    ]
    least, most = min(y for _, _, y in points), max(y for _, _, y in points)
    first, last = min(x for _, x, _ in points), max(x for _, x, _ in points)
    canvas = [[" "] * WIDTH for _ in range(HEIGHT)]
    for mark, x, y in points:
        column = round((x - first) / ((last - first) or 1.0) * (WIDTH - 1))
        canvas[round((most - y) / ((most - least) or 1.0) * (HEIGHT - 1))][column] = mark
    ends = [10**value if logarithmic else value for value in (most, least)]
    labels = [f"{ends[0]:.3g}", *[""] * (HEIGHT - 2), f"{ends[1]:.3g}"]
    body = [f"{label:>9} {''.join(line).rstrip()}" for label, line in zip(labels, canvas, strict=True)]
    named = ", ".join(f"{mark} {curve.name}" for mark, curve in zip(MARKS, curves, strict=False))
    below = f"{first:g}{f'{along} {last:g}':>{WIDTH - len(f'{first:g}')}}"
    return "\n".join([f"{'':>9} {title}: {named}", *body, f"{'':>9} {below}"])
