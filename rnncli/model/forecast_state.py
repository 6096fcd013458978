"""What a forecast needs of the past, kept between runs, so that a run reads only what is new.

A state file is a safetensors file, as a model file is: the ends of all series, and in its metadata what they are.
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
from rnncli.panel.time.timestamps import Times

ARRAYS = ("values", "offsets", "firsts", "phases", "beside", "beside_offsets", "static")


class StateHeader(Section):
    """What a state file says of itself."""

    format: Literal[2] = 2
    rnncli: str = __version__
    """The version that wrote it."""
    steps: int
    """How many steps of each series are kept."""
    ids: ItemTuple[str] | ItemTuple[int] | ItemTuple[float]
    """The series."""
    numbers: str | None
    """What numbers the ids are; none where they are texts."""
    unit: Unit
    """The step of the clock: its unit, how many, and from which day of a month it is counted."""
    every: int
    anchor: Anchor
    integer: bool
    """Whether times are plain numbers."""
    zone: str | None
    """The time zone of the times."""
    form: str | None
    """How the table wrote them."""
    roles: ColumnRoles
    """The columns of the table."""
    along: ItemTuple[Covariate]
    """The columns beside the targets that have a value a step."""
    fixed: ItemTuple[Covariate]
    """Those that have one a series."""
    holidays: ItemTuple[str]
    """Countries whose public holidays are told."""
    rows: int
    """Rows taken in all runs."""
    runs: int
    """Runs so far."""


class ForecastState(NamedTuple):
    """The ends of all series, and how they came about."""

    panel: Panel
    steps: int  # that are kept of each
    rows: int
    runs: int

    def after(self, merged: Appended) -> "ForecastState":
        """The state with new rows put behind it."""
        return self._replace(panel=history.last_steps(merged.panel, self.steps), rows=self.rows + merged.rows)

    def with_new(self, new: Panel, steps: int) -> tuple["ForecastState", Appended]:
        """The state after another run with new rows, with no fewer steps than were kept before."""
        grown = self._replace(steps=max(steps, self.steps), runs=self.runs + 1)
        merged = history.append_rows(self.panel, new, grown.steps)
        return grown.after(merged), merged


def initial_state(panel: Panel, steps: int) -> ForecastState:
    """The state after the first run."""
    rows = int((~np.isnan(panel.values).all(axis=1)).sum())
    return ForecastState(history.last_steps(panel, steps), steps, rows, 1)


def encode(state: ForecastState) -> bytes:
    """What a state file holds."""
    panel, beside = state.panel, state.panel.covariates
    texts = panel.ids.dtype == object
    kept = StateHeader(
        steps=state.steps,
        ids=tuple(map(str, panel.ids)) if texts else tuple(panel.ids.tolist()),
        numbers=None if texts else str(panel.ids.dtype),
        unit=panel.frequency.unit,
        every=panel.frequency.every,
        anchor=panel.frequency.anchor,
        integer=panel.times.integer,
        zone=panel.times.zone,
        form=panel.times.form,
        roles=panel.summary.roles,
        along=beside.varying,
        fixed=beside.static_columns,
        holidays=beside.holidays,
        rows=state.rows,
        runs=state.runs,
    )
    arrays = (panel.values, panel.offsets, panel.firsts, panel.phases, beside.values, beside.offsets, beside.static)
    tensors = {name: np.ascontiguousarray(array) for name, array in zip(ARRAYS, arrays, strict=True)}
    return checksummed.with_checksum(save(tensors, {STATE_KEY: checksummed.with_placeholder(kept.model_dump_json())}))


def read_state(path: Path) -> ForecastState:
    """The state in a file. Raises DataError where it is damaged, or of another format."""
    try:
        found = checksummed.read(path, STATE_KEY)
        if not found.intact:
            raise ValueError("not what was written")
        kept, arrays = StateHeader.model_validate_json(found.text), load(found.content)
        panel = _panel(kept, **{name: arrays[name] for name in ARRAYS})
    except (OSError, SafetensorError, KeyError, ValidationError, ValueError) as error:
        raise DataError(
            f"{path} is no state file of this rnncli, or a damaged one. Begin another, or start again from all rows"
        ) from error
    return ForecastState(panel, kept.steps, kept.rows, kept.runs)


def _panel(
    kept: StateHeader,
    values: np.ndarray,
    offsets: np.ndarray,
    firsts: np.ndarray,
    phases: np.ndarray,
    beside: np.ndarray,
    beside_offsets: np.ndarray,
    static: np.ndarray,
) -> Panel:
    """Raises ValueError where the arrays do not belong together."""
    count, along = len(kept.ids), len(kept.along)
    targets = 1 if kept.roles.wide else len(kept.roles.targets)
    ends = (offsets, len(values)), (beside_offsets, len(beside))
    shapes = values.shape[1:] == (targets,) and firsts.shape == phases.shape == (count,)
    shapes &= static.shape == (count, len(kept.fixed)) and (beside.shape[1:] == (along,))
    for bounds, length in ends:
        shapes &= bounds.shape == (count + 1,) and bounds[0] == 0 and bounds[-1] == length
        shapes &= bool((np.diff(bounds) >= (0 if bounds is beside_offsets else 1)).all())
    if not count or not shapes or kept.every < 1:
        raise ValueError("arrays that do not fit together")
    ids = np.array(kept.ids, dtype=kept.numbers or object)
    times = Times(np.empty(0, np.int64), kept.integer, kept.zone, kept.form)
    told = Covariates(kept.along, kept.fixed, beside, beside_offsets, static, None, kept.holidays)
    found = ReadSummary(kept.roles, len(values), 0, 0, 0, ())
    frequency = Frequency(kept.unit, kept.every, kept.anchor)
    return Panel(values, offsets, ids, firsts, phases, frequency, times, told, found)
