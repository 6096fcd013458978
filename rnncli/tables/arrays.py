"""Arrow arrays to NumPy arrays and back, through their buffers.

The conversions of pyarrow (`pa.array`, `pa.scalar`, `to_numpy`) import pandas, to recognise its types. That takes
longer than the rest of reading a short table.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

PRIMITIVE = {
    pa.int8(): "i1", pa.int16(): "i2", pa.int32(): "i4", pa.int64(): "i8",
    pa.uint8(): "u1", pa.uint16(): "u2", pa.uint32(): "u4", pa.uint64(): "u8",
    pa.float16(): "f2", pa.float32(): "f4", pa.float64(): "f8", pa.date32(): "i4", pa.date64(): "i8",
}  # fmt: skip
ARROW = {np.dtype(name): kind for kind, name in PRIMITIVE.items() if not pa.types.is_date(kind)}


def to_numpy(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Return numbers, booleans, dates or timestamps (as integers); undefined where the column is null."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [_chunk_to_numpy(chunk) for chunk in chunks]
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty(0)


def is_null(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Return whether each value is null."""
    return to_numpy(column.is_null()) if column.null_count else np.zeros(len(column), bool)


def to_arrow(values: np.ndarray, present: np.ndarray | None = None) -> pa.Array:
    """Return numbers or booleans as an Arrow array, with null for NaN and where nothing is present."""
    values = np.ascontiguousarray(values)
    if values.dtype.kind == "f" and np.isnan(values).any():
        present = ~np.isnan(values) if present is None else present & ~np.isnan(values)
    validity = None if present is None or present.all() else _bits(present)
    if values.dtype.kind == "b":
        return pa.Array.from_buffers(pa.bool_(), len(values), [validity, _bits(values)])
    return pa.Array.from_buffers(ARROW[values.dtype], len(values), [validity, pa.py_buffer(values)])


def timestamps_to_arrow(instants: np.ndarray, zone: str | None) -> pa.Array:
    """Return microseconds since 1970 (in UTC with a zone) as timestamps."""
    buffer = pa.py_buffer(np.ascontiguousarray(instants, np.int64))
    return pa.Array.from_buffers(pa.timestamp("us", zone), len(instants), [None, buffer])


def texts_to_arrow(texts: Sequence[str | None]) -> pa.Array:
    """Return texts as an Arrow array, with null for None. Raises UnicodeEncodeError for half a character."""
    encoded = [b"" if text is None else text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    present = _bits(np.array([text is not None for text in texts], bool))
    buffers = [present, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers).cast(pa.string())


def text_scalar(text: str | None) -> pa.Scalar:
    """Return a text for the functions of `pyarrow.compute`; null for None."""
    return texts_to_arrow([text])[0]


def coded_to_arrow(codes: np.ndarray, texts: Sequence[str]) -> pa.DictionaryArray:
    """Return the text of each code (R,), with null for -1."""
    return pa.DictionaryArray.from_arrays(to_arrow(codes.astype(np.int32), codes >= 0), texts_to_arrow(texts))


def coded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return a column as codes of its distinct values, in one piece."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()  # with one dictionary for all chunks
    elif column.num_chunks > 1:
        column = column.unify_dictionaries()
    if column.num_chunks == 1:
        return column.chunk(0)
    indices = pa.concat_arrays([chunk.indices for chunk in column.chunks])
    return pa.DictionaryArray.from_arrays(indices, column.chunk(0).dictionary)


def _chunk_to_numpy(chunk: pa.Array) -> np.ndarray:
    data = chunk.buffers()[1]
    if data is None or not len(chunk):
        return np.empty(len(chunk), bool if pa.types.is_boolean(chunk.type) else _dtype(chunk.type))
    if pa.types.is_boolean(chunk.type):
        bits = np.frombuffer(data, np.uint8)
        return np.unpackbits(bits, count=chunk.offset + len(chunk), bitorder="little")[chunk.offset :].view(bool)
    dtype = _dtype(chunk.type)
    return np.frombuffer(data, dtype, len(chunk), chunk.offset * dtype.itemsize)


def _dtype(kind: pa.DataType) -> np.dtype:
    """Return the type of the numbers that store a type."""
    return np.dtype(PRIMITIVE.get(kind, "i8"))  # a timestamp has eight bytes


def _bits(values: np.ndarray) -> pa.Buffer:
    """Return booleans as a bitmap."""
    return pa.py_buffer(np.packbits(values, bitorder="little"))
