"""forecast --follow: rows come down a pipe that goes on, and a forecast goes up for each step that completes."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console, data_input, run_report
from rnncli.cli.forecast import state_file
from rnncli.errors import DataError, RequestError, about
from rnncli.files import atomic
from rnncli.files.paths import STANDARD_STREAM, is_standard_stream
from rnncli.messages import counted
from rnncli.tables.assumptions import quietly, strictly
from rnncli.tables.formats import FORMATS
from rnncli.training.signals import deferred_signals

if TYPE_CHECKING:
    import pandas as pd

    from rnncli.cli.forecast.inputs import Sources
    from rnncli.config.sections import Columns, Config, Forecasting
    from rnncli.model.card import Card
    from rnncli.model.forecast_state import State
    from rnncli.model.model import Model
    from rnncli.model.online import Follower, Step
    from rnncli.panel import Panel
    from rnncli.tables.streaming import Rows

STREAMABLE = tuple(name for name, row in FORMATS.items() if row.streamable)
PATIENCE = 5.0  # seconds that Ctrl-C waits for: whoever reads the forecasts may never go on
COMMITTED = 10.0  # seconds between one writing of the state and the next
HOPELESS = 20  # lines at the beginning that are all no rows: then the header is wrong, and each more takes 20 ms
TOLD = 3  # rows that are none: each of the first ones is said, the others are counted


def check(card: "Card", config: "Config", asked: str | None, output: str) -> None:
    """Raise RequestError for what cannot be had while following."""
    if asked not in (None, "auto", *STREAMABLE):
        raise RequestError(f"--follow writes line after line: {', '.join(STREAMABLE)}, not {asked}")
    if not is_standard_stream(output):
        raise RequestError("--follow never ends, and a file appears when it is whole: leave out --output, use > or |")
    if any(one.role == "known" for one in card.inputs):
        raise RequestError("the model needs what is known in advance of every step to come, which no stream tells")
    for name, said in (("--samples", config.forecast.samples), ("--as-of", config.freshness.as_of)):
        if said:
            raise RequestError(f"{name} cannot be had with --follow. Leave out one")


def follow(model: "Model", sources: "Sources", columns: "Columns", format: str | None, config: "Config") -> None:
    """Forecast until the stream ends, or whoever reads has seen enough."""
    from rnncli.model import forecast_state
    from rnncli.model.online import Follower
    from rnncli.network import device
    from rnncli.panel.export.forecast_table import levels
    from rnncli.tables import writing

    kept = _kept(sources.state, model.card) if sources.state and sources.state.exists() else None
    place = device.prepare(
        config.compute.device, device.work_per_forecast(model.card.architectures, model.card.targets, 1)
    )
    asked = config.forecast
    model = replace(model, corrected=asked.conformal)
    follower = Follower(model, levels(asked), place.device, asked.point, kept)
    counts: Counter[str] = Counter()

    def commit() -> None:
        if sources.state is not None and follower.state is not None and follower.state is not kept:
            with atomic.written_whole(sources.state) as written:
                written.write(forecast_state.content(follower.state))

    kept_too = f", and kept in {sources.state}" if sources.state else ""
    run_report.set_interruption_hint(
        lambda: f"What came is forecast{kept_too}" if counts["rows"] else run_report.NO_FILE_WRITTEN
    )
    try:
        with about(sources.data), closing(_steps(follower, sources.data, columns, counts)) as steps:
            kind = format if format in STREAMABLE else "csv"
            writing.write(_frames(steps, config.forecast, commit), STANDARD_STREAM, kind)
    finally:
        commit()
        _conclude(counts)


def _kept(path: Path, card: "Card") -> "State":
    kept = state_file.taken(path, card)
    return kept._replace(steps=max(kept.steps, card.context), runs=kept.runs + 1)


def _frames(
    portions: Iterator[list["Step"]], asked: "Forecasting", commit: Callable[[], None]
) -> Iterator["pd.DataFrame"]:
    """The forecasts as tables, flushed before more rows are waited for."""
    from rnncli.panel.export.forecast_table import followed_frame

    committed = time.monotonic()
    for steps in portions:
        for step in steps:
            if step.forecast is not None:
                yield followed_frame(step.panel, step.places, step.forecast, step.anomaly, asked)
        sys.stdout.buffer.flush()
        if time.monotonic() - committed > COMMITTED:
            commit()
            committed = time.monotonic()


def _steps(
    follower: "Follower", source: str, columns: "Columns", counts: "Counter[str]"
) -> Generator[list["Step"], None, None]:
    """What the lines come to that have come by now, again and again. Raises DataError where none ever was a row.

    What came at once is taken up and forecast as a whole, whatever ends the run: the state knows what was forecast.
    """
    from rnncli.tables.streaming import arriving

    intake = _Intake(follower, columns, counts)
    for lines in arriving(source):
        with deferred_signals(PATIENCE):
            given = [line for line in intake.rows.begin(lines) if line.strip()]
            steps = list(_taken(given, intake.take, intake.refuse))
            if intake.refused is not None and follower.state is None:
                raise intake.refused
            for step in steps:
                _count(counts, step)
            yield steps
    if intake.refused is not None and not intake.fits:
        raise intake.refused
    if follower.state is None:
        raise DataError("no row came. A forecast needs rows")


class _Intake:
    """Lines to steps, and what is done with those that are no rows."""

    def __init__(self, follower: "Follower", columns: "Columns", counts: "Counter[str]") -> None:
        from rnncli.tables.streaming import Rows

        self.follower, self.columns, self.counts = follower, columns, counts
        self.rows = Rows(columns.decimal)
        self.fits = False  # whether any of them was a row
        self.refused: DataError | None = None  # why the first one was not that was none

    def take(self, lines: list[bytes]) -> "Step":
        """What follows from these. Raises DataError where one is no row."""
        step = self.follower.take(_panel(self.rows, lines, self.follower, self.columns))
        self.fits = True
        return step

    def refuse(self, line: bytes, error: DataError) -> None:
        """Leave one out, and say so. Raises DataError where it is one of many, and none has been a row."""
        self.refused = self.refused or error
        self.counts["refused"] += 1
        if not self.fits and self.counts["refused"] == HOPELESS:
            raise self.refused
        if self.follower.state is not None and self.counts["refused"] <= TOLD:
            console.warn(f"left out: {line.decode(errors='replace')[:80]}: {error}")


def _taken(
    lines: list[bytes], take: Callable[[list[bytes]], "Step"], refuse: Callable[[bytes, DataError], None]
) -> Iterator["Step"]:
    """All lines together, or where some of them are no rows, the halves, and their halves, until these are found."""
    if not lines:
        return
    try:
        yield take(lines)
    except DataError as error:
        if len(lines) == 1:
            refuse(lines[0], error)
            return
        middle = len(lines) // 2
        yield from _taken(lines[:middle], take, refuse)
        yield from _taken(lines[middle:], take, refuse)


def _panel(rows: "Rows", lines: list[bytes], follower: "Follower", columns: "Columns") -> "Panel":
    from rnncli.panel import from_frame
    from rnncli.panel.ingest import values

    card = follower.model.card
    table = rows.table(lines)
    if columns.layout == "wide":
        for name in table.columns.drop(columns.time or [], errors="ignore"):
            with suppress(DataError):  # what is no number is no series
                table[name] = values.numbers(table[name])
    if columns.id in table:
        table[columns.id] = table[columns.id].astype(str)
    if columns.freq is None and columns.resample is None:
        columns = columns.model_copy(update={"freq": card.frequency})
    return from_frame(
        table, columns, data_input.expected(card), keep_first=True, assume=strictly if columns.strict else quietly
    )


def _count(counts: "Counter[str]", step: "Step") -> None:
    merged = step.merged
    counts["forecasts"] += 0 if step.forecast is None else len(step.places.rows)
    if merged is None:
        counts["rows"] += len(step.places.rows)
        return
    counts.update(rows=merged.rows, late=merged.behind, repeated=merged.repeated, older=merged.late)
    counts["differing"] += merged.differing


def _conclude(counts: "Counter[str]") -> None:
    """What came, and what became of it."""
    run_report.add_facts(followed=dict(counts), forecast_rows=counts["forecasts"])
    words = {
        "late": "late",
        "repeated": "seen before",
        "differing": "seen before with other values",
        "older": "older than what is kept",
        "refused": "that could not be read",
    }
    told = [f"{counts[name]} {word}" for name, word in words.items() if counts[name]]
    console.note(f"followed: {', '.join([counted(counts['rows'], 'row'), *told])}; {counts['forecasts']} forecasts")
