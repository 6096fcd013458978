"""Linear maps: one, or several mixed for each window."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnncli.network.linear_experts import LinearExperts

READ, TOLD, HIDDEN = 12, 4, 8


def filled(experts: int) -> LinearExperts:
    """Maps that are not zero any more."""
    torch.manual_seed(0)
    made = LinearExperts(READ, TOLD, experts, HIDDEN)
    nn.init.normal_(made.weight)
    return made


def windows() -> tuple[Tensor, Tensor]:
    """Pasts of two targets, and what an encoder came to."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(5, 2, READ, generator=generator), torch.randn(5, 1, HIDDEN, generator=generator)


def float64(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def test_one_map_is_the_same_for_all_windows_and_targets() -> None:
    made, (values, output) = filled(1), windows()

    expected = np.einsum("hl,bkl->bkh", float64(made.weight), float64(values))
    np.testing.assert_allclose(float64(made(values, output)), expected, rtol=1e-4, atol=1e-5)


def test_several_maps_are_mixed_by_the_encoders_output() -> None:
    made, (values, output) = filled(3), windows()
    assert made.gate is not None

    logits = float64(output)[:, 0] @ float64(made.gate.weight).T + float64(made.gate.bias)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)  # (B, E)
    maps = float64(made.weight).reshape(3, TOLD, READ)
    expected = np.einsum("be,ehl,bkl->bkh", shares, maps, float64(values))
    np.testing.assert_allclose(float64(made(values, output)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("experts", "least", "most"), [(1, 0.4, 10.0), (2, 0.0, 0.05)])
def test_two_maps_learn_what_one_cannot(experts: int, least: float, most: float) -> None:
    """Of some windows the newest values come again, of others the oldest: the encoder tells which."""
    torch.manual_seed(0)
    made = LinearExperts(READ, TOLD, experts, HIDDEN)
    optimiser = torch.optim.Adam(made.parameters(), lr=0.03)
    for _ in range(300):
        values, kind = torch.randn(64, 1, READ), torch.randint(2, (64, 1, 1))
        future = torch.where(kind == 1, values[..., -TOLD:], values[..., :TOLD])
        loss = (made(values, (2.0 * kind - 1.0).expand(-1, 1, HIDDEN)) - future).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert least <= loss.item() <= most
