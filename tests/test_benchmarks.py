"""The programs that measure still run; what they measure is not judged here."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).parent / "benchmarks"


def run(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / program), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("program", "options", "shown"),
    [
        ("training_step.py", ["--rounds", "1"], "ratio"),
        ("family.py", ["adding", "--lengths", "4", "--steps", "2"], "adding    4 gru"),
        ("scale.py", ["--series", "20", "--rows", "60", "--steps", "3"], "forecast s"),
    ],
)
def test_a_benchmark_runs(program: str, options: list[str], shown: str) -> None:
    done = run(program, *options)

    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


def test_mutated_files_are_tried() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.faults", "--only", "models", "tables", "--share", "0.001"]
    done = subprocess.run(command, cwd=FOLDER.parent.parent, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[:4] for line in done.stdout.splitlines()[1:]] == [
        ["mutated", "models", "10", "0"],
        ["mutated", "tables", "10", "0"],
    ]


def test_accuracy_and_calibration_run_on_any_set_of_their_layout(tmp_path: Path) -> None:
    folder = tmp_path / "tourism_monthly"
    folder.mkdir()
    months = pd.date_range("2000-01-01", periods=60, freq="MS")
    table = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 60), "ds": np.tile(months, 2)})
    table["y"] = 10 + table["ds"].dt.month + np.random.default_rng(0).random(120)
    late = table["ds"] >= "2004-07-01"
    table[~late].to_parquet(folder / "train.parquet")
    table[late].to_parquet(folder / "test.parquet")
    (folder / "meta.json").write_text(json.dumps({"horizon": 6, "season_length": 12}))
    of = ["--data", str(tmp_path), "--sets", "tourism_monthly"]
    quick = ["--members", "1", "--steps", "5", "--keep", str(tmp_path)]

    done = run("accuracy.py", *of, *quick)

    assert done.returncode == 0, done.stderr
    name, metric, naive, own = done.stdout.splitlines()[1].split()[:4]
    assert (name, metric) == ("tourism_monthly", "mase")
    assert float(naive) == pytest.approx(1, abs=0.5)  # the noise of a month beside that of another
    assert float(own) > 0

    done = run("accuracy.py", *of, *quick[:4], "--alone", "1")

    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[1].split()[2]) != float(naive)  # of one of the two series

    done = run("calibration.py", *of, "--models", str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()[1:]] == ["raw", "rnncli", "SeasonalNaive"]
