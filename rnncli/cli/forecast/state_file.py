"""The state file of `forecast --state`: taken up as a run begins, put down together with what it wrote."""

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
    from rnncli.model.forecast_state import State
    from rnncli.panel import Panel


def taken(path: Path, card: "Card") -> "State":
    """The state in a file. Raises RequestError where it was kept for another kind of model."""
    from rnncli.model import forecast_state as states
    from rnncli.panel.time import frequency

    kept = states.read(path)
    own, other = ([one.name for one in inputs] for inputs in (kept.panel.covariates.inputs, card.inputs))
    if own != other or kept.panel.targets != card.targets:
        raise RequestError(f"{path} was kept for a model of other columns. Name another --state, or begin it anew")
    if not frequency.parse(card.frequency).same_pace(kept.panel.frequency):
        pace = kept.panel.frequency.name
        raise RequestError(f"{path} was kept for steps of {pace}, the model takes steps of {card.frequency}")
    if kept.steps < card.context and (kept.panel.lengths >= kept.steps).any():
        console.warn(f"{path} keeps {kept.steps} steps of each series; the model looks {card.context} back")
    return kept


def with_kept(path: Path, new: "Panel", card: "Card") -> "State":
    """The rows kept in the state, if there is one, and the new ones behind them.

    Raises DataError where they do not go together, RequestError where the state is of other columns.
    """
    from rnncli.model import forecast_state as states

    if not path.exists():
        console.note(f"state: {path} begins with {len(new.ids)} series")
        return states.begun(new, card.context)
    kept = taken(path, card)
    state, merged = kept.with_new(new, card.context)
    run_report.add_facts(state={name: value for name, value in merged._asdict().items() if name != "panel"})
    told = [
        f"{counted(merged.rows, 'new row')}",
        *([f"{merged.behind} of them late"] if merged.behind else []),
        *([f"{merged.repeated} seen before"] if merged.repeated else []),
        *([f"{merged.late} older than what is kept"] if merged.late else []),
    ]
    console.note(f"state: {', '.join(told)}")
    if merged.differing:
        console.warn(f"{counted(merged.differing, 'row')} seen before came with other values; the first ones stay")
    return state


@contextmanager
def committed(path: Path | None, state: "State | None") -> Iterator[None]:
    """The state is on the disk before the forecasts are, and becomes the file's once they are where they go.

    A run that is killed in between and started again forecasts the same, and nothing is lost.
    """
    if path is None or state is None:
        yield
        return
    from rnncli.model import forecast_state as states

    with atomic.put_afterwards(path, states.content(state)):
        yield
