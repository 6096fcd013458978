"""Messages and tables fit a terminal: text is broken between words, numbers are never cut."""

import re
import sys

import pytest

from rnncli.cli import console


def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make both streams look like a terminal of 60 columns."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def plain(text: str) -> str:
    """Return a text without the escape sequences of bold type."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_table_that_is_too_wide_keeps_its_numbers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow_terminal(monkeypatch)
    header = ["series", "windows", "MASE", "coverage-80", "coverage-95"]
    console.show_table(header, [["a-shop-with-a-long-name", "12", "0.9064", "0.8123", "0.9792"]])

    lines = plain(capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[0].split() == ["coverage-", "coverage-"]
    assert any(line.split()[1:] == ["12", "0.9064", "0.8123", "0.9792"] for line in lines)


def test_text_in_a_table_is_wrapped(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    narrow_terminal(monkeypatch)
    finding = "about 1: the state neither fades nor grows without bound"
    console.show_table(["measure", "value", "finding"], [["spectral radius", "candidate 1.02", finding]])

    text = plain(capsys.readouterr().out)
    assert "…" not in text and set(finding.split()) <= set(text.split())
    assert max(map(len, text.splitlines())) <= 60


def test_a_message_is_wrapped_between_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow_terminal(monkeypatch)
    console.note("  " + "word " * 30)

    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 60
    assert set(" ".join(lines).split()) == {"word"}
    assert lines[0].startswith("  word") and lines[1].startswith("    word")


def test_a_message_in_a_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.note("word " * 30)

    assert capsys.readouterr().err.count("\n") == 1


def test_a_table_in_a_file_is_as_wide_as_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_pairs("title", [("name", "word " * 30), ("other", "1")])

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "other  1"
    assert lines[-2].count("word") == 30
