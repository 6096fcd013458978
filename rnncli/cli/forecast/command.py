"""The `forecast` command: the steps that follow each series."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli import completion, console, data_input, engine, model_argument, pretrained, run_control, run_report
from rnncli.cli.conflicts import forbid
from rnncli.cli.forecast import request, state_file
from rnncli.cli.forecast.inputs import forecast_cutoffs, read_inputs, read_untrained
from rnncli.cli.forecast.request import ForecastBatch, ForecastInputs, ForecastOutputs
from rnncli.cli.options import configured
from rnncli.cli.output import OUTPUT_FORMATS
from rnncli.cli.settings import Settings
from rnncli.errors import about
from rnncli.files.paths import STANDARD_STREAM
from rnncli.messages import counted
from rnncli.tables import formats

if TYPE_CHECKING:
    from rnncli.config.sections import Config, Forecasting
    from rnncli.model.card import Card
    from rnncli.model.forecast_state import ForecastState
    from rnncli.model.model import Model
    from rnncli.panel import Cutoffs, Panel

MAX_ROWS = 24  # of the table on a terminal


@configured(
    "columns", "network", "forecast", "compute", "freshness", without=("memory",), only={"network": pretrained.OPTIONS}
)
def forecast(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] DATA",
            help="Model file written by rnncli train, and table to forecast from, or - for standard input. Without a "
            "model, the pretrained network forecasts --horizon steps.",
        ),
    ],
    settings: Settings,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Output file, or - for standard output.")
    ] = STANDARD_STREAM,
    future: Annotated[
        str | None, typer.Option(metavar="FILE", help="Table with the known covariates of the forecast steps.")
    ] = None,
    future_template: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write an empty table for --future, and no forecast.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Store the needed history in this file, so that DATA needs only new rows."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Read a stream of rows; write a new forecast whenever a step completes.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would be written, and the time and memory; write nothing.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(OUTPUT_FORMATS),
            help="Output format. [default: from the file name; CSV in a pipe]",
            autocompletion=completion.choices(OUTPUT_FORMATS),
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Plot the first series and forecasts: .png, .svg or .pdf.")
    ] = None,
) -> None:
    """Forecast the steps that follow each series, with intervals.

    Series that were not in the training data are forecast too. Without a model, a pretrained network forecasts at once.
    """
    model, data = model_argument.split(paths, "forecast")
    inputs = ForecastInputs(model, data, future, state)
    outputs = ForecastOutputs(output, format, future_template, plot, follow, dry_run)
    if model is None:
        _run_pretrained(inputs, outputs, settings)
    else:
        forbid(settings.given_options("network"), "the model has its own horizon and season")
        _run(model, inputs, outputs, settings)


def _run_pretrained(inputs: ForecastInputs, outputs: ForecastOutputs, settings: Settings) -> None:
    """Check the request, and forecast with the pretrained network once or for as long as the stream lasts."""
    config = pretrained.config_of(settings, "forecast")
    request.check_pretrained(inputs, outputs, config)
    if outputs.follow:
        from rnncli.cli.forecast import stream

        stream.check_options(config, outputs)
    else:
        outputs.resolve_format()  # an unsuitable format is refused before the heavy imports
    columns = pretrained.columns(config.columns)
    with run_control.locked_file(inputs.state, config.run.lock_wait, outputs.dry_run):
        if outputs.follow:
            stream.follow_untrained(inputs, outputs, columns, config)
            return
        panel, state = read_untrained(inputs, columns, config)
        with about(inputs.data):
            panel = data_input.apply_freshness(panel, config.freshness)
            model = pretrained.model_of(panel, config)
        _forecast_panel(model, panel, state, inputs, outputs, config)


def _run(path: Path, inputs: ForecastInputs, outputs: ForecastOutputs, settings: Settings) -> None:
    """Check the request, load the model, and forecast once or for as long as the stream lasts."""
    from rnncli.model.card_file import read_model_file

    whole = read_model_file(path)
    card = whole.card
    config = settings.config(card.config, "columns", "forecast")
    request.check(inputs, outputs, card, config)
    if outputs.follow:
        from rnncli.cli.forecast import stream

        stream.check(card, config, outputs)
    else:
        outputs.resolve_format()  # an unsuitable format is refused before the heavy imports
    from rnncli.model.weights_file import decode

    model, columns = decode(whole), data_input.columns_for_model(card, config.columns)
    with run_control.locked_file(inputs.state, config.run.lock_wait, outputs.dry_run):
        if outputs.follow:
            stream.follow(model, inputs, outputs, columns, config)
        else:
            _forecast_table(model, inputs, outputs, config)


def _forecast_table(model: "Model", inputs: ForecastInputs, outputs: ForecastOutputs, config: "Config") -> None:
    """Forecast the table as it is now."""
    card = model.card
    panel, state = read_inputs(inputs, data_input.columns_for_model(card, config.columns), card)
    with about(inputs.data):
        panel = data_input.apply_freshness(panel, config.freshness)
    _forecast_panel(model, panel, state, inputs, outputs, config)


def _forecast_panel(
    model: "Model",
    panel: "Panel",
    state: "ForecastState | None",
    inputs: ForecastInputs,
    outputs: ForecastOutputs,
    config: "Config",
) -> None:
    """Write the forecast of a panel, the template of its future rows, or with --dry-run a report."""
    card = model.card
    if outputs.template is not None:
        if outputs.dry_run:
            from rnncli.cli.forecast.dry_run import report_files

            report_files(inputs, outputs, "the table to fill in", None, config.run)
        else:
            _write_template(panel, card, outputs.template)
        return
    cutoffs = forecast_cutoffs(panel, card, inputs, config)
    table_format = outputs.resolve_format()
    batches = _forecast_batches(model, panel, cutoffs, config)
    if outputs.dry_run:
        from rnncli.cli.forecast.dry_run import report_files, report_forecast

        with about(inputs.data):
            report_forecast(panel, cutoffs, batches)
        report_files(inputs, outputs, f"the forecast ({table_format})", state, config.run)
        return
    if outputs.plot is not None:
        batches = _plotted(outputs.plot, panel, batches, config.forecast)
    with state_file.committed(inputs.state, state), about(inputs.data), console.timed("forecasting"):
        if table_format == "table":
            _show(panel, next(batches), config.forecast, len(cutoffs.series) * card.horizon)
        else:
            _write(panel, batches, config.forecast, outputs.output, table_format)


def _forecast_batches(model: "Model", panel: "Panel", cutoffs: "Cutoffs", config: "Config") -> Iterator[ForecastBatch]:
    """Yield the forecasts of some series at a time, with sample paths if requested."""
    import numpy as np

    from rnncli.panel.export.forecast_table import levels
    from rnncli.panel.panel import Forecast

    forecasting, card = config.forecast, model.card
    where = engine.device_of(model, len(panel.ids), config.compute)
    run_report.add_facts(**engine.engine_facts(where), forecast_rows=len(cutoffs.series) * card.horizon)
    model = replace(model, corrected=forecasting.conformal)
    wanted = levels(forecasting)
    needed = np.union1d(wanted, model.levels) if forecasting.samples else wanted
    for batch_cutoffs, forecast in model.forecast_batches(panel, cutoffs, needed, where, forecasting.point):
        samples = None
        if forecasting.samples:
            trained = forecast.quantiles[..., np.isin(needed, model.levels)]
            samples = model.sample_paths(trained, forecasting.samples)
        quantiles = forecast.quantiles[..., np.isin(needed, wanted)]
        yield ForecastBatch(batch_cutoffs, Forecast(forecast.point, quantiles), samples)


def _write(
    panel: "Panel", batches: Iterator[ForecastBatch], forecasting: "Forecasting", output: str, table_format: str
) -> None:
    """Write the forecasts batch by batch."""
    from rnncli.panel.export.forecast_table import forecast_table
    from rnncli.tables import writing

    text_times = not formats.is_binary(table_format)
    writing.write((forecast_table(panel, *batch, forecasting, text_times) for batch in batches), output, table_format)


def _show(panel: "Panel", batch: ForecastBatch, forecasting: "Forecasting", count: int) -> None:
    """Show a plot of the first series, and the first of all `count` rows."""
    from rnncli.panel.export.forecast_table import forecast_table

    _plot_text(panel, batch)
    table = forecast_table(panel, *batch, forecasting, text_times=True)
    columns = [map(console.format_value, column.to_pylist()) for column in table.slice(0, MAX_ROWS).columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    caption = f"{count - MAX_ROWS} more rows; --output FILE writes all of them" if count > MAX_ROWS else ""
    console.show_table([name.replace("rnncli-", "") for name in table.column_names], rows, caption=caption)


def _plot_text(panel: "Panel", batch: ForecastBatch) -> None:
    """Print the first series with its point forecast and widest interval."""
    from rnncli.cli import text_plot

    forecast = batch.forecast
    series, horizon = int(batch.cutoffs.series[0]), forecast.point.shape[1]
    end = int(batch.cutoffs.rows[0])
    past = panel.series(series)[max(0, end - 3 * horizon) : end, 0]
    name = str(panel.ids[series]) or panel.summary.roles.targets[0]
    first = f"the first {counted(horizon, 'step')}"
    scope = f"the last {counted(len(past), 'step')} and the next {horizon}" if end else first
    curves = [forecast.quantiles[0, :, 0, 0], forecast.point[0, :, 0], forecast.quantiles[0, :, 0, -1]]
    print(text_plot.draw_forecast(f"{name}: {scope}", past.tolist(), *(curve.tolist() for curve in curves)))


def _plotted(
    path: Path, panel: "Panel", batches: Iterator[ForecastBatch], forecasting: "Forecasting"
) -> Iterator[ForecastBatch]:
    """Plot the first batch into a file; yield all batches."""
    from rnncli.cli.figures import forecast as figure

    first = next(batches)
    figure.draw(path, panel, first.cutoffs, first.forecast, forecasting)
    yield first
    yield from batches


def _write_template(panel: "Panel", card: "Card", path: Path) -> None:
    """Write a table of the forecast steps with empty known covariates."""
    from rnncli.panel import known_future
    from rnncli.panel.export.future_template import future_template
    from rnncli.tables import writing

    table_format = formats.output_format(path)
    cutoffs = known_future.ends(panel, from_first_row=not card.context)
    table = future_template(panel, cutoffs, card.horizon, text_times=not formats.is_binary(table_format))
    writing.write(table, str(path), table_format)
    size = f"{counted(card.horizon, 'step')} of {len(panel.ids)} series"
    console.note(f"wrote {path}: fill in the known covariates of {size} for --future")
