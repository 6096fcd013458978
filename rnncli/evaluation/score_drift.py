"""Score drift: production scores outside the band that the model's backtest leads to expect. numpy only."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnncli.evaluation.significance import CONFIDENCE, student_quantile
from rnncli.model.card import Card


class ExpectedScore(NamedTuple):
    """Score of a backtest, with a band for later scores."""

    metric: str
    score: float
    low: float  # bounds of the band for the score of later cutoffs; NaN if unknown
    high: float


def expected_score(card: Card, metric: str) -> ExpectedScore | None:
    """Return the score on the validation windows of a model; None if it has no such score.

    The band is the prediction interval for one more cutoff (Student's t, from the variation between cutoffs). It is
    conservative for the mean of several.
    """
    score = card.model_scores.get(metric)
    if score is None:
        return None
    validation = card.validation
    if metric not in validation.variation or validation.origins < 2:
        return ExpectedScore(metric, score, math.nan, math.nan)
    margin = student_quantile((1 + CONFIDENCE) / 2, validation.origins - 1) * validation.variation[metric]
    margin *= math.sqrt(1 + 1 / validation.origins)
    return ExpectedScore(metric, score, score - margin, score + margin)


def drifted_since(expected: ExpectedScore, scores: Mapping[str, float]) -> str | None:
    """Return the period since which all scores are above the band; None if the last score is not.

    scores: by period in order; NaN is skipped.
    """
    since = None
    for period, score in scores.items():
        if np.isnan(score):
            continue
        if not score > expected.high:
            since = None
        elif since is None:
            since = period
    return since
