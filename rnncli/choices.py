"""What the user left open, chosen from the data, with the reason. numpy only: `inspect` tells it without training."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from rnncli import designs, honoured, seasons, tellable
from rnncli.config import FROM_CONTEXT, OF_SEASON, Architecture, BaseName, Network, ScaleName, Training
from rnncli.errors import RequestError
from rnncli.panel import Cutoffs, Panel, calendar, clock, covariates, freshness
from rnncli.panel.clock import Frequency
from rnncli.panel.covariates import Told
from rnncli.seasons import Sample
from rnncli.split import Split, split
from rnncli.values import MOST_STEPS

EPOCHS = 150  # over windows that share nothing; a search tries more and fewer
STEPS = (300, 2000)
AGAIN, FEWEST_AGAIN = 0.2, 50  # of the steps, and steps, that networks are trained on for
FIRST_RIVALS = 2  # scales and bases that are tried before the calendar is
LATE = 5  # in line: without the columns beside, which were named because they help
MOST_MIXED = 100  # series: each window brings along the past of all of them
FEW_ZEROS = 0.05  # share of the values up to which a logarithm may take them for very small ones


Choose = Callable[[str, Any, tuple[Any, str]], Any]  # a name, what was asked for, else what is chosen and why


class Plan(NamedTuple):
    """A training with nothing left open."""

    architecture: Architecture
    rivals: tuple[Architecture, ...]  # other scales and bases that the data allows, to be tried beside it
    told: Told  # what the networks know beside the targets
    steps: int
    split: Split
    reasons: dict[str, str]  # for each choice that was made here
    starts: tuple["Start", ...] = ()  # networks to go on from; none: all begin anew

    def start(self, design: Architecture, number: int) -> dict[str, np.ndarray] | None:
        """The weights that the number-th network of a design begins with, in turn."""
        own = [start.weights for start in self.starts if start.architecture == design]
        return own[number % len(own)] if own and design.cell != "esn" else None  # which is solved for anew


class Start(NamedTuple):
    """A network that was trained before."""

    architecture: Architecture
    weights: dict[str, np.ndarray]


def make(panel: Panel, network: Network, training: Training) -> Plan:
    """Every open choice made, from the panel alone.

    Raises DataError where every series is too short, RequestError where what was asked for does not fit together.
    """
    honoured.check(network, training)
    network, reasons = designs.without_past(network) if network.context == 0 else (network, {})

    def choose(name: str, asked: Any, chosen: tuple[Any, str]) -> Any:
        if asked is not None:
            return asked
        reasons[name] = chosen[1]
        return chosen[0]

    horizon = steps_ahead(network, panel.frequency)
    parts = split(panel, horizon, training.history, sees=network.context != 0)
    if training.history is None:
        reasons["history"] = "the newest steps that give windows enough, or all there are"
    sample = Sample(panel, parts, horizon)
    tellable.check(panel, network)
    strength = sample.strength(panel.frequency)
    season = choose("season", network.season, seasons.season(panel.frequency, strength))
    context, segment = _lengths(panel, network, horizon, season, choose)
    if training.teacher_forcing and segment >= horizon:
        raise RequestError(f"--teacher-forcing needs a --segment shorter than the horizon, {horizon}; it is {segment}")
    scales, why = _scales(parts.training_values(panel, horizon))
    if network.scale == "log" and "log" not in scales and "mean" not in scales:
        raise RequestError(f"--scale log takes logarithms, and {why}. Leave it out, or use --scale spread")
    if network.bptt is not None:
        scales, why = ["global"], "a state that is carried over has to read the same value as the same number"
    scale = choose("scale", network.scale, (scales[0], why))
    base = choose("base", network.base, _base(season, scale, sample))
    if base == "seasonal" and season > context:
        raise RequestError(f"--base seasonal needs a --context of at least the season, {season}; it is {context}")
    since = scales[0] == "mean" if network.since is None else network.since
    if since and network.since is None:
        reasons["since"] = why
    hidden = choose("hidden", network.hidden, designs.hidden(network.cell, panel, training))
    made = {"horizon": horizon, "context": context, "segment": segment, "season": season}
    made |= {"base": base, "scale": scale, "since": since, "hidden": hidden}
    made["calendar"] = choose("calendar", network.calendar, _calendar(panel, network))
    named = bool(panel.covariates.inputs)
    made["covariates"] = choose("covariates", network.covariates, _covariates(network)) if named else True
    tellable.forbid_blind(panel, network, made["calendar"], made["covariates"])
    made |= designs.encoder(network, context // segment)
    together = _together(panel, network)
    alone = (False, "most series are told by their own past; it is tried, too")
    made["mix"] = choose("mix", network.mix, alone) if together else False
    solved = network.cell == "esn"  # once
    steps = 1 if solved else choose("steps", training.steps, _steps(panel, horizon, training.batch))
    architecture = Architecture.model_validate(network.model_dump() | made)
    cycles = seasons.others(panel.frequency, strength, season, network.season is not None)
    inputs = covariates.measured(panel.covariates, parts.ends(horizon))
    told = covariates.told(inputs, panel.frequency, panel.covariates.holidays, together)
    rivals = _rivals(architecture, network, scales, cycles)
    return Plan(architecture, tuple(_with_switches(rivals, architecture, network, told)), told, steps, parts, reasons)


def _with_switches(rivals: list[Architecture], chosen: Architecture, asked: Network, told: Told) -> list[Architecture]:
    """The rivals with those among them, early enough to be tried, that differ in what the network is told."""
    trained, blind = asked.cell != "esn", asked.context == 0
    if asked.covariates is None and told.inputs and trained and not blind:
        rivals.insert(LATE, chosen.model_copy(update={"covariates": False}))
    if asked.calendar is None and told.calendar and trained and not (blind and not told.inputs):
        rivals.insert(FIRST_RIVALS, chosen.model_copy(update={"calendar": not chosen.calendar}))
    if asked.mix is None and told.series and trained and asked.bptt is None:
        rivals.insert(FIRST_RIVALS - 1, chosen.model_copy(update={"mix": True}))
    return rivals


def _lengths(panel: Panel, network: Network, horizon: int, season: int, choose: Choose) -> tuple[int, int]:
    """Context and segment, of which the first is made of whole ones."""
    context = choose("context", network.context, _context(panel, horizon, season))
    cycle = _shortest_cycle(season, panel.frequency)
    length = context or 6 * horizon  # with nothing seen of the past only the horizon is to be cut
    most = max(1, horizon - 1) if network.decoder == "recursive" else length  # of a whole horizon nothing is fed back
    segment = choose("segment", network.segment, _segment(horizon, cycle, length, bool(network.context), most))
    if network.bptt is not None:
        segment = _within_bptt(segment, network.bptt, network)
    return _of_whole_segments(context, segment, network), segment


def again(panel: Panel, starts: tuple[Start, ...], told: Told, training: Training, seen: str) -> Plan:
    """Networks as they are, trained on for a while.

    seen: the time up to which they know the rows; they are judged by windows that came later alone. Raises DataError
    where every series is too short.
    """
    designs = list(dict.fromkeys(start.architecture for start in starts))
    horizon = designs[0].horizon
    parts = split(panel, horizon, training.history, sees=any(design.context for design in designs))
    later = freshness.later(panel, parts.validation, seen)
    newer = Cutoffs(parts.validation.series[later], parts.validation.rows[later])
    steps = training.steps or max(FEWEST_AGAIN, round(_steps(panel, horizon, training.batch)[0] * AGAIN))
    reasons = {"steps": f"{AGAIN:.0%} of those that new networks would get"} if training.steps is None else {}
    return Plan(designs[0], tuple(designs[1:]), told, steps, parts._replace(validation=newer), reasons, starts)


def _of_whole_segments(context: int, segment: int, network: Network) -> int:
    if network.context is None:
        return -(-context // segment) * segment
    if context % segment:
        raise RequestError(f"--context {context} is no multiple of --segment {segment}. Change one of them")
    return context


def _within_bptt(segment: int, bptt: int, network: Network) -> int:
    if network.segment is not None and bptt % segment:
        raise RequestError(f"--bptt {bptt} is no multiple of --segment {segment}. Change one of them")
    return math.gcd(segment, bptt)


def steps_ahead(network: Network, frequency: Frequency) -> int:
    """The horizon in steps of the clock. Raises RequestError where it was not said, or cannot be had."""
    if network.horizon is None:
        raise RequestError("how far to forecast is for you to say: --horizon 24, or --horizon 7d")
    horizon = network.horizon
    steps = horizon if isinstance(horizon, int) else clock.steps_in(horizon, frequency)
    if steps > MOST_STEPS:
        raise RequestError(f"--horizon {horizon} is {steps} steps, more than the {MOST_STEPS} that a network takes")
    return steps


def _context(panel: Panel, horizon: int, season: int) -> tuple[int, str]:
    if season == 1:
        # Series that end within the context are padded and masked: most still have rows in all of it.
        long = int(np.quantile(panel.lengths, 0.75))
        context = min(6 * horizon, max(1000, horizon), max(long - horizon, horizon))
        return context, f"6 horizons, as far as a quarter of the series, of {long} rows and more, have them"
    typical = int(np.median(panel.lengths))
    seasons = int(np.clip(typical / season / 3, 2, 30))
    wished = max(4 * horizon, seasons * season)
    context = min(wished, max(1000, 2 * season, horizon), max(typical - 2 * horizon, horizon))
    of = f"{seasons} seasons" if seasons * season > 4 * horizon else "4 horizons"
    return max(context, min(2 * season, typical)), f"{of}, as far as a series of {typical} rows has them"


def _shortest_cycle(season: int, frequency: Frequency) -> int:
    """The shortest cycle of the calendar within a season: a day in a week of hours."""
    if frequency.unit == "integer":
        return season
    return min([cycle for cycle in seasons.natural_seasons(frequency) if season % cycle == 0], default=season)


def _segment(horizon: int, cycle: int, context: int, fixed: bool, most: int) -> tuple[int, str]:
    """fixed: the context was asked for, so it has to be cut without a rest; most: steps of a segment."""
    share, least = (1.0, 6) if cycle == 1 else (0.4, 8)  # of the horizon, and steps that the context is to have
    wished = max(min(share * horizon, context / least), context / 24, 2.0)
    lengths = range(1 if fixed else min(2, most), min(context, 2 * int(wished) + cycle, most) + 1)
    lengths_cut = [length for length in lengths if not fixed or context % length == 0]
    fitting = [length for length in lengths_cut if _fits(length, cycle)] or lengths_cut
    segment = min(fitting, key=lambda length: (abs(np.log(length / wished)), -length), default=context)
    whole = f", and part or multiple of a cycle of {cycle}" if cycle > 1 else ""
    of = "the horizon" if cycle == 1 else "two fifths of the horizon"
    return segment, f"about {of}, or a part of the context{whole}"


def _fits(length: int, cycle: int) -> bool:
    return cycle == 1 or length % cycle == 0 or cycle % length == 0


def _base(season: int, scale: ScaleName, sample: Sample) -> tuple[BaseName, str]:
    if scale == "mean":
        return "none", "single values of counts say little"
    if season == 1:
        return "last", "there is no season"
    ratio = sample.error(season)
    comparison = f"last season's values err {ratio:.2f} times as much as the last value"
    return ("cycle", comparison) if ratio < 1.0 else ("last", comparison)


def _scales(parts: Iterable[np.ndarray]) -> tuple[list[ScaleName], str]:
    """The scales that the data allows, the likeliest first, and why it is; parts: all values."""
    count = positive = zero = 0
    for values in parts:
        count, positive, zero = count + len(values), positive + (values > 0).sum(), zero + (values == 0).sum()
    if positive == count:
        return ["log", "spread", "mean"], "all values are positive"
    zeros = float(zero / count)
    if positive + zero == count:
        if zeros > 0.2:
            return ["mean", "spread"], f"no value is negative and {zeros:.0%} are zero"
        scales: list[ScaleName] = ["spread", "mean", "log"] if zeros < FEW_ZEROS else ["spread", "mean"]
        return scales, "there are zeros"
    return ["spread"], "there are negative values"


def _rivals(chosen: Architecture, asked: Network, scales: list[ScaleName], cycles: list[int]) -> list[Architecture]:
    """Every scale with two bases, of a single scale three, and every other cycle, but for what was asked for.

    One change of each kind comes first, for where there is time for few.
    """
    bases = [asked.base] if asked.base else _bases(chosen)[: 3 if len(scales) == 1 else 2]
    scales = [asked.scale] if asked.scale else scales
    changes: list[dict[str, object]] = [{"base": base} for base in bases[:2]]
    changes += [{"scale": scale} for scale in scales[:2]]
    seasonal = [base for base in bases if base in OF_SEASON][:1]
    changes += [{"base": base, "season": cycle} for base in seasonal for cycle in cycles]
    changes += [{"base": base, "scale": scale} for base in bases for scale in scales]
    variants = [chosen.model_copy(update=change) for change in changes]
    return [variant for place, variant in enumerate(variants) if variant not in (chosen, *variants[:place])]


def _bases(chosen: Architecture) -> list[BaseName]:
    """What may suit, the chosen one first.

    On windows of seven sets at the end of their training parts a cycle or smoothing, both learned, did better than the
    season before as it was and than no base at all, by 1 to 11 %: smoothing where each series has a season of its own.
    """
    if chosen.season == 1:
        return list(dict.fromkeys([chosen.base, "last", "smoothing"]))
    smoothed: list[BaseName] = ["smoothing"] if chosen.season <= chosen.context else []
    return list(dict.fromkeys([chosen.base, "cycle", *smoothed, "last"]))


def neighbours(chosen: Architecture, asked: Network, longest: int) -> list[Architecture]:
    """The same design with twice and half the segment, and the same of the context, but for what was asked for."""
    changes = []
    if asked.segment is None:
        changes += [(2 * chosen.segment, chosen.context), (chosen.segment // 2, chosen.context)]
    if asked.context is None:
        changes += [(chosen.segment, chosen.context // 2), (chosen.segment, 2 * chosen.context)]
    found = []
    for segment, length in changes:
        if not segment or (chosen.context and not length):
            continue
        context = -(-length // segment) * segment if asked.context is None else length
        fits = chosen.bptt is None or chosen.bptt % segment == 0
        fits &= chosen.base not in FROM_CONTEXT or chosen.season <= context
        fits &= context > 0 or segment <= chosen.horizon
        fits &= chosen.decoder != "recursive" or segment < max(chosen.horizon, chosen.segment + 1)  # it feeds back
        if context % segment == 0 and context + chosen.horizon <= longest and fits:
            layers = asked.layers or designs.layers(chosen.cell, context // segment)
            found.append(chosen.model_copy(update={"segment": segment, "context": context, "layers": layers}))
    return found


def _calendar(panel: Panel, network: Network) -> tuple[bool, str]:
    if network.cell == "esn":
        return False, "a fixed reservoir is told nothing of the steps to come"
    if not calendar.size(panel.frequency, panel.covariates.holidays):
        return False, f"the calendar says nothing of steps of {panel.frequency.name}"
    if network.context == 0:
        return True, "there is no past to tell what time it is"
    if panel.covariates.known.any() or panel.covariates.holidays:
        return True, "columns known in advance often go by it; the network is tried without it, too"
    return False, "the past tells most of it; the network is tried with it, too"


def _covariates(network: Network) -> tuple[bool, str]:
    if network.cell == "esn" or network.context == 0:
        return True, "they were named"
    return True, "they were named; the network is tried without them, too"


def _together(panel: Panel, network: Network) -> int:
    """How many series of a wide table may see one another; none where there are too many, or too few.

    Raises RequestError where they were to, and may not.
    """
    count, wide = len(panel.ids), panel.found.roles.wide
    if wide and 1 < count <= MOST_MIXED:
        return count
    if network.mix:
        raise RequestError(
            f"--mix takes a wide table, a row for each time and a column for each of 2 to {MOST_MIXED} series. "
            f"Here are {count} series of a {'wide' if wide else 'long'} one: leave it out"
        )
    return 0


def _steps(panel: Panel, horizon: int, batch: int) -> tuple[int, str]:
    apart = panel.observed // (horizon * panel.targets)
    steps = int(np.clip(EPOCHS * apart / batch, *STEPS))
    return steps, f"{apart} horizons do not overlap"
