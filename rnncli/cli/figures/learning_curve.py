"""Figure of learning curves: training and validation loss, and gradient norms, by update."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnncli.model.card import Card, Member


def draw(path: Path, card: "Card") -> None:
    """Draw the learning curves of all networks of a model."""
    with style.page(path, 10.5, 3.2) as figure:
        left, right = style.grid(figure, 2, 2)
        draw_losses(left, card.members)
        draw_gradients(right, card.members, card.config.training.clip)


def draw_losses(axes: "Axes", members: Sequence["Member"]) -> None:
    """Draw the losses of the first network in full lines, those of the others in faint lines behind."""
    for number, member in reversed(list(enumerate(members))):
        if member.course is not None:
            held_out, note = (member.trial, " (trial)") if member.trial else (member.course, "")
            _curve(axes, number, member.course.points, member.course.losses, style.BLUE, "training")
            _curve(axes, number, held_out.checks, held_out.validations, style.ORANGE, f"validation{note}")
    style.use_log_scale(axes)
    style.label(axes, "loss", "updates", "loss of scaled values")
    style.legend(axes)


def draw_gradients(axes: "Axes", members: Sequence["Member"], clip: float) -> None:
    """Draw the largest gradient norm of each interval of updates; norms above the dashed line were clipped."""
    for number, member in reversed(list(enumerate(members))):
        if member.course is not None:
            largest = [math.nan if norm is None else norm for norm in member.course.gradients]
            _curve(axes, number, member.course.points, largest, style.BLUE, "largest per interval")
    style.use_log_scale(axes)
    axes.axhline(clip, color=style.FAINT, lw=0.8, ls="--", label=f"--clip {clip:g}")
    style.label(axes, "gradient norm", "updates", "norm before clipping")
    style.legend(axes)


def _curve(
    axes: "Axes", number: int, updates: Sequence[float], values: Sequence[float], colour: str, name: str
) -> None:
    if len(updates) and number == 0:
        axes.plot(updates, values, color=colour, label=name)
    elif len(updates):
        axes.plot(updates, values, color=colour, alpha=0.3, lw=0.7)
