"""Encoders against the textbook's equations in NumPy float64."""

import numpy as np
import pytest
import torch

from rnncli.cells import Encoder, fork
from rnncli.config import CellName

CELLS: list[CellName] = ["rnn", "lstm", "gru"]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def step(
    cell: CellName, x: np.ndarray, h: np.ndarray, c: np.ndarray, w: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """One step of the cell as its paper has it: (B, inputs), (B, hidden), (B, hidden) to the next h and c."""
    a, b = x @ w["weight_ih"].T + w["bias_ih"], h @ w["weight_hh"].T + w["bias_hh"]
    if cell == "rnn":
        return np.tanh(a + b), c
    if cell == "lstm":
        i, f, g, o = np.split(a + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (ar, az, an), (br, bz, bn) = np.split(a, 3, axis=1), np.split(b, 3, axis=1)
    r, z = sigmoid(ar + br), sigmoid(az + bz)
    n = np.tanh(an + r * bn)
    return (1 - z) * n + z * h, c


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
def test_an_encoder_computes_the_textbook_equations(cell: CellName, layers: int) -> None:
    torch.manual_seed(0)
    encoder = Encoder(cell, 3, 5, layers, dropout=0.0).double()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.normal_(0, 0.5)
    steps = torch.randn(2, 7, 3, dtype=torch.float64)

    expected = steps.numpy()
    for layer in range(layers):
        w = {
            name.removesuffix(f"_l{layer}").removeprefix("stack."): value.detach().numpy()
            for name, value in encoder.named_parameters()
            if name.endswith(f"_l{layer}")
        }
        h, c, outputs = np.zeros((2, 5)), np.zeros((2, 5)), []
        for t in range(7):
            h, c = step(cell, expected[:, t], h, c, w)
            outputs.append(h)
        expected = np.stack(outputs, axis=1)

    assert np.allclose(encoder(steps)[0].detach().numpy(), expected, atol=1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_handed_back_goes_on_where_it_was(cell: CellName) -> None:
    encoder = Encoder(cell, 2, 4, 2, dropout=0.0)
    steps = torch.randn(3, 9, 2)

    whole, _ = encoder(steps)
    _, state = encoder(steps[:, :5])
    rest, _ = encoder(steps[:, 5:], state)

    assert torch.allclose(whole[:, 5:], rest, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_forked_states_continue_each_sequence(cell: CellName) -> None:
    encoder = Encoder(cell, 2, 4, 1, dropout=0.0)
    _, state = encoder(torch.randn(2, 3, 2))
    steps = torch.randn(2, 1, 2)

    once, _ = encoder(steps, state)
    thrice, _ = encoder(steps.repeat_interleave(3, dim=0), fork(state, 3))

    assert torch.allclose(thrice, once.repeat_interleave(3, dim=0), atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_weights_start_orthogonal(cell: CellName) -> None:
    for name, parameter in Encoder(cell, 6, 6, 1, dropout=0.0).named_parameters():
        if "weight_hh" in name:
            for gate in torch.split(parameter, 6):
                assert torch.allclose(gate @ gate.T, torch.eye(6), atol=1e-5)


def test_an_lstm_begins_by_remembering() -> None:
    encoder = Encoder("lstm", 2, 4, 1, dropout=0.0)

    assert dict(encoder.named_parameters())["stack.bias_ih_l0"].tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8
