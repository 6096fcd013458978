"""forecast --dry-run: everything is reported, and no file is written."""

import re
from pathlib import Path

from tests.conftest import Command, hourly


def files(*folders: Path) -> dict[str, tuple[int, bytes]]:
    """All that lies there: when it was changed, and what it holds."""
    every = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in every}


def test_forecast_reports_what_it_would_do_and_changes_no_file(
    rnncli: Command, data: Path, model: Path, tmp_path: Path
) -> None:
    state = tmp_path / "s.state"
    assert rnncli("forecast", model, data, "--state", state).code == 0
    new = hourly(days=21).groupby("unique_id").tail(24)
    new.to_csv(tmp_path / "new.csv", index=False)
    before = files(tmp_path, model.parent)

    asked = ("--state", state, "--output", tmp_path / "f.parquet", "--plot", tmp_path / "f.png")
    outcome = rnncli("forecast", model, tmp_path / "new.csv", *asked, "--dry-run")

    assert (outcome.code, outcome.out) == (0, "")
    assert files(tmp_path, model.parent) == before
    told = [
        "state: 72 new rows",
        "would forecast: 6 steps of 3 series, 18 rows",
        r"time: about [\d.e-]+ s \(one batch\)",
        r"memory: about [\d.]+ [MG]B",
        rf"would write: the plot to {tmp_path}/f.png \(new file\)",
        rf"would store: up to 48 steps of 3 series in {state} \(replaces the existing file\)",
        rf"would write: the forecast \(parquet\) to {tmp_path}/f.parquet \(new file\)",
        "dry run: no file was written",
    ]
    lines = outcome.err.splitlines()
    assert [bool(re.fullmatch(wanted, line)) for wanted, line in zip(told, lines, strict=True)] == [True] * len(told)


def test_forecast_fails_as_without_dry_run(rnncli: Command, data: Path, model: Path, tmp_path: Path) -> None:
    jumped = hourly()
    jumped["y"] *= 1000
    jumped.to_csv(tmp_path / "jumped.csv", index=False)
    before = files(tmp_path)

    outcomes = [
        rnncli("forecast", model, tmp_path / "jumped.csv", "--on-drift", "fail", "--dry-run"),
        rnncli("forecast", model, tmp_path / "jumped.csv", "--dry-run"),
        rnncli("forecast", model, data, "--output", tmp_path / "none" / "f.csv", "--dry-run"),
        rnncli("forecast", model, tmp_path / "missing.csv", "--dry-run"),
        rnncli("forecast", model, "-", "--follow", "--dry-run"),
    ]

    assert [(one.code, one.out) for one in outcomes] == [(6, ""), (0, ""), (2, ""), (3, ""), (2, "")]
    assert "about 1e+03 times as large as in training" in outcomes[1].err
    assert files(tmp_path) == before
