"""Columns of text to numbers, where all of a column reads so, whatever stands before the fraction or the thousands."""

import pyarrow as pa
import pyarrow.compute as pc

from rnncli.config.sections import Decimal
from rnncli.errors import DataError
from rnncli.tables.assumptions import Assume

MISSING = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "none", "-")  # among numbers; a name else
SPACES = r" \x{a0}\x{202f}'’"  # between thousands, whichever sign stands before the fraction


def _form(thousands: str, fraction: str) -> str:
    return rf"^[+-]?(\d+|\d{{1,3}}([{thousands}{SPACES}]\d{{3}})+)({fraction}\d+)?([eE][+-]?\d+)?$"


FORMS: dict[Decimal, str] = {".": _form(",", r"\."), ",": _form(r"\.", ",")}
LEADING_ZERO = r"^\s*[+-]?0\d"
NAMES = rf"{LEADING_ZERO}|^\s*[+-]?\d{{17,}}\s*$"  # of many digits: as floats, neighbours would be one
NUMBER = rf"^[+-]?[\d.,{SPACES}]+([eE][+-]?\d+)?$"  # of any country
GLANCE = 1000  # cells that nearly always tell that a column is no number


def parse_columns(table: pa.Table, decimal: Decimal | None, semicolons: bool, assume: Assume) -> pa.Table:
    """The table of texts with every column that is of numbers as numbers.

    What stands before the fraction is told by the columns that can be read in one way only; else a comma in a file
    delimited by semicolons, a point in others. Raises DataError where that is not what is said.
    """
    names, texts = table.column_names, table.columns
    columns = [_plain(column) for column in texts]
    forms = [_forms(text, column.type) for text, column in zip(texts, columns, strict=True)]
    telling = {own[0] for own in forms if len(own) == 1}
    by_file: Decimal = "," if semicolons else "."
    sure = decimal is not None or len(telling) == 1
    usual = decimal or (telling.pop() if sure else by_file)
    for place, (text, own) in enumerate(zip(texts, forms, strict=True)):
        if decimal is not None and len(own) == 1 and own[0] != decimal:
            raise DataError(
                f'"{names[place]}" has "{_first(text, own[0])}", which no number with --decimal {decimal} is'
            )
        read_as = usual if usual in own else own[0] if own else None
        if read_as == "," or (read_as is not None and pa.types.is_string(columns[place].type)):
            columns[place] = _cast(_bare(text, read_as))
        if len(own) > 1 and not sure:
            row = pc.index(pc.match_substring_regex(_filled(text), "[.,]"), True).as_py()
            said = f'"{text[row]}" in "{names[place]}" is taken for {columns[place][row].as_py():.15g}'
            assume(f"{said}; --decimal says what stands before a fraction")
    return pa.table(columns, names=names)


def is_unambiguous(table: pa.Table) -> bool:
    """Whether there is no doubt about any column: it is of other texts, of whole numbers, or of ones with a point."""
    for text in table.columns:
        column = _plain(text)
        forms = _forms(text, column.type)
        silent = _filled(text).null_count == len(text)  # further down it may be of anything
        if silent or len(forms) > 1 or (forms and pa.types.is_string(column.type)):
            return False
    return True


def _first(column: pa.ChunkedArray, decimal: Decimal) -> str:
    """The first cell that has the sign before a fraction."""
    return str(column[pc.index(pc.match_substring(_filled(column), decimal), True).as_py()])


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as whole numbers or as floats where all of it reads so, else as text.

    A column of nothing but words for nothing stays one of words: "none" may be a kind.
    """
    numbers = _filled(column)
    if numbers.null_count == len(numbers) and column.null_count < len(column):
        return column
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


def _forms(column: pa.ChunkedArray, read: pa.DataType) -> list[Decimal]:
    """What may stand before the fraction of a column of numbers with points or commas in it; nothing for others."""
    if pa.types.is_integer(read) or not (_all(column.slice(0, GLANCE), NUMBER) and _all(column, NUMBER)):
        return []
    trimmed = _filled(column)
    if _any(trimmed, NAMES):
        return []
    if not _any(trimmed, "[.,]"):
        return ["."] if pa.types.is_string(read) and _all(column, FORMS["."]) else []
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
    return pc.if_else(pc.is_in(trimmed, pa.array(MISSING)), pa.scalar(None, pa.string()), trimmed)


def _all(column: pa.ChunkedArray, pattern: str) -> bool:
    found = pc.match_substring_regex(_filled(column), pattern)
    return bool(pc.all(found, min_count=1).as_py())


def _any(column: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, pattern)).as_py())
