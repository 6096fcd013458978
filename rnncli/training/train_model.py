"""From a panel to a fitted model: designs are tried, those worth keeping trained again on all rows, and put together.

The forecast is the consensus of networks that differ in scale, base, context and segment (Smyl 2020; Oreshkin et al.
2020), trained with nothing held out for as many steps as validation found (Smyl 2020). No printing: it reports its
progress.
"""

import dataclasses
import platform
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import NamedTuple

import numpy as np
import torch

from rnncli import __version__
from rnncli.config.architecture import Architecture
from rnncli.config.sections import Config
from rnncli.evaluation import backtest, cutoffs
from rnncli.evaluation.backtest import ForecastChunk, WindowScores
from rnncli.model import conformal, data_profile, value_limits
from rnncli.model.card import Card, Member, TrainingData, Validation
from rnncli.model.conformal import Calibration
from rnncli.model.ensemble import ensemble_forecast
from rnncli.model.model import Model
from rnncli.model.weights_file import build_network
from rnncli.network import quantile_head
from rnncli.network.network import Network
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.export.names import POINT
from rnncli.panel.ingest.column_roles import with_roles
from rnncli.planning.plan import Plan
from rnncli.training.search import Search
from rnncli.training.train_network import TrainingTask
from rnncli.training.trials import TrainedMember, TrainingStatus, TrialRunner
from rnncli.training.workers import Workers

CURRENT = "current"  # the method, in a ledger, that is the model in use
BEST_TRIAL_REASON = "of what was tried it errs least on the validation windows"
MIN_STEP_SHARE = 0.6  # of its steps: a network that gets so many is still worth having
MIN_TIME_SHARE = 0.1  # of the time, for a training on all rows however little is left
CONTINUED_STEPS = (
    2  # times the steps of its trial, for a design that goes on from there, where there is time for so many
)
MAX_STRETCH = 2.0  # times as many at most
MAX_COMPARED_SERIES = 2_000  # series, about, that tell how much surer of themselves networks trained on all rows are
CONTINUED_REASON = "the weights of the trials, which were still getting better when their time was up"


class TrainedModel(NamedTuple):
    """What came of a training."""

    model: Model
    judged: WindowScores | None  # its validation windows, where there are any, and how they were forecast


def train(
    panel: Panel,
    config: Config,
    plan: Plan,
    crew: Workers,
    report: Callable[[TrainingStatus], None],
    current: Model | None = None,
) -> TrainedModel:
    """A model of the panel with its validation scores; current: the one to be compared with on the same windows.

    An interrupt ends the training, and what is done by then is kept; with nothing done it goes on as KeyboardInterrupt.
    Raises TrainingError.
    """
    workshop, basis = (
        TrialRunner(plan, config.training, crew, report),
        ModelBasis(panel, config, plan, data_profile.profile(panel)),
    )
    search = Search(workshop, plan.training_panel, config.network, basis.seen)
    members: dict[int, TrainedMember] = {}
    try:
        with crew:
            search.run()
            kept = search.kept()
            if config.training.refit or not kept:
                _refit(workshop, [_design(made, search) for made in kept], members)
    except KeyboardInterrupt:
        kept = search.kept()
        if not kept and not members:
            raise
        workshop.interrupted()
    return _outcome(basis, kept, [members[place] for place in sorted(members)], current)


class ModelBasis(NamedTuple):
    """What a model is made from."""

    panel: Panel
    config: Config
    plan: Plan
    seen: TrainingData


class RefitDesign(NamedTuple):
    """What to train on all rows."""

    architecture: Architecture
    steps: int
    seconds: float  # that it takes, about
    start: dict[str, np.ndarray] | None = None  # weights to begin with; none: new ones

    def times(self, share: float) -> "RefitDesign":
        """The same, trained for longer."""
        return self._replace(steps=round(share * self.steps), seconds=share * self.seconds)


def _design(made: TrainedMember, search: Search) -> RefitDesign:
    """What a trial came to, with the steps that it should have had."""
    on = search.goes_on(made)
    steps = CONTINUED_STEPS * made.trained.planned if on else search.steps(made)
    seconds = made.trained.seconds * steps / made.trained.steps
    return RefitDesign(made.architecture, steps, seconds, made.trained.weights if on else None)


def _refit(workshop: TrialRunner, designs: list[RefitDesign], members: dict[int, TrainedMember]) -> None:
    """Train the designs on all rows, in turn, until there are members enough or the time is up."""
    plan = workshop.plan
    every = plan.split.without_validation(plan.training_panel, plan.architecture.horizon)
    if not designs:  # too few rows to try anything
        known = (plan.architecture, *(plan.candidates if plan.initial else ()))
        designs = [RefitDesign(design, plan.steps, 0.0) for design in known]
    designs = _filling(designs, workshop)
    typical = float(np.mean([design.seconds for design in designs]))
    room = workshop.crew.size * max(1.0, workshop.left() / max(MIN_STEP_SHARE * typical, 1e-3))
    number = int(min(workshop.enough, max(room, 1)))

    def tasks() -> Iterator[TrainingTask]:
        for place, (design, steps, seconds, start) in zip(range(number), cycle(designs), strict=False):
            left = workshop.left()
            if place >= workshop.crew.size and left < MIN_STEP_SHARE * seconds:
                return
            task = workshop.task(design, every, steps, max(left, MIN_TIME_SHARE * workshop.budget), "refit", place)
            yield task if start is None else task._replace(start=start)

    workshop.train("refit", tasks(), number, members)


def _filling(designs: list[RefitDesign], workshop: TrialRunner) -> list[RefitDesign]:
    """The same, those that go on from their trials for as many more steps as whole rounds leave time for.

    For them more steps are worth more than more members.
    """
    typical = float(np.mean([design.seconds for design in designs]))
    if all(design.start is None for design in designs) or workshop.left() <= typical:
        return designs
    rounds = min(int(workshop.left() / typical), -(-workshop.enough // workshop.crew.size))
    share = min(workshop.left() / typical / rounds, MAX_STRETCH)
    share = int(8 * share) / 8  # a training that is taken up again then most likely finds them as they were
    return [one if one.start is None else one.times(share) for one in designs]


def _outcome(
    basis: ModelBasis, kept: list[TrainedMember], members: list[TrainedMember], current: Model | None
) -> TrainedModel:
    """The members, or without any what was kept of the trials, with the scores and the calibration of those trials."""
    refitted = len(members) > 0
    trained = _assembled(basis, members or kept, refitted)
    if not kept:
        return TrainedModel(trained, None)
    judged, lesson = _assembled(basis, kept, refitted), _Lesson(basis, kept)
    trials = {made.architecture: made.trained.course for made in kept} if refitted else {}
    chosen = [member.model_copy(update={"trial": trials.get(member.architecture)}) for member in trained.card.members]
    card, scored = trained.card.model_copy(update={"members": tuple(chosen)}), None
    if lesson.of_table.any():
        scored = _scored(judged, basis.panel, lesson, {} if current is None else {CURRENT: current})
        card = _with_scores(card, scored, basis.panel)
    learned = lesson.of(slice(None))
    if refitted and learned is not None:
        every = basis.plan.training_panel
        learned = learned.transferred(_ahead(every, judged), _ahead(every, trained))
    return TrainedModel(dataclasses.replace(trained, card=card, calibration=learned), scored)


def _with_scores(card: Card, scored: WindowScores, panel: Panel) -> Card:
    """The card with how the model did on the validation windows, and how much that varies."""
    back, origin = np.unique(panel.lengths[scored.cutoffs.series] - scored.cutoffs.rows, return_inverse=True)
    own = scored.by_group(origin, len(back))[POINT]
    varied = {name: float(np.std(values, ddof=1)) for name, values in own.items() if len(values) > 1}
    known = {name: value for name, value in varied.items() if np.isfinite(value)}
    validation = card.validation.model_copy(update={"origins": len(back), "variation": known})
    scores = {name: row for name, row in scored.overall().items() if name != CURRENT}
    return card.model_copy(update={"scores": scores, "validation": validation})


def _ahead(panel: Panel, model: Model) -> np.ndarray:
    """What a model says of the steps after the ends of the series, or of some of many: (N, H, K, Q)."""
    series = np.arange(len(panel.ids))[:: -(-len(panel.ids) // MAX_COMPARED_SERIES)]
    ends = Cutoffs(series, panel.lengths[series])
    return model.forecast(panel, ends, model.levels, torch.device("cpu")).quantiles


def keep_calibration(outcome: TrainedModel, before: Model) -> TrainedModel:
    """The outcome of a training that went on from a model, with what only its validation windows could teach.

    Those windows had come from more cutoffs, and none of its networks had seen them.
    """
    model, held = outcome.model, before.card
    if outcome.judged is None:
        told = {"scores": held.scores, "validation": held.validation}
        model = dataclasses.replace(model, card=model.card.model_copy(update=told))
    return TrainedModel(dataclasses.replace(model, calibration=before.calibration or model.calibration), outcome.judged)


class _Lesson:
    """What the validation windows teach about the quantiles."""

    def __init__(self, basis: ModelBasis, kept: list[TrainedMember]) -> None:
        learned = basis.plan.augmented
        self.places = basis.plan.split.validation
        self.of_table = learned.in_table(self.places)  # (V,), by which alone a model is scored
        self.origins = learned.panel.lengths[self.places.series] - self.places.rows
        _, self.actual = cutoffs.slice_windows(learned.panel, self.places, 1, basis.plan.architecture.horizon)
        self.levels = np.array(quantile_head.build(basis.plan.architecture).levels)
        every = [torch.from_numpy(made.trained.quantiles) for made in kept]
        said = ensemble_forecast(every, basis.seen.counts).numpy()  # (V, H, K, Q)
        self.raw, self.quantiles = (
            value_limits.limit_values(said, basis.seen),
            value_limits.limit_quantiles(said, basis.seen),
        )

    def of(self, chosen: np.ndarray | slice) -> Calibration | None:
        """Learned on some of the windows."""
        told, raw, actual, origins = (one[chosen] for one in (self.quantiles, self.raw, self.actual, self.origins))
        return conformal.fit_calibration(told, actual, self.levels, origins, raw)

    def halves(self) -> list[np.ndarray]:
        """Every other series, or of a single one the earlier and the later windows: (V,) each."""
        _, number = np.unique(self.places.series, return_inverse=True)
        first = number % 2 == 0 if number.max() > 0 else self.places.rows <= np.median(self.places.rows)
        return [half for half in (first, ~first) if half.any()]


def _scored(judged: Model, panel: Panel, lesson: _Lesson, others: dict[str, Model]) -> WindowScores:
    """The validation windows, each with the calibration that the other half of them taught."""
    scoring = backtest.Scoring(judged.card.season, judged.card.config.forecast.level)
    halves = lesson.halves()

    def chunks() -> Iterator[ForecastChunk]:
        for half in halves:
            taught = dataclasses.replace(judged, calibration=lesson.of(~half) if len(halves) > 1 else None)
            asked = half & lesson.of_table
            places = Cutoffs(lesson.places.series[asked], lesson.places.rows[asked])
            yield from backtest.forecast_in_chunks(taught, panel, places, scoring, torch.device("cpu"), others)

    return backtest.score_windows(chunks(), scoring)


def _assembled(basis: ModelBasis, made: list[TrainedMember], refitted: bool) -> Model:
    networks = tuple(
        build_network(
            one.architecture,
            basis.panel.targets,
            basis.plan.inputs,
            {name: torch.from_numpy(value) for name, value in one.trained.weights.items()},
        )
        for one in made
    )
    return Model(_card(basis, made, networks, refitted), networks)


def _reasons(plan: Plan, made: list[TrainedMember]) -> dict[str, str]:
    """Why the first network, the best, is as it is: by what was seen in the data, or by how it did in its trial."""
    first, asked = made[0].architecture.model_dump(), plan.architecture.model_dump()
    reasons = {
        name: why if first.get(name) == asked.get(name) else BEST_TRIAL_REASON for name, why in plan.reasons.items()
    }
    if rates := sorted({one.trained.rate for one in made if one.trained.rate is not None}):
        reasons["learning_rate"] = f"a range test found {', '.join(f'{rate:g}' for rate in rates)}"
    if not plan.initial and any(one.on for one in made):
        reasons["start"] = CONTINUED_REASON
    return reasons


def _together(panel: Panel, made: list[TrainedMember]) -> tuple[str, ...]:
    """The series that networks see side by side, where any does."""
    return tuple(map(str, panel.ids)) if any(one.architecture.mix for one in made) else ()


def _card(basis: ModelBasis, made: list[TrainedMember], networks: tuple[Network, ...], refitted: bool) -> Card:
    panel, config, plan, seen = basis
    columns = with_roles(panel.summary.roles, config.columns)
    return Card(
        rnncli=__version__,
        libraries={"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        config=config.model_copy(update={"columns": columns}),
        inputs=plan.inputs.inputs,
        members=tuple(
            Member(architecture=one.architecture, seed=one.seed, steps=one.trained.steps, course=one.trained.course)
            for one in made
        ),
        season=plan.architecture.season,
        reasons=_reasons(plan, made),
        frequency=panel.frequency.name,
        integer_clock=panel.times.integer,
        zone=panel.times.zone,
        seen=seen.model_copy(update={"together": _together(panel, made)}),
        parameters=sum(parameter.numel() for network in networks for parameter in network.parameters()),
        validation=Validation(
            windows=int(plan.augmented.in_table(plan.split.validation).sum()),
            held_out=plan.split.held_out,
            refitted=refitted,
        ),
    )
