"""Properties of all encoders, and each one's equations in NumPy float64."""

from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from rnncli.network import cells
from rnncli.network.cells import EchoState, Encoder, State, concat_states, repeat_state
from rnncli.network.cells.causal_conv import ConvolutionalRNN
from rnncli.network.cells.stacked import StackedRNN
from rnncli.network.cells.tcn import TCN
from rnncli.network.cells.transformer import Transformer
from tests.network.cells import textbook
from tests.network.cells.textbook import Weights, layer, normed, shaken, weights
from tests.network.test_network import design

KINDS: list[dict[str, object]] = [
    {"cell": "rnn"},
    {"cell": "rnn", "activation": "relu", "initialisation": "identity"},
    {"cell": "lstm", "layers": 2},
    {"cell": "gru", "layers": 3},
    {"cell": "lstm", "layers": 2, "residual": True},
    {"cell": "gru", "layers": 2, "variational": True},
    {"cell": "lstm", "normalise": "layer"},
    {"cell": "gru", "zoneout": 0.2, "layers": 2},
    {"cell": "lstm", "convolution": 3},
    {"cell": "esn"},
    {"cell": "tcn", "layers": 2},
    {"cell": "transformer", "layers": 2},
]


def built(**changes: object) -> Encoder:
    """An encoder of 8 units that reads 8, its weights moved."""
    torch.manual_seed(0)
    encoder = cells.build(design(**changes), 8)
    if isinstance(encoder, EchoState):
        encoder.draw()
    return cast(Encoder, shaken(encoder))


def steps(count: int) -> Tensor:
    return torch.randn(3, count, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def run(encoder: Encoder, read: Tensor, state: State | None = None) -> tuple[Tensor, State]:
    with torch.no_grad():
        return encoder(read, state)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_state_handed_back_goes_on_where_it_was(kind: dict[str, object]) -> None:
    encoder, read = built(**kind), steps(9)

    whole, _ = run(encoder, read)
    _, state = run(encoder, read[:, :3])
    middle, state = run(encoder, read[:, 3:4], state)
    rest, _ = run(encoder, read[:, 4:], state)

    assert torch.allclose(whole[:, 3:], torch.cat([middle, rest], dim=1), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_forked_and_joined_states_continue_each_sequence(kind: dict[str, object]) -> None:
    encoder, read = built(**kind), steps(7)
    _, early = run(encoder, read[:, :5])
    _, late = run(encoder, read[:, :6])

    both, _ = run(encoder, read[:, 6:].repeat(2, 1, 1), concat_states([early, late]))
    thrice, _ = run(encoder, read[:, 6:].repeat_interleave(3, dim=0), repeat_state(late, 3))

    assert torch.allclose(both[:3], run(encoder, read[:, 6:], early)[0], atol=1e-12)
    assert torch.allclose(both[3:], run(encoder, read[:, 6:], late)[0], atol=1e-12)
    assert torch.allclose(thrice, both[3:].repeat_interleave(3, dim=0), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_output_knows_the_steps_after_it(kind: dict[str, object]) -> None:
    encoder, read = built(**kind), steps(6)
    changed = read.clone()
    changed[:, 4:] *= -1

    one, other = (run(encoder, values)[0] for values in (read, changed))

    assert torch.equal(one[:, :4], other[:, :4])
    assert not torch.allclose(one[:, 4:], other[:, 4:])


@pytest.mark.parametrize("kind", [one for one in KINDS if one["cell"] != "esn"], ids=str)
def test_gradients_are_those_of_finite_differences(kind: dict[str, object]) -> None:
    encoder = built(**kind)
    read = steps(4)[:1].requires_grad_()

    assert torch.autograd.gradcheck(lambda values: encoder(values)[0][:, -1], (read,), atol=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 3])
def test_a_stack_computes_the_textbook_equations(cell: str, layers: int, activation: str) -> None:
    if activation == "relu" and cell != "rnn":
        return
    encoder = built(cell=cell, layers=layers, activation=activation)
    kernel = weights(encoder)
    expected = steps(7).numpy()
    for number in range(layers):
        own = {
            name.removeprefix("stack.").replace(f"_l{number}", "_l0"): value
            for name, value in kernel.items()
            if name.endswith(f"_l{number}")
        }
        expected = layer("relu" if activation == "relu" else cell, expected, own)

    assert np.allclose(run(encoder, steps(7))[0].numpy(), expected, atol=1e-10)


def stack_of(module: torch.nn.Module) -> Weights:
    return {name.removeprefix("stack."): value for name, value in weights(module).items() if name.startswith("stack.")}


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_residual_layers_that_read_both_ways_compute_the_textbook_equations(cell: str) -> None:
    encoder = built(cell=cell, layers=2, residual=True, bidirectional=True)
    assert isinstance(encoder, StackedRNN)
    assert encoder.backwards is not None
    expected = steps(5).numpy()
    for number in range(2):
        there = layer(cell, expected, stack_of(encoder.forwards[number]))
        back = layer(cell, expected[:, ::-1], stack_of(encoder.backwards[number]))[:, ::-1]
        merge = weights(encoder.merges[number])
        expected = np.concatenate([there, back], axis=-1) @ merge["weight"].T + merge["bias"] + expected

    assert np.allclose(run(encoder, steps(5))[0].numpy(), expected, atol=1e-10)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_normed_cells_with_zoneout_compute_the_papers_equations(cell: str) -> None:
    encoder = built(cell=cell, normalise="layer", zoneout=0.3)
    assert isinstance(encoder, StackedRNN)
    every = weights(encoder.forwards[0])
    kernel, groups = stack_of(encoder.forwards[0]), {"rnn": [8], "gru": [16, 8], "lstm": [32]}[cell]

    def gates(values: np.ndarray, part: str) -> np.ndarray:
        pieces = np.split(values, np.cumsum(groups)[:-1], axis=1)
        return np.concatenate(
            [normed(one, every[f"{part}.{place}.weight"]) for place, one in enumerate(pieces)], axis=1
        )

    memory = {name: every[f"of_memory.{name}"] for name in ("weight", "bias")} if cell == "lstm" else None
    h, c, expected = np.zeros((3, 8)), np.zeros((3, 8)), []
    for x in steps(6).numpy().swapaxes(0, 1):
        a = gates(x @ kernel["weight_ih_l0"].T, "of_inputs") + kernel["bias_ih_l0"]
        b = gates(h @ kernel["weight_hh_l0"].T, "of_states") + kernel["bias_hh_l0"]
        new_h, new_c = textbook.step(cell, a, b, h, c, memory)
        h, c = 0.3 * h + 0.7 * new_h, 0.3 * c + 0.7 * new_c
        expected.append(h)

    assert np.allclose(run(encoder, steps(6))[0].numpy(), np.stack(expected, axis=1), atol=1e-10)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_convolution_in_front_is_read_by_the_recurrent_layer(cell: str) -> None:
    encoder = built(cell=cell, convolution=3)
    assert isinstance(encoder, ConvolutionalRNN)
    read = textbook.gelu(textbook.causal(steps(5).numpy(), weights(encoder.front), 1))

    expected = layer(cell, read, stack_of(encoder.encoder))

    assert np.allclose(run(encoder, steps(5))[0].numpy(), expected, atol=1e-10)


def test_a_temporal_network_computes_the_papers_equations() -> None:
    encoder = built(cell="tcn", layers=3)
    assert isinstance(encoder, TCN)
    expected = steps(20).numpy()
    for number in range(3):
        inner = expected
        for part in (encoder.first, encoder.second):
            inner = np.maximum(textbook.causal(inner, weights(part[number]), 2**number), 0)
        expected = np.maximum(inner + expected, 0)

    assert np.allclose(run(encoder, steps(20))[0].numpy(), expected, atol=1e-10)


def test_a_transformer_computes_the_papers_equations() -> None:
    """12 steps of context in segments of 3: each step sees the four before it and itself."""
    encoder = built(cell="transformer", layers=2)
    assert isinstance(encoder, Transformer)
    x = steps(9).numpy()
    for block in encoder.blocks:
        w = weights(block)

        def mapped(values: np.ndarray, name: str, w: Weights = w) -> np.ndarray:
            return values @ w[f"{name}.weight"].T + w[f"{name}.bias"]

        inner = normed(x, w["first_norm.weight"], w["first_norm.bias"])
        queries, pairs = mapped(inner, "queries"), mapped(inner, "looked_at")
        mixed = np.zeros_like(x)
        for sequence in range(3):
            for t in range(9):
                seen = np.arange(max(0, t - 4), t + 1)
                for head in range(4):
                    own = slice(2 * head, 2 * head + 2)
                    keys, values = pairs[sequence, seen, :8][:, own], pairs[sequence, seen, 8:][:, own]
                    scores = keys @ queries[sequence, t, own] / 2**0.5 - 2.0 ** (-2 * (head + 1)) * (t - seen)
                    shares = np.exp(scores - scores.max())
                    mixed[sequence, t, own] = shares / shares.sum() @ values
        x = x + mapped(mixed, "merge")
        inner = normed(x, w["second_norm.weight"], w["second_norm.bias"])
        x = x + mapped(textbook.gelu(mapped(inner, "inner.0")), "inner.2")
    last = weights(encoder.norm)

    assert np.allclose(
        run(encoder, steps(9))[0].numpy(), normed(x, last["weight"], last["bias"]), atol=1e-6
    )  # the slopes are float32


def test_a_reservoir_computes_leaky_tanh_units() -> None:
    encoder = built(cell="esn", leak=0.3)
    recurrent, x, expected = weights(encoder)["weights"], np.zeros((3, 8)), []
    for read in steps(5).numpy().swapaxes(0, 1):
        x = 0.7 * x + 0.3 * np.tanh(read + x @ recurrent.T)
        expected.append(x)

    assert np.allclose(run(encoder, steps(5))[0].numpy(), np.stack(expected, axis=1), atol=1e-12)


@pytest.mark.parametrize("radius", [0.5, 1.2])
def test_a_reservoir_has_the_radius_and_the_density_asked_for(radius: float) -> None:
    reservoir = EchoState(design(cell="esn", hidden=100, radius=radius, density=0.2))
    torch.manual_seed(2)
    reservoir.draw()
    drawn = reservoir.weights.double().numpy()

    assert np.abs(np.linalg.eigvals(drawn)).max() == pytest.approx(radius, rel=1e-5)
    assert (drawn != 0).mean() == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("changes", [{}, {"residual": True}, {"zoneout": 0.1}])
def test_recurrent_weights_start_orthogonal(cell: str, changes: dict[str, object]) -> None:
    for name, parameter in cells.build(design(cell=cell, **changes), 8).named_parameters():
        if "weight_hh" in name:
            for gate in torch.split(parameter, 8):
                assert torch.allclose(gate @ gate.T, torch.eye(8), atol=1e-5)


def test_identity_is_where_rectified_units_start() -> None:
    encoder = cells.build(design(cell="rnn", activation="relu", initialisation="identity"), 8)

    assert torch.equal(dict(encoder.named_parameters())["stack.weight_hh_l0"], torch.eye(8))


@pytest.mark.parametrize("changes", [{}, {"normalise": "layer"}])
def test_an_lstm_begins_by_remembering(changes: dict[str, object]) -> None:
    encoder = cells.build(design(cell="lstm", **changes), 8)

    (bias,) = [value for name, value in encoder.named_parameters() if name.endswith("bias_ih_l0")]
    assert bias.tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 16


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_chrono_initialisation_covers_the_given_span(cell: str) -> None:
    torch.manual_seed(0)
    encoder = cells.build(design(cell=cell, hidden=64, layers=2, segment=2, remember=400), 8)

    for name, bias in encoder.named_parameters():
        if "bias_ih" in name:
            enter, keep, *_ = bias.detach().sigmoid().chunk(4 if cell == "lstm" else 3)
            spans = 1 / (1 - keep)  # recurrent steps in which a unit forgets all but 1/e or so
            assert 2 <= spans.min() < 20 and 150 < spans.max() <= 200
            if cell == "lstm":
                torch.testing.assert_close(enter, 1 - keep)


def test_variational_dropout_leaves_out_the_same_units_at_every_step() -> None:
    ones = torch.ones(4, 50, 8)
    same, other = (cells.Dropout(0.5, variational).train()(ones) for variational in (True, False))

    assert torch.equal(same, same[:, :1].expand_as(same))
    assert set(same.unique().tolist()) == set(other.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(other, other[:, :1].expand_as(other))


def test_zoneout_keeps_units_as_they_were() -> None:
    encoder = cells.build(design(cell="rnn", zoneout=0.5), 8).train()
    torch.manual_seed(0)

    outputs, _ = encoder(torch.randn(20, 30, 8))

    kept = (outputs[:, 1:] == outputs[:, :-1]).float().mean()
    assert kept.item() == pytest.approx(0.5, abs=0.05)


def test_batch_normalisation_has_mean_and_deviation_of_the_batch_then_the_running_ones() -> None:
    norm = cells.BatchNorm(3)
    read = 5 + 2 * torch.randn(40, 10, 3)

    made = norm.train()(read)
    for _ in range(100):
        norm(read)

    assert torch.allclose(made.mean((0, 1)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(made.var((0, 1), unbiased=False), torch.ones(3), atol=1e-3)
    assert torch.allclose(norm.eval()(read), made, atol=0.01)
