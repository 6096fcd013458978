"""An incomplete last step of resampled rows is left out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.panel import Panel, freshness
from rnncli.tables.assumptions import reject_assumption
from tests.frames import from_frame, times_of


def every(minutes: int, first: str, last: str) -> pd.DataFrame:
    """Rows of one series: 1 for each moment."""
    return pd.DataFrame({"unique_id": "a", "ds": pd.date_range(first, last, freq=f"{minutes}min"), "y": 1.0})


def read(frame: pd.DataFrame, resample: str, **asked: object) -> tuple[Panel, list[str]]:
    said: list[str] = []
    columns = Columns.model_validate({"resample": resample} | asked)
    return from_frame(frame, columns, assume=said.append), said


@settings(max_examples=30)
@given(st.integers(0, 143), st.sampled_from(["sum", "mean", "median", "min", "max", "count"]))
def test_an_hour_with_all_its_rows_is_kept(cut: int, way: str) -> None:
    frame = every(10, "2024-01-01", "2024-01-03").assign(y=lambda table: np.sin(np.arange(len(table))))[: 145 + cut]
    whole = frame[: len(frame) // 6 * 6]

    panel, said = read(frame, f"1h={way}")

    expected, nothing = read(whole, f"1h={way}")
    assert panel.values.tolist() == expected.values.tolist()
    assert panel.span() == expected.span()
    assert nothing == []
    assert bool(said) == (len(whole) < len(frame))


def test_an_incomplete_step_is_reported_and_refused_strictly() -> None:
    frame = pd.concat([every(10, "2024-01-01", f"2024-01-02 14:{end}").assign(unique_id=end) for end in ("20", "00")])

    _, said = read(frame, "1h=sum")

    assert said == ["left out: the last step of 1h of 2 series, which is incomplete: rows end at 2024-01-02 14:20:00"]
    with pytest.raises(DataError, match="--strict forbids"):
        from_frame(frame, Columns(resample="1h=sum"), assume=reject_assumption)


@pytest.mark.parametrize("way", ["first", "last"])
def test_a_momentary_value_needs_no_complete_step(way: str) -> None:
    panel, said = read(every(10, "2024-01-01", "2024-01-02 14:20"), f"1h={way}")

    assert panel.span()[1] == "2024-01-02 14:00"
    assert said == []


@pytest.mark.parametrize(("end", "days"), [("19:50", 10), ("14:20", 9), ("08:00", 9)])
def test_a_day_ends_as_days_usually_end(end: str, days: int) -> None:
    frame = every(10, "2024-01-01", f"2024-01-10 {end}")
    frame = frame[frame["ds"].dt.hour.between(8, 19)]

    panel, said = read(frame, "1D=sum")

    assert panel.values[:, 0].tolist() == [72.0] * days
    assert bool(said) == (days == 9)


def test_weeks_without_weekends_are_whole_weeks() -> None:
    frame = every(60, "2024-01-01", "2024-03-08 23:00")

    panel, said = read(frame[frame["ds"].dt.day_of_week < 5], "W=sum")

    assert panel.values[:, 0].tolist() == [120.0] * 10
    assert said == []


def test_completeness_of_a_step_is_judged_on_all_series() -> None:
    moments = np.random.default_rng(0).uniform(0, 20 * 24 + 14.3, 20_000)
    frame = pd.DataFrame({"ds": pd.Timestamp("2024-01-01") + pd.to_timedelta(moments, "h").floor("s"), "y": 1.0})
    frame["unique_id"] = [f"{number % 100:02d}" for number in range(len(frame))]

    whole, _ = read(frame[frame["ds"] < "2024-01-21"], "1D=sum")
    panel, said = read(frame, "1D=sum")

    assert panel.values.tolist() == whole.values.tolist()
    assert "of 100 series" in said[0]
    assert read(frame[frame["ds"] < "2024-01-21"], "1D=sum")[1] == []


def test_few_steps_are_inconclusive() -> None:
    assert read(every(10, "2024-01-01 10:00", "2024-01-01 14:20"), "1h=sum")[1] == []


def test_an_incomplete_step_keeps_known_covariates() -> None:
    frame = every(10, "2024-01-01", "2024-01-02 18:50").assign(price=lambda table: table["ds"].dt.hour)
    frame.loc[frame["ds"] > "2024-01-02 14:20", "y"] = np.nan

    panel, _ = read(frame, "1h=sum", known=("price",))

    assert panel.values[:, 0].tolist() == [6.0] * 38
    assert panel.covariates.values[38:, 0].tolist() == [14, 15, 16, 17, 18]


def test_the_columns_of_a_wide_table_end_together() -> None:
    frame = every(10, "2024-01-01", "2024-01-02 14:20").drop(columns="unique_id").assign(z=2.0)

    panel, said = read(frame, "1h=sum", layout="wide")

    assert panel.lengths.tolist() == [38, 38]
    assert "of 2 series" in said[0]


def test_days_in_a_zone_end_at_local_midnight() -> None:
    frame = every(10, "2024-01-01", "2024-01-20 22:50")  # of UTC
    frame["ds"] = frame["ds"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")

    assert read(frame, "1D=sum")[1] == []
    assert read(frame[:-1], "1D=sum")[1] != []


def test_rows_of_an_incomplete_step_are_fresh() -> None:
    frame = pd.concat(
        [every(10, "2024-01-01", "2024-01-10 14:20"), every(10, "2024-01-01", "2024-01-09").assign(unique_id="b")]
    )

    panel, _ = read(frame, "1D=sum")

    assert [str(one) for one in times_of(freshness.newest_times(panel).times)] == [
        "2024-01-10 00:00:00",
        "2024-01-09 00:00:00",
    ]
