"""The encoder-decoder's network and attention, against their papers' equations in NumPy float64."""

from typing import cast

import numpy as np
import pytest
import torch

from rnncli.network.decoders import AdditiveAttention, Seq2SeqDecoder
from tests.network.cells.textbook import shaken, step, weights
from tests.network.test_network import design


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape) + shape[1]))


def test_attention_computes_the_papers_equations() -> None:
    attended = cast(AdditiveAttention, shaken(AdditiveAttention(8)))
    outputs, states, known = drawn(3, 2, 8), drawn(3, 5, 8), torch.arange(5) < torch.tensor([[5], [3], [1]])
    w = weights(attended)

    with torch.no_grad():
        made, looked = attended(outputs, states, known)

    for row in range(3):
        seen = states[row, known[row]].numpy()
        for place in range(2):
            query = outputs[row, place].numpy()
            scores = np.tanh(query @ w["queries.weight"].T + seen @ w["keys.weight"].T + w["keys.bias"])
            shares = np.exp(scores @ w["score.weight"][0])
            shares /= shares.sum()
            both = np.concatenate([query, shares @ seen])
            assert np.allclose(looked[row, place, : len(seen)].numpy(), shares)
            assert np.allclose(made[row, place].numpy(), np.tanh(both @ w["joined.weight"].T + w["joined.bias"]))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_second_network_starts_at_the_summary_and_reads_it_at_each_step(cell: str) -> None:
    second = cast(Seq2SeqDecoder, shaken(Seq2SeqDecoder(design(cell=cell, decoder="encoder-decoder"))))
    output, steps = drawn(3, 1, 8), drawn(3, 4, 8)
    w = weights(second)
    h, c = np.tanh(output[:, 0].numpy() @ w["begin.weight"].T + w["begin.bias"]), np.zeros((3, 8))
    expected = []
    for read in steps.numpy().swapaxes(0, 1):
        x = read + output[:, 0].numpy() @ w["summary.weight"].T
        a = x @ w["recurrent.stack.weight_ih_l0"].T + w["recurrent.stack.bias_ih_l0"]
        b = h @ w["recurrent.stack.weight_hh_l0"].T + w["recurrent.stack.bias_hh_l0"]
        h, c = step(cell, a, b, h, c)
        expected.append(h)

    with torch.no_grad():
        made = second(output, steps)

    assert np.allclose(made.numpy(), np.stack(expected, axis=1), atol=1e-10)


def test_their_gradients_are_those_of_finite_differences() -> None:
    attended, second = shaken(AdditiveAttention(8)), shaken(Seq2SeqDecoder(design(decoder="encoder-decoder")))
    outputs, states, known = drawn(2, 2, 8).requires_grad_(), drawn(2, 3, 8).requires_grad_(), torch.ones(2, 3) > 0

    assert torch.autograd.gradcheck(lambda *read: attended(*read, known)[0], (outputs, states), atol=1e-6)
    assert torch.autograd.gradcheck(second, (drawn(2, 1, 8).requires_grad_(), outputs), atol=1e-6)
