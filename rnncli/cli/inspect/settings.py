"""inspect --show-config: every choice, and who made it: the default, the file, the environment or the command line."""

import json
import os
from typing import Any, NamedTuple

from rnncli.cli import console
from rnncli.cli.options import ENVIRONMENT_PREFIX, Settings, environment_variable, flag_for, section_class
from rnncli.config.sections import Config
from rnncli.messages import did_you_mean


class Setting(NamedTuple):
    """A choice."""

    section: str
    name: str
    value: Any
    source: str  # default, file, environment or command line
    where: str | None  # the file, the variable, the option


def show(settings: Settings, as_json: bool) -> None:
    """All of them on stdout. Raises RequestError where a value is not allowed, whichever command it is for."""
    found = all_settings(settings)
    _tell_unknown()
    if as_json:
        print(json.dumps([one._asdict() for one in found], indent=2, ensure_ascii=False))
        return
    rows = [[one.section, one.name, _written(one.value), one.where or one.source] for one in found]
    console.show_table(["section", "name", "value", "from"], rows)


def all_settings(settings: Settings) -> list[Setting]:
    """The choices of every section, also those that only other commands have an option for."""
    everywhere = _with_environment(settings)
    config = everywhere.applied_to(Config())
    return [
        Setting(section, name, getattr(getattr(config, section), name), *_source(everywhere, section, name))
        for section in Config.model_fields
        for name in section_class(section).model_fields
    ]


def _with_environment(settings: Settings) -> Settings:
    """What was asked, with what the environment says to other commands."""
    options, silent = dict(settings.options), set[str]()
    for section in Config.model_fields:
        own = options.get(section, {})
        others = {name for name in section_class(section).model_fields if _is_set(name) and name not in own}
        options[section] = own | {name: os.environ[environment_variable(name)] for name in others}
        silent |= others
    return settings._replace(options=options, environment=settings.environment | silent)


def _is_set(name: str) -> bool:
    return bool(os.environ.get(environment_variable(name)))  # an empty one says nothing, as on the command line


def _source(settings: Settings, section: str, name: str) -> tuple[str, str | None]:
    if name in settings.environment:
        return "environment", environment_variable(name)
    if name in settings.options.get(section, {}):
        return "command line", flag_for(name, settings.options[section][name])
    if name in settings.file.get(section, {}):
        return "file", str(settings.path)
    return "default", None


def _tell_unknown() -> None:
    """Warn of variables that look like ours and are not."""
    known = [
        environment_variable(name) for section in Config.model_fields for name in section_class(section).model_fields
    ]
    known.append(environment_variable("config"))
    for name in sorted(os.environ):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known:
            console.warn(f"{name} is set in the environment, and there is no such option.{did_you_mean(name, known)}")


def _written(value: Any) -> str:
    """A value as the command line takes it."""
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return ",".join(_written(one) for one in value) or "-"
    return str(value)
