"""Learning curves are short and keep their peaks."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.model import card_file
from rnncli.training import learning_curve
from tests.conftest import Command


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=1000), st.data())
def test_points_have_the_mean_loss_and_the_largest_gradient_of_their_updates(
    losses: list[float], draw: st.DataObject
) -> None:
    gradients = draw.draw(st.lists(st.floats(0, 1e6), min_size=len(losses), max_size=len(losses)))

    thin = learning_curve.thinned(np.array(losses), np.array(gradients), [])

    assert len(thin.losses) == len(thin.gradients) == len(thin.points) == min(len(losses), learning_curve.POINTS)
    assert thin.points[-1] == thin.updates == len(losses)
    assert max(norm for norm in thin.gradients if norm is not None) == pytest.approx(max(gradients), rel=1e-3)
    between = np.diff([0, *thin.points])
    assert (between * thin.losses).sum() == pytest.approx(sum(losses), rel=1e-3)


def test_gradients_and_checks_that_are_not_finite_leave_gaps() -> None:
    thin = learning_curve.thinned(np.ones(2), np.array([np.inf, 2.0]), [(1, np.nan), (2, 0.123456)])

    assert thin.gradients == (None, 2.0)
    assert (thin.checks, thin.validations) == ((2,), (0.1235,))


def test_the_card_has_the_curve_of_each_member_and_of_its_trial(rnncli: Command, data: Path, tmp_path: Path) -> None:
    quick = ("--horizon", 6, "--hidden", 4, "--context", 48, "--season", 24, "--steps", 25, "--base", "last")
    for name, more in (("refitted", ()), ("kept", ("--no-refit",))):
        assert rnncli("train", data, *quick, *more, "--output", tmp_path / f"{name}.rnn").code == 0
    (refitted,), (kept,) = (card_file.read_card(tmp_path / f"{name}.rnn").members for name in ("refitted", "kept"))

    assert kept.course is not None and kept.course.updates == len(kept.course.losses) == 25
    assert kept.course.checks[-1] == 25
    assert kept.trial is None
    assert refitted.trial == kept.course
    assert refitted.course is not None and refitted.course.checks == ()  # with nothing held out
