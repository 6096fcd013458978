"""Synthetic series like those of a short table, as further training data.

A network trained on many such series has learned how they continue, and how uncertain that is, from more than the few
rows of the table (Dooley et al. 2023 trained on nothing else).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnncli.config.fields import SYNTHETIC_SERIES
from rnncli.config.sections import NetworkOptions, Training
from rnncli.errors import RequestError
from rnncli.panel import Cutoffs, Panel
from rnncli.planning import structural_model
from rnncli.planning.structural_model import StructuralTraits
from rnncli.planning.validation_split import rows_needed, split

MIN_WINDOWS = 8  # with horizons that do not overlap, in each synthetic series
MAX_TYPICAL_LENGTH = 100  # rows of a typical series: longer ones show how they continue, which may be in waves
ENOUGH_HORIZONS = 1_500  # without overlap, in all series: with more, synthetic series improved no forecast
MAX_ZEROS = 0.2  # share of the values: intermittent demand moves differently
MIN_VALUES = 3  # from which the traits of a series are estimated
MAX_LOG_DEVIATION = 8.0  # of a value from the mean of its series, in natural logarithms


class AugmentedPanel(NamedTuple):
    """A table, and the panel to train on: the series of the table, then the synthetic ones."""

    table: Panel
    panel: Panel
    reasons: dict[str, str]  # why there are synthetic series, unless the user set their number

    @property
    def synthetic(self) -> int:
        """Number of synthetic series."""
        return len(self.panel.ids) - len(self.table.ids)

    def in_table(self, cutoffs: Cutoffs) -> np.ndarray:
        """Return which cutoffs of the panel are in series of the table: (N,)."""
        return cutoffs.series < len(self.table.ids)


def augment(table: Panel, network: NetworkOptions, training: Training, horizon: int, season: int) -> AugmentedPanel:
    """Add as many synthetic series as the user set, or as a short table needs.

    Raise RequestError if the user set a number but the series need something that cannot be synthesised.
    """
    obstacle = _obstacle(table, network)
    if training.synthetic and obstacle:
        raise RequestError(f"--synthetic cannot be used with {obstacle}. Leave out one of them")
    count, reasons = training.synthetic or 0, dict[str, str]()
    horizons = table.value_count // (horizon * table.targets)
    if training.synthetic is None and not obstacle and horizons < ENOUGH_HORIZONS and _suitable(table, horizon, season):
        count = SYNTHETIC_SERIES
        reasons = {"synthetic": f"{horizons} horizons without overlap are too few to learn from"}
    panel = append_synthetic(table, count, horizon, season, training.seed) if count else table
    return AugmentedPanel(table, panel, reasons)


def _suitable(table: Panel, horizon: int, season: int) -> bool:
    """Return whether synthetic series continue much as those of the table may: short, trending, without a season."""
    if season > 1 or np.median(table.lengths) > MAX_TYPICAL_LENGTH or table.lengths.max() < rows_needed(horizon, 1):
        return False
    ratio = np.median([structural_model.variance_ratio(values, horizon) for values in _additive(table)])
    return bool(ratio > 1 and np.mean(table.values == 0) <= MAX_ZEROS)


def _obstacle(table: Panel, network: NetworkOptions) -> str:
    """Return the input or option that synthetic series cannot have, or an empty text."""
    covariates = table.covariates
    if covariates.columns:
        return f'covariates ("{covariates.columns[0].name}")'
    if covariates.weights is not None:
        return f"--weight {table.summary.roles.weight}"
    if covariates.holidays:
        return f"--holidays {','.join(covariates.holidays)}"
    if network.mix:
        return "--mix"
    if network.context == 0:
        return "--context 0"
    return f"--bptt {network.bptt}" if network.bptt is not None else ""


def append_synthetic(table: Panel, count: int, horizon: int, season: int, seed: int) -> Panel:
    """Return the series of the table and `count` synthetic ones, each like a random series of the table.

    A synthetic series has the gaps and the end of the original, and enough rows to train and validate on. Its traits
    are estimated from the rows before the validation windows, which no training may use, if these are enough.
    """
    generator = np.random.default_rng([seed, count])
    originals = generator.integers(len(table.ids), size=count)  # (C,) series of the table
    lengths = np.maximum(table.lengths[originals], rows_needed(horizon, MIN_WINDOWS))
    panel = _with_empty_series(table, originals, lengths)
    validation = split(panel, horizon, None).validation
    ends = panel.lengths.copy()
    np.minimum.at(ends, validation.series, validation.rows)
    traits = [
        structural_model.estimate_traits(_before_validation(values, ends[number]), season, horizon)
        for number, values in enumerate(_additive(table))
    ]
    like = [traits[original] for original in originals]
    paths = structural_model.simulate(like, int(lengths.max()), horizon, generator)  # (C, T, K)
    lowest = float(np.nanmin(table.values))
    values = [
        _like(table.series(original), traits[original], path[:length], lowest)
        for original, length, path in zip(originals, lengths, paths, strict=True)
    ]
    return replace(panel, values=np.concatenate([table.values, *values]))


def _with_empty_series(table: Panel, originals: np.ndarray, lengths: np.ndarray) -> Panel:
    """Return the table followed by a series without values for each original (C,), of the given lengths (C,)."""
    numbers = np.concatenate([np.arange(len(table.ids)), originals])
    earlier = np.concatenate([np.zeros(len(table.ids), np.int64), lengths - table.lengths[originals]])
    empty = np.full((lengths.sum(), table.targets), np.nan, table.values.dtype)
    return replace(
        table,
        values=np.concatenate([table.values, empty]),
        offsets=np.concatenate([table.offsets, table.offsets[-1] + lengths.cumsum()]),
        ids=table.ids[numbers],
        firsts=table.firsts[numbers] - earlier,
        phases=table.phases[numbers],
        covariates=table.covariates.select(np.empty(0, np.int64), np.zeros(len(numbers) + 1, np.int64), numbers),
    )


def _before_validation(values: np.ndarray, end: int) -> np.ndarray:
    """Return the rows of a series (T, K) before `end`, or all rows if too few of those are observed."""
    return values[:end] if np.isfinite(values[:end]).sum(axis=0).min() >= MIN_VALUES else values


def _additive(table: Panel) -> Iterator[np.ndarray]:
    """Yield the series (T, K) on a scale where changes are symmetric: logarithms if all values are positive."""
    positive = np.nanmin(table.values) > 0
    for number in range(len(table.ids)):
        yield np.log(table.series(number)) if positive else table.series(number)


def _like(values: np.ndarray, traits: StructuralTraits, path: np.ndarray, lowest: float) -> np.ndarray:
    """Return a path (T, K) with the level, the season and the gaps of a series (T', K).

    lowest: smallest value of the table; if it is not negative, no value of the path is.
    """
    earlier = len(path) - len(values)
    season = traits.season[(np.arange(len(path)) - earlier) % len(traits.season)]
    centred = path - path.mean(axis=0)
    if lowest > 0:
        series = np.exp(traits.level + centred.clip(-MAX_LOG_DEVIATION, MAX_LOG_DEVIATION) + season)
    else:
        series = (traits.level + centred + season).clip(min=0.0 if lowest == 0 else None)
    series[earlier:][np.isnan(values)] = np.nan
    return series
