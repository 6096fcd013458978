"""`inspect MODEL --importance DATA`: the permutation importance of the inputs of a model, as a table."""

from typing import TYPE_CHECKING

from rnncli.cli import console, data_input, engine
from rnncli.config.sections import Compute
from rnncli.diagnostics import permutation_importance
from rnncli.errors import about
from rnncli.model.weights_file import decode

if TYPE_CHECKING:
    from rnncli.config.sections import Columns
    from rnncli.model.card_file import ModelFile
    from rnncli.model.model import Model
    from rnncli.panel import Panel

BAR, MAX_WIDTH = "█", 30


def show(model_file: "ModelFile", data: str, columns: "Columns", format: str | None) -> None:
    """Show the importance of each input of a model file."""
    model = decode(model_file)
    with about(data):
        panel = data_input.read_panel_for_model(model.card, data, columns, format)
    show_model(model, panel, data)


def show_model(model: "Model", panel: "Panel", data: str) -> None:
    """Show by how much the error grows if one input is shuffled between windows, the largest effect first."""
    with about(data):
        where = engine.device_of(model, permutation_importance.MAX_WINDOWS, Compute(engine="torch"))
        count = sum(1 for _ in permutation_importance.input_parts(model))
        measured = permutation_importance.importances(model, panel, where)
        tracked = console.track(measured, "shuffling", count, lambda _effect: 1)
        effects = sorted(tracked, key=lambda effect: -effect.increase)
    largest = max(1e-9, *(effect.increase for effect in effects))
    rows = [
        [
            effect.part,
            effect.kind,
            f"{100 * effect.increase:+.1f} %",
            BAR * round(MAX_WIDTH * effect.increase / largest),
        ]
        for effect in effects
    ]
    title = "permutation importance: increase of the error if an input is shuffled between windows"
    console.show_table(["input", "kind", "error", ""], rows, title=title)
