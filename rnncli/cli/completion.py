"""Shell completion: the choices of an option, and the columns of the table on the command line.

Runs at each press of Tab: imports nothing heavy, reads only the head of a table, and never fails.
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import typer

from rnncli.evaluation.metrics import METRICS
from rnncli.files import paths
from rnncli.tables.formats import FORMATS

TABLES = ["data", "file"]  # names of the argument for a table
PATHS = "paths"  # name of the arguments [MODEL] DATA

Completion = Callable[[typer.Context, str], list[str]]


def keep_help_on_one_line() -> None:
    """Stop rich from wrapping help texts at the terminal's width: zsh and fish expect one line per option."""
    if "_RNNCLI_COMPLETE" in os.environ:
        os.environ["COLUMNS"] = "10000"


def choices(known: Iterable[object], multiple: bool = False) -> Completion:
    """Return a completion by these words; multiple: several of them, separated by commas."""
    words = [str(word) for word in known]

    def complete(call: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001 - as typer calls it
        return _last_of_list(words, incomplete) if multiple else _matching(words, incomplete)

    return complete


table_formats = choices(FORMATS)
metrics = choices(METRICS, multiple=True)


def columns(multiple: bool, besides: Sequence[str] = ()) -> Completion:
    """Return a completion by these words and the columns of the table on the command line."""

    def complete(call: typer.Context, incomplete: str) -> list[str]:
        words = [*besides, *_columns(call)]
        return _last_of_list(words, incomplete) if multiple else _matching(words, incomplete)

    return complete


def _columns(call: typer.Context) -> list[str]:
    source = _table(call)
    if source is None or paths.is_standard_stream(source) or paths.is_url(source):
        return []
    from rnncli.tables import header

    try:
        return header.column_names(Path(source))
    except Exception:  # an unreadable file must not disturb typing
        return []


def _table(call: typer.Context) -> str | None:
    """Return the DATA argument if it is typed already.

    After an option without its value typer leaves the arguments in `args`.
    """
    unparsed = list(call.args)
    arguments = [one.name for one in call.command.params if one.param_type_name == "argument" and one.name]
    if PATHS in arguments:
        typed = list(call.params.get(PATHS) or unparsed)
        return str(typed[-1]) if typed else None
    values = {name: call.params.get(name) or (unparsed.pop(0) if unparsed else None) for name in arguments}
    return next((str(values[name]) for name in TABLES if values.get(name)), None)


def _matching(words: Sequence[str], incomplete: str) -> list[str]:
    return [_quoted(word) for word in words if word.startswith(incomplete)]


def _last_of_list(words: Sequence[str], incomplete: str) -> list[str]:
    """Return completions of the last word of a list with commas, without the words before it."""
    before, comma, last = incomplete.rpartition(",")
    used = before.split(",")
    return [_quoted(before + comma + word) for word in words if word.startswith(last) and word not in used]


def _quoted(word: str) -> str:
    """Return a word quoted for bash; other shells quote it themselves."""
    if os.environ.get("_RNNCLI_COMPLETE") != "complete_bash":
        return word
    return re.sub(r"([^\w./,:=+@%-])", r"\\\1", word)
