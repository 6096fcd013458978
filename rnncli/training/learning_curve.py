"""How a training went, thinned to what a card has room for. numpy only."""

import numpy as np

from rnncli.model.card import LearningCurve

POINTS = 100  # of a curve: a screen shows no more


def thinned(losses: np.ndarray, gradients: np.ndarray, checks: list[tuple[int, float]]) -> LearningCurve:
    """Of each update's loss (N,) and norm of the gradient (N,), and of the validation losses after some updates.

    A point is the mean of the losses, and the largest of the norms, since the point before: no outburst is lost.
    """
    edges = np.linspace(0, len(losses), min(POINTS, len(losses)) + 1).round().astype(np.int64)
    means = np.add.reduceat(losses.astype(np.float64), edges[:-1]) / np.diff(edges)
    measured = [(step, loss) for step, loss in checks if np.isfinite(loss)]
    return LearningCurve(
        updates=len(losses),
        losses=tuple(map(_short, means)),
        gradients=tuple(
            _short(norm) if np.isfinite(norm) else None for norm in np.maximum.reduceat(gradients, edges[:-1])
        ),
        checks=tuple(step for step, _ in measured),
        validations=tuple(_short(loss) for _, loss in measured),
    )


def _short(value: float) -> float:
    """Four digits that matter."""
    return float(f"{value:.4g}")
