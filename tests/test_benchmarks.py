"""The programs that measure still run; what they measure is not judged here."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import Command

FOLDER = Path(__file__).parent / "benchmarks"


@pytest.fixture
def run(
    rnncli: Command, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[str]]:
    """Run a program, and the commands of rnncli that it starts, in this process: the lines it prints."""

    def main(program: str, *options: str) -> list[str]:
        printed = []

        def command(arguments: list[str], **_: object) -> subprocess.CompletedProcess[str]:
            assert arguments[:3] == [sys.executable, "-m", "rnncli"]
            printed.append(capfd.readouterr().out)
            return subprocess.CompletedProcess(arguments, *rnncli(*arguments[3:]))

        monkeypatch.setattr(subprocess, "run", command)
        monkeypatch.setattr(sys, "argv", [program, *options])
        monkeypatch.syspath_prepend(FOLDER)  # the folder of a program that Python runs is the first
        runpy.run_path(str(FOLDER / program), run_name="__main__")
        return "".join([*printed, capfd.readouterr().out]).splitlines()

    return main


@pytest.mark.parametrize(
    ("program", "options", "shown"),
    [
        ("training_step.py", ["--rounds", "1"], "ratio"),
        ("family.py", ["adding", "--lengths", "4", "--steps", "2"], "adding    4 gru"),
    ],
)
def test_a_benchmark_runs(run: Callable[..., list[str]], program: str, options: list[str], shown: str) -> None:
    assert shown in "\n".join(run(program, *options))


def test_the_benchmark_of_time_and_memory_runs() -> None:
    options = ["--series", "20", "--rows", "60", "--steps", "3"]
    command = [sys.executable, str(FOLDER / "scale.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "forecast s" in done.stdout
    assert len(done.stdout.splitlines()) == 2


def test_mutated_files_are_tried() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.faults", "--only", "models", "tables", "--share", "0.001"]
    done = subprocess.run(command, cwd=FOLDER.parent.parent, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[:4] for line in done.stdout.splitlines()[1:]] == [
        ["mutated", "models", "10", "0"],
        ["mutated", "tables", "10", "0"],
    ]


def test_accuracy_and_calibration_run_on_any_set_of_their_layout(run: Callable[..., list[str]], tmp_path: Path) -> None:
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

    name, metric, naive, own = run("accuracy.py", *of, *quick)[1].split()[:4]

    assert (name, metric) == ("tourism_monthly", "mase")
    assert float(naive) == pytest.approx(1, abs=0.5)  # the noise of a month beside that of another
    assert float(own) > 0

    alone = run("accuracy.py", *of, *quick[:4], "--alone", "1")

    assert float(alone[1].split()[2]) != float(naive)  # of one of the two series

    calibrated = run("calibration.py", *of, "--models", str(tmp_path))

    assert [line.split()[1] for line in calibrated[1:]] == ["raw", "rnncli", "SeasonalNaive"]
