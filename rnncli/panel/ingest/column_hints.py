"""Suggest roles for unnamed columns, and warn of columns that contain the target."""

from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from rnncli.panel.panel import ColumnRoles
from rnncli.panel.table import Table

if TYPE_CHECKING:
    import pandas as pd

SAME = 0.999  # correlation from which on a column is the target in another form
MAX_COLUMNS = 30  # columns whose sums are tested
MAX_ROWS = 20_000
UNDECIDED = "--known if known in advance, else --past"


Kind = Literal["constant", "static", "known", "undecided", "leak"]


class Hint(NamedTuple):
    """A possible role of a column, or a warning that it contains the target."""

    column: str
    kind: Kind
    words: str


def find_hints(table: Table, roles: ColumnRoles) -> list[Hint]:
    """Return a hint for each numeric column without a role, and a warning for each column that leaks a target."""
    if roles.wide:
        return []
    used = {roles.time, roles.id, roles.weight, *roles.targets, *(name for name, _ in roles.covariates)}
    names = [name for name in table.names if name not in used and table[name].kind == "number"]
    known = [name for name, role in roles.covariates if role == "known"]
    numeric_known = [name for name in known if table[name].kind == "number"]
    targets = [target for target in roles.targets if table[target].kind == "number"]
    frame = table.columns.to_pandas(date_as_object=False)
    hints = [hint for name in names if (hint := _hint(frame, name, roles)) is not None]
    return hints + [hint for target in targets for hint in _leaks(frame, [*names, *numeric_known], target)]


def _hint(frame: "pd.DataFrame", name: str, roles: ColumnRoles) -> Hint | None:
    """Return the possible role of one column."""
    values = frame[name]
    if values.nunique() <= 1:
        return Hint(name, "constant", "never changes")
    if roles.id is not None and (values.groupby(frame[roles.id], observed=True).nunique() <= 1).all():
        return Hint(name, "static", f"one value per series: --static {name}")
    future = frame[list(roles.targets)].isna().all(axis=1)
    if future.any() and values[future].notna().all():
        return Hint(name, "known", f"has values where the target is empty: --known {name}")
    return Hint(name, "undecided", UNDECIDED)


def _leaks(frame: "pd.DataFrame", names: list[str], target: str) -> list[Hint]:
    """Return warnings for columns that determine the target, alone or as the sum of two."""
    sample = frame[[target, *names[:MAX_COLUMNS]]].iloc[:: -(-len(frame) // MAX_ROWS)].astype(np.float64)
    actual = sample[target].to_numpy()
    hints = []
    for name in names[:MAX_COLUMNS]:
        both = ~np.isnan(actual) & sample[name].notna().to_numpy()
        first, second = actual[both], sample[name].to_numpy()[both]
        varies = len(first) > 2 and np.ptp(first) > 0 and np.ptp(second) > 0
        if varies and abs(np.corrcoef(first, second)[0, 1]) > SAME:
            words = f'is perfectly correlated with "{target}": it leaks the target unless it is known in advance'
            hints.append(Hint(name, "leak", words))
    leaking = {hint.column for hint in hints}
    others = [name for name in names[:MAX_COLUMNS] if name not in leaking]
    for name, other in combinations(others, 2):
        total = (sample[name] + sample[other]).to_numpy()
        both = ~np.isnan(actual) & ~np.isnan(total)
        if both.sum() > 2 and np.ptp(actual[both]) > 0 and np.allclose(total[both], actual[both], rtol=1e-6, atol=1e-9):
            words = f'and "{other}" sum to "{target}": they leak the target unless they are known in advance'
            hints.append(Hint(name, "leak", words))
    return hints
