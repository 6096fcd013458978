"""Reduce the history of a training to the learning curve in a card."""

import numpy as np

from rnncli.model.card import LearningCurve

POINTS = 100  # of a curve: a terminal or figure shows no more


def thinned(losses: np.ndarray, gradient_norms: np.ndarray, checks: list[tuple[int, float]]) -> LearningCurve:
    """Return the curve of the losses (N,) and gradient norms (N,) of all updates, and of the validation losses.

    Each point has the mean of the losses since the point before, and the maximum of the norms, to keep the peaks.
    """
    edges = np.linspace(0, len(losses), min(POINTS, len(losses)) + 1).round().astype(np.int64)
    means = np.add.reduceat(losses.astype(np.float64), edges[:-1]) / np.diff(edges)
    peaks = np.maximum.reduceat(gradient_norms, edges[:-1])
    finite = [(step, loss) for step, loss in checks if np.isfinite(loss)]
    return LearningCurve(
        updates=len(losses),
        losses=tuple(map(_rounded, means)),
        gradients=tuple(_rounded(norm) if np.isfinite(norm) else None for norm in peaks),
        checks=tuple(step for step, _ in finite),
        validations=tuple(_rounded(loss) for _, loss in finite),
    )


def _rounded(value: float) -> float:
    """Return a value with four significant digits."""
    return float(f"{value:.4g}")
