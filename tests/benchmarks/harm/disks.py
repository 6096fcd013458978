"""Disks that are full or turn read-only, and inputs that vanish: a clear error, and every file as it was."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.benchmarks.harm.kills import Scene, Undisturbed, laid, scenes, undisturbed
from tests.benchmarks.harm.processes import Ended, Tried, Workplace, contents, disturbed, run

PAGE = 4096
SIZE = 256 * PAGE
MISHAPS = ("full disk", "read-only folder", "vanished input")


def run_each(place: Workplace, seeds: range) -> list[Tried]:
    """Each mishap in turn, to each of the commands in turn."""
    disk = place.folder / "disk"
    disk.mkdir()
    if sys.platform != "linux" or not _mount(disk, f"size={SIZE}"):
        return [Tried(f"disk: {mishap}", 0, [], "skipped: no disk can be mounted") for mishap in MISHAPS]
    try:
        return _each(place, disk / "work", seeds)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def _each(place: Workplace, folder: Path, seeds: range) -> list[Tried]:
    known = [(scene, undisturbed(scene, folder)) for scene in scenes(place)]
    failures: dict[str, list[str]] = {mishap: [] for mishap in MISHAPS}
    codes: dict[str, list[int]] = {mishap: [] for mishap in MISHAPS}
    for seed in seeds:
        mishap, (scene, usual) = MISHAPS[seed % 3], known[seed // 3 % len(known)]
        laid(scene, folder)
        ended, wanted = _harmed(mishap, place, scene, folder, usual, np.random.default_rng(seed))
        codes[mishap].append(ended.code)
        if problem := _problem(ended, wanted, folder, usual):
            failures[mishap].append(f"seed {seed}: {scene.what}: {problem}")
    return [
        Tried(f"disk: {mishap}", len(codes[mishap]), failures[mishap], f"exit codes {sorted({*codes[mishap]})}")
        for mishap in MISHAPS
    ]


def _harmed(
    mishap: str, place: Workplace, scene: Scene, folder: Path, usual: Undisturbed, chance: np.random.Generator
) -> tuple[Ended, tuple[int, ...]]:
    """How a command ended that this befell, and the exit codes that are right."""
    after = chance.random() * usual.seconds
    command = scene.command(folder)
    match mishap:
        case "full disk":
            with _filled(folder.with_name("rest"), leaving=int(chance.integers(0, 12)) * PAGE):
                return run(*command), (0, 2)
        case "read-only folder":
            ended = disturbed(*command, after=after, harm=lambda _child: _turn(folder.parent, "ro"))
            _turn(folder.parent, "rw")
            return ended, (0, 2)
        case _:
            lost = [one for one in command if isinstance(one, Path) and one.parent == place.folder]
            with _vanishing(lost[int(chance.integers(len(lost)))]) as vanish:
                return disturbed(*command, after=after, harm=lambda _child: vanish()), (0, 3, 4)


def _problem(ended: Ended, wanted: tuple[int, ...], folder: Path, usual: Undisturbed) -> str | None:
    """What is not as it should be."""
    if ended.code not in wanted:
        return f"exit code {ended.code}: {ended.said[-300:]}"
    if ended.code and not ended.said.splitlines()[-1].startswith("error: "):
        return f"no clear error: {ended.said[-300:]}"
    if ended.code == 0:
        return None
    now = {name: content for name, content in contents(folder).items() if not _is_documented(name)}
    before = {name: content for name, content in usual.before.items() if not _is_documented(name)}
    changed = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
    return f"exit code {ended.code}, and yet {', '.join(changed)} changed" if changed else None


def _is_documented(name: str) -> bool:
    return name.endswith(".lock") or ".unfinished/" in name


def _mount(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _turn(disk: Path, way: str) -> None:
    """Read-only or not; while a file is open for writing the system refuses, and the command ends as it would."""
    subprocess.run(["mount", "-o", f"remount,{way}", disk], stderr=subprocess.DEVNULL, check=False)


@contextmanager
def _filled(path: Path, leaving: int) -> Iterator[None]:
    """Hardly any room on the disk."""
    free = os.statvfs(path.parent)
    with path.open("wb") as file:
        file.write(b"\0" * max(free.f_bavail * free.f_frsize - leaving - PAGE, 0))
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def _vanishing(path: Path) -> Iterator[Callable[[], None]]:
    """What takes a file away, which is put back in the end."""
    content = path.read_bytes()
    try:
        yield lambda: path.unlink()
    finally:
        path.write_bytes(content)
