"""Sections of the config."""

import dataclasses

import pytest
from pydantic import ValidationError

from rnncli.config.metadata import NamesColumns, is_declared
from rnncli.config.sections import Columns


def test_the_type_of_a_field_tells_whether_it_names_columns() -> None:
    naming = {field.name for field in dataclasses.fields(Columns) if is_declared(field.type, NamesColumns)}

    assert naming == {"time", "id", "target", "known", "past", "static", "categorical", "weight"}


def test_columns_without_inputs_keep_time_series_and_target() -> None:
    columns = Columns(time="t", id="i", target=("y",), known=("a",), weight="w", holidays=("DE",), freq="h")

    assert columns.without_inputs() == Columns(time="t", id="i", target=("y",), freq="h")


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="each column once"):
        Columns(known=("a", "b", "a"))
