"""Columns of text to numbers, where all of a column reads so, whatever stands before the fraction or the thousands."""

import pyarrow as pa
import pyarrow.compute as pc

from rnncli.config import Decimal
from rnncli.errors import Assume

EMPTY = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "none", "-")  # among numbers; a name else
SPACES = r" \x{a0}\x{202f}'’"  # between thousands, whichever sign stands before the fraction


def _form(thousands: str, fraction: str) -> str:
    return rf"^[+-]?(\d+|\d{{1,3}}([{thousands}{SPACES}]\d{{3}})+)({fraction}\d+)?([eE][+-]?\d+)?$"


FORMS: dict[Decimal, str] = {".": _form(",", r"\."), ",": _form(r"\.", ",")}
LEADING_ZERO = r"^\s*[+-]?0\d"
NAMES = rf"{LEADING_ZERO}|^\s*[+-]?\d{{17,}}\s*$"  # of many digits: as floats, neighbours would be one
POINTED = r"^[+-]?\d{1,3}(\.\d{3})+$"  # a number, or thousands where a comma stands before fractions


def read(table: pa.Table, decimal: Decimal | None, semicolons: bool, assume: Assume) -> pa.Table:
    """The table of texts with every column that is of numbers as numbers.

    What stands before the fraction is told by the columns that can be read in one way only; else a comma in a file
    delimited by semicolons, a point in others.
    """
    columns = [_plain(column) for column in table.columns]
    forms = [_forms(column) if pa.types.is_string(column.type) else [] for column in columns]
    telling = {own[0] for own in forms if len(own) == 1}
    sure = decimal is not None or len(telling) == 1
    by_file: Decimal = "," if semicolons else "."
    usual = decimal or (telling.pop() if sure else by_file)
    for place, (column, own) in enumerate(zip(columns, forms, strict=True)):
        texts = table.column(place)
        pointed = sure and usual == "," and pa.types.is_floating(column.type) and _all(texts, POINTED)
        if own or pointed:
            columns[place] = _cast(_bare(texts, usual if pointed or usual in own else own[0]))
        if pointed or (len(own) > 1 and not sure and _any(_filled(texts), "[.,]")):
            row = pc.index(pc.is_valid(columns[place]), True).as_py()
            said = f'"{texts[row]}" in "{table.column_names[place]}" is taken for {columns[place][row].as_py():.15g}'
            assume(f"{said}; --decimal says what stands before a fraction")
    return pa.table(columns, names=table.column_names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as whole numbers or as floats where all of it reads so, else as text."""
    numbers = _filled(column)
    try:
        whole = numbers.cast(pa.int64())
        return column if _any(numbers, LEADING_ZERO) else whole
    except pa.ArrowInvalid:
        if _any(numbers, NAMES):
            return column
    try:
        return numbers.cast(pa.float64())
    except pa.ArrowInvalid:
        return column


def _forms(column: pa.ChunkedArray) -> list[Decimal]:
    """What may stand before the fraction, where all of a column are numbers with separators."""
    if _any(column, NAMES):
        return []
    return [decimal for decimal, form in FORMS.items() if _all(column, form)]


def _bare(column: pa.ChunkedArray, decimal: Decimal) -> pa.ChunkedArray:
    """Numbers without what separates thousands, and with a point before the fraction."""
    thousands = "," if decimal == "." else r"\."
    bare = pc.replace_substring_regex(_filled(column), f"[{thousands}{SPACES}]", "")
    return pc.replace_substring(bare, ",", ".")


def _cast(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column.cast(pa.float64())


def _filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Trimmed texts, without those that stand for nothing."""
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(trimmed, pa.array(EMPTY)), pa.scalar(None, pa.string()), trimmed)


def _all(column: pa.ChunkedArray, pattern: str) -> bool:
    found = pc.match_substring_regex(_filled(column), pattern)
    return bool(pc.all(found, min_count=1).as_py())


def _any(column: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, pattern)).as_py())
