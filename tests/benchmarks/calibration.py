"""Whether intervals hold what they say on the test parts of public sets, with and without the correction.

    python tests/benchmarks/calibration.py --data FOLDER [--models FOLDER] [--sets m4_hourly,etth1] [--statistics]

FOLDER as for accuracy.py. Models are trained with the defaults, or taken from where accuracy.py --keep left them.
Scores are those of `rnncli evaluate` on the test part: the share of values inside of each interval, M4's MSIS at 95 %,
and the weighted quantile loss beside that of seasonal naive with its own intervals; `--statistics` adds AutoETS and
AutoARIMA.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from accuracy import KEYS, read, rnncli, standardised  # type: ignore[import-not-found]

SETS = "m4_hourly,tourism_monthly,nn5_daily,car_parts,etth1"
HORIZON = 96  # of etth1
COLUMNS = ("coverage-80", "coverage-95", "MSIS-95", "WQL")


def tables(folder: Path, place: Path) -> tuple[list[object], Path, list[object]]:
    """How to train on a set, the table to score on, and which windows of it are the test part."""
    if folder.name == "etth1":
        wide = standardised(folder)
        wide.iloc[:11520].to_parquet(place / "train.parquet")
        wide.to_parquet(place / "whole.parquet")
        options: list[object] = ["--horizon", HORIZON, "--metric", "mse", "--budget", "60s"]
        return options, place / "whole.parquet", ["--windows", 2881 - HORIZON, "--step", 1]
    parts = read(folder)
    parts.train.to_parquet(place / "train.parquet")
    pd.concat([parts.train, parts.test[[*KEYS, "y"]]]).sort_values(KEYS).to_parquet(place / "whole.parquet")
    season = ["--season", parts.season] if parts.integer and parts.season > 1 else []
    return ["--horizon", parts.horizon, *season, "--metric", parts.metric], place / "whole.parquet", []


def scores(model: Path, table: Path, options: list[object]) -> dict[str, dict[str, float]]:
    """Method to metric to score."""
    report: dict[str, Any] = json.loads(
        rnncli("evaluate", model, table, "--metrics", "WQL,coverage,MSIS", "--format", "json", *options)
    )
    return report["scores"]


def measure(folder: Path, models: Path | None, others: str | None) -> list[str]:
    """The lines of one set."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        options, table, windows = tables(folder, place)
        model = models / f"{folder.name}.rnn" if models else place / "m.rnn"
        if not model.exists():
            print(f"    training on {folder.name}", file=sys.stderr)
            rnncli("train", place / "train.parquet", *options, "--output", model)
        raw = scores(model, table, [*windows, "--no-conformal"])["rnncli"]
        more = ["--baselines", others] if others and folder.name != "etth1" else []
        found = scores(model, table, [*windows, *more])
    rows = {"raw quantiles": raw, **found}
    return [
        f"{folder.name:<18}{method:<16}" + "".join(f"{row[column] or float('nan'):>13.4g}" for column in COLUMNS)
        for method, row in rows.items()
        if method not in ("Naive", "Drift", "WindowAverage")
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, help="where models are, SET.rnn, and where those trained go")
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--statistics", action="store_true", help="AutoETS and AutoARIMA too")
    given = parser.parse_args()
    print(f"{'set':<18}{'method':<16}" + "".join(f"{column:>13}" for column in COLUMNS))
    for one in given.sets.split(","):
        for line in measure(given.data / one, given.models, "AutoETS,AutoARIMA" if given.statistics else None):
            print(line, flush=True)
