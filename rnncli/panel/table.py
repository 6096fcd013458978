"""The table that a panel is built from: Arrow columns, read as NumPy arrays when they are needed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from rnncli.panel.row_numbers import RowNumbers
from rnncli.tables import arrays

Kind = Literal["number", "text", "time", "other"]


class Coded(NamedTuple):
    """A column as codes of its distinct values."""

    codes: np.ndarray  # (R,) indices of distinct values; -1 if empty
    distinct: pa.Array  # (D,) each of which occurs


@dataclass(frozen=True)
class Column:
    """A column of R rows."""

    name: str
    values: pa.ChunkedArray
    rows: RowNumbers = field(default_factory=RowNumbers)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def kind(self) -> Kind:
        """The kind of its values. Booleans count as numbers unless one is missing."""
        kind = self.values.type
        if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return "text"
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return "time"
        if pa.types.is_boolean(kind):
            return "other" if self.values.null_count else "number"
        return "number" if pa.types.is_integer(kind) or pa.types.is_floating(kind) else "other"

    @cached_property
    def empty(self) -> np.ndarray:
        """Return whether each cell is empty: (R,)."""
        if pa.types.is_floating(self.values.type):
            return np.isnan(self._stored) | arrays.is_null(self.values)
        return self.coded.codes < 0 if pa.types.is_dictionary(self.values.type) else arrays.is_null(self.values)

    @property
    def numbers(self) -> np.ndarray:
        """The numbers of a numeric column in its own type, or as floats with NaN if cells are empty: (R,)."""
        return np.where(self.empty, np.nan, self._stored) if self.empty.any() else self._stored

    @cached_property
    def _stored(self) -> np.ndarray:
        """The numbers, undefined where a cell is null: (R,)."""
        return arrays.to_numpy(self.values)

    @cached_property
    def coded(self) -> Coded:
        """The column as codes, such that each distinct value is looked at once."""
        values = self.values
        if self.kind == "other":  # which Arrow may not be able to compare: a list, say
            texts = [None if value is None else str(value) for value in values.to_pylist()]
            values = pa.chunked_array([arrays.texts_to_arrow(texts)])
        coded = arrays.coded(values)
        codes, distinct = arrays.to_numpy(coded.indices), coded.dictionary
        if coded.null_count:
            codes = np.where(arrays.is_null(coded), -1, codes.astype(np.int32))
        missing = arrays.is_null(distinct)
        if pa.types.is_floating(distinct.type):
            missing |= np.isnan(arrays.to_numpy(distinct))
        used = np.zeros(len(distinct) + 1, bool)  # the last for codes of -1
        used[codes] = True
        if used[:-1].all() and not missing.any():
            return Coded(codes, distinct)
        kept = np.flatnonzero(used[:-1] & ~missing)
        renumbered = np.full(len(distinct) + 1, -1, np.int32)
        renumbered[kept] = np.arange(len(kept))
        return Coded(renumbered[codes], distinct.take(arrays.to_arrow(kept)))

    @property
    def distinct_texts(self) -> pa.Array:
        """The distinct values as texts: (D,)."""
        return self.coded.distinct.cast(pa.string())

    def cell(self, position: int) -> object:
        """Return a value as Python has it; None if it is empty."""
        value = self.values[position]
        kind = value.type
        if pa.types.is_timestamp(kind) and kind.unit == "ns":  # Python's times end at microseconds
            value = self.values.slice(position, 1).cast(pa.timestamp("us", kind.tz), safe=False)[0]
        return value.as_py()

    def row(self, position: int) -> str:
        """Return how messages name a row."""
        return self.rows.words(position)


@dataclass(frozen=True)
class Table:
    """Columns of R rows."""

    columns: pa.Table
    rows: RowNumbers = field(default_factory=RowNumbers)

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    def __contains__(self, name: object) -> bool:
        return name in self.columns.column_names

    def __getitem__(self, name: str) -> Column:
        return Column(name, self.columns[name], self.rows)

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.columns.column_names)

    def with_numbers(self, name: str, numbers: np.ndarray) -> "Table":
        """Return the table with other values (R,) in a column."""
        return self._with(name, arrays.to_arrow(numbers))

    def with_texts(self, name: str) -> "Table":
        """Return the table with the values of a column as texts."""
        codes, distinct = self[name].coded
        return self._with(name, arrays.coded_to_arrow(codes, [str(value) for value in distinct.to_pylist()]))

    def _with(self, name: str, values: pa.Array) -> "Table":
        return Table(self.columns.set_column(self.names.index(name), name, values), self.rows)

    def without(self, names: Iterable[str | None]) -> "Table":
        """Return the table without these columns."""
        dropped = set(names)
        return Table(self.columns.select([name for name in self.names if name not in dropped]), self.rows)
