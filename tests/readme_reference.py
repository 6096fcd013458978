"""The option reference of README.md, generated from the command line: `python -m tests.readme_reference --write`."""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import typer.main

from rnncli.cli.app import app

README = Path(__file__).parent.parent / "README.md"
HEADING = "## Option reference\n"
GENERAL = "Files and actions"  # of options without a panel


class Row(NamedTuple):
    """An option as a row of a table."""

    panel: str
    spelling: str
    help: str


def reference() -> str:
    """Return the tables: one for each panel of the help, with each option once and the commands that have it."""
    commands_of: dict[Row, list[str]] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.hidden:
                commands_of.setdefault(_row(parameter), []).append(name)
    all_commands = list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    lines = [
        "",
        "Generated from the commands by `python -m tests.readme_reference --write`. `--a/--no-a` is a switch.",
    ]
    for panel in dict.fromkeys(row.panel for row in commands_of):
        lines += ["", f"### {panel}", "", "| option | meaning | commands |", "|---|---|---|"]
        for row, commands in commands_of.items():
            if row.panel == panel:
                where = "all" if commands == all_commands else ", ".join(commands)
                lines.append(f"| `{_escaped(row.spelling)}` | {_escaped(row.help)} | {where} |")
    return "\n".join(lines) + "\n"


def _row(parameter: object) -> Row:
    options = [*getattr(parameter, "opts", ()), *getattr(parameter, "secondary_opts", ())]
    names = sorted(options, key=lambda option: (option.startswith("--"), option.startswith("--no-")))
    metavar = getattr(parameter, "metavar", None)
    spelling = ("/" if getattr(parameter, "is_flag", False) else ", ").join(names) + (f" {metavar}" if metavar else "")
    panel = getattr(parameter, "rich_help_panel", None) or GENERAL
    return Row(panel, spelling, " ".join(str(getattr(parameter, "help", None) or "").split()))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def updated(readme: str) -> str:
    """Return the README with the reference of today's options behind its heading, which is the last one."""
    before, heading, _ = readme.partition(HEADING)
    assert heading, f"README.md has no {HEADING.strip()!r}"
    return before + heading + reference()


def main() -> int:
    """Write the reference with --write, else return 1 if it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update README.md")
    text = README.read_text()
    if parser.parse_args().write:
        README.write_text(updated(text))
        return 0
    return int(updated(text) != text)


if __name__ == "__main__":
    sys.exit(main())
