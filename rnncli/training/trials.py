"""Trains the networks of one model: on what, from which seed, for how long, and what is said meanwhile.

Knows nothing of which designs are worth it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Architecture
from rnncli.config.sections import PresetName, Training
from rnncli.planning.plan import Plan
from rnncli.planning.validation_split import Split
from rnncli.training.loop import Progress
from rnncli.training.train_network import TrainedNetwork, TrainingTask
from rnncli.training.workers import Workers

MAX_MEMBERS: dict[PresetName, int] = {"fast": 4, "balanced": 12, "best": 24}  # members: more add nothing worth the wait
MAX_TRIALS: dict[PresetName, int] = {"fast": 4, "balanced": 12, "best": 24}
PHASES = ("trial", "refit")
FINETUNE_RATE = 0.3  # of the learning rate: weights that were good are not to be thrown about
TRIAL_SHARE = 0.55  # of the time, about, goes into trials
INTERRUPTED = "interrupted"


class TrainingStatus(NamedTuple):
    """How far the whole training has come."""

    phase: str  # one of PHASES, or INTERRUPTED
    done: int  # networks, in this phase
    of: int
    share: float  # of the whole, 0 to 1
    elapsed: float  # seconds in all
    at: Progress | None  # of the network that is furthest


class TrainedMember(NamedTuple):
    """A network with its design."""

    architecture: Architecture
    seed: int
    asked: int  # steps; fewer were planned where the time did not allow them
    trained: TrainedNetwork
    on: bool = False  # from weights there were, not from new ones


class TrialRunner:
    """The crew at work on one plan, and its time."""

    def __init__(self, plan: Plan, training: Training, crew: Workers, report: Callable[[TrainingStatus], None]) -> None:
        self.plan, self.training, self.crew, self._report = plan, training, crew, report
        self._began = time.monotonic()
        self._begun: Counter[tuple[str, Architecture]] = Counter()  # tasks of a design
        self.budget = training.seconds
        preset = "best" if training.budget else training.preset
        self.trials, self.enough = training.members or MAX_TRIALS[preset], training.members or MAX_MEMBERS[preset]
        if plan.initial:
            self.enough = min(self.enough, len(plan.initial))

    @property
    def elapsed(self) -> float:
        """Seconds since the work began, those of an earlier run that is gone on with among them."""
        return time.monotonic() - self._began + self.crew.recalled

    def left(self, share: float = 1.0) -> float:
        """Seconds until this share of the time is used up."""
        return share * self.budget - self.elapsed

    def interrupted(self) -> None:
        """Say that the work ends before its time."""
        self._report(TrainingStatus(INTERRUPTED, 0, 0, 1.0, self.elapsed, None))

    def task(
        self, design: Architecture, split: Split, steps: int, limit: float, phase: str, number: int
    ) -> TrainingTask:
        """The training of a design, from a seed of its own: the same whatever else is trained, and where."""
        seed = int(np.random.SeedSequence([self.training.seed, PHASES.index(phase), number]).generate_state(1)[0])
        season = self.plan.architecture.season
        told, training = self.plan.inputs, self.training
        if self.plan.initial:
            training = training.model_copy(update={"learning_rate": FINETUNE_RATE * training.learning_rate})
        start = self.plan.initial_weights(design, self._begun[phase, design])
        self._begun[phase, design] += 1
        places = split.first, split.last, split.validation
        return TrainingTask(design, told, training, season, seed, steps, limit, *places, start)

    def train(self, phase: str, tasks: Iterator[TrainingTask], number: int, made: dict[int, TrainedMember]) -> None:
        """Train up to `number` tasks, each taken when somebody is free for it; into `made` by its place among them."""
        given: list[TrainingTask] = []
        before = len(made)

        def taken() -> Iterator[TrainingTask]:
            for task in tasks:
                given.append(task)
                yield task

        def show(under_way: dict[int, Progress]) -> None:
            at = max(under_way.values(), key=lambda one: one.step / one.steps, default=None)
            done = len(made) + sum(one.step / one.steps for one in under_way.values())
            of = before + number
            share = (
                TRIAL_SHARE * done / max(of, self.trials)
                if phase == "trial"
                else TRIAL_SHARE + (1 - TRIAL_SHARE) * done / of
            )
            self._report(TrainingStatus(phase, len(made), of, share, self.elapsed, at))

        for place, trained in self.crew.run(taken(), show):
            task = given[place]
            made[before + place] = TrainedMember(
                task.architecture, task.seed, task.steps, trained, task.start is not None
            )
            show({})
