"""rnncli evaluate: how good, against what a naive forecast would have done."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli import files, gates
from rnncli.cli import screen
from rnncli.cli.options import Asked, configured
from rnncli.config import MOST_STEPS, Config
from rnncli.errors import DataError, GateError, RequestError, about, did_you_mean

if TYPE_CHECKING:
    import torch

    from rnncli.card import Card
    from rnncli.comparison import Windows
    from rnncli.model import Model
    from rnncli.panel import Cutoffs, Panel
    from rnncli.panel.clock import Frequency

FORMATS = ("table", "csv", "tsv", "jsonl", "json")
METRICS_HELP = (
    "Which of MAE, MSE, RMSE, MASE, RMSSE, sMAPE, WQL, OWA, coverage, width, MSIS; the first is what methods are "
    "compared by. [default: MASE,MAE,RMSE,sMAPE,WQL,coverage]"
)


@configured("columns", "forecast", "compute", without=("quantiles", "samples"))
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that rnncli train wrote.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="A table with what happened, or - for standard input.")],
    asked: Asked,
    windows: Annotated[int, typer.Option(metavar="N", help="How many windows of each series are scored.")] = 1,
    step: Annotated[
        str | None, typer.Option(metavar="N", help="Steps, or a duration, from one window to the next; else a horizon.")
    ] = None,
    refit: Annotated[
        str, typer.Option(metavar="never|every|N", help="Train anew on the rows before every window, or every N.")
    ] = "never",
    metrics: Annotated[str | None, typer.Option(metavar="NAME,...", help=METRICS_HELP)] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="horizon|series|window|COLUMN", help="Break the scores down: by a column's values, too."),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help=f"Exit with 6 where it holds: {gates.FORM}. May be repeated."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where every window's forecasts go.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each metric is.")] = False,
    format: Annotated[str | None, typer.Option(metavar="|".join(FORMATS), help="Form of the scores.")] = None,
) -> None:
    """How good, against what a naive forecast would have done.

    The ends of each series are held out and forecast from the rows before them.
    """
    from rnncli import card as cards

    card = cards.read(model)
    config = asked.over(Config(columns=card.config.columns, forecast=card.config.forecast))
    kind = _kind(format)
    if windows < 1:
        raise RequestError(f"--windows {windows} is none. Give at least 1")
    every = _every(refit)
    if output is not None:
        files.check_writable(output, Path(data), model)
    names = _names(metrics)
    wanted = _gates(fail_if or [], names, config.forecast.level, card.season)
    # The heavy imports wait until wrong requests are answered.
    from rnncli import backtest, device, tables
    from rnncli.cli import scores
    from rnncli.model import load
    from rnncli.panel import clock, from_frame

    horizon, percents = card.horizon, config.forecast.level
    fitted = load(model)
    fitted = fitted if config.forecast.conformal else fitted.without_correction()
    saved = None if output is None else scores.Forecasts(output, percents)
    with about(data):
        frame = tables.read(data)
        panel = from_frame(frame, config.columns, clock.parse(card.frequency))
        apart = horizon if step is None else _apart(step, clock.parse(card.frequency))
        fitting = max(0, int(panel.lengths.max()) - horizon) // apart + 1
        places = backtest.cutoffs(panel, horizon, min(windows, fitting), apart)
        if not len(places.rows):
            raise DataError(f"no series has the {horizon + 1} rows that a window of horizon {horizon} needs")
        grouping = scores.grouping(by, panel, frame, places, horizon)
        place = device.prepare(
            config.compute.device, device.work_per_forecast(card.members, panel.targets, len(places.rows))
        )
        lying = backtest.windows(panel, places, horizon, apart)
        models = _models(fitted, panel, places, lying, every, place.device)
        scoring = backtest.Scoring(card.season, percents, names, config.forecast.point)
        chunks = (chunk for one, some in models for chunk in backtest.walk(one, panel, some, scoring, place.device))
        kept = chunks if saved is None else saved.beside(panel, chunks)
        found = backtest.ledger(kept, scoring, by_step=by == "horizon")
    if every is None:
        _say_what_was_scored(card, panel, places, windows * len(panel.ids))
    report = scores.report(found, backtest.windows(panel, found.places, horizon, apart), grouping)
    if saved is not None:
        saved.write()
    scores.show(report, kind)
    if explain:
        scores.explain(names)
    reasons = [why for gate in wanted if (why := gates.broken(gate, report.scores["rnncli"], report.sentences))]
    if reasons:
        raise GateError("; ".join(reasons))


def _models(
    fitted: "Model", panel: "Panel", places: "Cutoffs", lying: "Windows", every: int | None, device: "torch.device"
) -> Iterator[tuple["Model", "Cutoffs"]]:
    """Which model forecasts from which places."""
    if every is None:
        yield fitted, places
        return
    from rnncli import rolling
    from rnncli.device import free_cores

    with screen.progress() as report:
        yield from rolling.refitted(fitted, panel, places, lying, every, device, free_cores(), report)


def _kind(asked: str | None) -> str:
    """The form to show the scores in."""
    kind = asked or ("table" if sys.stdout.isatty() else "csv")
    if kind not in FORMATS:
        raise RequestError(f'--format "{kind}" is none of {", ".join(FORMATS)}')
    return kind


def _every(asked: str) -> int | None:
    """Windows from one training to the next, or None for no training at all."""
    if asked == "never":
        return None
    if asked == "every":
        return 1
    if not asked.isdecimal() or int(asked) < 1:
        raise RequestError(f'--refit "{asked}" is none of never, every, or a number of windows such as 5')
    return int(asked)


def _names(asked: str | None) -> list[str]:
    """The metrics asked for, by their own names."""
    from rnncli.metrics import INTERVALS, METRICS, OWA, USUAL

    if asked is None:
        return list(USUAL)
    known = {name.lower(): name for name in (*METRICS, OWA, *INTERVALS)}
    wanted = [name.strip() for name in asked.split(",") if name.strip()]
    unknown = [name for name in wanted if name.lower() not in known]
    if unknown or not wanted:
        wrong, every = unknown[0] if unknown else asked, list(known.values())
        raise RequestError(f'--metrics "{wrong}" is none of {", ".join(every)}.{did_you_mean(wrong, every)}')
    return list(dict.fromkeys(known[name.lower()] for name in wanted))


def _gates(asked: list[str], names: list[str], percents: tuple[float, ...], season: int) -> list[gates.Gate]:
    """What was asked to hold; a metric that it takes and that was not asked for is added to the names."""
    from rnncli.baselines import BASELINES
    from rnncli.metrics import INTERVALS, METRICS, OWA, columns

    every = [*METRICS, OWA, *INTERVALS]
    methods = [name for name in BASELINES if name != "SeasonalNaive" or season > 1]
    wanted = [gates.parse(text, columns(every, percents), methods) for text in asked]
    for gate in wanted:
        if isinstance(gate, gates.Score):
            name = gate.metric.split("-")[0]
            names += [name] if name not in names else []
        elif not set(names) & set(METRICS):
            raise RequestError(f'--fail-if "{gate.text}" needs one of {", ".join(METRICS)} among the --metrics')
    return wanted


def _apart(step: str, frequency: "Frequency") -> int:
    """Rows from one window to the next."""
    from rnncli.panel import clock

    try:
        rows = int(step) if step.strip().isdecimal() else clock.steps_in(step, frequency)
    except RequestError as error:
        raise RequestError(f'--step "{step}": {error}') from error
    if not 1 <= rows <= MOST_STEPS:
        raise RequestError(f"--step {step} is {rows} steps. Give at least 1, and at most {MOST_STEPS}")
    return rows


def _say_what_was_scored(card: "Card", panel: "Panel", places: "Cutoffs", asked: int) -> None:
    """How many windows, and whether the network may have been trained on them."""
    horizon, seen, held_out = card.horizon, card.seen, card.validation.held_out
    first = panel.earliest(places)
    count = str(asked) if asked == len(places.rows) else f"{len(places.rows)} of {asked}"
    windows = "window" if asked == 1 else "windows"
    screen.note(f"scored: {count} {windows} of {horizon} steps, the earliest from {first}; season {card.season}")
    same = [len(panel.ids), panel.found.rows, *panel.span()] == [seen.series, seen.rows, seen.first, seen.last]
    back = int((panel.lengths[places.series] - places.rows).max())
    if same and back <= held_out and not card.validation.refitted:
        screen.note("the networks were never trained on these rows; they chose which to keep, and when to stop")
    elif same or not _after(first, seen.last):
        screen.warn(
            f"the networks were trained on rows up to {seen.last}, these among them: scores on newer rows will be "
            "worse. The honest ones of rows held out are in the model file: rnncli inspect"
        )
    else:
        screen.note("all of these rows are newer than what the networks were trained on")


def _after(time: str, other: str) -> bool:
    """Whether one time, as text, is later than another."""
    import pandas as pd

    try:
        if other.lstrip("-").isdecimal():
            return int(time) > int(other)
        return bool(pd.Timestamp(time).tz_localize(None) > pd.Timestamp(other).tz_localize(None))
    except ValueError:  # another kind of clock, or a card that was tampered with
        return False
