"""One command-line option for each field of a command's config sections."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import typer

from rnncli.cli import completion, help_text, run_control
from rnncli.cli.settings import Settings, environment_variable, flag, literals, read_config_file
from rnncli.config.fields import SECTIONS
from rnncli.config.help_texts import help_texts
from rnncli.config.metadata import Common, DefaultText, Metavar, NamesColumns, ShortFlag, declared, is_declared


class Option(NamedTuple):
    """A field with the panel of the help that shows it."""

    section: str
    name: str
    type: Any
    default: Any
    panel: str


NO_LIMITS: Mapping[str, tuple[str, ...]] = {}


def configured(
    *sections: str,
    without: tuple[str, ...] = (),
    advanced: tuple[str, ...] = (),
    only: Mapping[str, tuple[str, ...]] = NO_LIMITS,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each field of these sections and of Run, merged in its parameter `settings`.

    without: fields that have no option here; advanced: sections of which the short help shows no field. only: the
    fields of a section that have an option here, if not all have.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        options = [
            option
            for section in (*sections, "run")
            for option in _options(section, common=section not in advanced)
            if option.name not in without and option.name in only.get(option.section, (option.name,))
        ]
        parameters = [*inspect.signature(command).parameters.values()]
        parameters = [parameter.replace(kind=KEYWORD) for parameter in parameters if parameter.name != "settings"]
        all_parameters = [CALL, *parameters, *map(_parameter, options), CONFIG_FILE, SHORT_HELP]

        @functools.wraps(command)
        def wrapped(call: typer.Context, config_file: Path | None, short_help: bool, **values: Any) -> None:
            del short_help  # its callback has dealt with it
            set_options: dict[str, dict[str, Any]] = {}
            for option in options:
                if (value := values.pop(option.name)) is not None:
                    set_options.setdefault(option.section, {})[option.name] = value
            environment = _from_environment(call, set_options)
            settings = Settings(set_options, read_config_file(config_file), config_file, environment)
            run = settings.config().run
            if values.get("show_config"):  # showing the settings needs no lock
                run = type(run)(quiet=run.quiet, log_format=run.log_format)
            with run_control.controlled(command.__name__, run, dry_run=bool(values.get("dry_run"))):
                command(**values, settings=settings)

        wrapped.__signature__ = inspect.Signature(all_parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in all_parameters}
        return wrapped

    return decorate


KEYWORD = inspect.Parameter.KEYWORD_ONLY
CALL = inspect.Parameter("call", KEYWORD, annotation=typer.Context)
CONFIG_FILE = inspect.Parameter(
    "config_file",
    KEYWORD,
    default=None,
    annotation=Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            envvar=environment_variable("config"),
            show_envvar=False,
            help="TOML file with options, in the sections that --help gives in brackets.",
            show_default=False,
        ),
    ],
)
SHORT_HELP = inspect.Parameter(
    "short_help",
    KEYWORD,
    default=False,
    annotation=Annotated[
        bool,
        typer.Option("-h", callback=help_text.show_common, is_eager=True, help="Show the common options and exit."),
    ],
)


def _options(section: str, common: bool) -> list[Option]:
    """Return the fields of a section, each with the panel of its topic or, if it is common, the first panel."""
    kind, panel, options = SECTIONS[section], "", []
    for field in dataclasses.fields(kind):
        panel = f"{kind.topics[field.name]} [{section}]" if field.name in kind.topics else panel
        shown = help_text.COMMON_PANEL if common and is_declared(field.type, Common) else panel
        options.append(Option(section, field.name, field.type, field.default, shown))
    return options


def _from_environment(call: typer.Context, options: dict[str, dict[str, Any]]) -> frozenset[str]:
    names = (name for values in options.values() for name in values)
    sources = {name: call.get_parameter_source(name) for name in names}
    return frozenset(name for name, source in sources.items() if source is not None and source.name == "ENVIRONMENT")


def _parameter(option: Option) -> inspect.Parameter:
    """Return the command-line option of a field. The field itself checks the text, as for every other source."""
    name, switch = option.name, bool in _plain_types(option.type)
    flags = [f"--{flag(name)}/--no-{flag(name)}"] if switch else [f"--{flag(name)}"]
    parameter = typer.Option(
        *flags,
        *(short.text for short in declared(option.type, ShortFlag)),
        metavar=None if switch else _metavar(option.type),
        help=f"{help_texts().get(name, '')} {_default(option)}".strip(),
        envvar=environment_variable(name),
        show_envvar=False,
        show_default=False,
        autocompletion=_completion(option.type),
        rich_help_panel=option.panel,
    )
    annotation = Annotated[bool | None, parameter] if switch else Annotated[str | None, parameter]
    return inspect.Parameter(name, KEYWORD, default=None, annotation=annotation)


def _completion(annotation: Any) -> completion.Completion | None:
    if choices := literals(annotation):
        return completion.choices(choices)
    return completion.columns(tuple in _plain_types(annotation)) if is_declared(annotation, NamesColumns) else None


def _metavar(annotation: Any) -> str:
    if choices := literals(annotation):
        return "|".join(str(choice) for choice in choices)
    if named := next(declared(annotation, Metavar), None):
        return named.text
    types = _plain_types(annotation)
    if tuple in types:
        return "NAME,..." if str in types else "X,..."
    names = {int: "N", float: "X"}
    return next((names[part] for part in types if part in names), "NAME")


def _plain_types(annotation: Any) -> list[Any]:
    """Return the plain types that a field's annotation is made of."""
    if annotation in (NoneType, Ellipsis):
        return []
    inner = [part for argument in get_args(annotation) for part in _plain_types(argument)]
    origin = get_origin(annotation)
    return inner + ([tuple] if origin is tuple else [annotation] if isinstance(annotation, type) else [])


def _default(option: Option) -> str:
    if texts := list(declared(option.type, DefaultText)):
        return f"[default: {texts[0].text}]"
    match option.default:
        case None | ():
            return ""
        case bool(value):
            return "[default: on]" if value else ""
        case float(value):
            return f"[default: {value:g}]"
        case tuple(values):
            return f"[default: {','.join(f'{value:g}' for value in values)}]"
    return f"[default: {option.default}]"
