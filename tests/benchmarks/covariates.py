"""What covariates add: the same model with and without them, seasonal naive, and gradient boosting on the same inputs.

    python tests/benchmarks/covariates.py --data FOLDER [--sets epf,bike_sharing_hourly] [--seed 0] [--budget 2m]

FOLDER holds a folder a set. The real command line trains twice on the rows before the test part, with the columns known
in advance and without them, and scores both by `evaluate` on the test part, window after window, without training anew.
LightGBM, where it is installed, gets the covariates, the calendar, and lags that are known at the cutoff.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from accuracy import KEYS, rnncli  # type: ignore[import-not-found]
from pandas.tseries.frequencies import to_offset


class Task(NamedTuple):
    """What is known of a set, and how it is scored."""

    known: tuple[str, ...]
    categorical: tuple[str, ...]
    horizon: int
    windows: int  # of the test part, a horizon apart
    season: int
    lags: tuple[int, ...]  # for LightGBM, none shorter than the horizon


TASKS = {
    "epf": Task(("exog1", "exog2"), (), 24, 728, 24, (24, 48, 72, 168)),
    "bike_sharing_hourly": Task(
        ("holiday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed"),
        *(("weathersit",), 24, 60, 24, (24, 48, 72, 168)),
    ),
    "walmart_store_sales": Task(
        ("holiday", "temperature", "fuel_price", "cpi", "unemployment"), (), 12, 1, 52, (12, 13, 26, 52)
    ),
    "m5_small": Task(
        ("sell_price", *(f"event_type_{kind}" for kind in ("Cultural", "National", "Religious", "Sporting"))),
        *((), 28, 4, 7, (28, 35, 42, 56)),  # eight series: of one window each the luck is larger than any gain
    ),
}


def read(folder: Path) -> pd.DataFrame:
    """The whole set, by series and time."""
    parts = [pd.read_parquet(path) for path in sorted(folder.glob("t*.parquet")) or [folder / "data.parquet"]]
    return pd.concat(parts).sort_values(KEYS, ignore_index=True)


def measure(table: pd.DataFrame, task: Task, told: bool, options: list[str]) -> tuple[pd.Series, float]:
    """MAE of rnncli, a row a series, and the seconds that training took."""
    beside = ["--known", ",".join(task.known)] if told else []
    beside += ["--categorical", ",".join(task.categorical)] if told and task.categorical else []
    with tempfile.TemporaryDirectory() as place:
        every, train, model = (Path(place) / name for name in ("all.parquet", "train.parquet", "m.rnn"))
        table.to_parquet(every)
        table[before(table, task)].to_parquet(train)
        columns = ("--id", "unique_id", "--time", "ds", "--target", "y", *beside)
        began = time.time()
        rnncli("train", train, "-H", task.horizon, "--metric", "mae", *columns, *options, "--output", model)
        seconds = time.time() - began
        scored = rnncli(
            *("evaluate", model, every, "--windows", task.windows, "--by", "series"),
            *("--metrics", "MAE", "--format", "ndjson"),
        )
    rows = pd.DataFrame([json.loads(line) for line in scored.splitlines()])
    return rows[rows["model"] == "rnncli"].set_index("series")["MAE"], seconds


def before(table: pd.DataFrame, task: Task) -> np.ndarray:
    """Which rows lie before the test part."""
    last = table.groupby("unique_id")["ds"].transform("max")
    steps = table.groupby("unique_id")["ds"].diff().median()
    return (table["ds"] <= last - task.windows * task.horizon * steps).to_numpy()


def repeated(table: pd.DataFrame, task: Task) -> pd.Series:
    """The MAE of the season before each window again and again, a row a series."""

    def error(rows: pd.DataFrame) -> float:
        values = rows.set_index("ds")["y"].asfreq(to_offset(pd.Timedelta(rows["ds"].diff().median())))
        known, first = values.ffill().to_numpy(), len(values) - task.windows * task.horizon
        step = np.arange(len(values) - first) % task.horizon
        source = np.arange(first, len(values)) - step - task.season + step % task.season
        return float(np.nanmean(np.abs(values.to_numpy()[first:] - known[source])))

    return table.groupby("unique_id")[["ds", "y"]].apply(error)


def boosted(table: pd.DataFrame, task: Task) -> pd.Series:
    """LightGBM's MAE, a row a series: one model for all of them, trained on absolute errors."""
    import lightgbm

    series = table.groupby("unique_id")["y"]
    inputs = pd.DataFrame({f"lag {lag}": series.shift(lag) for lag in task.lags})
    inputs = inputs.join(table[list(task.known)])
    for part in ("hour", "dayofyear", "month", "day"):
        inputs[part] = getattr(table["ds"].dt, part)
    inputs["weekday"] = table["ds"].dt.weekday
    inputs["series"] = table["unique_id"].astype("category").cat.codes.astype("category")
    past = before(table, task)
    known = past & inputs[f"lag {max(task.lags)}"].notna().to_numpy() & table["y"].notna().to_numpy()
    settings = {"objective": "mae", "learning_rate": 0.05, "num_leaves": 63, "verbose": -1, "seed": 0}
    model = lightgbm.train(settings, lightgbm.Dataset(inputs[known], table["y"][known]), 1000)
    errors = (table["y"][~past] - model.predict(inputs[~past])).abs()
    return errors.groupby(table["unique_id"][~past]).mean()


def show(name: str, task: Task, table: pd.DataFrame, options: list[str]) -> None:
    """One line a series, or of many one for all."""
    without, slow = measure(table, task, told=False, options=options)
    told, seconds = measure(table, task, told=True, options=options)
    try:
        other = boosted(table, task)
    except ImportError:
        other = pd.Series(dtype=float)
    frame = pd.DataFrame({"naive": repeated(table, task), "without": without, "with": told, "LightGBM": other})
    frame = frame if len(frame) <= 8 else frame.mean().to_frame("all").T
    for series, row in frame.iterrows():
        cells = " ".join(f"{row.get(column, np.nan):10.4g}" for column in ("naive", "without", "with", "LightGBM"))
        gain = 100 * (1 - row["with"] / row["without"])
        print(f"{name:20s} {series!s:12s} {cells} {gain:7.1f} {slow:6.0f} {seconds:6.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(TASKS))
    options, rest = parser.parse_known_args()
    heads = " ".join(f"{head:>10s}" for head in ("naive", "without", "with", "LightGBM"))
    print(f"{'set':20s} {'series':12s} {heads} {'gain %':>7s} {'s':>6s} {'s':>6s}", flush=True)
    for name in options.sets.split(","):
        show(name, TASKS[name], read(options.data / name), rest)


if __name__ == "__main__":
    main()
