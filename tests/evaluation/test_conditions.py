"""Conditions that users write, read and applied."""

import math

import pytest

from rnncli.errors import RequestError
from rnncli.evaluation import conditions
from rnncli.evaluation.conditions import Score, Worse
from rnncli.evaluation.significance import Difference

METRICS, METHODS = ["MASE", "coverage-80"], ["Naive", "SeasonalNaive"]


def test_conditions_are_read_whatever_their_spacing_and_case() -> None:
    assert conditions.parse("mase>1", METRICS, METHODS) == Score("mase>1", "MASE", ">", 1.0)
    assert conditions.parse(" Coverage-80 <= 7e-1", METRICS, METHODS)[1:] == ("coverage-80", "<=", 0.7)
    assert conditions.parse("worse than seasonalnaive", METRICS, METHODS)[1:] == ("SeasonalNaive",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mase", "is no condition such as"),
        ("mase > high", "is no condition such as"),
        ("mase > nan", "is no condition such as"),
        ("mace > 1", 'Did you mean "MASE"?'),
        ("coverage-90 < 0.8", '"coverage-90" is none of'),
        ("worse than ETS", '"ETS" is none of Naive, SeasonalNaive'),
        ("", "is no condition such as"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        conditions.parse(text, METRICS, METHODS)


@pytest.mark.parametrize(
    ("sign", "value", "held"),
    [(">", 1.0, True), (">", 0.9, False), (">=", 1.0, False), ("<", 1.0, True), ("<=", 1.0, False)],
)
def test_a_score_at_the_value_is_taken_literally(sign: str, value: float, held: bool) -> None:
    assert (conditions.broken(Score("", "MASE", sign, value), {"MASE": 1.0}, {}) is None) is held


def test_a_score_that_could_not_be_measured_passes_no_gate() -> None:
    assert (
        conditions.broken(Score("mase > 1", "MASE", ">", 1), {"MASE": math.nan}, {})
        == "mase > 1: MASE could not be measured"
    )


def test_worse_means_told_apart() -> None:
    gate = Worse("worse than Naive", "Naive")

    assert conditions.broken(gate, {}, {"Naive": Difference(-0.03, -0.05, 0.01)}) is None
    assert conditions.broken(gate, {}, {"Naive": Difference(-0.03, math.nan, math.nan)}) is None
    assert conditions.broken(gate, {}, {"Naive": Difference(0.03, 0.01, 0.05)}) is None
    assert (
        conditions.broken(gate, {}, {"Naive": Difference(-0.03, -0.05, -0.01)})
        == "worse than Naive: worse than Naive by 3 % (1 to 5)"
    )


@pytest.mark.parametrize("text", ["mase < current 0.5", "mase <", "mase < - current", "mase current - 1"])
def test_a_condition_without_its_sign_is_none(text: str) -> None:
    with pytest.raises(RequestError, match="is no condition such as"):
        conditions.condition(text, ["MASE"])
