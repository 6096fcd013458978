"""What a picture of a network at work needs: its gates along a series, and its states in two dimensions. numpy."""

from typing import NamedTuple

import numpy as np

from rnncli.diagnostics.measurements import Measurement

MOST_STATES = 3000  # points that can be told apart
SHARES = (25, 50, 75)  # percent of the units that are below


class Snapshot(NamedTuple):
    """A network at one window, and its states at all."""

    back: np.ndarray  # (N,) steps before the cutoff at which each segment ends: -segment * (N - 1) ... 0
    series: np.ndarray  # (L,) the window's first target at unit scale, NaN where missing
    gates: dict[str, np.ndarray]  # (N, 3) each of the last layer: how open the units are, at SHARES
    activity: np.ndarray  # (N, 3) what comes out of them
    states: np.ndarray  # (P, 2) principal components of the outputs
    explained: np.ndarray  # (2,) share of the variance
    hue: np.ndarray  # (P,) steps into the season, or steps before the cutoff
    seasonal: bool  # which of them it is
    looked: np.ndarray | None  # (M, N) mean over windows of how much each segment of the past is looked at
    lookers: str  # by what: blocks of a Transformer, or steps of the decoder


def take_snapshot(found: Measurement, season: int) -> Snapshot:
    """Of the window with the most values, the first of those."""
    watched, design = found.watched, found.health.architecture
    number = int((~watched.scaled.isnan()).sum(dim=(1, 2)).argmax())
    outputs = watched.outputs.numpy()
    count = outputs.shape[1]
    back = design.segment * np.arange(1 - count, 1)
    gates = {} if not found.layers else found.layers[-1].gates
    phases = (watched.step.numpy()[:, None] - 1 + back) % season  # (B, N)
    seasonal = len(np.unique(phases)) > 1
    hues = phases if seasonal else np.broadcast_to(-back, phases.shape)
    states, explained = _principal(outputs.reshape(-1, outputs.shape[-1]))
    some = slice(None, None, -(-len(states) // MOST_STATES))
    return Snapshot(
        back,
        watched.scaled[number, :, 0].numpy(),
        {part.name: _spread(gate[number].numpy()) for part, gate in gates.items()},
        _spread(outputs[number]),
        states[some],
        explained,
        hues.reshape(-1)[some],
        seasonal,
        None if found.looked is None else found.looked.mean(dim=0).numpy(),
        "step of the decoder" if watched.looked is not None else "block",
    )


def _spread(values: np.ndarray) -> np.ndarray:
    """Values (N, hidden) at SHARES of the units: (N, 3)."""
    return np.percentile(values, SHARES, axis=1).T


def _principal(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """States (P, hidden) along the two directions in which they vary most (Pearson 1901), and their shares of it."""
    centred = states.astype(np.float64) - states.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)  # rising
    most = directions[:, : -min(3, len(variances) + 1) : -1]
    shares = variances[: -min(3, len(variances) + 1) : -1] / max(variances.sum(), 1e-12)
    if len(variances) == 1:
        return np.hstack([centred @ most, 0 * centred]), np.append(shares, 0.0)
    return centred @ most, shares
