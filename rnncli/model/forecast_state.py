"""State of a forecast: the last steps of all series, stored between runs, so that a run reads only new rows.

A state file is a safetensors file with the arrays and, in its metadata, the header.
"""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from rnncli import __version__
from rnncli.config.architecture import Covariate
from rnncli.config.sections import Section
from rnncli.config.types import ItemTuple
from rnncli.errors import DataError
from rnncli.files import checksummed
from rnncli.model.card_file import STATE_KEY
from rnncli.panel import Panel, history
from rnncli.panel.covariates import Covariates
from rnncli.panel.history import Appended
from rnncli.panel.panel import ColumnRoles, ReadSummary
from rnncli.panel.time.frequency import Anchor, Frequency, Unit
from rnncli.panel.time.times import Times

ARRAYS = ("values", "offsets", "firsts", "phases", "beside", "beside_offsets", "static")


class StateHeader(Section):
    """The metadata of a state file."""

    format: Literal[2] = 2
    rnncli: str = __version__
    """Version that wrote it."""
    steps: int
    """Number of steps stored of each series."""
    ids: ItemTuple[str] | ItemTuple[int] | ItemTuple[float]
    """Ids of the series."""
    numbers: str | None
    """NumPy type of numeric ids; null for texts."""
    unit: Unit
    """Frequency: its unit, the number of units in a step, and the day of the month it is anchored at."""
    every: int
    anchor: Anchor
    integer: bool
    """Whether times are numbers."""
    zone: str | None
    """Time zone of the times."""
    form: str | None
    """Format of the times in the table."""
    roles: ColumnRoles
    """Roles of the columns of the table."""
    along: ItemTuple[Covariate]
    """Covariates that vary in time."""
    fixed: ItemTuple[Covariate]
    """Static covariates."""
    holidays: ItemTuple[str]
    """Countries whose public holidays are inputs."""
    rows: int
    """Rows read in all runs."""
    runs: int
    """Number of runs."""


class StateArrays(NamedTuple):
    """The arrays in a state file, by the names in ARRAYS."""

    values: np.ndarray
    offsets: np.ndarray
    firsts: np.ndarray
    phases: np.ndarray
    covariates: np.ndarray
    covariate_offsets: np.ndarray
    static: np.ndarray


class ForecastState(NamedTuple):
    """The last steps of all series, stored between runs."""

    panel: Panel
    steps: int  # stored of each series
    rows: int  # read in all runs
    runs: int

    def after(self, appended: Appended) -> "ForecastState":
        """Return the state with new rows appended."""
        return self._replace(panel=history.last_steps(appended.panel, self.steps), rows=self.rows + appended.rows)

    def with_new(self, new: Panel, steps: int) -> tuple["ForecastState", Appended]:
        """Return the state after another run with new rows, with at least as many steps as before."""
        grown = self._replace(steps=max(steps, self.steps), runs=self.runs + 1)
        appended = history.append_rows(self.panel, new, grown.steps)
        return grown.after(appended), appended


def initial_state(panel: Panel, steps: int) -> ForecastState:
    """Return the state after the first run."""
    rows = int((~np.isnan(panel.values).all(axis=1)).sum())
    return ForecastState(history.last_steps(panel, steps), steps, rows, 1)


def encode(state: ForecastState) -> bytes:
    """Return the content of a state file."""
    panel, covariates = state.panel, state.panel.covariates
    text_ids = panel.ids.dtype == object
    header = StateHeader(
        steps=state.steps,
        ids=tuple(map(str, panel.ids)) if text_ids else tuple(panel.ids.tolist()),
        numbers=None if text_ids else str(panel.ids.dtype),
        unit=panel.frequency.unit,
        every=panel.frequency.every,
        anchor=panel.frequency.anchor,
        integer=panel.times.integer,
        zone=panel.times.zone,
        form=panel.times.form,
        roles=panel.summary.roles,
        along=covariates.varying,
        fixed=covariates.static_columns,
        holidays=covariates.holidays,
        rows=state.rows,
        runs=state.runs,
    )
    arrays = StateArrays(
        *(panel.values, panel.offsets, panel.firsts, panel.phases),
        *(covariates.values, covariates.offsets, covariates.static),
    )
    tensors = {name: np.ascontiguousarray(array) for name, array in zip(ARRAYS, arrays, strict=True)}
    metadata = {STATE_KEY: checksummed.with_placeholder(header.model_dump_json())}
    return checksummed.with_checksum(save(tensors, metadata))


def read_state(path: Path) -> ForecastState:
    """Return the state in a file. Raises DataError if it is damaged or of another format."""
    try:
        found = checksummed.read(path, STATE_KEY)
        if not found.intact:
            raise ValueError("the checksum differs")
        header, tensors = StateHeader.model_validate_json(found.text), load(found.content)
        panel = _panel(header, StateArrays(*(tensors[name] for name in ARRAYS)))
    except (OSError, SafetensorError, KeyError, ValidationError, ValueError) as error:
        raise DataError(
            f"{path}: not a state file of this version, or damaged. Name another file, or remove it and read all rows"
        ) from error
    return ForecastState(panel, header.steps, header.rows, header.runs)


def _panel(header: StateHeader, arrays: StateArrays) -> Panel:
    """Return the panel in a state file. Raises ValueError if its parts do not fit together."""
    _check_shapes(header, arrays)
    values, offsets, firsts, phases, covariates, covariate_offsets, static = arrays
    return Panel(
        values,
        offsets,
        np.array(header.ids, dtype=header.numbers or object),
        firsts,
        phases,
        Frequency(header.unit, header.every, header.anchor),
        Times(np.empty(0, np.int64), header.integer, header.zone, header.form),
        Covariates(header.along, header.fixed, covariates, covariate_offsets, static, None, header.holidays),
        ReadSummary(header.roles, len(values), 0, 0, 0, ()),
    )


def _check_shapes(header: StateHeader, arrays: StateArrays) -> None:
    """Raise ValueError if the arrays do not fit the header and each other."""
    count = len(header.ids)
    targets = 1 if header.roles.wide else len(header.roles.targets)
    fitting = arrays.values.shape[1:] == (targets,) and arrays.firsts.shape == arrays.phases.shape == (count,)
    fitting &= arrays.static.shape == (count, len(header.fixed))
    fitting &= arrays.covariates.shape[1:] == (len(header.along),)
    for offsets, rows, shortest in (
        (arrays.offsets, arrays.values, 1),
        (arrays.covariate_offsets, arrays.covariates, 0),
    ):
        fitting &= offsets.shape == (count + 1,) and offsets[0] == 0 and offsets[-1] == len(rows)
        fitting &= bool((np.diff(offsets) >= shortest).all())
    if not count or not fitting or header.every < 1:
        raise ValueError("the arrays do not fit together")
