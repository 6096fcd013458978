"""Findings interpret a value in a sentence, with the option to change."""

from typing import Any

import numpy as np
import pytest

from rnncli.config.architecture import Architecture
from rnncli.diagnostics import findings
from rnncli.diagnostics.gradient_probe import FeedbackGap
from rnncli.model.card import LearningCurve
from rnncli.network.cells.record import CANDIDATE, RESERVOIR, RESET, STATE, UNITS, UPDATE, Part


def design(**changed: Any) -> Architecture:
    usual: dict[str, Any] = {"cell": "gru", "horizon": 24, "context": 96, "segment": 1, "hidden": 8, "season": 24}
    usual |= {
        "layers": 1,
        "decoder": "parallel",
        "base": "none",
        "scale": "spread",
        "since": False,
        "calendar": False,
        "bypass": False,
    }
    return Architecture.model_validate(usual | changed)


@pytest.mark.parametrize(
    ("reach", "season", "changed", "said"),
    [
        (31, 168, {}, "the context is 96 but the season is 168: raise --context"),
        (31, 48, {}, "the season is 48: raise --segment"),
        (31, 48, {"cell": "rnn"}, "the season is 48: raise --segment, or try --cell lstm or gru"),
        (31, 48, {"bypass": True}, "the season is 48: raise --segment; only the linear bypass uses earlier steps"),
        (31, 24, {}, "sufficient: the season is 24"),
        (96, 24, {}, "covers the whole context"),
        (12, 1, {}, "the horizon is 24: raise --segment"),
    ],
)
def test_the_reach_of_a_gradient_is_compared_with_season_and_horizon(
    reach: int, season: int, changed: dict[str, Any], said: str
) -> None:
    assert findings._reach(reach, design(**changed), season) == said


def test_a_burst_of_the_gradient_is_an_explosion_and_a_large_one_is_not() -> None:
    calm = LearningCurve(updates=30, losses=(1.0, 0.9, 0.8), gradients=(2.0, 1.0, 0.5))
    wild = calm.model_copy(update={"gradients": (2.0, 500.0, 0.5)})
    lost = calm.model_copy(update={"gradients": (2.0, None, 0.5)})

    assert findings._largest_gradient(calm, 1.0)[1:] == ("2 by update 10 of 30", "no explosion; --clip limited it to 1")
    assert findings._largest_gradient(wild, 1.0).meaning.startswith(
        "the gradient exploded, 250 times the median: lower --learning-rate"
    )
    assert findings._largest_gradient(lost, 1.0).meaning.startswith("the gradient exploded: lower --learning-rate")
    solved = LearningCurve(updates=0, losses=(), gradients=())
    assert findings._largest_gradient(solved, 1.0).meaning == "the readout was solved in closed form"
    assert findings._largest_gradient(None, 1.0).meaning == "the training was not recorded: train again"


def test_gates_do_not_count_for_the_divergence_of_the_state() -> None:
    assert findings._radii({RESET: 9.0, CANDIDATE: 1.1}, design()).meaning.startswith("about 1")
    assert findings._radii({RESET: 1.0, CANDIDATE: 3.0}, design()).meaning.startswith("far above 1")
    assert findings._radii({STATE: 0.1}, design()).meaning.startswith("far below 1")
    assert "lower --radius" in findings._radii({RESERVOIR: 3.0}, design(cell="esn", decoder="direct")).meaning


def test_a_part_is_a_gate_whatever_its_name() -> None:
    assert findings._radii({Part("valve", gate=True): 9.0, CANDIDATE: 1.1}, design()).meaning.startswith("about 1")
    assert findings._radii({Part("gateway"): 9.0, CANDIDATE: 1.1}, design()).meaning.startswith("far above 1")


def test_saturated_parts_are_named() -> None:
    found = findings._saturated({RESET: 0.95, UPDATE: 0.2, UNITS: 0.97}, design())

    assert found.value == "reset gate 95 %, update gate 20 %, units 97 %"
    assert found.meaning.startswith("reset gate and units hardly change")


def test_memory_drift_and_feedback_have_a_meaning_each() -> None:
    assert findings._memory(96, design(), 24).startswith("the first steps still matter")
    assert findings._memory(1, design(), 24).startswith("forgets at once")
    assert findings._memory(12, design(), 24) == "less than the season of 24: raise --segment"
    assert (findings._drift(1.1, design()), findings._drift(0.1, design())) == ("steady", "decays")
    assert findings._drift(5.0, design()).startswith("keeps growing")
    recursive = design(decoder="recursive")
    assert findings._gap(None, design()).meaning == "the parallel decoder has no feedback"
    assert findings._gap(FeedbackGap(1.0, 1.1), recursive)[1:] == (
        "error 1.1, with true values 1 (+10 %)",
        "errors do not accumulate",
    )
    assert "--decoder parallel" in findings._gap(FeedbackGap(1.0, np.pi), recursive).meaning
