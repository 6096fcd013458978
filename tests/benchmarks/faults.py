"""What happens when things go wrong. Wanted: no file lost or halved, a clear error, the right exit code.

    python -m tests.benchmarks.faults [--share 0.1] [--only kill disk ...] [--seed 0] [--keep FOLDER]

kill    SIGKILL to train, forecast --state and train --publish-if, half of the times where a file is touched
disk    a full disk, a folder that turns read-only, and an input that vanishes meanwhile (where this is Linux and root)
lock    eight processes at one lock, one state and one model, which is read all the while
models  mutated model files, as they are and sealed anew, as somebody would who means harm
tables  mutated CSV, Parquet and NDJSON
follow  a million rows of a thousand series down a pipe

--share 1 is 200 kills, 150 mishaps of the disk, 10,000 models, 10,000 tables and 1,000,000 rows. What failed is printed
with its seed, which `--only PART --seed SEED --share 0` tries alone, and what a mutated file held is kept in FOLDER.
Exits with 1 where anything failed.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch: processes are forked here, which its threads would not survive

from tests.benchmarks.harm import crowds, disks, kills, mutants, streams
from tests.benchmarks.harm.processes import Tried, Workplace

PARTS: dict[str, tuple[Callable[[Workplace, range], list[Tried]], int]] = {
    "kill": (kills.run_each, 200),
    "disk": (disks.run_each, 150),
    "lock": (crowds.run_each, 20),
    "models": (mutants.models, 10_000),
    "tables": (mutants.tables, 10_000),
    "follow": (streams.run_each, 1_000_000),
}
SHOWN = 10  # failures of each row of the table


def main() -> None:
    """Try each part, print a line for each thing tried and what failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.1, help="of the whole")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=0, help="of the first thing tried")
    parser.add_argument("--keep", type=Path, help="where mutated files that failed are kept")
    asked = parser.parse_args()
    tried: list[Tried] = []
    with tempfile.TemporaryDirectory() as name:
        place = Workplace.furnished(Path(name), asked.keep)
        print(f"{'what':44}{'tried':>9}{'failed':>8}  found", flush=True)
        for part in asked.only:
            run, whole = PARTS[part]
            rows = run(place, range(asked.seed, asked.seed + max(1, round(asked.share * whole))))
            for one in rows:
                print(f"{one.what:44}{one.tried:>9}{len(one.failures):>8}  {one.found}", flush=True)
            tried += rows
    for one in tried:
        for failure in one.failures[:SHOWN]:
            print(f"FAILED {one.what}: {failure}")
    raise SystemExit(any(one.failures for one in tried))


if __name__ == "__main__":
    main()
