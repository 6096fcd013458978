"""Differences between a table and the training data of a model."""

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns
from rnncli.model import data_drift, data_profile
from rnncli.panel import Panel
from tests.conftest import Command, hourly
from tests.frames import from_frame


def panel(frame: pd.DataFrame) -> Panel:
    return from_frame(frame, Columns(target=("y",), past=("heat",)))


def table() -> pd.DataFrame:
    return hourly(series=4, days=20).assign(heat=lambda frame: np.random.default_rng(1).random(len(frame)))


def late(frame: pd.DataFrame, steps: int = 48) -> pd.Series:
    return frame.groupby("unique_id").cumcount(ascending=False) < steps


def changed(frame: pd.DataFrame) -> list[str]:
    return data_drift.detect(data_profile.profile(panel(table())), None, panel(frame), 48)


def test_the_same_table_a_day_earlier_has_no_drift() -> None:
    frame = table()

    assert changed(frame) == []
    assert changed(frame.groupby("unique_id").head(300)) == []


def test_a_change_of_unit_is_reported_first() -> None:
    frame = table()
    frame.loc[late(frame), "y"] *= 1000
    frame.loc[late(frame), "heat"] = 0.5

    found = changed(frame)

    assert '"y" is about 997 times as large as in training' in found[0]
    assert '"heat" is 0.5 in all of the newest steps' in found[1]


def test_a_change_of_unit_in_one_series_names_it() -> None:
    frame = table()
    frame.loc[late(frame) & (frame["unique_id"] == "s1"), "y"] /= 1000

    assert changed(frame) == ["1 series is about 0.000993 times as large as in training: s1"]


def test_missing_values_are_reported() -> None:
    frame = table()
    frame.loc[late(frame), "heat"] = np.nan

    assert changed(frame) == ['"heat" is missing in 100% of the newest steps (0% in training)']


def test_ended_and_new_series_are_named() -> None:
    frame = table()
    frame = frame[(frame["unique_id"] != "s3") | ~late(frame, 100)].replace({"unique_id": {"s0": "north"}})

    stopped, new = changed(frame)

    assert stopped == "1 series ends more than 48 steps before the newest time, 2024-01-20 23:00: s3"
    assert new == "1 series was not in the training data: north"


def test_shifted_times_are_reported() -> None:
    frame = table().assign(ds=lambda frame: frame["ds"] + pd.Timedelta(minutes=30))

    assert changed(frame) == ["steps of h begin at another time than in training"]


@pytest.mark.parametrize(("option", "code"), [((), 0), (("--on-drift", "ignore"), 0), (("--on-drift", "fail"), 6)])
def test_forecast_warns_fails_or_ignores_drift_as_set(
    rnncli: Command, model: object, tmp_path: object, option: tuple[str, ...], code: int
) -> None:
    frame = hourly().assign(y=lambda frame: 1000 * frame["y"])
    frame.to_csv(f"{tmp_path}/t.csv", index=False)

    outcome = rnncli("forecast", model, f"{tmp_path}/t.csv", *option)

    assert outcome.code == code
    assert ("times as large as in training" in outcome.err) == (option != ("--on-drift", "ignore"))
    assert (outcome.out == "") == (code == 6)
