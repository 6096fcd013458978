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
from rnncli.network.device import single_threaded
from rnncli.planning.plan import Plan
from rnncli.training.assembly import ModelBasis, TrainedModel, assemble, assemble_pretrained
from rnncli.training.network_workers import NetworkWorkers
from rnncli.training.pretrained_share import kept_member, pretrained_member
from rnncli.training.search import Search
from rnncli.training.task import TrainingTask
from rnncli.training.trials import REFERENCE_CORES, Report, TrainedMember, TrialRunner

MIN_STEP_SHARE = 0.6  # of its steps: if the time is limited, a network with so many is still useful
MIN_TIME_SHARE = 0.1  # of a time limit, for a training on all rows even if less remains
CONTINUED_STEPS = 2  # times the steps of its trial, for a network that continues from it
MAX_STRETCH = 2.0  # times as many steps again, if there is work left for them


@single_threaded()
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
    runner.report_time_limit()
    return assemble(basis, trials, [members[number] for number in sorted(members)], current, pretrained)


def without_training(config: Config, plan: Plan, current: Model | None = None) -> TrainedModel:
    """Return the model of the pretrained network alone, calibrated on the table."""
    return assemble_pretrained(ModelBasis(config, plan, data_profile.profile(plan.table)), current)


class _Refit(NamedTuple):
    """An architecture to train on all rows."""

    architecture: Architecture
    steps: int
    initial: dict[str, np.ndarray] | None = None  # weights of its trial; None: new ones


def _from_trial(trial: TrainedMember, search: Search) -> _Refit:
    if search.continues(trial):
        return _Refit(trial.architecture, CONTINUED_STEPS * trial.network.steps, trial.network.weights)
    return _Refit(trial.architecture, search.steps(trial))


def _refit(runner: TrialRunner, refits: list[_Refit], members: dict[int, TrainedMember]) -> None:
    """Train the architectures on all rows, in turn, until there are enough members or no work is left."""
    plan, size = runner.plan, runner.workers.size
    all_rows = plan.split.without_validation(plan.training_panel, plan.architecture.horizon)
    if not refits:  # the series were too short for trials
        refits = _unvalidated(runner)
    refits = _stretched(refits, runner)
    count = _affordable(refits, runner)

    def tasks() -> Iterator[TrainingTask]:
        for number, refit in zip(range(count), cycle(refits), strict=False):
            remaining = runner.remaining_time()
            if number >= size and remaining < MIN_STEP_SHARE * runner.seconds(refit.architecture, refit.steps):
                runner.leave_out(refit.steps)
                continue
            limit = max(remaining, MIN_TIME_SHARE * runner.limit)
            task = runner.task(refit.architecture, all_rows, refit.steps, limit, "refit", number)
            yield task if refit.initial is None else task._replace(initial=refit.initial)

    runner.train("refit", tasks(), count, members)


def _unvalidated(runner: TrialRunner) -> list[_Refit]:
    """Return the trainings of architectures without trials."""
    plan, most = runner.plan, runner.total / REFERENCE_CORES
    architectures = (plan.architecture, *(plan.candidates if plan.initial else ()))
    steps = [runner.affordable_steps(each, plan.steps, most, validated=False) for each in architectures]
    return [_Refit(*pair) for pair in zip(architectures, steps, strict=True)]


def _affordable(refits: list[_Refit], runner: TrialRunner) -> int:
    """Return how many such trainings there is work left for, rounded, but at least one."""
    return int(np.clip(_remaining_trainings(refits, runner), 1, runner.max_members) + 0.5)


def _remaining_trainings(refits: list[_Refit], runner: TrialRunner) -> float:
    typical = np.mean([runner.work(refit.architecture, refit.steps, validated=False) for refit in refits])
    return float(runner.remaining_work() / typical)


def _stretched(refits: list[_Refit], runner: TrialRunner) -> list[_Refit]:
    """Return the trainings, where those that continue from trials have as many steps as there is work left for.

    For them more steps are worth more than more members.
    """
    ratio = _remaining_trainings(refits, runner)
    if all(refit.initial is None for refit in refits) or ratio <= 1:
        return refits
    factor = min(ratio / min(int(ratio), runner.max_members), MAX_STRETCH)
    return [refit if refit.initial is None else refit._replace(steps=round(factor * refit.steps)) for refit in refits]
