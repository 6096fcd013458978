"""Files to tables and back, in every format."""

import gzip
import io
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import fs

from rnncli.errors import DataError, RequestError
from rnncli.tables import formats, reading
from rnncli.tables.assumptions import reject_assumption
from tests import frames
from tests.conftest import Command

FRAME = pd.DataFrame(
    {
        "name": pd.Categorical(["a,b", 'say "x"', "ü"]),
        "day": pd.date_range("2024-01-01", periods=3),
        "count": [1, 2, 3],
        "size": [0.1, np.nan, -3e300],
    }
)
TEXTS = FRAME.assign(day=FRAME["day"].dt.strftime("%Y-%m-%d").astype("category"))


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t.csv.gz", "t.csv.zst", "t.tsv.gz"])
def test_text_formats_round_trip(name: str, tmp_path: Path) -> None:
    path = tmp_path / name

    frames.write(TEXTS, str(path), formats.output_format(path))

    pd.testing.assert_frame_equal(frames.read(str(path)), TEXTS, check_categorical=False, check_dtype=False)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_parquet_round_trips(tmp_path: Path) -> None:
    frames.write(FRAME, str(tmp_path / "t.parquet"), "parquet")

    read = frames.read(str(tmp_path / "t.parquet"))

    pd.testing.assert_frame_equal(read, FRAME, check_categorical=False, check_dtype=False)
    assert pd.api.types.is_datetime64_dtype(read["day"].dtype)


def test_a_folder_of_parquet_files_is_one_table(tmp_path: Path) -> None:
    for year in (2023, 2024):
        part = tmp_path / "table" / f"year={year}"
        part.mkdir(parents=True)
        frames.write(pd.DataFrame({"y": [year, year]}), str(part / "part.parquet"), "parquet")

    read = frames.read(str(tmp_path / "table"))

    assert sorted(read["y"]) == [2023, 2023, 2024, 2024]
    assert sorted(read["year"]) == [2023, 2023, 2024, 2024]


def test_plain_texts_are_written_without_quotes(tmp_path: Path) -> None:
    frames.write(pd.DataFrame({"id": ["north"], "y": [1.5]}), str(tmp_path / "t.csv"), "csv")

    assert (tmp_path / "t.csv").read_text() == "id,y\nnorth,1.5\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_inferred(delimiter: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"ds{delimiter}y\n2024-01-01{delimiter}1\n")

    assert list(frames.read(str(tmp_path / "t.csv"))) == ["ds", "y"]


def test_ids_that_look_like_numbers_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,y\n007,1\n012,2\n")

    assert frames.read(str(tmp_path / "t.csv"))["id"].tolist() == ["007", "012"]


def test_a_byte_order_mark_and_blanks_are_removed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfid,y\r\na, 1\r\nb,2 \r\n")

    read = frames.read(str(tmp_path / "t.csv"))

    assert list(read) == ["id", "y"]
    assert read["y"].tolist() == [1, 2]


def test_compression_is_recognised_without_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(gzip.compress(b"id,y\na,1\n"))

    assert frames.read(str(tmp_path / "t.csv"))["y"].tolist() == [1]


def test_decimals_and_dates_of_parquet_are_numbers_and_times(tmp_path: Path) -> None:
    table = pa.table({"d": pa.array([20000], pa.date32()), "v": pa.array([1], pa.decimal128(5, 2))})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")

    read = frames.read(str(tmp_path / "t.parquet"))

    assert read["v"].tolist() == [1.0]
    assert pd.api.types.is_datetime64_dtype(read["d"].dtype)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"ds,y\n", "a header .ds, y. but no rows"),
        (b"ds,y\n1,2,3\n", "cannot be read.*[Ee]xpected 2 columns"),
        (b"y,y\n1,2\n", '"y" appears twice'),
        (b"\x1f\x8bbroken", "cannot be read"),
    ],
)
def test_a_broken_file_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)

    with pytest.raises(DataError, match=message):
        frames.read(str(tmp_path / "t.csv"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        frames.read(str(tmp_path / "none.csv"))


def test_a_folder_without_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no \.parquet file"):
        frames.read(str(tmp_path))


def test_an_invalid_parquet_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"ds,y\n")

    with pytest.raises(DataError, match="cannot be read"):
        frames.read(str(tmp_path / "t.parquet"))


def test_a_workbook_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04")

    with pytest.raises(DataError, match="Save the sheet as CSV"):
        frames.read(str(tmp_path / "t.xlsx"))


@pytest.mark.parametrize("kind", formats.FORMATS)
def test_the_format_of_a_pipe_is_recognised(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames.write(FRAME, str(tmp_path / "t"), kind)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "t").read_bytes())))

    pd.testing.assert_frame_equal(frames.read("-").astype(FRAME.dtypes), FRAME)


def test_missing_values_are_null_in_json(tmp_path: Path) -> None:
    frames.write(pd.DataFrame({"a": [1.5, np.nan], "b": ["x", None]}), str(tmp_path / "t.ndjson"), "ndjson")

    assert (tmp_path / "t.ndjson").read_text() == '{"a": 1.5, "b": "x"}\n{"a": null, "b": null}\n'
    assert frames.read(str(tmp_path / "t.ndjson")).isna().to_numpy().tolist() == [[False, False], [True, True]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.ndjson", '{"a": 1}\n{"a": ', "line 2: invalid JSON"),
        ("t.ndjson", '{"a": 1}\n5\n', "record 2: found 5, expected an object"),
        ("t.ndjson", '{"a": {"b": 1}}', 'record 1: "a" is nested'),
        ("t.json", '{"a": 1}', "must be a list of objects"),
        ("t.json", "[" * 100_000, "invalid JSON"),
        ("t.json", '[{"a": "\\ud800"}]', "half a character"),
        ("t.ndjson", '{"\\ud800": 1}', "half a character"),
        ("t.arrow", "ARROW1 and nothing", "cannot be read"),
    ],
)
def test_invalid_records_are_refused(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)

    with pytest.raises(DataError, match=message):
        frames.read(str(tmp_path / name))


def test_records_may_lack_a_field_and_mix_numbers_with_texts(tmp_path: Path) -> None:
    (tmp_path / "t.ndjson").write_text('{"a": 1}\n\n{"b": "x", "a": 2.5}\n{"a": "7"}\n')

    read = frames.read(str(tmp_path / "t.ndjson"))

    assert read["a"].tolist() == ["1", "2.5", "7"]
    assert read["b"].isna().tolist() == [True, False, True]


def test_an_unknown_format_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="unknown suffix"):
        formats.output_format(tmp_path / "t.xlsx")


def test_na_is_missing_among_numbers_and_text_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,y\nNA,1\nB,NA\nB,-\n")

    read = frames.read(str(tmp_path / "t.csv"))

    assert read["id"].tolist() == ["NA", "B", "B"]
    assert read["y"].isna().tolist() == [False, True, True]


def test_row_numbers_stored_by_pandas_are_dropped(tmp_path: Path) -> None:
    FRAME.iloc[[2, 0]].to_parquet(tmp_path / "t.parquet")
    FRAME.to_csv(tmp_path / "t.csv")

    assert list(frames.read(str(tmp_path / "t.parquet"))) == list(FRAME)
    assert list(frames.read(str(tmp_path / "t.csv"))) == list(FRAME)


def test_a_folder_of_files_with_different_columns_names_one(tmp_path: Path) -> None:
    frames.write(pd.DataFrame({"y": [1], "ds": [1]}), str(tmp_path / "a.parquet"), "parquet")
    frames.write(pd.DataFrame({"y": [1]}), str(tmp_path / "b.parquet"), "parquet")

    with pytest.raises(DataError, match=r'b\.parquet: column "ds" is not in every file'):
        frames.read(str(tmp_path))


def test_an_unknown_name_is_read_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "t.dat").write_text("id,y\na,1\n")
    frames.write(FRAME, str(tmp_path / "t.bin"), "parquet")

    assert frames.read(str(tmp_path / "t.dat"))["y"].tolist() == [1]
    assert list(frames.read(str(tmp_path / "t.bin"))) == list(FRAME)


def test_a_named_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    writer = threading.Thread(target=(tmp_path / "t.csv").write_text, args=["id,y\na,1\n"])
    writer.start()

    assert frames.read(str(tmp_path / "t.csv"))["y"].tolist() == [1]
    writer.join()


def test_long_numeric_ids_stay_distinct(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,y\n12345678901234567890,1\n12345678901234567891,2\n")

    assert frames.read(str(tmp_path / "t.csv"))["id"].nunique() == 2


def test_thousands_of_columns_are_read(tmp_path: Path) -> None:
    names = [f"a column with a long name {number}" for number in range(6000)]
    (tmp_path / "t.csv").write_text(",".join(names) + "\n" + ",".join(["1"] * 6000) + "\n")

    assert frames.read(str(tmp_path / "t.csv")).shape == (1, 6000)


def read_bytes(content: bytes, folder: Path, **options: Any) -> tuple[pd.DataFrame, list[str]]:
    """The table, and the assumptions."""
    (folder / "t.csv").write_bytes(content)
    assumptions: list[str] = []
    return frames.read(str(folder / "t.csv"), assume=assumptions.append, **options), assumptions


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("y;z\n1,5;a\n2;b\n", [1.5, 2]),
        ("y;z\n1.234,5;a\n-2;b\n", [1234.5, -2]),
        ('y,z\n"1,234.5",a\n"1,000",b\n', [1234.5, 1000]),
        ('y,z\n"1,5",a\n"22,25",b\n', [1.5, 22.25]),
        ("y;z\n1 234,5;a\n2\u00a0000;b\n", [1234.5, 2000]),
        ("y;z\n1'234.5;a\n2;b\n", [1234.5, 2]),
        ("y;z\n1,5;a\nNA;b\n", [1.5, np.nan]),
        ('y,z\n"1,5e3",a\n"2,5",b\n', [1500, 2.5]),
        ("y;price\n999;3,50\n1.234;2,10\n12.345;1,00\n", [999, 1234, 12345]),  # the price tells
        ("y;price\n999;3.50\n1,234;2.10\n", [999, 1234]),
    ],
)
def test_numbers_are_read_however_they_are_written(text: str, numbers: list[float], tmp_path: Path) -> None:
    frame, assumptions = read_bytes(text.encode(), tmp_path)

    assert np.array_equal(frame["y"], numbers, equal_nan=True)
    assert assumptions == []


@pytest.mark.parametrize(
    ("text", "decimal", "number", "doubtful"),
    [
        ('y,z\n"1,234",a\n', None, 1234, True),
        ("y;z\n1,234;a\n", None, 1.234, True),
        ("y;z\n1,234;a\n", ".", 1234, False),
        ('y,z\n"1,234",a\n', ",", 1.234, False),
        ('y,x\n"1,234","1,5"\n', None, 1.234, False),  # the other column tells
        ('y,x\n"1,234","1,000.5"\n', None, 1234, False),
        ("y;x\n1.234;1,5\n", None, 1234, False),  # by the other column a point stands before thousands
        ("y;x\n1.234;a\n2.345;b\n", None, 1234, True),
        ("y;x\n1.234;a\n2.34;b\n", None, 1.234, False),
    ],
)
def test_an_ambiguous_number_is_read_as_its_file_suggests(
    text: str, decimal: str | None, number: float, doubtful: bool, tmp_path: Path
) -> None:
    frame, assumptions = read_bytes(text.encode(), tmp_path, decimal=decimal)

    assert frame["y"][0] == number
    assert [f"is read as {number:g}" in assumption for assumption in assumptions] == [True] * doubtful


def test_numbers_that_contradict_the_decimal_separator_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='"y": "1,5" is no number with --decimal .'):
        read_bytes(b'y,z\n"1,5",a\n', tmp_path, decimal=".")


def test_a_column_of_missing_words_alone_stays_text(tmp_path: Path) -> None:
    assert read_bytes(b"sale,y\nnone,1\nnone,2\n", tmp_path)[0]["sale"].tolist() == ["none", "none"]


def test_ids_with_commas_stay_text(tmp_path: Path) -> None:
    frame, _ = read_bytes(b'id,y\n"1,2,3",1\n"4,5",2\n', tmp_path)

    assert frame["id"].tolist() == ["1,2,3", "4,5"]


def test_windows_1252_is_read_and_reported(tmp_path: Path) -> None:
    frame, assumptions = read_bytes("Straße;y\nMünchen;1,5\n".encode("cp1252"), tmp_path)

    assert list(frame) == ["Straße", "y"]
    assert frame["Straße"].tolist() == ["München"]
    assert assumptions == ["the text is not UTF-8: it is read as Windows-1252 (Latin-1)"]


def test_a_broken_row_is_refused_although_it_has_the_name_of_an_encoding(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_bytes(b"name,y\nUTF-8,1,2\nUTF-16,3\n", tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_utf_16_and_a_byte_order_mark_are_read(encoding: str, tmp_path: Path) -> None:
    frame, assumptions = read_bytes("Ort\ty\nKöln\t1\n".encode(encoding), tmp_path)

    assert frame["Ort"].tolist() == ["Köln"]
    assert assumptions == []


def test_footer_lines_are_dropped_and_reported(tmp_path: Path) -> None:
    frame, assumptions = read_bytes(b"ds,z,y\n1,a,2\n2,a,3\nTotal 5\nmade by hand, in spring\n", tmp_path)

    assert frame["y"].tolist() == [2, 3]
    assert assumptions == ['left out: the last 2 lines, with another number of cells: "Total 5"']


def test_a_broken_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_bytes(b"ds,y\n1,2\nTotal\n2,3\n", tmp_path)


def test_strict_rejects_assumptions(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('y,z\n"1,234",a\n')

    with pytest.raises(DataError, match="is read as 1234; .* --strict forbids assumptions"):
        frames.read(str(tmp_path / "t.csv"), assume=reject_assumption)


@given(st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 2)), min_size=1, max_size=5))
@settings(max_examples=30)
def test_numbers_in_any_notation_are_read(numbers: list[float]) -> None:
    def written(number: float, thousands: str, fraction: str) -> str:
        return f"{number:,.2f}".replace(",", "T").replace(".", fraction).replace("T", thousands)

    for thousands, fraction in ((",", "."), (".", ","), (" ", ","), ("'", "."), ("", ",")):
        cells = [written(number, thousands, fraction) for number in numbers]
        text = "y;z\n" + "".join(f"{cell};a\n" for cell in cells)
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            file.write(text.encode())
            file.flush()
            assert frames.read(file.name)["y"].tolist() == numbers


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty bucket on a server of its own."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    fs.S3FileSystem(endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True).create_dir("bucket")
    yield "s3://bucket"
    server.stop()


def test_tables_on_s3_are_read_and_written_as_on_a_disk(bucket: str, rnncli: Command, model: Path, data: Path) -> None:
    frame = frames.read(str(data))
    frames.write(frame, f"{bucket}/data.csv", "csv")
    for site, part in frame.groupby("unique_id", observed=True):
        frames.write(part.drop(columns="unique_id"), f"{bucket}/data/unique_id={site}/part.parquet", "parquet")

    pd.testing.assert_frame_equal(frames.read(f"{bucket}/data.csv"), frame)
    expected = rnncli("forecast", model, data).table
    for source in (f"{bucket}/data.csv", f"{bucket}/data"):
        outcome = rnncli("forecast", model, source, "--output", f"{bucket}/next.csv")
        assert (outcome.code, outcome.out) == (0, "")
        table = frames.read(f"{bucket}/next.csv")
        assert np.array_equal(table["rnncli"], expected["rnncli"])


def test_window_forecasts_are_written_to_s3_and_scored_from_it(
    bucket: str, rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    archive = f"{bucket}/cv.csv"
    assert rnncli("evaluate", model, data, "--output", archive).code == 0
    assert rnncli("evaluate", model, data, "--output", tmp_path / "cv.csv").code == 0

    pd.testing.assert_frame_equal(frames.read(archive), frames.read(str(tmp_path / "cv.csv")))
    assert rnncli("evaluate", archive, data).out == rnncli("evaluate", tmp_path / "cv.csv", data).out != ""


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [("s3://bucket/nothing.csv", 3, "there is no such file"), ("ftp://host/t.csv", 2, "cannot be reached")],
)
def test_an_unreachable_table_is_refused(
    bucket: str, rnncli: Command, model: Path, source: str, code: int, message: str
) -> None:
    assert bucket

    outcome = rnncli("forecast", model, source)

    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err


def test_a_folder_is_read_a_few_files_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnncli.tables.parquet_dataset.PART_ROWS", 5)
    for number in range(4):
        frames.write(pd.DataFrame({"y": [number] * 3}), str(tmp_path / f"{number}.parquet"), "parquet")

    parts = list(map(frames.frame_of, reading.read_parts(str(tmp_path))))

    assert [part["y"].tolist() for part in parts] == [[0, 0, 0, 1, 1, 1], [2, 2, 2, 3, 3, 3]]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet", "t.csv.gz", "t.json", "t.ndjson.gz", "t.arrow"])
def test_parts_are_written_as_one_table(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": pd.Categorical(["a,b", "c", "d", "a,b"]), "y": [1.5, 2, 3, 4]})

    frames.write(iter([frame[:1], frame[1:3], frame[3:]]), str(tmp_path / name), formats.output_format(tmp_path / name))

    pd.testing.assert_frame_equal(frames.read(str(tmp_path / name)), frame)


@pytest.mark.parametrize(
    "rows",
    [
        ["a,1,1.5", "b,2,2.5", "b,3,NA", ",4,-", "none,5,1e3"],
        ["a,1,1.5", "b,007,2.5", "c,12,3"],  # a name among numbers
        ["a,1,1.5", "b,two,2.5"],
        ["a,1,1.5", "b,2.5,2.5"],
        ['a,1,"1,5"', 'b,2,"2,25"'],
        ["a,,", "b,,", "c,3,4"],
        ['"x, y",1,1.5', '"x, y",2,2.5', "z,3,3"],
        ["1,1,1.5", "2,2,2.5", "Total,3"],
        ["a, 1 ,1.5", "b, 2 ,2.5"],
        ["a,1,12345678901234567890", "b,2,12345678901234567891"],
    ],
)
def test_a_large_table_is_read_like_a_small_one(
    rows: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["id,n,y", *rows, ""]))
    small = frames.read(str(tmp_path / "t.csv"))

    monkeypatch.setattr("rnncli.tables.delimited.SAMPLE", 12)  # the header and a row
    large = frames.read(str(tmp_path / "t.csv"))

    pd.testing.assert_frame_equal(large, small, check_categorical=False)
    assert large.isna().equals(small.isna())


@pytest.mark.parametrize("cells", [["007 ", "7 "], ["0171 123", "1711 23"], ["12 34", "1 234"], ["'", "5"]])
def test_ids_with_blanks_stay_text(cells: list[str], tmp_path: Path) -> None:
    frame, _ = read_bytes("".join(["id;y\n", *(f"{cell};1\n" for cell in cells)]).encode(), tmp_path)

    assert frame["id"].tolist() == cells


def test_numbers_that_start_late_are_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnncli.tables.delimited.SAMPLE", 12)

    frame, _ = read_bytes(b"id,y\na,NA\na,NA\na,NA\nb,0.5\n", tmp_path)

    assert np.array_equal(frame["y"], [np.nan, np.nan, np.nan, 0.5], equal_nan=True)
