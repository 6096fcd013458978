"""Train a model: search for architectures, train the selected ones on all rows, and assemble the ensemble.

The forecast is that of an ensemble of networks with different scales, bases, contexts and segments (Smyl 2020;
Oreshkin et al. 2020), trained on all rows for as many steps as validation found best (Smyl 2020).
"""

from collections.abc import Iterator
from itertools import cycle
from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Architecture
from rnncli.config.sections import Config
from rnncli.model import data_profile
from rnncli.model.model import Model
from rnncli.planning.plan import Plan
from rnncli.training.assembly import ModelBasis, TrainedModel, assemble, assemble_pretrained
from rnncli.training.network_workers import NetworkWorkers
from rnncli.training.pretrained_share import kept_member, pretrained_member
from rnncli.training.search import Search
from rnncli.training.task import TrainingTask
from rnncli.training.trials import Report, TrainedMember, TrialRunner

MIN_STEP_SHARE = 0.6  # of its steps: a network with so many is still useful
MIN_TIME_SHARE = 0.1  # of the time, for a training on all rows even if less remains
CONTINUED_STEPS = 2  # times the steps of its trial, for a network that continues from it
MAX_STRETCH = 2.0  # times as many steps again, if there is time


def train(
    config: Config,
    plan: Plan,
    workers: NetworkWorkers,
    report: Report,
    current: Model | None = None,
    start: Model | None = None,
) -> TrainedModel:
    """Train the model of a plan.

    current: a model to score on the same validation windows. start: the model that is fine-tuned. KeyboardInterrupt
    ends the training, whose model consists of the networks trained until then; it is raised if there are none. Raise
    TrainingError if a training fails.
    """
    if plan.pretrained == "alone":
        return without_training(config, plan, current)
    basis = ModelBasis(config, plan, data_profile.profile(plan.table))
    runner = TrialRunner(plan, config.training, workers, report)
    search = Search(runner, config.network, basis.data)
    members: dict[int, TrainedMember] = {}
    pretrained = None if start is None else kept_member(start, plan)
    try:
        with workers:
            search.run()
            trials = search.selected()
            if plan.pretrained == "beside":
                pretrained = pretrained_member(config, plan, trials, search.loss, basis.data.counts)
            if pretrained is not None and pretrained.share == 1:
                return assemble_pretrained(basis, current, pretrained.reason)
            if config.training.refit or not trials:
                _refit(runner, [_from_trial(trial, search) for trial in trials], members)
    except KeyboardInterrupt:
        trials = search.selected()
        if not trials and not members:
            raise
        runner.report_interruption()
    return assemble(basis, trials, [members[number] for number in sorted(members)], current, pretrained)


def without_training(config: Config, plan: Plan, current: Model | None = None) -> TrainedModel:
    """Return the model of the pretrained network alone, calibrated on the table."""
    return assemble_pretrained(ModelBasis(config, plan, data_profile.profile(plan.table)), current)


class _Refit(NamedTuple):
    """An architecture to train on all rows."""

    architecture: Architecture
    steps: int
    seconds: float  # the training takes, about
    initial: dict[str, np.ndarray] | None = None  # weights of its trial; None: new ones

    def stretched(self, factor: float) -> "_Refit":
        """Return the same with so many times the steps."""
        return self._replace(steps=round(factor * self.steps), seconds=factor * self.seconds)


def _from_trial(trial: TrainedMember, search: Search) -> _Refit:
    continues = search.continues(trial)
    steps = CONTINUED_STEPS * trial.network.steps if continues else search.steps(trial)
    seconds = trial.network.seconds * steps / trial.network.best_step
    return _Refit(trial.architecture, steps, seconds, trial.network.weights if continues else None)


def _refit(runner: TrialRunner, refits: list[_Refit], members: dict[int, TrainedMember]) -> None:
    """Train the architectures on all rows, in turn, until there are enough members or the time is over."""
    plan, size = runner.plan, runner.workers.size
    all_rows = plan.split.without_validation(plan.training_panel, plan.architecture.horizon)
    if not refits:  # the series were too short for trials
        architectures = (plan.architecture, *(plan.candidates if plan.initial else ()))
        refits = [_Refit(architecture, plan.steps, 0.0) for architecture in architectures]
    refits = _stretched(refits, runner)
    typical = float(np.mean([refit.seconds for refit in refits]))
    affordable = size * max(1.0, runner.remaining() / max(MIN_STEP_SHARE * typical, 1e-3))
    count = int(min(runner.max_members, max(affordable, 1)))

    def tasks() -> Iterator[TrainingTask]:
        for number, refit in zip(range(count), cycle(refits), strict=False):
            remaining = runner.remaining()
            if number >= size and remaining < MIN_STEP_SHARE * refit.seconds:
                return
            limit = max(remaining, MIN_TIME_SHARE * runner.budget)
            task = runner.task(refit.architecture, all_rows, refit.steps, limit, "refit", number)
            yield task if refit.initial is None else task._replace(initial=refit.initial)

    runner.train("refit", tasks(), count, members)


def _stretched(refits: list[_Refit], runner: TrialRunner) -> list[_Refit]:
    """Return the trainings, where those that continue from trials have as many steps as the time allows.

    For them more steps are worth more than more members. The time is divided into whole rounds on all workers.
    """
    typical = float(np.mean([refit.seconds for refit in refits]))
    if all(refit.initial is None for refit in refits) or runner.remaining() <= typical:
        return refits
    rounds = min(int(runner.remaining() / typical), -(-runner.max_members // runner.workers.size))
    factor = min(runner.remaining() / typical / rounds, MAX_STRETCH)
    factor = int(8 * factor) / 8  # coarse, so that a resumed training most likely has the same tasks
    return [refit if refit.initial is None else refit.stretched(factor) for refit in refits]
