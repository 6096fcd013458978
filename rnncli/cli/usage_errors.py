"""Where the report of an unparsable command line goes, and the form of its errors. Knows nothing of other options.

A monitor of nightly jobs reads the report, so a wrong option must appear in it, too.
"""

import argparse
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from rnncli.cli import console, run_report
from rnncli.cli.options import environment_variable, flag, read_config_file
from rnncli.config.sections import Run
from rnncli.errors import RequestError
from rnncli.files import atomic

TOLD = ("log_format", "report", "metrics_file", "lock")  # fields of Run
NOTHING = ("--dry-run", "--show-config")  # is written with them


def make_out(arguments: Sequence[str], commands: Sequence[str]) -> None:
    """Report the run as the arguments, the environment or the config file ask, as far as they can be read."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in (*TOLD, "config"):
        parser.add_argument(f"--{flag(name)}", nargs="?", default=os.environ.get(environment_variable(name)))
    known, others = parser.parse_known_args(arguments)
    given = _in_file(known.config) | {name: value for name, value in vars(known).items() if value}
    targets = dict[str, str]()
    for name in given.keys() & {"report", "metrics_file"}:
        rest = [*others, *(word.partition("=")[2] for word in others), *(given[one] for one in given if one != name)]
        if _free(given[name], rest):
            targets[name] = given[name]
    form = "json" if given.get("log_format") == "json" else "text"
    run = Run.model_validate({"log_format": form} | targets)
    console.configure(run)
    command = next((one for one in arguments if one in commands), "")
    run_report.configure(command, run, dry=any(one in arguments for one in NOTHING))


def _in_file(path: str | None) -> dict[str, str]:
    with suppress(RequestError):  # the file may be what is wrong
        run = read_config_file(Path(path) if path else None).get("run")
        return {name: run[name] for name in TOLD if isinstance(run.get(name), str)} if isinstance(run, dict) else {}
    return {}


def _free(target: str, words: Iterable[str]) -> bool:
    """Whether a file can be written there, and no other word names it: that file might be an input."""
    with suppress(RequestError, OSError, ValueError):
        atomic.check_writable(Path(target))
        return Path(target).resolve() not in [Path(word).resolve() for word in words]
    return False
