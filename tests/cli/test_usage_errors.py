"""A run whose command line cannot be parsed writes its report nevertheless."""

import json
from pathlib import Path

import pytest

from tests.cli.test_run_control import figures
from tests.conftest import Command, Outcome


def assert_reported(outcome: Outcome, report: Path) -> None:
    """Assert that the report has the error of stderr."""
    found = json.loads(report.read_text())
    assert (outcome.code, outcome.out, found["exit_code"]) == (2, "", 2)
    assert outcome.err == f"error: {found['error']}\n"


@pytest.mark.parametrize(
    "wrong",
    [
        ("forecast", "m.rnn", "d.csv", "--levl", 80),
        ("forecast", "m.rnn", "d.csv", "--level", 800),
        ("forecast", "m.rnn"),
        ("evaluate", "m.rnn", "d.csv", "--windows", "many"),
        ("forecast", "m.rnn", "d.csv", "--timeout", "soon"),
        ("inspect", "d.csv", "--lock-wait", "1m"),
        ("forecast", "m.rnn", "d.csv", "--config", "none.toml"),
        ("train", "d.csv"),
        ("predict", "m.rnn", "d.csv"),
    ],
)
def test_the_report_is_of_wrong_options_too(rnncli: Command, tmp_path: Path, wrong: tuple[object, ...]) -> None:
    options = ("--report", tmp_path / "r.json", f"--metrics-file={tmp_path / 'r.prom'}")

    assert_reported(rnncli(*wrong, *options), tmp_path / "r.json")

    assert json.loads((tmp_path / "r.json").read_text())["command"] == (wrong[0] if wrong[0] != "predict" else "")
    assert figures(tmp_path / "r.prom")["rnncli_exit_code"] == 2


def test_the_environment_or_the_file_may_set_the_report(
    rnncli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.toml").write_text(f"[run]\nreport = '{tmp_path / 'file.json'}'\n[network]\nhiden = 3\n")
    asked = ("train", "d.csv", "--output", tmp_path / "m.rnn", "--config", tmp_path / "c.toml")

    assert_reported(rnncli(*asked), tmp_path / "file.json")
    monkeypatch.setenv("RNNCLI_REPORT", str(tmp_path / "environment.json"))
    (tmp_path / "file.json").unlink()
    assert_reported(rnncli(*asked), tmp_path / "environment.json")

    assert not (tmp_path / "file.json").exists()


def test_wrong_options_are_reported_in_the_log_format(rnncli: Command) -> None:
    lines = rnncli("forecast", "m.rnn", "d.csv", "--levl", 80, "--log-format", "json").err.splitlines()

    assert [json.loads(line)["level"] for line in lines] == ["error"]


@pytest.mark.parametrize(
    "options",
    [
        ("--report", "d.csv"),
        ("--report=d.csv",),
        ("--metrics-file", "d.csv"),
        ("--output=d.csv", "--report", "d.csv"),
        ("--report", "none/r.json"),
        ("--report", "s3://bucket/r.json"),
        ("--report", "x" * 5000),
        ("--report",),
        ("--report", "r.json", "--dry-run"),
        ("--report", "r.json", "--metrics-file", "r.json"),
    ],
)
def test_nothing_is_written_that_might_be_another_file(
    rnncli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text("rows")

    outcome = rnncli("forecast", "m.rnn", "d.csv", "--levl", 80, *options)

    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("d.csv", "rows")]
