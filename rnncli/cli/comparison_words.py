"""Words for differences between methods, and for conditions on scores that were violated."""

import math
from typing import TYPE_CHECKING

from rnncli.evaluation.conditions import (
    BetterThanCurrent,
    Drifted,
    RelativeCondition,
    ScoreCondition,
    Violation,
    WorseThan,
)

if TYPE_CHECKING:
    from rnncli.evaluation.significance import Difference


def difference_words(difference: "Difference", other: str) -> str:
    """Return by how many percent a score is better or worse than that of another method, with its interval."""
    if difference.verdict == "unknown":
        ends = f" ({_change_words(difference.low)} to {_change_words(difference.high)})"
        return f"no significant difference from {other}{'' if math.isnan(difference.low) else ends}"
    low, high = sorted((abs(difference.low), abs(difference.high)))
    return (
        f"{difference.verdict} than {other} by {100 * abs(difference.gain):.0f} % ({100 * low:.0f} to {100 * high:.0f})"
    )


def _change_words(gain: float) -> str:
    return f"{100 * abs(gain):.0f} % {'worse' if gain < 0 else 'better'}"


def violation_words(violation: Violation, drift: str | None = None) -> str:
    """Return a violated condition with the values that violate it; drift: words for a drift of the scores."""
    condition, difference = violation.condition, violation.difference
    match condition:
        case Drifted():
            reason = drift or "the scores have drifted"
        case WorseThan():
            reason = difference_words(difference, condition.method) if difference else "not measured"
        case ScoreCondition():
            score = violation.score
            reason = f"{condition.metric} {'could not be measured' if math.isnan(score) else f'is {score:.4g}'}"
        case RelativeCondition():
            reason = f"{condition.metric} is {violation.score:.4g}, that of the current model {violation.current:.4g}"
        case BetterThanCurrent():
            reason = difference_words(difference, "the current model") if difference else "no scores to compare"
    return f"{condition.text}: {reason}"
