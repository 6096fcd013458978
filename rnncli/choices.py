"""What the user left open, chosen from the data, with the reason. numpy only: `inspect` tells it without training."""

from typing import Any, NamedTuple

import numpy as np

from rnncli import baselines
from rnncli.config import Architecture, BaseName, Network, ScaleName, Training
from rnncli.errors import DataError, RequestError
from rnncli.panel import Cutoffs, Panel, clock
from rnncli.panel.clock import DAY, SECOND, Frequency

ENOUGH_WINDOWS = 60_000  # few series need long histories, many series only their newest windows
LEAST_VALIDATION = 100  # windows, where the data has them
MOST_VALIDATION = 2_000
SAMPLE = 300  # series looked at to tell season, base and scale
SEEN, CLEARLY_SEEN = 0.1, 0.3  # autocorrelation of a cycle that the calendar suggests, and of one that nothing suggests
INTEGER_SEASONS = (4, 5, 7, 12, 24, 48, 52, 96, 144, 168, 288)


class Plan(NamedTuple):
    """A training with nothing left open."""

    architecture: Architecture
    steps: int
    first: np.ndarray  # (S,) int64, the earliest cutoff of a training window in each series
    last: np.ndarray  # (S,) int64, the latest; below `first` where the series is too short
    validation: Cutoffs  # after every training window
    held_out: int  # steps at the end of each series that no training window reaches into
    reasons: dict[str, str]  # for each choice that was made here

    @property
    def history(self) -> int:
        """Cutoffs of training windows in the longest series."""
        return int((self.last - self.first + 1).max())


def make(panel: Panel, network: Network, training: Training) -> Plan:
    """Every open choice made, from the panel alone.

    Raises DataError where every series is too short, RequestError where what was asked for does not fit together.
    """
    reasons: dict[str, str] = {}
    horizon = _horizon(network, panel.frequency)
    first, last, validation, held_out = _split(panel, horizon, training, reasons)
    sample = _Sample(panel, first, last, horizon)

    def choose(name: str, asked: Any, chosen: tuple[Any, str]) -> Any:
        if asked is not None:
            return asked
        reasons[name] = chosen[1]
        return chosen[0]

    season = choose("season", network.season, _season(panel.frequency, sample))
    context = choose("context", network.context, _context(panel, horizon, season))
    segment = choose("segment", network.segment, _segment(horizon, _shortest_cycle(season, panel.frequency), context))
    if network.context is None:
        context = -(-context // segment) * segment
    elif context % segment:
        raise RequestError(f"--context {context} is no multiple of --segment {segment}. Change one of them")
    scale = choose("scale", network.scale, _scale(sample))
    base = choose("base", network.base, _base(season, scale, sample))
    if base == "seasonal" and season > context:
        raise RequestError(f"--base seasonal needs a --context of at least the season, {season}; it is {context}")
    architecture = Architecture(
        **network.model_dump(exclude={"horizon", "context", "segment", "season", "base", "scale", "hidden"}),
        horizon=horizon,
        context=context,
        segment=segment,
        season=season,
        base=base,
        scale=scale,
        hidden=choose("hidden", network.hidden, _hidden(panel)),
    )
    steps = choose("steps", training.steps, _steps(int((last - first + 1).clip(min=0).sum()), training.batch))
    return Plan(architecture, steps, first, last, validation, held_out, reasons)


def _horizon(network: Network, frequency: Frequency) -> int:
    if network.horizon is None:
        raise RequestError("how far to forecast is for you to say: --horizon 24, or --horizon 7d")
    horizon = network.horizon
    steps = horizon if isinstance(horizon, int) else clock.steps_in(horizon, frequency)
    if steps < 1:
        raise RequestError(f"--horizon {horizon} is no step ahead. Give at least 1")
    return steps


def least_past(horizon: int) -> int:
    """Rows a series needs before a cutoff for a training window to end there."""
    return 1 + horizon // 2


def _split(
    panel: Panel, horizon: int, training: Training, reasons: dict[str, str]
) -> tuple[np.ndarray, np.ndarray, Cutoffs, int]:
    """First and last training cutoff of each series, the validation cutoffs after them, and the steps held out."""
    lengths, least = panel.lengths, least_past(horizon)
    usable = np.flatnonzero(lengths >= least + 2 * horizon)
    if not len(usable):
        longest = int(lengths.argmax())
        raise DataError(
            f"every series is too short: the longest, {panel.called(longest)}, has {lengths[longest]} rows; "
            f"horizon {horizon} needs {least + 2 * horizon} to learn and to validate. Use a smaller --horizon"
        )
    origins = -(-LEAST_VALIDATION // len(usable))
    room = max(0, int(np.median(lengths[usable])) // 5 - horizon)
    stride = int(np.clip(room // max(1, origins - 1), 1, horizon))
    origins = min(origins, 1 + room // stride)
    held_out = horizon + (origins - 1) * stride
    history = training.history or max(3 * horizon, -(-ENOUGH_WINDOWS // len(usable)))
    if training.history is None:
        reasons["history"] = f"the newest steps that give {ENOUGH_WINDOWS} windows, or all there are"
    last = lengths - held_out - horizon
    first = np.maximum(least, last - history + 1)
    if (last < first).all():  # short series: one validation window each
        held_out, origins = horizon, 1
        last = lengths - held_out - horizon
        first = np.maximum(least, last - history + 1)
    step = -(-len(usable) * origins // MOST_VALIDATION)
    checked = usable[::step]
    backwards = np.arange(origins)[::-1] * stride
    rows = (lengths[checked] - horizon)[:, None] - backwards
    series = np.repeat(checked, origins)
    fitting = rows.reshape(-1) >= least
    return first, last, Cutoffs(series[fitting], rows.reshape(-1)[fitting]), held_out


class _Sample:
    """The training part of some series, to measure cheap things on."""

    def __init__(self, panel: Panel, first: np.ndarray, last: np.ndarray, horizon: int) -> None:
        usable = np.flatnonzero(last >= first)
        chosen = usable[:: -(-len(usable) // SAMPLE)]
        ends = last[chosen] + horizon
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

        The second part tells a cycle from what is merely smooth.
        """
        changes = [np.diff(column) for series in self.series for column in series.T]
        values = [_autocorrelation(one, lag) - max(0.0, _autocorrelation(one, lag // 2)) for one in changes]
        known = [value for value in values if np.isfinite(value)]
        return float(np.median(known)) if known else 0.0


def _total(errors: np.ndarray) -> float:
    return float(np.nansum(np.abs(errors)))


def _autocorrelation(changes: np.ndarray, lag: int) -> float:
    if len(changes) < 2 * lag:
        return np.nan
    centred = np.nan_to_num(changes - np.nanmean(changes)) if (~np.isnan(changes)).any() else np.zeros(1)
    power = float((centred**2).sum())
    return float((centred[lag:] * centred[:-lag]).sum()) / power if power > 0 else np.nan


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
                return (round(365.25 * DAY / frequency.every),)
            cycles = [length for length in (60 * SECOND, 3600 * SECOND, DAY, 7 * DAY) if length % frequency.every == 0]
            fitting = [length // frequency.every for length in cycles if 4 <= length // frequency.every <= 1440]
            return tuple(fitting)


def seasons_seen(panel: Panel) -> dict[int, float]:
    """The cycles that show in the panel, strongest first, and how strongly changes correlate over them."""
    everything = np.zeros_like(panel.lengths)
    sample = _Sample(panel, everything, panel.lengths, 0)
    strength = {season: sample.autocorrelation(season) for season in natural_seasons(panel.frequency)}
    seen = {season: value for season, value in strength.items() if value > SEEN}
    return dict(sorted(seen.items(), key=lambda pair: -pair[1]))


def _season(frequency: Frequency, sample: _Sample) -> tuple[int, str]:
    candidates = natural_seasons(frequency)
    strength = {season: sample.autocorrelation(season) for season in candidates}
    if frequency.unit == "integer":
        strong = {season: value for season, value in strength.items() if value > CLEARLY_SEEN}
        if not strong:
            return 1, "the clock is plain numbers, and no cycle shows"
        season = next(season for season, value in strong.items() if value > 0.9 * max(strong.values()))
        return season, f"changes correlate {strong[season]:.2f} with those {season} steps before"
    seen = [season for season in candidates if strength[season] > SEEN]
    if seen:
        season = max(seen, key=lambda season: (round(strength[season], 1), -season))
        return season, f"a cycle of the calendar; changes correlate {strength[season]:.2f} with those a cycle before"
    if candidates:
        return 1, f"no cycle of {' or '.join(map(str, candidates))} steps shows"
    return 1, f"the calendar has no cycle for steps of {frequency.name}"


def _context(panel: Panel, horizon: int, season: int) -> tuple[int, str]:
    typical = int(np.median(panel.lengths))
    seasons = int(np.clip(typical / season / 3, 2, 30)) if season > 1 else 0
    wished = max(4 * horizon, seasons * season)
    context = min(wished, max(1000, 2 * season, horizon), max(typical - 2 * horizon, horizon))
    return max(
        context, min(2 * season, typical)
    ), f"4 horizons, or {seasons} seasons, of the {typical} rows of a series"


def _shortest_cycle(season: int, frequency: Frequency) -> int:
    """The shortest cycle of the calendar within a season: a day in a week of hours."""
    if frequency.unit == "integer":
        return season
    return min([cycle for cycle in natural_seasons(frequency) if season % cycle == 0], default=season)


def _segment(horizon: int, cycle: int, context: int) -> tuple[int, str]:
    wished = max(horizon / 4, context / 24, 2.0)
    fitting = [length for length in range(2, 2 * int(wished) + cycle + 1) if _fits(length, cycle)]
    segment = min(fitting, key=lambda length: (abs(np.log(length / wished)), -length)) if fitting else round(wished)
    segment = min(segment, context)
    whole = f", and part or multiple of a cycle of {cycle}" if cycle > 1 else ""
    return segment, f"about a quarter of the horizon or a 24th of the context{whole}"


def _fits(length: int, cycle: int) -> bool:
    return cycle == 1 or length % cycle == 0 or cycle % length == 0


def _base(season: int, scale: ScaleName, sample: _Sample) -> tuple[BaseName, str]:
    if scale == "mean":
        return "none", "single values of counts say little"
    if season == 1:
        return "last", "there is no season"
    ratio = sample.error(season)
    comparison = f"last season's values err {ratio:.2f} times as much as the last value"
    return ("seasonal", comparison) if ratio < 1.0 else ("last", comparison)


def _scale(sample: _Sample) -> tuple[ScaleName, str]:
    values = np.concatenate([series.reshape(-1) for series in sample.series])
    values = values[~np.isnan(values)]
    if (values > 0).all():
        return "log", "all values are positive"
    zeros = float((values == 0).mean())
    if (values >= 0).all() and zeros > 0.2:
        return "mean", f"no value is negative and {zeros:.0%} are zero"
    return "spread", "there are zeros or negative values"


def _hidden(panel: Panel) -> tuple[int, str]:
    count = int((~np.isnan(panel.values)).sum())
    return (32 if count < 2_000 else 64), f"{count} values"


def _steps(available: int, batch: int) -> tuple[int, str]:
    epochs = available / batch
    return int(np.clip(100 * epochs, 300, 1000)), f"{available} training windows"
