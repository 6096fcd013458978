"""Every choice is an option with help, and nothing else is."""

import re

import pytest

from rnncli.config.help_texts import help_texts
from rnncli.config.sections import Config, Section
from rnncli.tables.formats import FORMATS
from tests.conftest import Command

COMMANDS = {
    "train": {"columns", "network", "training", "compute", "freshness", "resumption", "run"},
    "forecast": {"columns", "forecast", "compute", "freshness", "run"},
    "evaluate": {"columns", "network", "training", "forecast", "compute", "run"},
    "inspect": {"columns", "network", "training", "run"},
}
LEFT_OUT = {
    "forecast": {"--memory"},
    "evaluate": {"--engine", "--memory", "--cell", "--refit", "--quantiles", "--samples", "--on-drift"},
}
OWN = {
    *("--step", "--metrics", "--output", "--format", "--windows", "--config", "--help"),
    *("--plot", "--refit", "--by", "--fail-if", "--explain", "--baselines", "--reference"),
}


def fields(section: str) -> set[str]:
    kind = Config.model_fields[section].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, Section)
    return set(kind.model_fields)


def test_no_two_sections_have_a_field_of_one_name() -> None:
    names = [name for section in Config.model_fields for name in fields(section)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_a_command_are_the_fields_of_its_sections(rnncli: Command, command: str) -> None:
    flags = set(re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+)", rnncli(command, "--help").out, re.MULTILINE))

    expected = {f"--{name.replace('_', '-')}" for section in COMMANDS[command] for name in fields(section)}
    own = OWN - ({"--refit"} if command != "evaluate" else set())
    own |= {
        "forecast": {"--horizon", "--season", "--future", "--future-template", "--state", "--follow", "--dry-run"},
        "inspect": {"--importance", "--json", "--show-config"},
        "evaluate": {"--compare"},
        "train": {"--publish-if", "--rollback", "--from", "--dry-run"},
    }.get(command, set())
    own -= {"--plot"} if command == "train" else set()
    assert flags - own == expected - LEFT_OUT.get(command, set())


@pytest.mark.parametrize("section", Config.model_fields)
def test_every_field_has_a_help_text(section: str) -> None:
    kind = Config.model_fields[section].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, Section)
    assert all(help_texts().get(name) for name in kind.model_fields)


def test_the_version_is_printed(rnncli: Command) -> None:
    from rnncli import __version__

    assert rnncli("--version").out == f"rnncli {__version__}\n"


def test_an_unknown_command_is_refused(rnncli: Command) -> None:
    outcome = rnncli("predict")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: No such command 'predict'")


@pytest.mark.parametrize("command", ["train", "inspect"])
def test_the_help_lists_every_format_that_is_read(rnncli: Command, command: str) -> None:
    (listed,) = re.findall(r"--format ([a-z|]+)", rnncli(command, "--help").out)

    assert set(listed.split("|")) == set(FORMATS)
