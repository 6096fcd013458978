"""The `evaluate` command: the accuracy of forecasts, compared with naive ones."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from rnncli.cli import completion, model_argument, pretrained, run_report
from rnncli.cli.conflicts import forbid
from rnncli.cli.evaluate import request
from rnncli.cli.evaluate.request import COMPARISON_METRICS, BacktestRequest, ScoreRequest
from rnncli.cli.options import configured
from rnncli.cli.output import OUTPUT_FORMATS, output_format
from rnncli.cli.settings import Settings
from rnncli.config.cells import CellName
from rnncli.errors import ModelFileError, RequestError
from rnncli.evaluation import conditions
from rnncli.evaluation.metrics import DEFAULT_METRICS, METRICS
from rnncli.tables.formats import format_by_suffix

METRICS_HELP = (
    f"Metrics: {', '.join(METRICS)}; methods are compared by the first. "
    f"[default: {','.join(DEFAULT_METRICS)}; with --compare {','.join(COMPARISON_METRICS)}]"
)
BREAKDOWNS = ("horizon", "series", "window", "week")
NOT_FOR_SAVED = (
    *("--known", "--past", "--static", "--categorical", "--weight", "--holidays"),
    *("--point", "--conformal", "--no-conformal", "--device"),
)


@configured(
    *("columns", "network", "training", "forecast", "compute"),
    advanced=("network", "training"),
    without=("cell", "refit", "quantiles", "samples", "on_drift", "memory", "engine"),
)
def evaluate(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] DATA",
            help="Model file, saved forecasts (a table or folder), or the word pretrained; and table with the actual "
            "values, or - for standard input. Only DATA with --compare.",
        ),
    ],
    settings: Settings,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help=f"Train and compare these cells instead of scoring MODEL: {', '.join(get_args(CellName))}.",
            autocompletion=completion.choices(get_args(CellName), multiple=True),
        ),
    ] = None,
    windows: Annotated[int, typer.Option(metavar="N", help="Number of windows of each series to score.")] = 1,
    step: Annotated[
        str | None,
        typer.Option(metavar="N", help="Steps, or a duration, from one window to the next. [default: the horizon]"),
    ] = None,
    refit: Annotated[
        str,
        typer.Option(
            metavar="never|every|N",
            help="Retrain before every window, or before every N windows.",
            autocompletion=completion.choices(("never", "every")),
        ),
    ] = "never",
    metrics: Annotated[
        str | None, typer.Option(metavar="NAME,...", help=METRICS_HELP, autocompletion=completion.metrics)
    ] = None,
    baselines: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Also score AutoETS, AutoTheta or AutoARIMA (needs rnncli[baselines])."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="|".join((*BREAKDOWNS, "COLUMN")),
            help="Break the scores down by horizon step, series, window, week, or a static column.",
            autocompletion=completion.columns(multiple=False, besides=BREAKDOWNS),
        ),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help=f"Exit with 6 if this holds: {conditions.FAIL_EXAMPLES}. Repeatable."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the forecasts of all windows.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="Model that produced the saved forecasts, to compare with its backtest."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Define each metric.")] = False,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(OUTPUT_FORMATS),
            help="Output format of the scores. [default: CSV in a pipe]",
            autocompletion=completion.choices(OUTPUT_FORMATS),
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Plot errors and coverage by horizon step: .png, .svg or .pdf."),
    ] = None,
) -> None:
    """Score a model on held-out windows, compared with baselines.

    Forecasts the last windows of each series from the rows before them. Instead of a model, saved forecasts can be
    scored, or several cells trained and compared (--compare).
    """
    run_report.check_destinations((*paths, reference), (output, plot))
    scores = ScoreRequest(
        output_format(format),
        request.parse_metrics(metrics),
        by,
        fail_if or [],
        explain,
        request.parse_baselines(baselines),
    )
    if compare is not None:
        not_here = {"MODEL with DATA": len(paths) > 1, "--refit": refit != "never", "--reference": reference}
        forbid(not_here | {"--fail-if": fail_if}, "--compare trains its own models")
        _compare_cells(compare, paths[0], settings, scores, BacktestRequest(windows, step, None, output, plot))
        return
    if len(paths) == 1 and not settings.is_set("network", "horizon"):
        raise RequestError("evaluate needs MODEL and DATA, or --compare NAMES and DATA. See rnncli evaluate --help")
    source, data = model_argument.split(paths, "evaluate")
    if source is None:
        forbid(
            pretrained.unsuitable_options(settings)
            | {"--refit": refit != "never", "--reference": reference is not None},
            "the pretrained network is not trained on the table",
        )
        _score_pretrained(data, settings, scores, BacktestRequest(windows, step, None, output, plot))
        return
    forbid(settings.given_options("network", "training"), "it is for training, with --compare or rnncli train")
    if source.is_dir() or format_by_suffix(source):
        unsuitable: dict[str, object] = {
            "--windows": windows != 1,
            "--step": step,
            "--refit": refit != "never",
            "--output": output,
        }
        given = settings.given_options("columns", "forecast", "compute")
        unsuitable |= {option: True for option in given if option in NOT_FOR_SAVED}
        forbid(unsuitable, "saved forecasts are scored as they are")
        _score_saved(source, data, settings, reference, scores, plot)
        return
    forbid({"--reference": reference}, "it is for saved forecasts")
    backtest = BacktestRequest(windows, step, request.parse_refit(refit), output, plot)
    _score_model(source, data, settings, scores, backtest)


# The heavy modules are imported after the checks: wrong requests are answered at once.


def _compare_cells(cells: str, data: str, settings: Settings, scores: ScoreRequest, backtest: BacktestRequest) -> None:
    """Train a model of each cell, and score all of them."""
    names = request.parse_cells(cells)
    config = settings.config()
    backtest.check(Path(data))
    from rnncli.cli.evaluate.compare_cells import compare_cells

    compare_cells(names, data, config, scores, backtest)


def _score_model(model: Path, data: str, settings: Settings, scores: ScoreRequest, backtest: BacktestRequest) -> None:
    """Score a model on windows of the data."""
    from rnncli.model.card_file import read_model_file

    model_file = read_model_file(model)
    card = model_file.card
    config = settings.config(card.config, "columns", "forecast")
    backtest.check(Path(data), model)
    metrics, parsed = request.metrics_and_conditions(scores, config.forecast.level, card.season)
    from rnncli.cli.evaluate.score_model import score_model
    from rnncli.model.weights_file import decode

    score_model(decode(model_file), data, config, scores._replace(metrics=metrics), backtest, parsed)


def _score_pretrained(data: str, settings: Settings, scores: ScoreRequest, backtest: BacktestRequest) -> None:
    """Score the pretrained network on windows of the data."""
    config = pretrained.config_of(settings, "evaluate")
    backtest.check(Path(data))
    from rnncli.cli.evaluate.score_model import score_pretrained

    score_pretrained(data, config, scores, backtest)


def _score_saved(
    source: Path, data: str, settings: Settings, reference: Path | None, scores: ScoreRequest, plot: Path | None
) -> None:
    """Score saved forecasts."""
    from rnncli.model.card_file import read_card

    if data.endswith(".rnn"):
        raise ModelFileError(f"{source}: the name is that of a table. MODEL must come before DATA")
    card = None if reference is None else read_card(reference)
    config = settings.config(card.config, "columns") if card else settings.config()
    if card is None and any(text.strip().lower() == conditions.DRIFT for text in scores.fail_if):
        raise RequestError("--fail-if drift needs the model that produced the forecasts. Name it with --reference")
    backtest = BacktestRequest(1, None, None, None, plot)
    backtest.check(Path(data), source)
    from rnncli.cli.evaluate.saved_forecasts import SavedRequest, score_saved

    percents = config.forecast.level if settings.is_set("forecast", "level") else None
    score_saved(SavedRequest(source, data, config, percents, card), scores, backtest)
