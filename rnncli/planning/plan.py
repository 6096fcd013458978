"""Make the plan of a training: choose from the data, without torch, every setting that the user left open."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from rnncli.config import rules
from rnncli.config.architecture import Architecture, InputSpec
from rnncli.config.base_forecasts import BaseName
from rnncli.config.fields import ScaleName
from rnncli.config.sections import NetworkOptions, Training
from rnncli.panel import Cutoffs, Panel, covariates, freshness
from rnncli.panel.time import calendar_features
from rnncli.planning import (
    candidates,
    data_checks,
    defaults,
    pretrained_use,
    seasonality,
    synthetic_series,
    window_lengths,
)
from rnncli.planning.choice import Choice, Choices
from rnncli.planning.pretrained_use import PretrainedUse
from rnncli.planning.seasonality import TrainingSample
from rnncli.planning.synthetic_series import AugmentedPanel
from rnncli.planning.validation_split import Split, split

EPOCHS = 150  # over windows that do not overlap; the search also evaluates more and fewer
STEP_LIMITS = (300, 2000)
FINETUNE_SHARE, FINETUNE_MIN_STEPS = 0.2, 50  # steps of fine-tuning: a share of those for new networks, and a minimum
MAX_MIXED_SERIES = 100  # each window of a mixing network contains the history of all series
MAX_ZEROS_FOR_LOG = 0.05  # share of zeros up to which a logarithm can replace them by very small values
MANY_ZEROS = 0.2  # share of zeros from which on demand is intermittent


class InitialWeights(NamedTuple):
    """The weights of a network that was trained before."""

    architecture: Architecture
    weights: dict[str, np.ndarray]


class Plan(NamedTuple):
    """A training with every setting decided."""

    architecture: Architecture
    candidates: tuple[Architecture, ...]  # alternatives to evaluate beside it
    inputs: InputSpec
    steps: int
    split: Split  # of the training panel
    reasons: dict[str, str]  # of each setting that was chosen here
    augmented: AugmentedPanel
    initial: tuple[InitialWeights, ...] = ()  # networks to fine-tune; empty: train new ones
    pretrained: PretrainedUse = "no"

    @property
    def table(self) -> Panel:
        """The user's series."""
        return self.augmented.table

    @property
    def training_panel(self) -> Panel:
        """The series to train and validate on: those of the table, then the synthetic ones."""
        return self.augmented.panel

    @property
    def settings(self) -> dict[str, object]:
        """The value of every setting."""
        counts = {"steps": self.steps, "history": self.split.history, "synthetic": self.augmented.synthetic}
        return self.architecture.model_dump() | counts | {"pretrained": self.pretrained}

    def initial_weights(self, architecture: Architecture, index: int) -> dict[str, np.ndarray] | None:
        """Return the initial weights of the index-th network of an architecture, or None for a new network.

        If there are fewer trained networks than asked for, their weights are used in turn. A closed-form readout is
        solved again, so that its network starts anew.
        """
        trained = [network.weights for network in self.initial if network.architecture == architecture]
        return trained[index % len(trained)] if trained and not architecture.traits.closed_form else None


class _Basis(NamedTuple):
    """The data and the settings that architectures are chosen by."""

    panel: Panel  # to train on
    split: Split
    horizon: int
    network: NetworkOptions
    training: Training


def make_plan(table: Panel, network: NetworkOptions, training: Training) -> Plan:
    """Return a plan for new networks.

    Raise DataError if all series are too short, and RequestError if settings do not fit together or the data.
    """
    rules.check(network, training)
    choices = Choices()
    if network.context == 0:
        network = defaults.without_context(network, choices)
    horizon = window_lengths.horizon_steps(network, table.frequency)
    strengths = seasonality.cycle_strengths(table)
    season = seasonality.choose_season(table.frequency, strengths)
    pretrained = pretrained_use.choose(table, network, training, horizon)
    if training.pretrained:
        choices.reasons["pretrained"] = pretrained.reason
    synthetic = training.synthetic if pretrained.value == "no" else 0
    asked = training.model_copy(update={"synthetic": synthetic})
    augmented = synthetic_series.augment(table, network, asked, horizon, network.season or season.value)
    choices.reasons |= augmented.reasons
    parts = split(augmented.panel, horizon, training.history, reads_past=network.context != 0)
    if training.history is None:
        choices.reasons["history"] = "the newest steps that give enough windows, or all"
    basis = _Basis(augmented.panel, parts, horizon, network, training)
    scales = _scales(basis)
    mixed = 0 if augmented.synthetic else _mixed_series(table, network)
    architecture = _architecture(basis, season, scales, mixed, choices)
    steps = 1 if network.traits.closed_form else choices.choose("steps", training.steps, _steps(basis))
    columns = covariates.with_statistics(basis.panel.covariates, parts.training_ends(horizon))
    inputs = covariates.input_spec(columns, table.frequency, basis.panel.covariates.holidays, mixed)
    cycles = seasonality.other_cycles(table.frequency, strengths, architecture.season, network.season is not None)
    alternatives = candidates.candidates(architecture, network, scales.value, cycles, inputs)
    return Plan(
        architecture, alternatives, inputs, steps, parts, choices.reasons, augmented, pretrained=pretrained.value
    )


def _architecture(
    basis: _Basis, season: Choice[int], scales: Choice[list[ScaleName]], mixed: int, choices: Choices
) -> Architecture:
    """Choose what the network leaves open; mixed: the number of series that a network can mix."""
    panel, _, horizon, network, training = basis
    data_checks.check_table(panel, network)
    period = choices.choose("season", network.season, season)
    context, segment = window_lengths.context_and_segment(panel, network, horizon, period, choices)
    chosen: dict[str, object] = {"horizon": horizon, "context": context, "segment": segment, "season": period}
    chosen |= _scale_and_base(basis, scales, period, choices)
    data_checks.check_lengths(training, chosen)
    chosen["hidden"] = choices.choose("hidden", network.hidden, defaults.hidden_units(network.cell, panel, training))
    chosen |= _inputs(panel, network, mixed, choices)
    chosen |= defaults.architecture_defaults(network, context, segment, horizon)
    return Architecture.model_validate(network.model_dump() | chosen)


def continue_plan(
    table: Panel, initial: tuple[InitialWeights, ...], inputs: InputSpec, training: Training, last_seen: str
) -> Plan:
    """Return a plan to fine-tune networks.

    last_seen: time of the newest row that they were trained on; only windows after it validate. Raise DataError if all
    series are too short.
    """
    architectures = list(dict.fromkeys(network.architecture for network in initial))
    first = architectures[0]
    augmented = synthetic_series.augment(table, first, training, first.horizon, first.season)
    panel = augmented.panel
    reads_past = any(architecture.context for architecture in architectures)
    parts = split(panel, first.horizon, training.history, reads_past)
    later = freshness.are_later(panel, parts.validation, last_seen)
    later &= later[augmented.in_table(parts.validation)].any()  # synthetic rows are no substitute for new ones
    parts = parts._replace(validation=Cutoffs(parts.validation.series[later], parts.validation.rows[later]))
    for_new = _steps(_Basis(panel, parts, first.horizon, first, training)).value
    steps = training.steps or max(FINETUNE_MIN_STEPS, round(for_new * FINETUNE_SHARE))
    reasons = {"steps": f"{FINETUNE_SHARE:.0%} of the steps for new networks"} if training.steps is None else {}
    reasons |= augmented.reasons
    return Plan(first, tuple(architectures[1:]), inputs, steps, parts, reasons, augmented, initial)


def _scale_and_base(basis: _Basis, scales: Choice[list[ScaleName]], season: int, choices: Choices) -> dict[str, object]:
    network, likeliest = basis.network, scales.value[0]
    scale = choices.choose("scale", network.scale, Choice(likeliest, scales.reason))
    base = choices.choose("base", network.base, _base(season, scale, basis))
    if likeliest == "mean":
        since = choices.choose("since", network.since, Choice(True, scales.reason))
    else:
        since = bool(network.since)
    return {"scale": scale, "base": base, "since": since}


def _base(season: int, scale: ScaleName, basis: _Basis) -> Choice[BaseName]:
    if scale == "mean":
        return Choice("none", "single values of counts are poor forecasts")
    if season == 1:
        return Choice("last", "there is no season")
    ratio = TrainingSample(basis.panel, basis.split, basis.horizon).relative_error(season)
    if np.isinf(ratio):
        return Choice("last", "the series are too short to compare seasons")
    comparison = f"seasonal naive has {ratio:.2f} times the error of naive"
    return Choice("cycle", comparison) if ratio < 1.0 else Choice("last", comparison)


def _scales(basis: _Basis) -> Choice[list[ScaleName]]:
    """Return the scales that suit the training values, the likeliest first. Raise RequestError if log does not."""
    network, allowed = basis.network, _allowed_scales(basis.split.training_values(basis.panel, basis.horizon))
    data_checks.check_log_scale(network, allowed)
    if network.bptt is not None:
        return Choice(["global"], "a carried state must receive each value at the same scale in all windows")
    return allowed


def _allowed_scales(parts: Iterable[np.ndarray]) -> Choice[list[ScaleName]]:
    """parts: the training values, some at a time."""
    count = positive = zero = 0
    for values in parts:
        count, positive, zero = count + len(values), positive + (values > 0).sum(), zero + (values == 0).sum()
    if positive == count:
        return Choice(["log", "spread", "mean"], "all values are positive")
    zeros = float(zero / count)
    if positive + zero < count:
        return Choice(["spread"], "there are negative values")
    if zeros > MANY_ZEROS:
        return Choice(["mean", "spread"], f"no value is negative and {100 * zeros:.0f} % are zero")
    scales: list[ScaleName] = ["spread", "mean", "log"] if zeros < MAX_ZEROS_FOR_LOG else ["spread", "mean"]
    return Choice(scales, "there are zeros")


def _inputs(panel: Panel, network: NetworkOptions, mixed: int, choices: Choices) -> dict[str, object]:
    """Choose which inputs the network receives besides the targets. Raise RequestError if it would have no input."""
    calendar = choices.choose("calendar", network.calendar, _calendar(panel, network))
    named = bool(panel.covariates.columns)
    columns = choices.choose("covariates", network.covariates, _covariates(network)) if named else True
    data_checks.check_inputs_without_context(panel, network, calendar, columns)
    alone = Choice(False, "most series are forecast best from their own history; also evaluated with it")
    mix = choices.choose("mix", network.mix, alone) if mixed else False
    return {"calendar": calendar, "covariates": columns, "mix": mix}


def _calendar(panel: Panel, network: NetworkOptions) -> Choice[bool]:
    if network.traits.closed_form:
        return Choice(False, "a fixed reservoir receives no input for future steps")
    if not calendar_features.size(panel.frequency, panel.covariates.holidays):
        return Choice(False, f"there are no calendar features for steps of {panel.frequency.name}")
    if network.context == 0:
        return Choice(True, "without a context, no other input depends on the time")
    if panel.covariates.known.any() or panel.covariates.holidays:
        return Choice(True, "columns known in advance often depend on it; also evaluated without it")
    return Choice(False, "the context reflects most of it; also evaluated with it")


def _covariates(network: NetworkOptions) -> Choice[bool]:
    if network.traits.closed_form or network.context == 0:
        return Choice(True, "they were named")
    return Choice(True, "they were named; dropped if the error is about as low without them")


def _mixed_series(table: Panel, network: NetworkOptions) -> int:
    """Return how many series a network can mix: all of a wide table, unless there are too many or only one; or 0.

    Raise RequestError if the network must mix them and cannot.
    """
    count, wide = len(table.ids), table.summary.roles.wide
    if wide and 1 < count <= MAX_MIXED_SERIES:
        return count
    data_checks.forbid_mix(table, network, MAX_MIXED_SERIES)
    return 0


def _steps(basis: _Basis) -> Choice[int]:
    horizons = basis.panel.value_count // (basis.horizon * basis.panel.targets)
    steps = int(np.clip(EPOCHS * horizons / basis.training.batch, *STEP_LIMITS))
    return Choice(steps, f"{horizons} horizons without overlap")
