"""The `inspect` command: what a table, a model file or a state file contains. Imports torch only to run a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli import completion, model_argument, pretrained, run_report
from rnncli.cli.conflicts import forbid
from rnncli.cli.figures import style
from rnncli.cli.inspect import settings as settings_table
from rnncli.cli.options import configured
from rnncli.cli.settings import Settings
from rnncli.cli.train import resume
from rnncli.errors import RequestError
from rnncli.tables.formats import FORMATS

if TYPE_CHECKING:
    from rnncli.config.sections import Config


@configured("columns", "network", "training", advanced=("network", "training"))
def inspect(
    settings: Settings,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="Table, model file or state file, - for a table on stdin, or the word pretrained.",
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Argument(metavar="DATA", help="Table on which to run diagnostics of the model FILE.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(FORMATS),
            help="Format of the table. [default: from the file name]",
            autocompletion=completion.table_formats,
        ),
    ] = None,
    importance: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Measure permutation feature importance of the model on this table."),
    ] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Show every option of every command, and where its value comes from.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the options, the model card or the diagnostics as JSON.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Plot the training, with DATA also diagnostics: .png, .svg or .pdf."),
    ] = None,
) -> None:
    """Describe a table, a model or a state file.

    For a table: its series, gaps and seasons, and what training would choose. For a model and a table: diagnostics of
    the networks.
    """
    config = settings.config()  # a value that is not allowed is an error, whatever is shown
    if show_config:
        others = {"FILE": file, "--format": format, "--importance": importance, "--plot": plot}
        forbid(others, "--show-config shows options and reads no file")
        settings_table.show(settings, json)
        return
    if file is None:
        raise RequestError("FILE is missing: rnncli inspect FILE, or - for standard input")
    if Path(file).suffix == resume.SUFFIX and Path(file).is_dir():
        raise RequestError(f"{file}: this is an interrupted training, not a file. Continue it with train --resume")
    run_report.check_destinations((file, data, importance), (plot,))
    if importance is not None:
        if data is not None:
            raise RequestError("--importance names its table itself: rnncli inspect MODEL --importance DATA")
        forbid({"--plot": plot, "--json": json}, "--importance is only shown as a table")
    if file == model_argument.PRETRAINED and not Path(file).exists():
        _show_pretrained(data or importance, importance is not None, settings, format, json, plot)
        return
    if importance is not None or data is not None:
        forbid(settings.given_options("network", "training"), "the model is already trained")
    if importance is not None and model_argument.is_model_file(file):
        _show_importance(Path(file), importance, settings, format)
        return
    style.check(plot, Path(file), *([Path(data)] if data else []))
    if data is not None:
        _show_diagnostics(Path(file), data, settings, format, json, plot)
    elif format is None and model_argument.is_model_file(file):
        forbid(settings.given_options("columns", "network", "training"), "a model or state file is shown as it is")
        _show_model_or_state(Path(file), json, plot)
    else:
        only_models = {"--plot": plot, "--importance": importance, "--json": json}
        forbid(only_models, f"it needs a model file, and {file} is read as a table")
        _show_table(file, config, format)


# The heavy modules are imported after the checks: wrong requests are answered at once.


def _show_pretrained(
    data: str | None, importance: bool, settings: Settings, format: str | None, as_json: bool, plot: Path | None
) -> None:
    """Show the card of the pretrained network, or what its forecasts of a table rest on."""
    forbid({"--plot": plot}, "the pretrained network was not trained on this table, and has no learning curve")
    forbid(pretrained.unsuitable_options(settings), "the pretrained network is already trained")
    if data is None:
        from rnncli.cli.inspect import pretrained_network

        pretrained_network.show_card(as_json)
        return
    config = pretrained.config_of(settings, "inspect")
    from rnncli.cli.inspect import pretrained_network

    if importance:
        pretrained_network.show_importance(data, config, format)
    else:
        pretrained_network.show_basis(data, config, format, as_json)


def _show_table(source: str, config: "Config", format: str | None) -> None:
    """Show what a table contains. Raises RequestError if it is a model file."""
    if model_argument.is_safetensors(Path(source)):
        raise RequestError(f"--format is for tables, and {source} is not a table. Leave it out, or use --json")
    from rnncli.cli.inspect import table

    table.show(source, config, format)


def _show_model_or_state(path: Path, as_json: bool, plot: Path | None) -> None:
    """Show what a model file or a state file contains."""
    from rnncli.cli.inspect import model
    from rnncli.errors import StateFileError
    from rnncli.model.card_file import read_model_file

    try:
        model_file = read_model_file(path)
    except StateFileError:
        forbid({"--plot": plot, "--json": as_json}, f"it needs a model file, and {path} is a state file")
        model.show_state(path)
        return
    model.show(model_file, as_json, plot)


def _show_diagnostics(
    path: Path, data: str, settings: Settings, format: str | None, as_json: bool, plot: Path | None
) -> None:
    """Run diagnostics of the networks of a model on a table, and show them."""
    from rnncli.model.card_file import read_model_file

    model_file = read_model_file(path)
    if not model_file.card.context:
        raise RequestError(
            f"{path}: the model uses no history (train --context 0), so there is nothing to diagnose. "
            "Use --importance DATA"
        )
    config = settings.config(model_file.card.config, "columns")
    if not model_file.card.members:
        forbid({"--plot": plot}, "the model has no trained network, only the pretrained one")
        from rnncli.cli.inspect import pretrained_network

        pretrained_network.show_file_basis(model_file, data, config, format, as_json)
        return
    from rnncli.cli.inspect import diagnostics

    diagnostics.run(model_file, data, config.columns, format, as_json, plot)


def _show_importance(path: Path, data: str, settings: Settings, format: str | None) -> None:
    """Measure the permutation importance of the inputs of a model on a table, and show it."""
    from rnncli.model.card_file import read_model_file

    model_file = read_model_file(path)
    config = settings.config(model_file.card.config, "columns")
    from rnncli.cli.inspect import importance

    importance.show(model_file, data, config.columns, format)
