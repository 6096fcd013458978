"""The commands of the README run, and its reference lists the options of today."""

import configparser
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from rnncli.cli import app
from tests import readme_reference
from tests.conftest import hourly

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    """The lines with a prompt, in order."""
    return re.findall(r"^\$ (.*\brnncli .+)$", README, re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the samples, and `rnncli` on its path."""
    place = tmp_path_factory.mktemp("readme")
    (place / "sample_data").symlink_to(ROOT / "sample_data")
    (place / "rnncli").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m rnncli "$@"\n')
    (place / "rnncli").chmod(0o755)
    return place


def test_every_command_of_the_readme_runs_in_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verbs = {re.findall(r"\brnncli (\w+)", line)[0] for line in commands()}
    assert verbs == {"train", "forecast", "evaluate", "inspect"}
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RNNCLI_STEPS", "20")  # they are to run, not to be good
    monkeypatch.setenv("RNNCLI_HIDDEN", "8")
    for line in commands():
        if "|" not in line:  # a process that imports torch each time would take a minute more
            assert app.run(shlex.split(line)[1:]) == 0, line
            continue
        piped = ["bash", "-o", "pipefail", "-c", f'PATH="{folder}:$PATH"; {line}']
        done = subprocess.run(piped, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (line, done.stderr)


def test_every_command_and_exit_code_has_its_place() -> None:
    for name in ("train", "forecast", "evaluate", "inspect"):
        assert f"### {name}: " in README
    for code in ("| 0 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 6 |", "| 7 |", "| 130, 143 |"):
        assert code in README


def test_the_option_reference_is_up_to_date() -> None:
    assert readme_reference.updated(README) == README, "run: python -m tests.readme_reference --write"


def test_the_text_before_the_reference_is_short() -> None:
    assert len(README.partition(readme_reference.HEADING)[0].splitlines()) <= 300


def test_every_package_has_a_line() -> None:
    listed = re.findall(r"^  (\w+)/ +\w", README, re.MULTILINE)

    assert sorted(listed) == sorted(path.parent.name for path in (ROOT / "rnncli").glob("*/__init__.py"))


def test_the_config_of_the_readme_is_one() -> None:
    import tomllib

    from rnncli.config.sections import Config

    (text,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert Config.model_validate(tomllib.loads(text)).network.cell == "lstm"


def test_the_set_up_lines_install_into_a_venv_and_go_on() -> None:
    lines = re.findall(r"^python3 -m venv \.venv && (.+)$", README, re.MULTILINE)

    assert [line.split(" && ")[0] for line in lines] == [
        ".venv/bin/pip install -q .",
        ".venv/bin/pip install -q -e '.[test]'",
    ]
    assert [line.split(" && ")[1].split()[0] for line in lines] == [".venv/bin/rnncli", ".venv/bin/python"]
    first = next(line for line in README.splitlines() if "pytest" in line)
    assert first.endswith(lines[1])  # the line that .ci runs


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What /srv/demand and /opt/rnncli hold: a table that is an hour old, a model of it, and rnncli."""
    place = tmp_path_factory.mktemp("server")
    (place / "bin").mkdir()
    (place / "bin" / "rnncli").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m rnncli "$@"\n')
    (place / "bin" / "rnncli").chmod(0o755)
    hours = pd.date_range(end=pd.Timestamp.now().floor("h"), periods=480, freq="h")
    hourly().assign(ds=[*hours] * 3).to_csv(place / "history.csv", index=False)
    (place / "new.csv").write_bytes((place / "history.csv").read_bytes())
    train = ["train", "history.csv", "--horizon", "24", "--steps", "5", "--hidden", "4", "--output", "demand.rnn"]
    subprocess.run([place / "bin" / "rnncli", *train], cwd=place, check=True, capture_output=True)
    return place


def moved(line: str, server: Path) -> str:
    return line.replace("/opt/rnncli/bin", str(server / "bin")).replace("/srv/demand", str(server))


def test_the_line_for_cron_forecasts(server: Path) -> None:
    (table,) = re.findall(r"```crontab\n(.*?)```", README, re.DOTALL)
    *variables, line = table.strip().splitlines()
    command = re.fullmatch(r"[\d*]+ [\d*]+ [\d*]+ [\d*]+ [\d*]+ (.+)", line)
    assert command
    assert not re.search(r"(?<!\\)%", line)  # a % ends the command, says crontab(5)
    environment = dict(one.split("=") for one in variables)
    said = moved(command[1], server).replace("\\%", "%").replace("300", "1")

    done = subprocess.run(
        [environment.pop("SHELL"), "-c", said],
        env={"PATH": "/usr/bin:/bin", "HOME": "/", **environment},  # as cron has it
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")  # cron writes a mail of anything else
    assert len(pd.read_csv(server / "next.csv")) == 72
    assert (server / "demand.state").exists()
    assert json.loads((server / "forecast.json").read_text())["exit_code"] == 0


def test_the_unit_for_systemd_trains(server: Path) -> None:
    (text,) = re.findall(r"```ini\n(.*?)```", README, re.DOTALL)
    units = configparser.ConfigParser(interpolation=None)
    units.read_string(text)
    service = units["Service"]
    assert units["Timer"]["RandomizedDelaySec"]
    before = (server / "demand.rnn").read_bytes()

    done = subprocess.run(
        shlex.split(moved(service["ExecStart"], server)),
        cwd=moved(service["WorkingDirectory"], server),
        env={"PATH": "/usr/bin:/bin", "RNNCLI_STEPS": "30", "RNNCLI_MEMBERS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode in (0, int(service["SuccessExitStatus"])), done.stderr
    assert json.loads((server / "train.json").read_text())["exit_code"] == done.returncode
    assert ((server / "demand.rnn").read_bytes() == before) == (done.returncode == 6)
