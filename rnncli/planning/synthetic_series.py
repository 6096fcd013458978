"""Series made up to be like those of a short table, from which networks learn what its few rows cannot tell.

How such series go on, and how far off one may be: a network that has learned of many weighs what it sees of a new one
(Dooley et al. 2023 trained on nothing else). numpy only.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnncli.config.sections import SYNTHETIC_SERIES, Network, Training
from rnncli.errors import RequestError
from rnncli.panel import Cutoffs, Panel
from rnncli.planning import structural_model
from rnncli.planning.structural_model import StructuralTraits
from rnncli.planning.validation_split import rows_needed, split

MIN_WINDOWS = 8  # with nothing in common but their past, that each has rows for at least
MAX_TYPICAL_LENGTH = 100  # rows of a typical series, at most: longer ones show how they go on, in waves perhaps
ENOUGH_HORIZONS = (
    1_500  # horizons that do not overlap, in all series: of more the networks learn as well without others
)
MAX_ZEROS = 0.2  # share of the values: what is sold now and then goes another way
MIN_VALUES = 3  # values that tell what a series is like
MAX_LOG_DEVIATION = 8.0  # logarithms a value may be from its series' mean


class AugmentedPanel(NamedTuple):
    """A table's series, and behind them those made up to be like them."""

    panel: Panel
    added: int  # how many those are
    reasons: dict[str, str]  # why they were, where that was not asked for

    def of_table(self, places: Cutoffs) -> np.ndarray:
        """Which of these cutoffs are of the table's own series: (N,)."""
        return places.series < len(self.panel.ids) - self.added


def augment(panel: Panel, network: Network, training: Training, horizon: int, season: int) -> AugmentedPanel:
    """The panel with as many synthetic series as were asked for, or as it needs. Raises RequestError."""
    hindrance = _hindrance(panel, network)
    if training.synthetic and hindrance:
        raise RequestError(f"--synthetic makes up targets, not {hindrance}. Leave out one")
    count, reasons = training.synthetic or 0, dict[str, str]()
    apart = panel.value_count // (horizon * panel.targets)
    if training.synthetic is None and not hindrance and apart < ENOUGH_HORIZONS and _fitting(panel, horizon, season):
        count, reasons = (
            SYNTHETIC_SERIES,
            {"synthetic": f"{apart} horizons that do not overlap are too few to learn from alone"},
        )
    return AugmentedPanel(
        append_synthetic(panel, count, horizon, season, training.seed) if count else panel, count, reasons
    )


def _fitting(panel: Panel, horizon: int, season: int) -> bool:
    """Whether such series go on much as those of the panel may."""
    if season > 1 or np.median(panel.lengths) > MAX_TYPICAL_LENGTH or panel.lengths.max() < rows_needed(horizon, 1):
        return False
    away = np.median([structural_model.variance_ratio(one, horizon) for one in _added_up(panel)])
    return bool(away > 1 and np.mean(panel.values == 0) <= MAX_ZEROS)


def _hindrance(panel: Panel, network: Network) -> str:
    """What made-up series cannot have, where it is asked for."""
    beside = panel.covariates
    if beside.columns:
        return f'what lies beside them, as "{beside.columns[0].name}" does'
    if beside.weights is not None:
        return "the weights of their rows"
    if beside.holidays:
        return "what holidays do to them (--holidays)"
    if network.mix:
        return "what they do to one another (--mix)"
    if network.context == 0:
        return "what could be told without a past (--context 0)"
    return "a state to carry over (--bptt)" if network.bptt is not None else ""


def append_synthetic(panel: Panel, count: int, horizon: int, season: int, seed: int) -> Panel:
    """The panel's series, and so many behind them: each like one of them, with its gaps, and ending where it ends.

    Each has rows to learn from and to validate on, be those that it is like ever so short. What they are like is told
    by the rows before those to be validated on, which nobody is to have seen, where these hold values enough.
    """
    generator = np.random.default_rng([seed, count])
    likes = generator.integers(len(panel.ids), size=count)  # (C,) the series that each is like
    lengths = np.maximum(panel.lengths[likes], rows_needed(horizon, MIN_WINDOWS))
    both = _longer(panel, likes, lengths)
    unseen = split(both, horizon, None).validation
    ends = both.lengths.copy()
    np.minimum.at(ends, unseen.series, unseen.rows)
    traits = [
        structural_model.estimate_traits(_telling(one, ends[number]), season, horizon)
        for number, one in enumerate(_added_up(panel))
    ]
    paths = structural_model.simulate(
        [traits[like] for like in likes], int(lengths.max()), horizon, generator
    )  # (C, T, K)
    lowest = float(np.nanmin(panel.values))
    made = [
        _like(panel.series(like), traits[like], path[:length], lowest)
        for like, length, path in zip(likes, lengths, paths, strict=True)
    ]
    return replace(both, values=np.concatenate([panel.values, *made]))


def _longer(panel: Panel, likes: np.ndarray, lengths: np.ndarray) -> Panel:
    """The panel with a series without values behind its own for each that it is like (C,), of so many rows (C,)."""
    kept = np.concatenate([np.arange(len(panel.ids)), likes])
    before = np.concatenate([np.zeros(len(panel.ids), np.int64), lengths - panel.lengths[likes]])
    return replace(
        panel,
        values=np.concatenate([panel.values, np.full((lengths.sum(), panel.targets), np.nan, panel.values.dtype)]),
        offsets=np.concatenate([panel.offsets, panel.offsets[-1] + lengths.cumsum()]),
        ids=panel.ids[kept],
        firsts=panel.firsts[kept] - before,
        phases=panel.phases[kept],
        covariates=panel.covariates.select(np.empty(0, np.int64), np.zeros(len(kept) + 1, np.int64), kept),
    )


def _telling(values: np.ndarray, end: int) -> np.ndarray:
    """The rows of a series (T, K) before an end, or all where too few of those are known."""
    return values[:end] if np.isfinite(values[:end]).sum(axis=0).min() >= MIN_VALUES else values


def _added_up(panel: Panel) -> Iterator[np.ndarray]:
    """The series (T, K) in units in which they go up and down alike: logarithms where all the table's are positive."""
    positive = np.nanmin(panel.values) > 0
    for number in range(len(panel.ids)):
        yield np.log(panel.series(number)) if positive else panel.series(number)


def _like(values: np.ndarray, traits: StructuralTraits, path: np.ndarray, lowest: float) -> np.ndarray:
    """A path (T, K) with the level, the season and the gaps of a series, above zero where all the table's values are.

    lowest: of these.
    """
    before = len(path) - len(values)
    season = traits.season[(np.arange(len(path)) - before) % len(traits.season)]
    apart = path - path.mean(axis=0)
    if lowest > 0:
        made = np.exp(traits.level + apart.clip(-MAX_LOG_DEVIATION, MAX_LOG_DEVIATION) + season)
    else:
        made = (traits.level + apart + season).clip(min=0.0 if lowest == 0 else None)
    made[before:][np.isnan(values)] = np.nan
    return made
