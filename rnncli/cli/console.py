"""What a person sees: notes, progress, tables. All on stderr but for tables that are results. Computes nothing.

rich is imported where it draws: a forecast in a pipe does without it.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rnncli.cli import run_report
from rnncli.config.sections import Run

if TYPE_CHECKING:
    from rich.console import Console

    from rnncli.training.trials import TrainingStatus

FILE_WIDTH = 500
T = TypeVar("T")


_run = Run()


def configure(run: Run) -> None:
    """Speak as the run was asked to."""
    global _run
    _run = run


def note(text: str) -> None:
    """One line for the person, beside the results."""
    if not _run.quiet:
        _say(text, "info")


def _say(text: str, level: str) -> None:
    if sys.stderr is None:  # a daemon may have closed it
        return
    if _run.log_format == "json":
        at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        line = json.dumps({"time": at, "level": level, "message": text}, ensure_ascii=False)
    else:  # what a table has in it may hold several lines, or signs that a terminal takes for orders
        plain = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
        line = plain if level == "info" else f"{level}: {plain}"
    print(line, file=sys.stderr, flush=True)


def _draws() -> bool:
    """Whether somebody is looking at stderr."""
    return sys.stderr is not None and sys.stderr.isatty() and not _run.quiet and _run.log_format == "text"


@contextmanager
def timed(part: str) -> Iterator[None]:
    """How long a part of the work takes: for the record, and for those who want to hear of it."""
    with run_report.timed(part):
        yield
    if _run.verbose:
        note(f"time: {part} {run_report.timings()[part]:.2f} s")


def notes(lines: Sequence[str]) -> None:
    """Several of them."""
    for line in lines:
        note(line)


def warn(text: str) -> None:
    """One line that should not be missed."""
    run_report.add_warning(text)
    _say(text, "warning")


def error(text: str) -> None:
    """The one line that says what went wrong."""
    _say(text, "error")


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]], title: str = "", caption: str = "") -> None:
    """A table on stdout: names to the left, numbers to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for number, name in enumerate(header):
        right = number > 0 and _numeric(rows, number)
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = _console()
    if title:
        console.print(f"\n{title}", style="bold underline", markup=False)
    console.print(table)
    if caption:
        console.print(f"({caption})", markup=False)


def show_pairs(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Names and what they are, on stdout."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value)
    console = _console()
    console.print(f"\n{title}", style="bold underline", markup=False)
    console.print(grid)


@contextmanager
def progress() -> Iterator[Callable[["TrainingStatus"], None]]:
    """Show how far a training is: a bar on a terminal, elsewhere a line for each network done."""
    if not _draws():
        yield _report_done()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("training", total=1.0, loss="")

        def report(at: "TrainingStatus") -> None:
            if at.phase not in PHASES:
                bar.stop()
                warn(INTERRUPTED)
                return
            loss = f"loss {at.at.loss:.4f}  validation {format_value(at.at.validation)}" if at.at else ""
            doing = f"{PHASES[at.phase]} {min(at.done + 1, at.of)}/{at.of}"
            bar.update(task, completed=at.share, loss=loss, description=doing)

        yield report


def track(parts: Iterator[T], title: str, total: int, size: Callable[[T], int]) -> Iterator[T]:
    """The same parts; on a terminal a bar shows how many of the total they have come to."""
    if not _draws():
        yield from parts
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        for part in parts:
            bar.advance(task, size(part))
            yield part


INTERRUPTED = "interrupted: what is done by now is kept"
PHASES = {"trial": "trying designs", "refit": "training on all rows"}


def _report_done() -> Callable[["TrainingStatus"], None]:
    said = ("", 0)

    def report(at: "TrainingStatus") -> None:
        nonlocal said
        if at.phase not in PHASES:
            warn(INTERRUPTED)
            return
        if at.done and (at.phase, at.done) != said:
            said = at.phase, at.done
            note(f"{PHASES[at.phase]}: {at.done}/{at.of} networks, {at.elapsed:.0f} s")

    return report


def format_value(value: object) -> str:
    """A value as a table shows it: four digits that matter, and whole numbers as such up to ten million."""
    if value is None or value != value:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"


def _numeric(rows: Sequence[Sequence[str]], column: int) -> bool:
    return all(row[column][:1].isdigit() or row[column][:1] in "-+" for row in rows)


def _console() -> "Console":
    from rich.console import Console

    # Data is no markup; and what goes into a file or a pipe is not cut to a screen's width.
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else FILE_WIDTH)
