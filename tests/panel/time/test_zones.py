"""Local times, with pandas as the oracle."""

import numpy as np
import pandas as pd
import pytest

from rnncli.panel.time import zones
from rnncli.tables.assumptions import accept_assumption

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "UTC",
    "+01:30",
)
MOMENTS = pd.date_range("1999-12-31", "2030-01-01", freq="97min")


def microseconds(times: pd.DatetimeIndex) -> np.ndarray:
    naive = times if times.tz is None else times.tz_convert("UTC").tz_localize(None)
    return np.asarray(naive, "datetime64[us]").astype(np.int64)


@pytest.mark.parametrize("zone", ZONES)
def test_local_times_are_those_of_pandas(zone: str) -> None:
    local = MOMENTS.tz_localize("UTC").tz_convert(zone).tz_localize(None)

    assert np.array_equal(zones.to_wall(microseconds(MOMENTS), zone), microseconds(local))


@pytest.mark.parametrize("zone", [zone for zone in ZONES if "Lord_Howe" not in zone])  # pandas skips an hour, not half
def test_instants_of_local_times_are_those_of_pandas(zone: str) -> None:
    earlier = np.ones(len(MOMENTS), bool)
    instants = MOMENTS.tz_localize(zone, ambiguous=earlier, nonexistent="shift_forward")

    assert np.array_equal(zones.from_wall(microseconds(MOMENTS), zone), microseconds(instants))


@pytest.mark.parametrize("zone", ZONES)
def test_skipped_times_are_those_of_pandas(zone: str) -> None:
    later = MOMENTS.tz_localize(zone, ambiguous=np.zeros(len(MOMENTS), bool), nonexistent="NaT")
    series = np.zeros(len(MOMENTS), np.int64)

    localised = zones.localise(microseconds(MOMENTS), zone, series, accept_assumption)

    assert np.array_equal(localised.skipped, later.isna())


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]])
def test_a_time_that_occurs_twice_is_an_hour_later_the_second_time(order: list[int]) -> None:
    local = pd.DatetimeIndex(["2024-10-27 01:30", "2024-10-27 02:30", "2024-10-27 02:30", "2024-10-27 03:30"])[order]

    instants = zones.localise(microseconds(local), "Europe/Berlin", np.zeros(4, np.int64), accept_assumption).instants

    expected = pd.DatetimeIndex(["2024-10-26 23:30", "2024-10-27 00:30", "2024-10-27 01:30", "2024-10-27 02:30"])
    assert instants.tolist() == microseconds(expected)[order].tolist()
