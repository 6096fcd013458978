"""rnncli evaluate --compare on the command line."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Command, hourly

QUICK = ("--horizon", 6, "--steps", 10, "--hidden", 4, "--context", 48, "--season", 24, "--base", "last")


def test_each_cell_is_trained_on_the_rows_before_the_windows_and_scored_on_them(
    rnncli: Command, data: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(data)
    early = frame.groupby("unique_id").cumcount(ascending=False) >= 12
    frame[early].to_csv(tmp_path / "early.csv", index=False)
    all_of_them = ("--metrics", "MASE,MAE,WQL,coverage,MSIS")
    compared = rnncli("evaluate", "--compare", "lstm,GRU,lstm", data, *QUICK, "--windows", 2, *all_of_them)

    assert compared.code == 0
    table = compared.table.set_index("model")
    assert table.index.tolist() == ["lstm", "gru", "Naive", "SeasonalNaive", "Drift", "WindowAverage"]
    for cell in ("lstm", "gru"):
        assert rnncli("train", tmp_path / "early.csv", *QUICK, "--cell", cell, "-o", tmp_path / "m.rnn").code == 0
        alone = rnncli("evaluate", tmp_path / "m.rnn", data, "--windows", 2, *all_of_them).table.set_index("model")
        both = pd.concat([alone.loc[["rnncli"]].rename({"rnncli": cell}), alone.loc[["Naive"]]])
        pd.testing.assert_frame_equal(table[list(alone)].loc[[cell, "Naive"]], both)
    costs = table[["weights", "train s", "forecast s"]]
    assert (costs.loc[["lstm", "gru"]] > 0).all(axis=None)
    assert costs.loc[["Naive", "Drift"]].isna().all(axis=None)
    best = table.loc[["lstm", "gru"], "MASE"].idxmin()
    assert f"MASE, {best}: " in compared.err


def test_its_table_fits_into_eighty_columns(rnncli: Command, data: Path) -> None:
    outcome = rnncli("evaluate", "--compare", "transformer", data, *QUICK[:4], "--hidden", 4, "--format", "table")

    assert outcome.code == 0
    assert max(len(line.rstrip()) for line in outcome.out.splitlines()) <= 80
    assert [
        name for name in ("MASE", "coverage-95", "weights", "train s", "forecast s") if name not in outcome.out
    ] == []


def test_every_output_contains_every_cell(rnncli: Command, data: Path, tmp_path: Path) -> None:
    files = ("--output", tmp_path / "cv.csv", "--plot", tmp_path / "e.png")
    outcome = rnncli("evaluate", "--compare", "rnn,gru", data, *QUICK, *files, "--format", "json", "--by", "series")

    told = json.loads(outcome.out)
    assert set(told["scores"]) >= {"rnn", "gru", "Naive"}
    assert told["scores"]["gru"]["weights"] > told["scores"]["rnn"]["weights"]
    assert told["scores"]["Naive"]["train s"] is None
    assert {row["series"] for row in told["by"]} == {"s0", "s1", "s2"}
    assert {"rnn", "gru", "gru-lo-80", "Naive", "y"} <= set(pd.read_csv(tmp_path / "cv.csv").columns)
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--compare", "gruu", "DATA", "-H", 6), 2, 'Did you mean "gru"?'),
        (("--compare", "gru", "DATA"), 2, "Set --horizon"),
        (("--compare", "gru", "MODEL", "DATA", "-H", 6), 2, "MODEL with DATA cannot be used here"),
        (("--compare", "gru", "DATA", "-H", 6, "--refit", "every"), 2, "--refit cannot be used here"),
        (
            ("--compare", "gru", "DATA", "-H", 6, "--context", 10, "--segment", 3),
            2,
            "requires a --segment that divides it",
        ),
        (("--compare", "gru", "DATA", "-H", 400), 3, "before 2024-01-04 08:00: "),
        (("--compare", "gru", "DATA", "-H", 500), 3, "no series has the 501 rows"),
        (("MODEL", "DATA", "--hidden", 8), 2, "--hidden cannot be used here: it is for training"),
        (("MODEL", "DATA", "--no-bypass"), 2, "--no-bypass cannot be used here: it is for training"),
        (("MODEL",), 2, "evaluate needs MODEL and DATA, or --compare NAMES and DATA"),
    ],
)
def test_unsuitable_comparisons_are_refused(
    rnncli: Command, model: Path, data: Path, arguments: tuple[object, ...], code: int, message: str
) -> None:
    places = {"MODEL": model, "DATA": data}

    outcome = rnncli("evaluate", *(places.get(str(part), part) for part in arguments))

    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err


def test_training_options_in_the_environment_do_not_make_evaluate_train(
    rnncli: Command, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNCLI_HIDDEN", "8")
    monkeypatch.setenv("RNNCLI_BYPASS", "0")

    assert rnncli("evaluate", model, data).code == 0
    assert rnncli("evaluate", model, data, "--hidden", 16).code == 2


def test_a_folder_of_forecasts_is_refused_as_data(rnncli: Command, data: Path, tmp_path: Path) -> None:
    hourly(series=1).to_csv(tmp_path / "a.csv", index=False)

    assert rnncli("evaluate", tmp_path, data, "--steps", 3).code == 2
