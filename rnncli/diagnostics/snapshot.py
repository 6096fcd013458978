"""Data for the figure of a network's activity: gates along a series, and states in two dimensions. numpy."""

from typing import NamedTuple

import numpy as np

from rnncli.diagnostics.measurements import Measurement

MAX_STATES = 3000  # more points are not distinguishable
PERCENTILES = (25, 50, 75)  # over the units


class Snapshot(NamedTuple):
    """The activity of a network in one window, and its states in all windows."""

    steps: np.ndarray  # (N,) end of each segment relative to the cutoff: -segment * (N - 1) ... 0
    series: np.ndarray  # (L,) the window's first target at unit scale, NaN where missing
    gates: dict[str, np.ndarray]  # (N, 3) of the last layer, at PERCENTILES
    outputs: np.ndarray  # (N, 3) of the encoder, at PERCENTILES
    states: np.ndarray  # (P, 2) principal components of the outputs
    explained: np.ndarray  # (2,) share of the variance
    phases: np.ndarray  # (P,) steps into the season, or steps before the cutoff
    seasonal: bool  # whether they are steps into the season
    attention: np.ndarray | None  # (M, N) attention weights on each segment of the past, mean over windows
    queries: str  # what attends: blocks of a Transformer, or steps of the decoder


def take_snapshot(measurement: Measurement, season: int) -> Snapshot:
    """Return the snapshot of the first of the windows with the most values."""
    probe, segment = measurement.probe, measurement.diagnostics.architecture.segment
    number = int((~probe.scaled.isnan()).sum(dim=(1, 2)).argmax())
    outputs = probe.outputs.numpy()
    count = outputs.shape[1]
    steps = segment * np.arange(1 - count, 1)
    gates = {} if not measurement.layers else measurement.layers[-1].gates
    in_season = (probe.step.numpy()[:, None] - 1 + steps) % season  # (B, N)
    seasonal = len(np.unique(in_season)) > 1
    phases = in_season if seasonal else np.broadcast_to(-steps, in_season.shape)
    states, explained = _principal_components(outputs.reshape(-1, outputs.shape[-1]))
    shown = slice(None, None, -(-len(states) // MAX_STATES))
    return Snapshot(
        steps,
        probe.scaled[number, :, 0].numpy(),
        {part.name: _percentiles(gate[number].numpy()) for part, gate in gates.items()},
        _percentiles(outputs[number]),
        states[shown],
        explained,
        phases.reshape(-1)[shown],
        seasonal,
        None if measurement.attention is None else measurement.attention.mean(dim=0).numpy(),
        "step of the decoder" if probe.attention is not None else "block",
    )


def _percentiles(values: np.ndarray) -> np.ndarray:
    """Return the PERCENTILES over the units of values (N, hidden): (N, 3)."""
    return np.percentile(values, PERCENTILES, axis=1).T


def _principal_components(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two principal components (P, 2) of states (P, hidden), and their shares of the variance (2,).

    Pearson (1901).
    """
    centred = states.astype(np.float64) - states.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)  # rising
    largest = slice(None, -min(3, len(variances) + 1), -1)
    components = centred @ directions[:, largest]
    shares = variances[largest] / max(variances.sum(), 1e-12)
    if len(variances) == 1:
        return np.hstack([components, 0 * centred]), np.append(shares, 0.0)
    return components, shares
