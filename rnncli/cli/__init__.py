"""The command line: the only package that uses typer and rich. Errors become exit codes here."""
