"""The programs that measure still run; what they measure is not judged here."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "benchmarks"


@pytest.mark.parametrize(
    ("program", "options", "shown"),
    [
        ("training_step.py", ["--rounds", "1"], "ratio"),
        ("scale.py", ["--series", "20", "--rows", "60", "--steps", "3"], "forecast s"),
    ],
)
def test_a_benchmark_runs(program: str, options: list[str], shown: str) -> None:
    command = [sys.executable, str(FOLDER / program), *options]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
