"""Base forecasts: repetition, smoothing and learned cycles."""

import numpy as np
import pytest
import torch

from rnncli.network.base_forecasts import LearnedCycle, SeasonalNaive, SeasonalSmoothing

STEP = torch.tensor([6])


def window(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, -1, 1)


def test_the_last_season_is_repeated_with_gaps_filled_from_the_season_before() -> None:
    past = window(1, 2, 3, 4, 5, torch.nan, 7, 8)

    assert SeasonalNaive(4, 6)(past, STEP)[1].flatten().tolist() == [5.0, 2.0, 7.0, 8.0, 5.0, 2.0]


def test_a_season_that_does_not_divide_the_context_keeps_its_phase() -> None:
    assert SeasonalNaive(3, 4)(torch.arange(8.0).reshape(1, 8, 1), STEP)[1].flatten().tolist() == [5.0, 6.0, 7.0, 5.0]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_smoothing_is_the_recursion_of_winters_phase_by_phase(share: float) -> None:
    values = np.random.default_rng(0).normal(size=(200, 2))  # laps of a season of 2
    smoothing = SeasonalSmoothing(2, 3)
    with torch.no_grad():
        smoothing.share.fill_(np.log(share / (1 - share)))

    _, forecast = smoothing(torch.from_numpy(values).reshape(1, 400, 1), STEP)

    level = values[0]
    for lap in values[1:]:
        level = share * lap + (1 - share) * level
    assert forecast.flatten().tolist() == pytest.approx([level[0], level[1], level[0]], abs=1e-6)


def test_smoothing_learns_its_factor_and_skips_missing_values() -> None:
    smoothing = SeasonalSmoothing(1, 1)

    _, forecast = smoothing(window(1, torch.nan, torch.nan, 1), STEP)
    forecast.sum().backward()

    assert forecast.item() == pytest.approx(1)
    assert smoothing.share.grad is not None


def test_a_cycle_follows_the_time_index_and_leaves_residuals() -> None:
    cycle = LearnedCycle(4, 3, 1)
    with torch.no_grad():
        cycle.values.copy_(torch.tensor([[0.0], [10], [20], [30]]))

    left, forecast = cycle(window(21, 32, 3, 14), STEP)  # the steps 2, 3, 4, 5 of the clock

    assert left.flatten().tolist() == [1, 2, 3, 4]
    assert forecast.flatten().tolist() == [20, 30, 0]


def test_a_cycle_is_initialised_only_for_targets_with_a_common_cycle() -> None:
    generator = torch.Generator().manual_seed(0)
    step = torch.randint(100, (500,), generator=generator)
    noise = torch.randn(500, 6, 2, generator=generator)
    future = noise.clone()
    future[..., 0] += torch.tensor([0.0, 5, -5, 1])[(step.unsqueeze(1) + torch.arange(6)) % 4]  # of one target alone
    future[0, 0] = torch.nan
    cycle = LearnedCycle(4, 6, 2)

    cycle.initialise(future, step)

    assert cycle.values[:, 0].tolist() == pytest.approx([0, 5, -5, 1], abs=0.2)
    assert cycle.values[:, 1].tolist() == [0] * 4


def test_a_cycle_without_observations_is_initialised_to_zero() -> None:
    cycle = LearnedCycle(4, 2, 1)

    cycle.initialise(torch.full((3, 2, 1), torch.nan), torch.zeros(3, dtype=torch.int64))

    assert cycle.values.flatten().tolist() == [0] * 4
