"""What a shell is told to complete: kinds of a choice, columns of the table that stands on the line.

Runs at every press of a key: nothing heavy is imported, nothing is read but a table's head, and nothing is an error.
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import typer

from rnncli.files import paths
from rnncli.tables.formats import FORMATS

TABLES = ["data", "file"]  # what the argument with a table is called

Completion = Callable[[typer.Context, str], list[str]]


def prepare() -> None:
    """Keep a help text in the one line that zsh and fish take it for: rich would break it at the terminal's width."""
    if "_RNNCLI_COMPLETE" in os.environ:
        os.environ["COLUMNS"] = "10000"


def among(known: Iterable[object], several: bool = False) -> Completion:
    """These words; several: one behind the other, with commas."""
    words = [str(one) for one in known]

    def complete(call: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001 - as typer calls it
        return _behind(words, incomplete) if several else _beginning(words, incomplete)

    return complete


formats = among(FORMATS)


def columns(several: bool, besides: Sequence[str] = ()) -> Completion:
    """The columns of the table on the line, and some words besides."""

    def complete(call: typer.Context, incomplete: str) -> list[str]:
        words = [*besides, *_columns(call)]
        return _behind(words, incomplete) if several else _beginning(words, incomplete)

    return complete


def metrics(call: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001 - as typer calls it
    """The names of the metrics, behind one another."""
    from rnncli.evaluation.metrics import METRICS

    return _behind(list(METRICS), incomplete)


def _columns(call: typer.Context) -> list[str]:
    source = _table(call)
    if source is None or paths.is_standard_stream(source) or paths.is_url(source):
        return []
    from rnncli.tables import header

    try:
        return header.column_names(Path(source))
    except Exception:  # whatever the file turns out to be, somebody is typing
        return []


def _table(call: typer.Context) -> str | None:
    """DATA, if it stands there already; behind an option without its value typer leaves arguments where they are."""
    waiting = list(call.args)
    arguments = [one.name for one in call.command.params if one.param_type_name == "argument" and one.name]
    given = {name: call.params.get(name) or (waiting.pop(0) if waiting else None) for name in arguments}
    names = [*TABLES, "model"] if call.params.get("compare") else TABLES  # with --compare DATA stands in its place
    return next((str(given[name]) for name in names if given.get(name)), None)


def _beginning(words: Sequence[str], incomplete: str) -> list[str]:
    return [_typed(word) for word in words if word.startswith(incomplete)]


def _behind(words: Sequence[str], incomplete: str) -> list[str]:
    """Words for the last place of a list with commas, without those that stand in it already."""
    before, comma, last = incomplete.rpartition(",")
    taken = before.split(",")
    return [_typed(before + comma + word) for word in words if word.startswith(last) and word not in taken]


def _typed(word: str) -> str:
    """A word as it is typed: bash takes it as it is, other shells quote it themselves."""
    if os.environ.get("_RNNCLI_COMPLETE") != "complete_bash":
        return word
    return re.sub(r"([^\w./,:=+@%-])", r"\\\1", word)
