"""A command line that could not be understood: where its report was to go all the same, and how errors are told.

What watches a nightly job reads the report; that it was started with a wrong option has to stand there, too.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rnncli import files
from rnncli.cli import record, screen
from rnncli.cli.options import configuration, flag, variable
from rnncli.config import Run
from rnncli.errors import RequestError

TOLD = ("log_format", "report", "metrics_file", "lock")  # fields of Run: how and where it is told, and what else is its
NOTHING = ("--dry-run", "--show-config")  # is written with them


def make_out(arguments: Sequence[str], commands: Sequence[str]) -> None:
    """Tell of the run as was asked for, as far as that can be made out; what cannot be was not asked for."""
    given = _in_file(arguments) | _in_environment() | _on_line(arguments, TOLD)
    report, metrics_file = (_free(name, given, arguments) for name in ("report", "metrics_file"))
    run = Run(
        report=report, metrics_file=metrics_file, log_format="json" if given.get("log_format") == "json" else "text"
    )
    screen.behave(run)
    command = next((one for one in arguments if one in commands), "")
    record.asked(command, run, dry=any(one in arguments for one in NOTHING))


def _on_line(arguments: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """What stands behind these options, as in `--report FILE` and `--report=FILE`."""
    options = {f"--{flag(name)}": name for name in names}
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    said = ((text.partition("="), behind) for text, behind in pairs)
    return {
        options[option]: value if equals else behind for (option, equals, value), behind in said if option in options
    }


def _in_environment() -> dict[str, str]:
    return {name: value for name in TOLD if (value := os.environ.get(variable(name)))}


def _in_file(arguments: Sequence[str]) -> dict[str, str]:
    path = _on_line(arguments, ("config",)).get("config") or os.environ.get(variable("config"))
    with suppress(RequestError):  # the file may be what is wrong
        run = configuration(Path(path) if path else None).get("run")
        return {name: run[name] for name in TOLD if isinstance(run.get(name), str)} if isinstance(run, dict) else {}
    return {}


def _free(name: str, given: Mapping[str, str], arguments: Sequence[str]) -> str | None:
    """The file that was given, where it can be written and is given for nothing else: that might be what is read."""
    if name not in given:
        return None
    words = [word for text in arguments for word in (text, text.partition("=")[2])]
    words += [value for other, value in given.items() if other != name]
    with suppress(RequestError, OSError, ValueError):
        path = Path(given[name])
        files.check_writable(path)
        times = sum(Path(word).resolve() == path.resolve() for word in words)
        return None if times > (name in _on_line(arguments, (name,))) else given[name]
    return None
