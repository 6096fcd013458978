"""Interpretation of a network's diagnostics: one sentence per measure, with the option to change."""

from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Architecture
from rnncli.diagnostics.gradient_probe import FeedbackGap
from rnncli.diagnostics.measurements import ROLLED, Diagnostics
from rnncli.model.card import Card, LearningCurve
from rnncli.network.cells import Part

EXPLODED = 100.0  # times the median norm of the gradient
FADING, UNSTABLE = 0.5, 2.0  # spectral radius; at 1 the state neither fades nor grows
STUCK = 0.9  # share of a gate's, or of the units', values that are saturated
IDLE = 0.25  # share of dead units above which fewer units are advised
GREW = 2.0  # growth of the state
COSTLY = 0.5  # relative increase of the error by feeding forecasts back
CALMER = "lower --learning-rate or raise --weight-decay"


class Finding(NamedTuple):
    """A measure with its value and what the value means."""

    measure: str
    value: str
    meaning: str


def findings(diagnostics: Diagnostics, card: Card, number: int) -> list[Finding]:
    """Return all findings of network `number` of a model."""
    architecture, season = diagnostics.architecture, card.season
    reach, memory = (f"{steps} of {architecture.context} steps" for steps in (diagnostics.reach, diagnostics.memory))
    found = [
        Finding("gradient reaches back", reach, _reach(diagnostics.reach, architecture, season)),
        _largest_gradient(card.members[number].course, card.config.training.clip),
        Finding("effective memory", memory, _memory(diagnostics.memory, architecture, season)),
    ]
    if diagnostics.radii is not None:
        found.append(_radii(diagnostics.radii, architecture))
    if diagnostics.saturated is not None:
        found.append(_saturated(diagnostics.saturated, architecture))
    if diagnostics.drift is not None:
        growth = f"{diagnostics.drift:.2f} times after {ROLLED} contexts"
        found.append(Finding("state in a long run", growth, _drift(diagnostics.drift, architecture)))
    found.append(_dead(diagnostics.dead, architecture.hidden))
    found.append(_gap(diagnostics.gap, architecture))
    return found


def _reach(reach: int, architecture: Architecture, season: int) -> str:
    """Interpret how many steps back the gradient reaches: it should cover a season or, without one, the horizon."""
    needed, reason = (
        (season, f"the season is {season}") if season > 1 else (architecture.horizon, _horizon(architecture))
    )
    if architecture.context < needed:
        return f"the context is {architecture.context} but {reason}: raise --context"
    if reach < needed:
        gates = ", or try --cell lstm or gru" if architecture.traits.recurrent and not architecture.traits.gated else ""
        bypass = "; only the linear bypass uses earlier steps" if architecture.bypass else ""
        return f"{reason}: raise --segment{gates}{bypass}"
    return "covers the whole context" if reach >= architecture.context else f"sufficient: {reason}"


def _horizon(architecture: Architecture) -> str:
    return f"the horizon is {architecture.horizon}"


def _largest_gradient(curve: LearningCurve | None, clip: float) -> Finding:
    """Interpret the largest norm of the gradient in training."""
    name = "largest gradient in training"
    if curve is None:
        return Finding(name, "n/a", "the training was not recorded: train again")
    if not curve.gradients:
        return Finding(name, "n/a", "the readout was solved in closed form")
    finite = [norm for norm in curve.gradients if norm is not None]
    if len(finite) < len(curve.gradients):
        return Finding(name, "not finite", f"the gradient exploded: {CALMER}")
    largest, median = max(finite), float(np.median(finite))
    value = f"{largest:.3g} by update {curve.points[finite.index(largest)]} of {curve.updates}"
    if largest > EXPLODED * median:
        return Finding(name, value, f"the gradient exploded, {largest / median:.0f} times the median: {CALMER}")
    return Finding(name, value, "no explosion" + (f"; --clip limited it to {clip:g}" if largest > clip else ""))


def _memory(memory: int, architecture: Architecture, season: int) -> str:
    """Interpret after how many steps an input has lost its effect."""
    if memory >= architecture.context:
        return "the first steps still matter at the end of the context"
    if memory <= architecture.segment:
        return "forgets at once, the recurrence is unused: lower --segment, or use a longer --context"
    if memory < season:
        return f"less than the season of {season}: raise --segment"
    return "fades within the context: a longer one would hardly be used"


def _radii(radii: dict[Part, float], architecture: Architecture) -> Finding:
    """Interpret the spectral radii of the recurrent weights."""
    value = ", ".join(f"{part.name} {radius:.2f}" for part, radius in radii.items())
    # Gates are bounded to 0..1 whatever their weights: the other parts determine the state.
    largest = max(radius for part, radius in radii.items() if not part.gate)
    if largest > UNSTABLE:
        meaning = f"far above 1, the state may diverge: {_calmer(architecture)}"
    elif largest < FADING:
        meaning = "far below 1: the state fades within a few steps"
    else:
        meaning = "about 1: the state neither fades nor diverges by itself"
    return Finding("spectral radius", value, meaning)


def _saturated(shares: dict[Part, float], architecture: Architecture) -> Finding:
    """Interpret the shares of saturated values."""
    value = ", ".join(f"{part.name} {100 * share:.0f} %" for part, share in shares.items())
    stuck = [part.name for part, share in shares.items() if share > STUCK]
    meaning = f"{' and '.join(stuck)} hardly change and pass no gradient: {_calmer(architecture)}"
    return Finding("saturated", value, meaning if stuck else "free to change")


def _drift(drift: float, architecture: Architecture) -> str:
    """Interpret the growth of the state in a long run."""
    if drift > GREW:
        return f"keeps growing, forecasts far ahead may diverge: {_calmer(architecture)}"
    return "decays" if drift < 1 / GREW else "steady"


def _dead(count: int, hidden: int) -> Finding:
    """Interpret the number of units whose output is constant."""
    meaning = "nearly all units are used" if count else "all units are used"
    if count > IDLE * hidden:
        meaning = f"a smaller --hidden than {hidden} is sufficient"
    return Finding("dead units", f"{count} of {hidden}", meaning)


def _gap(gap: FeedbackGap | None, architecture: Architecture) -> Finding:
    """Interpret what it costs that a recursive decoder receives its forecasts instead of true values."""
    name = "own forecasts fed back"
    if gap is None:
        recursive = architecture.decoder == "recursive"
        reason = "the horizon is one segment" if recursive else f"the {architecture.decoder} decoder has no feedback"
        return Finding(name, "n/a", reason)
    cost = gap.free / gap.forced - 1 if gap.forced else 0.0
    value = f"error {gap.free:.3g}, with true values {gap.forced:.3g} ({100 * cost:+.0f} %)"
    accumulates = "errors accumulate: raise --segment, or use --decoder parallel"
    return Finding(name, value, accumulates if cost > COSTLY else "errors do not accumulate")


def _calmer(architecture: Architecture) -> str:
    """Return how to keep a state bounded."""
    return "lower --radius or --input-scale" if architecture.traits.closed_form else CALMER
