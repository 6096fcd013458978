"""Diagnostics of a network, measured on windows of a panel."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.config.architecture import Architecture
from rnncli.diagnostics import gate_activity, gradient_probe
from rnncli.diagnostics.attention_weights import attention_weights
from rnncli.diagnostics.gradient_probe import FeedbackGap, Probe
from rnncli.errors import DataError
from rnncli.evaluation import cutoffs
from rnncli.model.card import Member
from rnncli.model.model import Model
from rnncli.model.torch_engine import STATES
from rnncli.network.cells import Encoder, LayerActivity, Part
from rnncli.network.cells.record import UNITS
from rnncli.network.network import Network
from rnncli.panel import Cutoffs, Panel
from rnncli.windows.windows import Windows

MAX_WINDOWS = 128
MAX_VALUES = 20_000_000  # of states stored for the backward pass, of all windows
WINDOWS_PER_SERIES = 5
FADED = 0.05  # share of the original size below which an effect counts as gone
SHUT, OPEN = 0.05, 0.95  # gates beyond are saturated: they pass almost no gradient
STILL = 1e-3  # standard deviation below which a unit is dead
ROLLED = 10  # contexts that a long run reads
ROLLED_WINDOWS = 32


class Diagnostics(NamedTuple):
    """Measures of one network; None if they do not apply to its cell or decoder."""

    architecture: Architecture
    windows: int  # number of windows measured
    read: np.ndarray  # (N,) gradient of the loss through the encoder by segment, the newest first; the largest is 1
    whole: np.ndarray  # (N,) along all paths, in the same unit
    reach: int  # steps back to the end of the furthest segment of `read` that has not faded
    kept: np.ndarray  # (N,) share of a change of the first segment that remains after so many segments
    memory: int  # steps until the change has faded; at most the context
    radii: dict[Part, float] | None  # spectral radius of the recurrent weights of each part
    saturated: dict[Part, float] | None  # share of saturated values of each gate and of the units
    dead: int  # units of the last layer with constant output
    drift: float | None  # growth of the norm of the state in a long run
    gap: FeedbackGap | None


class Measurement(NamedTuple):
    """The diagnostics of a network, and the values that they were computed from."""

    diagnostics: Diagnostics
    probe: Probe
    layers: list[LayerActivity]  # of recurrent cells
    attention: Tensor | None  # (B, M, N) attention weights on each segment of the past


def select_cutoffs(panel: Panel, members: Sequence[Member]) -> Cutoffs:
    """Return windows at the end of each series that do not overlap. Raise DataError if there are none."""
    designs = [member.architecture for member in members]
    horizon = designs[0].horizon
    states = max(STATES * design.layers * design.hidden * (design.context // design.segment) for design in designs)
    limit = max(1, min(MAX_WINDOWS, MAX_VALUES // states))
    found = cutoffs.spread_cutoffs(panel, horizon, WINDOWS_PER_SERIES, limit)
    if not len(found.rows):
        raise DataError(
            f"no series has {horizon + 1} rows, as diagnostics with horizon {horizon} require. Use a longer table"
        )
    return found


def measure(model: Model, number: int, panel: Panel, selected: Cutoffs) -> Measurement:
    """Measure network `number` of a model on the selected windows. Raise DataError if they contain no value.

    A stateful network is measured as if each series began with its window.
    """
    cpu = torch.device("cpu")  # GPU kernels have no backward pass in evaluation mode
    network, card = model.networks[number].to(cpu).eval(), model.card
    windows = Windows(panel, card.context, card.horizon, cpu, mixed_series=model.mixed_series(panel))
    (full_batch,) = windows.at(selected, len(selected.rows))
    batch = gradient_probe.context_batch(network, full_batch)
    if batch.past.isnan().all():
        raise DataError(f"no series has a value in the {network.context} steps before a cutoff. Use newer data")
    probe = gradient_probe.probe(network, batch)
    layers = gate_activity.layers(network.encoder, probe.steps)
    attention = attention_weights(network.encoder, probe.steps) if probe.attention is None else probe.attention
    gap = gradient_probe.feedback_gap(network, batch)
    return Measurement(_diagnostics(network, probe, layers, gap), probe, layers, attention)


def _diagnostics(network: Network, probe: Probe, layers: list[LayerActivity], gap: FeedbackGap | None) -> Diagnostics:
    """Compute the measures of a network from its probe."""
    design, weights = network.architecture, gate_activity.recurrent_weights(network.encoder)
    read, whole = (_by_segment(norms, design.segment) for norms in (probe.read, probe.whole))
    largest = float(read.max()) or 1.0
    kept = _remaining_change(network.encoder, probe.steps)
    carries_on = bool(weights) and not design.bidirectional
    return Diagnostics(
        architecture=design,
        windows=len(probe.outputs),
        read=read / largest,
        whole=whole / largest,
        reach=design.segment * _count_to_last((read >= FADED * largest) & (read > 0)),
        kept=kept,
        memory=design.segment * _count_to_last(kept >= FADED),
        radii={part: _spectral_radius(matrix) for part, matrix in weights.items()} or None,
        saturated=_saturated(layers) if layers else None,
        dead=int((probe.outputs.std(dim=(0, 1)) < STILL).sum()),
        drift=_drift(network.encoder, probe.steps[:ROLLED_WINDOWS]) if carries_on else None,
        gap=gap,
    )


def _by_segment(norms: Tensor, segment: int) -> np.ndarray:
    """Return the root mean square over windows of norms (B, L), oldest first, by segment (N,), newest first."""
    squares = norms.square().mean(dim=0).reshape(-1, segment).mean(dim=1)  # (N,)
    return squares.sqrt().flip(0).numpy()


def _count_to_last(holds: np.ndarray) -> int:
    """Return the number of values up to the last that is true."""
    return int(np.flatnonzero(holds).max(initial=-1)) + 1


@torch.no_grad()
def _remaining_change(encoder: Encoder, steps: Tensor) -> np.ndarray:
    """Return how much replacing the first segment by the average one changes later outputs, as a share (N,)."""
    replaced = steps.clone()
    replaced[:, 0] = steps.mean(dim=(0, 1))
    outputs, changed = (encoder(inputs)[0] for inputs in (steps, replaced))  # (B, N, hidden) each
    change = (outputs - changed).norm(dim=-1).mean(dim=0)  # (N,)
    return (change / change[0].clamp(min=torch.finfo(change.dtype).tiny)).numpy()


def _spectral_radius(weights: Tensor) -> float:
    """Return the largest absolute eigenvalue of weights (hidden, hidden)."""
    return float(torch.linalg.eigvals(weights.double()).abs().max())


def _saturated(layers: list[LayerActivity]) -> dict[Part, float]:
    """Return the share of saturated values of each gate and of the units, over all layers."""
    gates = {part: torch.stack([layer.gates[part] for layer in layers]) for part in layers[0].gates}
    shares = {part: float(((gate < SHUT) | (gate > OPEN)).float().mean()) for part, gate in gates.items()}
    units = torch.stack([layer.units for layer in layers])
    stuck = units.abs() > OPEN if layers[0].bounded else units <= 0  # where a ReLU passes no gradient
    return shares | {UNITS: float(stuck.float().mean())}


@torch.no_grad()
def _drift(encoder: Encoder, steps: Tensor) -> float:
    """Return the norm of the state after reading the context ROLLED times, relative to that after once."""
    norms, state = list[float](), None
    for _ in range(ROLLED):
        _, state = encoder(steps, state)
        norms.append(math.hypot(*(float(part.norm()) for part in state)))
    return norms[-1] / max(norms[0], 1e-12)
