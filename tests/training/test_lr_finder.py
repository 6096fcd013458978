"""The learning rate range test."""

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.training.lr_finder import find_learning_rate
from tests.training.test_optimiser import Point, settings, walked


def test_a_range_test_finds_a_rate_that_descends_and_leaves_the_weights_alone() -> None:
    point = Point()

    def heights() -> Iterator[Callable[[nn.Module], Tensor]]:
        while True:
            yield lambda trial: cast(Point, trial).height()

    rate = find_learning_rate(point, settings(optimiser="sgd", momentum=0.0), heights())

    assert torch.equal(point.place, torch.tensor([3.0, -2.0]))
    assert 1e-3 < rate < 0.2  # from 2 / 10 on, a step lands higher than it began
    far, _ = walked(settings(optimiser="sgd", momentum=0.0, learning_rate=rate), steps=300)
    assert np.abs(far).max() < 0.5
