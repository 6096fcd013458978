"""What the user left open, chosen from the data, with the reason. numpy only: `inspect` tells it without training."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from rnncli.config import rules
from rnncli.config.architecture import Architecture, InputSpec
from rnncli.config.base_forecasts import BaseName
from rnncli.config.sections import Network, ScaleName, Training
from rnncli.errors import RequestError
from rnncli.panel import Cutoffs, Panel, covariates, freshness
from rnncli.panel.time import calendar_features
from rnncli.planning import candidates, data_checks, defaults, seasonality, synthetic_series, window_lengths
from rnncli.planning.seasonality import TrainingSample
from rnncli.planning.synthetic_series import AugmentedPanel
from rnncli.planning.validation_split import Split, split
from rnncli.planning.window_lengths import Choose

EPOCHS = 150  # over windows that share nothing; a search tries more and fewer
STEP_LIMITS = (300, 2000)
FINETUNE_SHARE, FINETUNE_MIN_STEPS = 0.2, 50  # of the steps, and steps, that networks are trained on for
MAX_MIXED_SERIES = 100  # series: each window brings along the past of all of them
MAX_ZEROS_FOR_LOG = 0.05  # share of the values up to which a logarithm may take them for very small ones


class Plan(NamedTuple):
    """A training with nothing left open."""

    architecture: Architecture
    rivals: tuple[Architecture, ...]  # other scales and bases that the data allows, to be tried beside it
    told: InputSpec  # what the networks know beside the targets
    steps: int
    split: Split
    reasons: dict[str, str]  # for each choice that was made here
    learned: AugmentedPanel  # what the split is of
    starts: tuple["InitialWeights", ...] = ()  # networks to go on from; none: all begin anew

    @property
    def chosen(self) -> dict[str, object]:
        """Every choice, by its name."""
        beside = {"steps": self.steps, "history": self.split.history, "synthetic": self.learned.added}
        return self.architecture.model_dump() | beside

    def start(self, design: Architecture, number: int) -> dict[str, np.ndarray] | None:
        """The weights that the number-th network of a design begins with, in turn."""
        own = [start.weights for start in self.starts if start.architecture == design]
        return own[number % len(own)] if own and not design.traits.closed_form else None  # which is solved for anew


class InitialWeights(NamedTuple):
    """A network that was trained before."""

    architecture: Architecture
    weights: dict[str, np.ndarray]


def make_plan(panel: Panel, network: Network, training: Training) -> Plan:
    """Every open choice made, from the panel alone.

    Raises DataError where every series is too short, RequestError where what was asked for does not fit together.
    """
    rules.check(network, training)
    network, reasons = defaults.without_context(network) if network.context == 0 else (network, {})

    def choose(name: str, asked: Any, chosen: tuple[Any, str]) -> Any:
        if asked is not None:
            return asked
        reasons[name] = chosen[1]
        return chosen[0]

    horizon = window_lengths.horizon_steps(network, panel.frequency)
    strength = seasonality.cycle_strengths(panel)
    period = seasonality.choose_season(panel.frequency, strength)
    given, learned = panel, synthetic_series.augment(panel, network, training, horizon, network.season or period[0])
    panel = learned.panel
    reasons |= learned.reasons
    parts = split(panel, horizon, training.history, sees=network.context != 0)
    if training.history is None:
        reasons["history"] = "the newest steps that give windows enough, or all there are"
    sample = TrainingSample(panel, parts, horizon)
    data_checks.check_options(panel, network)
    season = choose("season", network.season, period)
    context, segment = window_lengths.context_and_segment(panel, network, horizon, season, choose)
    if training.teacher_forcing and segment >= horizon:
        raise RequestError(f"--teacher-forcing needs a --segment shorter than the horizon, {horizon}; it is {segment}")
    made = {"horizon": horizon, "context": context, "segment": segment, "season": season}
    scales, why = _scales(network, parts.training_values(panel, horizon))
    made |= _scale_and_base(network, scales, why, season, sample, choose)
    if made["base"] == "seasonal" and season > context:
        raise RequestError(f"--base seasonal needs a --context of at least the season, {season}; it is {context}")
    made["hidden"] = choose("hidden", network.hidden, defaults.hidden_units(network.cell, panel, training))
    together = 0 if learned.added else _together(given, network)
    made |= _told(panel, network, together, choose)
    made |= defaults.architecture_defaults(network, context, segment, horizon)
    solved = network.traits.closed_form  # once
    steps = 1 if solved else choose("steps", training.steps, _steps(panel, horizon, training.batch))
    architecture = Architecture.model_validate(network.model_dump() | made)
    inputs = covariates.with_statistics(panel.covariates, parts.ends(horizon))
    told = covariates.input_spec(inputs, panel.frequency, panel.covariates.holidays, together)
    cycles = seasonality.other_cycles(panel.frequency, strength, season, network.season is not None)
    others = candidates.candidates(architecture, network, scales, cycles, told)
    return Plan(architecture, others, told, steps, parts, reasons, learned)


def _scale_and_base(
    network: Network, scales: list[ScaleName], why: str, season: int, sample: TrainingSample, choose: Choose
) -> dict[str, object]:
    scale = choose("scale", network.scale, (scales[0], why))
    base = choose("base", network.base, _base(season, scale, sample))
    rare = scales[0] == "mean"
    since = choose("since", network.since, (True, why)) if rare else bool(network.since)
    return {"scale": scale, "base": base, "since": since}


def _told(panel: Panel, network: Network, together: int, choose: Choose) -> dict[str, object]:
    """Whether the calendar, the columns beside and the other series are told. Raises RequestError."""
    dated = choose("calendar", network.calendar, _calendar(panel, network))
    named = bool(panel.covariates.columns)
    beside = choose("covariates", network.covariates, _covariates(network)) if named else True
    data_checks.check_inputs_without_context(panel, network, dated, beside)
    alone = (False, "most series are told by their own past; it is tried, too")
    mix = choose("mix", network.mix, alone) if together else False
    return {"calendar": dated, "covariates": beside, "mix": mix}


def continue_plan(
    panel: Panel, starts: tuple[InitialWeights, ...], told: InputSpec, training: Training, seen: str
) -> Plan:
    """Networks as they are, trained on for a while.

    seen: the time up to which they know the rows; they are judged by windows that came later alone. Raises DataError
    where every series is too short.
    """
    designs = list(dict.fromkeys(start.architecture for start in starts))
    horizon = designs[0].horizon
    learned = synthetic_series.augment(panel, designs[0], training, horizon, designs[0].season)
    panel = learned.panel
    parts = split(panel, horizon, training.history, sees=any(design.context for design in designs))
    later = freshness.later(panel, parts.validation, seen)
    later &= later[learned.of_table(parts.validation)].any()  # what is made up does not make up for new rows
    newer = Cutoffs(parts.validation.series[later], parts.validation.rows[later])
    steps = training.steps or max(FINETUNE_MIN_STEPS, round(_steps(panel, horizon, training.batch)[0] * FINETUNE_SHARE))
    reasons = {"steps": f"{FINETUNE_SHARE:.0%} of those that new networks would get"} if training.steps is None else {}
    reasons |= learned.reasons
    return Plan(designs[0], tuple(designs[1:]), told, steps, parts._replace(validation=newer), reasons, learned, starts)


def _base(season: int, scale: ScaleName, sample: TrainingSample) -> tuple[BaseName, str]:
    if scale == "mean":
        return "none", "single values of counts say little"
    if season == 1:
        return "last", "there is no season"
    ratio = sample.error(season)
    if np.isinf(ratio):
        return "last", "the series are too short to tell what a season is worth"
    comparison = f"last season's values err {ratio:.2f} times as much as the last value"
    return ("cycle", comparison) if ratio < 1.0 else ("last", comparison)


def _scales(network: Network, parts: Iterable[np.ndarray]) -> tuple[list[ScaleName], str]:
    """The scales that may be had, the likeliest first, and why it is; parts: all values. Raises RequestError."""
    scales, why = _allowed(parts)
    if network.scale == "log" and "log" not in scales and "mean" not in scales:
        raise RequestError(f"--scale log takes logarithms, and {why}. Leave it out, or use --scale spread")
    if network.bptt is not None:
        return ["global"], "a state that is carried over has to read the same value as the same number"
    return scales, why


def _allowed(parts: Iterable[np.ndarray]) -> tuple[list[ScaleName], str]:
    count = positive = zero = 0
    for values in parts:
        count, positive, zero = count + len(values), positive + (values > 0).sum(), zero + (values == 0).sum()
    if positive == count:
        return ["log", "spread", "mean"], "all values are positive"
    zeros = float(zero / count)
    if positive + zero == count:
        if zeros > 0.2:
            return ["mean", "spread"], f"no value is negative and {zeros:.0%} are zero"
        scales: list[ScaleName] = ["spread", "mean", "log"] if zeros < MAX_ZEROS_FOR_LOG else ["spread", "mean"]
        return scales, "there are zeros"
    return ["spread"], "there are negative values"


def _calendar(panel: Panel, network: Network) -> tuple[bool, str]:
    if network.traits.closed_form:
        return False, "a fixed reservoir is told nothing of the steps to come"
    if not calendar_features.size(panel.frequency, panel.covariates.holidays):
        return False, f"the calendar says nothing of steps of {panel.frequency.name}"
    if network.context == 0:
        return True, "there is no past to tell what time it is"
    if panel.covariates.known.any() or panel.covariates.holidays:
        return True, "columns known in advance often go by it; the network is tried without it, too"
    return False, "the past tells most of it; the network is tried with it, too"


def _covariates(network: Network) -> tuple[bool, str]:
    if network.traits.closed_form or network.context == 0:
        return True, "they were named"
    return True, "they were named; left out where the network does about as well without them"


def _together(panel: Panel, network: Network) -> int:
    """How many series of a wide table may see one another; none where there are too many, or too few.

    Raises RequestError where they were to, and may not.
    """
    count, wide = len(panel.ids), panel.summary.roles.wide
    if wide and 1 < count <= MAX_MIXED_SERIES:
        return count
    if network.mix:
        raise RequestError(
            f"--mix takes a wide table, a row for each time and a column for each of 2 to {MAX_MIXED_SERIES} series. "
            f"Here are {count} series of a {'wide' if wide else 'long'} one: leave it out"
        )
    return 0


def _steps(panel: Panel, horizon: int, batch: int) -> tuple[int, str]:
    apart = panel.value_count // (horizon * panel.targets)
    steps = int(np.clip(EPOCHS * apart / batch, *STEP_LIMITS))
    return steps, f"{apart} horizons do not overlap"
