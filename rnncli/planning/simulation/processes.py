"""Families of processes that simulated series follow, without their season. NumPy only.

Each family returns paths in units of about one typical change per step, and the standard deviation of the noise to be
added to each path. `season` sets the time scale of slow movements: a trend of daily series changes over weeks.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnncli.planning.simulation.draws import choice, happens, innovations, log_uniform, mean_change


class Paths(NamedTuple):
    """Paths of one family."""

    values: np.ndarray  # (B, T)
    noise: np.ndarray  # (B,) standard deviation of the noise to add


def structural(rng: np.random.Generator, count: int, length: int, season: int) -> Paths:
    """Simulate a local level with a damped local slope, a lasting drift and noise (Harvey 1989)."""
    shares = rng.dirichlet([1.2, 1.0, 0.3], count)
    pace = np.sqrt(max(1.0, season / 2))
    level_sd = np.sqrt(shares[:, 1]) / np.where(rng.random(count) < 0.5, 1, np.sqrt(pace))
    slope_sd = 0.35 * np.sqrt(shares[:, 2]) / pace
    damping = choice(rng, (1.0, 0.98, 0.95, 0.9, 0.8), count) ** (1 / pace)
    drift = rng.normal(0.45, 0.5, count) * choice(rng, (0, 0.5, 1, 2), count) / pace / (1 + 0.15 * pace)
    slope = drift + rng.normal(0, 0.5, count) * happens(rng, 0.6, count) / pace
    shocks, turns = innovations(rng, count, length), rng.standard_normal((count, length))
    level, values = np.zeros(count), np.empty((count, length))
    for step in range(length):
        slope = drift + damping * (slope - drift) + slope_sd * turns[:, step]
        level = level + slope + level_sd * shocks[:, step]
        values[:, step] = level
    return Paths(values, np.sqrt(shares[:, 0] / 2))


def exponential_smoothing(rng: np.random.Generator, count: int, length: int, season: int) -> Paths:
    """Simulate ETS models with one source of error and a damped trend (Hyndman et al. 2008).

    Multiplicative errors and trends are those of paths that are recorded as logarithms.
    """
    alpha = np.where(rng.random(count) < 0.5, rng.uniform(0.02, 1, count), rng.beta(1.2, 2, count))
    beta = alpha * rng.uniform(0, 0.4, count) * happens(rng, 0.7, count)
    damping = choice(rng, (1.0, 0.99, 0.95, 0.9, 0.8), count)
    pace = np.sqrt(max(1.0, season / 2))
    level, slope = np.zeros(count), rng.normal(0.1, 0.4, count) * happens(rng, 0.8, count) / pace
    beta = beta / pace
    errors, values = innovations(rng, count, length), np.empty((count, length))
    for step in range(length):
        expected = level + damping * slope
        values[:, step] = expected + errors[:, step]
        level = expected + alpha * errors[:, step]
        slope = damping * slope + beta * errors[:, step]
    return Paths(values, np.zeros(count))


def local_global_trend(rng: np.random.Generator, count: int, length: int, season: int) -> Paths:
    """Simulate LGT: growth between linear and exponential, error that grows with the level (Smyl et al. 2019)."""
    level = log_uniform(rng, 20, 500, count)
    power, local = rng.uniform(0, 1, count), rng.uniform(-0.3, 0.9, count)
    growth = rng.normal(0.02, 0.03, count) * level ** (1 - power) / max(1.0, season / 2)
    spread, tail = log_uniform(rng, 0.01, 0.12, count), rng.uniform(0, 1, count)
    spread = spread * level ** (1 - tail)
    alpha, beta = rng.uniform(0.1, 1, count), rng.uniform(0, 0.4, count)
    slope, floor = np.zeros(count), level * 0.02
    errors, values = innovations(rng, count, length), np.empty((count, length))
    for step in range(length):
        expected = level + growth * level**power + local * slope
        value = np.maximum(expected + spread * level**tail * errors[:, step], floor)
        newer = np.clip(alpha * value + (1 - alpha) * expected, floor, 1e8)
        slope = beta * (newer - level) + (1 - beta) * slope
        level, values[:, step] = newer, value
    logs = np.log(values.clip(1e-3))
    return Paths(logs / mean_change(logs)[:, None], np.zeros(count))


def random_walk(rng: np.random.Generator, count: int, length: int, season: int) -> Paths:
    """Simulate random walks with drift, from hardly to mostly drift."""
    drift = rng.normal(0, 1, count) * choice(rng, (0, 0.1, 0.3, 1.0), count) / np.sqrt(max(1.0, season / 2))
    values = np.cumsum(innovations(rng, count, length) + drift[:, None], axis=1)
    return Paths(values, choice(rng, (0, 0, 0.3, 1.0), count))


def mean_reversion(rng: np.random.Generator, count: int, length: int, season: int) -> Paths:
    """Simulate Ornstein-Uhlenbeck processes around a mean, or two means between which they switch."""
    speed = log_uniform(rng, 0.01, 0.9, count) / np.sqrt(max(1.0, season / 4))
    switching = happens(rng, 0.35, count) * log_uniform(rng, 1, 6, count) / np.sqrt(speed)
    rate = log_uniform(rng, 1, 6, count) / length
    state = np.cumsum(rng.random((count, length)) < rate[:, None], axis=1) % 2
    mean = state * switching[:, None]
    errors, values, value = innovations(rng, count, length), np.empty((count, length)), rng.normal(0, 1, count)
    for step in range(length):
        value = value + speed * (mean[:, step] - value) + errors[:, step]
        values[:, step] = value
    return Paths(values, choice(rng, (0, 0.3, 1.0), count))


def autoregressive_cycles(rng: np.random.Generator, count: int, length: int, season: int) -> Paths:
    """Simulate AR(2) processes with complex roots: cycles of changing height and length (Yule 1927)."""
    warm_up = 60
    period = log_uniform(rng, 3, 15, count) * max(1.0, season / 3)
    radius = 1 - log_uniform(rng, 0.01, 0.5, count) / np.sqrt(max(1.0, season / 4))
    first, second = 2 * radius * np.cos(2 * np.pi / period), -(radius**2)
    errors, values = innovations(rng, count, length + warm_up), np.empty((count, length + warm_up))
    last = before = np.zeros(count)
    for step in range(length + warm_up):
        last, before = first * last + second * before + errors[:, step], last
        values[:, step] = last
    values = values[:, warm_up:]
    trend = np.arange(length) * (rng.normal(0.05, 0.2, count) * happens(rng, 0.6, count))[:, None]
    return Paths(values / mean_change(values)[:, None] + trend / np.sqrt(max(1.0, season / 2)), np.full(count, 0.2))


def sarima(rng: np.random.Generator, count: int, length: int, season: int) -> Paths:
    """Simulate seasonal ARIMA by the poles of its polynomials, differenced up to twice (Box and Jenkins 1970)."""
    warm_up = 2 * season + 40
    errors = innovations(rng, count, length + warm_up)
    poles = np.stack([rng.uniform(-0.6, 0.95, count), rng.uniform(-0.6, 0.9, count)])
    first, second = poles.sum(axis=0), -poles.prod(axis=0)
    moving = rng.uniform(-0.8, 0.6, count) * happens(rng, 0.6, count)
    seasonal = rng.uniform(0.2, 0.97, count) * happens(rng, 0.5, count) * (season > 1)
    values = np.zeros((count, length + warm_up))
    lagged = np.zeros(count)
    for step in range(length + warm_up):
        value = errors[:, step] + moving * lagged
        if step >= 2:
            value = value + first * values[:, step - 1] + second * values[:, step - 2]
        if step >= season + 2:
            ago = values[:, step - season]
            value = value + seasonal * (
                ago - first * values[:, step - season - 1] - second * values[:, step - season - 2]
            )
        lagged, values[:, step] = errors[:, step], value.clip(-1e6, 1e6)
    values = values[:, warm_up:]
    values = values / (values.std(axis=1, keepdims=True) + 1e-9)
    drift = (rng.normal(0.15, 0.3, count) * happens(rng, 0.6, count))[:, None] / np.sqrt(max(1.0, season / 2))
    order = choice(rng, (0, 0, 1, 1, 1, 2), count)[:, None]
    once = np.cumsum(values + drift, axis=1)
    twice = np.cumsum(once - once.mean(axis=1, keepdims=True) * 0.7, axis=1)
    twice = twice / mean_change(twice)[:, None]
    level = 2 * values + 0.3 * np.arange(length) * drift
    return Paths(np.select([order == 0, order == 1], [level, once], twice), np.where(order[:, 0] == 0, 0.3, 0.0))


def two_time_scales(rng: np.random.Generator, count: int, length: int, season: int) -> Paths:
    """Simulate business cycles of several seasons with a random walk and noise on top (the corpus of SarSim0)."""
    period = max(season, 3) * log_uniform(rng, 2, 12, count)[:, None]
    wobble = np.cumsum(rng.standard_normal((count, length)) * 0.03, axis=1)
    slow = np.sin(2 * np.pi * np.arange(length) / period + rng.uniform(0, 2 * np.pi, (count, 1)) + wobble)
    walk = np.cumsum(innovations(rng, count, length), axis=1) * choice(rng, (0, 0.3, 1), count)[:, None]
    trend = np.arange(length) * rng.normal(0.05, 0.15, (count, 1)) / np.sqrt(max(1.0, season / 2))
    return Paths(slow * log_uniform(rng, 1, 8, count)[:, None] + walk + trend, log_uniform(rng, 0.05, 1, count))


def bounded_growth(rng: np.random.Generator, count: int, length: int, _season: int) -> Paths:
    """Simulate logistic and Gompertz growth, life cycles of products, plateaus and breaks of a trend, with noise."""
    time = np.linspace(0, 1, length)
    middle, width = rng.uniform(-0.3, 1.3, (count, 1)), log_uniform(rng, 0.03, 0.5, (count, 1))
    away = (time - middle) / width
    kind = rng.integers(0, 5, (count, 1))
    shapes = (
        1 / (1 + np.exp(-away.clip(-30, 30))),  # logistic (Verhulst 1838)
        np.exp(-np.exp(-away.clip(-3, 30))),  # Gompertz (1825)
        np.exp(-0.5 * away**2),  # a product's life cycle (Bass 1969)
        np.maximum(time - middle, 0) / width.clip(0.1),  # level until a break
        np.minimum(time - middle, 0) / width.clip(0.1),  # trend until a plateau
    )
    shape = np.select([kind == number for number in range(5)], [np.broadcast_to(one, away.shape) for one in shapes])
    height = log_uniform(rng, 2, 60, (count, 1)) * choice(rng, (1, 1, -1), (count, 1))
    walk = np.cumsum(rng.standard_normal((count, length)), axis=1) * choice(rng, (0, 0, 0.3, 0.8), (count, 1))
    return Paths(shape * height * np.sqrt(max(1.0, length / 50)) + walk, log_uniform(rng, 0.1, 2, count))


def lines(rng: np.random.Generator, count: int, length: int, season: int) -> Paths:
    """Simulate what textbooks draw: a level or a line, with noise from hardly any to much."""
    slope = rng.normal(0, 1, (count, 1)) * choice(rng, (0, 0, 0.05, 0.3, 1), (count, 1)) / np.sqrt(season)
    return Paths(slope * np.arange(length), choice(rng, (0.02, 0.3, 1, 1), count))


class Family(NamedTuple):
    """A family of processes, and its share of all series."""

    simulate: Callable[[np.random.Generator, int, int, int], Paths]
    share: float


FAMILIES: dict[str, Family] = {
    "structural": Family(structural, 0.28),
    "exponential_smoothing": Family(exponential_smoothing, 0.16),
    "local_global_trend": Family(local_global_trend, 0.08),
    "random_walk": Family(random_walk, 0.07),
    "mean_reversion": Family(mean_reversion, 0.06),
    "autoregressive_cycles": Family(autoregressive_cycles, 0.05),
    "sarima": Family(sarima, 0.08),
    "two_time_scales": Family(two_time_scales, 0.05),
    "bounded_growth": Family(bounded_growth, 0.08),
    "lines": Family(lines, 0.09),
}
