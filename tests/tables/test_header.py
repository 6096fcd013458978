"""The names of columns, as reading the whole table finds them."""

import os
from pathlib import Path

import pandas as pd
import pytest

from rnncli.tables import header
from tests import frames

FRAME = pd.DataFrame({"id, or name": ["a", "b"], "ds": ["2024-01-01", "2024-01-02"], "größe": [1.5, 2.5]})


def written(path: Path) -> Path:
    """The table in a file, as its name says."""
    suffix = path.name.partition(".")[2]
    match suffix:
        case "parquet":
            FRAME.to_parquet(path)
        case "feather":
            FRAME.to_feather(path)
        case "ndjson":
            path.write_text(FRAME.to_json(orient="records", lines=True, force_ascii=False))
        case _:
            path.parent.mkdir(exist_ok=True)
            delimiter = {"tsv": "\t", "semicolon.csv": ";"}.get(suffix, ",")
            FRAME.to_csv(path, sep=delimiter, index=False, encoding="utf-8-sig")
    return path


@pytest.mark.parametrize(
    "name", ["t.csv", "t.semicolon.csv", "t.tsv", "t.csv.gz", "t.parquet", "t.feather", "t.ndjson"]
)
def test_the_header_has_the_column_names_of_the_table(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name)

    assert header.column_names(path) == list(frames.read(str(path)).columns) == list(FRAME.columns)


def test_the_header_of_a_folder_has_its_partition_keys(tmp_path: Path) -> None:
    FRAME.assign(shop=["north", "south"]).to_parquet(tmp_path / "t", partition_cols=["shop"])

    assert header.column_names(tmp_path / "t") == list(frames.read(str(tmp_path / "t")).columns)


def test_other_files_have_no_columns_and_a_pipe_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "m.rnn").write_bytes(b"@\0\0\0\0\0\0\0" + b'{"a":1,"b":2}')  # how a model begins
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "folder").mkdir()

    for name in ("m.rnn", "pipe", "empty.csv", "folder", "nothing.csv"):
        assert header.column_names(tmp_path / name) == []
