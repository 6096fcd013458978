"""Record of a run: facts, warnings and times, for --report and --metrics-file, which are written when it ends.

One command runs in a process, so the record is global.
"""

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
from rnncli.config.fields import RunFields
from rnncli.errors import RequestError
from rnncli.files import atomic
from rnncli.files.paths import is_standard_stream

NO_FILE_WRITTEN = "No file was written"
LIBRARIES = ("numpy", "pandas", "pyarrow", "torch")


@dataclass
class RunRecord:
    """Record of a run."""

    arguments: list[str] = field(default_factory=list)
    command: str = ""
    report: str | None = None  # path of the report
    metrics_file: str | None = None
    lock: str | None = None
    dry_run: bool = False  # no report is written
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    facts: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    interruption_hint: Callable[[], str] = lambda: NO_FILE_WRITTEN


_record = RunRecord()


def start(arguments: list[str]) -> None:
    """Begin the record of a run."""
    global _record
    _record = RunRecord(arguments)


def configure(command: str, run: RunFields, dry_run: bool = False) -> None:
    """Set the command and the files to write. Raises RequestError if one of them cannot be written."""
    _record.command, _record.dry_run = command, dry_run
    _record.report, _record.metrics_file, _record.lock = run.report, run.metrics_file, run.lock
    for name in ("report", "metrics_file"):
        if (target := getattr(run, name)) is None:
            continue
        try:
            atomic.check_writable(Path(target))
        except RequestError:  # reported once, not again when the run ends
            setattr(_record, name, None)
            raise


def is_configured() -> bool:
    """Return whether `configure` was called."""
    return bool(_record.command)


def check_destinations(read: Iterable[str | Path | None], written: Iterable[str | Path | None]) -> None:
    """Raise RequestError if a file would be written twice, or a report would replace an input."""
    reports, sources, outputs = (
        [Path(path).resolve() for path in paths if path is not None and not is_standard_stream(path)]
        for paths in ((_record.report, _record.metrics_file, _record.lock), read, written)
    )
    targets = [*reports, *outputs]
    duplicate = next((path for path in targets if targets.count(path) > 1), None)
    replaced = next((path for path in reports if path in sources), None)
    if duplicate is not None or replaced is not None:  # the error must not be reported there either
        _record.report = _record.metrics_file = None
    if duplicate is not None:
        raise RequestError(f"{duplicate} would be written twice. Name another file for one of them")
    if replaced is not None:
        raise RequestError(f"cannot write {replaced}: it is an input. Choose another file")


def add_facts(**facts: Any) -> None:
    """Add named facts about the run."""
    _record.facts |= facts


def set_interruption_hint(hint: Callable[[], str]) -> None:
    """Set a function that returns what an interrupted run leaves behind."""
    _record.interruption_hint = hint


def interruption_hint() -> str:
    """Return what the interrupted run leaves behind."""
    return _record.interruption_hint()


def add_warning(text: str) -> None:
    """Add a warning."""
    _record.warnings.append(text)


def is_wanted() -> bool:
    """Return whether a report will be written: some facts take time to compute."""
    return not _record.dry_run and (_record.report is not None or _record.metrics_file is not None)


@contextmanager
def timed(part: str) -> Iterator[None]:
    """Add the time of the block to the total of a part of the work."""
    began = time.monotonic()
    try:
        yield
    finally:
        _record.timings[part] = _record.timings.get(part, 0.0) + time.monotonic() - began


def timings() -> dict[str, float]:
    """Return the seconds of each part so far."""
    return dict(_record.timings)


def finish(code: int, problem: str | None) -> None:
    """Write the report and the metrics file. Raises RequestError if one cannot be written."""
    seconds = time.monotonic() - _record.began
    if _record.dry_run:
        return
    try:
        if _record.report is not None:
            import json

            content = json.dumps(_report(code, problem, seconds), indent=2, ensure_ascii=False, default=str)
            with atomic.atomic_writer(Path(_record.report)) as stream:
                stream.write(content.encode() + b"\n")
    except RequestError as error:
        code = code or error.exit_code
        raise
    finally:
        if _record.metrics_file is not None:
            from rnncli.cli import metrics_file

            figures = metrics_file.RunFigures(_record.command, code, seconds, len(_record.warnings), _record.facts)
            metrics_file.write(Path(_record.metrics_file), figures)


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
