"""Eight processes at one lock, one state and one model: one at a time, and no reader sees half a file."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from rnncli.errors import RnncliError
from rnncli.model import forecast_state as states
from rnncli.model import weights_file
from tests.benchmarks.harm.processes import QUICK, Tried, Workplace, nothing, start, wait, write_hours

CROWD = 8


def run_each(place: Workplace, seeds: range) -> list[Tried]:
    """Each of the three, now and again."""
    folder = place.folder / "crowd"
    folder.mkdir()
    tried = {at: list[str]() for at in (at_a_lock, at_a_state, at_a_model)}
    reads = 0
    for seed in seeds:
        for at, failures in tried.items():
            problems, read = at(place, folder)
            failures += [f"seed {seed}: {problem}" for problem in problems]
            reads += read
            for path in folder.iterdir():
                path.unlink()
    return [
        Tried(f"{CROWD} processes {at.__name__.replace('_', ' ')}", len(seeds), failures, found)
        for (at, failures), found in zip(tried.items(), ("", "", f"{reads} reads meanwhile"), strict=True)
    ]


def at_a_lock(place: Workplace, folder: Path) -> tuple[list[str], int]:
    """Who does not wait is sent away, and who holds it does its work."""
    command = ["train", place.table, *QUICK, "-o", folder / "m.rnn", "--lock", folder / "lock"]
    codes = [wait(child) for child in _crowd([command] * CROWD, folder)]
    found = [] if {*codes} <= {0, 7} and 0 in codes else [f"exit codes {codes}"]
    return found + ([] if (folder / "m.rnn").read_bytes() == place.model.read_bytes() else ["another model"]), 0


def at_a_state(place: Workplace, folder: Path) -> tuple[list[str], int]:
    """The rows of all of them are in it: whoever read it before another wrote would have lost some."""
    commands: list[list[object]] = []
    for number in range(CROWD):
        table = folder / f"{number}.csv"
        write_hours(table, range(48), 1)
        table.write_text(table.read_text().replace("s0,", f"series-{number},"))
        commands.append(["forecast", place.model, table, "--state", folder / "s", "--lock-wait", "5m"])
    codes = [wait(child) for child in _crowd(commands, folder)]
    state = states.read_state(folder / "s")
    found = [f"exit codes {codes}"] if any(codes) else []
    if (len(state.panel.ids), state.rows, state.runs) != (CROWD, 48 * CROWD, CROWD):
        found.append(f"{len(state.panel.ids)} series, {state.rows} rows, {state.runs} runs")
    return found, 0


def at_a_model(place: Workplace, folder: Path) -> tuple[list[str], int]:
    """Half of them write it by themselves; meanwhile it is read, as it is by this process."""
    path, reads = folder / "m.rnn", 0
    path.write_bytes(place.model.read_bytes())
    writers = [["train", place.table, *QUICK, "-o", path, "--seed", number] for number in range(CROWD // 2)]
    readers = [["forecast", path, place.table]] * (CROWD - len(writers))
    found, children = list[str](), _crowd([*writers, *readers], folder)
    codes = dict[int, int]()
    while len(codes) < CROWD:
        try:
            weights_file.load(path)
        except RnncliError as error:
            found.append(f"a reader saw: {error}")
        reads += 1
        for child in children:
            if child not in codes and (over := os.waitpid(child, os.WNOHANG))[0]:
                codes[child] = os.waitstatus_to_exitcode(over[1])
        time.sleep(0.002)
    if any(codes.values()):
        found.append(f"exit codes {[codes[child] for child in children]}")
    if {one.name for one in folder.iterdir() if one.suffix != ".said"} != {"m.rnn"}:
        found.append(f"left behind: {[one.name for one in folder.iterdir()]}")
    return found, reads


def _crowd(commands: Sequence[Sequence[object]], folder: Path) -> list[int]:
    return [start(command, folder / f"{number}.said", nothing) for number, command in enumerate(commands)]
