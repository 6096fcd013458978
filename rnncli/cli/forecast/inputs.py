"""The table to continue, what is odd about it, and where its series end."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnncli.cli import console, data_input
from rnncli.cli.forecast import state_file
from rnncli.config.sections import Columns, Config
from rnncli.errors import DataError, GateError, about

if TYPE_CHECKING:
    from rnncli.model.card import Card
    from rnncli.model.forecast_state import State
    from rnncli.panel import Cutoffs, Panel


class Sources(NamedTuple):
    """What is read."""

    model: Path
    data: str
    future: str | None  # what is known in advance of the steps to come
    state: Path | None  # what earlier runs read


def read(sources: Sources, columns: Columns, card: "Card") -> tuple["Panel", "State | None"]:
    """The table to continue, behind the rows that were kept of it before, and what is to be kept of both."""
    if sources.state is None:
        return _table(sources.data, sources.future, columns, card), None
    if columns.freq is None and columns.resample is None:  # a few new rows do not tell it
        columns = columns.model_copy(update={"freq": card.frequency})
    new = _table(sources.data, sources.future, columns, card)
    with about(sources.data):
        kept = state_file.with_kept(sources.state, new, card)
    return kept.panel, kept


def _table(data: str, future: str | None, columns: Columns, card: "Card") -> "Panel":
    """The table, with what is known of its future."""
    from rnncli.panel.ingest.column_roles import find
    from rnncli.panel.known_future import joined

    expected = data_input.expected(card, unbegun=not card.context)
    if future is None:
        with about(data):
            return data_input.read_panel(data, columns, expected)
    with about(data):
        frame = data_input.read_table(data, columns)
        roles = find(frame, columns)
    with about(future):
        coming = data_input.read_table(future, columns)
    frame = joined(frame, coming, roles, columns.dayfirst, (data, future))
    with about(data):
        return data_input.build_panel(frame, columns, expected)


def ends(panel: "Panel", card: "Card", sources: Sources, config: Config) -> "Cutoffs":
    """The ends of the series that can be forecast, once what is odd about them is said."""
    _check_like_training(panel, card, config.forecast.on_drift)
    with about(sources.data):
        places = _ends(panel, card)
    if not card.told_columns:
        return places
    with about(sources.future or sources.data):
        return _known(panel, places, card.horizon)


def _known(panel: "Panel", ends: "Cutoffs", horizon: int) -> "Cutoffs":
    """The ends of the series that go on. Raises DataError where what is known of them does not reach far enough."""
    from rnncli.messages import listed
    from rnncli.panel import Cutoffs, known_future

    ended = known_future.ended(panel, ends, horizon)
    if ended.any() and not ended.all():
        names = [str(name) for name in panel.ids[ends.series[ended]]]
        console.warn(
            f"no forecast for {len(names)} series that ended, with nothing known of what follows{listed(names)}"
        )
        ends = Cutoffs(ends.series[~ended], ends.rows[~ended])
    empty = known_future.forbid_lacking(panel, ends, horizon)
    if empty:
        console.warn(f"{empty} values known in advance are empty in the steps to come; they are masked")
    return ends


def _check_like_training(panel: "Panel", card: "Card", on_drift: str) -> None:
    """Say what is not as it was in training. Raises GateError where that is asked for."""
    from rnncli.model import data_profile

    changes = data_profile.changes(card.seen, card.zone, panel, card.context) if on_drift != "ignore" else []
    if changes and on_drift == "fail":
        raise GateError(f"{'; '.join(changes)}. Mend the table, or forecast all the same with --on-drift warn")
    for change in changes:
        console.warn(change)


def _ends(panel: "Panel", card: "Card") -> "Cutoffs":
    """The end of each series of which something is known in the context. Raises DataError where that is none."""
    from rnncli.messages import listed
    from rnncli.panel import Cutoffs, known_future

    every = known_future.ends(panel, unbegun=not card.context)
    if not card.context:
        unbegun = [str(name) for name in panel.ids[every.rows == 0]]
        if unbegun:
            console.note(f"forecast from their first row on: {len(unbegun)} series without a value{listed(unbegun)}")
        return every
    known = panel.known_since(card.context)
    if any(member.architecture.scale == "log" for member in card.members) and (panel.values <= 0).any():
        console.warn(
            "the model takes logarithms, for all values it was trained on were positive; here are some that are not"
        )
    if not known.any():
        raise DataError(f"no series has a value in its last {card.context} steps. There is nothing to forecast from")
    if not known.all():
        lost = listed([str(name) for name in panel.ids[~known]])
        console.warn(
            f"no forecast for {int((~known).sum())} series without a value in the last {card.context} steps{lost}"
        )
    return Cutoffs(every.series[known], every.rows[known])
