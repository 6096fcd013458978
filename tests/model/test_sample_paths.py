"""Sample paths have the distribution of the forecast and the correlation of past errors."""

import numpy as np
import pytest

from rnncli.model import sample_paths
from rnncli.model.quantile_values import normal_deviates
from rnncli.network.quantile_head import QuantileHead

HEAD = QuantileHead()

LEVELS = np.array(HEAD.levels)
NORMAL = normal_deviates(LEVELS)


def test_paths_spread_like_the_forecast_and_correlate_like_the_errors() -> None:
    generator = np.random.default_rng(3)
    actual = generator.normal(size=(3000, 2, 1)).cumsum(axis=1) * np.sqrt([1, 0.5]).reshape(1, 2, 1)  # correlation 0.7
    quantiles = np.broadcast_to(NORMAL, (3000, 2, 1, len(LEVELS)))
    ranks = sample_paths.ranks(quantiles, actual, LEVELS)

    paths = sample_paths.draw(ranks, 10 + 2 * quantiles[:1], LEVELS, 2000, 0)[0, :, 0]  # (H, count)

    assert paths.mean(axis=1) == pytest.approx([10, 10], abs=0.25)
    assert paths.std(axis=1) == pytest.approx([2, 2], rel=0.1)
    assert np.corrcoef(paths)[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.06)


def test_more_paths_than_ranks_repeat_the_ranks() -> None:
    ranks = np.array([[[0.0]], [[1.0]]])

    paths = sample_paths.draw(ranks, np.broadcast_to(NORMAL, (1, 1, 1, len(LEVELS))), LEVELS, 5, 0)

    assert paths.shape == (1, 1, 1, 5)
    assert set(np.round(paths.reshape(-1), 6)) == {0.0, 1.0}


def test_a_value_far_outside_a_narrow_forecast_gets_the_outermost_rank() -> None:
    narrow = np.array([0.0, 1e-310, 2e-310])  # the distance in units of the gap overflows

    ranks = sample_paths.normal_ranks(np.array([-100.0, 100.0]), np.tile(narrow, (2, 1)), np.array([0.1, 0.5, 0.9]))

    assert ranks.tolist() == [-sample_paths.MAX_RANK, sample_paths.MAX_RANK]
