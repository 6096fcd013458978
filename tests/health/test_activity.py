"""Gates and units, written out, are those that torch's kernels compute inside."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rnncli.cells.recurrent import Recurrent, RecurrentName
from rnncli.config import Architecture
from rnncli.health import activity

CELLS: tuple[RecurrentName, ...] = ("rnn", "lstm", "gru")


def recurrent(cell: RecurrentName, inputs: int, hidden: int, layers: int) -> Recurrent:
    design = {"horizon": 1, "context": 1, "segment": 1, "season": 1, "base": "none", "scale": "spread", "since": False}
    asked = {"calendar": False, "hidden": hidden, "dropout": 0.0, "cell": cell, "layers": layers, "decoder": "parallel"}
    return Recurrent(Architecture.model_validate(design | asked), cell, inputs, layers)


@given(st.sampled_from(CELLS), st.integers(1, 3), st.integers(1, 6), st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=60)
def test_every_layer_gives_what_the_kernel_gives(
    cell: RecurrentName, layers: int, hidden: int, length: int, seed: int
) -> None:
    torch.manual_seed(seed)
    encoder = recurrent(cell, 3, hidden, layers).eval()
    steps = 2 * torch.randn(4, length, 3)
    with torch.no_grad():
        outputs, state = encoder(steps)
    last = state[0] if isinstance(state, tuple) else state  # (layers, B, hidden)

    found = activity.layers(encoder.stack, steps)

    torch.testing.assert_close(found[-1].outputs, outputs)
    torch.testing.assert_close(torch.stack([layer.outputs[:, -1] for layer in found]), last)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def test_the_gates_of_a_gru_are_those_of_its_equations() -> None:
    torch.manual_seed(0)
    stack = nn.GRU(2, 3, batch_first=True)
    steps = torch.randn(1, 5, 2)
    weights = {name: value.detach().double().numpy() for name, value in stack.named_parameters()}
    given, back = weights["weight_ih_l0"], weights["weight_hh_l0"]
    state, resets, updates = np.zeros(3), [], []
    for step in steps[0].double().numpy():
        into, again = given @ step + weights["bias_ih_l0"], back @ state + weights["bias_hh_l0"]
        reset, update = sigmoid(into[:3] + again[:3]), sigmoid(into[3:6] + again[3:6])
        state = (1 - update) * np.tanh(into[6:] + reset * again[6:]) + update * state
        resets.append(reset)
        updates.append(update)

    (found,) = activity.layers(stack, steps)

    assert list(found.gates) == ["reset gate", "update gate"]
    np.testing.assert_allclose(found.gates["reset gate"][0].numpy(), resets, rtol=1e-5)
    np.testing.assert_allclose(found.gates["update gate"][0].numpy(), updates, rtol=1e-5)


@pytest.mark.parametrize(("cell", "parts"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_the_recurrent_weights_are_told_apart_by_part_and_layer(cell: RecurrentName, parts: int) -> None:
    encoder = recurrent(cell, 2, 5, 2)

    found = activity.recurrent(encoder.stack)

    assert len(found) == 2 * parts
    every = torch.cat(list(found.values()))
    torch.testing.assert_close(
        every, torch.cat([encoder.stack.get_parameter(f"weight_hh_l{layer}") for layer in range(2)]).detach()
    )
