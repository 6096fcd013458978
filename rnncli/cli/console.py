"""Notes, warnings and progress on stderr; tables of results on stdout.

rich is imported only to draw: a forecast in a pipe does without it.
"""

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rnncli.cli import run_report
from rnncli.config.fields import RunFields

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from rnncli.training.trials import TrainingStatus

FILE_WIDTH = 500  # columns of a table in a file or a pipe
EARLY_ENDS = {
    "interrupted": "interrupted: finished work is kept",
    "time is up": "training stopped by --budget after {done} of {of} steps",
}
PHASES = {"trial": "comparing architectures", "refit": "training on all rows"}
LEAST_ELAPSED = 3.0  # seconds, before the time left can be told
LAST_SHARE = 0.999  # of the work, from which on nothing is left

T = TypeVar("T")

_run = RunFields()  # one command runs in a process, so its output options are global


def configure(run: RunFields) -> None:
    """Set the log format and verbosity of this run."""
    global _run
    _run = run


def note(text: str) -> None:
    """Write a line to stderr, unless --quiet is set."""
    if not _run.quiet:
        _log(text, "info")


def _log(text: str, level: str) -> None:
    if sys.stderr is None:  # closed by a daemon
        return
    if _run.log_format == "json":
        import json

        at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        line = json.dumps({"time": at, "level": level, "message": text}, ensure_ascii=False)
    else:  # text from a table may contain line breaks or terminal control characters
        plain = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
        line = plain if level == "info" else f"{level}: {plain}"
        line = _wrapped(line) if sys.stderr.isatty() else line
    print(line, file=sys.stderr, flush=True)


def _wrapped(line: str) -> str:
    """Return a line broken between words at the width of the terminal, with further lines indented."""
    indent = len(line) - len(line.lstrip()) + 2
    width = shutil.get_terminal_size().columns
    parts = textwrap.wrap(
        line, max(width, 40), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(parts)


def _shows_progress() -> bool:
    """Return whether stderr is a terminal that may show a progress bar."""
    return sys.stderr is not None and sys.stderr.isatty() and not _run.quiet and _run.log_format == "text"


@contextmanager
def timed(part: str) -> Iterator[None]:
    """Measure the time of the block for the run report; with --verbose also report it."""
    with run_report.timed(part):
        yield
    if _run.verbose:
        note(f"time: {part} {run_report.timings()[part]:.2f} s")


def notes(lines: Sequence[str]) -> None:
    """Write several lines to stderr, unless --quiet is set."""
    for line in lines:
        note(line)


def warn(text: str) -> None:
    """Write a warning to stderr, and add it to the run report."""
    run_report.add_warning(text)
    _log(text, "warning")


def error(text: str) -> None:
    """Write an error to stderr."""
    _log(text, "error")


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]], title: str = "", caption: str = "") -> None:
    """Print a table, with numbers right-aligned. If it is too wide, break names and text, but no number."""
    from rich import box
    from rich.table import Table

    console = _console()
    if _width(list(zip(header, *rows, strict=True))) > console.width:
        header = [name.replace("-", "-\n") for name in header]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    unbroken = []
    for number, name in enumerate(header):
        right = number > 0 and _numeric(rows, number)
        table.add_column(name, justify="right" if right else "left", no_wrap=right, overflow="fold")
        unbroken.append([*name.split(), *(row[number] for row in rows if right)])
    for row in rows:
        table.add_row(*row)
    if title:
        console.print(f"\n{title}", style="bold underline", markup=False)
    console.width = max(console.width, _width(unbroken))
    _print(console, table)
    if caption:
        console.print(f"({caption})", markup=False)


def _width(columns: Sequence[Sequence[str]]) -> int:
    """Return the width of a table whose columns are as wide as their longest cell, with two spaces between them."""
    from rich.cells import cell_len

    return sum(max((cell_len(cell) for cell in column), default=0) for column in columns) + 2 * (len(columns) - 1)


def show_pairs(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Print names with their values."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value)
    console = _console()
    console.print(f"\n{title}", style="bold underline", markup=False)
    _print(console, grid)


@contextmanager
def progress() -> Iterator[Callable[["TrainingStatus"], None]]:
    """Yield a function that reports the status of a training.

    On a terminal it draws a progress bar; otherwise it writes a line for each finished network.
    """
    if not _shows_progress():
        yield _line_reporter()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("training", total=1.0, loss="", left="")

        def report(status: "TrainingStatus") -> None:
            if status.phase in EARLY_ENDS:
                bar.stop()
                warn(EARLY_ENDS[status.phase].format(done=status.done, of=status.of))
                return
            network = status.network
            loss = f"loss {network.loss:.4f}  validation {format_value(network.validation)}" if network else ""
            phase = f"{PHASES[status.phase]} {min(status.done + 1, status.of)}/{status.of}"
            bar.update(task, completed=status.share, loss=loss, description=phase, left=_left_words(status))

        yield report


def track(parts: Iterator[T], title: str, total: int, size: Callable[[T], int]) -> Iterator[T]:
    """Yield the parts; on a terminal, show a progress bar of their sizes as a share of the total."""
    if not _shows_progress():
        yield from parts
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        for part in parts:
            bar.advance(task, size(part))
            yield part


def _line_reporter() -> Callable[["TrainingStatus"], None]:
    reported = ("", 0)

    def report(status: "TrainingStatus") -> None:
        nonlocal reported
        if status.phase in EARLY_ENDS:
            warn(EARLY_ENDS[status.phase].format(done=status.done, of=status.of))
            return
        if status.done and (status.phase, status.done) != reported:
            reported = status.phase, status.done
            left = _left_words(status)
            done = f"{PHASES[status.phase]}: {status.done}/{status.of} networks, {status.elapsed:.0f} s"
            note(f"{done}, {left}" if left else done)

    return report


def _left_words(status: "TrainingStatus") -> str:
    """Return about how much time is left, by the share of the work that is done."""
    if status.elapsed < LEAST_ELAPSED or not 0 < status.share < LAST_SHARE:
        return ""
    seconds = status.elapsed * (1 - status.share) / status.share
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"


def format_value(value: object) -> str:
    """Return a value for a table: four significant digits, or all digits of the integer part up to ten million."""
    if value is None or value != value:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"


def _print(console: "Console", table: "Table") -> None:
    """Print a table without spaces at the ends of lines."""
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().split("\n")), end="")


def _numeric(rows: Sequence[Sequence[str]], column: int) -> bool:
    return all(row[column][:1].isdigit() or row[column][:1] in "-+" for row in rows)


def _console() -> "Console":
    from rich.console import Console

    # Data may look like markup; a file or a pipe gets lines that are not cut to the width of a screen.
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else FILE_WIDTH)
