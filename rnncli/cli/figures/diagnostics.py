"""How far back a network reaches, and what its gates and states do."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnncli.cli.figures import learning_curve, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnncli.diagnostics import Health
    from rnncli.diagnostics.snapshot import Portrait
    from rnncli.model.card import Card

COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE)
ROUND = (style.BLUE, style.PURPLE, style.ORANGE, style.YELLOW, style.GREEN, style.BLUE)  # as a season ends, it begins
FEW_STATES = 300  # larger points can be told apart
MOST_TICKS = 8
LEAST = 1e-4  # of the largest: what is below is not drawn


def draw(path: Path, card: "Card", health: "Health", portrait: "Portrait") -> None:
    """All of the first network; what it does not have leaves no room."""
    member, looks = card.members[0], portrait.looked is not None
    learned = member.course is not None and len(member.course.losses) > 0
    rows = 2 + learned + looks
    with style.page(path, 10.5, 2.7 * rows) as figure:
        places = figure.add_gridspec(rows, 2)
        _lags(figure.add_subplot(places[0, 0]), health, card.season)
        _memory(figure.add_subplot(places[0, 1]), health, card.season)
        if learned:
            learning_curve.losses(figure.add_subplot(places[1, 0]), [member])
            learning_curve.norms(figure.add_subplot(places[1, 1]), [member], card.config.training.clip)
        _gates(figure.add_subplot(places[1 + learned, 0]), portrait)
        _states(figure.add_subplot(places[1 + learned, 1]), portrait, card.season)
        if portrait.looked is not None:
            _attention(figure.add_subplot(places[-1, :]), portrait.looked, portrait)


def _lags(axes: "Axes", health: "Health", season: int) -> None:
    segment, count = health.architecture.segment, len(health.read)
    back = [segment * place for place in range(1, count + 1)]
    axes.plot(back, _seen(health.whole), color=style.ORANGE, ls="--", label="with base and bypass")
    axes.plot(back, _seen(health.read), color=style.BLUE, label="through the state")
    style.logarithmic(axes)
    if health.reach < health.architecture.context:
        axes.axvline(health.reach, color=style.BLUE, lw=0.8, ls="--")
    _seasons(axes, season, back[-1])
    style.titled(axes, "gradient by lag", "steps back", "norm (1: the largest through the state)")
    style.legend(axes)


def _seen(shares: np.ndarray) -> np.ndarray:
    return np.where(shares >= LEAST, shares, np.nan)


def _memory(axes: "Axes", health: "Health", season: int) -> None:
    after = [health.architecture.segment * place for place in range(len(health.kept))]
    axes.plot(after, 100 * _seen(health.kept), color=style.BLUE)
    style.logarithmic(axes)
    axes.axhline(5, color=style.FAINT, lw=0.8, ls="--")
    axes.annotate("5 %", (after[-1], 5), ha="right", va="bottom", color=style.FAINT, size=7.5)
    _seasons(axes, season, after[-1])
    style.titled(axes, "how long the state remembers a change", "steps later", "left of the change, %")


def _seasons(axes: "Axes", season: int, end: float) -> None:
    """A mark below for each season, where there are few."""
    if 1 < 2 * season <= end <= 12 * season:
        axes.set_xticks([season * number for number in range(int(end // season) + 1)])


def _gates(axes: "Axes", portrait: "Portrait") -> None:
    """Medians of the units, and where half of them lie, below the series itself."""
    place, figure = axes.get_subplotspec(), axes.get_figure()
    assert place is not None and figure is not None
    axes.remove()
    parts = place.subgridspec(2, 1, height_ratios=(1, 2.2), hspace=0.0)
    above = figure.add_subplot(parts[0])
    axes = figure.add_subplot(parts[1], sharex=above)
    above.plot(range(1 - len(portrait.series), 1), portrait.series, color=style.INK, lw=0.6)
    above.set_ylabel("series")
    above.tick_params(labelbottom=False, labelleft=False, left=False)
    shown = portrait.gates or {"units": portrait.activity}
    for colour, (name, spread) in zip(COLOURS, shown.items(), strict=False):
        axes.fill_between(portrait.back, spread[:, 0], spread[:, 2], color=colour, alpha=0.15, lw=0)
        axes.plot(portrait.back, spread[:, 1], color=colour, label=name)
    label = "openness (half of the units)" if portrait.gates else "output (half of the units)"
    style.titled(above, f"{'gates' if portrait.gates else 'units'} along a series", "", "series")
    style.titled(axes, "", "steps before the cutoff", label)
    above.legend(*axes.get_legend_handles_labels(), **style.ABOVE)


def _states(axes: "Axes", portrait: "Portrait", season: int) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("round", ROUND) if portrait.seasonal else "viridis"
    along, across = portrait.states.T
    ends = {"vmin": 0, "vmax": season} if portrait.seasonal else {}
    size = 5 if len(along) > FEW_STATES else 15
    points = axes.scatter(along, across, c=portrait.hue, cmap=colours, s=size, lw=0, alpha=0.8, **ends)  # type: ignore[arg-type]
    called = f"steps into the season of {season}" if portrait.seasonal else "steps before the cutoff"
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(points, ax=axes, pad=0.02, aspect=30)
    bar.set_label(called, size=8)
    bar.outline.set_visible(False)
    first, second = (f"component {place + 1} ({100 * share:.0f} %)" for place, share in enumerate(portrait.explained))
    style.titled(axes, "states, by their principal components", first, second)


def _attention(axes: "Axes", looked: np.ndarray, portrait: "Portrait") -> None:
    """A row for each of those that look (M, N)."""
    segment = portrait.back[1] - portrait.back[0] if len(portrait.back) > 1 else 1
    ends = (portrait.back[0] - segment / 2, portrait.back[-1] + segment / 2, len(looked) + 0.5, 0.5)
    image = axes.imshow(100 * looked, cmap="Blues", vmin=0, aspect="auto", extent=ends, interpolation="nearest")
    axes.set_yticks(range(1, len(looked) + 1, -(-len(looked) // MOST_TICKS)))
    axes.grid(False)
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=15)
    bar.set_label("looked at, %", size=8)
    bar.outline.set_visible(False)
    style.titled(axes, "attention over the past", "steps before the cutoff", portrait.lookers)
    axes.margins(0)
