"""Detect the seasons of a panel, from the calendar and the autocorrelation of changes."""

import numpy as np

from rnncli.evaluation import baselines
from rnncli.panel import Panel
from rnncli.panel.time.frequency import DAY, SECOND, Frequency
from rnncli.planning.choice import Choice
from rnncli.planning.validation_split import Split, whole_panel

MAX_SAMPLED_SERIES = 300
MIN_AUTOCORRELATION = 0.1  # of a cycle of the calendar
MIN_AUTOCORRELATION_INTEGER = 0.3  # of a cycle on an integer time index, where no calendar suggests it
STANDARD_ERRORS = 2.0  # a random mean exceeds them once in 40 times; a median, whose error is larger, once in 20
MIN_PAIRS = 3  # two pairs always correlate perfectly
INTEGER_SEASONS = (4, 5, 7, 12, 24, 48, 52, 96, 144, 168, 288)
MAX_RATIO = 10.0  # of errors in one series, so that it does not dominate the mean


class TrainingSample:
    """The training part of some series, for quick measurements."""

    def __init__(self, panel: Panel, parts: Split, horizon: int) -> None:
        usable = np.flatnonzero(parts.last >= parts.first)
        sampled = usable[:: -(-len(usable) // MAX_SAMPLED_SERIES)]
        ends = parts.last[sampled] + horizon
        self.horizon = horizon
        self.series = [
            panel.values[panel.offsets[number] : panel.offsets[number] + end]
            for number, end in zip(sampled, ends, strict=True)
        ]  # each (T, K)

    def relative_error(self, season: int) -> float:
        """Return the mean error of seasonal naive over the last three horizons, relative to that of naive.

        Infinite if the series are too short.
        """
        ratios = []
        for values in self.series:
            seasonal = naive = 0.0
            for back in (1, 2, 3):
                cutoff = len(values) - back * self.horizon
                if cutoff <= season:
                    break
                past, future = values[None, :cutoff], values[cutoff : cutoff + self.horizon]
                seasonal += _total(future - baselines.seasonal_naive(past, self.horizon, season)[0])
                naive += _total(future - baselines.naive(past, self.horizon)[0])
            if naive > 0:
                ratios.append(seasonal / naive)
        return float(np.mean(np.minimum(ratios, MAX_RATIO))) if ratios else np.inf

    def autocorrelation(self, lag: int) -> float:
        """Return the median over series of the autocorrelation of changes at a lag, less that at half the lag.

        The second part distinguishes a cycle from a smooth series. From less than two cycles, a value that may be
        chance gives 0.
        """
        changes = [np.diff(column) for series in self.series for column in series.T]
        values = [_autocorrelation(change, lag) - max(0.0, _autocorrelation(change, lag // 2)) for change in changes]
        known = [index for index, value in enumerate(values) if np.isfinite(value)]
        if not known:
            return 0.0
        value = float(np.median([values[index] for index in known]))
        return value if value > _chance_level([changes[index] for index in known], lag) else 0.0


def _total(errors: np.ndarray) -> float:
    return float(np.nansum(np.abs(errors)))


def _autocorrelation(changes: np.ndarray, lag: int) -> float:
    """Return the autocorrelation of the changes (T,) of a series; NaN if it cannot be computed."""
    if len(changes) < 2 * lag:
        return _pair_correlation(changes, lag)
    centred = np.nan_to_num(changes - np.nanmean(changes)) if (~np.isnan(changes)).any() else np.zeros(1)
    power = float((centred**2).sum())
    return float((centred[lag:] * centred[:-lag]).sum()) / power if power > 0 else np.nan


def _pair_correlation(changes: np.ndarray, lag: int) -> float:
    """Return the correlation of the pairs of changes (T,) a lag apart, times the share of changes that are in a pair.

    With less than two cycles, large changes without a partner would otherwise dominate the variance. As in any
    autocorrelation, changes without a partner count as uncorrelated: two cycles are more evidence than one and a half.
    """
    pairs = np.stack([changes[lag:], changes[:-lag]]) if len(changes) > lag else np.empty((2, 0))
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    count = pairs.shape[1]
    if count < MIN_PAIRS:
        return np.nan
    with np.errstate(all="ignore"):  # NaN if the series is constant
        return float(np.corrcoef(pairs)[0, 1]) * count / len(changes)


def _chance_level(changes: list[np.ndarray], lag: int) -> float:
    """Return the median autocorrelation that chance may reach; -inf from two cycles on, where a threshold is enough."""
    length = int(np.median([len(change) for change in changes]))
    if length >= 2 * lag:
        return -np.inf
    return STANDARD_ERRORS * np.sqrt((length - lag) / _independent_series(changes, length)) / length


def _independent_series(changes: list[np.ndarray], length: int) -> float:
    """Return how many independent series are as much evidence (the design effect, Kish 1965), if all end together."""
    newest = np.stack([change[-length:] for change in changes if len(change) >= length])  # (S, length)
    count = np.maximum((~np.isnan(newest)).sum(axis=1, keepdims=True), 1)
    centred = np.nan_to_num(newest - np.nansum(newest, axis=1, keepdims=True) / count)
    spread = centred.std(axis=1, keepdims=True)
    common = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0).mean(axis=0)
    return float(np.clip(1 / max((common**2).mean(), 1 / len(newest)), 1, len(newest)))


def natural_seasons(frequency: Frequency) -> tuple[int, ...]:
    """Return the cycles of the calendar in time steps, shortest first."""
    match frequency.unit:
        case "integer":
            return INTEGER_SEASONS
        case "business":
            return (5,)
        case "month":
            return (12 // frequency.every,) if 12 % frequency.every == 0 and frequency.every < 12 else ()
        case "fixed":
            if frequency.every >= 7 * DAY:
                year = round(365.25 * DAY / frequency.every)
                return (year,) if year > 1 else ()
            cycles = [length for length in (60 * SECOND, 3600 * SECOND, DAY, 7 * DAY) if length % frequency.every == 0]
            fitting = [length // frequency.every for length in cycles if 4 <= length // frequency.every <= 1440]
            return tuple(fitting)


def cycle_strengths(panel: Panel) -> dict[int, float]:
    """Return the autocorrelation at each cycle of the calendar, shortest first.

    It is measured in all rows, those of the validation windows too: two years of data are not enough without them.
    """
    sample = TrainingSample(panel, whole_panel(panel), 0)
    return {season: sample.autocorrelation(season) for season in natural_seasons(panel.frequency)}


def detected_seasons(panel: Panel) -> dict[int, float]:
    """Return the cycles that the data shows, strongest first, with their autocorrelations."""
    seasons = {season: value for season, value in cycle_strengths(panel).items() if value > MIN_AUTOCORRELATION}
    return dict(sorted(seasons.items(), key=lambda pair: -pair[1]))


def season_for_scores(panel: Panel) -> int:
    """Return the season of the seasonal naive forecast that scores are relative to."""
    return choose_season(panel.frequency, cycle_strengths(panel)).value


def choose_season(frequency: Frequency, strengths: dict[int, float]) -> Choice[int]:
    """Choose the season by the strengths of the cycles; 1 if the data shows none."""
    if frequency.unit == "integer":
        strong = {season: value for season, value in strengths.items() if value > MIN_AUTOCORRELATION_INTEGER}
        if not strong:
            return Choice(1, "the time index has no calendar, and the data shows no cycle")
        season = next(season for season, value in strong.items() if value > 0.9 * max(strong.values()))
        return Choice(season, f"autocorrelation of changes {strong[season]:.2f} at {season} steps")
    visible = [season for season, value in strengths.items() if value > MIN_AUTOCORRELATION]
    if visible:
        season = max(visible, key=lambda season: (round(strengths[season], 1), -season))
        return Choice(season, f"a cycle of the calendar; autocorrelation of changes {strengths[season]:.2f}")
    if strengths:
        return Choice(1, f"the data shows no cycle of {' or '.join(map(str, strengths))} steps")
    return Choice(1, f"the calendar has no cycle for steps of {frequency.name}")


def other_cycles(frequency: Frequency, strengths: dict[int, float], season: int, fixed: bool) -> list[int]:
    """Return the two strongest other cycles; only multiples of the season if the user fixed it."""
    least = MIN_AUTOCORRELATION_INTEGER if frequency.unit == "integer" else MIN_AUTOCORRELATION
    others = [cycle for cycle, value in strengths.items() if value > least and cycle != season]
    if fixed:
        others = [cycle for cycle in others if season > 1 and cycle % season == 0]
    return sorted(others, key=lambda cycle: -strengths[cycle])[:2]
