"""Conditions on scores are parsed and checked."""

import math

import pytest

from rnncli.errors import RequestError
from rnncli.evaluation import conditions
from rnncli.evaluation.conditions import ScoreCondition, WorseThan
from rnncli.evaluation.significance import Difference

METRICS, METHODS = ["MASE", "coverage-80"], ["Naive", "SeasonalNaive"]


def parsed(text: str) -> conditions.FailCondition:
    return conditions.parse_fail_condition("--fail-if", text, METRICS, METHODS)


def test_conditions_are_read_whatever_their_spacing_and_case() -> None:
    assert parsed("mase>1") == ScoreCondition("mase>1", "MASE", ">", 1.0)
    assert parsed(" Coverage-80 <= 7e-1")[1:] == ("coverage-80", "<=", 0.7)
    assert parsed("worse than seasonalnaive")[1:] == ("SeasonalNaive",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mase", "not a condition"),
        ("mase > high", "not a condition"),
        ("mase > nan", "not a condition"),
        ("mace > 1", 'Did you mean "MASE"?'),
        ("coverage-90 < 0.8", '"coverage-90" must be one of'),
        ("worse than ETS", '"ETS" must be one of Naive, SeasonalNaive'),
        ("", "not a condition"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parsed(text)


@pytest.mark.parametrize(
    ("sign", "value", "held"),
    [(">", 1.0, True), (">", 0.9, False), (">=", 1.0, False), ("<", 1.0, True), ("<=", 1.0, False)],
)
def test_a_score_equal_to_the_value_violates_inclusive_conditions_only(sign: str, value: float, held: bool) -> None:
    condition = ScoreCondition("", "MASE", sign, value)

    assert (conditions.check_fail_condition(condition, {"MASE": 1.0}, {}) is None) is held


def test_a_score_that_could_not_be_measured_violates_its_condition() -> None:
    condition = ScoreCondition("mase > 1", "MASE", ">", 1)

    assert conditions.check_fail_condition(condition, {"MASE": math.nan}, {}) is not None


def test_worse_requires_a_significant_difference() -> None:
    def violated(*difference: float) -> bool:
        found = {"Naive": Difference(*difference)}
        return conditions.check_fail_condition(WorseThan("worse than Naive", "Naive"), {}, found) is not None

    assert violated(-0.03, -0.05, -0.01)
    assert not violated(-0.03, -0.05, 0.01)
    assert not violated(-0.03, math.nan, math.nan)
    assert not violated(0.03, 0.01, 0.05)


@pytest.mark.parametrize("text", ["mase < current 0.5", "mase <", "mase < - current", "mase current - 1"])
def test_a_publish_condition_needs_operators(text: str) -> None:
    with pytest.raises(RequestError, match="not a condition"):
        conditions.parse_publish_condition("--publish-if", text, ["MASE"])
