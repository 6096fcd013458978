"""What a run did: facts, warnings, times. Kept for the report and the metrics file, which are written as it ends.

There is one run in a process, so there is one record.
"""

import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rnncli import __version__
from rnncli.config.sections import Run
from rnncli.errors import RequestError
from rnncli.files import atomic
from rnncli.files.paths import is_standard_stream

NO_FILE_WRITTEN = "No file was written"
LIBRARIES = ("numpy", "pandas", "pyarrow", "torch")


@dataclass
class RunRecord:
    """Of one run."""

    arguments: list[str] = field(default_factory=list)
    command: str = ""
    run: Run = field(default_factory=Run)
    dry: bool = False  # nothing is to be written
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    facts: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    hint: Callable[[], str] = lambda: NO_FILE_WRITTEN


_record = RunRecord()


def start(arguments: list[str]) -> None:
    """Forget what was before."""
    global _record
    _record = RunRecord(arguments)


def configure(command: str, run: Run, dry: bool = False) -> None:
    """Which command it is, and what is to be written of it. Raises RequestError where that cannot be."""
    _record.command, _record.run, _record.dry = command, run, dry
    for name in ("report", "metrics_file"):
        if (target := getattr(run, name)) is None:
            continue
        try:
            atomic.check_writable(Path(target))
        except RequestError:  # is not said again as the run ends
            _record.run = run.model_copy(update={name: None})
            raise


def is_configured() -> bool:
    """Whether it is known what is to be written."""
    return bool(_record.command)


def check_destinations(read: Iterable[str | Path | None], written: Iterable[str | Path | None]) -> None:
    """Raise RequestError where a file would be written twice, or what is kept of the run over what is read."""
    run = _record.run
    own, sources, targets = (
        [Path(one).resolve() for one in given if one is not None and not is_standard_stream(one)]
        for given in ((run.report, run.metrics_file, run.lock), read, written)
    )
    every = [*own, *targets]
    twice = next((one for one in every if every.count(one) > 1), None)
    over = next((one for one in own if one in sources), None)
    if twice is not None or over is not None:  # nor is it to be written now
        _record.run = run.model_copy(update={"report": None, "metrics_file": None})
    if twice is not None:
        raise RequestError(f"{twice} would be written twice. Name another file for one of them")
    if over is not None:
        raise RequestError(f"cannot write {over}: it is what is read. Choose another file")


def add_facts(**facts: Any) -> None:
    """Something that is worth knowing about the run, by its name."""
    _record.facts |= facts


def set_interruption_hint(hint: Callable[[], str]) -> None:
    """What to tell of what is left behind, should the run be cut off."""
    _record.hint = hint


def interruption_hint() -> str:
    """What a run that is cut off leaves behind, in words."""
    return _record.hint()


def add_warning(text: str) -> None:
    """A warning was given."""
    _record.warnings.append(text)


def is_wanted() -> bool:
    """Whether anybody is to see it: some facts take time to find."""
    run = _record.run
    return not _record.dry and (run.report is not None or run.metrics_file is not None)


@contextmanager
def timed(part: str) -> Iterator[None]:
    """How long a part of the work takes, in all if it comes more than once."""
    began = time.monotonic()
    try:
        yield
    finally:
        _record.timings[part] = _record.timings.get(part, 0.0) + time.monotonic() - began


def timings() -> dict[str, float]:
    """Seconds of each part so far."""
    return dict(_record.timings)


def finish(code: int, problem: str | None) -> None:
    """Write what was asked for. Raises RequestError where that fails."""
    run, seconds = _record.run, time.monotonic() - _record.began
    if _record.dry:
        return
    try:
        if run.report is not None:
            content = json.dumps(_report(code, problem, seconds), indent=2, ensure_ascii=False, default=str)
            with atomic.atomic_writer(Path(run.report)) as stream:
                stream.write(content.encode() + b"\n")
    except RequestError as error:
        code = code or error.exit_code
        raise
    finally:
        if run.metrics_file is not None:
            from rnncli.cli import metrics_file

            figures = metrics_file.RunFigures(_record.command, code, seconds, len(_record.warnings), _record.facts)
            metrics_file.write(Path(run.metrics_file), figures)


def _report(code: int, problem: str | None, seconds: float) -> dict[str, Any]:
    loaded = {name: getattr(sys.modules[name], "__version__", "") for name in LIBRARIES if name in sys.modules}
    return {
        "rnncli": __version__,
        "libraries": {"python": platform.python_version()} | {name: str(version) for name, version in loaded.items()},
        "command": _record.command,
        "arguments": _record.arguments,
        "started": _record.started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "exit_code": code,
        "error": problem,
        "warnings": _record.warnings,
        "timings": {part: round(taken, 3) for part, taken in _record.timings.items()},
    } | _record.facts
