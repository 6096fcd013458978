"""Untrusted cards are refused with one message, however many errors they contain."""

from pathlib import Path

import pytest
from safetensors.numpy import save

from rnncli.errors import ModelFileError, RequestError
from rnncli.files import checksummed
from rnncli.model import card_file


@pytest.mark.parametrize(
    "hostile",
    [
        '{"format": 6, "members": [' + 1_000_000 * "0," + "0]}",
        '{"format": 6, "seen": {"together": [' + 1_000_000 * "0," + "0]}}",
        '{"format": 6, "libraries": {' + ",".join(f'"{key}": 0' for key in range(100_000)) + "}}",
        '{"format": 6, "config": {"network": {' + ",".join(f'"{key}": 0' for key in range(100_000)) + "}}}",
    ],
)
def test_many_errors_give_few_messages(hostile: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.rnn"
    path.write_bytes(checksummed.with_checksum(save({}, {card_file.KEY: checksummed.with_placeholder(hostile)})))

    with pytest.raises(ModelFileError, match="the card is damaged") as caught:
        card_file.read_card(path)

    cause = caught.value.__cause__
    assert isinstance(cause, ValueError)
    assert len(getattr(cause, "errors", list)()) < 20


def test_a_card_too_large_is_neither_read_nor_written(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = card_file.read_card(model)
    monkeypatch.setattr(card_file, "MAX_CHARACTERS", 100)

    with pytest.raises(ModelFileError, match="not a model file, or damaged"):
        card_file.read_card(model)
    with pytest.raises(RequestError, match="too many categories"):
        card_file.encode(found, lambda metadata: save({}, metadata))


@pytest.mark.parametrize("hostile", ['{"rnncli": "\\ud800"}', "[" * 10_000, "{", "[]", "null"])
def test_text_that_is_not_a_card_is_refused(hostile: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.rnn"
    path.write_bytes(checksummed.with_checksum(save({}, {card_file.KEY: checksummed.with_placeholder(hostile)})))

    with pytest.raises(ModelFileError, match="the card is damaged"):
        card_file.read_card(path)
