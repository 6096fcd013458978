"""How the networks of a model learned: losses, and the gradient that the updates had."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnncli.model.card import Card, Member


def draw(path: Path, card: "Card") -> None:
    """How every network of a model learned."""
    with style.page(path, 10.5, 3.2) as figure:
        left, right = style.grid(figure, 2, 2)
        losses(left, card.members)
        norms(right, card.members, card.config.training.clip)


def losses(axes: "Axes", members: Sequence["Member"]) -> None:
    """The first network in full lines, the others faint behind it."""
    for number, member in reversed(list(enumerate(members))):
        if member.course is not None:
            held_out, again = (member.trial, ", in the trial before") if member.trial else (member.course, "")
            _curve(axes, number, member.course.points, member.course.losses, style.BLUE, "training")
            _curve(axes, number, held_out.checks, held_out.validations, style.ORANGE, f"validation{again}")
    style.logarithmic(axes)
    style.titled(axes, "losses in training", "updates", "loss at unit scale")
    style.legend(axes)


def norms(axes: "Axes", members: Sequence["Member"], clip: float) -> None:
    """The same of the gradient; above the line it was clipped."""
    for number, member in reversed(list(enumerate(members))):
        if member.course is not None:
            largest = [math.nan if norm is None else norm for norm in member.course.gradients]
            _curve(axes, number, member.course.points, largest, style.BLUE, "largest of each stretch")
    style.logarithmic(axes)
    axes.axhline(clip, color=style.FAINT, lw=0.8, ls="--", label=f"--clip {clip:g}")
    style.titled(axes, "gradient in training", "updates", "norm before clipping")
    style.legend(axes)


def _curve(axes: "Axes", number: int, along: Sequence[float], values: Sequence[float], colour: str, name: str) -> None:
    if len(along) and number == 0:
        axes.plot(along, values, color=colour, label=name)
    elif len(along):
        axes.plot(along, values, color=colour, alpha=0.3, lw=0.7)
