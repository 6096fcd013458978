"""The declarations of the options, the models made of them, and the constraints on their values."""

import ast
import dataclasses
import inspect
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rnncli.config import fields, help_texts
from rnncli.config.architecture import Architecture
from rnncli.config.fields import SECTIONS
from rnncli.config.sections import Config


def test_each_section_of_the_config_has_the_fields_declared_for_it() -> None:
    assert list(SECTIONS) == list(Config.model_fields)
    for name, kind in SECTIONS.items():
        section = getattr(Config(), name)
        assert issubclass(type(section), kind)
        assert dict(section) == {field.name: field.default for field in dataclasses.fields(kind)}


def test_an_instance_of_the_declaration_has_the_defaults_of_the_section() -> None:
    assert fields.RunFields().log_format == Config().run.log_format
    assert fields.TrainingFields().batch == Config().training.batch


def test_the_help_of_a_field_is_the_string_below_it() -> None:
    texts = {}
    for kind in ast.parse(Path(fields.__file__).read_text()).body:
        if isinstance(kind, ast.ClassDef):
            for field, below in zip(kind.body, kind.body[1:], strict=False):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                        texts[name] = text

    assert help_texts.help_texts() == texts
    assert texts.keys() == {field.name for kind in SECTIONS.values() for field in dataclasses.fields(kind)}


def test_without_the_source_there_is_no_help_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_module: object) -> str:
        raise OSError("source code not available")

    monkeypatch.setattr(inspect, "getsource", fail)
    help_texts.help_texts.cache_clear()
    try:
        assert help_texts.help_texts() == {}
    finally:
        help_texts.help_texts.cache_clear()


def test_an_architecture_has_no_default_for_what_must_be_chosen() -> None:
    with pytest.raises(ValidationError) as caught:
        Architecture.model_validate({})

    assert {problem["type"] for problem in caught.value.errors()} == {"missing"}
    assert {problem["loc"][0] for problem in caught.value.errors()} == {
        *("horizon", "context", "segment", "season", "base", "scale", "since", "calendar", "layers", "hidden"),
        "decoder",
    }


@pytest.mark.parametrize(
    ("section", "name", "value", "message"),
    [
        ("network", "layers", 0, "Input should be greater than or equal to 1"),
        ("network", "layers", 65, "Input should be less than or equal to 64"),
        ("network", "dropout", 1, "Input should be less than 1"),
        ("network", "radius", 0, "Input should be greater than 0"),
        ("network", "horizon", "0", "Value error, must be at least 1"),
        ("training", "teacher_forcing", 1.5, "Input should be less than or equal to 1"),
        ("training", "budget", "0s", "Input should be greater than or equal to 1"),
        ("training", "budget", "soon", "Value error, must be a time such as 60s, 5m or 1h"),
        ("compute", "memory", "0KB", "Input should be greater than or equal to 1"),
        ("columns", "known", "a,b,a", "Value error, must name each column once"),
        ("columns", "resample", "1h", "Value error, must be a frequency and one of"),
        ("forecast", "level", "80,x", "Input should be a valid number"),
    ],
)
def test_a_value_outside_its_limits_is_refused(section: str, name: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({section: {name: value}})

    (problem,) = caught.value.errors()
    assert problem["loc"][:2] == (section, name)
    assert problem["msg"].startswith(message)


@pytest.mark.parametrize(
    ("section", "name", "text", "value"),
    [
        ("network", "horizon", "24", 24),
        ("network", "horizon", " 7d ", "7d"),
        ("training", "budget", "5m", 300.0),
        ("compute", "memory", "2GiB", 2**31),
        ("columns", "known", "a, b", ("a", "b")),
        ("forecast", "level", "80,95", (80.0, 95.0)),
    ],
)
def test_text_is_parsed(section: str, name: str, text: str, value: Any) -> None:
    assert getattr(getattr(Config.model_validate({section: {name: text}}), section), name) == value


def test_of_many_wrong_items_one_is_reported() -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"forecast": {"level": [0, 100, 200]}})

    assert [problem["loc"] for problem in caught.value.errors()] == [("forecast", "level", 0)]
