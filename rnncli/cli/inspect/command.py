"""rnncli inspect: what a table or a model file holds. Without torch, but for how well a model is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli import completion, console, data_input, descriptions, run_report
from rnncli.cli.conflicts import forbid
from rnncli.cli.figures import style
from rnncli.cli.inspect import model as cards
from rnncli.cli.inspect import settings as settings_table
from rnncli.cli.options import Settings, configured
from rnncli.cli.train import resume
from rnncli.config.sections import Config
from rnncli.errors import DataError, RequestError, StateFileError, about
from rnncli.tables.formats import FORMATS

if TYPE_CHECKING:
    import pandas as pd

    from rnncli.model.card_file import ModelFile
    from rnncli.model.model import Model
    from rnncli.panel import Panel

BAR, WIDTH = "█", 30


@configured("columns", "network", "training")
def inspect(
    settings: Settings,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="A table, a model file, or - for a table on stdin.")
    ] = None,
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="A table to examine the model FILE on: how well it is.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(FORMATS),
            help="What the table is, if its name does not tell.",
            autocompletion=completion.formats,
        ),
    ] = None,
    importance: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Measure on this table what the forecasts of the model FILE live on."),
    ] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Show every option of every command, and where its value comes from.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Give that, a model's card or what MODEL DATA found as JSON.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw a model's training, and with DATA its health: .png, .svg or .pdf."),
    ] = None,
) -> None:
    """What a table or a model file holds; of a model and a table, how well the model is.

    Of a table: its series, gaps and seasons, and what training on it would choose.
    """
    config = settings.applied_to(Config())
    if show_config:
        besides = {"FILE": file, "--format": format, "--importance": importance, "--plot": plot}
        forbid(besides, "--show-config shows options, and looks at no file")
        settings_table.show(settings, json)
        return
    if file is None:
        raise RequestError("what to look at is missing: rnncli inspect FILE, or - for standard input")
    if Path(file).suffix == resume.SUFFIX and Path(file).is_dir():
        raise RequestError(f"{file} is a training that is not done. train --resume goes on with it")
    run_report.check_destinations((file, data, importance), (plot,))
    if importance is not None:
        if data is not None:
            raise RequestError("--importance names its table itself: rnncli inspect MODEL --importance DATA")
        forbid({"--plot": plot, "--json": json}, "--importance is shown on the screen alone")
    if importance is not None or data is not None:
        forbid(settings.given_options("network", "training"), "the model was trained already")
    if importance is not None and _is_model(Path(file)):
        _show_importance(Path(file), importance, settings, format)
        return
    style.check(plot, Path(file), *([Path(data)] if data else []))
    if data is not None:
        _show_health(Path(file), data, settings, format, json, plot)
        return
    if format is None and _is_model(Path(file)):
        forbid(settings.given_options("columns", "network", "training"), "a model and a state are shown as they are")
        _show_sealed(Path(file), json, plot)
        return
    of_models = {"--plot": plot, "--importance": importance, "--json": json}
    forbid(of_models, f"it is of a model (rnncli inspect MODEL), and {file} is read as a table")
    if _is_safetensors(Path(file)):
        raise RequestError(f"--format says what a table is, and {file} is none. Leave it out; --json is for programs")
    with about(file):
        frame = data_input.read_table(file, config.columns, format)
        panel = data_input.build_panel(frame, config.columns, keep_first=True)
        _show_panel(file, panel)
        _show_hints(frame, panel)
        _show_choices(panel, config)


def _show_sealed(path: Path, as_json: bool, plot: Path | None) -> None:
    """What a model or a state holds."""
    from rnncli.model import card_file

    try:
        whole = card_file.read_model_file(path)
    except StateFileError:
        forbid({"--plot": plot, "--json": as_json}, f"it is of a model, and {path} is a state")
        cards.show_state(path)
        return
    cards.show(whole, as_json, plot)


def _is_model(path: Path) -> bool:
    """By its name, or by what it holds."""
    return path.suffix == ".rnn" or _is_safetensors(path)


def _is_safetensors(path: Path) -> bool:
    """By its head: a length of eight bytes, then so much JSON."""
    try:
        with path.open("rb") as stream:
            head = stream.read(10)
            return head[8:] == b'{"' and int.from_bytes(head[:8], "little") < path.stat().st_size  # no eight characters
    except OSError:
        return False


def _show_panel(source: str, panel: "Panel") -> None:
    from rnncli.messages import listed
    from rnncli.planning.seasonality import detected_seasons

    found, lengths = panel.summary, panel.lengths
    shortest = int(lengths.argmin())
    constant = panel.constant()
    seasons = [f"{season} steps (correlation {value:.2f})" for season, value in detected_seasons(panel).items()]
    first, last = panel.span()
    refused = ": train refuses them" if found.repeated else ""
    console.show_pairs(
        source,
        [
            ("series", f"{len(lengths)}, of {descriptions.length_words(panel)} steps"),
            ("shortest", f"{panel.called(shortest)}, {lengths[shortest]} steps"),
            ("rows", str(found.rows)),
            ("columns", descriptions.column_words(panel)),
            ("span", f"{first} to {last}"),
            ("frequency", descriptions.frequency_words(panel)),
            ("gaps", f"{found.absent} steps without a row"),
            ("missing", f"{found.missing} empty values"),
            ("duplicates", f"{found.repeated} rows with the series and time of another{refused}"),
            ("constant", f"{len(constant)} series{listed(constant)}"),
            ("empty", f"{len(found.empty)} series{listed(found.empty)}"),
            ("seasons", ", ".join(seasons) or "none seen"),
        ],
    )


def _for_model(whole: "ModelFile", data: str, settings: Settings, format: str | None) -> tuple["Model", "Panel"]:
    """A model, and a table as it takes it."""
    from rnncli.model.weights_file import decode

    card = whole.card
    columns = data_input.columns_for_model(card, settings.applied_to(Config(columns=card.config.columns)).columns)
    fitted = decode(whole)
    with about(data):
        return fitted, data_input.read_panel(data, columns, data_input.expected(card), format)


def _show_health(
    model: Path, data: str, settings: Settings, format: str | None, as_json: bool, plot: Path | None
) -> None:
    """How well the networks of a model are."""
    from rnncli.cli.inspect import diagnostics
    from rnncli.model import card_file

    whole = card_file.read_model_file(model)
    if not whole.card.context:
        raise RequestError(
            f"{model} reads nothing of the past (train --context 0), which health is about: --importance DATA tells "
            "what it goes by"
        )
    fitted, panel = _for_model(whole, data, settings, format)
    with about(data):
        found = diagnostics.examine(fitted, panel)
    if plot is not None:
        diagnostics.draw(plot, fitted.card, found[0])
    if as_json:
        print(diagnostics.as_json(fitted.card, [one.health for one in found]))
    else:
        diagnostics.show(fitted.card, [one.health for one in found])


def _show_importance(model: Path, data: str, settings: Settings, format: str | None) -> None:
    """How much worse the forecasts are with each part of what the model is told shuffled."""
    from rnncli.diagnostics import permutation_importance as shuffling
    from rnncli.model import card_file
    from rnncli.network import device

    fitted, panel = _for_model(card_file.read_model_file(model), data, settings, format)
    with about(data):
        work = device.work_per_forecast(fitted.card.architectures, panel.targets, shuffling.MOST_WINDOWS)
        place = device.prepare("auto", work)
        count = sum(1 for _ in shuffling.parts(fitted))
        measured = console.track(shuffling.effects(fitted, panel, place.device), "shuffling", count, lambda _effect: 1)
        found = sorted(measured, key=lambda effect: -effect.increase)
    most = max(1e-9, *(effect.increase for effect in found))
    rows = [
        [effect.part, effect.kind, f"{100 * effect.increase:+.1f} %", BAR * round(WIDTH * effect.increase / most)]
        for effect in found
    ]
    console.show_table(
        ["part", "kind", "error grows by", ""], rows, title="importance: each part shuffled between windows"
    )


def _show_hints(frame: "pd.DataFrame", panel: "Panel") -> None:
    """What the other columns might be; a warning for those that would give the target away."""
    from rnncli.panel.ingest.column_hints import UNDECIDED, hints

    found = hints(frame, panel.summary.roles)
    pairs = [(hint.column, hint.words) for hint in found if hint.kind not in ("leak", "undecided")]
    undecided = [hint.column for hint in found if hint.kind == "undecided"]
    pairs += [(UNDECIDED, ", ".join(undecided))] if undecided else []
    if pairs:
        console.show_pairs("other columns", pairs)
    for hint in found:
        if hint.kind == "leak":
            console.warn(f'"{hint.column}" {hint.words}')


def _show_choices(panel: "Panel", config: Config) -> None:
    from rnncli.planning import plan as choices
    from rnncli.planning.seasonality import detected_seasons

    network, guess = config.network, ""
    if network.horizon is None:
        horizon = min([*detected_seasons(panel), max(1, int(panel.lengths.max()) // 5)])
        network = network.model_copy(update={"horizon": horizon})
        guess = f" with --horizon {horizon}"
    try:
        plan = choices.make_plan(panel, network, config.training)
    except DataError as error:
        console.show_pairs("train would refuse", [("", str(error))])
        return
    console.show_pairs(f"train{guess} would choose", descriptions.with_reasons(plan.chosen, plan.reasons))
