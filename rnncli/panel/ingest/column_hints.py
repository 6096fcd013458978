"""What the columns that nobody named might be, and which of them would give the target away."""

from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from rnncli.panel.panel import ColumnRoles

ALIKE = 0.999  # correlation from which on a column is the target in another form
MOST = 30  # columns of which sums are tried
ROWS = 20_000  # rows looked at
UNDECIDED = "--known if known in advance, else --past"


Kind = Literal["constant", "static", "known", "undecided", "leak"]


class Hint(NamedTuple):
    """A possible role of a column, or a warning that it contains the target."""

    column: str
    kind: Kind
    words: str


def find_hints(frame: pd.DataFrame, roles: ColumnRoles) -> list[Hint]:
    """Of every column of numbers without a role what it might be, of several that add up to a target a warning."""
    frame = frame.rename(columns=str)
    if roles.wide:
        return []
    taken = {roles.time, roles.id, roles.weight, *roles.targets, *(name for name, _ in roles.covariates)}
    names = [str(name) for name in frame if name not in taken and pd.api.types.is_numeric_dtype(frame[name].dtype)]
    advance = [name for name, role in roles.covariates if role == "known"]
    known = [name for name in advance if pd.api.types.is_numeric_dtype(frame[name].dtype)]
    found = [hint for name in names if (hint := _hint(frame, name, roles)) is not None]
    return found + [hint for target in roles.targets for hint in _leaks(frame, [*names, *known], target)]


def _hint(frame: pd.DataFrame, name: str, roles: ColumnRoles) -> Hint | None:
    """What one column might be."""
    values = frame[name]
    if values.nunique() <= 1:
        return Hint(name, "constant", "never changes")
    if roles.id is not None and (values.groupby(frame[roles.id], observed=True).nunique() <= 1).all():
        return Hint(name, "static", f"one value a series: --static {name}")
    coming = frame[list(roles.targets)].isna().all(axis=1)
    if coming.any() and values[coming].notna().all():
        return Hint(name, "known", f"filled where the target is still empty: --known {name}")
    return Hint(name, "undecided", UNDECIDED)


def _leaks(frame: pd.DataFrame, names: list[str], target: str) -> list[Hint]:
    """Columns that tell the target: alone, or two of them added up."""
    if not pd.api.types.is_numeric_dtype(frame[target].dtype):
        return []
    some = frame[[target, *names[:MOST]]].iloc[:: -(-len(frame) // ROWS)].astype(np.float64)
    actual = some[target].to_numpy()
    found = []
    for name in names[:MOST]:
        both = ~np.isnan(actual) & some[name].notna().to_numpy()
        one, other = actual[both], some[name].to_numpy()[both]
        if len(one) > 2 and np.ptp(one) > 0 and np.ptp(other) > 0 and abs(np.corrcoef(one, other)[0, 1]) > ALIKE:
            words = f'moves as "{target}" does: known only afterwards, it would give it away'
            found.append(Hint(name, "leak", words))
    told = {hint.column for hint in found}
    for first, second in combinations([name for name in names[:MOST] if name not in told], 2):
        total = (some[first] + some[second]).to_numpy()
        both = ~np.isnan(actual) & ~np.isnan(total)
        if both.sum() > 2 and np.ptp(actual[both]) > 0 and np.allclose(total[both], actual[both], rtol=1e-6, atol=1e-9):
            words = f'with "{second}" adds up to "{target}": known only afterwards, they would give it away'
            found.append(Hint(first, "leak", words))
    return found
