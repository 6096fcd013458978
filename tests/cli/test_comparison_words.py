"""Differences between methods and violated conditions in words."""

import math

import pytest

from rnncli.cli.comparison_words import difference_words, violation_words
from rnncli.evaluation.conditions import (
    BetterThanCurrent,
    Drifted,
    RelativeCondition,
    ScoreCondition,
    Violation,
    WorseThan,
)
from rnncli.evaluation.significance import Difference


def test_a_difference_is_given_in_percent_with_its_interval() -> None:
    assert difference_words(Difference(0.14, 0.09, 0.19), "Naive") == "better than Naive by 14 % (9 to 19)"
    assert difference_words(Difference(-0.14, -0.19, -0.09), "Drift") == "worse than Drift by 14 % (9 to 19)"
    unknown = "no significant difference from Naive"
    assert difference_words(Difference(0.1, math.nan, math.nan), "Naive") == unknown
    assert difference_words(Difference(0.1, -0.05, 0.2), "Naive") == f"{unknown} (5 % worse to 20 % better)"


@pytest.mark.parametrize(
    ("violation", "words"),
    [
        (Violation(ScoreCondition("mase > 1", "MASE", ">", 1), 1.25), "mase > 1: MASE is 1.25"),
        (Violation(ScoreCondition("mase > 1", "MASE", ">", 1)), "mase > 1: MASE could not be measured"),
        (
            Violation(WorseThan("worse than Naive", "Naive"), difference=Difference(-0.03, -0.05, -0.01)),
            "worse than Naive: worse than Naive by 3 % (1 to 5)",
        ),
        (
            Violation(RelativeCondition("mase < current", "MASE", "<", 0), 2, 1),
            "mase < current: MASE is 2, that of the current model 1",
        ),
        (Violation(BetterThanCurrent("better")), "better: no scores to compare"),
        (Violation(Drifted("drift")), "drift: since May"),
    ],
)
def test_a_violation_states_the_condition_and_what_was_measured(violation: Violation, words: str) -> None:
    assert violation_words(violation, "since May") == words
