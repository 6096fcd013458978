"""Search for the architectures that forecast a panel best, and for the ensemble of them with the lowest loss.

An ensemble of networks with different scales, bases, contexts and segments has a lower error than any member, and the
best member on validation windows is not reliably the best on later ones: on tourism_monthly the order of the scales was
reversed. So each architecture is a member that does not increase the loss of the ensemble.
"""

import math
from collections.abc import Iterator
from itertools import accumulate, takewhile
from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Architecture
from rnncli.config.sections import NetworkOptions
from rnncli.model.card import TrainingData
from rnncli.planning import candidates
from rnncli.training.task import TrainingTask
from rnncli.training.trials import REFERENCE_CORES, TRIAL_SHARE, TrainedMember, TrialRunner
from rnncli.training.validation_loss import ValidationLoss, validation_loss

MAX_TRIAL_SHARE = 0.3  # of the work or the time of a core, at most, for a single trial
UNFINISHED_SHARE = 0.9  # of the steps: if the best weights came later, more steps may give better ones
EARLY_SHARE = 0.3  # of the steps: best weights from before are those of a learning rate that was still high
IMPROVING_RATIO = 0.965  # of the loss at half the steps: if it fell below, training on will improve the network
MIN_STEPS = 100
MAX_STRETCH = 8  # times the steps of the first trials
MAX_COVARIATE_RATIO = 0.98  # of the loss without covariates: a smaller gain may be chance


class Tolerance(NamedTuple):
    """Tolerance above the lowest loss, as a share of it; larger if few windows measure the losses."""

    share: float
    single: float  # for a single window; the standard error falls with the root of the number of windows

    def factor(self, windows: float) -> float:
        """Return the tolerance as a factor, for so many windows without overlap."""
        return 1 + max(self.share, self.single / math.sqrt(windows))


MEMBER_TOLERANCE = Tolerance(0.15, 0.3)  # of the best member's loss: a worse member adds no useful variety
ENSEMBLE_TOLERANCE = Tolerance(0.01, 0.1)  # of the lowest ensemble loss: within it, variety is worth more


class Trial(NamedTuple):
    """An architecture to evaluate after so many steps."""

    architecture: Architecture
    steps: int


class Search:
    """Trials of architectures, and their results so far."""

    def __init__(self, runner: TrialRunner, network: NetworkOptions, limits: TrainingData) -> None:
        """limits: the range of the training values, which forecasts are limited to before they are scored."""
        self.runner, self.network = runner, network
        plan = runner.plan
        self.longest = int(plan.training_panel.lengths.max())
        self.trained: dict[int, TrainedMember] = {}
        self.losses: dict[int, float] = {}  # of the trained networks, each computed once
        self.use_covariates: bool | None = None  # None until networks with and without are compared
        validates = len(plan.split.validation.rows) > 0
        self.loss = validation_loss(plan, runner.training.metric, limits) if validates else None

    def run(self) -> None:
        """Evaluate the first candidates, including one without covariates, then the others.

        Then evaluate the best with more or fewer steps, and at last with other segments and contexts.
        """
        if self.loss is None:
            return
        plan = self.runner.plan
        without = candidates.without_covariates(plan.architecture)
        architectures = [plan.architecture, *plan.candidates]
        undecided = without in plan.candidates and not plan.initial
        first = 1 + architectures.index(without) if undecided else len(architectures)
        running = self._evaluate([self._trial(architecture, plan.steps) for architecture in architectures[:first]])
        if running and undecided:
            self.use_covariates = self._covariates_help(without)
            self._evaluate(self._others(architectures))
        while running and not plan.initial and (trials := self._other_steps() or self._other_lengths()):
            running = self._evaluate(trials)

    def ranked(self) -> list[TrainedMember]:
        """Return the trained networks, the best first; only the best of each architecture."""
        return [self.trained[number] for number in self._order()]

    def selected(self) -> list[TrainedMember]:
        """Return the members of the ensemble, the best first."""
        order = self._order()
        if not order or self.loss is None:
            return []
        plan = self.runner.plan
        windows = plan.split.independent_windows(plan.architecture.horizon)
        limit = MEMBER_TOLERANCE.factor(windows) * self.losses[order[0]]
        near = [self.trained[number] for number in order if self.losses[number] <= limit]
        forecasts = [member.network.quantiles for member in near]
        return [near[index] for index in select_ensemble(forecasts, self.loss, ENSEMBLE_TOLERANCE.factor(windows))]

    def _order(self) -> list[int]:
        """Return the numbers of the ranked networks."""
        losses = self._losses()
        order = sorted(losses, key=lambda number: (losses[number], number))
        architectures = [self.trained[number].architecture for number in order]
        best = [number for rank, number in enumerate(order) if architectures[rank] not in architectures[:rank]]
        return [
            number for number in best if self.use_covariates in (None, self.trained[number].architecture.covariates)
        ]

    def steps(self, member: TrainedMember) -> int:
        """Return the steps to train the architecture of a trial for, from longer and shorter trials of the best."""
        best = self.ranked()[0]
        if _unfinished(member) and best.requested_steps > member.requested_steps:
            return round(best.requested_steps / member.requested_steps * member.network.best_step)
        if _early(member) and best.requested_steps < member.requested_steps:
            return best.network.best_step
        return member.network.best_step

    def continues(self, member: TrainedMember) -> bool:
        """Return whether to train a network on from its trial instead of from scratch.

        It is if the network, and the best one, were still improving much when no work was left for longer trials.
        """
        best, limited = self.ranked()[0], math.isfinite(self.runner.total)
        improving = all(_unfinished(network) and _improving(network) for network in (best, member))
        return limited and self._may_train_longer(best) and improving

    def _may_train_longer(self, best: TrainedMember) -> bool:
        """Return whether the best network is unfinished, and may have more steps."""
        runner = self.runner
        if runner.training.steps is not None or best.architecture.traits.closed_form or runner.plan.initial:
            return False
        return _unfinished(best) and best.requested_steps < MAX_STRETCH * runner.plan.steps

    def _losses(self) -> dict[int, float]:
        """Return the losses of all trained networks by number."""
        if self.loss is None:
            return {}
        for number in sorted(self.trained.keys() - self.losses.keys()):
            self.losses[number] = self.loss([self.trained[number].network.quantiles])
        return self.losses

    def _covariates_help(self, without: Architecture) -> bool | None:
        """Return whether the chosen architecture is better with covariates, by more than chance.

        Covariates may be irrelevant, or no longer relevant, and a network cannot ignore them completely. None if there
        was no time for both networks.
        """
        losses = {self.trained[number].architecture: loss for number, loss in self._losses().items()}
        loss, loss_without = losses.get(self.runner.plan.architecture), losses.get(without)
        return None if loss is None or loss_without is None else loss <= MAX_COVARIATE_RATIO * loss_without

    def _others(self, architectures: list[Architecture]) -> list[Trial]:
        """Return trials of the other architectures, without covariates if these do not help."""
        if self.use_covariates is False:
            architectures = [candidates.without_covariates(architecture) for architecture in architectures]
        return self._new([self._trial(architecture, self.runner.plan.steps) for architecture in architectures])

    def _other_steps(self) -> list[Trial]:
        """Return trials of the two best architectures with twice the steps, if the best was still improving.

        If it was best so early that the learning rate was still high, return trials with a quarter of the steps.
        """
        ranked = self.ranked()
        best = ranked[0]
        if self.runner.training.steps is not None or best.architecture.traits.closed_form:
            return []
        if self._may_train_longer(best):
            members, steps = list(filter(_unfinished, ranked[:2])), 2 * best.requested_steps
        elif _early(best) and best.requested_steps // 4 >= MIN_STEPS:
            members, steps = list(filter(_early, ranked[:2])), best.requested_steps // 4
        else:
            return []
        return self._new([self._trial(member.architecture, steps) for member in members])

    def _other_lengths(self) -> list[Trial]:
        """Return trials of the two best architectures with other segments and contexts."""
        trials = [
            self._trial(architecture, member.requested_steps)
            for member in self.ranked()[:2]
            for architecture in candidates.neighbours(member.architecture, self.network, self.longest)
        ]
        return self._new(trials)

    def _new(self, trials: list[Trial]) -> list[Trial]:
        done = [Trial(member.architecture, member.requested_steps) for member in self.trained.values()]
        return [trial for trial in trials if trial not in done]

    def _trial(self, architecture: Architecture, steps: int) -> Trial:
        """Return a trial of so many steps, or of as many as a share of the work allows."""
        most = MAX_TRIAL_SHARE * self.runner.total / REFERENCE_CORES
        return Trial(architecture, self.runner.affordable_steps(architecture, steps, most, validated=True))

    def _evaluate(self, trials: list[Trial]) -> bool:
        """Train networks, and return whether there was work left for any.

        Which of them are trained depends on the work of those before, whatever the order in which these end.
        """
        before = len(self.trained)
        waiting = trials[: self.runner.max_trials - before]
        while affordable := self._affordable(waiting):
            self._train(affordable)
            waiting = waiting[len(affordable) :]
        return len(self.trained) > before

    def _affordable(self, trials: list[Trial]) -> list[Trial]:
        """Return the first of the trials, as many as there is work left for; the first of all is always affordable.

        A trial takes one core of several: it has to end before the others have used up the work.
        """
        runner = self.runner
        work = [runner.work(trial.architecture, trial.steps, validated=True) for trial in trials]
        ends = [done + (REFERENCE_CORES - 1) * own for done, own in zip(accumulate(work), work, strict=True)]
        count = len(list(takewhile(lambda end: end <= runner.remaining_work(TRIAL_SHARE), ends)))
        return trials[: count if self.trained else max(count, 1)]

    def _train(self, trials: list[Trial]) -> None:
        runner, split = self.runner, self.runner.plan.split

        def tasks() -> Iterator[TrainingTask]:
            for number, trial in enumerate(trials, len(self.trained)):
                if self.trained and runner.remaining_time(TRIAL_SHARE) < runner.seconds(
                    trial.architecture, trial.steps
                ):
                    runner.leave_out(trial.steps)
                    continue
                limit = MAX_TRIAL_SHARE * runner.limit
                yield runner.task(trial.architecture, split, trial.steps, limit, "trial", number)

        runner.train("trial", tasks(), len(trials), self.trained)


def _unfinished(member: TrainedMember) -> bool:
    """Return whether the network was still improving at the end of its steps."""
    return member.network.best_step >= UNFINISHED_SHARE * member.network.steps


def _improving(member: TrainedMember) -> bool:
    """Return whether the second half of the steps improved the network much."""
    losses = member.network.curve.validations
    return len(losses) > 1 and min(losses) <= IMPROVING_RATIO * losses[len(losses) // 2 - 1]


def _early(member: TrainedMember) -> bool:
    """Return whether the network was best long before the end of its steps."""
    return member.network.best_step <= EARLY_SHARE * member.network.steps


def select_ensemble(forecasts: list[np.ndarray], loss: ValidationLoss, tolerance: float) -> list[int]:
    """Return the indices of the forecasts to combine, in the order in which they were added.

    Forward selection (Caruana et al. 2004): the best forecast, then repeatedly the one that reduces the loss most.
    It continues beyond the optimum, for variety, while the loss is within `tolerance` times the lowest.
    """
    remaining, chosen, losses = list(range(len(forecasts))), list[int](), list[float]()
    while remaining:
        lowest, best = min(
            (loss([forecasts[index] for index in [*chosen, candidate]]), candidate) for candidate in remaining
        )
        chosen.append(best)
        remaining.remove(best)
        losses.append(lowest)
    last = max(index for index, lowest in enumerate(losses) if lowest <= tolerance * min(losses))
    return chosen[: last + 1]
