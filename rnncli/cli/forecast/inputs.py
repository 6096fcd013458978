"""The table to forecast from: reading it, warning about unusual content, and finding the series to forecast."""

from typing import TYPE_CHECKING

from rnncli.cli import console, data_input, pretrained
from rnncli.cli.forecast import state_file
from rnncli.cli.forecast.request import ForecastInputs
from rnncli.errors import DataError, GateError, about
from rnncli.messages import counted, listed

if TYPE_CHECKING:
    from rnncli.config.sections import Columns, Config
    from rnncli.model.card import Card
    from rnncli.model.forecast_state import ForecastState
    from rnncli.panel import Cutoffs, Panel


def read_inputs(inputs: ForecastInputs, columns: "Columns", card: "Card") -> tuple["Panel", "ForecastState | None"]:
    """Return the panel to forecast, and with --state the new state: stored history followed by the new rows."""
    if inputs.state is None:
        return _read_table(inputs, columns, card), None
    if columns.freq is None and columns.resample is None:  # a few new rows are too few to infer it
        columns = columns.model_copy(update={"freq": card.frequency})
    new_rows = _read_table(inputs, columns, card)
    with about(inputs.data):
        state = state_file.append(inputs.state, new_rows, card)
    return state.panel, state


def _read_table(inputs: ForecastInputs, columns: "Columns", card: "Card") -> "Panel":
    """Return the panel in DATA, with known covariates from --future."""
    from rnncli.panel.ingest.column_roles import find_roles
    from rnncli.panel.ingest.future_rows import append_future

    expected = data_input.expected(card, without_history=not card.context)
    if inputs.future is None:
        with about(inputs.data):
            return data_input.read_panel(inputs.data, columns, expected)
    with about(inputs.data):
        table = data_input.read_table(inputs.data, columns)
        roles = find_roles(table, columns)
    with about(inputs.future):
        future = data_input.read_table(inputs.future, columns)
    table = append_future(table, future, roles, columns.dayfirst, (inputs.data, inputs.future))
    with about(inputs.data):
        return data_input.build_panel(table, columns, expected)


def read_untrained(
    inputs: ForecastInputs, columns: "Columns", config: "Config"
) -> tuple["Panel", "ForecastState | None"]:
    """Return the panel to forecast, and with --state the new state: stored history followed by the new rows."""
    if inputs.state is not None and inputs.state.exists():
        from rnncli.model import forecast_state

        card = pretrained.card_of(forecast_state.read_state(inputs.state).panel, config)
        return read_inputs(inputs, data_input.columns_for_model(card, columns), card)
    with about(inputs.data):
        panel = data_input.read_panel(inputs.data, columns)
        if inputs.state is None:
            return panel, None
        state = state_file.append(inputs.state, panel, pretrained.card_of(panel, config))
    return state.panel, state


def forecast_cutoffs(panel: "Panel", card: "Card", inputs: ForecastInputs, config: "Config") -> "Cutoffs":
    """Return the ends of the series that can be forecast; warn about the others and about data drift.

    Raises DataError if there is none, or if known covariates end before the horizon, and GateError with
    `--on-drift fail`.
    """
    _report_drift(panel, card, config.forecast.on_drift)
    with about(inputs.data):
        cutoffs = _with_recent_values(panel, card)
    if not card.uses_covariates:
        return cutoffs
    with about(inputs.future or inputs.data):
        return _with_known_future(panel, cutoffs, card.horizon)


def _with_known_future(panel: "Panel", cutoffs: "Cutoffs", horizon: int) -> "Cutoffs":
    """Drop series that have ended. Raises DataError if known covariates of the others end before the horizon."""
    from rnncli.panel import Cutoffs, known_future

    ended = known_future.ended(panel, cutoffs, horizon)
    if ended.any() and not ended.all():
        names = [str(name) for name in panel.ids[cutoffs.series[ended]]]
        console.warn(f"no forecast for {len(names)} series that ended: no known covariates follow{listed(names)}")
        cutoffs = Cutoffs(cutoffs.series[~ended], cutoffs.rows[~ended])
    empty = known_future.require(panel, cutoffs, horizon)
    if empty:
        console.warn(f"masked: {counted(empty, 'missing value')} of known covariates in the forecast steps")
    return cutoffs


def _report_drift(panel: "Panel", card: "Card", on_drift: str) -> None:
    """Warn of differences from the training data. Raises GateError instead with `--on-drift fail`."""
    from rnncli.model import data_drift

    changes = data_drift.detect(card.seen, card.zone, panel, card.context) if on_drift != "ignore" else []
    if changes and on_drift == "fail":
        raise GateError(f"{'; '.join(changes)}. Fix the table, or use --on-drift warn")
    for change in changes:
        console.warn(change)


def _with_recent_values(panel: "Panel", card: "Card") -> "Cutoffs":
    """Return the ends of the series that have a value in the context. Raises DataError if there is none."""
    from rnncli.panel import Cutoffs, known_future

    cutoffs = known_future.ends(panel, from_first_row=not card.context)
    if not card.context:
        unbegun = [str(name) for name in panel.ids[cutoffs.rows == 0]]
        if unbegun:
            console.note(f"forecast from their first row: {len(unbegun)} series without any value{listed(unbegun)}")
        return cutoffs
    recent = panel.has_recent_values(card.context)
    if any(member.architecture.scale == "log" for member in card.members) and (panel.values <= 0).any():
        console.warn("the model takes logarithms: all training values were positive, but this table has values <= 0")
    if not recent.any():
        raise DataError(f"no series has a value in its last {card.context} steps. Add newer rows")
    if not recent.all():
        names = listed([str(name) for name in panel.ids[~recent]])
        count = int((~recent).sum())
        console.warn(f"no forecast for {count} series without a value in the last {card.context} steps{names}")
    return Cutoffs(cutoffs.series[recent], cutoffs.rows[recent])
