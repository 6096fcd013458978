"""ISO 8601 texts, with pandas as the oracle."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.panel.time import iso

PARTS = st.tuples(
    st.sampled_from(["2024-01-05", "2024-1-5", "2024/01/05", "2024.01.05", "20240105", "2024-02", "2023-02-29"]),
    st.sampled_from(
        ["", " 12", "T12", " 1:30", " 12:30", "T1230", " 12:30:59", "T123059", " 24:00", " 12:60", "  12:30"]
    ),
    st.sampled_from(["", ".5", ".", ".123", ".1234567", ",5"]),
    st.sampled_from(["", "Z", " Z", "+01", "+0130", "-05:30", " +01:00", "+25:00", "+01:60", "z"]),
)


def read_by_pandas(text: str) -> int:
    """Microseconds since 1970, INVALID if pandas cannot read the text."""
    time = pd.to_datetime(pd.Index([text]), format="ISO8601", errors="coerce", utc=True)[0]
    return iso.INVALID if pd.isna(time) else int(np.datetime64(time.tz_localize(None), "us").astype(np.int64))


@given(st.lists(PARTS.map("".join), min_size=1, max_size=20))
def test_texts_of_any_layouts_are_read_as_pandas_reads_them(texts: list[str]) -> None:
    assert iso.parse(pa.array(texts)).instants.tolist() == [read_by_pandas(text) for text in texts]


def test_many_layouts_and_texts_without_time_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iso, "MAX_LAYOUTS", 2)
    words = [f"{'x' * number}7" for number in range(30)]
    times = ["2024-01-05", "2024-1-5", "2024-01-05 1:30", "20240105", "2024-01-05T01:30Z"]

    parsed = iso.parse(pa.array([*words, *times, "", "é"]))

    assert (parsed.instants != iso.INVALID).tolist() == [False] * 30 + [True] * 5 + [False] * 2
    assert parsed.has_offset.tolist() == [False] * 34 + [True, False, False]


def test_a_part_of_an_array_is_read() -> None:
    texts = pa.array(["x", "2024-01-05", "2024-01-06 00:00", "x"]).slice(1, 2)

    days = iso.parse(texts).instants.astype("datetime64[us]")

    assert days.tolist() == np.array(["2024-01-05", "2024-01-06"], "datetime64[us]").tolist()


def test_distinct_offsets_are_named() -> None:
    texts = pa.array(["2024-01-05 12:00+01:00", "2024-01-05 12:00-0530", "2024-01-05 12:00Z", "2024-01-05 12:00+2"])

    assert iso.parse(texts).offsets == {"+01:00", "-05:30", "Z", "+02:00"}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024-01", "%Y-%m"),
        ("20240105T12", "%Y%m%dT%H"),
        ("2024/01/05 12:30", "%Y/%m/%d %H:%M"),
        ("2024-01-05T12:30:00.250Z", "%Y-%m-%dT%H:%M:%S.%3fZ"),
        ("2024-01-05 12:30:00 +0100", "%Y-%m-%d %H:%M:%S %z"),
        ("2024-01-05 12:30:00.123456+01:00", "%Y-%m-%d %H:%M:%S.%f%:z"),
        ("5 January 2024", None),
    ],
)
def test_the_format_of_a_text_is_known(text: str, form: str | None) -> None:
    assert iso.text_format(text) == form
