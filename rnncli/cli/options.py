"""One command-line option for each field of Config, and the merging of options, environment, file and defaults."""

import functools
import inspect
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from rnncli.cli import completion, run_control
from rnncli.config.metadata import DefaultText, NamesColumns, declared, is_declared
from rnncli.config.sections import Config, Run, Section
from rnncli.errors import RequestError
from rnncli.files import paths
from rnncli.messages import did_you_mean

SHORT = {"horizon": "-H", "quiet": "-q", "verbose": "-v"}
ENVIRONMENT_PREFIX = "RNNCLI_"  # of an option's name in the environment


class Settings(NamedTuple):
    """What was said on the command line or in the environment, and in the file: section -> field -> value."""

    options: dict[str, dict[str, Any]]
    file: dict[str, Any]
    path: Path | None
    environment: frozenset[str]  # the names of those options that stand there, and not on the command line

    def applied_to(self, base: Config) -> Config:
        """The config with what was asked in place of what it has. Raises RequestError where a value is not allowed."""
        merged = base.model_dump()
        for source in (self.file, self.options):
            for section, values in source.items():
                if isinstance(values, dict) and isinstance(merged.get(section), dict):
                    merged[section] |= values
                else:
                    merged[section] = values
        try:
            return Config.model_validate(merged)
        except ValidationError as error:
            raise RequestError(self._complaint(error)) from error

    def given_options(self, *sections: str) -> dict[str, bool]:
        """The options of these sections that stand on the command line and not in the environment alone."""
        return {
            flag_for(name, value): True
            for section in sections
            for name, value in self.options.get(section, {}).items()
            if name not in self.environment
        }

    def is_set(self, section: str, name: str) -> bool:
        """Whether a field was said anywhere: it is no default, and not from the card of a model."""
        return any(name in source.get(section, {}) for source in (self.options, self.file))

    def _complaint(self, error: ValidationError) -> str:
        problem = error.errors()[0]
        section, *rest = (str(part) for part in problem["loc"])
        name = rest[0] if rest else ""
        if name in self.options.get(section, {}):
            given = self.options[section][name]
            where = environment_variable(name) if name in self.environment else f"--{flag(name)}"
        else:
            where, given = (
                f"{self.path}: {name} in [{section}]" if name else f"{self.path}: {section}",
                problem["input"],
            )
        if problem["type"] == "extra_forbidden":
            known = list(section_class(section).model_fields) if name else list(Config.model_fields)
            return f"{where}: there is no such key.{did_you_mean(name or section, known)} Known are {', '.join(known)}"
        if problem["type"] == "literal_error":
            known = [str(value) for value in _literals(section_class(section).model_fields[name].annotation)]
            return f'{where} "{given}" is none of {", ".join(known)}.{did_you_mean(str(given), known)}'
        if problem["type"] == "model_type":
            return f"{self.path}: {section} should be a table: write its keys below a line [{section}]"
        message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        return f'{where} "{given}" {message}'


def configured(*sections: str, without: tuple[str, ...] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each field of these sections; it gets what was said as its parameter `asked`.

    How it is run, every command can be told.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        every = [
            (section, name, field)
            for section in (*sections, "run")
            for name, field in section_class(section).model_fields.items()
        ]
        fields = [field for field in every if field[1] not in without]
        own = [one for one in inspect.signature(command).parameters.values() if one.name != "settings"]
        extra = [_parameter(name, field) for _, name, field in fields]
        file = inspect.Parameter("config_file", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=CONFIG_FILE)

        @functools.wraps(command)
        def wrapped(call: typer.Context, config_file: Path | None = None, **given: Any) -> None:
            options: dict[str, dict[str, Any]] = {}
            for section, name, _ in fields:
                if (value := given.pop(name)) is not None:
                    options.setdefault(section, {})[name] = value
            settings = Settings(options, read_config_file(config_file), config_file, _from_environment(call, options))
            run = settings.applied_to(Config()).run
            if given.get("show_config"):  # nobody waits for a lock to see which one it is
                run = Run(quiet=run.quiet, log_format=run.log_format)
            with run_control.controlled(command.__name__, run, dry=bool(given.get("dry_run"))):
                command(**given, settings=settings)

        own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        every_parameter = [CALL, *own, *extra, file]
        wrapped.__signature__ = inspect.Signature(every_parameter)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {one.name: one.annotation for one in every_parameter}
        return wrapped

    return decorate


CONFIG_FILE = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", envvar="RNNCLI_CONFIG", help="A TOML file of these options.", show_default=False
    ),
]


CALL = inspect.Parameter("call", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)


def _from_environment(call: typer.Context, options: dict[str, dict[str, Any]]) -> frozenset[str]:
    names = (name for said in options.values() for name in said)
    sources = {name: call.get_parameter_source(name) for name in names}
    return frozenset(name for name, source in sources.items() if source is not None and source.name == "ENVIRONMENT")


def section_class(name: str) -> type[Section]:
    """The class of a section of Config."""
    section = Config.model_fields[name].annotation
    assert isinstance(section, type) and issubclass(section, Section)
    return section


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    """The command-line option of a field. Its text is checked by the field itself, in one place for all sources."""
    switch = bool in (field.annotation, *get_args(field.annotation))
    flags = [f"--{flag(name)}/--no-{flag(name)}"] if switch else [f"--{flag(name)}"]
    option = typer.Option(
        *flags,
        *([SHORT[name]] if name in SHORT else []),
        metavar=None if switch else _metavar(field),
        help=f"{field.description} {_default(field)}".strip(),
        envvar=environment_variable(name),
        show_envvar=False,
        show_default=False,
        autocompletion=_completion(field),
    )
    annotation = Annotated[bool | None, option] if switch else Annotated[str | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _completion(field: FieldInfo) -> completion.Completion | None:
    if known := _literals(field.annotation):
        return completion.among(known)
    return completion.columns(tuple in _parts(field.annotation)) if is_declared(field, NamesColumns) else None


def environment_variable(name: str) -> str:
    """A field's name in the environment."""
    return f"{ENVIRONMENT_PREFIX}{name.upper()}"


def flag_for(name: str, value: Any) -> str:
    """The option that gives a field this value."""
    return f"--{'no-' if value is False else ''}{flag(name)}"


def flag(name: str) -> str:
    """A field's name on the command line."""
    return name.replace("_", "-")


def _metavar(field: FieldInfo) -> str:
    annotation = field.annotation
    if known := _literals(annotation):
        return "|".join(str(value) for value in known)
    plain = _parts(annotation)
    if tuple in plain:
        return "NAME,..." if str in plain else "X,..."
    names = {int: "N", float: "X"}
    return next((names[part] for part in plain if part in names), "NAME")


def _parts(annotation: Any) -> list[Any]:
    """The plain types that a field's annotation is made of."""
    if annotation in (NoneType, Ellipsis):
        return []
    inner = [part for argument in get_args(annotation) for part in _parts(argument)]
    origin = get_origin(annotation)
    return inner + ([tuple] if origin is tuple else [annotation] if isinstance(annotation, type) else [])


def _literals(annotation: Any) -> tuple[Any, ...]:
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is Literal:
            return get_args(part)
    return ()


def _default(field: FieldInfo) -> str:
    if field.default is None or field.default == ():
        return next((f"[default: {default.text}]" for default in declared(field, DefaultText)), "")
    if isinstance(field.default, tuple):
        return f"[default: {','.join(f'{value:g}' for value in field.default)}]"
    return f"[default: {str(field.default).lower()}]"


def read_config_file(path: Path | None) -> dict[str, Any]:
    """What a --config file says. Raises RequestError where it cannot be read."""
    if path is None:
        return {}
    if paths.is_url(str(path)):
        raise RequestError(f"--config {paths.restore_url(path)}: only tables are read from a URL. Name a file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RequestError(f"--config {path}: there is no such file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RequestError(f"--config {path}: it cannot be read as TOML ({error})") from error
