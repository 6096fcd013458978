"""Run the trainings of one plan: their seeds, time limits and progress."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Architecture
from rnncli.config.fields import PresetName
from rnncli.config.sections import Training
from rnncli.planning.plan import Plan
from rnncli.planning.validation_split import Split
from rnncli.training.network_workers import NetworkWorkers
from rnncli.training.progress import Progress
from rnncli.training.task import TrainedNetwork, TrainingTask

MAX_MEMBERS: dict[PresetName, int] = {"fast": 4, "balanced": 12, "best": 24}  # more do not improve forecasts enough
MAX_TRIALS: dict[PresetName, int] = {"fast": 4, "balanced": 12, "best": 24}
PHASES = ("trial", "refit")
FINETUNE_RATE = 0.3  # of the learning rate: a higher one would destroy trained weights
TRIAL_SHARE = 0.55  # of the time, about
INTERRUPTED = "interrupted"


class TrainingStatus(NamedTuple):
    """Progress of a training of several networks."""

    phase: str  # one of PHASES, or INTERRUPTED
    done: int  # networks, in this phase
    of: int
    share: float  # of the whole, 0 to 1
    elapsed: float  # seconds
    network: Progress | None  # the one under training that is furthest


Report = Callable[[TrainingStatus], None]


def stopping_at_interrupt(report: Report) -> Report:
    """Return a report that also raises KeyboardInterrupt once a training is interrupted.

    A training cut short is a result for the user, but not one to compare or to score.
    """

    def stopping(status: TrainingStatus) -> None:
        report(status)
        if status.phase == INTERRUPTED:
            raise KeyboardInterrupt

    return stopping


class TrainedMember(NamedTuple):
    """A trained network and the task it is from."""

    architecture: Architecture
    seed: int
    requested_steps: int  # of which fewer were planned if the time was short
    network: TrainedNetwork
    continued: bool = False  # from trained weights


class TrialRunner:
    """Trains networks of a plan on workers, within its time budget."""

    def __init__(self, plan: Plan, training: Training, workers: NetworkWorkers, report: Report) -> None:
        self.plan, self.training, self.workers, self._report = plan, training, workers, report
        self._began = time.monotonic()
        self._started: Counter[tuple[str, Architecture]] = Counter()  # tasks of each phase and architecture
        self.budget = training.seconds
        preset = "best" if training.budget else training.preset
        self.max_trials = training.members or MAX_TRIALS[preset]
        self.max_members = training.members or MAX_MEMBERS[preset]
        if plan.initial:
            self.max_members = min(self.max_members, len(plan.initial))

    @property
    def elapsed(self) -> float:
        """Seconds since the training began, including those of an interrupted run that it continues."""
        return time.monotonic() - self._began + self.workers.saved_seconds

    def remaining(self, share: float = 1.0) -> float:
        """Return the seconds until this share of the time is used."""
        return share * self.budget - self.elapsed

    def report_interruption(self) -> None:
        """Report that the training ends early."""
        self._report(TrainingStatus(INTERRUPTED, 0, 0, 1.0, self.elapsed, None))

    def task(
        self, architecture: Architecture, split: Split, steps: int, seconds: float, phase: str, number: int
    ) -> TrainingTask:
        """Return the task of a network. Its seed depends on phase and number only, not on other networks."""
        seed = int(np.random.SeedSequence([self.training.seed, PHASES.index(phase), number]).generate_state(1)[0])
        training = self.training
        if self.plan.initial:
            training = training.model_copy(update={"learning_rate": FINETUNE_RATE * training.learning_rate})
        initial = self.plan.initial_weights(architecture, self._started[phase, architecture])
        self._started[phase, architecture] += 1
        return TrainingTask(
            *(architecture, self.plan.inputs, training, self.plan.architecture.season, seed, steps, seconds),
            *(split.first, split.last, split.validation, initial),
        )

    def train(self, phase: str, tasks: Iterator[TrainingTask], count: int, members: dict[int, TrainedMember]) -> None:
        """Train up to `count` tasks, each taken when a worker is free; add the networks to `members` by number."""
        given: list[TrainingTask] = []
        before = len(members)
        total = before + count

        def recorded() -> Iterator[TrainingTask]:
            for task in tasks:
                given.append(task)
                yield task

        def report(under_way: dict[int, Progress]) -> None:
            furthest = max(under_way.values(), key=lambda network: network.step / network.steps, default=None)
            done = len(members) + sum(network.step / network.steps for network in under_way.values())
            if phase == "trial":
                share = TRIAL_SHARE * done / max(total, self.max_trials)
            else:
                share = TRIAL_SHARE + (1 - TRIAL_SHARE) * done / total
            self._report(TrainingStatus(phase, len(members), total, share, self.elapsed, furthest))

        for number, network in self.workers.run(recorded(), report):
            task = given[number]
            members[before + number] = TrainedMember(
                task.architecture, task.seed, task.steps, network, task.initial is not None
            )
            report({})
