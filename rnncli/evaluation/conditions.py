"""Conditions on scores, such as `mase > 1.0`. No numpy.

A run fails if a fail condition holds. A new model is published only if all publish conditions hold.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rnncli.errors import RequestError
from rnncli.messages import did_you_mean

if TYPE_CHECKING:
    from rnncli.evaluation.significance import Difference

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
FAIL_EXAMPLES = "'mase > 1.0', 'coverage-80 < 0.7' or 'worse than SeasonalNaive'"
PUBLISH_EXAMPLES = "'mase < current - 0.01', 'coverage-80 > 0.75' or 'better'"
DRIFT = "drift"
NUMBER = r"[.\d]+(?:[eE][-+]?\d+)?"
COLUMN = r"[A-Za-z][A-Za-z-]*?(?:-[\d.]+)?"


class ScoreCondition(NamedTuple):
    """A comparison of a score with a number."""

    text: str
    metric: str  # a column, as coverage-80
    sign: str
    value: float


class WorseThan(NamedTuple):
    """Holds if the model is significantly worse than a method."""

    text: str
    method: str


class Drifted(NamedTuple):
    """Holds if production scores have left the band of the backtest."""

    text: str


class RelativeCondition(NamedTuple):
    """A comparison of a score with that of the current model plus a margin."""

    text: str
    metric: str
    sign: str
    margin: float


class BetterThanCurrent(NamedTuple):
    """Holds if the new model is significantly better than the current one."""

    text: str


FailCondition = ScoreCondition | WorseThan | Drifted
PublishCondition = ScoreCondition | RelativeCondition | BetterThanCurrent


class Violation(NamedTuple):
    """A fail condition that holds or a publish condition that does not, with the measured values."""

    condition: FailCondition | PublishCondition
    score: float = math.nan
    current: float = math.nan  # the same score of the current model
    difference: "Difference | None" = None


def parse_fail_condition(option: str, text: str, metrics: Sequence[str], methods: Sequence[str]) -> FailCondition:
    """Return the fail condition that a text describes; metrics: columns.

    Raises RequestError, naming the option and the known names, if the text is not a condition.
    """
    if text.strip().lower() == DRIFT:
        return Drifted(text)
    if worse := re.fullmatch(r"\s*worse\s+than\s+(\S+)\s*", text, re.IGNORECASE):
        return WorseThan(text, _resolve(option, text, worse[1], methods))
    score = re.fullmatch(rf"\s*({COLUMN})\s*(>=|<=|>|<)\s*([-+.\deE]+)\s*", text)
    try:
        if score is None or not math.isfinite(value := float(score[3])):
            raise ValueError
    except ValueError:
        raise RequestError(f'{option} "{text}": not a condition. Write it as {FAIL_EXAMPLES}') from None
    return ScoreCondition(text, _resolve(option, text, score[1], metrics), score[2], value)


def parse_publish_condition(option: str, text: str, metrics: Sequence[str]) -> PublishCondition:
    """Return the publish condition that a text describes. Raises RequestError if it describes none."""
    if text.strip().lower() == "better":
        return BetterThanCurrent(text)
    pattern = rf"\s*({COLUMN})\s*(>=|<=|>|<)\s*(?:(current)\s*([-+]\s*{NUMBER})?|([-+]?{NUMBER}))\s*"
    found = re.fullmatch(pattern, text)
    try:
        if found is None:
            raise ValueError
        value = float((found[4] or found[5] or "0").replace(" ", ""))
    except ValueError:
        raise RequestError(f'{option} "{text}": not a condition. Write it as {PUBLISH_EXAMPLES}') from None
    kind = RelativeCondition if found[3] else ScoreCondition
    return kind(text, _resolve(option, text, found[1], metrics), found[2], value)


def _resolve(option: str, text: str, name: str, known: Sequence[str]) -> str:
    """Return the known name that equals a name but for its case. Raises RequestError if there is none."""
    lowered = {choice.lower(): choice for choice in known}
    if name.lower() not in lowered:
        raise RequestError(
            f'{option} "{text}": "{name}" must be one of {", ".join(known)}.{did_you_mean(name, list(known))}'
        )
    return lowered[name.lower()]


def check_fail_condition(
    condition: FailCondition,
    scores: Mapping[str, float],
    differences: Mapping[str, "Difference"],
    drifted: bool = False,
) -> Violation | None:
    """Return the violation if the condition holds, or if its score could not be measured.

    scores: of the model; differences: of the model from each method.
    """
    match condition:
        case Drifted():
            return Violation(condition) if drifted else None
        case WorseThan(_, method):
            difference = differences[method]
            return Violation(condition, difference=difference) if difference.verdict == "worse" else None
        case ScoreCondition(_, metric, sign, value):
            score = scores[metric]
            holds = math.isnan(score) or OPERATORS[sign](score, value)
            return Violation(condition, score) if holds else None


def check_publish_condition(
    condition: PublishCondition,
    new: Mapping[str, float],
    current: Mapping[str, float] | None,
    difference: "Difference | None",
) -> Violation | None:
    """Return the violation if the condition does not hold. Without a current model only plain scores are compared.

    new, current: scores of both models on the same windows; difference: of the new model from the current one.
    """
    match condition:
        case ScoreCondition(_, metric, sign, value):
            return None if OPERATORS[sign](new[metric], value) else Violation(condition, new[metric])
        case RelativeCondition(_, metric, sign, margin):
            if current is None or OPERATORS[sign](new[metric], current[metric] + margin):
                return None
            return Violation(condition, new[metric], current[metric])
        case BetterThanCurrent():
            if current is None or (difference is not None and difference.verdict == "better"):
                return None
            return Violation(condition, difference=difference)
