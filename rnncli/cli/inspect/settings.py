"""`inspect --show-config`: every setting, and its source: default, file, environment or command line."""

import json
import os
from typing import Any, NamedTuple

from rnncli.cli import console
from rnncli.cli.settings import ENVIRONMENT_PREFIX, Settings, environment_variable, field_names, flag_for
from rnncli.config.fields import SECTIONS
from rnncli.messages import did_you_mean


class Setting(NamedTuple):
    """The value of a config field."""

    section: str
    name: str
    value: Any
    source: str  # default, file, environment or command line
    where: str | None  # the file, environment variable or option


def show(settings: Settings, as_json: bool) -> None:
    """Print all settings. Raises RequestError if a value is not allowed, whichever command has the option."""
    found = all_settings(settings)
    _warn_of_unknown_variables()
    if as_json:
        print(json.dumps([setting._asdict() for setting in found], indent=2, ensure_ascii=False))
        return
    rows = [[row.section, row.name, _as_option(row.value), row.where or row.source] for row in found]
    console.show_table(["section", "name", "value", "from"], rows)


def all_settings(settings: Settings) -> list[Setting]:
    """Return the settings of all sections, including options that inspect does not have."""
    everywhere = _with_environment(settings)
    config = everywhere.config()
    return [
        Setting(section, name, getattr(getattr(config, section), name), *_source(everywhere, section, name))
        for section in SECTIONS
        for name in field_names(section)
    ]


def _with_environment(settings: Settings) -> Settings:
    """Add the environment variables of options that inspect does not have."""
    options, added = dict(settings.options), set[str]()
    for section in SECTIONS:
        given = options.get(section, {})
        others = {name for name in field_names(section) if _is_set(name) and name not in given}
        options[section] = given | {name: os.environ[environment_variable(name)] for name in others}
        added |= others
    return settings._replace(options=options, environment=settings.environment | added)


def _is_set(name: str) -> bool:
    return bool(os.environ.get(environment_variable(name)))  # an empty variable counts as unset


def _source(settings: Settings, section: str, name: str) -> tuple[str, str | None]:
    if name in settings.environment:
        return "environment", environment_variable(name)
    if name in settings.options.get(section, {}):
        return "command line", flag_for(name, settings.options[section][name])
    if name in settings.file.get(section, {}):
        return "file", str(settings.path)
    return "default", None


def _warn_of_unknown_variables() -> None:
    """Warn of RNNCLI_ variables that are not options."""
    known = [environment_variable(name) for section in SECTIONS for name in field_names(section)]
    known.append(environment_variable("config"))
    for name in sorted(os.environ):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known:
            console.warn(f"{name} is set in the environment, but there is no such option.{did_you_mean(name, known)}")


def _as_option(value: Any) -> str:
    """Return a value as written on the command line."""
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return ",".join(_as_option(part) for part in value) or "-"
    return str(value)
