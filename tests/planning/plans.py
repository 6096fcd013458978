"""Small panels, and plans for them."""

import numpy as np
import pandas as pd

from rnncli.config.sections import Columns, NetworkOptions, Training
from rnncli.panel import Panel
from rnncli.planning.plan import Plan, make_plan
from tests.frames import from_frame


def plan(panel: Panel, **network: object) -> Plan:
    return make_plan(panel, NetworkOptions.model_validate({"horizon": 6} | network), Training())


def single(values: np.ndarray, freq: str = "D", start: str = "2000-01-01") -> Panel:
    times = pd.date_range(start, periods=len(values), freq=freq)
    return from_frame(pd.DataFrame({"ds": times, "y": values}), Columns())


def wave(length: int, season: int) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(length)
    return 50 + 10 * np.sin(2 * np.pi * np.arange(length) / season) + 0.5 * noise
