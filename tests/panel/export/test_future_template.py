"""A template has the steps to forecast and their known covariates."""

import numpy as np
import pandas as pd

from rnncli.config.sections import Columns
from rnncli.panel import Panel
from rnncli.panel.export.future_template import future_template
from rnncli.panel.known_future import ends
from tests.frames import frame_of, from_frame
from tests.panel.ingest.test_future_rows import future, joined, panel, past
from tests.panel.test_known_future import missing_values


def template_of(known: Panel) -> pd.DataFrame:
    return frame_of(future_template(known, ends(known, from_first_row=False), 2, text_times=True))


def test_a_filled_template_is_a_future() -> None:
    empty = template_of(panel(past()))
    assert empty.columns.tolist() == ["shop", "day", "price", "sky"]
    assert empty["day"].tolist() == ["2024-01-05", "2024-01-06"] * 2
    assert empty["price"].isna().all()

    filled = empty.assign(price=1.5, sky="rain")

    assert missing_values(panel(joined(past(), filled)), 2) == 0


def test_a_template_keeps_known_values() -> None:
    frame = joined(past(), future(["2024-01-05"]))

    template = template_of(panel(frame))

    assert template["sky"].tolist() == ["rain", "", "rain", ""]


def test_the_template_of_a_wide_table_has_one_row_per_step() -> None:
    days = pd.date_range("2024-01-01", periods=4)
    frame = pd.DataFrame({"day": days, "a": [1.0, 2, 3, np.nan], "b": [1.0, 2, 3, 4], "heat": [5.0, 6, 7, 8]})
    wide = from_frame(frame, Columns(time="day", layout="wide", known=("heat",)))

    template = template_of(wide)

    assert template["day"].tolist() == ["2024-01-04", "2024-01-05", "2024-01-06"]
    assert template["heat"].tolist()[:1] == [8]
