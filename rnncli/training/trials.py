"""Run the trainings of one plan: their seeds, the amount of work that is left for them, and their progress.

What is trained depends on counted work, never on a clock, unless the time is limited: then what does not fit is left
out, and reported.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Architecture
from rnncli.config.fields import PresetName
from rnncli.config.sections import Training
from rnncli.planning.plan import Plan
from rnncli.planning.validation_split import Split
from rnncli.training.network_workers import NetworkWorkers, series_data
from rnncli.training.progress import Progress
from rnncli.training.task import TrainedNetwork, TrainingTask
from rnncli.training.work import NetworkWork, count_work
from rnncli.windows.windows import SeriesData

REFERENCE_CORES = 2  # of the machine that presets are sized for
START_SECONDS = 5.0  # of a training, for the processes
MAX_MEMBERS: dict[PresetName, int] = {"fast": 4, "balanced": 12, "best": 24}  # more do not improve forecasts enough
MAX_TRIALS: dict[PresetName, int] = {"fast": 4, "balanced": 12, "best": 24}
PHASES = ("trial", "refit")
FINETUNE_RATE = 0.3  # of the learning rate: a higher one would destroy trained weights
TRIAL_SHARE = 0.55  # of the work
MIN_STEPS = 30  # of a network, however little work is left
INTERRUPTED = "interrupted"
TIME_IS_UP = "time is up"


class TrainingStatus(NamedTuple):
    """Progress of a training of several networks."""

    phase: str  # one of PHASES, or INTERRUPTED or TIME_IS_UP
    done: int  # networks in this phase; steps if the time is up
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
    requested_steps: int  # of which fewer were made if the time was limited
    network: TrainedNetwork
    continued: bool = False  # from trained weights


class TrialRunner:
    """Trains networks of a plan on workers, within its work and its time limit."""

    def __init__(self, plan: Plan, training: Training, workers: NetworkWorkers, report: Report) -> None:
        self.plan, self.training, self.workers, self._report = plan, training, workers, report
        self._began = time.monotonic()
        self._started: Counter[tuple[str, Architecture]] = Counter()  # tasks of each phase and architecture
        self._counted: dict[Architecture, NetworkWork] = {}
        self.limit = training.budget or math.inf  # seconds
        seconds = max(training.seconds - START_SECONDS, training.seconds / 2)
        self.total = seconds * self.cores  # work, in seconds of a reference core
        self._spent: list[float] = []  # work of each network
        self.max_trials = training.members or MAX_TRIALS[training.effort]
        self.max_members = training.members or MAX_MEMBERS[training.effort]
        if plan.initial:
            self.max_members = min(self.max_members, len(plan.initial))
        self._shown = 0.0  # share of the work reported last
        self._pace, self._trained_seconds = 0.0, 0.0
        self._steps, self._planned = 0, 0

    @property
    def cores(self) -> int:
        """Reference cores that the preset's time is for."""
        if self.workers.speed > 1:
            return self.workers.speed
        by_time = self.training.seconds == self.training.budget
        return max(REFERENCE_CORES, self.workers.size) if by_time else REFERENCE_CORES

    @property
    def spent(self) -> float:
        """Work so far, whatever the order in which networks were completed."""
        return math.fsum(self._spent)

    @cached_property
    def _data(self) -> SeriesData:
        return series_data(self.plan)

    @property
    def elapsed(self) -> float:
        """Seconds since the training began, including those of an interrupted run that it continues."""
        return time.monotonic() - self._began + self.workers.saved_seconds

    def remaining_work(self, share: float = 1.0) -> float:
        """Return the work until this share of the total is done."""
        return share * self.total - self.spent

    def remaining_time(self, share: float = 1.0) -> float:
        """Return the seconds until this share of the time limit is used; infinite without one."""
        return share * self.limit - self.elapsed

    def network_work(self, architecture: Architecture) -> NetworkWork:
        """Return the work of a network, which is counted once for each architecture."""
        if architecture not in self._counted:
            split = self.plan.split
            if (split.last < split.first).all():
                split = split.without_validation(self.plan.training_panel, architecture.horizon)
            task = self._task(architecture, split, MIN_STEPS, math.inf, 0, self.plan.initial_weights(architecture, 0))
            self._counted[architecture] = count_work(task, self._data)
        return self._counted[architecture]

    def work(self, architecture: Architecture, steps: int, validated: bool) -> float:
        """Return the work of a training."""
        windows = len(self.plan.split.validation.rows) if validated else 0
        return self.network_work(architecture).training(steps, windows)

    def seconds(self, architecture: Architecture, steps: int) -> float:
        """Return about how long a training takes, from those before; 0 before the first."""
        return self._pace * self.work(architecture, steps, validated=False)

    def affordable_steps(self, architecture: Architecture, steps: int, work: float, validated: bool) -> int:
        """Return the steps of a training with at most so much work, but at least a few."""
        if math.isinf(work):
            return steps
        windows = len(self.plan.split.validation.rows) if validated else 0
        most = self.network_work(architecture).steps(work, windows)
        return int(np.clip(most, min(MIN_STEPS, steps), steps))

    def report_interruption(self) -> None:
        """Report that the training ends early."""
        self._report(TrainingStatus(INTERRUPTED, 0, 0, 1.0, self.elapsed, None))

    def report_time_limit(self) -> None:
        """Report how many of the steps were made, if the time limit cut some off."""
        if self._steps < self._planned:
            self._report(TrainingStatus(TIME_IS_UP, self._steps, self._planned, 1.0, self.elapsed, None))

    def leave_out(self, steps: int) -> None:
        """Record that there is no time for a network of so many steps."""
        self._planned += steps

    def task(
        self, architecture: Architecture, split: Split, steps: int, seconds: float, phase: str, number: int
    ) -> TrainingTask:
        """Return the task of a network. Its seed depends on phase and number only, not on other networks."""
        seed = int(np.random.SeedSequence([self.training.seed, PHASES.index(phase), number]).generate_state(1)[0])
        initial = self.plan.initial_weights(architecture, self._started[phase, architecture])
        self._started[phase, architecture] += 1
        return self._task(architecture, split, steps, seconds, seed, initial)

    def _task(
        self,
        architecture: Architecture,
        split: Split,
        steps: int,
        seconds: float,
        seed: int,
        initial: dict[str, np.ndarray] | None,
    ) -> TrainingTask:
        training = self.training
        if self.plan.initial:
            training = training.model_copy(update={"learning_rate": FINETUNE_RATE * training.learning_rate})
        return TrainingTask(
            *(architecture, self.plan.inputs, training, self.plan.architecture.season, seed, steps, seconds),
            *(split.first, split.last, split.validation, initial),
        )

    def train(self, phase: str, tasks: Iterator[TrainingTask], count: int, members: dict[int, TrainedMember]) -> None:
        """Train up to `count` tasks, each taken when a worker is free; add the networks to `members` by number."""
        given: list[TrainingTask] = []
        before, total = len(members), len(members) + count

        def recorded() -> Iterator[TrainingTask]:
            for task in tasks:
                given.append(task)
                yield task

        def report(under_way: dict[int, Progress]) -> None:
            furthest = max(under_way.values(), key=lambda network: network.step / network.steps, default=None)
            begun = sum(network.step / network.steps * self._task_work(given[n]) for n, network in under_way.items())
            done = self.spent + begun
            typical = float(np.mean([self._task_work(task) for task in given])) if given else 0.0
            left = (count - len(members) + before) * typical - begun  # of this phase
            later = self._later_work(typical) if phase == PHASES[0] else 0.0
            self._shown = max(self._shown, done / (done + left + later) if done else 0.0)
            self._report(TrainingStatus(phase, len(members), total, self._shown, self.elapsed, furthest))

        for number, network in self.workers.run(recorded(), report):
            task = given[number]
            members[before + number] = TrainedMember(
                task.architecture, task.seed, task.steps, network, task.initial is not None
            )
            self._spent.append(self.work(task.architecture, network.updates, len(task.validation.rows) > 0))
            self._trained_seconds += network.seconds
            self._pace = self._trained_seconds / self.spent
            self._steps += network.steps
            self._planned += task.steps
            report({})

    def _task_work(self, task: TrainingTask) -> float:
        return self.work(task.architecture, task.steps, len(task.validation.rows) > 0)

    def _later_work(self, typical: float) -> float:
        """Return about how much work follows the trials under way, if networks need so much as these."""
        later = self.max_members * typical if self.training.refit else 0.0
        return later if math.isinf(self.total) else min(later, (1 - TRIAL_SHARE) * self.total)
