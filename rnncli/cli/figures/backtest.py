"""Figure of a backtest: errors of all methods and coverage of the intervals, by horizon step."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncli.cli.figures import style
from rnncli.evaluation.backtest import WindowScores
from rnncli.evaluation.metrics import nominal_coverages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHOD_COLOURS = (style.ORANGE, style.GREEN, style.PURPLE, style.YELLOW, style.SKY)
DASHES = ("--", "-.", ":", (0, (6, 2)), (0, (1, 1)))
INTERVAL_COLOURS = (style.BLUE, style.ORANGE, style.GREEN)
MAX_MARKED_STEPS = 3  # a line of so few points gets marks


def draw(path: Path, ledger: WindowScores, method: str, metric: str | None, step: str) -> None:
    """Draw the scores by horizon step of a ledger that holds them.

    method: drawn in bold, with the coverage of its intervals; metric: that methods are compared by; step: the name of
    the time step.
    """
    table = ledger.by_step()
    percents = nominal_coverages(table[method])
    error = metric or next((name for name in table[method] if name not in percents), None)
    names = [name for name in (error, *list(percents)[:1]) if name is not None]
    with style.page(path, 4.6 + 3.6 * (len(names) - 1), 3.6) as figure:
        panels = style.grid(figure, len(names), 2)
        for axes, name in zip(panels, names, strict=True):
            if name in percents:
                _draw_coverage(axes, table[method], percents, method)
            else:
                _draw_errors(axes, {other: row[name] for other, row in table.items()}, method, name)
            axes.set_xlabel(f"steps ahead ({step})")
            axes.margins(x=0.02)


def _draw_errors(axes: "Axes", rows: dict[str, np.ndarray], method: str, metric: str) -> None:
    """Draw a line for each method; rows: (H,) each."""
    steps = np.arange(1, len(rows[method]) + 1)
    mark = "." if len(steps) <= MAX_MARKED_STEPS else ""
    axes.plot(steps, rows[method], color=style.BLUE, lw=2.0, marker=mark, label=method, zorder=3)
    others = [name for name in rows if name != method]
    for number, name in enumerate(others):
        axes.plot(steps, rows[name], label=name, lw=1.0, marker=mark, **line_style(number))
    axes.set_title(f"{metric} by horizon step")
    axes.set_ylabel(metric)
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.18), ncols=3, borderaxespad=0.0)


def line_style(number: int) -> dict[str, Any]:
    """Return the colour and dashes of the other methods; 25 of them differ."""
    dash = (number + number // len(METHOD_COLOURS)) % len(DASHES)
    return {"color": METHOD_COLOURS[number % len(METHOD_COLOURS)], "ls": DASHES[dash]}


def _draw_coverage(axes: "Axes", row: dict[str, np.ndarray], percents: dict[str, float], method: str) -> None:
    """Draw the coverage of each interval, with its nominal level as a dashed line."""
    for number, (name, percent) in enumerate(percents.items()):
        colour = INTERVAL_COLOURS[number % len(INTERVAL_COLOURS)]
        steps = np.arange(1, len(row[name]) + 1)
        mark = "." if len(steps) <= MAX_MARKED_STEPS else ""
        axes.plot(steps, 100 * row[name], color=colour, marker=mark, label=f"{percent:g} % interval")
        axes.axhline(percent, color=colour, lw=0.8, ls="--")
    axes.set_title(f"coverage of {method} (dashed: nominal)")
    axes.set_ylabel("covered values, %")
    axes.set_ylim(top=101)
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.18), ncols=3, borderaxespad=0.0)
