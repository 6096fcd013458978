"""The list of commands, and what is loaded to show it or one of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnncli.cli.commands import COMMANDS, load

MODULES = {name: f"rnncli.cli.{name}.command" for name in COMMANDS}


def loaded_by(arguments: list[str], **environment: str) -> set[str]:
    """Return the modules that a command line has loaded by the time it has ended."""
    code = (
        f"import sys\nfrom rnncli.cli import app\ntry:\n    app.run({arguments})\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_summary_is_the_first_sentence_of_the_help(name: str) -> None:
    assert (load(name).help or "").partition("\n")[0] == COMMANDS[name].summary


@pytest.mark.parametrize("arguments", [["--help"], [], ["--version"], ["trian"]])
def test_no_option_of_a_command_is_built_before_one_is_asked_for(arguments: list[str]) -> None:
    assert not {"rnncli.cli.options", "rnncli.config.help_texts", *MODULES.values()} & loaded_by(arguments)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_help_of_a_command_loads_no_other_command_and_no_validation(name: str, flag: str) -> None:
    loaded = loaded_by([name, flag])

    assert loaded & set(MODULES.values()) == {MODULES[name]}
    assert not {"pydantic", "rnncli.config.sections"} & loaded


def test_completing_the_name_of_a_command_loads_none() -> None:
    line = {"_RNNCLI_COMPLETE": "complete_bash", "COMP_WORDS": "rnncli\ntr", "COMP_CWORD": "1"}

    assert not loaded_by([], **line) & set(MODULES.values())


def test_a_forecast_loads_neither_other_commands_nor_rare_options(tmp_path: Path) -> None:
    loaded = loaded_by(["forecast", f"{tmp_path}/missing.csv", "--horizon", "3"])

    assert "rnncli.config.sections" in loaded
    assert loaded & set(MODULES.values()) == {MODULES["forecast"]}
    assert (
        not {"rnncli.cli.forecast.stream", "rnncli.cli.forecast.dry_run", "rnncli.cli.text_plot", "tomllib", "rich"}
        & loaded
    )
