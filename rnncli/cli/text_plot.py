"""Plots of a forecast and of curves in text characters."""

import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 66, 10
PAST, MEDIAN, INTERVAL, CUTOFF = "•", "●", "░", "│"
CURVE_MARKS = "•░"


class Curve(NamedTuple):
    """A named curve."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def draw_forecast(
    title: str, past: Sequence[float], low: Sequence[float], median: Sequence[float], high: Sequence[float]
) -> str:
    """Return 11 lines of 76 columns: the past (with gaps for NaN), the cutoff, and the median within its interval."""
    ahead = min(len(median), WIDTH // 2)
    history = _thinned(past, WIDTH - ahead)
    lower, middle, upper = (_thinned(line, ahead) for line in (low, median, high))
    known = [value for line in (history, lower, upper) for value in line if value == value]
    least, most = min(known), max(known)

    def row(value: float) -> int:
        return round((most - value) / ((most - least) or 1.0) * (HEIGHT - 1))

    canvas = [[" "] * (len(history) + 1 + ahead) for _ in range(HEIGHT)]
    for line in canvas:
        line[len(history)] = CUTOFF
    for column, value in enumerate(history):
        if value == value:
            canvas[row(value)][column] = PAST
    for step in range(ahead):
        column = len(history) + 1 + step
        for number in range(row(upper[step]), row(lower[step]) + 1):
            canvas[number][column] = INTERVAL
        canvas[row(middle[step])][column] = MEDIAN
    return "\n".join([f"{'':>9} {title}", *_with_labels(canvas, f"{most:.4g}", f"{least:.4g}")])


def draw_curves(title: str, x_label: str, curves: Sequence[Curve], logarithmic: bool = False) -> str:
    """Return 13 lines of 76 columns with up to two curves, each with its own mark.

    logarithmic: use a logarithmic y axis, and leave out values that are not positive.
    """
    scale = math.log10 if logarithmic else float
    points = [
        (mark, x, scale(y))
        for mark, curve in zip(CURVE_MARKS, curves, strict=False)
        for x, y in zip(curve.x, curve.y, strict=True)
        if y == y and not (logarithmic and y <= 0)
    ]
    least, most = min(y for _, _, y in points), max(y for _, _, y in points)
    first, last = min(x for _, x, _ in points), max(x for _, x, _ in points)
    canvas = [[" "] * WIDTH for _ in range(HEIGHT)]
    for mark, x, y in points:
        column = round((x - first) / ((last - first) or 1.0) * (WIDTH - 1))
        canvas[round((most - y) / ((most - least) or 1.0) * (HEIGHT - 1))][column] = mark
    top, bottom = (10**value if logarithmic else value for value in (most, least))
    legend = ", ".join(f"{mark} {curve.name}" for mark, curve in zip(CURVE_MARKS, curves, strict=False))
    axis = f"{first:g}{f'{x_label} {last:g}':>{WIDTH - len(f'{first:g}')}}"
    body = _with_labels(canvas, f"{top:.3g}", f"{bottom:.3g}")
    return "\n".join([f"{'':>9} {title}: {legend}", *body, f"{'':>9} {axis}"])


def _thinned(values: Sequence[float], length: int) -> list[float]:
    """Return at most `length` values, evenly spaced, including the first and the last."""
    if len(values) <= length:
        return list(values)
    return [values[round(number * (len(values) - 1) / (length - 1))] for number in range(length)]


def _with_labels(canvas: Sequence[Sequence[str]], top: str, bottom: str) -> list[str]:
    """Return the lines of a canvas with the largest and the smallest value as labels."""
    labels = [top, *[""] * (len(canvas) - 2), bottom]
    return [f"{label:>9} {''.join(line).rstrip()}" for label, line in zip(labels, canvas, strict=True)]
