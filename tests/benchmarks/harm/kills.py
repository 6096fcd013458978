"""SIGKILL at any moment: every file is old or new, and one more run makes good what was cut off."""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnncli.errors import RnncliError
from rnncli.model import forecast_state as states
from tests.benchmarks.harm.processes import QUICK, Tried, Workplace, at_touches, contents, disturbed, kill, run

UNFINISHED = "m.rnn.unfinished/"  # the README tells of it, and of locks


class Scene(NamedTuple):
    """A command that changes files."""

    what: str
    lay: Callable[[Path], object]  # what is there before
    command: Callable[[Path], list[object]]


class Undisturbed(NamedTuple):
    """What it comes to when it is left alone."""

    before: dict[str, bytes]
    after: dict[str, bytes]
    seconds: float
    touches: int


def scenes(place: Workplace) -> list[Scene]:
    """A first model, one that replaces another, a state with forecasts, and a publication."""

    def training(folder: Path) -> list[object]:
        return ["train", place.table, *QUICK, "--checkpoint", "0.05", "-o", folder / "m.rnn"]

    def lay_model(folder: Path) -> None:
        shutil.copy(place.other, folder / "m.rnn")

    def lay_state(folder: Path) -> None:
        run("forecast", place.model, place.table, "--state", folder / "s", "-o", folder / "f.csv")

    def lay_published(folder: Path) -> None:
        lay_model(folder)
        (folder / "m.rnn.previous").write_bytes(place.model.read_bytes() + b"\n")

    def forecasting(folder: Path) -> list[object]:
        return ["forecast", place.model, place.day, "--state", folder / "s", "-o", folder / "f.csv"]

    return [
        Scene("train", lambda _folder: None, training),
        Scene("train over a model", lay_model, training),
        Scene("forecast --state", lay_state, forecasting),
        Scene("train --publish-if", lay_published, lambda folder: [*training(folder), "--publish-if", "mase < 100"]),
    ]


def laid(scene: Scene, folder: Path) -> None:
    """The folder as it was before."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    scene.lay(folder)


def undisturbed(scene: Scene, folder: Path) -> Undisturbed:
    """What the command comes to, and how often it touches files."""
    laid(scene, folder)
    before, counted = contents(folder), folder.with_name("touches")
    ended = run(*scene.command(folder), before=at_touches(folder, lambda _number: _add_to(counted)))
    if ended.code:
        raise SystemExit(f"{scene.what}: {ended.said}")
    touches = counted.stat().st_size
    counted.unlink()
    return Undisturbed(before, contents(folder), ended.seconds, touches)


def _add_to(path: Path) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b".")
    os.close(file)


def run_each(place: Workplace, seeds: range) -> list[Tried]:
    """Kill each of the commands in turn."""
    folder = place.folder / "killed"
    known = [(scene, undisturbed(scene, folder)) for scene in scenes(place)]
    counts: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    failures: dict[str, list[str]] = {scene.what: [] for scene, _ in known}
    for seed in seeds:
        scene, usual = known[seed % len(known)]
        laid(scene, folder)
        signal_came = _kill_once(scene, folder, usual, seed)
        killed[scene.what] += signal_came
        counts[scene.what] += 1
        problems = _problems(scene, folder, usual, seed)
        failures[scene.what] += [f"seed {seed}: {problem}" for problem in problems]
    return [
        Tried(f"SIGKILL: {what}", counts[what], failures[what], f"{killed[what]} hit it at work") for what in failures
    ]


def _kill_once(scene: Scene, folder: Path, usual: Undisturbed, seed: int) -> bool:
    """Whether it was still at work. Every second time it is about to touch a file, else at any moment."""
    chance = np.random.default_rng(seed)
    if seed // 4 % 2:
        ended = disturbed(*scene.command(folder), after=chance.random() * usual.seconds, harm=kill)
    else:
        number = int(chance.integers(1, usual.touches + 1))

        def act(count: int) -> None:
            if count == number:
                kill(os.getpid())

        ended = run(*scene.command(folder), before=at_touches(folder, act))
    return ended.code == -signal.SIGKILL


def _problems(scene: Scene, folder: Path, usual: Undisturbed, seed: int) -> list[str]:
    """What is not as it should be, after the kill and after one more run."""
    found = []
    for name, content in contents(folder).items():
        if name.startswith(UNFINISHED) or name.endswith(".lock"):
            continue
        if _is_temporary(name, usual):
            continue
        if name not in usual.after:
            found.append(f"{name} was left behind")
        elif not _same(folder / name, content, usual.before.get(name), usual.after[name]):
            found.append(f"{name} is neither as before nor as it should become")
    if lost := sorted(usual.before.keys() - contents(folder).keys()):
        found.append(f"{lost[0]} is lost")
    resume = ["--resume"] if scene.what.startswith("train") and seed // 8 % 2 else []
    ended = run(*scene.command(folder), *resume)
    if ended.code:
        return [*found, f"one more run exits with {ended.code}: {ended.said[-300:]}"]
    after = contents(folder)
    more = [name for name in sorted(after.keys() - usual.after.keys()) if not _is_temporary(name, usual)]
    found += [f"{name} is still there after one more run" for name in more]
    for name, wanted in usual.after.items():
        if name not in after or not _same(folder / name, after[name], wanted):
            found.append(f"{name} is not what an undisturbed run makes of it")
    return found


def _is_temporary(name: str, usual: Undisturbed) -> bool:
    """Whether it is `.NAME.xxxx` of a file that the command writes, which SIGKILL leaves; the README says so."""
    owner, _, _ = name.removeprefix(".").rpartition(".")
    return name.startswith(".") and owner in usual.after


def _same(path: Path, content: bytes, *wanted: bytes | None) -> bool:
    """Whether a file's content is one of these: to the bit, or a state that differs in the number of runs alone."""
    if content in wanted:
        return True
    if path.name != "s":
        return False
    try:
        return _state(content, path) in [_state(one, path) for one in wanted if one is not None]
    except RnncliError:
        return False


def _state(content: bytes, path: Path) -> bytes:
    """A state as if it were of one run."""
    twin = path.parent.with_name("twin")
    twin.write_bytes(content)
    return states.encode(states.read_state(twin)._replace(runs=1))
