"""A series and its forecast drawn in characters."""

from collections.abc import Sequence

WIDTH, HEIGHT = 66, 10
PAST, MEDIAN, INTERVAL, NOW = "•", "●", "░", "│"


def draw(
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
