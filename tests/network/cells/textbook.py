"""The papers' equations in NumPy, one step at a time: the reference for the encoders."""

import math

import numpy as np
import torch
from torch import nn

Weights = dict[str, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / 2**0.5))


def normed(x: np.ndarray, gain: np.ndarray, bias: np.ndarray | float = 0.0) -> np.ndarray:
    """Layer normalisation over the last axis (Ba et al. 2016, equation 3)."""
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + bias


def step(
    cell: str, a: np.ndarray, b: np.ndarray, h: np.ndarray, c: np.ndarray, norm: Weights | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """One step as its paper has it, of what input and state add to the gates (B, gates * hidden), to the next h and c.

    norm: the gain and bias of the norm of what an LSTM shows of its memory.
    """
    if cell == "rnn":
        return np.tanh(a + b), c
    if cell == "relu":
        return np.maximum(a + b, 0), c
    if cell == "lstm":
        i, f, g, o = np.split(a + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(normed(c, norm["weight"], norm["bias"]) if norm else c), c
    (ar, az, an), (br, bz, bn) = np.split(a, 3, axis=1), np.split(b, 3, axis=1)
    r, z = sigmoid(ar + br), sigmoid(az + bz)
    n = np.tanh(an + r * bn)
    return (1 - z) * n + z * h, c


def layer(cell: str, x: np.ndarray, w: Weights) -> np.ndarray:
    """A recurrent layer over steps (B, N, inputs) from a state of zeros: (B, N, hidden)."""
    hidden = w["weight_hh_l0"].shape[1]
    h, c, outputs = np.zeros((len(x), hidden)), np.zeros((len(x), hidden)), []
    for t in range(x.shape[1]):
        a, b = x[:, t] @ w["weight_ih_l0"].T + w["bias_ih_l0"], h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
        h, c = step(cell, a, b, h, c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def causal(x: np.ndarray, w: Weights, dilation: int) -> np.ndarray:
    """A weight-normalised dilated convolution of steps (B, N, inputs) that looks back only: (B, N, outputs)."""
    lengths = np.sqrt((w["direction"] ** 2).sum(axis=(1, 2), keepdims=True))
    kernel = w["size"] * w["direction"] / lengths  # (outputs, inputs, width)
    width = kernel.shape[2]
    made = np.tile(w["bias"], (*x.shape[:2], 1))
    for t in range(x.shape[1]):
        for place in range(width):
            back = t - (width - 1 - place) * dilation
            if back >= 0:
                made[:, t] += x[:, back] @ kernel[:, :, place].T
    return made


def weights(module: nn.Module) -> Weights:
    """A module's parameters and buffers as arrays."""
    return {name: value.detach().numpy() for name, value in module.state_dict().items()}


def shaken(module: nn.Module, generator: int = 0) -> nn.Module:
    """The module in float64 with all its weights moved, ready to be used."""
    torch.manual_seed(generator)
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module
