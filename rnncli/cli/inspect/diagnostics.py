"""`inspect MODEL DATA`: diagnostics of the networks of a model, as tables, plots or JSON."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console, data_input, descriptions, text_plot
from rnncli.cli.figures import diagnostics as figure
from rnncli.diagnostics import measurements
from rnncli.diagnostics.findings import findings
from rnncli.diagnostics.snapshot import take_snapshot
from rnncli.errors import about
from rnncli.messages import counted
from rnncli.model.weights_file import decode

if TYPE_CHECKING:
    from rnncli.config.sections import Columns
    from rnncli.diagnostics.measurements import Diagnostics, Measurement
    from rnncli.model.card import Card, LearningCurve
    from rnncli.model.card_file import ModelFile
    from rnncli.model.model import Model
    from rnncli.panel import Panel

MIN_GRADIENT = 1e-4  # of the largest gradient; smaller ones are not drawn


def run(
    model_file: "ModelFile", data: str, columns: "Columns", format: str | None, as_json: bool, plot: Path | None
) -> None:
    """Measure every network on windows of the table, and show the results."""
    model = decode(model_file)
    with about(data):
        panel = data_input.read_panel_for_model(model.card, data, columns, format)
        measured = list(_measure(model, panel))
    if plot is not None:
        figure.draw(plot, model.card, measured[0].diagnostics, take_snapshot(measured[0], model.card.season))
    health = [network.diagnostics for network in measured]
    if as_json:
        print(to_json(model.card, health))
    else:
        _show(model.card, health)


def _measure(model: "Model", panel: "Panel") -> Iterator["Measurement"]:
    """Yield the measurements of each network."""
    model.check(panel)
    cutoffs = measurements.select_cutoffs(panel, model.card.members)
    count = len(model.networks)
    measured = (measurements.measure(model, number, panel, cutoffs) for number in range(count))
    return console.track(measured, "networks", count, lambda _network: 1)


def _show(card: "Card", health: list["Diagnostics"]) -> None:
    """Show the first network in detail and as plots, and all networks in one line each."""
    first = health[0]
    which = "the network" if len(health) == 1 else f"network 1 of {len(health)}"
    windows = counted(first.windows, "window")
    title = f"diagnostics of {which} ({descriptions.architecture_words(first.architecture)}), on {windows}"
    rows = [[*finding] for finding in findings(first, card, 0)]
    console.show_table(["measure", "value", "finding"], rows, title=title)
    if len(health) > 1:
        header = ["network", "gradient reach", "memory", "radius", "saturated gates", "dead units", "drift"]
        rows = [[str(number), *_row(network)] for number, network in enumerate(health, 1)]
        console.show_table(header, rows, title="networks")
    _plot_text(first, card.members[0].course, card.members[0].trial)


def _row(health: "Diagnostics") -> list[str]:
    """Return the cells of a network in the table of all networks."""
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


def _plot_text(health: "Diagnostics", refit: "LearningCurve | None", trial: "LearningCurve | None") -> None:
    """Print the gradient by lag, and the training and validation loss by update."""
    segment = health.architecture.segment
    lags = [float(number * segment) for number in range(1, len(health.read) + 1)]
    gradient = [float(size) if size >= MIN_GRADIENT else 0.0 for size in health.read]
    if health.reach:
        curve = text_plot.Curve("through the state", lags, gradient)
        print("\n" + text_plot.draw_curves("gradient of the loss by lag", "steps back", [curve], logarithmic=True))
    if refit is None or not refit.losses:
        return
    curves = [text_plot.Curve("training loss", refit.points, refit.losses)]
    held_out = trial or refit
    if held_out.checks:
        name = "validation loss" if held_out is refit else "validation loss of the trial"
        curves.append(text_plot.Curve(name, held_out.checks, held_out.validations))
    print("\n" + text_plot.draw_curves("training", "updates", curves))


def to_json(card: "Card", health: list["Diagnostics"]) -> str:
    """Return all measurements and findings as JSON; numbers that are not finite are null."""
    networks = [_plain(card, number, network) for number, network in enumerate(health)]
    return json.dumps(_finite({"season": card.season, "networks": networks}), indent=1)


def _plain(card: "Card", number: int, health: "Diagnostics") -> dict[str, object]:
    """Return the measurements and findings of a network as plain values."""
    values = health._asdict() | {"architecture": health.architecture.model_dump()}
    values |= {name: getattr(health, name).tolist() for name in ("read", "whole", "kept")}
    for name in ("radii", "saturated"):
        by_part = getattr(health, name)
        values[name] = None if by_part is None else {part.name: value for part, value in by_part.items()}
    values |= {"gap": None if health.gap is None else health.gap._asdict()}
    by_measure = {
        finding.measure: {"found": finding.value, "verdict": finding.meaning}
        for finding in findings(health, card, number)
    }
    return values | {"findings": by_measure}


def _finite(value: object) -> object:
    """Return a nested value with None for numbers that are not finite, which JSON cannot represent."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: _finite(part) for name, part in value.items()}
        case list() | tuple():
            return [_finite(part) for part in value]
        case _:
            return value
