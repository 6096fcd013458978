"""rnncli inspect MODEL DATA: how well the networks of a model are, as a report or for a program."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console, descriptions, text_plot

if TYPE_CHECKING:
    from rnncli.diagnostics import Found, Health
    from rnncli.model.card import Card, LearningCurve
    from rnncli.model.model import Model
    from rnncli.panel import Panel


SEEN = 1e-4  # of the largest gradient: what is below is drawn no more


def examine(fitted: "Model", panel: "Panel") -> list["Found"]:
    """Every network of a model, on windows of the panel."""
    from rnncli import diagnostics

    fitted.check(panel)
    places = diagnostics.places(panel, fitted.card.members)
    each = (diagnostics.examined(fitted, number, panel, places) for number in range(len(fitted.networks)))
    return list(console.track(each, "networks", len(fitted.networks), lambda _found: 1))


def draw(path: Path, card: "Card", found: "Found") -> None:
    """A network at work, into a file."""
    from rnncli.cli.figures import diagnostics as figure
    from rnncli.diagnostics.snapshot import portrait

    figure.draw(path, card, found.health, portrait(found, card.season))


def show(card: "Card", found: list["Health"]) -> None:
    """The first network in detail and as pictures, the others a line each."""
    from rnncli.diagnostics.findings import findings

    first = found[0]
    of = "the network" if len(found) == 1 else f"the first of {len(found)} networks"
    title = f"health of {of} ({descriptions.design_words(first.architecture)}), on {first.windows} windows"
    console.show_table(
        ["measure", "found", "verdict"], [[*finding] for finding in findings(first, card, 0)], title=title
    )
    if len(found) > 1:
        header = ["network", "gradient reaches", "memory", "radius", "saturated gates", "dead units", "drift"]
        rows = [[str(number), *_line(health)] for number, health in enumerate(found, 1)]
        console.show_table(header, rows, title="networks")
    _draw(first, card.members[0].course, card.members[0].trial)


def _line(health: "Health") -> list[str]:
    radii, shares = health.radii or {}, health.saturated or {}
    gates = [share for part, share in shares.items() if part.gate]
    return [
        f"{health.reach} of {health.architecture.context}",
        f"{health.memory} of {health.architecture.context}",
        f"{max(radii.values()):.2f}" if radii else "-",
        f"{100 * max(gates):.0f} %" if gates else "-",
        str(health.dead),
        "-" if health.drift is None else f"{health.drift:.2f}",
    ]


def _draw(health: "Health", course: "LearningCurve | None", trial: "LearningCurve | None") -> None:
    """The gradient by lag and the losses of the training, in characters."""
    lags = [float(place * health.architecture.segment) for place in range(1, len(health.read) + 1)]
    read = text_plot.Curve("through the state", lags, [float(size) if size >= SEEN else 0.0 for size in health.read])
    if health.reach:
        print(
            "\n"
            + text_plot.draw_curves("how much each past step moves the loss", "steps back", [read], logarithmic=True)
        )
    if course is None or not course.losses:
        return
    curves = [text_plot.Curve("training loss", course.points, course.losses)]
    held_out = trial or course
    if held_out.checks:
        name = "validation loss" if held_out is course else "validation loss of the trial before"
        curves.append(text_plot.Curve(name, held_out.checks, held_out.validations))
    print("\n" + text_plot.draw_curves("training", "updates", curves))


def as_json(card: "Card", found: list["Health"]) -> str:
    """All figures and verdicts of every network, for a program."""
    from rnncli.diagnostics.findings import findings

    def plain(number: int, health: "Health") -> dict[str, object]:
        values = health._asdict() | {"architecture": health.architecture.model_dump()}
        values |= {name: getattr(health, name).tolist() for name in ("read", "whole", "kept")}
        for name in ("radii", "saturated"):
            by_part = getattr(health, name)
            values[name] = None if by_part is None else {part.name: value for part, value in by_part.items()}
        values |= {"gap": None if health.gap is None else health.gap._asdict()}
        said = {
            finding.measure: {"found": finding.found, "verdict": finding.verdict}
            for finding in findings(health, card, number)
        }
        return values | {"findings": said}

    told = {"season": card.season, "networks": [plain(*one) for one in enumerate(found)]}
    return json.dumps(_finite(told), indent=1)


def _finite(value: object) -> object:
    """The same with null for numbers that JSON has not: what ran away has no size."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: _finite(part) for name, part in value.items()}
        case list() | tuple():
            return [_finite(part) for part in value]
        case _:
            return value
