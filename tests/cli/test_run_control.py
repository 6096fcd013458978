"""--lock, --timeout, freshness of rows, logs, --report and --metrics-file."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Command, Outcome, hourly

LAST = "2024-01-20 23:00:00"  # of the table


def test_a_second_run_with_the_same_lock_fails_at_once(model: Path, data: Path, tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        outcome = apart("forecast", model, data, "--lock", tmp_path / "lock")

    assert (outcome.code, outcome.out) == (7, "")
    assert outcome.err.startswith(f"error: another run holds {tmp_path}/lock. ")


def test_a_waiting_run_continues_when_the_lock_is_released(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, pauses = FileLock(tmp_path / "lock"), list[float]()
    lock.acquire()

    def pause(seconds: float) -> None:
        """Release the lock while the run waits for it."""
        pauses.append(seconds)
        lock.release()

    monkeypatch.setattr(time, "sleep", pause)
    outcome = rnncli("forecast", model, data, "--lock", tmp_path / "lock", "--lock-wait", "1m")

    assert (outcome.code, outcome.err, len(outcome.table)) == (0, "", 18)
    assert len(pauses) == 1


def test_lock_wait_without_a_lock_is_refused(rnncli: Command, model: Path, data: Path) -> None:
    outcome = rnncli("forecast", model, data, "--lock-wait", "1m")

    assert (outcome.code, outcome.out) == (2, "")
    assert "--lock" in outcome.err


def test_a_run_ends_at_its_time_limit(data: Path, tmp_path: Path) -> None:
    arguments = ("train", data, "--horizon", 6, "--members", 2, "--steps", 100_000, "--output", tmp_path / "m.rnn")
    outcome = apart(*arguments, "--timeout", "3s")

    assert (outcome.code, outcome.out) == (7, "")
    assert outcome.err.splitlines()[-1] == "error: time limit reached: --timeout 3s. No file was written"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--expect-last", "2024-01-20 23:00", 0),
        ("--expect-last", "2024-01-21", 6),
        ("--max-age", "1h", 6),
        ("--max-age", "365d", 6),
    ],
)
def test_rows_too_old_are_refused(rnncli: Command, model: Path, data: Path, option: str, value: str, code: int) -> None:
    outcome = rnncli("forecast", model, data, option, value)

    assert outcome.code == code
    assert bool(outcome.out) == (code == 0)
    assert code == 0 or f"{option} {value}" in outcome.err
    assert code == 0 or f"s0 ({LAST[:-3]})" in outcome.err


def test_a_series_that_stopped_is_named(rnncli: Command, model: Path, tmp_path: Path) -> None:
    table = hourly()
    table[(table["unique_id"] != "s1") | (table["ds"] < "2024-01-20")].to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("forecast", model, tmp_path / "d.csv", "--expect-last", LAST)

    assert outcome.code == 6
    assert "1 of 3 series is before" in outcome.err
    assert "s1 (2024-01-19 23:00)" in outcome.err
    assert "s0" not in outcome.err


def test_the_age_is_relative_to_as_of(rnncli: Command, model: Path, data: Path) -> None:
    assert rnncli("forecast", model, data, "--max-age", "1h", "--as-of", "2024-01-21 00:00").code == 0
    assert rnncli("forecast", model, data, "--max-age", "59m", "--as-of", "2024-01-21 00:00").code == 6


def test_a_forecast_as_of_a_time_uses_only_rows_up_to_it(rnncli: Command, model: Path, tmp_path: Path) -> None:
    table, then = hourly(), "2024-01-18 12:00:00"
    table.to_csv(tmp_path / "now.csv", index=False)
    table[table["ds"] <= then].to_csv(tmp_path / "then.csv", index=False)

    later = rnncli("forecast", model, tmp_path / "now.csv", "--as-of", then)

    assert later.out == rnncli("forecast", model, tmp_path / "then.csv").out != ""


def test_an_integer_time_index_has_no_age_but_a_last_value(rnncli: Command, tmp_path: Path) -> None:
    table = hourly(series=1).assign(ds=range(480))
    table.to_csv(tmp_path / "d.csv", index=False)
    train = ("train", tmp_path / "d.csv", "--horizon", 3, "--steps", 3, "--hidden", 4, "--output", tmp_path / "m.rnn")
    assert rnncli(*train).code == 0
    forecast = ("forecast", tmp_path / "m.rnn", tmp_path / "d.csv")

    assert rnncli(*forecast, "--expect-last", 479).code == 0
    assert rnncli(*forecast, "--expect-last", 480).code == 6
    assert rnncli(*forecast, "--max-age", "1d").code == 3
    assert rnncli(*forecast, "--expect-last", "tomorrow").code == 2


def test_the_report_contains_what_was_done(rnncli: Command, model: Path, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("forecast", model, data, "--report", tmp_path / "r.json")

    report = json.loads((tmp_path / "r.json").read_text())
    known = {"command": "forecast", "exit_code": 0, "error": None, "series": 3, "rows": 1440, "forecast_rows": 18}
    assert {name: report[name] for name in known} == known
    assert report["timings"].keys() == {"reading", "forecasting"}
    assert report["device"] == "cpu"
    assert report["last"] == LAST[:-3]
    assert len(outcome.table) == 18


def test_the_report_of_a_failed_run_contains_the_error(rnncli: Command, model: Path, tmp_path: Path) -> None:
    outcome = rnncli("forecast", model, tmp_path / "none.csv", "--report", tmp_path / "r.json")

    report = json.loads((tmp_path / "r.json").read_text())
    assert outcome.code == report["exit_code"] == 3
    assert outcome.err == f"error: {report['error']}\n"


def test_the_fingerprint_of_the_data_changes_with_one_value(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(data)
    table["y"] += 1e-9 * (table.index == 77)
    table.to_csv(tmp_path / "other.csv", index=False)
    table.sample(frac=1, random_state=0).to_csv(tmp_path / "shuffled.csv", index=False)

    prints = []
    for source in (data, tmp_path / "other.csv", tmp_path / "shuffled.csv"):
        assert rnncli("forecast", model, source, "--report", tmp_path / "r.json").code == 0
        prints.append(json.loads((tmp_path / "r.json").read_text())["data"])

    assert prints[0] != prints[1] == prints[2]


def figures(path: Path) -> dict[str, float]:
    families = text_string_to_metric_families(path.read_text())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_the_metrics_file_keeps_the_last_success(rnncli: Command, model: Path, data: Path, tmp_path: Path) -> None:
    prom = tmp_path / "nightly.prom"
    assert rnncli("forecast", model, data, "--metrics-file", prom).code == 0
    good = figures(prom)
    assert rnncli("forecast", model, data, "--metrics-file", prom, "--expect-last", "2030-01-01").code == 6
    bad = figures(prom)

    assert (good["rnncli_exit_code"], bad["rnncli_exit_code"]) == (0, 6)
    assert good["rnncli_series"] == 3
    assert good["rnncli_newest_timestamp_seconds"] == bad["rnncli_newest_timestamp_seconds"]
    assert bad["rnncli_last_success_timestamp_seconds"] == good["rnncli_last_success_timestamp_seconds"]
    assert bad["rnncli_last_run_timestamp_seconds"] > good["rnncli_last_run_timestamp_seconds"]


def test_a_report_that_cannot_be_written_is_an_error_before_the_work(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    outcome = rnncli("forecast", model, data, "--report", tmp_path / "none" / "r.json")

    assert (outcome.code, outcome.out) == (2, "")


@pytest.mark.parametrize("option", ["--report", "--metrics-file", "--lock", "--plot", "--state"])
def test_files_other_than_tables_cannot_be_urls(
    rnncli: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(tmp_path)

    outcome = rnncli("forecast", model, "none.csv", option, "s3://bucket/f.png")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "error: cannot write s3://bucket/f.png: only tables can be written to a URL. Name a local file\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [(), ("--rollback",)])
def test_no_model_goes_to_a_url(rnncli: Command, options: tuple[str, ...]) -> None:
    data = () if options else ("none.csv", "--horizon", 6)

    outcome = rnncli("train", *data, *options, "--output", "s3://bucket/m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: cannot write s3://bucket/m.rnn: ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("forecast", "s3://bucket/f", "none.csv"), 4),
        (("inspect", "s3://bucket/f.rnn"), 4),
        (("train", "none.csv", "--horizon", 6, "--output", "m.rnn", "--from", "s3://bucket/f"), 4),
        (("evaluate", "f.csv", "none.csv", "--reference", "s3://bucket/f"), 4),
        (("inspect", "none.csv", "--config", "s3://bucket/f"), 2),
    ],
)
def test_only_tables_are_read_from_a_url(rnncli: Command, arguments: tuple[object, ...], code: int) -> None:
    outcome = rnncli(*arguments)

    assert (outcome.code, outcome.out) == (code, "")
    assert "s3://bucket/f" in outcome.err
    assert "be read from a URL" in outcome.err


def test_quiet_still_shows_warnings(rnncli: Command, data: Path, tmp_path: Path) -> None:
    short = ("--horizon", 6, "--steps", 3, "--hidden", 4, "--output", tmp_path / "m.rnn")
    assert rnncli("train", data, *short, "-q").err == ""
    table = hourly(series=1, days=1)
    table.head(14).to_csv(tmp_path / "d.csv", index=False)

    assert rnncli("train", tmp_path / "d.csv", *short, "-q").err.startswith("warning: ")


def test_the_log_can_be_json(rnncli: Command, model: Path, data: Path, tmp_path: Path) -> None:
    lines = rnncli("forecast", model, tmp_path / "none.csv", "--log-format", "json").err.splitlines()
    told = rnncli("forecast", model, data, "--log-format", "json", "--verbose").err.splitlines()

    assert [json.loads(line)["level"] for line in lines] == ["error"]
    assert [json.loads(line)["message"].split()[:2] for line in told] == [
        ["time:", "reading"],
        ["time:", "forecasting"],
    ]


def start(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "rnncli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def apart(*arguments: object) -> Outcome:
    process = start(*arguments)
    out, err = process.communicate()
    return Outcome(process.returncode, out, err)


@pytest.mark.parametrize(
    "options",
    [
        ("--report", "{data}"),
        ("--metrics-file", "{data}"),
        ("--output", "{new}", "--report", "{new}"),
        ("--output", "{new}", "--state", "{new}"),
        ("--plot", "{new}.png", "--report", "{new}.png"),
    ],
)
def test_two_outputs_cannot_be_the_same_file(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    before = data.read_bytes()

    outcome = rnncli("forecast", model, data, *(one.format(data=data, new=tmp_path / "f.csv") for one in options))

    assert (outcome.code, outcome.out) == (2, "")
    assert data.read_bytes() == before
    assert "would be written twice" in outcome.err or "it is an input" in outcome.err


def test_resampling_cannot_be_combined_with_a_state(rnncli: Command, model: Path, data: Path) -> None:
    for options in (("--resample", "1h=sum"), ("--fill-gaps", "zero")):
        outcome = rnncli("forecast", model, data, *options, "--state", data.with_name("s.state"))
        assert (outcome.code, outcome.out) == (2, "")


@pytest.mark.parametrize("command", [("evaluate", "{model}", "{data}"), ("inspect", "{data}")])
def test_a_report_cannot_replace_an_input(rnncli: Command, model: Path, data: Path, command: tuple[str, ...]) -> None:
    before = data.read_bytes()

    outcome = rnncli(*(one.format(model=model, data=data) for one in command), "--report", data)

    assert (outcome.code, outcome.out) == (2, "")
    assert data.read_bytes() == before
