"""Help: what -h and --help contain, their width, and the imports they need."""

import dataclasses
import re
import subprocess
import sys

import pytest

from rnncli.cli.help_text import COMMON_PANEL
from rnncli.cli.settings import field_names
from rnncli.config.fields import SECTIONS
from rnncli.config.metadata import Common, is_declared
from tests.conftest import Command

COMMANDS = ("train", "forecast", "evaluate", "inspect")


def options(text: str) -> set[str]:
    return set(re.findall(r"^  (?:-\w, )?(--[a-z0-9-]+)", text, re.MULTILINE))


def panels(text: str) -> list[str]:
    return re.findall(r"^(\S.*):$", text, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_fits_80_columns(rnncli: Command, monkeypatch: pytest.MonkeyPatch, command: str, flag: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    lines = rnncli(command, flag).out.splitlines()

    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_short_help_is_a_part_of_the_long_one(rnncli: Command, command: str) -> None:
    short, long = rnncli(command, "-h").out, rnncli(command, "--help").out

    assert panels(short) == ["Arguments", COMMON_PANEL]
    assert panels(long)[:2] == panels(short)
    assert options(short) < options(long)
    assert len(options(short)) <= 27
    assert short.count(f"Example: rnncli {command} ") == long.count(f"Example: rnncli {command} ") == 1
    assert f"rnncli {command} --help" in short


def test_the_short_help_shows_the_common_options_of_each_section(rnncli: Command) -> None:
    sections = ("columns", "network", "training", "resumption")
    common = {
        f"--{field.name}"
        for section in sections
        for field in dataclasses.fields(SECTIONS[section])
        if is_declared(field.type, Common)
    }

    shown = options(rnncli("train", "-h").out)

    assert {"--horizon", "--target", "--preset"} <= common <= shown
    assert "--dropout" not in shown


def test_evaluate_shows_the_options_of_training_in_the_long_help_only(rnncli: Command) -> None:
    assert "--horizon" not in options(rnncli("evaluate", "-h").out)
    assert "--horizon" in options(rnncli("evaluate", "--help").out)


def test_every_option_stands_under_a_title_with_its_section(rnncli: Command) -> None:
    for section, kind in SECTIONS.items():
        topics, fields = kind.topics, field_names(section)
        assert fields[0] in topics
        assert topics.keys() <= set(fields)

    assert "Echo state network [network]" in panels(rnncli("train", "--help").out)


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (("train", "d.csv", "--horizn", "4"), "Did you mean --horizon? See rnncli train --help"),
        (("forecast", "m.rnn", "d.csv", "--levl=80"), "Did you mean --level? See rnncli forecast --help"),
        (("trian", "d.csv"), "Did you mean 'train'? See rnncli --help"),
        (("train", "d.csv", "-h", "24"), "Did you mean -H or --horizon?"),
        (("train", "d.csv", "-h24"), "Did you mean -H or --horizon?"),
        (("train", "-h", "7d", "d.csv"), "Did you mean -H or --horizon?"),
    ],
)
def test_the_nearest_match_is_suggested(rnncli: Command, arguments: tuple[str, ...], suggestion: str) -> None:
    outcome = rnncli(*arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert outcome.err.endswith(f"{suggestion}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["train", "-h"]])
def test_help_imports_no_heavy_library(arguments: list[str]) -> None:
    code = (
        f"import sys\nfrom rnncli.cli import app\nassert app.run({arguments}) == 0\n"
        "assert not {'torch', 'pandas', 'pyarrow', 'numpy', 'rich', 'pydantic'} & set(sys.modules), sorted(sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
