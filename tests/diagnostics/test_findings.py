"""What figures mean is said in a sentence, with the option to turn."""

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
        (31, 168, {}, "the context is 96, your season is 168: raise --context"),
        (31, 48, {}, "your season is 48: raise --segment"),
        (31, 48, {"cell": "rnn"}, "your season is 48: raise --segment, or try --cell lstm or gru"),
        (31, 48, {"bypass": True}, "your season is 48: raise --segment; only the bypass sees further"),
        (31, 24, {}, "far enough: your season is 24"),
        (96, 24, {}, "all that the network sees"),
        (12, 1, {}, "the horizon is 24: raise --segment"),
    ],
)
def test_how_far_back_a_gradient_should_reach(reach: int, season: int, changed: dict[str, Any], said: str) -> None:
    assert findings._reach(reach, design(**changed), season) == said


def test_an_outburst_in_training_is_an_explosion_and_a_large_gradient_is_none() -> None:
    calm = LearningCurve(updates=30, losses=(1.0, 0.9, 0.8), gradients=(2.0, 1.0, 0.5))
    wild = calm.model_copy(update={"gradients": (2.0, 500.0, 0.5)})
    lost = calm.model_copy(update={"gradients": (2.0, None, 0.5)})

    assert findings._steepest(calm, 1.0)[1:] == ("2 by update 10 of 30", "no explosion; --clip held it to 1")
    assert findings._steepest(wild, 1.0).verdict.startswith("it exploded, 250 times the usual: lower --learning-rate")
    assert findings._steepest(lost, 1.0).verdict.startswith("it exploded: lower --learning-rate")
    solved = LearningCurve(updates=0, losses=(), gradients=())
    assert findings._steepest(solved, 1.0).verdict == "its read-out was solved for, without a gradient"
    assert findings._steepest(None, 1.0).verdict == "its training was not recorded: train it again"


def test_gates_do_not_count_where_a_state_may_run_away() -> None:
    assert findings._radii({RESET: 9.0, CANDIDATE: 1.1}, design()).verdict.startswith("about 1")
    assert findings._radii({RESET: 1.0, CANDIDATE: 3.0}, design()).verdict.startswith("far above 1")
    assert findings._radii({STATE: 0.1}, design()).verdict.startswith("far below 1")
    assert "lower --radius" in findings._radii({RESERVOIR: 3.0}, design(cell="esn", decoder="direct")).verdict


def test_a_part_is_a_gate_whatever_its_name() -> None:
    assert findings._radii({Part("valve", gate=True): 9.0, CANDIDATE: 1.1}, design()).verdict.startswith("about 1")
    assert findings._radii({Part("gateway"): 9.0, CANDIDATE: 1.1}, design()).verdict.startswith("far above 1")


def test_what_is_stuck_is_named() -> None:
    found = findings._saturated({RESET: 0.95, UPDATE: 0.2, UNITS: 0.97}, design())

    assert found.found == "reset gate 95 %, update gate 20 %, units 97 %"
    assert found.verdict.startswith("reset gate and units hardly move")


def test_memory_drift_and_own_forecasts_have_a_verdict_each() -> None:
    assert findings._memory(96, design(), 24).startswith("what comes first still tells")
    assert findings._memory(1, design(), 24).startswith("forgets at once")
    assert findings._memory(12, design(), 24) == "less than your season, 24: raise --segment"
    assert (findings._drift(1.1, design()), findings._drift(0.1, design())) == ("steady", "it dies away")
    assert findings._drift(5.0, design()).startswith("it grows on and on")
    recursive = design(decoder="recursive")
    assert findings._gap(None, design()).verdict == "the parallel decoder feeds none back"
    assert findings._gap(FeedbackGap(1.0, 1.1), recursive)[1:] == (
        "error 1.1, told the truth 1 (+10 %)",
        "it lives with its own errors",
    )
    assert "--decoder parallel" in findings._gap(FeedbackGap(1.0, np.pi), recursive).verdict
