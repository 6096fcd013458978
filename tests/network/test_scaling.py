"""Scales: undoing them gives the input back, and the future does not enter."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.config.fields import ScaleName
from rnncli.network import scaling

KINDS: list[ScaleName] = ["spread", "log", "mean"]
windows = hnp.arrays(np.float64, (3, 12, 2), elements=st.floats(10, 5000))  # within a logarithm's reach


@pytest.mark.parametrize("kind", KINDS)
@given(values=windows)
def test_undoing_a_scale_gives_the_input_back(kind: ScaleName, values: np.ndarray) -> None:
    past = torch.from_numpy(values)
    scale = scaling.measure(past, kind, 4)
    moved = scale.spread.expand_as(past) > 0

    back = scale.undo(scale.apply(past).unsqueeze(-1)).squeeze(-1)

    size = past.abs().amax(dim=1, keepdim=True).expand_as(past)
    assert ((back - past).abs()[moved] <= 1e-5 * size[moved]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_window_is_forecast_as_its_value(kind: ScaleName) -> None:
    past = torch.full((1, 10, 1), 7.0, dtype=torch.float64)
    scale = scaling.measure(past, kind, 1)

    forecast = scale.undo(torch.zeros(1, 3, 1, 1))

    assert kind == "mean" or torch.allclose(forecast, torch.tensor(7.0, dtype=torch.float64))
    assert scale.apply(past).isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
@given(values=hnp.arrays(np.float64, (3, 12, 2), elements=st.sampled_from([0.0, 0.0, 3.7, 1e4])), above=st.booleans())
def test_scaled_values_are_above_the_scaled_zero_if_the_value_is_positive(
    kind: ScaleName, values: np.ndarray, above: bool
) -> None:
    """A logarithm takes what is very small for zero; a window that never moved has no unit to tell."""
    past = torch.from_numpy(values + 5.3 * above)
    scale = scaling.measure(past, kind, 4)

    smallest = 0.0 if scale.floor is None else scale.floor
    assert torch.equal(scale.apply(past) > scale.zero(), past > smallest)


@given(
    values=hnp.arrays(np.float64, (2, 24, 1), elements=st.floats(-100, 100)),
    factor=st.floats(1e-3, 1e3),
    shift=st.floats(-1e4, 1e4),
)
def test_spread_removes_level_and_unit(values: np.ndarray, factor: float, shift: float) -> None:
    past = torch.from_numpy(values)
    if scaling.measure(past, "spread", 6).spread.min() < 1e-3:
        return

    plain = scaling.measure(past, "spread", 6).apply(past)
    moved = factor * past + shift

    assert torch.allclose(scaling.measure(moved, "spread", 6).apply(moved), plain, atol=1e-3)


def test_a_meter_around_a_billion_keeps_its_digits() -> None:
    small = torch.randn(4, 50, 1, dtype=torch.float64)
    large = small + 1e9

    scaled = scaling.measure(large, "spread", 5).apply(large)

    assert torch.allclose(scaled, scaling.measure(small, "spread", 5).apply(small), atol=1e-4)


def test_missing_values_stay_missing_and_out_of_the_scale() -> None:
    past = torch.tensor([1.0, torch.nan, 3.0, torch.nan]).double().reshape(1, 4, 1)

    scale = scaling.measure(past, "spread", 1)

    assert scale.level.item() == 3.0
    assert scale.spread.item() == 1.0
    assert scale.apply(past).isnan().flatten().tolist() == [False, True, False, True]


def test_the_level_is_the_mean_of_the_last_season() -> None:
    past = torch.arange(10.0).double().reshape(1, 10, 1)

    assert scaling.measure(past, "spread", 4).level.item() == np.mean([6, 7, 8, 9])
