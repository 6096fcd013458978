"""The error along the horizon beside that of the baselines, and what the intervals held."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncli.cli.figures import style
from rnncli.evaluation.backtest import Ledger
from rnncli.evaluation.metrics import coverages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OTHERS = (style.ORANGE, style.GREEN, style.PURPLE, style.YELLOW, style.SKY)
DASHES = ("--", "-.", ":", (0, (6, 2)), (0, (1, 1)))


def draw(path: Path, found: Ledger, own: str, metric: str | None, step: str) -> None:
    """Of a ledger with steps. metric: that methods are compared by; step: what a step of the clock is called."""
    table = found.by_step()
    held = coverages(table[own])
    named = metric or next((name for name in table[own] if name not in held), None)
    drawn = [name for name in (named, *list(held)[:1]) if name is not None]
    with style.page(path, 4.6 + 3.6 * (len(drawn) - 1), 3.6) as figure:
        panels = style.grid(figure, len(drawn), 2)
        for axes, name in zip(panels, drawn, strict=True):
            if name in held:
                _coverage(axes, table[own], held, own)
            else:
                _errors(axes, {method: row[name] for method, row in table.items()}, own, name)
            axes.set_xlabel(f"steps ahead ({step})")
            axes.margins(x=0.02)


def _errors(axes: "Axes", rows: dict[str, np.ndarray], own: str, name: str) -> None:
    """A line for each method (H,)."""
    ahead = np.arange(1, len(rows[own]) + 1)
    others = [method for method in rows if method != own]
    mark = "." if len(ahead) <= 3 else ""
    axes.plot(ahead, rows[own], color=style.BLUE, lw=2.0, marker=mark, label=own, zorder=3)
    for place, method in enumerate(others):
        axes.plot(ahead, rows[method], label=method, lw=1.0, marker=mark, **_look(place))
    axes.set_title(f"{name} along the horizon")
    axes.set_ylabel(name)
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.18), ncols=3, borderaxespad=0.0)


def _look(place: int) -> dict[str, Any]:
    """Colour and dashes of the methods beside one's own: no two have both the same."""
    dash = (place + place // len(OTHERS)) % len(DASHES)
    return {"color": OTHERS[place % len(OTHERS)], "ls": DASHES[dash]}


def _coverage(axes: "Axes", row: dict[str, np.ndarray], held: dict[str, float], own: str) -> None:
    """What each interval held, beside what it says."""
    for place, (name, percent) in enumerate(held.items()):
        shade = (style.BLUE, style.ORANGE, style.GREEN)[place % 3]
        ahead = np.arange(1, len(row[name]) + 1)
        mark = "." if len(ahead) <= 3 else ""
        axes.plot(ahead, 100 * row[name], color=shade, marker=mark, label=f"the {percent:g} % interval")
        axes.axhline(percent, color=shade, lw=0.8, ls="--")
    axes.set_title(f"what the intervals of {own} held (dashed: as they say)")
    axes.set_ylabel("of the values, %")
    axes.set_ylim(top=101)
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.18), ncols=3, borderaxespad=0.0)
