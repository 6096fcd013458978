"""The command line: the only package that uses typer and rich. Errors become exit codes here."""

from rnncli.cli.app import run, terminate

__all__ = ["run", "terminate"]
