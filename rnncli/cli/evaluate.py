"""rnncli evaluate: how good, against what a naive forecast would have done."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli import screen
from rnncli.cli.options import Asked, configured
from rnncli.config import MOST_STEPS, Config
from rnncli.errors import DataError, RequestError, about, did_you_mean

if TYPE_CHECKING:
    from rnncli.card import Card
    from rnncli.panel import Cutoffs, Panel
    from rnncli.panel.clock import Frequency

FORMATS = ("table", "csv", "tsv", "jsonl")
METRICS_HELP = "Which of MAE, MSE, RMSE, MASE, RMSSE, sMAPE, WQL. [default: MAE,RMSE,MASE,sMAPE,WQL]"


@configured("columns", "forecast", "compute", without=("quantiles",))
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that rnncli train wrote.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="A table with what happened, or - for standard input.")],
    asked: Asked,
    windows: Annotated[int, typer.Option(metavar="N", help="How many windows of each series are scored.")] = 1,
    step: Annotated[
        str | None, typer.Option(metavar="N", help="Steps, or a duration, from one window to the next; else a horizon.")
    ] = None,
    metrics: Annotated[str | None, typer.Option(metavar="NAME,...", help=METRICS_HELP)] = None,
    format: Annotated[str | None, typer.Option(metavar="table|csv|tsv|jsonl", help="Form of the scores.")] = None,
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
    names = _names(metrics)
    # The heavy imports wait until wrong requests are answered.
    from rnncli import backtest, device, tables
    from rnncli.model import load
    from rnncli.panel import clock, from_frame

    horizon = card.horizon
    fitted = load(model)
    with about(data):
        panel = from_frame(tables.read(data), config.columns, clock.parse(card.frequency))
        apart = horizon if step is None else _apart(step, clock.parse(card.frequency))
        fitting = max(0, int(panel.lengths.max()) - horizon) // apart + 1
        places = backtest.cutoffs(panel, horizon, min(windows, fitting), apart)
        if not len(places.rows):
            raise DataError(f"no series has the {horizon + 1} rows that a window of horizon {horizon} needs")
        work = device.work_per_forecast(card.members, panel.targets, len(places.rows))
        place = device.prepare(config.compute.device, work)
        scores = backtest.table(fitted, panel, places, config.forecast.level, place.device, names)
    _say_what_was_scored(card, panel, places, windows * len(panel.ids))
    _show(scores, names, kind)


def _kind(asked: str | None) -> str:
    """The form to show the scores in."""
    kind = asked or ("table" if sys.stdout.isatty() else "csv")
    if kind not in FORMATS:
        raise RequestError(f'--format "{kind}" is none of {", ".join(FORMATS)}')
    return kind


def _names(asked: str | None) -> list[str]:
    """The metrics asked for, by their own names."""
    from rnncli.metrics import METRICS, USUAL

    if asked is None:
        return list(USUAL)
    known = {name.lower(): name for name in METRICS}
    wanted = [name.strip() for name in asked.split(",") if name.strip()]
    unknown = [name for name in wanted if name.lower() not in known]
    if unknown or not wanted:
        wrong = unknown[0] if unknown else asked
        raise RequestError(f'--metrics "{wrong}" is none of {", ".join(METRICS)}.{did_you_mean(wrong, list(METRICS))}')
    return list(dict.fromkeys(known[name.lower()] for name in wanted))


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


def _show(scores: dict[str, dict[str, float]], names: list[str], kind: str) -> None:
    if kind == "table":
        from rnncli import metrics

        header = ["model", *next(iter(scores.values()))]
        rows = [[name, *(screen.cell(value) for value in row.values())] for name, row in scores.items()]
        screen.show_table(header, rows)
        screen.notes([f"{name}: {text}" for name, text in metrics.definitions(names).items()])
        return
    import pandas as pd

    from rnncli import tables

    tables.write(pd.DataFrame([{"model": name} | row for name, row in scores.items()]), "-", kind)


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
