"""How accurate the defaults are on public sets, beside seasonal naive and what was published.

    python tests/benchmarks/accuracy.py --data FOLDER [--sets m4_hourly,etth1] [--seeds 0,1,2] [--budget 2m]
    python tests/benchmarks/accuracy.py --data FOLDER --pretrained [--statistics] [--alone 30]

FOLDER holds a folder a set: `train.parquet` and `test.parquet` (unique_id, ds, y), or `data.parquet`, of which the last
horizon of each series is the test part, and `meta.json` with horizon and season_length. The real command line trains
and forecasts; nothing but the horizon, the metric that the set is judged by and, where times are plain numbers, the
season is told to it. The test part is read here alone. `--statistics` adds AutoETS and AutoTheta; `--zeros` takes what
is missing for zeros, as the copy of car_parts has it that the published figures are of. `--earlier 1` holds out the
horizon before the last one instead, and forgets what came later: what one window says of a few series is luck.
`--windows 4` scores the last four horizons of each series, each forecast from the rows before it. `--alone 8` takes
eight series of each set, drawn by the first seed, each a table of its own with a model of its own, scored by MASE.
`--pretrained` forecasts without training.

etth1 is scored as the papers on long horizons do: columns z-scored by their first 8640 rows, the last 2880 of 14400
rows for testing, every window counted; the mean of the squared errors over four horizons is the figure.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

NAIVE2 = {"m4_hourly": (18.383, 2.395), "m4_yearly": (16.342, 3.974)}  # sMAPE and MASE (M4's own benchmark tables)
KEYS = ["unique_id", "ds"]
LEVELS = (80, 95)


class Published(NamedTuple):
    """How a set is judged, and the best figures in print: of a recurrent network, and of any method."""

    metric: str
    recurrent: float = np.nan
    best: float = np.nan


PUBLISHED = {
    "m4_hourly": Published("owa", 0.440, 0.364),  # ES-RNN (Smyl 2020); TiRex (Auer et al. 2025)
    "m4_yearly": Published("owa", 0.778, 0.771),  # ES-RNN; N-BEATS' ensemble (Oreshkin et al. 2020)
    "tourism_monthly": Published("mase", 1.449, 1.449),  # TiRex
    "nn5_daily": Published("mae", 3.94, 3.70),  # DeepAR; TBATS (Godahewa et al. 2021), on a copy without missing days
    "car_parts": Published(
        "mae", 0.39, 0.39
    ),  # DeepAR, on a copy with missing months as zeros: there zeros alone err 0.39
    "etth1": Published("mse", 0.408, 0.407),  # SegRNN (Lin et al. 2023); SparseTSF (Lin et al. 2024)
    "m4_quarterly_2000": Published("mase"),
    "m1_yearly": Published("mase", np.nan, 3.703),  # TiRex
    "m1_quarterly": Published("mase", np.nan, 1.674),  # TiRex
    "m1_monthly": Published("mase", np.nan, 1.060),  # TiRex
    "walmart_store_sales": Published("mase"),
    "bike_sharing_hourly": Published("mase"),
    "m5_small": Published("rmsse"),
}


class Split(NamedTuple):
    """A set as it is given to the command line, and what it is scored by."""

    name: str
    metric: str
    train: pd.DataFrame
    test: pd.DataFrame
    horizon: int
    season: int
    integer: bool

    def some(self, count: int, seed: int) -> "Split":
        """So many of its series, drawn by a seed, to be scored by MASE."""
        names = self.test["unique_id"].unique()
        chosen = np.random.default_rng(seed).choice(names, min(count, len(names)), replace=False)
        train, test = (table[table["unique_id"].isin(chosen)] for table in (self.train, self.test))
        return self._replace(metric="mase", train=train, test=test)

    def only(self, other: "Split") -> "Split":
        """The series that another split has, scored by its metric."""
        names = other.test["unique_id"].unique()
        train, test = (table[table["unique_id"].isin(names)] for table in (self.train, self.test))
        return self._replace(metric=other.metric, train=train, test=test)

    def series(self) -> "Iterator[Split]":
        """Each of its series by itself."""
        for name in self.test["unique_id"].unique():
            train, test = (table[table["unique_id"] == name] for table in (self.train, self.test))
            yield self._replace(train=train, test=test)


class Row(NamedTuple):
    """What was measured on one set with one seed."""

    scores: dict[str, float]  # method to error
    cover: tuple[float, ...]
    seconds: float


def mean_row(rows: list[Row]) -> Row:
    """The mean of the scores and coverages of several windows."""
    scores = {method: float(np.mean([row.scores[method] for row in rows])) for method in rows[0].scores}
    return Row(scores, tuple(np.mean([row.cover for row in rows], axis=0)), max(row.seconds for row in rows))


def read(folder: Path, zeros: bool = False, earlier: int = 0) -> Split:
    """The official split, or the last horizon of each series held out.

    zeros: in place of what is missing. earlier: so many horizons before the last one.
    """
    meta = json.loads((folder / "meta.json").read_text())
    columns = [*KEYS, "y"]
    if (folder / "train.parquet").exists():
        train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
        train, test = train[[name for name in columns if name in train]], test
    else:
        train, test = held_out(pd.read_parquet(folder / "data.parquet")[columns], meta["horizon"])
    for _ in range(earlier):
        train, test = held_out(train, meta["horizon"])
    train, test = train.sort_values(KEYS), test.sort_values(KEYS)
    if zeros:
        train, test = train.fillna({"y": 0}), test.fillna({"y": 0})
    horizon = int(test.groupby("unique_id").size().max())
    season, integer = int(meta["season_length"] or 1), train["ds"].dtype.kind in "iu"
    return Split(folder.name, PUBLISHED[folder.name].metric, train, test, horizon, season, integer)


def held_out(table: pd.DataFrame, horizon: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table without the last horizon of each series, and that horizon."""
    table = table.sort_values(KEYS)
    late = table.groupby("unique_id").cumcount(ascending=False) < horizon
    return table[~late], table[late]


def rnncli(*arguments: object) -> str:
    """What a command writes to stdout."""
    command = [sys.executable, "-m", "rnncli", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def forecast(parts: Split, options: list[str], model: Path | None, folder: Path) -> tuple[pd.DataFrame, float]:
    """Train the model and forecast; the forecasts beside the actual values, and the seconds that training took.

    model: file to write; None to forecast without training, whose seconds are then returned.
    """
    table = folder / "train.parquet"
    parts.train.to_parquet(table)
    season = ["--season", parts.season] if parts.integer and parts.season > 1 else []
    began = time.time()
    if model is None:
        point = ["--point", "mean"] if parts.metric in ("mse", "rmsse") else []  # as training for the metric has it
        rnncli("forecast", table, "--horizon", parts.horizon, *season, *point, "--output", folder / "f.parquet")
        seconds = time.time() - began
    else:
        asked = ("--horizon", parts.horizon, *season, "--metric", parts.metric)
        rnncli("train", table, *asked, *options, "--output", model)
        seconds = time.time() - began
        rnncli("forecast", model, table, "--output", folder / "f.parquet")
    made = pd.read_parquet(folder / "f.parquet")
    made["unique_id"] = made["unique_id"].astype(parts.test["unique_id"].dtype)
    both = parts.test.merge(made.astype({"ds": parts.test["ds"].dtype}), on=KEYS, how="left")
    assert both.loc[both["y"].notna(), "rnncli"].notna().all(), "some test rows have no forecast"
    return both, seconds


def season_errors(parts: Split) -> pd.DataFrame:
    """In-sample seasonal naive errors of each series, absolute and squared."""
    filled = parts.train.groupby("unique_id")["y"].transform(lambda one: one.ffill().bfill())
    series = filled.groupby(parts.train["unique_id"])
    lag = np.where(series.transform("size") > parts.season, parts.season, 1)
    change = np.where(lag == 1, filled - series.shift(1), filled - series.shift(parts.season))
    table = pd.DataFrame({"unique_id": parts.train["unique_id"], "scale": np.abs(change), "square": change**2})
    return table.groupby("unique_id").mean()


def seasonal_naive(parts: Split) -> np.ndarray:
    """The last season of each series again and again, for each row of the test part."""
    filled = parts.train.assign(y=parts.train.groupby("unique_id")["y"].transform(lambda one: one.ffill().bfill()))
    counts = parts.test.groupby("unique_id").size()
    last = [one.to_numpy()[-parts.season :] for _, one in filled.groupby("unique_id")["y"]]
    return np.concatenate([np.resize(values, count) for values, count in zip(last, counts, strict=True)])


def error(parts: Split, made: np.ndarray) -> float:
    """Its metric of forecasts for each row of the test part, over the windows as M4 takes it."""
    scales = season_errors(parts)
    table = parts.test.assign(error=(parts.test["y"] - made).abs(), size=parts.test["y"].abs() + np.abs(made))
    table = table[table["y"].notna()].join(scales, on="unique_id")
    table["smape"] = np.where(table["size"] > 0, 200 * table["error"] / table["size"].where(table["size"] > 0, 1), 0)
    table["mase"] = table["error"] / table["scale"].where(table["scale"] > 0)
    table["rmsse"] = table["error"] ** 2 / table["square"].where(table["square"] > 0)
    means = table.groupby("unique_id")[["error", "smape", "mase", "rmsse"]].mean()
    smape, mase = means["smape"].mean(), means["mase"].mean()
    if parts.metric == "owa":
        other = NAIVE2[parts.name]
        return float((smape / other[0] + mase / other[1]) / 2)
    return float({"mae": means["error"].mean(), "mase": mase, "rmsse": np.sqrt(means["rmsse"]).mean()}[parts.metric])


def statistics(parts: Split) -> dict[str, np.ndarray]:
    """Forecasts of statsforecast's automatic models for each row of the test part."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS, AutoTheta

    filled = parts.train.assign(y=parts.train.groupby("unique_id")["y"].transform(lambda one: one.ffill().bfill()))
    steps = filled.assign(ds=filled.groupby("unique_id").cumcount())
    models = [AutoETS(season_length=parts.season), AutoTheta(season_length=parts.season)]
    made = StatsForecast(models=models, freq=1, n_jobs=-1).forecast(df=steps, h=parts.horizon).reset_index()
    made = made.sort_values(KEYS).groupby("unique_id").head(parts.horizon)
    return {model: made[model].to_numpy() for model in ("AutoETS", "AutoTheta")}


def measure(
    parts: Split,
    options: list[str],
    others: dict[str, np.ndarray] | None = None,
    kept: Path | None = None,
    alone: bool = False,
    pretrained: bool = False,
) -> Row:
    """One set; others: forecasts to be scored beside; alone: a model a series, the seconds those of the slowest."""
    with tempfile.TemporaryDirectory() as place:
        model = None if pretrained else (kept or Path(place)) / f"{parts.name}.rnn"
        made = [forecast(one, options, model, Path(place)) for one in (parts.series() if alone else [parts])]
    both, seconds = pd.concat([table for table, _ in made]), max(taken for _, taken in made)
    known = both[both["y"].notna()]
    cover = tuple(
        float(known["y"].between(known[f"rnncli-lo-{level}"], known[f"rnncli-hi-{level}"]).mean()) for level in LEVELS
    )
    methods = {"rnncli": both["rnncli"].to_numpy(), "SeasonalNaive": seasonal_naive(parts), **(others or {})}
    scores = {method: error(parts, said) for method, said in methods.items()}
    return Row(scores, cover, seconds)


def standardised(folder: Path) -> pd.DataFrame:
    """etth1, 20 months of 30 days, each column z-scored by its first 12."""
    wide = pd.read_parquet(folder / "wide.parquet").iloc[:14400]
    names = [name for name in wide.columns if name != "date"]
    fitted = wide[names].iloc[:8640]
    wide[names] = (wide[names] - fitted.mean()) / fitted.std(ddof=0)
    return wide


def measure_long_horizons(folder: Path, seed: int, options: list[str]) -> Row:
    """etth1: the mean over four horizons of the squared error over every window of the test part."""
    wide = standardised(folder)
    rows, seconds = [], []
    with tempfile.TemporaryDirectory() as place:
        train, every, model = (Path(place) / name for name in ("train.parquet", "all.parquet", "m.rnn"))
        wide.iloc[:11520].to_parquet(train)
        wide.to_parquet(every)
        for horizon in (96, 192, 336, 720):
            began = time.time()
            rnncli("train", train, "-H", horizon, "--metric", "mse", "--seed", seed, *options, "--output", model)
            seconds.append(time.time() - began)
            scoring = ("--windows", 2881 - horizon, "--step", 1, "--metrics", "MSE,MAE,coverage", "--format", "ndjson")
            scored = [json.loads(line) for line in rnncli("evaluate", model, every, *scoring).splitlines()]
            rows.append({one["model"]: one for one in scored})
            print(f"    etth1 {horizon}: {rows[-1]['rnncli']}, {seconds[-1]:.0f} s", file=sys.stderr)
    scores = {name: float(np.mean([row[name]["MSE"] for row in rows])) for name in ("rnncli", "SeasonalNaive")}
    cover = tuple(float(np.mean([row["rnncli"][f"coverage-{level}"] for row in rows])) for level in LEVELS)
    return Row(scores, cover, float(np.max(seconds)))


def lines(asked: argparse.Namespace, options: list[str]) -> Iterator[str]:
    """A line a set, as it is done."""
    methods = ["SeasonalNaive", *(["AutoETS", "AutoTheta"] if asked.statistics else [])]
    titles = ["set", "metric", *methods, "rnncli", "spread", "ratio", "RNN", "best", "cover 80", "cover 95", "s"]
    yield ("{:<20}{:<7}" + "{:>14}" * len(methods) + "{:>11}" * 8).format(*titles)
    for name in asked.sets.split(","):
        folder, published = asked.data / name, PUBLISHED[name]
        parts = None if name == "etth1" else read(folder, asked.zeros, asked.earlier)
        seeds = [int(seed) for seed in asked.seeds.split(",")]
        if parts and asked.alone:
            parts, published = parts.some(asked.alone, seeds[0]), Published("mase")
        earlier = range(asked.earlier + 1, asked.earlier + asked.windows)
        parts_of = [parts, *(read(folder, asked.zeros, back).only(parts) for back in earlier)] if parts else []
        others = [statistics(part) if asked.statistics else {} for part in parts_of]
        rows = []
        for seed in seeds:
            given_seed = ["--seed", str(seed), *options]
            if not parts_of:
                rows.append(measure_long_horizons(folder, seed, options))
                continue
            rows.append(
                mean_row(
                    [
                        measure(part, given_seed, other, asked.keep, asked.alone > 0, asked.pretrained)
                        for part, other in zip(parts_of, others, strict=True)
                    ]
                )
            )
        own = [row.scores["rnncli"] for row in rows]
        print(f"    {name}: {', '.join(f'{score:.5g}' for score in own)}, a figure a seed", file=sys.stderr)
        figures = [rows[0].scores.get(method, np.nan) for method in methods]
        cover = np.mean([row.cover for row in rows], axis=0)
        ratio = np.mean(own) / rows[0].scores["SeasonalNaive"]
        measured = [np.mean(own), np.ptp(own), ratio, published.recurrent, published.best, *cover]
        yield (
            f"{name:<20}{published.metric:<7}"
            + "".join(f"{figure:>14.4g}" for figure in figures)
            + "".join(f"{figure:>11.4g}" for figure in measured)
            + f"{np.max([row.seconds for row in rows]):>11.0f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(PUBLISHED))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--budget", help="passed on to train")
    parser.add_argument("--preset", help="passed on to train")
    parser.add_argument("--members", help="passed on to train")
    parser.add_argument("--steps", help="passed on to train")
    parser.add_argument("--keep", type=Path, help="a folder for the models, SET.rnn")
    parser.add_argument("--statistics", action="store_true", help="AutoETS and AutoTheta too")
    parser.add_argument("--zeros", action="store_true", help="in place of missing values (not of etth1)")
    parser.add_argument("--earlier", type=int, default=0, help="horizons before the last, to take the test part from")
    parser.add_argument("--alone", type=int, default=0, help="series of each set, a model for each")
    parser.add_argument("--windows", type=int, default=1, help="last horizons of each series to score")
    parser.add_argument("--pretrained", action="store_true", help="forecast without training")
    given = parser.parse_args()
    if (given.earlier or given.alone or given.pretrained or given.windows > 1) and "etth1" in given.sets.split(","):
        parser.error(
            "--earlier, --windows, --alone and --pretrained: etth1 is scored on every window of its test part. "
            "Leave it out of --sets"
        )
    if given.alone and given.keep:
        parser.error("--keep: with --alone a set has many models. Leave it out")
    passed = [(name, getattr(given, name)) for name in ("budget", "preset", "members", "steps")]
    for line in lines(given, [text for name, value in passed if value for text in (f"--{name}", value)]):
        print(line, flush=True)
