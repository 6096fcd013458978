"""rnncli forecast: the steps that follow each series."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli import files
from rnncli.cli import plot, reading, screen
from rnncli.cli.options import Asked, configured
from rnncli.config import Config
from rnncli.errors import DataError, GateError, RequestError, about, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from rnncli.card import Card
    from rnncli.model import Forecast, Model
    from rnncli.panel import Cutoffs, Panel

SHOWN = 24  # rows of a table on a terminal


@configured("columns", "forecast", "compute")
def forecast(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that rnncli train wrote.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="The table to continue, or - for standard input.")],
    asked: Asked,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where the forecast goes.")] = "-",
    future: Annotated[
        str | None, typer.Option(metavar="FILE", help="A table with what is known in advance of the steps to come.")
    ] = None,
    future_template: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write that table, to be filled in, and forecast nothing.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(metavar="table|csv|tsv|parquet|jsonl", help="Its form; else by the file's name, CSV in a pipe."),
    ] = None,
) -> None:
    """The steps that follow each series, with intervals.

    Series that the model never saw are forecast too. On a terminal a table is shown; a pipe gets CSV.
    """
    from rnncli import card as cards

    card = cards.read(model)
    config = asked.over(Config(columns=card.config.columns, forecast=card.config.forecast))
    inputs = (Path(data), model, *([Path(future)] if future else []))
    if output != "-":
        files.check_writable(Path(output), *inputs)
    if (future or future_template) and not any(one.role == "known" for one in card.inputs):
        raise RequestError("the model takes nothing that is known in advance (train with --known), and so no --future")
    if future == "-" == data:
        raise RequestError("DATA and --future cannot both come from standard input. Name a file for one")
    if future_template is not None:
        files.check_writable(future_template, *inputs)
    # The heavy imports wait until wrong requests are answered.
    from rnncli import tables
    from rnncli.model import load
    from rnncli.panel.forecasts import to_frame

    kind = _kind(output, format)
    fitted = load(model)
    panel = _panel(data, future, config, card)
    if future_template is not None:
        _write_template(panel, card.horizon, future_template)
        return
    with about(future or data):
        _check_known(panel, card.horizon)
    _check_like_training(panel, card, config.forecast.on_drift)
    with about(data):
        cutoffs, made, paths = _forecast(fitted, panel, config)
    table = to_frame(panel, cutoffs, made, paths, config.forecast, text_times=kind != "parquet")
    if kind != "table":
        tables.write(table, output, kind)
        return
    _plot(panel, cutoffs, made)
    rows = [[screen.cell(value) for value in row] for row in table.head(SHOWN).itertuples(index=False)]
    more = f"{len(table) - SHOWN} more rows; --output FILE writes them all" if len(table) > SHOWN else ""
    screen.show_table([name.replace("rnncli-", "") for name in table.columns], rows, caption=more)


def _kind(output: str, asked: str | None) -> str:
    """The format to write."""
    from rnncli import tables

    if output == "-" and (asked == "table" or (asked is None and sys.stdout.isatty())):
        return "table"
    if output == "-" and asked == "parquet" and sys.stdout.isatty():
        raise RequestError("a terminal cannot show Parquet. Send it on with | or > or --output")
    if asked is not None and asked not in tables.WRITERS:
        known = ["table", *tables.WRITERS]
        raise RequestError(f'--format "{asked}" is none of {", ".join(known)}.{did_you_mean(asked, known)}')
    return asked or ("csv" if output == "-" else tables.kind_of(Path(output)))


def _panel(data: str, future: str | None, config: Config, card: "Card") -> "Panel":
    """The table to continue, with what is known of its future."""
    from rnncli.panel import Expected, clock
    from rnncli.panel.columns import find
    from rnncli.panel.future import joined

    expected = Expected(clock.parse(card.frequency), card.inputs)
    if future is None:
        with about(data):
            return reading.whole_panel(data, config.columns, expected)
    with about(data):
        frame = reading.table(data, config.columns)
        roles = find(frame, config.columns)
    with about(future):
        frame = joined(frame, reading.table(future, config.columns), roles, config.columns.dayfirst)
    with about(data):
        return reading.panel(frame, config.columns, expected)


def _write_template(panel: "Panel", horizon: int, path: Path) -> None:
    from rnncli import tables
    from rnncli.panel import future

    kind = tables.kind_of(path)
    tables.write(future.template(panel, horizon, text_times=kind != "parquet"), str(path), kind)
    screen.note(f"wrote {path}: fill in what is known of {horizon} steps of {len(panel.ids)} series, for --future")


def _check_known(panel: "Panel", horizon: int) -> None:
    """Raise DataError where what is known in advance does not reach as far as the forecast."""
    from rnncli.panel import future

    empty = future.forbid_lacking(panel, horizon)
    if empty:
        screen.warn(f"{empty} values known in advance are empty in the steps to come; they are masked")


def _check_like_training(panel: "Panel", card: "Card", on_drift: str) -> None:
    """Say what is not as it was in training. Raises GateError where that is asked for."""
    from rnncli import contract

    changes = contract.changes(card.seen, card.zone, panel, card.context) if on_drift != "ignore" else []
    if changes and on_drift == "fail":
        raise GateError(f"{'; '.join(changes)}. Mend the table, or forecast all the same with --on-drift warn")
    for change in changes:
        screen.warn(change)


def _forecast(model: "Model", panel: "Panel", config: Config) -> tuple["Cutoffs", "Forecast", "np.ndarray | None"]:
    """What follows the end of each series whose context holds a value, and futures (N, H, K, count) if asked for."""
    import numpy as np

    from rnncli import device
    from rnncli.model import Forecast
    from rnncli.panel import Cutoffs
    from rnncli.panel.forecasts import levels
    from rnncli.words import listed

    card = model.card
    place = device.prepare(config.compute.device, device.work_per_forecast(card.members, panel.targets, len(panel.ids)))
    ends = Cutoffs(np.arange(len(panel.ids)), panel.lengths)
    asked = config.forecast
    model = replace(model, corrected=asked.conformal)
    forecast = model.forecast(panel, ends, levels(asked), place.device, asked.point)
    if any(member.architecture.scale == "log" for member in card.members) and (panel.values <= 0).any():
        screen.warn(
            "the model takes logarithms, for all values it was trained on were positive; here are some that are not"
        )
    known = ~np.isnan(forecast.quantiles).any(axis=(1, 2, 3))
    if not known.any():
        raise DataError(f"no series has a value in its last {card.context} steps. There is nothing to forecast from")
    if not known.all():
        lost = listed([str(name) for name in panel.ids[~known]])
        screen.warn(
            f"no forecast for {int((~known).sum())} series without a value in the last {card.context} steps{lost}"
        )
    cutoffs = Cutoffs(ends.series[known], ends.rows[known])
    paths = model.paths(panel, cutoffs, asked.samples, place.device) if asked.samples else None
    return cutoffs, Forecast(forecast.point[known], forecast.quantiles[known]), paths


def _plot(panel: "Panel", cutoffs: "Cutoffs", forecast: "Forecast") -> None:
    """The first series with its forecast and the widest interval."""
    number, horizon = int(cutoffs.series[0]), forecast.point.shape[1]
    past = panel.series(number)[-3 * horizon :, 0]
    name = str(panel.ids[number]) or panel.found.roles.targets[0]
    lines = [forecast.quantiles[0, :, 0, 0], forecast.point[0, :, 0], forecast.quantiles[0, :, 0, -1]]
    title = f"{name}: the last {len(past)} steps and the next {horizon}"
    print(plot.draw(title, past.tolist(), *(line.tolist() for line in lines)))
