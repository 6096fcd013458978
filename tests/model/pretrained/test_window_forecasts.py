"""Forecasts of the pretrained network: NumPy and torch agree, units and batches do not matter, intervals widen."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncli.model.pretrained import network, package_file
from rnncli.model.pretrained.network import LEVELS, MIDDLE
from rnncli.model.pretrained.simple_forecasts import Seasons
from rnncli.model.pretrained.window_features import window_features
from rnncli.model.pretrained.window_forecasts import MAX_HORIZON, forecast_windows, memory
from rnncli.training.pretraining.torch_network import TorchNetwork

MEMBERS = package_file.load().members
WEIGHTS = MEMBERS[0]
ALL_SEASONS = [Seasons(1), Seasons(4), Seasons(7, 364), Seasons(12), Seasons(24, 168), Seasons(52)]


def windows(count: int, length: int, season: int = 12, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    time = np.arange(length)
    level = generator.uniform(50, 500, (count, 1)) + generator.normal(0.5, 0.5, (count, 1)) * time
    return level + 8 * np.sin(2 * np.pi * time / season) + generator.normal(0, 3, (count, length))


def test_numpy_and_torch_compute_the_same_forecast() -> None:
    features = window_features(windows(9, 60), Seasons(12), np.arange(1, 19))
    torch.manual_seed(0)
    twin = TorchNetwork(16, 24)

    with torch.no_grad():
        expected = twin(features).numpy()
    assert network.quantiles(twin.weights(), features) == pytest.approx(expected, abs=1e-4)


def test_the_weights_in_the_package_are_those_of_the_torch_network() -> None:
    for weights in MEMBERS:
        twin = TorchNetwork(weights["encoder.weight_hh_l0"].shape[1], weights["first.weight"].shape[0])
        twin.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})

    card = package_file.load().card
    assert card.members == len(MEMBERS)
    assert card.parameters == sum(value.size for weights in MEMBERS for value in weights.values())


@pytest.mark.parametrize("seasons", ALL_SEASONS)
@pytest.mark.parametrize("length", [1, 2, 3, 10, 100])
def test_windows_of_every_length_and_season_have_a_forecast(seasons: Seasons, length: int) -> None:
    found = forecast_windows(MEMBERS, windows(4, length), seasons, 14)

    assert found.shape == (4, 14, len(LEVELS))
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=2) >= 0).all()


@pytest.mark.parametrize("kind", ["constant", "zeros", "huge", "tiny", "one spike", "negative", "gaps"])
def test_unusual_windows_have_a_finite_forecast(kind: str) -> None:
    past = windows(1, 40)
    match kind:
        case "constant":
            past[:] = 7
        case "zeros":
            past[:] = 0
        case "huge":
            past *= 1e12
        case "tiny":
            past *= 1e-12
        case "one spike":
            past[:], past[0, 20] = 0, 1e6
        case "negative":
            past *= -1
        case "gaps":
            past[0, ::3] = np.nan

    found = forecast_windows(MEMBERS, past, Seasons(12), 6)

    assert np.isfinite(found).all()
    assert np.abs(found).max() < 20 * np.nanmax(np.abs(past)) + 3


def test_a_window_without_a_value_has_no_forecast() -> None:
    past = windows(3, 20)
    past[1] = np.nan

    found = forecast_windows(MEMBERS, past, Seasons(1), 5)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()


@given(st.floats(1e-3, 1e3), st.integers(5, 70))
def test_other_units_give_the_same_forecast(factor: float, length: int) -> None:
    past = windows(2, length)

    found, scaled = (forecast_windows(MEMBERS, times * past, Seasons(12), 12) for times in (1, factor))
    spread = np.ptp(found[..., [0, -1]], axis=2).mean()
    assert np.abs(scaled / factor - found).max() < 1e-3 * spread


def test_no_forecast_depends_on_the_other_windows() -> None:
    past = windows(7, 80)
    past[3, :50] = np.nan

    together = forecast_windows(MEMBERS, past, Seasons(12), 12)
    alone = np.concatenate([forecast_windows(MEMBERS, past[[row]], Seasons(12), 12) for row in range(7)])
    assert together == pytest.approx(alone, rel=1e-4)


@pytest.mark.parametrize("seasons", [Seasons(1), Seasons(12)])
def test_intervals_widen_with_the_horizon_also_beyond_the_longest(seasons: Seasons) -> None:
    past = np.random.default_rng(0).standard_normal((8, 120)).cumsum(axis=1) + 100

    found = forecast_windows(MEMBERS, past, seasons, MAX_HORIZON + 100)
    width = (found[..., LEVELS.index(0.9)] - found[..., LEVELS.index(0.1)]).mean(axis=0)
    assert np.isfinite(found).all()
    assert width[0] < width[11] < width[60] < width[MAX_HORIZON - 1]
    assert width[-1] > 0.8 * width[MAX_HORIZON - 1]


def test_only_the_newest_rows_matter_within_the_memory() -> None:
    past = windows(2, memory(Seasons(4)) + 40, 4)

    found = forecast_windows(MEMBERS, past[:, -memory(Seasons(4)) :], Seasons(4), 6)
    assert found.shape == (2, 6, len(LEVELS))


def test_sixteen_bits_are_as_accurate_as_thirty_two() -> None:
    torch.manual_seed(1)
    exact = TorchNetwork(16, 24).weights()
    halved = {name: value.astype(np.float16).astype(np.float32) for name, value in exact.items()}
    features = window_features(windows(20, 60), Seasons(12), np.arange(1, 13))

    difference = network.quantiles(halved, features) - network.quantiles(exact, features)
    assert np.abs(difference).max() < 5e-3  # scales


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match="missing"):
        network.check_shapes({})
    with pytest.raises(ValueError, match="other names or shapes"):
        network.check_shapes(WEIGHTS | {"output.bias": np.zeros(3, np.float32)})


def test_the_shares_of_the_simple_forecasts_sum_to_one() -> None:
    features = window_features(windows(5, 60), Seasons(12), np.arange(1, 13))

    shares = network.shares(WEIGHTS, features)
    assert (shares >= 0).all()
    assert shares.sum(axis=2) == pytest.approx(np.ones((5, 12)), abs=1e-5)


def test_a_line_with_a_season_is_continued() -> None:
    time = np.arange(72)
    values = 200 + 8.0 * time + 30 * np.sin(2 * np.pi * time / 12)

    found = forecast_windows(MEMBERS, values[None, :60], Seasons(12), 12)[0, :, MIDDLE]
    assert np.abs(found - values[60:]).mean() < 12
