"""How the work of a training grows with the table: what `train --dry-run` plans for 1 to 100,000 series of 200 days.

    python -m tests.benchmarks.work [--series 1 10 ...] [--rows 200] [--presets fast balanced best]

The work is counted in seconds of a core of the reference machine, so that it is the same wherever this runs. It grows
with the updates (150 passes over windows that do not overlap, from 300 to 2,000), with the units of a layer (32, 64 or
128) and with the number of networks, up to the limit of the preset.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.scale import write_table

HORIZON = 14


def planned(path: Path, preset: str) -> str:
    """Return what a training would do: networks, units, steps and work."""
    asked = ["train", path, "--horizon", HORIZON, "--preset", preset, "--output", path.with_suffix(".rnn"), "--dry-run"]
    command = [sys.executable, "-m", "rnncli", *map(str, asked)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    if "no network" in told:
        return "the pretrained network alone"
    trials, members, steps = re.findall(r"(\d+) (?:networks?|steps?) (?:to|on|each)", told.replace(",", ""))
    hidden, work = re.findall(r"chosen: hidden (\d+)", told)[0], re.findall(r"work: up to (.+?) of a core", told)[0]
    return f"{trials:>3} trials, {members:>3} networks of {hidden:>3} units, {steps:>5} steps, work {work}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[1, 10, 100, 1000, 10_000, 100_000])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--presets", nargs="+", default=["fast", "balanced", "best"])
    given = parser.parse_args()
    for series in given.series:
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "days.parquet"
            write_table(table, range(series), given.rows)
            for preset in given.presets:
                print(f"{series:>8} series, {preset:<9}{planned(table, preset)}", flush=True)
