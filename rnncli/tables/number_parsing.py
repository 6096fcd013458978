"""Text columns to numeric columns, for any decimal and thousands separators."""

import pyarrow as pa
import pyarrow.compute as pc

from rnncli.config.fields import Decimal
from rnncli.errors import DataError
from rnncli.tables.arrays import text_scalar, texts_to_arrow
from rnncli.tables.assumptions import Assume

MISSING = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "none", "-")  # among numbers
SPACES = r" \x{a0}\x{202f}'’"  # thousands separators with either decimal separator


def _form(thousands: str, fraction: str) -> str:
    return rf"^[+-]?(\d+|\d{{1,3}}([{thousands}{SPACES}]\d{{3}})+)({fraction}\d+)?([eE][+-]?\d+)?$"


FORMS: dict[Decimal, str] = {".": _form(",", r"\."), ",": _form(r"\.", ",")}
LEADING_ZERO = r"^\s*[+-]?0\d"
IDS = rf"{LEADING_ZERO}|^\s*[+-]?\d{{17,}}\s*$"  # long numbers as floats would merge distinct ids
NUMBER = rf"^[+-]?[\d.,{SPACES}]+([eE][+-]?\d+)?$"  # in any notation
SAMPLE = 1000  # cells that usually suffice to see that a column is not numeric


def parse_columns(table: pa.Table, decimal: Decimal | None, semicolons: bool, assume: Assume) -> pa.Table:
    """Return a table of text columns with every numeric column as numbers.

    The decimal separator is that of the columns that can be read in one way only. If there are none, it is a comma in
    a file delimited by semicolons, else a point. Raises DataError if a column contradicts `decimal`.
    """
    names, texts = table.column_names, table.columns
    columns = [_plain(column) for column in texts]
    forms = [_forms(text, column.type) for text, column in zip(texts, columns, strict=True)]
    certain = {possible[0] for possible in forms if len(possible) == 1}
    by_file: Decimal = "," if semicolons else "."
    known = decimal is not None or len(certain) == 1
    usual = decimal or (certain.pop() if known else by_file)
    for index, (text, possible) in enumerate(zip(texts, forms, strict=True)):
        if decimal is not None and len(possible) == 1 and possible[0] != decimal:
            raise DataError(
                f'column "{names[index]}": "{_first(text, possible[0])}" is no number with --decimal {decimal}. '
                "Set the other one, or leave it out"
            )
        read_as = usual if usual in possible else possible[0] if possible else None
        if read_as == "," or (read_as is not None and pa.types.is_string(columns[index].type)):
            columns[index] = _cast(_bare(text, read_as))
        if len(possible) > 1 and not known:
            row = _first_true(pc.match_substring_regex(_filled(text), "[.,]"))
            value = f"{columns[index][row].as_py():.15g}"
            assume(f'"{text[row]}" in column "{names[index]}" is read as {value}; --decimal sets the decimal separator')
    return pa.table(columns, names=names)


def is_unambiguous(table: pa.Table) -> bool:
    """Return whether every column is certainly text, whole numbers, or numbers with a decimal point."""
    for text in table.columns:
        column = _plain(text)
        forms = _forms(text, column.type)
        empty = _filled(text).null_count == len(text)  # values further down may be anything
        if empty or len(forms) > 1 or (forms and pa.types.is_string(column.type)):
            return False
    return True


def _first(column: pa.ChunkedArray, decimal: Decimal) -> str:
    """Return the first cell with this decimal separator."""
    return str(column[_first_true(pc.match_substring(_filled(column), decimal))])


def _first_true(found: pa.ChunkedArray) -> int:
    return int(pc.indices_nonzero(found)[0].as_py())


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the column as integers or floats if all of it can be parsed so, else as text.

    A column with nothing but words for missing values remains text: "none" may be a category.
    """
    numbers = _filled(column)
    if numbers.null_count == len(numbers) and column.null_count < len(column):
        return column
    try:
        whole = numbers.cast(pa.int64())
        return column if _any(numbers, LEADING_ZERO) else whole
    except pa.ArrowInvalid:
        if _any(numbers, IDS):
            return column
    try:
        return numbers.cast(pa.float64())
    except pa.ArrowInvalid:
        return column


def _forms(column: pa.ChunkedArray, read: pa.DataType) -> list[Decimal]:
    """Return the possible decimal separators of a numeric column with points or commas; none for other columns."""
    if pa.types.is_integer(read) or not (_all(column.slice(0, SAMPLE), NUMBER) and _all(column, NUMBER)):
        return []
    trimmed = _filled(column)
    if _any(trimmed, IDS):
        return []
    if not _any(trimmed, "[.,]"):
        return ["."] if pa.types.is_string(read) and _all(column, FORMS["."]) else []
    return [decimal for decimal, form in FORMS.items() if _all(column, form)]


def _bare(column: pa.ChunkedArray, decimal: Decimal) -> pa.ChunkedArray:
    """Return numbers without thousands separators and with a decimal point."""
    thousands = "," if decimal == "." else r"\."
    bare = pc.replace_substring_regex(_filled(column), f"[{thousands}{SPACES}]", "")
    return pc.replace_substring(bare, ",", ".")


def _cast(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column.cast(pa.float64())


def _filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return trimmed text, with null for the words for missing values."""
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(trimmed, texts_to_arrow(MISSING)), text_scalar(None), trimmed)


def _all(column: pa.ChunkedArray, pattern: str) -> bool:
    found = pc.match_substring_regex(_filled(column), pattern)
    return bool(pc.all(found, min_count=1).as_py())


def _any(column: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, pattern)).as_py())
