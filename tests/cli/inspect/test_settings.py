"""inspect --show-config: every option, and the source of its value."""

import json
from pathlib import Path
from typing import Any

import pytest

from rnncli.config.sections import Config
from tests.conftest import Command

TOML = '[network]\ncell = "lstm"\nhidden = 12\nlayers = 2\n[freshness]\nmax_age = "2h"\n[run]\nlock = "/nowhere/x"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "rnncli.toml"
    path.write_text(TOML)
    return path


def shown(text: str) -> dict[tuple[str, str], tuple[Any, str, str | None]]:
    """Section and name to value, source and place."""
    found = json.loads(text)
    return {(one["section"], one["name"]): (one["value"], one["source"], one["where"]) for one in found}


def test_every_option_of_every_command_is_shown_with_its_source(
    rnncli: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RNNCLI_MEMBERS")
    monkeypatch.setenv("RNNCLI_LEVEL", "50")  # of forecast alone
    monkeypatch.setenv("RNNCLI_HIDDEN", "32")
    monkeypatch.setenv("RNNCLI_LAYERS", "3")

    outcome = rnncli("inspect", "--show-config", "--config", config, "--json", "--layers", "4", "--no-refit")

    sections = {name: getattr(Config(), name).model_dump() for name in Config.model_fields}
    expected: dict[tuple[str, str], tuple[Any, str, str | None]] = {
        (section, name): (list(value) if isinstance(value, tuple) else value, "default", None)
        for section, values in sections.items()
        for name, value in values.items()
    }
    expected |= {
        ("network", "cell"): ("lstm", "file", str(config)),
        ("network", "hidden"): (32, "environment", "RNNCLI_HIDDEN"),
        ("network", "layers"): (4, "command line", "--layers"),
        ("training", "refit"): (False, "command line", "--no-refit"),
        ("forecast", "level"): ([50.0], "environment", "RNNCLI_LEVEL"),
        ("freshness", "max_age"): (7200.0, "file", str(config)),
        ("run", "lock"): ("/nowhere/x", "file", str(config)),
    }
    assert (outcome.code, outcome.err) == (0, "")
    assert shown(outcome.out) == expected


def test_the_table_shows_values_as_written_on_the_command_line(rnncli: Command, config: Path) -> None:
    outcome = rnncli("inspect", "--show-config", "--config", config)

    rows = {line[1]: line[2:] for text in outcome.out.splitlines() if len(line := text.split()) == 4}
    assert {name: rows[name] for name in ("level", "bypass", "horizon", "max_age", "members")} == {
        "level": ["80,95", "default"],
        "bypass": ["true", "default"],
        "horizon": ["-", "default"],
        "max_age": ["7200", str(config)],
        "members": ["1", "RNNCLI_MEMBERS"],
    }


def test_unknown_variables_give_a_warning(rnncli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNCLI_HIDEN", "32")
    monkeypatch.setenv("RNNCLI_QUANTILES", "0.5")

    outcome = rnncli("inspect", "--show-config")

    told = 'RNNCLI_HIDEN is set in the environment, but there is no such option. Did you mean "RNNCLI_HIDDEN"?'
    assert (outcome.code, outcome.err) == (0, f"warning: {told}\n")


def test_a_wrong_value_is_refused_whichever_command_has_the_option(
    rnncli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNCLI_LEVEL", "wide")

    outcome = rnncli("inspect", "--show-config")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith('error: RNNCLI_LEVEL "wide" must be a valid number')


def test_a_switch_in_the_environment_must_be_true_or_false(rnncli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNCLI_QUIET", "maybe")

    outcome = rnncli("inspect", "table.csv")

    told = 'error: RNNCLI_QUIET "maybe" must be true or false. See rnncli inspect --help'
    assert (outcome.code, outcome.out, outcome.err.strip()) == (2, "", told)


def test_it_reads_no_file(rnncli: Command, data: Path) -> None:
    assert rnncli("inspect", data, "--show-config").code == 2
    assert rnncli("inspect").code == 2
