"""Which designs forecast a panel best, told on validation windows, and which of them belong together.

Networks that differ in scale, base, context and segment err less together than any of them, and which of them errs
least on other windows cannot be told from these: on tourism_monthly the order of the scales turned round between the
validation windows and those that came after. So every design counts that does not spoil what those before it say.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Architecture
from rnncli.config.sections import Network
from rnncli.model.card import TrainingData
from rnncli.panel import Panel
from rnncli.planning import candidates
from rnncli.training import validation_loss
from rnncli.training.train_network import TrainingTask
from rnncli.training.trials import TRIAL_SHARE, TrainedMember, TrialRunner
from rnncli.training.validation_loss import ValidationLoss

FIRST_TRIAL_SHARE = 0.3  # of the time, at most, for each of the first trials
UNFINISHED_SHARE = 0.9  # of the steps: where the best weights came so late, more steps may give better ones
EARLY_SHARE = 0.3  # of the steps: best weights that came so soon are of a learning rate that was still high
IMPROVING_RATIO = 0.965  # times the loss half way, at most: what gained so much since gains by going on
MIN_STEPS = 100
MAX_STRETCH = 8  # times the steps that are tried first
MAX_COVARIATE_RATIO = (
    0.98  # times the loss without the columns beside: where they bring less, that is chance as likely as not
)


class Tolerance(NamedTuple):
    """How much more than the lowest a loss may be, as a share of it; more where few windows tell losses apart."""

    share: float
    of_one: float  # where a single window does; by chance losses differ less by the root of how many there are

    def times(self, windows: float) -> float:
        """The same as a factor, where so many windows that do not overlap tell losses apart."""
        return 1 + max(self.share, self.of_one / math.sqrt(windows))


MEMBER_TOLERANCE = Tolerance(0.15, 0.3)  # of the best design's loss: one that errs more by itself is no variety
ENSEMBLE_TOLERANCE = Tolerance(0.01, 0.1)  # of the lowest loss of several together: what is within is worth the variety


class Trial(NamedTuple):
    """A design to be tried, and for how many steps."""

    architecture: Architecture
    steps: int


class Search:
    """Trials under way, and what they told so far."""

    def __init__(self, workshop: TrialRunner, panel: Panel, network: Network, seen: TrainingData) -> None:
        self.workshop, self.network = workshop, network
        self.longest = int(panel.lengths.max())
        self.made: dict[int, TrainedMember] = {}
        self.losses: dict[int, float] = {}  # of those, each judged once
        self.told: bool | None = None  # the columns beside: None until it is tried whether they earn their place
        plan = workshop.plan
        metric, judged = workshop.training.metric, len(plan.split.validation.rows) > 0
        self.judge = validation_loss.validation_loss(panel, plan, metric, seen) if judged else None

    def run(self) -> None:
        """A few scales and bases first, and whether the columns beside are worth it; then the others.

        Of the best then more or fewer steps, and at last other segments and contexts.
        """
        if self.judge is None:
            return
        plan, untold = self.workshop.plan, candidates.without_covariates(self.workshop.plan.architecture)
        designs = [plan.architecture, *plan.candidates]
        in_doubt = untold in plan.candidates and not plan.initial
        opening = 1 + designs.index(untold) if in_doubt else len(designs)
        going = self._try([Trial(design, plan.steps) for design in designs[:opening]])
        if going and in_doubt:
            self.told = self._columns_earned(untold)
            self._try(self._rest(designs))
        while going and not plan.initial and (trials := self._retimed() or self._nearby()):
            going = self._try(trials)

    def ranked(self) -> list[TrainedMember]:
        """What was tried, the best first; of one design only the best, told the columns beside where they earn it."""
        return [self.made[place] for place in self._order()]

    def kept(self) -> list[TrainedMember]:
        """The designs to keep, the best first."""
        order = self._order()
        if not order or self.judge is None:
            return []
        plan = self.workshop.plan
        windows = plan.split.independent_windows(plan.architecture.horizon)
        far = MEMBER_TOLERANCE.times(windows) * self.losses[order[0]]
        near = [place for place in order if self.losses[place] <= far]
        chosen = select_ensemble(
            [self.made[place].trained.quantiles for place in near], self.judge, ENSEMBLE_TOLERANCE.times(windows)
        )
        return [self.made[near[place]] for place in chosen]

    def _order(self) -> list[int]:
        """The places of the same."""
        losses = self._judged()
        order = sorted(losses, key=lambda place: (losses[place], place))
        designs = [self.made[place].architecture for place in order]
        first = [place for rank, place in enumerate(order) if designs[rank] not in designs[:rank]]
        return [place for place in first if self.told in (None, self.made[place].architecture.covariates)]

    def steps(self, made: TrainedMember) -> int:
        """How many steps the design of a trial should be given, as longer and shorter trials of the best showed."""
        best = self.ranked()[0]
        if _unfinished(made) and best.asked > made.asked:
            return round(best.asked / made.asked * made.trained.steps)
        if _early(made) and best.asked < made.asked:
            return best.trained.steps
        return made.trained.steps

    def goes_on(self, made: TrainedMember) -> bool:
        """Whether a design is better trained on from its trial than anew.

        Where it was getting much better still, as the best was, when there was no time left to try for how long.
        """
        best, timed = self.ranked()[0], math.isfinite(self.workshop.budget)
        return timed and self._may_be_longer(best) and all(_unfinished(one) and _gaining(one) for one in (best, made))

    def _may_be_longer(self, best: TrainedMember) -> bool:
        """Whether the best of all should have more steps than it had."""
        workshop = self.workshop
        if workshop.training.steps is not None or best.architecture.traits.closed_form or workshop.plan.initial:
            return False
        return _unfinished(best) and best.asked < MAX_STRETCH * workshop.plan.steps

    def _judged(self) -> dict[int, float]:
        """The losses of all that was tried, by its place."""
        if self.judge is None:
            return {}
        for place in sorted(self.made.keys() - self.losses.keys()):
            self.losses[place] = self.judge([self.made[place].trained.quantiles])
        return self.losses

    def _columns_earned(self, untold: Architecture) -> bool | None:
        """Whether the first of all designs errs less than it does without the columns beside, by more than chance.

        Named columns may have nothing to say, or what they said may be so no more: a network believes what it is told.
        None where there was no time for both.
        """
        losses = {self.made[place].architecture: loss for place, loss in self._judged().items()}
        own, without = losses.get(self.workshop.plan.architecture), losses.get(untold)
        return None if own is None or without is None else own <= MAX_COVARIATE_RATIO * without

    def _rest(self, designs: list[Architecture]) -> list[Trial]:
        """What is left of the designs, none told the columns beside where these have not earned it."""
        left = designs if self.told is not False else [candidates.without_covariates(design) for design in designs]
        return self._untried([Trial(design, self.workshop.plan.steps) for design in left])

    def _retimed(self) -> list[Trial]:
        """The best designs, two to be sure, for twice the steps where the best of all was still getting better.

        For a quarter of them where it was at its best so early that its learning rate had not come down.
        """
        ranked = self.ranked()
        best = ranked[0]
        if self.workshop.training.steps is not None or best.architecture.traits.closed_form:
            return []
        if self._may_be_longer(best):
            return self._untried([Trial(made.architecture, 2 * best.asked) for made in filter(_unfinished, ranked[:2])])
        if _early(best) and best.asked // 4 >= MIN_STEPS:
            return self._untried([Trial(made.architecture, best.asked // 4) for made in filter(_early, ranked[:2])])
        return []

    def _nearby(self) -> list[Trial]:
        """Other segments and contexts of the two best designs."""
        nearby = [
            Trial(design, made.asked)
            for made in self.ranked()[:2]
            for design in candidates.neighbours(made.architecture, self.network, self.longest)
        ]
        return self._untried(nearby)

    def _untried(self, trials: list[Trial]) -> list[Trial]:
        tried = [Trial(made.architecture, made.asked) for made in self.made.values()]
        return [trial for trial in trials if trial not in tried]

    def _try(self, trials: list[Trial]) -> bool:
        """Whether there were time and trials left for any of them."""
        workshop, plan, before = self.workshop, self.workshop.plan, len(self.made)
        some = trials[: workshop.trials - before]

        def tasks() -> Iterator[TrainingTask]:
            for number, trial in enumerate(some, before):
                pace = max((made.trained.seconds / made.trained.planned for made in self.made.values()), default=0.0)
                if self.made and workshop.left(TRIAL_SHARE) < pace * trial.steps:
                    return
                limit = FIRST_TRIAL_SHARE * workshop.budget
                yield workshop.task(trial.architecture, plan.split, trial.steps, limit, "trial", number)

        workshop.train("trial", tasks(), len(some), self.made)
        return len(self.made) > before


def _unfinished(made: TrainedMember) -> bool:
    """Whether a network was still getting better as its steps came to their end."""
    return made.trained.steps >= UNFINISHED_SHARE * made.trained.planned


def _gaining(made: TrainedMember) -> bool:
    """Whether the second half of its steps brought a network much."""
    losses = made.trained.course.validations
    return len(losses) > 1 and min(losses) <= IMPROVING_RATIO * losses[len(losses) // 2 - 1]


def _early(made: TrainedMember) -> bool:
    """Whether a network was at its best long before its steps came to their end."""
    return made.trained.steps <= EARLY_SHARE * made.trained.planned


def select_ensemble(forecasts: list[np.ndarray], judge: ValidationLoss, spoiled: float) -> list[int]:
    """The places of the forecasts to take together: the best, then each time the one that helps most.

    Forward selection (Caruana et al. 2004) that goes on beyond its optimum while nothing is spoiled, for the variety.
    spoiled: times the lowest loss, what is not.
    """
    left, chosen, losses = list(range(len(forecasts))), list[int](), list[float]()
    while left:
        loss, place = min((judge([forecasts[one] for one in [*chosen, place]]), place) for place in left)
        chosen.append(place)
        left.remove(place)
        losses.append(loss)
    last = max(number for number, loss in enumerate(losses) if loss <= spoiled * min(losses))
    return chosen[: last + 1]
