"""What a user will not accept: conditions on scores, such as `mase > 1.0` or `worse than SeasonalNaive`. No numpy."""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from rnncli.errors import RequestError, did_you_mean

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


def _known(text: str, name: str, known: Sequence[str]) -> str:
    lowered = {one.lower(): one for one in known}
    if name.lower() not in lowered:
        raise RequestError(
            f'--fail-if "{text}": "{name}" is none of {", ".join(known)}.{did_you_mean(name, list(known))}'
        )
    return lowered[name.lower()]


def broken(
    gate: Gate, scores: Mapping[str, float], verdicts: Mapping[str, str], drift: str | None = None
) -> str | None:
    """Why the gate says no, or None. A score that could not be measured passes no gate.

    verdicts: for each method what `Difference.sentence` says of the model against it; drift: how it left its band.
    """
    match gate:
        case Drift(text):
            return None if drift is None else f"{text}: {drift}"
        case Worse(text, method):
            said = verdicts[method]
            return f"{text}: {said}" if said.startswith("worse") else None
        case Score(text, metric, sign, value):
            score = scores[metric]
            if math.isnan(score):
                return f"{text}: {metric} could not be measured"
            return f"{text}: {metric} is {score:.4g}" if COMPARED[sign](score, value) else None
