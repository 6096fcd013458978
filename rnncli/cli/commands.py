"""The commands: their list, and the one that is run, whose options alone are built."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import typer.main
from typer.core import TyperCommand, TyperGroup

from rnncli.cli import absent_options, help_text

if TYPE_CHECKING:
    from typer._click import Command, Context, Parameter


class CommandEntry(NamedTuple):
    """A command, as the list of commands and the end of its help show it."""

    summary: str  # the first sentence of its help, which a test compares
    example: str


COMMANDS = {
    "train": CommandEntry(
        "Train networks on a table and write one model file.",
        "rnncli train power.csv --horizon 24 --output power.rnn",
    ),
    "forecast": CommandEntry(
        "Forecast the steps that follow each series, with intervals.",
        "rnncli forecast power.rnn power.csv; without training: rnncli forecast power.csv --horizon 24",
    ),
    "evaluate": CommandEntry(
        "Score a model on held-out windows, compared with baselines.",
        "rnncli evaluate power.rnn power.csv --windows 7",
    ),
    "inspect": CommandEntry("Describe a table, a model or a state file.", "rnncli inspect power.csv"),
}


class CommandGroup(TyperGroup):
    """Lists the commands by their summaries, and loads the one that is asked for."""

    def __init__(self, **attributes: Any) -> None:
        listed = [TyperCommand(name=name, help=entry.summary) for name, entry in COMMANDS.items()]
        super().__init__(**attributes | {"commands": listed})

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return the options, of which only those with a value are validated."""
        return absent_options.unvalidated(super().get_params(ctx))

    def resolve_command(self, ctx: "Context", args: list[str]) -> "tuple[str | None, Command | None, list[str]]":
        """Return the name of the command, the command with its options, and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else command, rest


def load(name: str) -> "Command":
    """Import a command and build its options."""
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(
        name,
        cls=help_text.Command,
        epilog=f"Example: {COMMANDS[name].example}",
        context_settings={"help_option_names": ["--help"]},  # -h is the short help
    )(getattr(import_module(f"rnncli.cli.{name}.command"), name))
    return typer.main.get_command(single)
