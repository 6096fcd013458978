"""What the figures of a network's health mean, in plain sentences with what to do. No torch."""

from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Architecture
from rnncli.diagnostics.gradient_probe import FeedbackGap
from rnncli.diagnostics.measurements import ROLLED, Diagnostics
from rnncli.model.card import Card, LearningCurve
from rnncli.network.cells import Part

EXPLODED = 100.0  # times the usual norm of the gradient
FADES, RUNS = 0.5, 2.0  # spectral radius: 1 keeps what it has
STUCK = 0.9  # share of a gate's, or of the units', values at their ends
IDLE = 0.25  # share of dead units that are worth sparing
GREW = 2.0  # times the state
COSTLY = 0.5  # share by which living with its own forecasts makes the error larger
CALMER = "lower --learning-rate or raise --weight-decay"


class Finding(NamedTuple):
    """A measure, what it came to, and what that means."""

    measure: str
    found: str
    verdict: str


def findings(health: Diagnostics, card: Card, number: int) -> list[Finding]:
    """All that is to be said of one network of a model."""
    design, season = health.architecture, card.season
    reach, memory = (f"{steps} of {design.context} steps" for steps in (health.reach, health.memory))
    every = [
        Finding("gradient reaches back", reach, _reach(health.reach, design, season)),
        _steepest(card.members[number].course, card.config.training.clip),
        Finding("effective memory", memory, _memory(health.memory, design, season)),
    ]
    if health.radii is not None:
        every.append(_radii(health.radii, design))
    if health.saturated is not None:
        every.append(_saturated(health.saturated, design))
    if health.drift is not None:
        grown = f"{health.drift:.2f} times after {ROLLED} contexts"
        every.append(Finding("state in a long run", grown, _drift(health.drift, design)))
    share = health.dead / design.hidden
    idle = f"a smaller --hidden than {design.hidden} would do" if share > IDLE else "nearly every unit tells something"
    every.append(
        Finding("dead units", f"{health.dead} of {design.hidden}", idle if health.dead else "every unit moves")
    )
    every.append(_gap(health.gap, design))
    return every


def _reach(reach: int, design: Architecture, season: int) -> str:
    aim, called = (
        (season, f"your season is {season}") if season > 1 else (design.horizon, f"the horizon is {design.horizon}")
    )
    if design.context < aim:
        return f"the context is {design.context}, {called}: raise --context"
    if reach < aim:
        other = ", or try --cell lstm or gru" if design.traits.recurrent and not design.traits.gated else ""
        further = "; only the bypass sees further" if design.bypass else ""
        return f"{called}: raise --segment{other}{further}"
    return "all that the network sees" if reach >= design.context else f"far enough: {called}"


def _steepest(course: LearningCurve | None, clip: float) -> Finding:
    name = "largest gradient in training"
    if course is None:
        return Finding(name, "n/a", "its training was not recorded: train it again")
    if not course.gradients:
        return Finding(name, "n/a", "its read-out was solved for, without a gradient")
    known = [norm for norm in course.gradients if norm is not None]
    if len(known) < len(course.gradients):
        return Finding(name, "no number", f"it exploded: {CALMER}")
    largest = max(known)
    found = f"{largest:.3g} by update {course.points[known.index(largest)]} of {course.updates}"
    if largest > EXPLODED * float(np.median(known)):
        return Finding(name, found, f"it exploded, {largest / float(np.median(known)):.0f} times the usual: {CALMER}")
    return Finding(name, found, "no explosion" + (f"; --clip held it to {clip:g}" if largest > clip else ""))


def _memory(memory: int, design: Architecture, season: int) -> str:
    if memory >= design.context:
        return "what comes first still tells at the end of the context"
    if memory <= design.segment:
        return "forgets at once: the recurrence adds nothing; lower --segment, or take a longer --context"
    if memory < season:
        return f"less than your season, {season}: raise --segment"
    return "fades within the context: a longer one would hardly be used"


def _calmer(design: Architecture) -> str:
    """What keeps a state in bounds."""
    return "lower --radius or --input-scale" if design.traits.closed_form else CALMER


def _radii(radii: dict[Part, float], design: Architecture) -> Finding:
    found = ", ".join(f"{part.name} {radius:.2f}" for part, radius in radii.items())
    # Gates are held between 0 and 1 whatever their weights: the state lives on the others.
    largest = max(radius for part, radius in radii.items() if not part.gate)
    if largest > RUNS:
        verdict = f"far above 1: the state may run away; {_calmer(design)}"
    elif largest < FADES:
        verdict = "far below 1: the state fades in a few steps"
    else:
        verdict = "about 1: the state neither fades nor runs away by itself"
    return Finding("spectral radius", found, verdict)


def _saturated(shares: dict[Part, float], design: Architecture) -> Finding:
    found = ", ".join(f"{part.name} {100 * share:.0f} %" for part, share in shares.items())
    stuck = [part.name for part, share in shares.items() if share > STUCK]
    verdict = f"{' and '.join(stuck)} hardly move, and pass no gradient: {_calmer(design)}" if stuck else "free to move"
    return Finding("saturated", found, verdict)


def _drift(drift: float, design: Architecture) -> str:
    if drift > GREW:
        return f"it grows on and on: what lies far ahead may run away; {_calmer(design)}"
    return "it dies away" if drift < 1 / GREW else "steady"


def _gap(gap: FeedbackGap | None, design: Architecture) -> Finding:
    name = "own forecasts fed back"
    if gap is None:
        fed = design.decoder == "recursive"
        return Finding(name, "n/a", "one segment: none is" if fed else f"the {design.decoder} decoder feeds none back")
    cost = gap.free / gap.forced - 1 if gap.forced else 0.0
    found = f"error {gap.free:.3g}, told the truth {gap.forced:.3g} ({100 * cost:+.0f} %)"
    worse = "errors feed on themselves: raise --segment, or take --decoder parallel"
    return Finding(name, found, worse if cost > COSTLY else "it lives with its own errors")
