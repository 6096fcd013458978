"""The typer application: run a command, and turn errors into exit codes and messages."""

import errno
import os
import sys
from types import FrameType

import typer

from rnncli import __version__
from rnncli.cli import completion, console, run_report, usage_errors
from rnncli.cli.commands import COMMANDS, CommandGroup
from rnncli.config.fields import RunFields
from rnncli.errors import RequestError, RnncliError

INTERRUPTED, TERMINATED = 130, 143
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

app = typer.Typer(
    cls=CommandGroup,
    help="Forecast time series with recurrent neural networks.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


class Terminated(BaseException):
    """SIGTERM was received. Derived from BaseException so that no `except Exception` swallows it."""


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"rnncli {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code. Bugs propagate as exceptions."""
    completion.keep_help_on_one_line()
    run_report.start(arguments)
    console.configure(RunFields())
    try:
        code, problem = _outcome(arguments)
    except BaseException as error:
        run_report.finish(1, repr(error))
        raise
    if problem is not None:
        if not run_report.is_configured():
            usage_errors.configure_reporting(arguments, COMMANDS)
        console.error(problem)
    try:
        run_report.finish(code, problem)
    except RnncliError as error:
        console.error(str(error))
        code = code or error.exit_code
    return code


def _outcome(arguments: list[str]) -> tuple[int, str | None]:
    """Return the exit code, and the error message if there is one."""
    # OpenMP threads of torch spin while they wait for each other: if another program used the core, a step of 40 ms
    # took 1150 ms. After 1000 spins they sleep: 30 ms on idle cores, 90 ms on busy ones.
    # These must be set before torch and NumPy are imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # A second thread of NumPy's small products gains nothing, and on a busy machine costs ten times the time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # Arrow's own pools keep memory: 16 MB of a small run
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # a search through every installed package: 10 ms
    try:
        usage_errors.forbid_horizon_as_help(arguments)
        code = app(arguments or ["--help"], prog_name="rnncli", standalone_mode=False) or 0
        if sys.stdout is not None:
            sys.stdout.flush()
    except RnncliError as error:
        return error.exit_code, str(error)
    except typer.TyperException as error:
        call = getattr(error, "ctx", None)
        command = "rnncli" if call is None else call.command_path
        return error.exit_code, f"{usage_errors.message(error, call)} See {command} --help"
    except Terminated:
        return TERMINATED, f"terminated. {run_report.interruption_hint()}"
    except BrokenPipeError:
        return _pipe_closed()
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        return RequestError.exit_code, f"cannot write to standard output: {error.strerror}"
    except SystemExit as error:  # typer turns a broken pipe into it
        if isinstance(error.__context__, BrokenPipeError):
            return _pipe_closed()
        raise
    if code == INTERRUPTED:  # typer turns Ctrl-C into it
        return INTERRUPTED, f"interrupted. {run_report.interruption_hint()}"
    return int(code), None


def _pipe_closed() -> tuple[int, None]:
    """Return success: a reader such as `| head` may stop early. Redirect stdout, so that a later flush cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0, None


def terminate(_signal: int, _frame: FrameType | None) -> None:
    """Handle SIGTERM."""
    raise Terminated
