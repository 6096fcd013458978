"""Losses weight errors as the metrics do, from the past alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncli.config.fields import ScaleName
from rnncli.config.metrics import MetricName
from rnncli.network import scaling
from rnncli.network.quantile_head import QuantileHead
from rnncli.network.tensors import Prediction
from rnncli.training import losses

HEAD = QuantileHead()

SEASON = 4
LEVELS = np.array(HEAD.levels)


def windows(count: int = 6, length: int = 20) -> torch.Tensor:
    """Return positive values of very different sizes."""
    generator = torch.Generator().manual_seed(0)
    size = 10.0 ** torch.arange(count, dtype=torch.float64).reshape(-1, 1, 1)
    return size * (5 + torch.rand(count, length, 1, generator=generator, dtype=torch.float64))


def weights(metric: MetricName, past: torch.Tensor) -> torch.Tensor:
    weight = losses.measure_weights(metric, SEASON, past).weigh(past)
    assert weight is not None
    return weight


def season_error(past: torch.Tensor) -> torch.Tensor:
    return (past[:, SEASON:] - past[:, :-SEASON]).abs().mean(dim=1, keepdim=True)


def test_an_error_counts_as_the_metric_divides_it() -> None:
    past = windows()

    for metric, unit in (("mae", torch.ones(6, 1, 1)), ("mase", season_error(past)), ("smape", past.mean(1, True))):
        relative = weights(metric, past) * unit  # type: ignore[arg-type]
        assert torch.allclose(relative, relative[:1].expand_as(relative))


@pytest.mark.parametrize("metric", ["mae", "mase", "smape", "owa", "mse", "rmsse"])
def test_the_error_of_seasonal_naive_has_a_mean_loss_of_one(metric: MetricName) -> None:
    past = windows()

    assert (weights(metric, past) * season_error(past)).mean().item() == pytest.approx(1)


def test_the_quantile_metric_has_no_weights_besides_the_scale() -> None:
    assert losses.measure_weights("quantiles", SEASON, windows()).weigh(windows()) is None


@pytest.mark.parametrize("kind", ["spread", "log", "mean"])
@given(seed=st.integers(0, 100))
def test_a_weighted_loss_is_the_pinball_loss_in_the_units_of_the_data(kind: ScaleName, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    past = windows(count=3)
    future = past[:, :5] * (1 + 0.1 * torch.rand(3, 5, 1, generator=generator, dtype=torch.float64))
    future[1, 2] = torch.nan
    scale = scaling.measure(past, kind, SEASON)
    quantiles = torch.randn(3, 5, 1, 9, generator=generator).sort(dim=-1).values
    weight = torch.tensor([1.0, 0.1, 0.01]).double().reshape(3, 1, 1)

    total, count = losses.prediction_loss(HEAD, Prediction(quantiles, scale), future, weight)

    error = (future.unsqueeze(-1) - scale.undo(quantiles)).numpy()
    pinball = 2 * np.maximum(LEVELS * error, (LEVELS - 1) * error).mean(-1) * weight.numpy()
    assert count.item() == 14
    assert total.item() == pytest.approx(np.nansum(pinball), rel=1e-3)


@pytest.mark.parametrize("metric", ["quantiles", "mae", "mase", "smape", "owa"])
def test_a_constant_window_has_no_loss(metric: MetricName) -> None:
    past = torch.full((2, 20, 1), 3.0).double()
    past[1] += torch.arange(20).reshape(20, 1) % 7
    scale = scaling.measure(past, "spread", SEASON)
    weighing = losses.measure_weights(metric, SEASON, past)

    total, count = losses.prediction_loss(
        HEAD, Prediction(torch.zeros(2, 4, 1, 9), scale), past[:, :4] + 1, weighing.weigh(past)
    )

    assert total.isfinite()
    assert count.item() == 4


@pytest.mark.parametrize("metric", ["mae", "mase"])
def test_values_around_a_billion_have_the_loss_of_values_around_zero(metric: MetricName) -> None:
    near = torch.rand(4, 24, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    quantiles = torch.randn(4, 4, 1, 9, generator=torch.Generator().manual_seed(1)).sort(dim=-1).values

    def cost(values: torch.Tensor) -> float:
        past, future = values[:, :20], values[:, 20:]
        weight = losses.measure_weights(metric, SEASON, past).weigh(past)
        return losses.prediction_loss(
            HEAD, Prediction(quantiles, scaling.measure(past, "spread", SEASON)), future, weight
        )[0].item()

    assert cost(near + 1e9) == pytest.approx(cost(near), rel=1e-4)
