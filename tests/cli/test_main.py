"""The process: streams that are closed or full, and how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Command

RNNCLI = f"{sys.executable} -m rnncli"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["forecast {model} {data}", "evaluate {model} {data}", "inspect {model}", "--help"])
def test_a_full_disk_behind_stdout_is_one_line(model: Path, data: Path, command: str) -> None:
    done = shell(f"{RNNCLI} {command.format(model=model, data=data)} > /dev/full")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: cannot write to standard output: No space left")


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-"])
def test_closed_streams_are_no_failure(data: Path, tmp_path: Path, closed: str) -> None:
    done = shell(f"{RNNCLI} train {data} --horizon 6 --steps 3 --hidden 4 --output {tmp_path}/m.rnn {closed}")

    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "m.rnn").exists()


def test_without_a_command_it_helps(rnncli: Command) -> None:
    assert rnncli().out == rnncli("--help").out != ""


def test_both_ways_to_start_are_one() -> None:
    assert shell(f"{RNNCLI} --version").stdout == shell(f"{Path(sys.executable).parent}/rnncli --version").stdout
