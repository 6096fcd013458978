"""URLs and the standard streams, by name."""

from pathlib import Path

import pytest

from rnncli.files import paths


@pytest.mark.parametrize("url", ["s3://bucket/t.csv", "gs://bucket/folder", "hdfs://host:9000/t.parquet"])
def test_a_url_survives_being_a_path(url: str) -> None:
    assert paths.is_url(url)
    assert paths.is_url(str(Path(url)))
    assert paths.restore_url(Path(url)) == paths.restore_url(url) == url


@pytest.mark.parametrize("name", ["t.csv", "/folder/t.csv", "-", "", "c:/t.csv", "a b://c"])
def test_a_file_is_no_url(name: str) -> None:
    assert not paths.is_url(name)
    assert paths.restore_url(name) == name


def test_a_dash_is_a_standard_stream_as_text_and_as_path() -> None:
    assert paths.is_standard_stream("-")
    assert paths.is_standard_stream(Path("-"))
    assert not any(paths.is_standard_stream(name) for name in ("", "--", "./-", "t.csv"))
