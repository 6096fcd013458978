"""A changed byte is detected by the checksum."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from rnncli.files import checksummed

ARRAY = np.arange(4.0)


def write(path: Path, text: str) -> bytes:
    content = checksummed.with_checksum(save({"x": ARRAY}, {"key": checksummed.with_placeholder(text)}))
    path.write_bytes(content)
    return content


@given(text=st.text() | st.just(checksummed.PLACEHOLDER))
def test_an_unchanged_file_is_intact(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "written"
    content = write(path, text)

    assert checksummed.read(path, "key") == (text, content, True)
    assert np.array_equal(load(content)["x"], ARRAY)


@given(data=st.data())
def test_a_changed_byte_is_detected(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "changed"
    content = bytearray(write(path, "text"))
    index = data.draw(st.integers(0, len(content) - 1))
    content[index] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[index]))
    path.write_bytes(content)

    with suppress(ValueError, KeyError):  # raised where not even its header can be read
        assert not checksummed.read(path, "key").intact


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 20, b"\2" + bytes(7) + b"[]", b"\x18" + bytes(7) + b'{"__metadata__":{"a":1}}']
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)

    with pytest.raises(ValueError):
        checksummed.read(tmp_path / "f", "key")
