"""The pretrained network in NumPy: a recurrent layer reads the window, a perceptron weighs the simple forecasts.

For each step ahead the network returns weights of the simple forecasts, a correction of their weighted mean, and the
distances of the other quantiles from it. Its twin for training is in torch.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnncli.config.intervals import QUANTILE_LEVELS
from rnncli.model.elementwise import softplus
from rnncli.model.pretrained.window_features import (
    AHEAD_INPUTS,
    CANDIDATES,
    STEP_INPUTS,
    TRAITS,
    WindowFeatures,
)
from rnncli.model.recurrent import gru

LEVELS = QUANTILE_LEVELS  # those of trained networks, with which its forecasts are mixed
MIDDLE = LEVELS.index(0.5)
SHARPNESS, TRUST = 3.0, 1.5  # of the weights: how far outputs, and how far errors in the newest steps, decide them
CORRECTION = 0.3  # size of a correction where all simple forecasts agree, in scales
RECURRENT = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # weights of the encoder, in the order of torch
BLOCK = 1024  # windows times steps ahead computed at once: their values fit into the cache of a core

Weights = dict[str, np.ndarray]


def check_shapes(weights: Weights) -> None:
    """Raise ValueError if the weights are not those of this network."""
    if "encoder.weight_hh_l0" not in weights or "first.weight" not in weights:
        raise ValueError("weights of the pretrained network are missing")
    units, width = weights["encoder.weight_hh_l0"].shape[-1], weights["first.weight"].shape[-1]
    expected = {
        "encoder.weight_ih_l0": (3 * units, STEP_INPUTS),
        "encoder.weight_hh_l0": (3 * units, units),
        "encoder.bias_ih_l0": (3 * units,),
        "encoder.bias_hh_l0": (3 * units,),
        "context.weight": (width, units + TRAITS + 2 * CANDIDATES),
        "step.weight": (width, CANDIDATES + AHEAD_INPUTS),
        "first.weight": (width, width),
        "second.weight": (width, width),
        "output.weight": (CANDIDATES + 1 + len(LEVELS), width),
        **{f"{name}.bias": (width,) for name in ("context", "step", "first", "second")},
        "output.bias": (CANDIDATES + 1 + len(LEVELS),),
    }
    if {name: value.shape for name, value in weights.items()} != expected:
        raise ValueError("the weights of the pretrained network have other names or shapes")


def quantiles(weights: Weights, features: WindowFeatures) -> np.ndarray:
    """Return the quantiles (B, H, Q) at LEVELS in scales around the centre of each window."""
    parts = [_quantiles(*part) for part in _decoded(weights, features)]
    return np.concatenate([np.empty((0, features.candidates.shape[1], len(LEVELS))), *parts])


def shares(weights: Weights, features: WindowFeatures) -> np.ndarray:
    """Return the weights (B, H, K) of the simple forecasts in the mean that is then corrected."""
    return np.concatenate([part.shares for part in _decoded(weights, features)])


class _Decoded(NamedTuple):
    candidates: np.ndarray  # (B, H, K)
    shares: np.ndarray  # (B, H, K)
    rest: np.ndarray  # (B, H, 1 + Q) correction, and what the distances of quantiles are computed from


def _decoded(weights: Weights, features: WindowFeatures) -> Iterator[_Decoded]:
    """Yield the outputs of the perceptron for some windows at a time."""
    state = _last_state(weights, features.sequence)
    inputs = np.concatenate([state, features.traits, features.errors, features.accuracy], axis=1)
    context = inputs @ weights["context.weight"].T + weights["context.bias"]  # (B, W)
    size = max(1, BLOCK // max(1, features.candidates.shape[1]))
    for start in range(0, len(context), size):
        part = slice(start, start + size)
        inputs = np.concatenate([features.relative[part], features.ahead[part]], axis=2)
        hidden = _gelu(context[part, None] + inputs @ weights["step.weight"].T + weights["step.bias"])
        for name in ("first", "second"):
            hidden = hidden + _gelu(hidden @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])
        output = hidden @ weights["output.weight"].T + weights["output.bias"]
        logits = SHARPNESS * output[..., :CANDIDATES] + TRUST * features.accuracy[part, None]
        exponents = np.exp(logits - logits.max(axis=2, keepdims=True))
        shares = exponents / exponents.sum(axis=2, keepdims=True)
        yield _Decoded(features.candidates[part], shares, output[..., CANDIDATES:])


def _quantiles(candidates: np.ndarray, shares: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Return the quantiles (B, H, Q) of simple forecasts (B, H, K) with these weights and what completes them."""
    mean = (shares * candidates).sum(axis=2, keepdims=True)
    spread = (shares * np.abs(candidates - mean)).sum(axis=2, keepdims=True)
    middle = mean + rest[..., :1] * (CORRECTION + spread)
    unit = softplus(rest[..., 1:2] + 1) * (1 + spread)
    gaps = softplus(rest[..., 2:]) * unit  # (B, H, Q - 1), from the lowest to the highest
    below = np.cumsum(gaps[..., :MIDDLE][..., ::-1], axis=2)[..., ::-1]
    above = np.cumsum(gaps[..., MIDDLE:], axis=2)
    return np.concatenate([middle - below, middle, middle + above], axis=2).astype(np.float64)


def _last_state(weights: Weights, sequence: np.ndarray) -> np.ndarray:
    """Return the state (B, N) of the gated recurrent unit (Cho et al. 2014) after the sequence (B, T, F)."""
    start = np.zeros((1, len(sequence), weights["encoder.weight_hh_l0"].shape[1]), np.float32)
    _, last = gru(sequence, start, [weights[f"encoder.{name}_l0"] for name in RECURRENT], layers=1)
    return last[0]


def _gelu(values: np.ndarray) -> np.ndarray:
    """Return the Gaussian error linear unit by tanh (Hendrycks and Gimpel 2016)."""
    cube = values * values * values  # a power takes ten times as long
    return 0.5 * values * (1 + np.tanh(0.7978845608 * (values + 0.044715 * cube)))
