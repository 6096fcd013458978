"""DataFrames to files, which appear whole or not at all, and to standard output."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from rnncli.errors import RequestError
from rnncli.files.atomic import COMPRESSIONS, is_url, written_whole
from rnncli.messages import did_you_mean
from rnncli.tables import json_records, parquet_dataset
from rnncli.tables.reading import STANDARD_STREAM

Frames = Iterator[pd.DataFrame]


def write(table: pd.DataFrame | Iterator[pd.DataFrame], target: str, kind: str) -> None:
    """The table, or its parts as they come, to a file, which appears whole or not at all, or to standard output."""
    frames = iter([table]) if isinstance(table, pd.DataFrame) else table
    if target == STANDARD_STREAM:
        try:
            _writer(kind)(frames, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise RequestError(f"cannot write to standard output: {error.strerror or error}") from error
        return
    if is_url(target):
        _upload(frames, target, kind)
        return
    path = Path(target)
    compression = COMPRESSIONS.get(path.suffix.lower())
    with written_whole(path) as stream:
        if compression is None:
            _writer(kind)(frames, stream)
        else:
            twin = os.fdopen(os.dup(stream.fileno()), "wb")  # for Arrow closes what it compresses into
            with pa.CompressedOutputStream(twin, compression) as compressed:
                _writer(kind)(frames, compressed)


def _upload(frames: Frames, url: str, kind: str) -> None:
    """The table to a URL, where it appears whole: it is sent once it is complete."""
    content = io.BytesIO()
    _writer(kind)(frames, content)
    system, place = parquet_dataset.located(url)
    try:
        with system.open_output_stream(place, compression=None) as stream:
            stream.write(content.getbuffer())
    except OSError as error:
        raise RequestError(f"cannot write {url}: {' '.join(str(error).split())}") from error


def _writer(kind: str) -> Callable[[Frames, Any], None]:
    if kind not in WRITERS:
        hint = did_you_mean(kind, list(WRITERS))
        raise RequestError(f'a table cannot be written as "{kind}". Known are {", ".join(WRITERS)}.{hint}')
    return WRITERS[kind]


def _write_csv(frames: Frames, stream: Any) -> None:
    _write_delimited(frames, stream, ",")


def _write_tsv(frames: Frames, stream: Any) -> None:
    _write_delimited(frames, stream, "\t")


def _write_delimited(frames: Frames, stream: Any, delimiter: str) -> None:
    for number, frame in enumerate(frames):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        quoting = "needed" if _holds_special(table, delimiter) else "none"  # "needed" puts every text in quotes
        options = arrow_csv.WriteOptions(
            include_header=number == 0, delimiter=delimiter, quoting_style=quoting, quoting_header=quoting
        )
        arrow_csv.write_csv(table, stream, write_options=options)


def _holds_special(table: pa.Table, delimiter: str) -> bool:
    """Whether a name or a text has a character that CSV reads as its own."""
    texts: list[pa.Array] = [pa.array(table.column_names)]
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            texts += [chunk.dictionary for chunk in column.chunks]
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            texts.append(column)
    pattern = f'[{delimiter}"\r\n]'
    return any(pc.any(pc.match_substring_regex(part.cast(pa.string()), pattern)).as_py() for part in texts)


def _write_parquet(frames: Frames, stream: Any) -> None:
    import pyarrow.parquet as parquet

    first = pa.Table.from_pandas(next(frames), preserve_index=False)
    with parquet.ParquetWriter(stream, first.schema) as writer:
        writer.write_table(first)
        for frame in frames:
            writer.write_table(pa.Table.from_pandas(frame, schema=first.schema, preserve_index=False))


WRITERS: dict[str, Callable[[Frames, Any], None]] = {
    "csv": _write_csv,
    "tsv": _write_tsv,
    "parquet": _write_parquet,
    "json": json_records.write_list,
    "ndjson": json_records.write_lines,
    "arrow": json_records.write_arrow,
}
TYPED = ("parquet", "arrow")  # hold times as such, and are nothing for a terminal
