"""Options that are not on the command line, of which a command has up to a hundred. They are not validated."""

from typing import TYPE_CHECKING, Any

from typer.core import TyperOption

if TYPE_CHECKING:
    from typer._click import Context, Parameter


class Option(TyperOption):
    """An option that is validated if it has a value.

    typer builds a pydantic validator even for an option without a value: with the import of pydantic, half of the time
    of `rnncli forecast --help`, and 40 ms for the options of a command that runs.
    """

    def process_value(self, ctx: "Context", value: Any) -> Any:
        """Return the value, validated; None for an option that is absent."""
        if value is None and not self.required and not self.multiple and self.nargs == 1:
            return None if self.callback is None else self.callback(ctx, self, None)
        return super().process_value(ctx, value)


def unvalidated(parameters: "list[Parameter]") -> "list[Parameter]":
    """Return the parameters; absent options among them are not validated. typer cannot be told the class of options."""
    for parameter in parameters:
        if type(parameter) is TyperOption:
            parameter.__class__ = Option
    return parameters
