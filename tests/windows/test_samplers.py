"""Samplers draw from the range of each series."""

import numpy as np
import torch

from rnncli.windows.samplers import Sampler

CPU = torch.device("cpu")


def test_a_sampler_draws_every_cutoff_of_its_range_and_no_other() -> None:
    sampler = Sampler(np.array([3, 5, 9]), np.array([6, 4, 9]), CPU)

    series, cutoffs = sampler.draw(4000, torch.Generator().manual_seed(0))

    drawn = set(zip(series.tolist(), cutoffs.tolist(), strict=True))
    assert drawn == {(0, 3), (0, 4), (0, 5), (0, 6), (2, 9)}
    assert 0.45 < (series == 0).double().mean() < 0.55
