"""rnncli evaluate: how good, against what a naive forecast would have done."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from rnncli.cli import completion, console, data_input, run_report
from rnncli.cli.conflicts import forbid
from rnncli.cli.evaluate import request
from rnncli.cli.options import Settings, configured
from rnncli.cli.output import OUTPUT_FORMATS, output_format
from rnncli.config.cells import CellName
from rnncli.config.sections import Columns, Config
from rnncli.errors import GateError, ModelFileError, RequestError, about
from rnncli.evaluation import conditions
from rnncli.tables.formats import format_by_suffix

if TYPE_CHECKING:
    import torch

    from rnncli.cli.evaluate.report import Report
    from rnncli.evaluation.backtest import Chunk, Scoring
    from rnncli.evaluation.significance import Windows
    from rnncli.model.card import Card
    from rnncli.model.model import Model
    from rnncli.panel import Cutoffs, Panel

METRICS_HELP = (
    "Which of MAE, MSE, RMSE, MASE, RMSSE, sMAPE, WQL, OWA, coverage, width, MSIS; the first is what methods are "
    "compared by. [default: MASE,MAE,RMSE,sMAPE,WQL,coverage; with --compare MASE,coverage]"
)
NOT_OF_ARCHIVES = (
    *(f"--{name}" for name in Columns.network_inputs()),
    *("--point", "--conformal", "--no-conformal", "--device"),
)


@configured(
    *("columns", "network", "training", "forecast", "compute"),
    without=("cell", "refit", "quantiles", "samples", "on_drift", "memory"),
)
def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A model file; or forecasts made earlier, a table or a folder. Not with --compare."
        ),
    ],
    settings: Settings,
    data: Annotated[
        str | None, typer.Argument(metavar="DATA", help="A table with what happened, or - for standard input.")
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help=f"In place of MODEL: train one of each of these cells ({', '.join(get_args(CellName))}) on the rows "
            "before the windows, with the options of train.",
            autocompletion=completion.among(get_args(CellName), several=True),
        ),
    ] = None,
    windows: Annotated[int, typer.Option(metavar="N", help="How many windows of each series are scored.")] = 1,
    step: Annotated[
        str | None, typer.Option(metavar="N", help="Steps, or a duration, from one window to the next; else a horizon.")
    ] = None,
    refit: Annotated[
        str,
        typer.Option(
            metavar="never|every|N",
            help="Train anew on the rows before every window, or every N.",
            autocompletion=completion.among(("never", "every")),
        ),
    ] = "never",
    metrics: Annotated[
        str | None, typer.Option(metavar="NAME,...", help=METRICS_HELP, autocompletion=completion.metrics)
    ] = None,
    baselines: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Compare with AutoETS, AutoTheta, AutoARIMA too (the extra baselines)."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="horizon|series|window|week|COLUMN",
            help="Break the scores down, also by a column.",
            autocompletion=completion.columns(several=False, besides=("horizon", "series", "window", "week")),
        ),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help=f"Exit with 6 where it holds: {conditions.FORM}. May be repeated."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where every window's forecasts go.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="The model that made these forecasts: what its backtest was."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each metric is.")] = False,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(OUTPUT_FORMATS),
            help="Form of the scores.",
            autocompletion=completion.among(OUTPUT_FORMATS),
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the errors along the horizon, and the coverage: .png, .svg or .pdf."),
    ] = None,
) -> None:
    """How good, against what a naive forecast would have done.

    The ends of each series are held out and forecast from the rows before them. Given forecasts made earlier in place
    of a model, as cron may have archived them, those are scored; with --compare several cells, each trained alike.
    """
    run_report.check_destinations((model, data, reference), (output, plot))
    others = request.automatic(baselines)
    wished = request.Wishes(output_format(format), request.names(metrics), by, fail_if or [], explain, others)
    if compare is not None:
        refused = {
            "MODEL beside DATA": data,
            "--refit": refit != "never",
            "--reference": reference,
            "--fail-if": fail_if,
        }
        forbid(refused, "--compare trains its models itself")
        from rnncli.cli.evaluate import compare_cells as comparing

        comparing.compare(
            request.cells(compare), model, settings, wished, request.Rolling(windows, step, None, output, plot)
        )
        return
    forbid(settings.given_options("network", "training"), "it is for training: with --compare, or rnncli train")
    if data is None:
        raise RequestError("evaluate takes MODEL and DATA, or --compare NAMES and DATA. See rnncli evaluate --help")
    source = Path(model)
    if source.is_dir() or format_by_suffix(source):
        refused = {"--windows": windows != 1, "--step": step, "--refit": refit != "never", "--output": output}
        said = [
            option for option in settings.given_options("columns", "forecast", "compute") if option in NOT_OF_ARCHIVES
        ]
        forbid(refused | dict.fromkeys(said, True), "forecasts made earlier are scored as they were made")
        _evaluate_archive(source, data, settings, reference, wished, request.Rolling(1, None, None, None, plot))
        return
    forbid({"--reference": reference}, "it is for forecasts made earlier")
    _evaluate_model(source, data, settings, wished, request.Rolling(windows, step, request.every(refit), output, plot))


def _evaluate_model(
    model: Path, data: str, settings: Settings, wished: request.Wishes, rolling: request.Rolling
) -> None:
    """Forecast windows of the data and score them."""
    from rnncli.model import card_file

    whole = card_file.read_model_file(model)
    card = whole.card
    config = settings.applied_to(Config(columns=card.config.columns, forecast=card.config.forecast))
    rolling.check(Path(data), model)
    percents = config.forecast.level
    names, wanted = request.gated(wished, percents, card.season)
    # The heavy imports wait until wrong requests are answered.
    from rnncli.cli.evaluate import report as scores
    from rnncli.evaluation import backtest
    from rnncli.model.weights_file import decode
    from rnncli.network import device
    from rnncli.panel.time import frequency

    horizon, fitted = card.horizon, replace(decode(whole), corrected=config.forecast.conformal)
    saved = None if rolling.output is None else scores.Forecasts(rolling.output, percents)
    with about(data):
        columns = data_input.columns_for_model(card, config.columns, weighed=rolling.every is not None)
        frame = data_input.read_table(data, columns)
        panel = data_input.build_panel(frame, columns, data_input.expected(card))
        apart = horizon if rolling.step is None else request.apart(rolling.step, frequency.parse(card.frequency))
        places = backtest.newest(panel, horizon, rolling.windows, apart)
        scores.grouping(wished.by, panel, frame, places, horizon)  # what is wrong with it is said at once
        work = device.work_per_forecast(card.architectures, panel.targets, len(places.rows))
        where = device.prepare(config.compute.device, work).device
        cores = device.free_cores()
        scoring = backtest.Scoring(card.season, percents, names, config.forecast.point, wished.automatic, cores)
        lying = backtest.windows(panel, places, horizon, apart)
        chunks = _chunks(fitted, panel, places, lying, rolling.every, scoring, where)
        kept = chunks if saved is None else saved.beside(panel, chunks)
        found = backtest.ledger(kept, scoring, by_step=wished.by == "horizon" or rolling.plot is not None)
        grouping = scores.grouping(wished.by, panel, frame, found.places, horizon)
    if rolling.every is None:
        _say_what_was_scored(card, panel, places, rolling.windows * len(panel.ids))
    report = scores.report(found, backtest.windows(panel, found.places, horizon, apart), grouping)
    scores.hand_out(report, found, wished, rolling, saved, panel.frequency.name)
    _pass(wanted, report)


def _chunks(
    fitted: "Model",
    panel: "Panel",
    places: "Cutoffs",
    lying: "Windows",
    every: int | None,
    scoring: "Scoring",
    device: "torch.device",
) -> Iterator["Chunk"]:
    """The windows with every method's forecasts: by the model, or by what is trained anew before every few of them."""
    from rnncli.evaluation import backtest

    if every is None:
        chunks = backtest.walk(fitted, panel, places, scoring, device)
        yield from console.track(chunks, "windows", len(places.rows), lambda chunk: len(chunk.places.rows))
        return
    from rnncli.training import refit_backtest

    of = -(-(int(lying.back.max()) + 1) // every)
    with console.progress() as report:
        trained = refit_backtest.refit_models(fitted, panel, places, lying, every, device, report)
        for number, (model, some) in enumerate(trained, 1):
            console.note(f"trained anew, {number} of {of}: on the rows before {panel.earliest(some)}")
            yield from backtest.walk(model, panel, some, scoring, device)


def _evaluate_archive(
    source: Path,
    data: str,
    settings: Settings,
    reference: Path | None,
    wished: request.Wishes,
    rolling: request.Rolling,
) -> None:
    """Score forecasts made earlier."""
    from rnncli.model import card_file

    if data.endswith(".rnn"):
        raise ModelFileError(f"{source} is named like a table. MODEL comes before DATA")
    card = None if reference is None else card_file.read_card(reference)
    config = settings.applied_to(Config(columns=card.config.columns) if card else Config())
    if card is None and any(text.strip().lower() == conditions.DRIFT for text in wished.fail_if):
        raise RequestError("--fail-if drift needs the model whose backtest to compare with: --reference MODEL")
    rolling.check(Path(data), source)
    # The heavy imports wait until wrong requests are answered.
    from rnncli.cli.evaluate import report as scores
    from rnncli.cli.evaluate import saved_forecasts

    percents = config.forecast.level if settings.is_set("forecast", "level") else None
    scored = saved_forecasts.score(
        source, data, saved_forecasts.Request(config, percents, card, rolling.plot is not None), wished
    )
    report = scored.report
    wanted = [conditions.parse(text, report.columns, list(report.differences)) for text in wished.fail_if]
    scores.hand_out(report, scored.found, wished, rolling, None, scored.step)
    _pass(wanted, report, scored.drift)


def _pass(wanted: list[conditions.Gate], report: "Report", drift: str | None = None) -> None:
    """Raise GateError where a gate says no."""
    found = (conditions.broken(gate, report.scores[report.own], report.differences, drift) for gate in wanted)
    if reasons := [reason for reason in found if reason]:
        raise GateError("; ".join(reasons))


def _say_what_was_scored(card: "Card", panel: "Panel", places: "Cutoffs", asked: int) -> None:
    """How many windows, and whether the network may have been trained on them."""
    from rnncli.panel.time import formats

    horizon, seen, held_out = card.horizon, card.seen, card.validation.held_out
    first = panel.earliest(places)
    count = str(asked) if asked == len(places.rows) else f"{len(places.rows)} of {asked}"
    windows = "window" if asked == 1 else "windows"
    console.note(f"scored: {count} {windows} of {horizon} steps, the earliest from {first}; season {card.season}")
    same = [len(panel.ids), panel.summary.rows, *panel.span()] == [seen.series, seen.rows, seen.first, seen.last]
    back = int((panel.lengths[places.series] - places.rows).max())
    if same and back <= held_out and not card.validation.refitted:
        console.note("the networks were never trained on these rows; they chose which to keep, and when to stop")
    elif same or not formats.later(first, seen.last):
        console.warn(
            f"the networks were trained on rows up to {seen.last}, these among them: scores on newer rows will be "
            "worse. The honest ones of rows held out are in the model file: rnncli inspect"
        )
    else:
        console.note("all of these rows are newer than what the networks were trained on")
