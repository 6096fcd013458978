"""Entry point of `rnncli` and `python -m rnncli`: signals, streams and the exit of the process."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit at once: an orderly shutdown of torch would take half a second."""
    try:
        from rnncli.cli import app

        signal.signal(signal.SIGTERM, app.terminate)
        if sys.stdout is None:  # closed by the parent process: discard the output
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        code = app.run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line could handle it
        code = 130
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, AttributeError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
