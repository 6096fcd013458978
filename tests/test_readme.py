"""What the README says can be pasted, and shows what comes out."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    """The lines with a prompt, in order."""
    return re.findall(r"^\$ (rnncli .+)$", README, re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the samples, and `rnncli` on its path."""
    place = tmp_path_factory.mktemp("readme")
    (place / "sample_data").symlink_to(ROOT / "sample_data")
    (place / "rnncli").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m rnncli "$@"\n')
    (place / "rnncli").chmod(0o755)
    return place


def test_every_command_of_the_readme_runs_in_order(folder: Path) -> None:
    assert {line.split()[1] for line in commands()} == {"train", "forecast", "evaluate", "inspect"}
    for line in commands():
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f'PATH="{folder}:$PATH"; {line}'],
            cwd=folder,
            env={**os.environ, "RNNCLI_STEPS": "20"},  # they are to run, not to be good
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (line, done.stderr)


def test_every_command_and_exit_code_is_told() -> None:
    for name in ("train", "forecast", "evaluate", "inspect"):
        assert f"### {name}: " in README
    for code in ("| 0 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 6 |", "| 130, 143 |"):
        assert code in README


def test_the_config_of_the_readme_is_one() -> None:
    import tomllib

    from rnncli.config import Config

    (text,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert Config.model_validate(tomllib.loads(text)).network.cell == "lstm"


def test_the_set_up_lines_install_into_a_venv_and_go_on() -> None:
    lines = re.findall(r"^python3 -m venv \.venv && (.+)$", README, re.MULTILINE)

    assert [line.split(" && ")[0] for line in lines] == [
        ".venv/bin/pip install -q .",
        ".venv/bin/pip install -q -e '.[test]'",
    ]
    assert [line.split(" && ")[1].split()[0] for line in lines] == [".venv/bin/rnncli", ".venv/bin/python"]
