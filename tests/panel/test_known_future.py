"""Known covariates must reach the end of the horizon."""

import numpy as np
import pytest

from rnncli.errors import DataError
from rnncli.panel import Panel
from rnncli.panel.known_future import ends, require
from tests.panel.ingest.test_future_rows import future, joined, panel, past


def missing_values(known: Panel, horizon: int) -> int:
    return require(known, ends(known, from_first_row=False), horizon)


def test_the_steps_without_known_values_are_named() -> None:
    frame = joined(past(), future(["2024-01-05"]))

    with pytest.raises(DataError, match='"a": .*"price" has no value for 2024-01-06 to 2024-01-07 .and 1 more series'):
        missing_values(panel(frame), 3)


def test_only_the_series_without_known_values_is_named() -> None:
    frame = joined(past(), future(["2024-01-05"], ("a",)))

    with pytest.raises(DataError, match=r'series "b": known column "price" has no value for 2024-01-05\. Add'):
        missing_values(panel(frame), 1)


def test_a_gap_between_known_values_is_counted() -> None:
    frame = future(["2024-01-05", "2024-01-06", "2024-01-07"])
    frame.loc[1, "price"] = np.nan

    assert missing_values(panel(joined(past(), frame)), 3) == 1
