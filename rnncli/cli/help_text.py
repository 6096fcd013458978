"""Help texts: options in panels, `--help` with all of them and `-h` with the common ones. Plain text, without rich.

Drawing frames with rich would double the start-up time of `rnncli --help`.
"""

from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand, TyperOption

from rnncli.cli import absent_options

if TYPE_CHECKING:
    from typer._click import Command as AnyCommand
    from typer._click import Context, HelpFormatter, Parameter

COMMON_PANEL = "Common options"


class Command(TyperCommand):
    """A command whose help groups its options; those of its own signature, without a panel, are common."""

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return the arguments and options, of which only options with a value are validated."""
        return absent_options.unvalidated(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:
        """Return the parts of the usage; an argument that is written [MODEL] DATA needs no further brackets."""
        pieces = super().collect_usage_pieces(ctx)
        return [piece.removeprefix("{").removesuffix("}...") if " " in piece else piece for piece in pieces]

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write arguments and all options."""
        _write(self, ctx, formatter, only_common=False)


def show_common(ctx: typer.Context, wanted: bool) -> None:
    """Print usage, summary, common options and example, and exit, if wanted."""
    if not wanted:
        return
    command, formatter = ctx.command, ctx.make_formatter()
    command.format_usage(ctx, formatter)
    summary = (command.help or "").partition("\n")[0]
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(summary)
    _write(command, ctx, formatter, only_common=True)
    command.format_epilog(ctx, formatter)
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(f"All options: {ctx.command_path} --help")
    print(formatter.getvalue().rstrip("\n"))
    raise typer.Exit


def _write(command: "AnyCommand", ctx: "Context", formatter: "HelpFormatter", only_common: bool) -> None:
    arguments: list[tuple[str, str]] = []
    panels: dict[str, list[tuple[str, str]]] = {COMMON_PANEL: []}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        if parameter.name == "help":
            record = record[0], "Show all options and exit."
        if isinstance(parameter, TyperOption):
            panels.setdefault(parameter.rich_help_panel or COMMON_PANEL, []).append(record)
        else:
            label, text = record
            arguments.append((label.partition(" <")[0], text))  # without the type, always str
    if arguments:
        with formatter.section("Arguments"):
            formatter.write_dl(arguments)
    for title, records in panels.items():
        if title == COMMON_PANEL or not only_common:
            with formatter.section(title):
                formatter.write_dl(records)
