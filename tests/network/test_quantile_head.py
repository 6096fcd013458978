"""Quantiles that never cross, their loss, and their interpolation."""

from statistics import NormalDist

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.network.quantile_head import QuantileHead

HEAD = QuantileHead()


COUNT = len(HEAD.levels)
parameters = hnp.arrays(np.float32, (4, COUNT), elements=st.floats(-50, 50, width=32))
shares = st.floats(0.001, 0.999)


@given(parameters)
def test_quantiles_never_cross(values: np.ndarray) -> None:
    quantiles = HEAD.quantiles(torch.from_numpy(values), torch.zeros(4))

    assert (quantiles.diff(dim=-1) >= 0).all()


@given(parameters, st.lists(shares, min_size=2, max_size=20, unique=True))
def test_quantiles_at_any_levels_never_cross(values: np.ndarray, levels: list[float]) -> None:
    quantiles = HEAD.quantiles(torch.from_numpy(values).double(), torch.zeros(4).double())

    read = HEAD.at_levels(quantiles, torch.tensor(sorted(levels), dtype=torch.float64))

    assert (read.diff(dim=-1) >= -1e-9).all()


def test_trained_levels_are_unchanged() -> None:
    quantiles = HEAD.quantiles(torch.randn(5, COUNT).double(), torch.randn(5).double())

    assert torch.allclose(HEAD.at_levels(quantiles, torch.tensor(HEAD.levels, dtype=torch.float64)), quantiles)


def test_a_normal_distribution_is_interpolated_exactly() -> None:
    normal = NormalDist(3, 2)
    quantiles = torch.tensor([normal.inv_cdf(level) for level in HEAD.levels]).double()
    levels = [0.001, 0.05, 0.3, 0.61, 0.99]

    expected = torch.tensor([normal.inv_cdf(level) for level in levels]).double()
    assert torch.allclose(HEAD.at_levels(quantiles, torch.tensor(levels)), expected, atol=1e-4)


def test_the_centre_is_the_median() -> None:
    parameters = torch.zeros(2, COUNT)
    centre = torch.tensor([4.0, -1.0])

    assert HEAD.quantiles(parameters, centre)[:, HEAD.median].tolist() == [4.0, -1.0]


@given(
    hnp.arrays(np.float64, (2, 3, 1, COUNT), elements=st.floats(-5, 5)),
    hnp.arrays(np.float64, (2, 3, 1), elements=st.floats(-5, 5)),
)
def test_pinball_is_the_textbook_quantile_loss(forecast: np.ndarray, actual: np.ndarray) -> None:
    expected = np.mean(
        [
            2 * (level if y >= f else 1 - level) * abs(y - f)
            for quantiles, y in zip(forecast.reshape(-1, COUNT), actual.reshape(-1), strict=True)
            for level, f in zip(HEAD.levels, quantiles, strict=True)
        ]
    )

    total, count = HEAD.loss(torch.from_numpy(forecast), torch.from_numpy(actual), torch.ones(2, 1, 1))

    assert np.isclose((total / count).item(), expected)


def test_missing_values_add_no_loss() -> None:
    forecast = torch.randn(1, 2, 1, COUNT)
    actual = torch.tensor([[[1.0], [torch.nan]]])
    weight = torch.ones(1, 1, 1)

    assert HEAD.loss(forecast, actual, weight) == HEAD.loss(forecast[:, :1], actual[:, :1], weight)


def test_samples_follow_the_distribution() -> None:
    normal = NormalDist(3, 2)
    quantiles = torch.tensor([normal.inv_cdf(level) for level in HEAD.levels]).double().expand(2, 5, 1, COUNT)
    deviates = torch.randn(2, 5, 1).double()

    assert torch.allclose(HEAD.sample(quantiles, deviates), 3 + 2 * deviates, atol=1e-4)
