"""DataFrames to files, which appear whole or not at all, and to standard output."""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from rnncli.errors import RequestError, did_you_mean
from rnncli.files import COMPRESSIONS, is_url, written_whole
from rnncli.tables import folders
from rnncli.tables.reading import STANDARD_STREAM


def write(frame: pd.DataFrame, target: str, kind: str) -> None:
    """The table to a file, which appears whole or not at all, or to "-" for standard output."""
    if target == STANDARD_STREAM:
        try:
            _writer(kind)(frame, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise RequestError(f"cannot write to standard output: {error.strerror or error}") from error
        return
    if is_url(target):
        _upload(frame, target, kind)
        return
    path = Path(target)
    compression = COMPRESSIONS.get(path.suffix.lower())
    with written_whole(path) as stream:
        if compression is None:
            _writer(kind)(frame, stream)
        else:
            twin = os.fdopen(os.dup(stream.fileno()), "wb")  # for Arrow closes what it compresses into
            with pa.CompressedOutputStream(twin, compression) as compressed:
                _writer(kind)(frame, compressed)


def _upload(frame: pd.DataFrame, url: str, kind: str) -> None:
    """The table to a URL, where it appears whole: it is sent once it is complete."""
    content = io.BytesIO()
    _writer(kind)(frame, content)
    system, place = folders.located(url)
    try:
        with system.open_output_stream(place, compression=None) as stream:
            stream.write(content.getbuffer())
    except OSError as error:
        raise RequestError(f"cannot write {url}: {' '.join(str(error).split())}") from error


def _writer(kind: str) -> Callable[[pd.DataFrame, Any], None]:
    if kind not in WRITERS:
        hint = did_you_mean(kind, list(WRITERS))
        raise RequestError(f'a table cannot be written as "{kind}". Known are {", ".join(WRITERS)}.{hint}')
    return WRITERS[kind]


def _write_csv(frame: pd.DataFrame, stream: Any) -> None:
    _write_delimited(frame, stream, ",")


def _write_tsv(frame: pd.DataFrame, stream: Any) -> None:
    _write_delimited(frame, stream, "\t")


def _write_delimited(frame: pd.DataFrame, stream: Any, delimiter: str) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    quoting = "needed" if _holds_special(table, delimiter) else "none"  # "needed" puts every text in quotes
    options = arrow_csv.WriteOptions(delimiter=delimiter, quoting_style=quoting, quoting_header=quoting)
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


def _write_parquet(frame: pd.DataFrame, stream: Any) -> None:
    import pyarrow.parquet as parquet

    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), stream)


def _write_json_lines(frame: pd.DataFrame, stream: Any) -> None:
    for record in frame.to_dict("records"):
        stream.write(json.dumps(record, ensure_ascii=False, default=str).encode() + b"\n")


WRITERS: dict[str, Callable[[pd.DataFrame, Any], None]] = {
    "csv": _write_csv,
    "tsv": _write_tsv,
    "parquet": _write_parquet,
    "jsonl": _write_json_lines,
}
