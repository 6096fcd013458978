"""Batches of simulated windows to pretrain on, each from a seed and a number: resuming a training repeats none."""

from typing import NamedTuple

import numpy as np

from rnncli.model.pretrained.simple_forecasts import Seasons
from rnncli.model.pretrained.window_features import WindowFeatures, window_features
from rnncli.planning.simulation import recording
from rnncli.planning.simulation.draws import log_uniform
from rnncli.planning.simulation.simulate import simulate

WINDOWS, LONG_WINDOWS = 256, 128  # of a batch, and of one of long windows
LONG_WINDOW = 260  # rows from which a window is long
STEPS = 24  # steps ahead trained on, of all up to a random horizon
FAR, MAX_HORIZON = 0.12, 512  # share of batches with horizons beyond the usual ones, up to the largest
SHORT = 0.2  # share of batches that may have windows shorter than two seasons
CUT = 0.5  # share of windows that begin after the first row of the batch
GAPS = 0.08  # share of windows with gaps
MAX_ACTUAL = 100.0  # distance of a value from the centre, in scales


class Group(NamedTuple):
    """Series of one season: their share of the batches, lengths and horizons."""

    share: float
    rows: tuple[int, int]
    horizon: int
    long: int = 1  # second season


GROUPS: dict[int, Group] = {
    1: Group(0.28, (3, 100), 12),
    3: Group(0.01, (4, 100), 12),
    4: Group(0.15, (4, 120), 14),
    5: Group(0.02, (6, 300), 30, 260),
    6: Group(0.01, (6, 120), 18),
    7: Group(0.10, (6, 400), 56),
    10: Group(0.01, (6, 120), 20),
    12: Group(0.18, (5, 240), 28),
    13: Group(0.01, (6, 130), 18),
    24: Group(0.03, (20, 500), 60),
    30: Group(0.01, (20, 200), 40),
    48: Group(0.01, (30, 500), 64, 336),
    52: Group(0.07, (8, 400), 40),
    96: Group(0.01, (60, 500), 96),
    168: Group(0.01, (60, 600), 96),
}
SECOND: dict[int, Group] = {7: Group(0.05, (300, 960), 60, 364), 24: Group(0.06, (100, 960), 72, 168)}


class Batch(NamedTuple):
    """Windows and what follows them."""

    features: WindowFeatures
    actual: np.ndarray  # (B, H) in scales around the centre of each window
    season: int


def make_batch(seed: int, number: int, leave_out: str | None = None) -> Batch:
    """Simulate the batch of some number."""
    rng = np.random.default_rng([seed, number])
    groups = [*GROUPS.items(), *SECOND.items()]
    shares = np.array([group.share for _, group in groups])
    season, group = groups[int(rng.choice(len(groups), p=shares / shares.sum()))]
    horizon = _horizon(rng, group)
    shortest, longest = group.rows
    usual = shortest if rng.random() < SHORT else max(shortest, min(2.2 * season, longest / 2))
    rows = int(log_uniform(rng, usual, longest, 1)[0])
    values = simulate(rng, LONG_WINDOWS if rows > LONG_WINDOW else WINDOWS, rows + horizon, season, leave_out)
    past = recording.gaps(rng, values[:, :rows], GAPS)
    begin = (rng.random(len(past)) < CUT) * rng.random(len(past)) * max(0, rows - shortest)
    past = np.where(np.arange(rows) < begin[:, None], np.nan, past)
    steps = draw_steps(rng, horizon)
    features = window_features(past, Seasons(season, group.long), steps)
    return Batch(features, in_scales(values[:, rows - 1 + steps], features), season)


def draw_steps(rng: np.random.Generator, horizon: int) -> np.ndarray:
    """Draw the steps ahead to train on: all of a short horizon, some of a long one."""
    return np.sort(rng.choice(horizon, min(horizon, STEPS), replace=False)) + 1


def in_scales(values: np.ndarray, features: WindowFeatures) -> np.ndarray:
    """Return values (B, H) after windows as their distances from the centres, in scales and 32 bits."""
    distances = (values - features.centre[:, None]) / features.scale[:, None]
    return distances.clip(-MAX_ACTUAL, MAX_ACTUAL).astype(np.float32)


def _horizon(rng: np.random.Generator, group: Group) -> int:
    """Draw a horizon: of those usual in the group, or a longer one."""
    if rng.random() < FAR:
        return int(log_uniform(rng, group.horizon, min(MAX_HORIZON, 8 * group.horizon), 1)[0])
    return int(rng.integers(max(1, group.horizon // 3), group.horizon + 1))
