"""Output formats of results, and words for the files that a dry run would write."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console
from rnncli.errors import RequestError
from rnncli.files.paths import is_standard_stream
from rnncli.messages import did_you_mean
from rnncli.tables import formats

if TYPE_CHECKING:
    from rnncli.config.sections import Run

OUTPUT_FORMATS = ("auto", "table", *formats.FORMATS)


def output_format(requested: str | None) -> str:
    """Return the format for standard output: by default a table on a terminal, CSV elsewhere.

    Raises RequestError if the format is unknown, or binary and standard output is a terminal.
    """
    name = requested or "auto"
    if name not in OUTPUT_FORMATS:
        known = ", ".join(OUTPUT_FORMATS)
        raise RequestError(f'--format "{name}" must be one of {known}.{did_you_mean(name, OUTPUT_FORMATS)}')
    if formats.is_binary(name) and sys.stdout.isatty():
        raise RequestError(f"--format {name}: a terminal cannot show binary data. Redirect the output with | or >")
    if name == "auto":
        return "table" if sys.stdout.isatty() else "csv"
    return name


def target_words(path: Path | str) -> str:
    """Return the name of an output, and whether it replaces a file."""
    if is_standard_stream(path):
        return "standard output"
    return f"{path} (replaces the existing file)" if Path(path).is_file() else f"{path} (new file)"


def conclude_dry_run(run: "Run") -> None:
    """Report which files about the run itself would be written."""
    for name, path in (("the report", run.report), ("the metrics", run.metrics_file)):
        if path is not None:
            console.note(f"would write: {name} to {target_words(path)}")
    console.note("dry run: no file was written")
