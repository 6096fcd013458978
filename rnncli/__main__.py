"""The process: signals, streams, and how it ends. `rnncli` and `python -m rnncli` start here."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave at once: shutting torch down in order would take half a second."""
    try:
        from rnncli import cli

        signal.signal(signal.SIGTERM, cli.terminate)
        if sys.stdout is None:  # closed by who started us: what nobody reads goes nowhere
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        code = cli.run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line was there to take it
        code = 130
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, AttributeError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
