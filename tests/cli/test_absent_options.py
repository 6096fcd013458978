"""Options that are not given are not validated; those that are given, are."""

import subprocess
import sys

import pytest

from rnncli.cli.commands import COMMANDS, load


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_is_not_given_has_no_value(name: str) -> None:
    command = load(name)
    with command.make_context(name, ["a.csv", *(["--output", "m.rnn"] if name == "train" else [])]) as context:
        values = [context.params[option] for option in ("horizon", "season", "freq", "config_file", "quiet", "strict")]

    assert values == [None] * 6


@pytest.mark.parametrize(
    ("arguments", "value"),
    [(["--follow"], True), ([], False), (["--quiet"], True), (["--no-quiet"], False), (["--level", "80,95"], "80,95")],
)
def test_an_option_has_the_value_that_is_given(arguments: list[str], value: object) -> None:
    name = arguments[0].removeprefix("--no-").removeprefix("--") if arguments else "follow"

    with load("forecast").make_context("forecast", ["a.csv", *arguments]) as context:
        assert context.params[name] == value


def test_a_switch_in_the_environment_is_validated() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rnncli", "inspect", "a.csv"],
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "RNNCLI_STRICT": "perhaps"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr == 'error: RNNCLI_STRICT "perhaps" must be true or false. See rnncli inspect --help\n'
