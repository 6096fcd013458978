"""From a panel to a fitted model: what to try, which networks to keep, and those trained again on all rows.

    scouts    short trainings of every design that was left open, judged on validation windows
    trials    full trainings of those that did best; the set of them that does best together stays
    refits    the same designs from other seeds on all rows, for as many steps as the trial had needed

The forecast is the median of the last. Members that differ in scale, base and context: Smyl (2020), Oreshkin et al.
(2020); forward selection of members: Caruana et al. (2004). No printing: it reports its progress.
"""

import dataclasses
import math
import platform
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import NamedTuple, assert_never

import numpy as np
import torch

from rnncli import __version__, backtest, baselines, choices, heads, metrics
from rnncli.card import Card, Member, Seen, Validation
from rnncli.choices import Plan
from rnncli.config import Architecture, Config, MetricName, PresetName
from rnncli.crew import Crew
from rnncli.metrics import Scored
from rnncli.model import Model, network_of
from rnncli.network import Network
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.columns import settled
from rnncli.split import NO_WINDOWS
from rnncli.training import Progress, Task, Trained

PRESETS: dict[PresetName, float] = {"fast": 25, "balanced": 240, "best": 900}  # seconds
ENOUGH = {"fast": 4, "balanced": 8, "best": 24}  # members: more add nothing worth the wait
HASTY = 60  # seconds: with less there is no time to look around
SCOUT = 0.3  # share of a full training that tells designs apart
TRIALS = 4
PHASES = ("scout", "trial", "refit")


class State(NamedTuple):
    """How far the whole training has come."""

    phase: str  # one of PHASES
    done: int  # networks, in this phase
    of: int
    share: float  # of the phase, 0 to 1
    elapsed: float  # seconds in all
    at: Progress | None  # of the network that is furthest


Report = Callable[[State], None]
Judge = Callable[[np.ndarray], float]


class Tried(NamedTuple):
    """A design that was trained, and how it did."""

    architecture: Architecture
    seed: int
    trained: Trained
    score: float


def train(panel: Panel, config: Config, plan: Plan, crew: Crew, report: Report) -> Model:
    """A model of the panel with its validation scores.

    An interrupt ends the training; what is done by then is kept, and without anything done it goes on as
    KeyboardInterrupt. Raises TrainingError.
    """
    run = _Run(panel, config, plan, crew, report)
    try:
        with crew:
            kept = run.tried()
            members = run.refitted(kept) if config.training.refit or not kept else []
    except KeyboardInterrupt:
        kept, members = run.kept(), run.members
        if not kept and not members:
            raise
    return _model(panel, config, plan, kept, members or kept)


class _Run:
    """One training under way: what was done in it so far, and the time it has taken."""

    def __init__(self, panel: Panel, config: Config, plan: Plan, crew: Crew, report: Report) -> None:
        self.panel, self.config, self.plan, self.crew, self.report = panel, config, plan, crew, report
        self.began = time.monotonic()
        training = config.training
        self.budget = math.inf if training.members else training.budget or PRESETS[training.preset]
        self.enough = training.members or (ENOUGH[training.preset] if training.budget is None else ENOUGH["best"])
        self.judge = _judge(
            panel, plan.split.validation, plan.architecture.horizon, plan.architecture.season, training.metric
        )
        self.scouts: list[Tried] = []
        self.trials: list[Tried] = []
        self.members: list[Tried] = []

    def tried(self) -> list[Tried]:
        """The designs that did best together, the best first."""
        lead, validation = self.plan.architecture, self.plan.split.validation
        if not len(validation.rows):
            return []
        designs = [lead]
        if self.plan.rivals and self.enough > 1 and self.budget >= HASTY:
            self._scout([lead, *self.plan.rivals], 0.12)
            best = min(self.scouts, key=lambda tried: tried.score).architecture
            longest = int(self.panel.lengths.max())
            self._scout(choices.neighbours(best, self.config.network, longest), 0.08)
            designs = [tried.architecture for tried in sorted(self.scouts, key=lambda tried: tried.score)]
        elif self.enough > 1:
            designs = [lead, *self.plan.rivals]
        designs = designs[: min(self.enough, TRIALS if self.budget >= HASTY else self.crew.size)]
        limit = self._share(0.3 if self.budget >= HASTY else 0.4, len(designs))
        tasks = [self._task(design, self.plan.steps, limit, "trial", number) for number, design in enumerate(designs)]
        self._train("trial", iter(tasks), len(tasks), self.trials)
        return self.kept()

    def kept(self) -> list[Tried]:
        """Those trials that do best together: the best, then each time the one that helps most (forward selection)."""
        left = sorted(self.trials or self.scouts, key=lambda tried: tried.score)
        chosen, best = left[:1], left[:1]
        left, lowest = left[1:], left[0].score if left else math.inf
        while left:
            together = [(self._score([*chosen, one]), number) for number, one in enumerate(left)]
            score, number = min(together)
            chosen = [*chosen, left.pop(number)]
            if score < lowest:
                lowest, best = score, chosen
        return best

    def refitted(self, kept: list[Tried]) -> list[Tried]:
        """Members of these designs, in turn, trained on all rows until the time or the number is reached."""
        every = self.plan.split.over_all(self.panel, self.plan.architecture.horizon)
        designs = [(tried.architecture, tried.trained.steps) for tried in kept]
        designs = designs or [(self.plan.architecture, self.plan.steps)]  # too few rows to try anything
        longest = max((tried.trained.seconds for tried in kept), default=0.0)
        left = self.budget - self._elapsed()
        fitting = self.enough if math.isinf(left) else self.crew.size * max(1, int(left / max(longest, 1e-3)))
        number = min(self.enough, max(fitting, 1))

        def tasks() -> Iterator[Task]:
            for place, (design, steps) in zip(range(number), cycle(designs), strict=False):
                left = self.budget - self._elapsed()
                if place >= self.crew.size and left < longest:
                    return
                task = self._task(design, steps, max(left, 0.1 * self.budget), "refit", place)
                yield task._replace(first=every.first, last=every.last, validation=NO_WINDOWS)

        self._train("refit", tasks(), number, self.members)
        return self.members

    def _scout(self, designs: list[Architecture], share: float) -> None:
        """Train each for a short time."""
        steps = max(1, round(SCOUT * self.plan.steps))
        before, limit = len(self.scouts), self._share(share, len(designs))
        tasks = [self._task(one, steps, limit, "scout", before + number) for number, one in enumerate(designs)]
        self._train("scout", iter(tasks), len(tasks), self.scouts)

    def _task(self, design: Architecture, steps: int, limit: float, phase: str, number: int) -> Task:
        """A training of a design on what comes before the validation windows."""
        split, training = self.plan.split, self.config.training
        seed = int(np.random.SeedSequence([training.seed, PHASES.index(phase), number]).generate_state(1)[0])
        season = self.plan.architecture.season
        return Task(design, training, season, seed, steps, limit, split.first, split.last, split.validation)

    def _share(self, share: float, tasks: int) -> float:
        """Seconds for each of so many tasks that take a share of the whole time together."""
        return share * self.budget / max(1, math.ceil(tasks / self.crew.size))

    def _train(self, phase: str, tasks: Iterator[Task], number: int, into: list[Tried]) -> None:
        """Train all of them; in the order of the tasks, whoever is done first."""
        given: list[Task] = []
        done: dict[int, Tried] = {}
        before = list(into)

        def taken() -> Iterator[Task]:
            for task in tasks:
                given.append(task)
                yield task

        def show(under_way: dict[int, Progress]) -> None:
            at = max(under_way.values(), key=lambda one: one.step / one.steps, default=None)
            share = (len(done) + sum(one.step / one.steps for one in under_way.values())) / number
            self.report(State(phase, len(done), number, share, self._elapsed(), at))

        for place, trained in self.crew.run(taken(), show):
            task = given[place]
            score = self.judge(trained.quantiles) if len(trained.quantiles) else math.nan
            done[place] = Tried(task.architecture, task.seed, trained, score)
            into[:] = [*before, *(done[place] for place in sorted(done))]
            self.report(State(phase, len(done), number, len(done) / number, self._elapsed(), None))

    def _score(self, tried: list[Tried]) -> float:
        return self.judge(np.median([one.trained.quantiles for one in tried], axis=0))

    def _elapsed(self) -> float:
        return time.monotonic() - self.began


def _judge(panel: Panel, places: Cutoffs, horizon: int, season: int, metric: MetricName) -> Judge:
    """What scores forecasts (V, H, K, Q) of the validation windows, lower is better; inf where nothing can be told."""
    past, actual = backtest.cut(panel, places, season, horizon)
    errors = backtest.scales(panel, places, season)
    levels = np.array(heads.LEVELS)
    naive = Scored(actual, baselines.seasonal_naive(past, horizon, season), None, levels, *errors)

    def judge(quantiles: np.ndarray) -> float:
        point = heads.point(torch.from_numpy(quantiles), metric).numpy()
        score = _score(Scored(actual, point, quantiles, levels, *errors), naive, metric)
        return score if math.isfinite(score) else math.inf

    return judge


def _score(scored: Scored, naive: Scored, metric: MetricName) -> float:
    match metric:
        case "quantiles":
            return metrics.scaled_quantile_loss(scored)
        case "mae":
            return metrics.mae(scored)
        case "mase":
            return metrics.mase(scored)
        case "smape":
            return metrics.smape(scored)
        case "mse":
            return metrics.mse(scored)
        case "rmsse":
            return metrics.rmsse(scored)
        case "owa":  # relative to seasonal naive instead of M4's Naive2: that weighs the two parts much alike
            parts = [(one(scored), one(naive)) for one in (metrics.smape, metrics.mase)]
            return float(np.mean([own / other if other > 0 else own for own, other in parts]))
    assert_never(metric)


def _model(panel: Panel, config: Config, plan: Plan, kept: list[Tried], members: list[Tried]) -> Model:
    """The members with a card, scored by those that never trained on the validation windows."""
    refitted = members is not kept
    trained = _assembled(panel, config, plan, members, refitted)
    if not kept:
        return trained
    percents, cpu = config.forecast.level, torch.device("cpu")
    judged = _assembled(panel, config, plan, kept, refitted)
    scores = backtest.table(backtest.run(judged, panel, plan.split.validation, percents, cpu), percents)
    return dataclasses.replace(trained, card=trained.card.model_copy(update={"scores": scores}))


def _assembled(panel: Panel, config: Config, plan: Plan, tried: list[Tried], refitted: bool) -> Model:
    networks = tuple(
        network_of(
            one.architecture,
            panel.targets,
            {name: torch.from_numpy(value) for name, value in one.trained.weights.items()},
        )
        for one in tried
    )
    return Model(_card(panel, config, plan, tried, networks, refitted), networks)


def _card(
    panel: Panel, config: Config, plan: Plan, tried: list[Tried], networks: tuple[Network, ...], refitted: bool
) -> Card:
    first, last = panel.span()
    columns = settled(panel.found.roles, config.columns)
    return Card(
        rnncli=__version__,
        libraries={"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        config=config.model_copy(update={"columns": columns}),
        members=tuple(Member(architecture=one.architecture, seed=one.seed, steps=one.trained.steps) for one in tried),
        season=plan.architecture.season,
        reasons=plan.reasons,
        frequency=panel.frequency.name,
        integer_clock=panel.times.integer,
        zone=panel.times.zone,
        seen=Seen(
            series=len(panel.ids),
            rows=panel.found.rows,
            missing=panel.found.missing,
            absent=panel.found.absent,
            first=first,
            last=last,
            nonnegative=bool(np.nanmin(panel.values) >= 0),
        ),
        parameters=sum(parameter.numel() for network in networks for parameter in network.parameters()),
        validation=Validation(windows=len(plan.split.validation.rows), held_out=plan.split.held_out, refitted=refitted),
    )
