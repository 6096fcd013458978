"""The figures of a network's health, measured on windows of a panel."""

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
from rnncli.model.model import STATES, Model
from rnncli.network.cells import Encoder, LayerActivity, Part
from rnncli.network.cells.record import UNITS
from rnncli.network.network import Network
from rnncli.panel import Cutoffs, Panel
from rnncli.windows.windows import Windows

MOST_WINDOWS = 128
MOST_VALUES = 20_000_000  # of states on the way back, of all windows together
ORIGINS = 5  # windows of a series, at most
FADED = 0.05  # share of what was there once, below which nothing is left
SHUT, OPEN = 0.05, 0.95  # gates beyond are at their ends, where no gradient passes
STILL = 1e-3  # deviation below which a unit tells nothing
ROLLED = 10  # contexts in a row
ROLLED_WINDOWS = 32


class Diagnostics(NamedTuple):
    """What was found of one network; None where its cell or decoder has no such thing."""

    architecture: Architecture
    windows: int  # that it was measured on
    read: np.ndarray  # (N,) the loss's gradient by each segment that the encoder reads, the newest first, at most 1
    whole: np.ndarray  # (N,) by each segment in whatever way, in the same unit
    reach: int  # steps back to the furthest of `read` that is not faded
    kept: np.ndarray  # (N,) share of a change that is left so many segments later
    memory: int  # steps until it has faded; the context where it never does
    radii: dict[Part, float] | None  # largest absolute eigenvalue of the recurrent weights of each part
    saturated: dict[Part, float] | None  # share of each gate's, and of the units', values at their ends
    dead: int  # units of the last layer that never move
    drift: float | None  # times the state has grown after many contexts in a row
    gap: FeedbackGap | None


class Measurement(NamedTuple):
    """A network's health, and what it was told by."""

    health: Diagnostics
    watched: Probe
    layers: list[LayerActivity]  # none for cells that are not recurrent, or that no kernel runs
    looked: Tensor | None  # (B, M, N) how much each segment of the past is looked at, where there is attention


def select_cutoffs(panel: Panel, members: Sequence[Member]) -> Cutoffs:
    """Windows that do not overlap, at the end of each series. Raises DataError where there are none."""
    designs = [member.architecture for member in members]
    horizon = designs[0].horizon
    states = max(STATES * one.layers * one.hidden * (one.context // one.segment) for one in designs)
    found = cutoffs.spread_cutoffs(panel, horizon, ORIGINS, max(1, min(MOST_WINDOWS, MOST_VALUES // states)))
    if not len(found.rows):
        raise DataError(f"no series has the {horizon + 1} rows that a window of horizon {horizon} needs")
    return found


def measure(model: Model, number: int, panel: Panel, places: Cutoffs) -> Measurement:
    """One of a model's networks at some windows; one that carries its state over as if each series began there."""
    cpu = torch.device("cpu")  # a GPU's kernels know no way back in evaluation
    network, card = model.networks[number].to(cpu).eval(), model.card
    windows = Windows(panel, card.context, card.horizon, cpu, mixed_series=model.mixed_series(panel))
    (given,) = windows.at(places, len(places.rows))
    batch = gradient_probe.context_batch(network, given)
    if batch.past.isnan().all():
        raise DataError(f"no series has a value in the {network.context} steps that the network looks at")
    watched = gradient_probe.probe(network, batch)
    design = network.architecture
    layers, weights = (
        gate_activity.layers(network.encoder, watched.steps),
        gate_activity.recurrent_weights(network.encoder),
    )
    read, whole = (_by_segment(lags, design.segment) for lags in (watched.read, watched.whole))
    largest = float(read.max()) or 1.0
    kept = _kept(network, watched.steps)
    health = Diagnostics(
        design,
        len(places.rows),
        read / largest,
        whole / largest,
        design.segment * _last((read >= FADED * largest) & (read > 0)),
        kept,
        design.segment * _last(kept >= FADED),
        {part: _radius(one) for part, one in weights.items()} or None,
        _saturated(layers) if layers else None,
        int((watched.outputs.std(dim=(0, 1)) < STILL).sum()),
        _drift(network.encoder, watched.steps[:ROLLED_WINDOWS]) if weights and not design.bidirectional else None,
        gradient_probe.feedback_gap(network, batch),
    )
    looked = attention_weights(network.encoder, watched.steps) if watched.looked is None else watched.looked
    return Measurement(health, watched, layers, looked)


def _by_segment(lags: Tensor, segment: int) -> np.ndarray:
    """Norms (B, L), the oldest step first, to the root mean square of each segment over windows, the newest first."""
    squares = lags.square().mean(dim=0).reshape(-1, segment).mean(dim=1)  # (N,)
    return squares.sqrt().flip(0).numpy()


def _last(holds: np.ndarray) -> int:
    """How many there are up to the last that holds."""
    return int(np.flatnonzero(holds).max(initial=-1)) + 1


@torch.no_grad()
def _kept(network: Network, steps: Tensor) -> np.ndarray:
    """How much an average first segment in place of their own still changes the outputs, as a share: (N,)."""
    other = steps.clone()
    other[:, 0] = steps.mean(dim=(0, 1))
    changes = [network.encoder(one)[0] for one in (steps, other)]  # (B, N, hidden) each
    left = (changes[0] - changes[1]).norm(dim=-1).mean(dim=0)  # (N,)
    return (left / left[0].clamp(min=torch.finfo(left.dtype).tiny)).numpy()


def _radius(weights: Tensor) -> float:
    return float(torch.linalg.eigvals(weights.double()).abs().max())


def _saturated(layers: list[LayerActivity]) -> dict[Part, float]:
    """Of all layers together."""
    parts = list(layers[0].gates)
    gates = {part: torch.stack([layer.gates[part] for layer in layers]) for part in parts}
    shares = {part: float(((gate < SHUT) | (gate > OPEN)).float().mean()) for part, gate in gates.items()}
    units = torch.stack([layer.units for layer in layers])
    stuck = units.abs() > OPEN if layers[0].bounded else units <= 0  # where a ReLU passes no gradient
    return shares | {UNITS: float(stuck.float().mean())}


@torch.no_grad()
def _drift(encoder: Encoder, steps: Tensor) -> float:
    """The norm of the state after many contexts in a row, as a multiple of that after one."""
    norms, state = list[float](), None
    for _ in range(ROLLED):
        _, state = encoder(steps, state)
        norms.append(math.hypot(*(float(part.norm()) for part in state)))
    return norms[-1] / max(norms[0], 1e-12)
