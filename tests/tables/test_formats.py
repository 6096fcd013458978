"""One row adds a file format: nothing else lists them."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from rnncli.errors import RequestError
from rnncli.tables import formats, header
from rnncli.tables.formats import FORMATS, Format
from tests import frames

FIXED_WIDTH = Format(
    "fixed",
    (".fwf",),
    reader="tests.tables.fixed_width:read",
    writer="tests.tables.fixed_width:write",
    column_reader="tests.tables.fixed_width:columns",
    first_bytes=(b"#fixed\n",),
    streamable=True,
)
FRAME = pd.DataFrame({"unique_id": ["a", "a", "b"], "ds": ["2024-01-01", "2024-01-02", "2024-01-01"], "y": [1.5, 2, 3]})


@pytest.fixture
def fixed_width(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of the new format, without a row of the table of formats changed."""
    monkeypatch.setitem(FORMATS, "fixed", FIXED_WIDTH)
    frames.write(iter([FRAME[:1], FRAME[1:]]), str(tmp_path / "t.fwf"), formats.output_format(Path("t.fwf")))
    return tmp_path / "t.fwf"


def test_a_format_with_a_row_is_written_and_read(fixed_width: Path) -> None:
    unnamed = fixed_width.rename(fixed_width.with_name("t"))
    by_content = frames.read(str(unnamed))
    unnamed.rename(fixed_width)

    for table in (by_content, frames.read(str(fixed_width)), frames.read(str(fixed_width), "fixed")):
        pd.testing.assert_frame_equal(table.astype(FRAME.dtypes), FRAME)
    assert header.column_names(fixed_width) == list(FRAME.columns)
    assert not formats.is_binary("fixed")


def in_new_process(code: str, environment: dict[str, str] | None = None) -> str:
    """What is written to stdout by a process whose table of formats has one more row."""
    start = "from tests.tables.test_formats import FIXED_WIDTH, FORMATS\nFORMATS['fixed'] = FIXED_WIDTH\n"
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        env={**os.environ, "COLUMNS": "200", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_a_format_with_a_row_is_in_the_help_of_every_command() -> None:
    commands = ("train", "forecast", "evaluate", "inspect")
    code = f"from rnncli.cli import app\nfor name in {commands}: app.run([name, '--help'])"

    assert in_new_process(code).count("|fixed") == 4


def test_a_format_with_a_row_is_completed_with_its_columns(fixed_width: Path) -> None:
    def completed(*words: str) -> list[str]:
        line = {"COMP_WORDS": "\n".join(["rnncli", *words]), "COMP_CWORD": str(len(words))}
        run = "from rnncli.cli import app\napp.run([])"
        return in_new_process(run, {"_RNNCLI_COMPLETE": "complete_bash", **line}).split()

    assert completed("inspect", "--format", "f") == ["fixed"]
    assert completed("train", str(fixed_width), "--target", "") == list(FRAME.columns)


def test_a_streamable_format_with_a_row_is_written_by_follow() -> None:
    assert in_new_process("from rnncli.cli.forecast import stream\nprint(*stream.STREAMABLE)").split()[-1] == "fixed"


@pytest.mark.parametrize("name", FORMATS)
def test_every_function_that_a_row_names_exists(name: str) -> None:
    row = FORMATS[name]

    for reference in filter(None, (row.reader, row.writer, row.column_reader)):
        assert callable(formats.imported(reference))


def test_no_two_formats_are_recognised_by_the_same() -> None:
    suffixes = [suffix for row in FORMATS.values() for suffix in row.suffixes]
    starts = [start for row in FORMATS.values() for start in row.first_bytes]

    assert len(suffixes) == len(set(suffixes))
    assert not [start for start in starts if sum(other.startswith(start) for other in starts) > 1]


def test_an_unknown_format_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(RequestError, match='Did you mean "parquet"'):
        formats.find_format("parket")
