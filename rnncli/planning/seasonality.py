"""Which cycles a panel moves in, told from the calendar and from how changes repeat themselves. numpy only."""

import numpy as np

from rnncli.evaluation import baselines
from rnncli.panel import Panel
from rnncli.panel.time.frequency import DAY, SECOND, Frequency
from rnncli.planning.validation_split import Split, whole_panel

MAX_SAMPLED_SERIES = 300  # series looked at
MIN_AUTOCORRELATION, MIN_AUTOCORRELATION_INTEGER = (
    0.1,
    0.3,
)  # autocorrelation of a cycle that the calendar suggests, and of one that nothing suggests
STANDARD_ERRORS = 2.0  # standard errors of a mean: one in forty is larger; of a median, which errs more, one in twenty
MIN_PAIRS = 3  # two always correlate wholly
INTEGER_SEASONS = (4, 5, 7, 12, 24, 48, 52, 96, 144, 168, 288)


class TrainingSample:
    """The training part of some series, to measure cheap things on."""

    def __init__(self, panel: Panel, parts: Split, horizon: int) -> None:
        usable = np.flatnonzero(parts.last >= parts.first)
        chosen = usable[:: -(-len(usable) // MAX_SAMPLED_SERIES)]
        ends = parts.last[chosen] + horizon
        self.horizon = horizon
        self.series = [
            panel.values[panel.offsets[number] : panel.offsets[number] + end]
            for number, end in zip(chosen, ends, strict=True)
        ]  # each (T, K)

    def error(self, season: int) -> float:
        """Mean error of repeating the last season over the last horizons, in units of the naive one's: 1 is as good."""
        ratios = []
        for values in self.series:
            own = other = 0.0
            for back in (1, 2, 3):
                cutoff = len(values) - back * self.horizon
                if cutoff <= season:
                    break
                past, future = values[None, :cutoff], values[cutoff : cutoff + self.horizon]
                own += _total(future - baselines.seasonal_naive(past, self.horizon, season)[0])
                other += _total(future - baselines.naive(past, self.horizon)[0])
            if other > 0:
                ratios.append(own / other)
        return float(np.mean(np.minimum(ratios, 10.0))) if ratios else np.inf

    def autocorrelation(self, lag: int) -> float:
        """Median over series of how much better changes correlate with those `lag` steps before than half as far.

        The second part tells a cycle from what is merely smooth. 0 where less than two cycles tell nothing that may not
        be chance.
        """
        changes = [np.diff(column) for series in self.series for column in series.T]
        values = [_autocorrelation(one, lag) - max(0.0, _autocorrelation(one, lag // 2)) for one in changes]
        known = [place for place, value in enumerate(values) if np.isfinite(value)]
        if not known:
            return 0.0
        value = float(np.median([values[place] for place in known]))
        return value if value > _chance([changes[place] for place in known], lag) else 0.0


def _total(errors: np.ndarray) -> float:
    return float(np.nansum(np.abs(errors)))


def _autocorrelation(changes: np.ndarray, lag: int) -> float:
    """Of changes (T,) of a series; from less than two cycles what these tell."""
    if len(changes) < 2 * lag:
        return _come_again(changes, lag)
    centred = np.nan_to_num(changes - np.nanmean(changes)) if (~np.isnan(changes)).any() else np.zeros(1)
    power = float((centred**2).sum())
    return float((centred[lag:] * centred[:-lag]).sum()) / power if power > 0 else np.nan


def _come_again(changes: np.ndarray, lag: int) -> float:
    """The same from the changes alone whose time of the cycle has come again.

    The others would outweigh these where the year's great days are among them. As in any autocorrelation those that
    have no pair count as if they had nothing in common: two cycles tell more than one and a half.
    """
    pairs = np.stack([changes[lag:], changes[:-lag]]) if len(changes) > lag else np.empty((2, 0))
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    count = pairs.shape[1]
    if count < MIN_PAIRS:
        return np.nan
    with np.errstate(all="ignore"):  # NaN where nothing moves
        return float(np.corrcoef(pairs)[0, 1]) * count / len(changes)


def _chance(changes: list[np.ndarray], lag: int) -> float:
    """What the median of such autocorrelations comes to by chance; -inf from two cycles on, where SEEN is more."""
    length = int(np.median([len(one) for one in changes]))
    if length >= 2 * lag:
        return -np.inf
    return STANDARD_ERRORS * np.sqrt((length - lag) / _independent(changes, length)) / length


def _independent(changes: list[np.ndarray], length: int) -> float:
    """How many series with nothing in common would tell as much (the design effect: Kish 1965), if all end together."""
    newest = np.stack([one[-length:] for one in changes if len(one) >= length])  # (S, length)
    count = np.maximum((~np.isnan(newest)).sum(axis=1, keepdims=True), 1)
    centred = np.nan_to_num(newest - np.nansum(newest, axis=1, keepdims=True) / count)
    spread = centred.std(axis=1, keepdims=True)
    common = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0).mean(axis=0)
    return float(np.clip(1 / max((common**2).mean(), 1 / len(newest)), 1, len(newest)))


def natural_seasons(frequency: Frequency) -> tuple[int, ...]:
    """Steps in the cycles that the calendar suggests, shortest first."""
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
    """How strongly each cycle of the calendar shows in all rows, shortest first.

    Also in those that are to be validated on: where there are hardly two years, what is left of them would not tell.
    """
    sample = TrainingSample(panel, whole_panel(panel), 0)
    return {season: sample.autocorrelation(season) for season in natural_seasons(panel.frequency)}


def detected_seasons(panel: Panel) -> dict[int, float]:
    """The cycles that show in the panel, strongest first, and how strongly changes correlate over them."""
    seen = {season: value for season, value in cycle_strengths(panel).items() if value > MIN_AUTOCORRELATION}
    return dict(sorted(seen.items(), key=lambda pair: -pair[1]))


def season_for_scores(panel: Panel) -> int:
    """The season that scores are to be measured by."""
    return choose_season(panel.frequency, cycle_strengths(panel))[0]


def choose_season(frequency: Frequency, strength: dict[int, float]) -> tuple[int, str]:
    if frequency.unit == "integer":
        strong = {season: value for season, value in strength.items() if value > MIN_AUTOCORRELATION_INTEGER}
        if not strong:
            return 1, "the clock is plain numbers, and no cycle shows"
        season = next(season for season, value in strong.items() if value > 0.9 * max(strong.values()))
        return season, f"changes correlate {strong[season]:.2f} with those {season} steps before"
    seen = [season for season, value in strength.items() if value > MIN_AUTOCORRELATION]
    if seen:
        season = max(seen, key=lambda season: (round(strength[season], 1), -season))
        return season, f"a cycle of the calendar; changes correlate {strength[season]:.2f} with those a cycle before"
    if strength:
        return 1, f"no cycle of {' or '.join(map(str, strength))} steps shows"
    return 1, f"the calendar has no cycle for steps of {frequency.name}"


def other_cycles(frequency: Frequency, strength: dict[int, float], season: int, asked: bool) -> list[int]:
    """The other cycles that show, the two strongest; beside a season that was asked for only those made of it."""
    least = MIN_AUTOCORRELATION_INTEGER if frequency.unit == "integer" else MIN_AUTOCORRELATION
    others = [cycle for cycle, value in strength.items() if value > least and cycle != season]
    if asked:
        others = [cycle for cycle in others if season > 1 and cycle % season == 0]
    return sorted(others, key=lambda cycle: -strength[cycle])[:2]
