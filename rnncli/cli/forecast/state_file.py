"""The state file of `forecast --state`: read at the start of a run, replaced once its forecasts are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console, run_report
from rnncli.errors import RequestError
from rnncli.files import atomic
from rnncli.messages import counted

if TYPE_CHECKING:
    from rnncli.model.card import Card
    from rnncli.model.forecast_state import ForecastState
    from rnncli.panel import Panel


def read(path: Path, card: "Card") -> "ForecastState":
    """Return the state in a file. Raises RequestError if its columns or frequency are not the model's."""
    from rnncli.model import forecast_state
    from rnncli.panel.time.frequency import parse_frequency

    state = forecast_state.read_state(path)
    stored, expected = (
        [covariate.name for covariate in covariates] for covariates in (state.panel.covariates.columns, card.inputs)
    )
    if stored != expected or state.panel.targets != card.targets:
        raise RequestError(f"{path}: this state belongs to a model with other columns. Name another --state file")
    if not parse_frequency(card.frequency).same_step(state.panel.frequency):
        raise RequestError(
            f"{path}: the state has frequency {state.panel.frequency.name}, the model {card.frequency}. "
            "Name another --state file"
        )
    if state.steps < card.context and (state.panel.lengths >= state.steps).any():
        console.warn(f"{path} stores {state.steps} steps of each series, but the model's context is {card.context}")
    return state


def append(path: Path, new_rows: "Panel", card: "Card") -> "ForecastState":
    """Return the state at `path` with new rows appended, or a new state if there is no file yet.

    Raises DataError if the rows do not fit the state, RequestError if the state does not fit the model.
    """
    from rnncli.model import forecast_state

    if not path.exists():
        console.note(f"state: new file {path}, {len(new_rows.ids)} series")
        return forecast_state.initial_state(new_rows, card.context)
    state, merged = read(path, card).with_new(new_rows, card.context)
    run_report.add_facts(state={name: value for name, value in merged._asdict().items() if name != "panel"})
    parts = [
        counted(merged.rows, "new row"),
        *([f"{merged.behind} of them late"] if merged.behind else []),
        *([f"{merged.repeated} repeated"] if merged.repeated else []),
        *([f"{merged.late} older than the stored history"] if merged.late else []),
    ]
    console.note(f"state: {', '.join(parts)}")
    if merged.differing:
        console.warn(f"{counted(merged.differing, 'repeated row')} with different values; the first values are used")
    return state


@contextmanager
def committed(path: Path | None, state: "ForecastState | None") -> Iterator[None]:
    """Write the state to the disk before the block, and rename it to `path` when the block has written the forecasts.

    A run that is killed in between can be repeated: it forecasts the same, and no row is lost.
    """
    if path is None or state is None:
        yield
        return
    from rnncli.model import forecast_state

    with atomic.replace_on_exit(path, forecast_state.encode(state)):
        yield
