"""The command line: the only place that knows typer and rich. Errors become exit codes here."""

import errno
import os
import sys
from types import FrameType

import typer

from rnncli import __version__
from rnncli.cli import evaluate, forecast, inspect, screen, train
from rnncli.errors import RequestError, RnncliError

INTERRUPTED, TERMINATED = 130, 143
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

app = typer.Typer(
    help="Forecast sequences with recurrent networks.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
app.command("train")(train.train)
app.command("forecast")(forecast.forecast)
app.command("evaluate")(evaluate.evaluate)
app.command("inspect")(inspect.inspect)


class Terminated(BaseException):
    """SIGTERM arrived. No Exception, so that nothing takes it for a failure to recover from."""


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
    """The exit code of the command line with these arguments. A bug stays an exception."""
    # Torch's threads spin while they wait for one another: where another program has the core, a step of 40 ms took
    # 1150. A thousand turns, then sleep: 30 ms on idle cores, 90 on busy ones. Has to be said before torch is imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        code = app(arguments or ["--help"], prog_name="rnncli", standalone_mode=False) or 0
        if sys.stdout is not None:
            sys.stdout.flush()
    except RnncliError as error:
        screen.fail(str(error))
        return error.exit_code
    except typer.TyperException as error:
        screen.fail(f"{error.format_message()} See rnncli --help")
        return error.exit_code
    except Terminated:
        screen.fail("terminated. No file was written")
        return TERMINATED
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        if error.errno not in FULL:
            raise
        screen.fail(f"cannot write to standard output: {error.strerror}")
        return RequestError.exit_code
    except SystemExit as error:  # what typer makes of a broken pipe
        if isinstance(error.__context__, BrokenPipeError):
            return _reader_left()
        raise
    if code == INTERRUPTED:  # what typer makes of Ctrl-C
        screen.fail("interrupted. No file was written")
    return int(code)


def _reader_left() -> int:
    """`| head` has seen enough: that is no failure, and nothing more is to be flushed there."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def terminate(_signal: int, _frame: FrameType | None) -> None:
    """What SIGTERM does."""
    raise Terminated
