"""Figure of a network's diagnostics: gradient by lag, memory, learning curve, gates, states and attention."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnncli.cli.figures import learning_curve, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnncli.diagnostics.measurements import Diagnostics
    from rnncli.diagnostics.snapshot import Snapshot
    from rnncli.model.card import Card

GATE_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE)
SEASON_COLOURS = (style.BLUE, style.PURPLE, style.ORANGE, style.YELLOW, style.GREEN, style.BLUE)  # cyclic
FEW_STATES = 300  # up to so many points are drawn larger
MAX_TICKS = 8
MIN_SHARE = 1e-4  # of the largest value; smaller ones are not drawn


def draw(path: Path, card: "Card", diagnostics: "Diagnostics", snapshot: "Snapshot") -> None:
    """Draw the first network; panels for what it does not have are left out."""
    member, has_attention = card.members[0], snapshot.attention is not None
    learned = member.course is not None and len(member.course.losses) > 0
    rows = 2 + learned + has_attention
    with style.page(path, 10.5, 2.7 * rows) as figure:
        cells = figure.add_gridspec(rows, 2)
        _draw_gradient(figure.add_subplot(cells[0, 0]), diagnostics, card.season)
        _draw_memory(figure.add_subplot(cells[0, 1]), diagnostics, card.season)
        if learned:
            learning_curve.draw_losses(figure.add_subplot(cells[1, 0]), [member])
            learning_curve.draw_gradients(figure.add_subplot(cells[1, 1]), [member], card.config.training.clip)
        _draw_gates(figure.add_subplot(cells[1 + learned, 0]), snapshot)
        _draw_states(figure.add_subplot(cells[1 + learned, 1]), snapshot, card.season)
        if snapshot.attention is not None:
            _draw_attention(figure.add_subplot(cells[-1, :]), snapshot.attention, snapshot)


def _draw_gradient(axes: "Axes", diagnostics: "Diagnostics", season: int) -> None:
    segment, count = diagnostics.architecture.segment, len(diagnostics.read)
    back = [segment * number for number in range(1, count + 1)]
    axes.plot(back, _visible(diagnostics.whole), color=style.ORANGE, ls="--", label="including base and bypass")
    axes.plot(back, _visible(diagnostics.read), color=style.BLUE, label="through the state")
    style.use_log_scale(axes)
    if diagnostics.reach < diagnostics.architecture.context:
        axes.axvline(diagnostics.reach, color=style.BLUE, lw=0.8, ls="--")
    _mark_seasons(axes, season, back[-1])
    style.label(axes, "gradient by lag", "steps back", "norm (1: largest through the state)")
    style.legend(axes)


def _visible(shares: np.ndarray) -> np.ndarray:
    return np.where(shares >= MIN_SHARE, shares, np.nan)


def _draw_memory(axes: "Axes", diagnostics: "Diagnostics", season: int) -> None:
    after = [diagnostics.architecture.segment * number for number in range(len(diagnostics.kept))]
    axes.plot(after, 100 * _visible(diagnostics.kept), color=style.BLUE)
    style.use_log_scale(axes)
    axes.axhline(5, color=style.FAINT, lw=0.8, ls="--")
    axes.annotate("5 %", (after[-1], 5), ha="right", va="bottom", color=style.FAINT, size=7.5)
    _mark_seasons(axes, season, after[-1])
    style.label(axes, "memory of the state", "steps later", "remaining change, %")


def _mark_seasons(axes: "Axes", season: int, end: float) -> None:
    """Put the ticks at multiples of the season, if these are few."""
    if 1 < 2 * season <= end <= 12 * season:
        axes.set_xticks([season * number for number in range(int(end // season) + 1)])


def _draw_gates(axes: "Axes", snapshot: "Snapshot") -> None:
    """Draw the median and interquartile range of the units, below the series itself."""
    cell, figure = axes.get_subplotspec(), axes.get_figure()
    assert cell is not None and figure is not None
    axes.remove()
    parts = cell.subgridspec(2, 1, height_ratios=(1, 2.2), hspace=0.0)
    above = figure.add_subplot(parts[0])
    axes = figure.add_subplot(parts[1], sharex=above)
    above.plot(range(1 - len(snapshot.series), 1), snapshot.series, color=style.INK, lw=0.6)
    above.set_ylabel("series")
    above.tick_params(labelbottom=False, labelleft=False, left=False)
    shown = snapshot.gates or {"units": snapshot.outputs}
    for colour, (name, spread) in zip(GATE_COLOURS, shown.items(), strict=False):
        axes.fill_between(snapshot.steps, spread[:, 0], spread[:, 2], color=colour, alpha=0.15, lw=0)
        axes.plot(snapshot.steps, spread[:, 1], color=colour, label=name)
    label = "opening (middle half of the units)" if snapshot.gates else "output (middle half of the units)"
    style.label(above, f"{'gates' if snapshot.gates else 'units'} along a series", "", "series")
    style.label(axes, "", "steps before the cutoff", label)
    above.legend(*axes.get_legend_handles_labels(), **style.ABOVE)


def _draw_states(axes: "Axes", snapshot: "Snapshot", season: int) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("season", SEASON_COLOURS) if snapshot.seasonal else "viridis"
    x, y = snapshot.states.T
    ends = {"vmin": 0, "vmax": season} if snapshot.seasonal else {}
    size = 5 if len(x) > FEW_STATES else 15
    points = axes.scatter(x, y, c=snapshot.phases, cmap=colours, s=size, lw=0, alpha=0.8, **ends)  # type: ignore[arg-type]
    colour_label = f"steps into the season of {season}" if snapshot.seasonal else "steps before the cutoff"
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(points, ax=axes, pad=0.02, aspect=30)
    bar.set_label(colour_label, size=8)
    bar.outline.set_visible(False)
    first, second = (f"component {number} ({100 * share:.0f} %)" for number, share in enumerate(snapshot.explained, 1))
    style.label(axes, "states: principal components", first, second)


def _draw_attention(axes: "Axes", weights: np.ndarray, snapshot: "Snapshot") -> None:
    """Draw attention weights (M, N): a row for each query."""
    segment = snapshot.steps[1] - snapshot.steps[0] if len(snapshot.steps) > 1 else 1
    ends = (snapshot.steps[0] - segment / 2, snapshot.steps[-1] + segment / 2, len(weights) + 0.5, 0.5)
    image = axes.imshow(100 * weights, cmap="Blues", vmin=0, aspect="auto", extent=ends, interpolation="nearest")
    axes.set_yticks(range(1, len(weights) + 1, -(-len(weights) // MAX_TICKS)))
    axes.grid(False)
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=15)
    bar.set_label("attention, %", size=8)
    bar.outline.set_visible(False)
    style.label(axes, "attention over the past", "steps before the cutoff", snapshot.queries)
    axes.margins(0)
