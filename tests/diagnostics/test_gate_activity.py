"""Recorded gates and units are those that torch's kernels compute."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.diagnostics import gate_activity
from rnncli.network import cells
from rnncli.network.cells import record
from rnncli.network.cells.recurrent import FusedRNN

KINDS: tuple[dict[str, Any], ...] = (
    {"cell": "rnn"},
    {"cell": "rnn", "activation": "relu"},
    {"cell": "lstm"},
    {"cell": "gru"},
)


def design(**chosen: Any) -> Architecture:
    usual: dict[str, Any] = {"horizon": 4, "context": 8, "segment": 1, "season": 1, "base": "none", "scale": "spread"}
    usual |= {"since": False, "calendar": False, "layers": 1, "hidden": 4, "dropout": 0.0, "decoder": "direct"}
    return Architecture.model_validate(usual | chosen)


def built(steps: Tensor, **chosen: Any) -> cells.Encoder:
    encoder = cells.build(design(**chosen), steps.shape[2]).eval()
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.5)
    return encoder


@given(st.sampled_from(KINDS), st.integers(1, 3), st.integers(1, 6), st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=30)
def test_every_layer_gives_what_the_kernel_gives(
    kind: dict[str, Any], layers: int, hidden: int, length: int, seed: int
) -> None:
    torch.manual_seed(seed)
    steps = 2 * torch.randn(4, length, 3)
    encoder = built(steps, layers=layers, hidden=hidden, **kind)
    with torch.no_grad():
        outputs, (last, *_) = encoder(steps)  # (layers, B, hidden)

    found = gate_activity.layers(encoder, steps)

    torch.testing.assert_close(found[-1].outputs, outputs)
    torch.testing.assert_close(torch.stack([layer.outputs[:, -1] for layer in found]), last)


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({"cell": "gru", "bidirectional": True, "layers": 2}, 2),
        ({"cell": "lstm", "residual": True, "layers": 2}, 2),
        ({"cell": "gru", "convolution": 3}, 1),
        ({"cell": "gru", "normalise": "layer"}, 1),
        ({"cell": "tcn"}, 0),
        ({"cell": "transformer"}, 0),
    ],
)
def test_the_layers_that_read_forwards_are_recorded(chosen: dict[str, Any], count: int) -> None:
    torch.manual_seed(0)
    steps = torch.randn(3, 8, 4)
    encoder = built(steps, **chosen)

    found = gate_activity.layers(encoder, steps)

    assert len(found) == count
    if chosen.get("residual"):
        with torch.no_grad():
            torch.testing.assert_close(found[1].outputs + found[0].outputs + steps, encoder(steps)[0])
    if chosen.get("convolution") or chosen.get("normalise"):
        torch.testing.assert_close(found[0].outputs, encoder(steps)[0].detach())


def test_the_units_of_a_reservoir_are_recorded() -> None:
    torch.manual_seed(0)
    steps = torch.randn(2, 6, 4)
    reservoir = cells.EchoState(design(cell="esn", leak=0.3, density=1.0))
    reservoir.draw()
    states = reservoir(steps)[0].double().numpy()

    (found,) = gate_activity.layers(reservoir, steps)

    before = np.concatenate([0 * states[:, :1], states[:, :-1]], axis=1)
    expected = np.tanh(steps.double().numpy() + before @ reservoir.weights.double().numpy().T)
    np.testing.assert_allclose(found.units.numpy(), expected, atol=1e-5)
    assert list(gate_activity.recurrent_weights(reservoir)) == [record.RESERVOIR]


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def test_the_gates_of_a_gru_are_those_of_its_equations() -> None:
    torch.manual_seed(0)
    steps = torch.randn(1, 5, 2)
    encoder = built(steps, cell="gru", hidden=3)
    assert isinstance(encoder, FusedRNN)
    weights = {name: value.detach().double().numpy() for name, value in encoder.stack.named_parameters()}
    given, back = weights["weight_ih_l0"], weights["weight_hh_l0"]
    state, resets, updates = np.zeros(3), [], []
    for step in steps[0].double().numpy():
        into, again = given @ step + weights["bias_ih_l0"], back @ state + weights["bias_hh_l0"]
        reset, update = sigmoid(into[:3] + again[:3]), sigmoid(into[3:6] + again[3:6])
        state = (1 - update) * np.tanh(into[6:] + reset * again[6:]) + update * state
        resets.append(reset)
        updates.append(update)

    (found,) = gate_activity.layers(encoder, steps)

    assert list(found.gates) == [record.RESET, record.UPDATE]
    np.testing.assert_allclose(found.gates[record.RESET][0].numpy(), resets, rtol=1e-5)
    np.testing.assert_allclose(found.gates[record.UPDATE][0].numpy(), updates, rtol=1e-5)


@pytest.mark.parametrize(("cell", "parts"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_the_recurrent_weights_are_split_by_part_and_layer(cell: str, parts: int) -> None:
    encoder = built(torch.zeros(1, 1, 4), cell=cell, layers=2)
    assert isinstance(encoder, FusedRNN)

    found = gate_activity.recurrent_weights(encoder)

    assert len(found) == 2 * parts
    every = torch.cat(list(found.values()))
    torch.testing.assert_close(
        every, torch.cat([encoder.stack.get_parameter(f"weight_hh_l{n}") for n in (0, 1)]).detach()
    )
