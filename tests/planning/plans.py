"""Small panels, and what is chosen for them."""

import numpy as np
import pandas as pd

from rnncli.config.sections import Columns, Network, Training
from rnncli.panel import Panel, from_frame
from rnncli.planning import plan as choices
from rnncli.planning.plan import Plan


def plan(panel: Panel, **network: object) -> Plan:
    return choices.make_plan(panel, Network.model_validate({"horizon": 6} | network), Training())


def single(values: np.ndarray, freq: str = "D", start: str = "2000-01-01") -> Panel:
    stamps = pd.date_range(start, periods=len(values), freq=freq)
    return from_frame(pd.DataFrame({"ds": stamps, "y": values}), Columns())


def wave(length: int, season: int) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(length)
    return 50 + 10 * np.sin(2 * np.pi * np.arange(length) / season) + 0.5 * noise
