"""How forecasts made earlier did, beside what the model's own backtest had promised. numpy only."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnncli.evaluation.significance import CONFIDENCE, student_quantile
from rnncli.model.card import Card


class ExpectedScore(NamedTuple):
    """What a backtest leads one to expect of a metric."""

    metric: str
    score: float
    low: float  # ends of the band that a score of some later cutoffs should lie in; NaN where it cannot be told
    high: float


def expected_score(card: Card, metric: str) -> ExpectedScore | None:
    """From a model's validation windows; None where it has no such score.

    The band is the interval that is to hold the score of one more cutoff (Student's t, with the variation from one
    cutoff to the next): too wide for the mean of several, if anything.
    """
    score = card.scores.get("rnncli", {}).get(metric)
    if score is None:
        return None
    held = card.validation
    if metric not in held.variation or held.origins < 2:
        return ExpectedScore(metric, score, math.nan, math.nan)
    reach = student_quantile((1 + CONFIDENCE) / 2, held.origins - 1) * held.variation[metric]
    reach *= math.sqrt(1 + 1 / held.origins)
    return ExpectedScore(metric, score, score - reach, score + reach)


def drifted_since(promised: ExpectedScore, scores: Mapping[str, float]) -> str | None:
    """The first of the last periods that are all above the band; scores: by period, in their order."""
    since = None
    for period, score in scores.items():
        if np.isnan(score):
            continue
        if not score > promised.high:
            since = None
        elif since is None:
            since = period
    return since
