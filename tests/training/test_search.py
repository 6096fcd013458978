"""The search selects architectures that are good together, and finds how long to train."""

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.config.sections import Columns, NetworkOptions, Training
from rnncli.model import card as cards
from rnncli.model import data_profile
from rnncli.network.quantile_head import QuantileHead
from rnncli.panel import Panel
from rnncli.panel.window_values import slice_windows
from rnncli.planning import plan as choices
from rnncli.planning.plan import InitialWeights
from rnncli.training.search import Search, select_ensemble
from rnncli.training.task import TrainedNetwork
from rnncli.training.trials import TrainedMember, TrialRunner
from tests.conftest import hourly
from tests.frames import from_frame

HEAD = QuantileHead()

TRUTH = np.arange(10.0)


def distance(forecasts: Sequence[np.ndarray]) -> float:
    return float(np.abs(np.mean(forecasts, axis=0) - TRUTH).mean())


def test_forecasts_with_opposite_errors_are_selected_together() -> None:
    above, below, far = TRUTH + 1, TRUTH - 1.1, TRUTH + 50

    assert select_ensemble([above, below, far], distance, 1.01) == [0, 1]


def test_an_equally_good_forecast_is_selected_for_variety() -> None:
    assert select_ensemble([TRUTH + 1, TRUTH + 1.005], distance, 1.01) == [0, 1]


def test_a_single_forecast_is_selected_whatever_its_loss() -> None:
    assert select_ensemble([TRUTH + 50], lambda _: float("inf"), 1.01) == [0]


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(10)), elements=st.floats(-100, 100)),
    st.floats(1, 1.5),
)
def test_the_selected_ensemble_is_never_much_worse_than_the_best_member(forecasts: np.ndarray, spoiled: float) -> None:
    kept = select_ensemble(list(forecasts), distance, spoiled)

    assert len(set(kept)) == len(kept)
    assert distance(list(forecasts[kept])) <= spoiled * min(distance([one]) for one in forecasts) + 1e-12


class FakeRunner(SimpleNamespace):
    """A runner that returns networks with a given error and best step for so many steps."""

    spent = 0.0

    def remaining_work(self, share: float = 1.0) -> float:
        return share * self.total - self.spent

    def remaining_time(self, _share: float = 1.0) -> float:
        return np.inf

    def seconds(self, _architecture: object, _steps: int) -> float:
        return 0.0

    def work(self, _architecture: object, steps: int, validated: bool) -> float:
        assert validated
        return steps

    def affordable_steps(self, _architecture: object, steps: int, work: float, validated: bool) -> int:
        assert validated
        return int(min(steps, work))

    def task(self, design: object, _split: object, steps: int, _limit: float, _phase: str, number: int) -> Any:
        return SimpleNamespace(architecture=design, steps=steps, seed=number)

    def train(self, _phase: str, tasks: Iterator[Any], _number: int, made: dict[int, TrainedMember]) -> None:
        for task in tasks:
            error, best = self.course(task.steps)
            error *= self.harm if task.architecture.covariates else 1.0
            levels = np.linspace(-1, 1, len(HEAD.levels))
            quantiles = self.truth[..., None] + error * (1 + 0.001 * len(made)) + 0.01 * levels
            ends = {"checks": (task.steps // 2, task.steps), "validations": (1.0, self.later)}
            went = cards.LearningCurve.model_validate({"updates": 1, "losses": [1.0], "gradients": [1.0], **ends})
            trained = TrainedNetwork({}, best, task.steps, task.steps, 1.0, quantiles, None, went)
            self.spent += task.steps
            made[len(made)] = TrainedMember(task.architecture, task.seed, task.steps, trained)


def searched(
    course: Callable[[int], tuple[float, int]],
    harm: float | None = None,
    trials: int = 12,
    trained_before: bool = False,
    series: int = 30,
    days: int = 20,
    later: float = 0.9,
    total: float = 1e9,
    **asked: Any,
) -> Search:
    """Return a search in which the error of networks with covariates is `harm` times as large.

    later: the loss at the end of a training, as a share of that half way.
    """
    known = () if harm is None else ("price",)
    panel: Panel = from_frame(hourly(series, days).assign(price=1.0), Columns(target=("y",), known=known))
    network, training = NetworkOptions(horizon=6, context=48, segment=6, season=24), Training(metric="mae", **asked)
    plan = choices.make_plan(panel, network, training)
    if trained_before:
        both = plan.architecture, plan.architecture.model_copy(update={"covariates": False})
        plan = plan._replace(candidates=both[1:], initial=tuple(InitialWeights(design, {}) for design in both))
    _, truth = slice_windows(panel, plan.split.validation, 1, 6)
    given = {
        "max_trials": trials,
        "total": total,
        "limit": np.inf,
        "truth": truth,
        "course": course,
        "harm": harm or 1.0,
        "later": later,
    }
    runner = FakeRunner(plan=plan, training=training, **given)
    search = Search(cast(TrialRunner, runner), network, data_profile.profile(panel))
    search.run()
    return search


def test_networks_that_improve_to_the_end_are_trained_longer_as_long_as_that_helps() -> None:
    search = searched(lambda steps: (1000 / min(steps, 4000), steps))

    first = search.runner.plan.steps
    asked = [made.requested_steps for made in search.trained.values()]
    assert asked.count(2 * first) == 2
    assert search.ranked()[0].requested_steps >= min(4000, 8 * first)
    assert {search.steps(made) for made in search.selected()} == {search.ranked()[0].requested_steps}


def test_networks_that_are_best_early_are_trained_for_fewer_steps() -> None:
    search = searched(lambda steps: (1 + steps / 1000, steps // 5))

    first = search.runner.plan.steps
    best = search.ranked()[0]
    assert best.requested_steps == first // 16  # once more: it was early again
    assert all(search.steps(made) == best.network.best_step for made in search.ranked())


def going_on(search: Search) -> set[bool]:
    return {search.continues(made) for made in search.selected()}


def test_networks_still_improving_at_the_end_of_the_trials_continue() -> None:
    assert going_on(searched(lambda steps: (1000 / steps, steps), trials=4)) == {True}
    assert going_on(searched(lambda steps: (1000 / steps, steps // 2), trials=4)) == {False}
    assert going_on(searched(lambda steps: (1000 / steps, steps), trials=4, later=0.99)) == {False}
    assert going_on(searched(lambda steps: (1000 / steps, steps), trials=4, steps=200)) == {False}
    assert going_on(searched(lambda steps: (1000 / steps, steps), trials=4, trained_before=True)) == {False}


def test_networks_with_the_most_steps_start_from_scratch() -> None:
    search = searched(lambda steps: (1000 / steps, steps), trials=20)

    assert search.ranked()[0].requested_steps == 8 * search.runner.plan.steps
    assert not search.continues(search.ranked()[0])


def test_without_a_limit_of_work_no_network_continues() -> None:
    search = searched(lambda steps: (1000 / steps, steps), trials=4, total=np.inf)

    assert going_on(search) == {False}


def test_trials_take_at_most_their_share_of_the_work() -> None:
    search = searched(lambda steps: (1.0, steps // 2), total=100.0)

    assert {made.requested_steps for made in search.trained.values()} == {15}  # 0.3 of the work of one of two cores
    assert len(search.trained) == (55 - 15) // 15  # one core of two has to end in time, too


@pytest.mark.parametrize("found", [0.2, 0.5, 1.0])
def test_given_steps_are_not_changed(found: float) -> None:
    search = searched(lambda steps: (1.0, round(found * steps)), steps=200)

    assert {made.requested_steps for made in search.trained.values()} == {200}


@pytest.mark.parametrize(("harm", "told"), [(1.05, False), (0.99, False), (0.9, True)])
def test_covariates_that_help_no_more_than_chance_are_in_no_selected_network(harm: float, told: bool) -> None:
    search = searched(lambda steps: (1.0, steps // 2), harm)

    designs = [made.architecture for made in search.trained.values()]
    after_the_first_without = designs[[design.covariates for design in designs].index(False) + 1 :]
    assert {design.covariates for design in after_the_first_without} == {told}
    assert {made.architecture.covariates for made in search.selected()} == {told}
    assert len({(design.scale, design.base) for design in designs if design.covariates == told}) > 4


def test_covariates_are_used_if_there_is_no_time_for_a_trial_without() -> None:
    search = searched(lambda steps: (1.0, steps // 2), 1.5, trials=3)

    assert {made.architecture.covariates for made in search.selected()} == {True}


def test_fine_tuning_evaluates_no_other_architectures() -> None:
    search = searched(lambda steps: (1.0, steps // 2), 1.005, trained_before=True)

    assert [made.architecture.covariates for made in search.trained.values()] == [True, False]
    assert len(search.selected()) == 2


def test_networks_that_are_best_halfway_keep_their_steps() -> None:
    search = searched(lambda steps: (1.0, steps // 2))

    first = search.runner.plan.steps
    assert {made.requested_steps for made in search.trained.values()} == {first}
    assert {search.steps(made) for made in search.selected()} == {first // 2}


def test_an_architecture_with_a_much_higher_loss_is_not_selected() -> None:
    errors = iter([1.0, -1.2, 1.005, *[2.0] * 20])
    search = searched(lambda steps: (next(errors), steps // 2))

    assert len(search.selected()) == 2


def test_an_architecture_with_opposite_errors_is_selected() -> None:
    errors = iter([1.0, -1.1, *[2.0] * 20])
    search = searched(lambda steps: (next(errors), steps // 2))

    assert len(search.selected()) == 2


@pytest.mark.parametrize(("series", "days", "kept"), [(30, 20, 1), (1, 4, 2)])
def test_fewer_validation_windows_select_more_architectures(series: int, days: int, kept: int) -> None:
    errors = iter([1.0, 1.08, *[2.0] * 20])
    search = searched(lambda steps: (next(errors), steps // 2), series=series, days=days)

    assert len(search.selected()) == kept


def test_an_architecture_with_twice_the_loss_is_never_selected() -> None:
    errors = iter([1.0, -2.0, *[2.0] * 20])
    search = searched(lambda steps: (next(errors), steps // 2), series=1, days=3)

    assert len(search.selected()) == 1
