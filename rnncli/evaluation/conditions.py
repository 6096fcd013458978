"""Conditions on scores, such as `mase > 1.0`. No numpy.

Gates say what a user will not accept; conditions of a publication what a new model has to show before it takes the
place of the one in use.
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

COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
FORM = "'mase > 1.0', 'coverage-80 < 0.7' or 'worse than SeasonalNaive'"
DRIFT = "drift"


class Score(NamedTuple):
    """Fails where a metric compares so with a value."""

    text: str
    metric: str
    sign: str
    value: float


class Worse(NamedTuple):
    """Fails where the model is worse than a method."""

    text: str
    method: str


class Drift(NamedTuple):
    """Fails where live scores have left the band of the backtest."""

    text: str


Gate = Score | Worse | Drift


def parse(text: str, metrics: Sequence[str], methods: Sequence[str]) -> Gate:
    """The gate that a text describes. Raises RequestError, naming what is known, where it describes none."""
    if text.strip().lower() == DRIFT:
        return Drift(text)
    if worse := re.fullmatch(r"\s*worse\s+than\s+(\S+)\s*", text, re.IGNORECASE):
        return Worse(text, _known(text, worse[1], methods))
    score = re.fullmatch(r"\s*([A-Za-z]+(?:-[\d.]+)?)\s*(>=|<=|>|<)\s*([-+.\deE]+)\s*", text)
    try:
        if score is None or not math.isfinite(value := float(score[3])):
            raise ValueError
    except ValueError:
        raise RequestError(f'--fail-if "{text}" is no condition such as {FORM}') from None
    return Score(text, _known(text, score[1], metrics), score[2], value)


class Against(NamedTuple):
    """Asks for a metric that compares so with that of the model in use, and a little more or less."""

    text: str
    metric: str
    sign: str
    more: float


class Better(NamedTuple):
    """Asks for a model that can be told to be better than the one in use."""

    text: str


Condition = Score | Against | Better
NUMBER = r"[.\d]+(?:[eE][-+]?\d+)?"
CONDITIONS = "'mase < current - 0.01', 'coverage-80 > 0.75' or 'better'"


def condition(text: str, metrics: Sequence[str]) -> Condition:
    """The condition of a publication that a text describes. Raises RequestError where it describes none."""
    if text.strip().lower() == "better":
        return Better(text)
    pattern = rf"\s*([A-Za-z]+(?:-[\d.]+)?)\s*(>=|<=|>|<)\s*(?:(current)\s*([-+]\s*{NUMBER})?|([-+]?{NUMBER}))\s*"
    found = re.fullmatch(pattern, text)
    try:
        if found is None:
            raise ValueError
        value = float((found[4] or found[5] or "0").replace(" ", ""))
    except ValueError:
        raise RequestError(f'--publish-if "{text}" is no condition such as {CONDITIONS}') from None
    kind = Against if found[3] else Score
    return kind(text, _known(text, found[1], metrics, "--publish-if"), found[2], value)


def unmet(
    wanted: Condition, own: Mapping[str, float], current: Mapping[str, float] | None, difference: "Difference | None"
) -> str | None:
    """Why a condition does not hold, or None. Without a model in use only plain scores are asked for.

    own, current: the scores of both models on the same windows; difference: of the new one from the one in use.
    """
    match wanted:
        case Score(text, metric, sign, value):
            return None if COMPARED[sign](own[metric], value) else f"{text}: {metric} is {own[metric]:.4g}"
        case Against(text, metric, sign, more):
            if current is None or COMPARED[sign](own[metric], current[metric] + more):
                return None
            return f"{text}: {metric} is {own[metric]:.4g}, the current model's {current[metric]:.4g}"
        case Better(text):
            if current is None or (difference is not None and difference.verdict == "better"):
                return None
            return (
                f"{text}: {'nothing to compare by' if difference is None else difference.sentence('the current one')}"
            )


def _known(text: str, name: str, known: Sequence[str], option: str = "--fail-if") -> str:
    lowered = {one.lower(): one for one in known}
    if name.lower() not in lowered:
        raise RequestError(
            f'{option} "{text}": "{name}" is none of {", ".join(known)}.{did_you_mean(name, list(known))}'
        )
    return lowered[name.lower()]


def broken(
    gate: Gate, scores: Mapping[str, float], differences: Mapping[str, "Difference"], drift: str | None = None
) -> str | None:
    """Why the gate says no, or None. A score that could not be measured passes no gate.

    differences: of the model from each method; drift: how it left its band.
    """
    match gate:
        case Drift(text):
            return None if drift is None else f"{text}: {drift}"
        case Worse(text, method):
            difference = differences[method]
            return f"{text}: {difference.sentence(method)}" if difference.verdict == "worse" else None
        case Score(text, metric, sign, value):
            score = scores[metric]
            if math.isnan(score):
                return f"{text}: {metric} could not be measured"
            return f"{text}: {metric} is {score:.4g}" if COMPARED[sign](score, value) else None
