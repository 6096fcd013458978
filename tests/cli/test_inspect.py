"""rnncli inspect at the prompt."""

from pathlib import Path

import pandas as pd

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
        "duplicates": "1 rows with the series and time of another: train refuses them",
        "constant": "1 series: s2",
    }
    assert {name: line(outcome.out, name) for name in expected} == expected
    assert line(outcome.out, "seasons").startswith("24 steps")
    assert "train with --horizon 24 would choose" in outcome.out


def test_it_tells_what_train_would_choose_for_a_horizon(rnncli: Command, data: Path, tmp_path: Path) -> None:
    told = rnncli("inspect", data, "--horizon", 6).out
    rnncli("train", data, "--horizon", 6, "--steps", 3, "--output", tmp_path / "m.rnn")
    built = rnncli("inspect", tmp_path / "m.rnn").out

    for name in ("context", "segment", "season", "base", "scale", "hidden"):
        assert line(told, name) == line(built, name)


def test_a_model_tells_what_it_expects_and_scored(rnncli: Command, model: Path) -> None:
    outcome = rnncli("inspect", model)

    assert outcome.code == 0
    assert line(outcome.out, "expects") == 'id "unique_id", time "ds", target "y"; steps of h'
    assert line(outcome.out, "context") == "48"
    assert "SeasonalNaive" in outcome.out


def test_a_table_that_is_too_short_to_train_on_says_so(rnncli: Command, tmp_path: Path) -> None:
    hourly(days=1).to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("inspect", tmp_path / "d.csv", "--horizon", 24)

    assert outcome.code == 0
    assert "train would refuse" in outcome.out
    assert "is too short" in outcome.out


def test_the_samples_are_inspected(rnncli: Command) -> None:
    for name in ("demand", "passengers", "retail"):
        assert rnncli("inspect", SAMPLES / f"{name}.csv").code == 0


def test_a_file_that_is_not_there_is_refused(rnncli: Command) -> None:
    outcome = rnncli("inspect", "none.csv")

    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err == "error: none.csv: there is no such file. Check the path\n"
