"""The linear part of a forecast: one map, or several mixed window by window."""

import numpy as np
import pytest
import torch
from torch import Tensor

from rnncli.bypass import Bypass
from tests.test_network import design


def filled(experts: int) -> Bypass:
    """A bypass whose weights are not zero, of a context of 12 and a horizon of 4."""
    torch.manual_seed(0)
    made = Bypass(design(context=12, segment=4, horizon=4, hidden=8, experts=experts))
    torch.nn.init.normal_(made.weight)
    return made


def windows() -> tuple[Tensor, Tensor]:
    """Pasts of two targets, and what an encoder came to."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(5, 12, 2, generator=generator), torch.randn(5, 1, 8, generator=generator)


def test_one_map_is_the_same_for_all_windows_and_targets() -> None:
    made, (past, output) = filled(1), windows()
    expected = np.einsum("hl,blk->bhk", made.weight.detach().double().numpy(), past.double().numpy())
    np.testing.assert_allclose(made(past, output).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_several_are_mixed_by_what_the_encoder_came_to() -> None:
    made, (past, output) = filled(3), windows()
    assert made.gate is not None
    logits = output[:, 0].double().numpy() @ made.gate.weight.detach().double().numpy().T
    logits += made.gate.bias.detach().double().numpy()
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)  # (B, E)
    maps = made.weight.detach().double().numpy().reshape(3, 4, 12)  # (E, H, L)
    expected = np.einsum("be,ehl,blk->bhk", shares, maps, past.double().numpy())
    np.testing.assert_allclose(made(past, output).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("experts", "least", "most"), [(1, 0.4, 10.0), (2, 0.0, 0.05)])
def test_two_maps_learn_what_one_cannot(experts: int, least: float, most: float) -> None:
    """Of some windows the newest values come again, of others the oldest: the encoder tells which."""
    torch.manual_seed(0)
    made = Bypass(design(context=12, segment=4, horizon=4, hidden=8, experts=experts))
    optimiser = torch.optim.Adam(made.parameters(), lr=0.03)
    for _ in range(300):
        past, kind = torch.randn(64, 12, 1), torch.randint(2, (64, 1, 1))
        future = torch.where(kind == 1, past[:, -4:], past[:, :4])
        loss = (made(past, (2.0 * kind - 1.0).expand(-1, 1, 8)) - future).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert least <= loss.item() <= most
