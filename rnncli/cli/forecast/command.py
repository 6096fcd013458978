"""rnncli forecast: the steps that follow each series."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from rnncli.cli import completion, console, data_input, run_control, run_report
from rnncli.cli import dry_run as rehearsal
from rnncli.cli import text_plot as pictures
from rnncli.cli.evaluate import request
from rnncli.cli.figures import style
from rnncli.cli.forecast import inputs, state_file, stream
from rnncli.cli.forecast.inputs import Sources
from rnncli.cli.options import Asked, configured
from rnncli.config.sections import Config, Forecasting
from rnncli.errors import RequestError, about
from rnncli.files import atomic
from rnncli.files.paths import STANDARD_STREAM, is_standard_stream
from rnncli.tables import formats

if TYPE_CHECKING:
    import numpy as np

    from rnncli.model.card import Card
    from rnncli.model.model import Forecast, Model
    from rnncli.panel import Cutoffs, Panel

    Made = tuple[Cutoffs, Forecast, np.ndarray | None]

SHOWN = 24  # rows of a table on a terminal


class Target(NamedTuple):
    """Where the forecasts go."""

    output: str
    format: str | None
    template: Path | None  # a table to be filled in is wanted in their place
    plot: Path | None  # a picture of them
    follow: bool  # again and again
    dry: bool  # nowhere: it is only said what would be done


@configured("columns", "forecast", "compute", "freshness", without=("memory",))
def forecast(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that rnncli train wrote.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="The table to continue, or - for standard input.")],
    asked: Asked,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where the forecast goes.")
    ] = STANDARD_STREAM,
    future: Annotated[
        str | None, typer.Option(metavar="FILE", help="A table with what is known in advance of the steps to come.")
    ] = None,
    future_template: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write that table, to be filled in, and forecast nothing.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep what is needed of the past here, so that DATA holds new rows alone."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Forecast again as each step completes, for as long as rows come.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be forecast and written, and what it takes; write nothing."),
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(request.OUTPUT_FORMATS),
            help="Its form. [default: by the file's name, CSV in a pipe]",
            autocompletion=completion.among(request.OUTPUT_FORMATS),
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the first series and forecasts: .png, .svg or .pdf.")
    ] = None,
) -> None:
    """The steps that follow each series, with intervals.

    Series that the model never saw are forecast too. On a terminal a table is shown; a pipe gets CSV.
    """
    from rnncli.model import card_file

    whole = card_file.read_model_file(model)
    card = whole.card
    config = asked.over(Config(columns=card.config.columns, forecast=card.config.forecast))
    sources = Sources(model, data, future, state)
    target = Target(output, format, future_template, plot, follow, dry_run)
    _check_request(sources, card, config, target)
    if follow:
        stream.check(card, config, format, output)
    else:
        _kind(target)
    # The heavy imports wait until wrong requests are answered.
    from rnncli.model.model import restored

    fitted = restored(whole)
    with run_control.locked_file(state, config.run.lock_wait, dry_run):
        if follow:
            stream.follow(fitted, sources, data_input.columns_for_model(card, config.columns), format, config)
        else:
            _once(fitted, sources, target, config)


def _once(fitted: "Model", sources: Sources, target: Target, config: Config) -> None:
    """Forecast what follows the table as it is."""
    card = fitted.card
    panel, kept = inputs.read(sources, data_input.columns_for_model(card, config.columns), card)
    with about(sources.data):
        panel = data_input.apply_freshness(panel, config.freshness)
    if target.template is not None:
        if target.dry:
            rehearsal.results(sources, target, "the table to be filled in", None, config.run)
        else:
            _write_template(panel, card, target.template)
        return
    ends, kind = inputs.ends(panel, card, sources, config), _kind(target)
    made = _forecasts(fitted, panel, ends, config)
    if target.dry:
        with about(sources.data):
            rehearsal.forecast(panel, ends, made)
        rehearsal.results(sources, target, f"the forecasts as {kind}", kept, config.run)
        return
    if target.plot is not None:
        made = _drawn(target.plot, panel, made, config.forecast)
    with state_file.committed(sources.state, kept), about(sources.data), console.timed("forecasting"):
        if kind == "table":
            _show(panel, next(made), config.forecast, len(ends.series) * card.horizon)
        else:
            _write(panel, made, config.forecast, target.output, kind)


def _check_request(sources: Sources, card: "Card", config: Config, target: Target) -> None:
    """Raise RequestError for what does not go together, or cannot be written."""
    if (sources.future or target.template) and not any(one.role == "known" for one in card.inputs):
        raise RequestError("the model takes nothing that is known in advance (train with --known), and so no --future")
    if sources.future == sources.data == STANDARD_STREAM:
        raise RequestError("DATA and --future cannot both come from standard input. Name a file for one")
    if target.template is not None and (not is_standard_stream(target.output) or target.format or target.plot):
        raise RequestError("--future-template forecasts nothing: leave out --output, --format and --plot")
    if target.follow and target.dry:
        raise RequestError("--dry-run reads the table to its end, and that of --follow has none. Leave out one")
    carries = any(member.architecture.bptt is not None for member in card.members)
    if carries and (sources.state or target.follow):
        raise RequestError(
            f"{sources.model} reads each series from its beginning (train --bptt), and cannot go on from its end: "
            "leave out --state and --follow"
        )
    if not card.context and (sources.state or target.follow):
        raise RequestError(
            f"{sources.model} looks at nothing of the past (train --context 0), of which there is nothing to keep: "
            "leave out --state and --follow"
        )
    made = {"--resample": config.columns.resample, "--fill-gaps": config.columns.fill_gaps not in (None, "mask")}
    way = next((option for option, said in made.items() if said), None)
    if way and (sources.state or target.follow):
        raise RequestError(
            f"{way} makes steps of rows that lie side by side, which rows that come in portions do not: leave out "
            "--state and --follow, or bring the rows onto the clock before"
        )
    if sources.state is not None and config.freshness.as_of is not None:
        raise RequestError("--as-of leaves rows out, which --state is to keep. Leave out one")
    if sources.state is None and config.run.lock is None and config.run.lock_wait is not None:
        raise RequestError(run_control.NO_LOCK)
    read = [Path(one) for one in sources if one]
    written = target.output, target.template, target.plot, sources.state
    run_report.check_destinations((sources.model, sources.data, sources.future), written)
    style.check(target.plot, *read)
    if not is_standard_stream(path := target.template or target.output):
        atomic.check_table(Path(path), *read)


def _write(panel: "Panel", made: Iterator["Made"], asked: Forecasting, output: str, kind: str) -> None:
    """The forecasts to where they go, as they come."""
    from rnncli.panel.export.forecast_table import to_frame
    from rnncli.tables import writing

    texts = not formats.is_binary(kind)
    writing.write((to_frame(panel, *one, asked, texts) for one in made), output, kind)


def _show(panel: "Panel", made: "Made", asked: Forecasting, count: int) -> None:
    """The first series as a picture, and the first of all `count` rows."""
    from rnncli.panel.export.forecast_table import to_frame

    cutoffs, forecast, _ = made
    _plot(panel, cutoffs, forecast)
    table = to_frame(panel, *made, asked, text_times=True)
    rows = [[console.format_value(value) for value in row] for row in table.head(SHOWN).itertuples(index=False)]
    more = f"{count - SHOWN} more rows; --output FILE writes them all" if count > SHOWN else ""
    console.show_table([name.replace("rnncli-", "") for name in table.columns], rows, caption=more)


def _kind(target: Target) -> str:
    """The format to write."""
    kind = request.kind(target.format)
    if is_standard_stream(target.output):
        return kind
    if target.format == "table":
        raise RequestError("--format table is for a terminal. Leave out --output, or give another form")
    return formats.output_format(Path(target.output)) if target.format in (None, "auto") else kind


def _write_template(panel: "Panel", card: "Card", path: Path) -> None:
    from rnncli.panel import known_future
    from rnncli.tables import writing

    kind = formats.output_format(path)
    places = known_future.ends(panel, unbegun=not card.context)
    laid_out = known_future.template(panel, places, card.horizon, text_times=not formats.is_binary(kind))
    writing.write(laid_out, str(path), kind)
    console.note(
        f"wrote {path}: fill in what is known of {card.horizon} steps of {len(panel.ids)} series, for --future"
    )


def _forecasts(model: "Model", panel: "Panel", ends: "Cutoffs", config: Config) -> Iterator["Made"]:
    """What follows the ends of the series, some of them at a time, with futures (N, H, K, count) if asked for."""
    import numpy as np

    from rnncli.model.model import Forecast
    from rnncli.network import device, quantile_head
    from rnncli.panel.export.forecast_table import levels

    asked, card = config.forecast, model.card
    place = device.prepare(
        config.compute.device, device.work_per_forecast(card.architectures, panel.targets, len(panel.ids))
    )
    run_report.add_facts(device=str(place.device), forecast_rows=len(ends.series) * card.horizon)
    model = replace(model, corrected=asked.conformal)
    wanted = levels(asked)
    needed = np.union1d(wanted, quantile_head.LEVELS) if asked.samples else wanted
    for some, made in model.stream(panel, ends, needed, place.device, asked.point):
        paths = (
            model.paths(made.quantiles[..., np.isin(needed, quantile_head.LEVELS)], asked.samples)
            if asked.samples
            else None
        )
        yield some, Forecast(made.point, made.quantiles[..., np.isin(needed, wanted)]), paths


def _drawn(path: Path, panel: "Panel", made: Iterator["Made"], asked: Forecasting) -> Iterator["Made"]:
    """The same forecasts, once the first of them are in a figure."""
    from rnncli.cli.figures import forecast as forecasts

    first = next(made)
    forecasts.draw(path, panel, first[0], first[1], asked)
    yield first
    yield from made


def _plot(panel: "Panel", cutoffs: "Cutoffs", forecast: "Forecast") -> None:
    """The first series with its forecast and the widest interval."""
    number, horizon = int(cutoffs.series[0]), forecast.point.shape[1]
    rows = int(cutoffs.rows[0])
    past = panel.series(number)[max(0, rows - 3 * horizon) : rows, 0]
    name = str(panel.ids[number]) or panel.summary.roles.targets[0]
    lines = [forecast.quantiles[0, :, 0, 0], forecast.point[0, :, 0], forecast.quantiles[0, :, 0, -1]]
    title = (
        f"{name}: the last {len(past)} steps and the next {horizon}" if rows else f"{name}: the first {horizon} steps"
    )
    print(pictures.draw_forecast(title, past.tolist(), *(line.tolist() for line in lines)))
