"""Production scores compared with the band of the backtest."""

import math

import pytest

from rnncli.evaluation import score_drift
from rnncli.evaluation.score_drift import ExpectedScore

BAND = ExpectedScore("MASE", 0.8, 0.6, 1.0)


@pytest.mark.parametrize(
    ("scores", "since"),
    [
        ([0.7, 0.9, 1.0], None),
        ([0.7, 1.1, 0.9], None),
        ([0.7, 1.1, 1.2], "w1"),
        ([1.1, math.nan, 1.2], "w0"),
        ([0.3, 0.2, 0.1], None),
        ([math.nan], None),
        ([], None),
    ],
)
def test_drift_lasts_while_scores_are_above_the_band(scores: list[float], since: str | None) -> None:
    assert score_drift.drifted_since(BAND, {f"w{number}": score for number, score in enumerate(scores)}) == since


def test_an_unknown_band_is_never_left() -> None:
    assert score_drift.drifted_since(ExpectedScore("MASE", 0.8, math.nan, math.nan), {"w": 100.0}) is None
