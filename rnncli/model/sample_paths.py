"""Sample paths whose errors are correlated along the horizon and between targets. numpy only.

Ranks of whole observed futures in their forecasts are applied to new forecasts (Clark et al. 2004, the Schaake
shuffle).
"""

import numpy as np

from rnncli.model.quantile_values import interpolate, normal_deviates

MAX_RANKS = 500_000  # values stored of the ranks
MAX_RANK = 3.0  # normal deviates: ranks are clipped here


def ranks(quantiles: np.ndarray, actual: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the normal ranks (R, H, K) of observed futures (V, H, K) in their forecasts (V, H, K, Q).

    Windows with missing values or without any spread are skipped; of too many, every second, third and so on is kept.
    """
    complete = ~np.isnan(actual).any(axis=(1, 2)) & (np.ptp(quantiles, axis=-1) > 0).any(axis=(1, 2))
    windows = np.flatnonzero(complete)
    chosen = windows[:: -(-len(windows) // max(1, MAX_RANKS // actual[0].size)) or 1]
    return normal_ranks(actual[chosen], quantiles[chosen], levels)


def normal_ranks(actual: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the ranks (...) of values (...) in their forecasts (..., Q) as normal deviates.

    Between quantiles the rank is interpolated. A value equal to several quantiles has their mean rank.
    """
    known = normal_deviates(levels)
    below = (quantiles < actual[..., None]).sum(axis=-1)
    equal = (quantiles == actual[..., None]).sum(axis=-1)
    index = np.clip(below - 1, 0, len(levels) - 2)
    lower, upper = (np.take_along_axis(quantiles, i[..., None], axis=-1)[..., 0] for i in (index, index + 1))
    gap = upper - lower
    with np.errstate(over="ignore"):  # a gap near the smallest float gives infinity, which is clipped below
        share = np.divide(actual - lower, gap, out=np.full(gap.shape, 0.5), where=gap > 0)
    between = known[index] + share * (known[index + 1] - known[index])
    first, last = below.clip(max=len(levels) - 1), (below + equal - 1).clip(0, len(levels) - 1)
    tied = (known[first] + known[last]) / 2
    return np.clip(np.where(equal > 0, tied, between), -MAX_RANK, MAX_RANK)


def draw(ranks: np.ndarray, quantiles: np.ndarray, levels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return sample paths (N, H, K, count) of calibrated forecasts (N, H, K, Q) with the given ranks (R, H, K).

    All N windows get the same ranks, so that series stay correlated in sums over them.
    """
    chosen = np.random.default_rng(seed).permutation(np.resize(np.arange(len(ranks)), max(count, len(ranks))))[:count]
    wanted = ranks[chosen].transpose(1, 2, 0)  # (H, K, count)
    return interpolate(quantiles, normal_deviates(levels), np.broadcast_to(wanted, (*quantiles.shape[:-1], count)))
