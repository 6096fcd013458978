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


@pytest.mark.parametrize(
    ("arguments", "help"), [(("train", "d.csv"), "rnncli train"), (("predict",), "rnncli"), (("--quick",), "rnncli")]
)
def test_who_asks_wrongly_is_sent_to_the_help_of_the_command(
    rnncli: Command, arguments: tuple[str, ...], help: str
) -> None:
    assert rnncli(*arguments).err.endswith(f". See {help} --help\n")


def test_what_a_file_holds_gives_the_terminal_no_orders(rnncli: Command, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"ds,y\n2024-01-01,1\n2024-01-02,\x1b[31mred\x07\n2024-01-03,2\n")

    outcome = rnncli("inspect", tmp_path / "d.csv", "--target", "y")

    assert outcome.code == 3
    assert '"y" is "\\x1b[31mred' in outcome.err
    assert outcome.err.rstrip("\n").isprintable()


def test_a_table_without_a_name_is_not_this_folder(rnncli: Command, model: Path) -> None:
    assert rnncli("forecast", model, "").err == 'error: "": there is no such file. Check the path\n'


def test_a_reader_of_dev_stdout_may_leave_too(model: Path, data: Path) -> None:
    done = shell(f"set -o pipefail; {RNNCLI} forecast {model} {data} --output /dev/stdout | true")

    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_command_it_helps(rnncli: Command) -> None:
    assert rnncli().out == rnncli("--help").out != ""


def test_both_ways_to_start_are_one() -> None:
    assert shell(f"{RNNCLI} --version").stdout == shell(f"{Path(sys.executable).parent}/rnncli --version").stdout
