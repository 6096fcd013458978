"""Settings of one run, merged from command line, environment, config file and defaults. Knows nothing of typer."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from rnncli.config.fields import SECTIONS
from rnncli.errors import RequestError
from rnncli.files import paths
from rnncli.messages import did_you_mean

if TYPE_CHECKING:
    from pydantic import ValidationError

    from rnncli.config.sections import Config

ENVIRONMENT_PREFIX = "RNNCLI_"


class Settings(NamedTuple):
    """Values set by the command line or environment, and those of the config file: section -> field -> value."""

    options: dict[str, dict[str, Any]]
    file: dict[str, Any]
    path: Path | None
    environment: frozenset[str]  # names of the options that are set in the environment alone

    def config(self, base: "Config | None" = None, *sections: str) -> "Config":
        """Return the config: these settings, before those in some sections of a base, before the defaults.

        Raises RequestError for a value that is not allowed.
        """
        from pydantic import ValidationError

        from rnncli.config.sections import Config

        # Sections without values are empty: for a missing one, pydantic would compile the model a second time.
        merged: dict[str, Any] = {section: {} for section in SECTIONS}
        merged |= {section: getattr(base, section).model_dump() for section in sections}
        for source in (self.file, self.options):
            for section, values in source.items():
                if isinstance(values, dict) and isinstance(merged.get(section), dict):
                    merged[section] = merged[section] | values
                else:
                    merged[section] = values
        try:
            return Config.model_validate(merged)
        except ValidationError as error:
            raise RequestError(self._problem(error)) from error

    def given_options(self, *sections: str) -> dict[str, bool]:
        """Return the options of these sections that are on the command line, not in the environment alone."""
        return {
            flag_for(name, value): True
            for section in sections
            for name, value in self.options.get(section, {}).items()
            if name not in self.environment
        }

    def is_set(self, section: str, name: str) -> bool:
        """Return whether a field is set in any of the sources, not just by a default or a model's card."""
        return any(name in source.get(section, {}) for source in (self.options, self.file))

    def _problem(self, error: "ValidationError") -> str:
        problem = error.errors()[0]
        section, *rest = (str(part) for part in problem["loc"])
        name = rest[0] if rest else ""
        where, value = self._origin(section, name), problem["input"]
        if name in self.options.get(section, {}):
            value = self.options[section][name]
        if problem["type"] == "extra_forbidden":
            known = field_names(section) if name else list(SECTIONS)
            return f"{where}: unknown key.{did_you_mean(name or section, known)} Known keys: {', '.join(known)}"
        if problem["type"] == "literal_error":
            known = [str(choice) for choice in literals(type_of(section, name))]
            return f'{where} "{value}" must be one of {", ".join(known)}.{did_you_mean(str(value), known)}'
        if problem["type"] == "model_type":
            return f"{self.path}: {section} must be a table. Write its keys below a line [{section}]"
        message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        return f'{where} "{value}" {message.replace("should", "must", 1)}'

    def _origin(self, section: str, name: str) -> str:
        """Return where a value was set."""
        if name in self.options.get(section, {}):
            return environment_variable(name) if name in self.environment else f"--{flag(name)}"
        return f"{self.path}: {name} in [{section}]" if name else f"{self.path}: {section}"


def field_names(section: str) -> list[str]:
    """Return the fields of a section."""
    return [field.name for field in fields(SECTIONS[section])]


def type_of(section: str, name: str) -> Any:
    """Return the type of a field, with its metadata."""
    return next(field.type for field in fields(SECTIONS[section]) if field.name == name)


def environment_variable(name: str) -> str:
    """Return the environment variable of a field."""
    return f"{ENVIRONMENT_PREFIX}{name.upper()}"


def flag_for(name: str, value: Any) -> str:
    """Return the option that gives a field this value."""
    return f"--{'no-' if value is False else ''}{flag(name)}"


def flag(name: str) -> str:
    """Return the name of a field's option, without the dashes in front."""
    return name.replace("_", "-")


def literals(annotation: Any) -> tuple[Any, ...]:
    """Return the choices of a field's type; none if it is no Literal."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next(filter(None, map(literals, get_args(annotation))), ())


def read_config_file(path: Path | None) -> dict[str, Any]:
    """Return the content of a --config file. Raises RequestError if it cannot be read."""
    if path is None:
        return {}
    if paths.is_url(str(path)):
        raise RequestError(f"--config {paths.restore_url(path)}: only tables can be read from a URL. Name a local file")
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RequestError(f"--config {path}: file not found. Check the path") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RequestError(f"--config {path}: cannot be read as TOML ({error})") from error
