"""`forecast --follow`: read rows from a pipe, and write a forecast for each step that completes."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnncli.cli import console, data_input, engine, pretrained, run_report
from rnncli.cli.forecast import state_file
from rnncli.errors import DataError, RequestError, about
from rnncli.files import atomic
from rnncli.files.paths import STANDARD_STREAM, is_standard_stream
from rnncli.messages import counted
from rnncli.tables.assumptions import accept_assumption, reject_assumption
from rnncli.tables.formats import FORMATS
from rnncli.training.signals import deferred_signals

if TYPE_CHECKING:
    import pyarrow as pa

    from rnncli.cli.forecast.request import ForecastInputs, ForecastOutputs
    from rnncli.config.sections import Columns, Config, Forecasting
    from rnncli.model.card import Card
    from rnncli.model.forecast_state import ForecastState
    from rnncli.model.model import Model
    from rnncli.model.online import OnlineForecast, OnlineForecaster
    from rnncli.panel import Panel
    from rnncli.tables import streaming

STREAMABLE = tuple(name for name, row in FORMATS.items() if row.streamable)
PATIENCE = 5.0  # seconds that Ctrl-C is deferred for: the reader of the forecasts may never continue
COMMIT_INTERVAL = 10.0  # seconds between two writes of the state file
MAX_LEADING_ERRORS = 20  # invalid lines before the first row: the header is wrong, and each line takes 20 ms
MAX_FIRST_LINES = 1_000  # without a recognised frequency; each attempt reads all of them again
MAX_REPORTED = 3  # invalid rows reported one by one; the others are counted


def check(card: "Card", config: "Config", outputs: "ForecastOutputs") -> None:
    """Raise RequestError if an option or the model cannot be used with --follow."""
    check_options(config, outputs)
    if any(covariate.role == "known" for covariate in card.inputs):
        raise RequestError("--follow cannot be used with known covariates: a stream does not contain future values")


def check_options(config: "Config", outputs: "ForecastOutputs") -> None:
    """Raise RequestError if an option cannot be used with --follow."""
    if outputs.format not in (None, "auto", *STREAMABLE):
        raise RequestError(
            f"--follow writes line by line: --format must be {', '.join(STREAMABLE)}, not {outputs.format}"
        )
    if not is_standard_stream(outputs.output):
        raise RequestError("--follow never ends, and --output writes a file only when complete. Redirect with > or |")
    for option, value in (("--samples", config.forecast.samples), ("--as-of", config.freshness.as_of)):
        if value:
            raise RequestError(f"{option} cannot be combined with --follow. Leave out one")


def follow(
    model: "Model", inputs: "ForecastInputs", outputs: "ForecastOutputs", columns: "Columns", config: "Config"
) -> None:
    """Forecast until the stream ends or the reader of the forecasts closes the pipe."""
    from rnncli.tables import streaming

    state = _read_state(inputs.state, model.card) if inputs.state and inputs.state.exists() else None
    lines = streaming.line_batches(inputs.data)
    _follow(_Stream(model, state, lines), inputs, outputs, columns, config)


def follow_untrained(
    inputs: "ForecastInputs", outputs: "ForecastOutputs", columns: "Columns", config: "Config"
) -> None:
    """Forecast like `follow` with the pretrained network, calibrated anew whenever the rows have doubled.

    It is calibrated on the stored state, or on as many first rows as are needed to recognise the frequency.
    """
    from rnncli.model import forecast_state
    from rnncli.tables import streaming

    def renewed(panel: "Panel") -> "Model":
        return replace(pretrained.model_of(panel, config, quiet=True), corrected=config.forecast.conformal)

    with about(inputs.data):
        lines = streaming.line_batches(inputs.data)
        if inputs.state and inputs.state.exists():
            model = pretrained.model_of(forecast_state.read_state(inputs.state).panel, config)
            stream = _Stream(model, _read_state(inputs.state, model.card), lines, renewed)
        else:
            first, rest = _first_lines(lines, columns)
            model = pretrained.model_of(first, config)
            stream = _Stream(model, None, rest, renewed)
    _follow(stream, inputs, outputs, data_input.columns_for_model(model.card, columns), config)


class _Stream(NamedTuple):
    """The lines to come, and what is known before them."""

    model: "Model"
    state: "ForecastState | None"
    lines: Iterator[list[bytes]]
    renewed: "Callable[[Panel], Model] | None" = None  # returns the model for a longer history


def _first_lines(lines: Iterator[list[bytes]], columns: "Columns") -> tuple["Panel", Iterator[list[bytes]]]:
    """Return the panel of as many first lines as make one, and all lines, those included.

    Raises DataError if the stream ends before, or after many lines without a recognised frequency.
    """
    from rnncli.panel import Table, from_table
    from rnncli.tables import streaming

    waiting: list[bytes] = []
    problem = DataError("it contains no rows. A forecast needs rows")
    for batch in lines:
        waiting += batch
        parser = streaming.LineParser(columns.decimal)
        try:
            rows = [line for line in parser.begin(list(waiting)) if line.strip()]
            if rows:
                return from_table(Table(parser.table(rows)), columns, keep_first=True), chain([waiting], lines)
        except DataError as error:
            problem = error
            if len(waiting) > MAX_FIRST_LINES:
                break
    raise problem


def _follow(
    stream: _Stream, inputs: "ForecastInputs", outputs: "ForecastOutputs", columns: "Columns", config: "Config"
) -> None:
    """Forecast until the stream ends or the reader of the forecasts closes the pipe."""
    from rnncli.model import forecast_state
    from rnncli.model.online import OnlineForecaster
    from rnncli.panel.export.forecast_table import levels
    from rnncli.tables import writing

    state, forecasting = stream.state, config.forecast
    model = replace(stream.model, corrected=forecasting.conformal)
    where = engine.device_of(model, 1, config.compute)
    run_report.add_facts(**engine.engine_facts(where))
    follower = OnlineForecaster(model, levels(forecasting), where, forecasting.point, state, stream.renewed)
    counts: Counter[str] = Counter()

    def commit() -> None:
        if inputs.state is not None and follower.state is not None and follower.state is not state:
            with atomic.atomic_writer(inputs.state) as stream:
                stream.write(forecast_state.encode(follower.state))

    done = "All rows received are forecast" + (f" and stored in {inputs.state}" if inputs.state else "")
    run_report.set_interruption_hint(lambda: done if counts["rows"] else run_report.NO_FILE_WRITTEN)
    try:
        with about(inputs.data), closing(_steps(follower, stream.lines, columns, counts)) as steps:
            table_format = outputs.format if outputs.format in STREAMABLE else "csv"
            writing.write(_tables(steps, forecasting, commit), STANDARD_STREAM, table_format)
    finally:
        commit()
        _report(counts)


def _read_state(path: Path, card: "Card") -> "ForecastState":
    state = state_file.read(path, card)
    return state._replace(steps=max(state.steps, card.context), runs=state.runs + 1)


def _tables(
    portions: Iterator[list["OnlineForecast"]], forecasting: "Forecasting", commit: Callable[[], None]
) -> Iterator["pa.Table"]:
    """Yield the forecasts as tables; flush the output before waiting for more rows."""
    from rnncli.panel.export.forecast_table import online_table

    committed = time.monotonic()
    for steps in portions:
        for step in steps:
            if step.forecast is not None:
                yield online_table(step.panel, step.cutoffs, step.forecast, step.anomaly, forecasting)
        sys.stdout.buffer.flush()
        if time.monotonic() - committed > COMMIT_INTERVAL:
            commit()
            committed = time.monotonic()


def _steps(
    follower: "OnlineForecaster", batches: Iterator[list[bytes]], columns: "Columns", counts: "Counter[str]"
) -> Generator[list["OnlineForecast"], None, None]:
    """Yield the steps completed by the lines that have arrived. Raises DataError if no line is a valid row.

    Lines that arrived together are processed together, whatever ends the run: the state contains what was forecast.
    """
    reader = _RowReader(follower, columns, counts)
    for lines in batches:
        with deferred_signals(PATIENCE):
            rows = [line for line in reader.rows.begin(lines) if line.strip()]
            steps = list(_valid_steps(rows, reader.take, reader.refuse))
            if reader.first_error is not None and follower.state is None:
                raise reader.first_error
            for step in steps:
                _count(counts, step)
            yield steps
    if reader.first_error is not None and not reader.has_valid_row:
        raise reader.first_error
    if follower.state is None:
        raise DataError("it contains no rows. A forecast needs rows")


class _RowReader:
    """Turns lines into forecast steps, and reports invalid lines."""

    def __init__(self, follower: "OnlineForecaster", columns: "Columns", counts: "Counter[str]") -> None:
        from rnncli.tables import streaming

        self.follower, self.columns, self.counts = follower, columns, counts
        self.rows = streaming.LineParser(columns.decimal)
        self.has_valid_row = False
        self.first_error: DataError | None = None

    def take(self, lines: list[bytes]) -> "OnlineForecast":
        """Return the step that these lines complete. Raises DataError if a line is not a valid row."""
        step = self.follower.add_rows(_panel(self.rows, lines, self.follower, self.columns))
        self.has_valid_row = True
        return step

    def refuse(self, line: bytes, error: DataError) -> None:
        """Skip a line and report it. Raises DataError if many lines were invalid and none was valid."""
        self.first_error = self.first_error or error
        self.counts["refused"] += 1
        if not self.has_valid_row and self.counts["refused"] == MAX_LEADING_ERRORS:
            raise self.first_error
        if self.follower.state is not None and self.counts["refused"] <= MAX_REPORTED:
            console.warn(f"row ignored: {line.decode(errors='replace')[:80]}: {error}")


def _valid_steps(
    lines: list[bytes], take: Callable[[list[bytes]], "OnlineForecast"], refuse: Callable[[bytes, DataError], None]
) -> Iterator["OnlineForecast"]:
    """Take all lines together; if some are invalid, find these by halving the list repeatedly."""
    if not lines:
        return
    try:
        yield take(lines)
    except DataError as error:
        if len(lines) == 1:
            refuse(lines[0], error)
            return
        middle = len(lines) // 2
        yield from _valid_steps(lines[:middle], take, refuse)
        yield from _valid_steps(lines[middle:], take, refuse)


def _panel(
    rows: "streaming.LineParser", lines: list[bytes], follower: "OnlineForecaster", columns: "Columns"
) -> "Panel":
    """Return the panel of some lines. Raises DataError if a line is not a valid row."""
    from rnncli.panel import Table, from_table
    from rnncli.panel.ingest import values

    card = follower.model.card
    table = Table(rows.table(lines))
    if columns.layout == "wide":
        for name in set(table.names) - {columns.time}:
            with suppress(DataError):  # a column of text is not a series
                table = table.with_numbers(name, values.to_numbers(table[name]))
    if columns.id is not None and columns.id in table:
        table = table.with_texts(columns.id)
    if columns.freq is None and columns.resample is None:
        columns = columns.model_copy(update={"freq": card.frequency})
    assume = reject_assumption if columns.strict else accept_assumption
    return from_table(table, columns, data_input.expected(card), keep_first=True, assume=assume)


def _count(counts: "Counter[str]", step: "OnlineForecast") -> None:
    """Add the rows and forecasts of a step to the counts."""
    merged = step.appended
    counts["forecasts"] += 0 if step.forecast is None else len(step.cutoffs.rows)
    if merged is None:
        counts["rows"] += len(step.cutoffs.rows)
        return
    counts.update(rows=merged.rows, late=merged.behind, repeated=merged.repeated, older=merged.late)
    counts["differing"] += merged.differing


def _report(counts: "Counter[str]") -> None:
    """Report the number of rows and forecasts."""
    run_report.add_facts(followed=dict(counts), forecast_rows=counts["forecasts"])
    descriptions = {
        "late": "late",
        "repeated": "repeated",
        "differing": "repeated with different values",
        "older": "older than the stored history",
        "refused": "invalid",
    }
    parts = [f"{counts[name]} {words}" for name, words in descriptions.items() if counts[name]]
    console.note(f"followed: {', '.join([counted(counts['rows'], 'row'), *parts])}; {counts['forecasts']} forecasts")
