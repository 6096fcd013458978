"""rnncli inspect on the command line."""

import io
import re
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.cli import app
from rnncli.model import card, card_file
from rnncli.panel.ingest import column_hints
from tests.conftest import SAMPLES, Command, hourly


def line(text: str, name: str) -> str:
    """What stands behind a name."""
    return next(one.split(maxsplit=1)[1].strip() for one in text.splitlines() if one.split()[:1] == [name])


def test_a_table_is_described_and_what_training_would_choose(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly()
    frame.loc[10:12, "y"] = None
    frame.loc[frame["unique_id"] == "s2", "y"] = 5
    frame = pd.concat([frame.drop(index=[100, 101]), frame.iloc[[50]]])
    frame.to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("inspect", tmp_path / "d.csv")

    assert outcome.code == 0
    expected = {
        "series": "3, of 480 steps",
        "rows": "1439",
        "columns": 'id "unique_id", time "ds", target "y"',
        "span": "2024-01-01 00:00 to 2024-01-20 23:00",
        "frequency": "hourly (h)",
        "gaps": "2 steps without a row",
        "missing": "3 empty values",
        "duplicates": "1 row with the series and time of another row (train refuses them)",
        "constant": "1 series: s2",
    }
    assert {name: line(outcome.out, name) for name in expected} == expected
    assert line(outcome.out, "seasons").startswith("24 steps")
    assert "train with --horizon 24 would choose" in outcome.out


def test_undecided_columns_share_a_line_whatever_its_words(
    rnncli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = hourly(series=1)
    frame["heat"], frame["rain"] = frame["y"].shift(-5).fillna(1), frame["y"].shift(7).fillna(2)
    frame["none"] = 3
    frame.to_csv(tmp_path / "d.csv", index=False)
    hint = column_hints._hint

    def reworded(*given: Any) -> column_hints.Hint | None:
        found = hint(*given)
        return found and found._replace(words=f"{found.words}, it seems")

    monkeypatch.setattr(column_hints, "_hint", reworded)

    outcome = rnncli("inspect", tmp_path / "d.csv")

    assert re.search(r"^ *none +never changes, it seems *$", outcome.out, re.MULTILINE)
    assert re.search(rf"^ *to decide +heat, rain: {column_hints.UNDECIDED} *$", outcome.out, re.MULTILINE)


def test_it_shows_what_train_would_choose_for_a_horizon(rnncli: Command, data: Path, tmp_path: Path) -> None:
    told = rnncli("inspect", data, "--horizon", 6).out
    rnncli("train", data, "--horizon", 6, "--steps", 3, "--output", tmp_path / "m.rnn")
    built = rnncli("inspect", tmp_path / "m.rnn").out

    for name in ("context", "segment", "season", "base", "scale", "hidden"):
        assert line(told, name) == line(built, name)


def test_a_model_shows_its_expected_columns_and_scores(rnncli: Command, model: Path) -> None:
    outcome = rnncli("inspect", model)

    assert outcome.code == 0
    assert line(outcome.out, "expects") == 'id "unique_id", time "ds", target "y"; frequency h'
    assert line(outcome.out, "context") == "48"
    assert "SeasonalNaive" in outcome.out


def test_json_contains_the_card_of_a_model(rnncli: Command, model: Path) -> None:
    outcome = rnncli("inspect", model, "--json")

    assert outcome.code == 0
    assert card.Card.model_validate_json(outcome.out) == card_file.read_card(model)


def test_an_interrupted_training_is_named_as_such(rnncli: Command, tmp_path: Path) -> None:
    (tmp_path / "m.rnn.unfinished").mkdir()

    outcome = rnncli("inspect", tmp_path / "m.rnn.unfinished")

    assert (outcome.code, outcome.out) == (2, "")
    assert "interrupted training, not a file. Continue it with train --resume" in outcome.err


def test_a_table_too_short_to_train_on_is_reported(rnncli: Command, tmp_path: Path) -> None:
    hourly(days=1).to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("inspect", tmp_path / "d.csv", "--horizon", 24)

    assert outcome.code == 0
    assert "train would refuse" in outcome.out
    assert "is too short" in outcome.out


def test_the_sample_data_can_be_inspected(rnncli: Command) -> None:
    for name in ("demand", "passengers", "retail"):
        assert rnncli("inspect", SAMPLES / f"{name}.csv").code == 0


@pytest.mark.parametrize(
    ("given", "option"),
    [
        (("{model}", "--target", "y"), "--target"),
        (("{model}", "--horizon", "6"), "--horizon"),
        (("{state}", "--id", "unique_id"), "--id"),
        (("{state}", "--plot", "{state}.png"), "--plot"),
        (("{state}", "--json"), "--json"),
        (("{data}", "--json"), "--json"),
        (("{data}", "--plot", "{state}.png"), "--plot"),
        (("{data}", "--importance", "{data}"), "--importance"),
        (("{model}", "--importance", "{data}", "--json"), "--json"),
        (("{model}", "--importance", "{data}", "--plot", "{state}.png"), "--plot"),
        (("{model}", "--format", "json"), "--format"),
        (("{model}", "{data}", "--hidden", "3"), "--hidden"),
        (("{model}", "--importance", "{data}", "--seed", "3"), "--seed"),
        (("{model}", "{data}", "--weight", "y"), "--weight"),
        (("{model}", "--importance", "{data}", "--categorical", "y"), "--categorical"),
    ],
)
def test_options_that_do_not_apply_to_the_file_are_refused(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, given: tuple[str, ...], option: str
) -> None:
    state = tmp_path / "s.state"
    if "{state}" in given:
        assert rnncli("forecast", model, data, "--state", state).code == 0

    outcome = rnncli("inspect", *(one.format(model=model, data=data, state=state) for one in given))

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {option} ")


def test_a_missing_file_is_refused(rnncli: Command) -> None:
    outcome = rnncli("inspect", "none.csv")

    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err == "error: none.csv: there is no such file. Check the path\n"


NASTY = {
    "a byte-order mark": "\ufeffds,y\n2024-01-01,1\n2024-01-02,2\n",
    "a table of another country": "Datum;Verkauf\n01.02.2024;1.234,5\n02.02.2024;980\n13.02.2024;7,25\nSumme;9\n",
    "quoted numbers": 'ds,y\n"2024-01-01","1"\n"2024-01-02","2"\n',
    "a header alone": "ds,y\n",
    "no header": "2024-01-01,1\n2024-01-02,2\n",
    "one column": "y\n1\n2\n",
    "blank lines": "\n\nds,y\n\n2024-01-01,1\n\n2024-01-02,2\n\n",
    "cells of several lines": 'ds,y,note\n2024-01-01,1,"a\nb"\n2024-01-02,2,"c"\n',
    "an open quote": 'ds,y\n2024-01-01,"1\n2024-01-02,2\n',
    "rows of any length": "ds,y\n2024-01-01\n2024-01-02,2,3\n",
    "names of nothing": ",,\n1,2,3\n4,5,6\n",
    "a name twice": "ds,y,y\n2024-01-01,1,2\n",
    "years of four digits": "ds,y\n0001-01-01,1\n9999-12-31,2\n",
    "numbers beyond all": "ds,y\n1,1e308\n2,-1e308\n3,inf\n",
    "the largest steps": "ds,y\n9223372036854775807,1\n-9223372036854775808,2\n1,3\n",
    "nothing but empty cells": "ds,y\n,\n,\n",
    "zero bytes": "ds,y\n2024-01-01,\x001\n2024-01-02,2\n",
    "times of two kinds": "ds,y\n2024-01-01,1\n1704153600,2\n",
    "one row": "ds,y\n2024-01-01,1\n",
    "one time for all": "ds,y\n2024-01-01,1\n2024-01-01,2\n2024-01-01,3\n",
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_no_table_ends_in_a_traceback(rnncli: Command, tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode(encoding, errors="replace"))

    outcome = rnncli("inspect", tmp_path / "t.csv", "--horizon", "1")

    assert outcome.code in (0, 3)
    assert (outcome.code == 0) or (outcome.out == "" and outcome.err.splitlines()[-1].startswith("error: "))


@given(st.sampled_from(list(NASTY.values())), st.data())
@settings(max_examples=120)
def test_no_table_with_a_few_bytes_changed_ends_in_a_traceback(text: str, draw: st.DataObject) -> None:
    content = bytearray(text.encode())
    for _ in range(draw.draw(st.integers(1, 4))):
        place = draw.draw(st.integers(0, len(content) - 1))
        content[place : place + draw.draw(st.integers(0, 3))] = draw.draw(
            st.binary(max_size=3)
            | st.sampled_from([b",", b";", b'"', b"\n", b"-", b".", b"e", b"9" * 20, b"2024-02-30", b"\xff", b"NaN"])
        )
        content = content or bytearray(b"x")
    with tempfile.NamedTemporaryFile(suffix=".csv") as file, redirect_stdout(io.StringIO()):
        file.write(content)
        file.flush()
        assert app.run(["inspect", file.name, "--horizon", "1"]) in (0, 3)


def test_a_table_whose_ninth_character_begins_an_object_is_a_table(rnncli: Command, tmp_path: Path) -> None:
    (tmp_path / "t.ndjson").write_text('garbage\n{"ds": 1, "y": 2}\n')

    outcome = rnncli("inspect", tmp_path / "t.ndjson")

    assert outcome.code == 3
    assert "line 1: invalid JSON" in outcome.err
