"""Assemble a model from trained networks: its card, its scores on validation windows, and its calibration."""

import dataclasses
import platform
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from rnncli import __version__
from rnncli.config.sections import Config
from rnncli.evaluation import backtest
from rnncli.evaluation.backtest import ForecastChunk, WindowScores
from rnncli.model import conformal, value_limits
from rnncli.model.card import Card, Member, TrainingData, Validation
from rnncli.model.conformal import Calibration
from rnncli.model.ensemble import ensemble_forecast
from rnncli.model.graph.export import export
from rnncli.model.model import Model, blend
from rnncli.model.pretrained.forecaster import PretrainedForecaster
from rnncli.network import quantile_head
from rnncli.network.built import build_network
from rnncli.network.network import Network
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.export.names import POINT
from rnncli.panel.ingest.column_roles import with_roles
from rnncli.panel.window_values import slice_windows
from rnncli.planning.plan import Plan
from rnncli.training.pretrained_share import PretrainedMember
from rnncli.training.trials import TrainedMember
from rnncli.training.zero_shot import zero_shot
from rnncli.windows.windows import Windows

CURRENT = "current"  # method name of the model in use among the scores
BEST_TRIAL_REASON = "lowest validation error of all trials"
CONTINUED_REASON = "weights of the trials, which were still improving when their time was over"
MAX_COMPARED_SERIES = 2_000  # series, about, on which the intervals of retrained networks are measured
MAX_CHECKED_WINDOWS = 256  # on which the graphs of the networks are compared with torch
CPU = torch.device("cpu")


class TrainedModel(NamedTuple):
    """The result of a training."""

    model: Model
    scores: WindowScores | None  # of the trials on the validation windows, if there are any in the table


class ModelBasis(NamedTuple):
    """Parts that all models of a training have in common."""

    config: Config
    plan: Plan
    data: TrainingData  # profile of the table


def assemble(
    basis: ModelBasis,
    trials: list[TrainedMember],
    members: list[TrainedMember],
    current: Model | None,
    pretrained: PretrainedMember | None = None,
) -> TrainedModel:
    """Return the model of the members, or of the trials if there are none, with the scores of the trials.

    The calibration is learned from the trials too: the members were trained on all rows. pretrained: forecasts beside
    both. The networks come with graphs that compute them without torch, or the card has the reason why not.
    """
    trained = _assemble(basis, trials, members, current, pretrained)
    return trained._replace(model=_with_graphs(trained.model, basis))


def _assemble(
    basis: ModelBasis,
    trials: list[TrainedMember],
    members: list[TrainedMember],
    current: Model | None,
    pretrained: PretrainedMember | None,
) -> TrainedModel:
    """Return the model of `assemble`, in torch."""
    refitted = len(members) > 0
    model = _model(basis, members or trials, refitted)
    if pretrained is not None:
        model = _beside(model, pretrained, pretrained.final)
    if not trials:
        return TrainedModel(model, None)
    validated, validation = _model(basis, trials, refitted), _ValidationForecasts(basis, trials, pretrained)
    if pretrained is not None:
        validated = _beside(validated, pretrained, pretrained.validated)
    curves = {trial.architecture: trial.network.curve for trial in trials} if refitted else {}
    with_curves = [
        member.model_copy(update={"trial": curves.get(member.architecture)}) for member in model.card.members
    ]
    card, scores = model.card.model_copy(update={"members": tuple(with_curves)}), None
    if validation.in_table.any():
        scores = _cross_scored(validated, basis.plan.table, validation, {} if current is None else {CURRENT: current})
        card = _with_scores(card, scores, basis.plan.table)
    calibration = validation.calibration(slice(None))
    if refitted and calibration is not None:
        panel = basis.plan.training_panel
        calibration = calibration.transferred(_next_quantiles(panel, validated), _next_quantiles(panel, model))
    return TrainedModel(dataclasses.replace(model, card=card, calibration=calibration), scores)


def _with_graphs(model: Model, basis: ModelBasis) -> Model:
    """Return the model with graphs of its networks, unless they fail on the validation windows or are not wanted."""
    if basis.config.compute.engine == "torch":
        return model
    plan, card = basis.plan, model.card
    panel, found = plan.augmented.panel, plan.split.validation
    if not len(found.rows):
        panel, found = plan.table, Cutoffs(np.arange(len(plan.table.ids)), plan.table.lengths)
    chosen = slice(None, None, -(-len(found.rows) // MAX_CHECKED_WINDOWS))
    checked = Cutoffs(found.series[chosen], found.rows[chosen])
    windows = Windows(panel, card.context, card.horizon, None, mixed_series=model.mixed_series(panel))
    exported = export(model.networks, card.targets, plan.inputs, next(windows.at(checked, len(checked.rows))))
    if exported.problem is not None:
        card = card.model_copy(update={"reasons": card.reasons | {"engine": exported.problem}})
    return dataclasses.replace(model, card=card, networks=exported.networks)


def _beside(model: Model, pretrained: PretrainedMember, forecaster: PretrainedForecaster) -> Model:
    """Return the model with the pretrained network beside its own."""
    reasons = model.card.reasons | {"pretrained": pretrained.reason}
    card = model.card.model_copy(update={"pretrained": pretrained.part, "reasons": reasons})
    return dataclasses.replace(model, card=card, pretrained=forecaster)


def assemble_pretrained(basis: ModelBasis, current: Model | None, reason: str | None = None) -> TrainedModel:
    """Return the model of the pretrained network alone, with its scores if there are validation windows.

    It is calibrated on all rows; for the scores, on those before the validation windows. reason: why it is alone.
    """
    config, plan, _ = basis
    table, horizon = plan.table, plan.architecture.horizon
    model = zero_shot(table, config, horizon).model
    card = model.card.model_copy(update={"reasons": {"pretrained": reason or plan.reasons["pretrained"]}})
    if not len(plan.split.validation.rows):
        return TrainedModel(dataclasses.replace(model, card=card), None)
    validated = zero_shot(table.head(plan.split.training_ends(horizon)), config, horizon).model
    scoring = backtest.Scoring(card.season, config.forecast.level)
    others = {} if current is None else {CURRENT: current}
    chunks = backtest.forecast_in_chunks(validated, table, plan.split.validation, scoring, CPU, others)
    scores = backtest.score_windows(chunks, scoring)
    count = len(plan.split.validation.rows)
    validation = card.validation.model_copy(
        update={"windows": count, "held_out": plan.split.held_out, "refitted": True}
    )
    card = _with_scores(card.model_copy(update={"validation": validation}), scores, table)
    return TrainedModel(dataclasses.replace(model, card=card), scores)


def keep_calibration(trained: TrainedModel, previous: Model) -> TrainedModel:
    """Return a fine-tuned model with the calibration of the previous one, and its scores if there are no new ones.

    The validation windows of the previous model had more cutoffs, and no network was trained on them.
    """
    model, card = trained.model, previous.card
    if trained.scores is None:
        previous_scores = {"scores": card.scores, "validation": card.validation}
        model = dataclasses.replace(model, card=model.card.model_copy(update=previous_scores))
    calibration = previous.calibration or model.calibration
    return trained._replace(model=dataclasses.replace(model, calibration=calibration))


class _ValidationForecasts:
    """The ensemble forecasts of trials for the validation windows, and the values that followed."""

    def __init__(self, basis: ModelBasis, trials: list[TrainedMember], pretrained: PretrainedMember | None) -> None:
        augmented, plan = basis.plan.augmented, basis.plan
        self._levels = np.array(quantile_head.build(plan.architecture).levels)
        self.cutoffs = plan.split.validation
        self.in_table = augmented.in_table(self.cutoffs)  # (V,): the model is scored on these only
        self._origins = augmented.panel.lengths[self.cutoffs.series] - self.cutoffs.rows
        _, self._actual = slice_windows(augmented.panel, self.cutoffs, 1, plan.architecture.horizon)
        ensemble = ensemble_forecast([trial.network.quantiles for trial in trials], basis.data.counts)  # (V, H, K, Q)
        if pretrained is not None:
            ensemble = blend(ensemble, pretrained.quantiles, pretrained.share)
        self._raw = value_limits.limit_values(ensemble, basis.data)
        self._quantiles = value_limits.limit_quantiles(ensemble, basis.data)

    def calibration(self, windows: np.ndarray | slice) -> Calibration | None:
        """Return the calibration learned from some of the windows."""
        arrays = (self._quantiles, self._actual, self._origins, self._raw)
        quantiles, actual, origins, raw = (array[windows] for array in arrays)
        return conformal.fit_calibration(quantiles, actual, self._levels, origins, raw)

    def halves(self) -> list[np.ndarray]:
        """Return masks (V,) of two halves: of the series in turn, or of the earlier and later windows of one series."""
        _, number = np.unique(self.cutoffs.series, return_inverse=True)
        several = number.max() > 0
        first = number % 2 == 0 if several else self.cutoffs.rows <= np.median(self.cutoffs.rows)
        return [half for half in (first, ~first) if half.any()]


def _cross_scored(
    model: Model, table: Panel, validation: _ValidationForecasts, others: dict[str, Model]
) -> WindowScores:
    """Return the scores on each half of the validation windows, calibrated on the other half."""
    scoring = backtest.Scoring(model.card.season, model.card.config.forecast.level)
    halves = validation.halves()

    def chunks() -> Iterator[ForecastChunk]:
        for half in halves:
            calibration = validation.calibration(~half) if len(halves) > 1 else None
            calibrated = dataclasses.replace(model, calibration=calibration)
            scored = half & validation.in_table
            part = Cutoffs(validation.cutoffs.series[scored], validation.cutoffs.rows[scored])
            yield from backtest.forecast_in_chunks(calibrated, table, part, scoring, CPU, others)

    return backtest.score_windows(chunks(), scoring)


def _with_scores(card: Card, scores: WindowScores, table: Panel) -> Card:
    """Return the card with the scores and their standard deviation over origins."""
    steps_back, origin = np.unique(table.lengths[scores.cutoffs.series] - scores.cutoffs.rows, return_inverse=True)
    by_origin = scores.by_group(origin, len(steps_back))[POINT]
    deviations = {name: float(np.std(values, ddof=1)) for name, values in by_origin.items() if len(values) > 1}
    finite = {name: value for name, value in deviations.items() if np.isfinite(value)}
    validation = card.validation.model_copy(update={"origins": len(steps_back), "variation": finite})
    overall = {name: row for name, row in scores.overall().items() if name != CURRENT}
    return card.model_copy(update={"scores": overall, "validation": validation})


def _next_quantiles(panel: Panel, model: Model) -> np.ndarray:
    """Return the forecasts for the steps after the last row, of all series or a sample: (N, H, K, Q)."""
    series = np.arange(len(panel.ids))[:: -(-len(panel.ids) // MAX_COMPARED_SERIES)]
    ends = Cutoffs(series, panel.lengths[series])
    return model.forecast(panel, ends, model.levels, CPU).quantiles


def _model(basis: ModelBasis, members: list[TrainedMember], refitted: bool) -> Model:
    networks = tuple(
        build_network(
            member.architecture,
            basis.plan.table.targets,
            basis.plan.inputs,
            {name: torch.from_numpy(value) for name, value in member.network.weights.items()},
        )
        for member in members
    )
    return Model(_card(basis, members, networks, refitted), networks)


def _reasons(plan: Plan, members: list[TrainedMember]) -> dict[str, str]:
    """Return the reasons for the settings of the first network: as planned, or as the trials showed."""
    first, planned = members[0].architecture.model_dump(), plan.architecture.model_dump()
    reasons = {
        name: reason if first.get(name) == planned.get(name) else BEST_TRIAL_REASON
        for name, reason in plan.reasons.items()
    }
    rates = {member.network.learning_rate for member in members}
    if found := sorted(rate for rate in rates if rate is not None):
        reasons["learning_rate"] = f"a range test found {', '.join(f'{rate:g}' for rate in found)}"
    if not plan.initial and any(member.continued for member in members):
        reasons["start"] = CONTINUED_REASON
    return reasons


def _mixed_series(table: Panel, members: list[TrainedMember]) -> tuple[str, ...]:
    """Return the series that networks mix, if any does."""
    return tuple(map(str, table.ids)) if any(member.architecture.mix for member in members) else ()


def _card(basis: ModelBasis, members: list[TrainedMember], networks: tuple[Network, ...], refitted: bool) -> Card:
    config, plan, data = basis
    table = plan.table
    columns = with_roles(table.summary.roles, config.columns)
    return Card(
        rnncli=__version__,
        libraries={"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        config=config.model_copy(update={"columns": columns}),
        inputs=plan.inputs.inputs,
        members=tuple(
            Member(
                architecture=member.architecture,
                seed=member.seed,
                steps=member.network.best_step,
                course=member.network.curve,
            )
            for member in members
        ),
        season=plan.architecture.season,
        reasons=_reasons(plan, members),
        frequency=table.frequency.name,
        integer_clock=table.times.integer,
        zone=table.times.zone,
        seen=data.model_copy(update={"together": _mixed_series(table, members)}),
        parameters=sum(parameter.numel() for network in networks for parameter in network.parameters()),
        validation=Validation(
            windows=int(plan.augmented.in_table(plan.split.validation).sum()),
            held_out=plan.split.held_out,
            refitted=refitted,
        ),
    )
