"""Shell completion, by the protocol of each shell."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from rnncli.config.cells import CellName

RNNCLI = [sys.executable, "-m", "rnncli"]


def run(environment: dict[str, str], command: list[str]) -> str:
    """Return stdout; stderr must be empty."""
    everything = {**os.environ, "COLUMNS": "40", **environment}
    done = subprocess.run(command, env=everything, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def bash(*words: str) -> list[str]:
    """Return the completions of the last word in bash."""
    line = "\n".join(["rnncli", *words])
    asked = {"_RNNCLI_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    return run(asked, RNNCLI).split("\n")[:-1]


def fish(line: str) -> list[str]:
    """Return the completions of a line in fish, with their help."""
    asked = {"_RNNCLI_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return run(asked | {"_TYPER_COMPLETE_ARGS": line}, RNNCLI).splitlines()


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "t.csv"
    path.write_text("shop,ds,units sold,units back,price\na,2024-01-01,1,0,2\n")
    return str(path)


def test_a_choice_is_completed() -> None:
    assert bash("train", "--cell", "") == list(get_args(CellName))
    assert bash("train", "--preset", "b") == ["balanced", "best"]
    assert bash("evaluate", "--compare", "lstm,t") == ["lstm,tcn", "lstm,transformer"]


def test_a_column_is_completed_by_those_of_the_table_on_the_line(table: str) -> None:
    assert bash("train", table, "--horizon", "6", "--target", "") == [
        "shop",
        "ds",
        "units\\ sold",
        "units\\ back",
        "price",
    ]
    assert bash("forecast", "m.rnn", table, "--known", "price,s") == ["price,shop"]
    assert bash("evaluate", "m.rnn", table, "--by", "s") == ["series", "shop"]
    assert bash("evaluate", table, "--compare", "gru,lstm", "--weight", "p") == ["price"]
    assert fish(f"rnncli inspect {shlex.quote(table)} --id unit") == ["units sold", "units back"]


def test_an_unreadable_table_completes_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not")

    for source in ("-", "s3://bucket/t.csv", "nothing.csv", str(tmp_path / "broken.parquet")):
        assert bash("train", source, "--time", "") == [""]


def test_a_file_is_left_to_the_shell(table: str) -> None:
    assert bash("train", table[:-3]) == [""]
    asked = {"_RNNCLI_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "rnncli forecast m"}
    assert run(asked, RNNCLI) == "_files\n"


def test_an_explanation_stays_in_one_line_however_narrow_the_terminal() -> None:
    lines = fish("rnncli train --dec")

    assert [line.split("\t")[0] for line in lines] == ["--decimal", "--decoder", "--decoder-segment"]
    assert all(len(line.split("\t")[1]) > 45 for line in lines)


def test_bash_takes_the_script_and_completes(table: str, tmp_path: Path) -> None:
    (tmp_path / "rnncli").write_text(f'#!/bin/sh\nexec {shlex.join(RNNCLI)} "$@"\n')
    (tmp_path / "rnncli").chmod(0o755)
    words = f"COMP_WORDS=(rnncli train {shlex.quote(table)} --target u); COMP_CWORD=4"
    script = f'PATH="{tmp_path}:$PATH"; eval "$(rnncli --show-completion bash)"; {words}; _rnncli_completion rnncli'

    given = run({}, ["bash", "-c", script + '; printf "%s\\n" "${COMPREPLY[@]}"'])

    assert given.splitlines() == ["units\\ sold", "units\\ back"]


@pytest.mark.parametrize(("suffix", "heavy"), [("csv", "torch pandas pyarrow numpy"), ("parquet", "torch pandas")])
def test_completing_imports_no_heavy_library(table: str, suffix: str, heavy: str) -> None:
    path = Path(table).with_suffix(f".{suffix}")
    if suffix == "parquet":
        pd.read_csv(table).to_parquet(path)
    code = (
        "import sys\nfrom rnncli.cli import app\ntry:\n    app.run([])\nexcept SystemExit:\n    pass\n"
        f"assert not {{*{heavy!r}.split()}} & set(sys.modules)"
    )
    words = f"rnncli\ntrain\n{path}\n--target\np"
    asked = {"_RNNCLI_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "4"}

    assert run(asked, [sys.executable, "-c", code]) == "price\n"
