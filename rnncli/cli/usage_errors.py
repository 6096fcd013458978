"""Messages for a command line that cannot be parsed, and its run report.

A monitor of scheduled runs reads the report, so it must contain a mistyped option, too. That is why the arguments are
parsed here a second time, for the few options that say where to write it.
"""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import typer

from rnncli.cli import console, run_report
from rnncli.cli.settings import environment_variable, flag, read_config_file
from rnncli.errors import RequestError
from rnncli.files import atomic

REPORTING = ("log_format", "report", "metrics_file", "lock")  # fields of Run
DRY = ("--dry-run", "--show-config")


def forbid_horizon_as_help(arguments: Sequence[str]) -> None:
    """Raise RequestError if -h, which shows help, is followed by a horizon: that is -H."""
    for word, following in pairwise([*arguments, ""]):
        if re.match(r"-h.", word) or (word == "-h" and re.fullmatch(r"\d+[A-Za-z]*", following)):
            found = word[2:] or following
            raise RequestError(f'-h shows help and takes no value (found "{found}"). Did you mean -H or --horizon?')


def message(error: typer.TyperException, context: typer.Context | None) -> str:
    """Return what is wrong, as sentences, with the closest match of a mistyped option."""
    name = getattr(getattr(error, "param", None), "name", None)
    source = context.get_parameter_source(name) if context is not None and name is not None else None
    if name is not None and source is not None and source.name == "ENVIRONMENT":  # typer names the option instead
        variable = environment_variable(name)
        return f'{variable} "{os.environ[variable]}" must be true or false.'
    text = error.format_message()
    if matches := getattr(error, "possibilities", None):
        text = f"{getattr(error, 'message', text)}. Did you mean {matches[0]}?"
    return text if text.endswith(("?", ".")) else f"{text}."


def configure_reporting(arguments: Sequence[str], commands: Collection[str]) -> None:
    """Configure messages and report as arguments, environment or config file set them, as far as they can be read."""
    from argparse import ArgumentParser  # only a command line that cannot be parsed needs these

    from rnncli.config.sections import Run

    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    for name in (*REPORTING, "config"):
        parser.add_argument(f"--{flag(name)}", nargs="?", default=os.environ.get(environment_variable(name)))
    known, others = parser.parse_known_args(arguments)
    values = _from_file(known.config) | {name: value for name, value in vars(known).items() if value}
    targets = dict[str, str]()
    for name in values.keys() & {"report", "metrics_file"}:
        other_values = [values[other] for other in values if other != name]
        if _is_free(values[name], [*others, *(word.partition("=")[2] for word in others), *other_values]):
            targets[name] = values[name]
    log_format = "json" if values.get("log_format") == "json" else "text"
    run = Run.model_validate({"log_format": log_format} | targets)
    console.configure(run)
    command = next((word for word in arguments if word in commands), "")
    run_report.configure(command, run, dry_run=any(word in arguments for word in DRY))


def _from_file(path: str | None) -> dict[str, str]:
    with suppress(RequestError):  # the file may be what is wrong
        run = read_config_file(Path(path) if path else None).get("run")
        return (
            {name: run[name] for name in REPORTING if isinstance(run.get(name), str)} if isinstance(run, dict) else {}
        )
    return {}


def _is_free(target: str, words: Iterable[str]) -> bool:
    """Return whether the file is writable and no other word names it: such a word might be an input."""
    with suppress(RequestError, OSError, ValueError):
        atomic.check_writable(Path(target))
        return Path(target).resolve() not in [Path(word).resolve() for word in words]
    return False
