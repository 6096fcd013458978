"""What a person sees: notes, progress, tables, a plot. All on stderr but for tables that are results. Computes nothing.

rich is imported where it draws: a forecast in a pipe does without it.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from rnncli.training import Progress


def note(text: str) -> None:
    """One line for the person, beside the results."""
    print(text, file=sys.stderr, flush=True)


def notes(lines: Sequence[str]) -> None:
    """Several of them."""
    for line in lines:
        note(line)


def warn(text: str) -> None:
    """One line that should not be missed."""
    note(f"warning: {text}")


def fail(text: str) -> None:
    """The one line that says what went wrong."""
    note(f"error: {text}")


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> None:
    """A table on stdout: names to the left, numbers to the right."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left", box=box.SIMPLE_HEAD)
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number and _numeric(rows, number) else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    _console().print(table)


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
def progress() -> Iterator[Callable[["Progress"], None]]:
    """Show how far a training is: a bar on a terminal, a line a quarter elsewhere."""
    if not sys.stderr.isatty():
        yield _report_quarters()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("training"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("loss {task.fields[loss]:.4f}  validation {task.fields[validation]:.4f}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("training", total=None, loss=float("nan"), validation=float("nan"))
        yield lambda at: bar.update(task, completed=at.step, total=at.steps, loss=at.loss, validation=at.validation)


def _report_quarters() -> Callable[["Progress"], None]:
    said = 0

    def report(at: "Progress") -> None:
        nonlocal said
        quarter = 4 * at.step // at.steps
        if quarter > said:
            said = quarter
            note(f"step {at.step}/{at.steps}: loss {at.loss:.4f}, validation {at.validation:.4f}")

    return report


def plot(
    title: str, past: Sequence[float], median: Sequence[float], low: Sequence[float], high: Sequence[float]
) -> str:
    """A series and its forecast with an interval, drawn in characters: NaN leaves a gap. Twelve lines, 76 columns."""
    width, height = 64, 10
    lines = [
        _fit(values, length)
        for values, length in zip((past, low, median, high), _share(width, len(past), len(median)), strict=True)
    ]
    history, bottom, middle, top = lines
    known = [value for line in lines for value in line if value == value]
    least, most = min(known), max(known)
    span = (most - least) or 1.0

    def level(value: float) -> int:
        return round((value - least) / span * (height - 1))

    canvas = [[" "] * (len(history) + 1 + len(middle)) for _ in range(height)]
    for place, value in enumerate(history):
        if value == value:
            canvas[level(value)][place] = "•"
    for place, (under, value, over) in enumerate(zip(bottom, middle, top, strict=True), start=len(history) + 1):
        if value == value:
            for row in range(level(under), level(over) + 1):
                canvas[row][place] = "░"
            canvas[level(value)][place] = "●"
    for row in canvas:
        row[len(history)] = "│"
    labels = {height - 1: f"{most:.4g}", 0: f"{least:.4g}"}
    body = [f"{labels.get(row, ''):>9} {''.join(canvas[row]).rstrip()}" for row in reversed(range(height))]
    return "\n".join([f"{'':>9} {title}", *body])


def _share(width: int, past: int, ahead: int) -> tuple[int, int, int, int]:
    """Columns for the past and for each of the three lines ahead."""
    right = min(ahead, width // 2)
    return min(past, width - right), right, right, right


def _fit(values: Sequence[float], length: int) -> list[float]:
    """The values at `length` evenly spaced places."""
    if length < 2 or len(values) <= length:
        return list(values)[-length:] if length else []
    return [values[round(place * (len(values) - 1) / (length - 1))] for place in range(length)]


def cell(value: object) -> str:
    """A value as a table shows it: four digits that matter."""
    if value is None or value != value:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _numeric(rows: Sequence[Sequence[str]], column: int) -> bool:
    return all(row[column][:1].isdigit() or row[column][:1] in "-+" for row in rows)


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)
