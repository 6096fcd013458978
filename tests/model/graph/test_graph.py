"""Graphs as bytes: what is read is what was written, and what cannot be computed is refused."""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from rnncli.files import checksummed
from rnncli.model.card_file import KEY
from rnncli.model.graph.evaluate import Program
from rnncli.model.graph.graph import MAX_DEPTH, decode
from rnncli.model.graph.operators import MAX_VALUES
from tests.conftest import Command
from tests.model.test_model import card_of

PLAIN: dict[str, Any] = {
    "inputs": ["step"],
    "weights": {},
    "nodes": [["add", [{"v": 0}, {"v": 0}], ["int64"]]],
    "outputs": [1, 1, 1],
    "levels": [0.1, 0.5, 0.9],
    "values_per_window": 3,
}
STEPS = {"step": np.arange(3)}


def stored(**changes: Any) -> bytes:
    return zlib.compress(json.dumps(PLAIN | changes).encode())


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 0


def node(*parts: Any) -> dict[str, Any]:
    return {"nodes": [list(parts)]}


def test_a_graph_is_read_as_it_was_written() -> None:
    graph = decode(stored())

    assert decode(graph.encode()) == graph
    assert [output.tolist() for output in Program(graph, {}).compute(STEPS)] == 3 * [[0, 2, 4]]


@pytest.mark.parametrize(
    "changes",
    [
        node("__import__", ["os"], ["int64"]),
        node("add", [{"v": 0}], ["int64"]),
        node("add", [{"v": 0}, {"v": 1}], ["int64"]),
        node("add", [{"v": -1}, {"v": 0}], ["int64"]),
        node("add", [{"v": 0.5}, {"v": 0}], ["int64"]),
        node("add", [{"v": 0}, {"v": 0}], ["object"]),
        node("add", [{"v": 0}, {"v": 0}], ["int64", "int64"]),
        node("add", [{"v": 0}, {"q": 0}], ["int64"]),
        node("add", [{"v": 0}, {"v": 0, "d": [0, 0, 0]}], ["int64"]),
        node("add", [{"v": 0}, {}], ["int64"]),
        node("add", [{"v": 0}, {"c": ["object", []]}], ["int64"]),
        node("add", [{"v": 0}, nested(MAX_DEPTH + 1)], ["int64"]),
        node("add", [{"v": 0}, nested(900)], ["int64"]),
        node("gru", [{"v": 0}, {"v": 0}, [], 1], ["int64"]),
        node("full", [[{"d": [1, 10**12, 0]}], 0], ["int64"]),
        {"inputs": ["secret"]},
        {"outputs": [1, 1]},
        {"outputs": [1, 1, 2]},
        {"levels": [0.9, 0.5]},
        {"levels": [0.1, 0.9]},
        {"values_per_window": 0},
        {"values_per_window": MAX_VALUES + 1},
        {"weights": {"a": ["x"]}},
        {"nodes": 3},
    ],
    ids=str,
)
def test_a_graph_that_cannot_be_computed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        decode(stored(**changes))


@pytest.mark.parametrize("content", [b"", b"noise", zlib.compress(b"[]"), zlib.compress(b"{"), stored()[:-4]])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        decode(content)


def test_a_graph_that_unpacks_to_more_than_a_graph_can_have_is_refused() -> None:
    with pytest.raises(ValueError, match="cut off or too large"):
        decode(zlib.compress(b" " * 30_000_000))


GROWING = [
    ["full", [[MAX_VALUES, 2], 0]],
    ["arange", [MAX_VALUES + 1]],
    ["repeat", [{"v": 0}, MAX_VALUES]],
    ["repeat_interleave", [{"v": 0}, MAX_VALUES]],
    ["pad", [{"v": 0}, [MAX_VALUES, MAX_VALUES], None]],
    ["broadcast", [{"v": 0}, [MAX_VALUES, 3]]],
    ["cat", [[{"c": ["bool", [True]]}] * 10, 3]],
    ["reshape", [{"v": 0}, [2, 2]]],
    ["index", [{"v": 0}, {"t": [[5]]}]],
    ["linear", [{"v": 0}, {"v": 0}]],
    ["gru", [{"v": 0}, {"v": 0}, [], 0]],
    ["lstm", [{"v": 0}, [{"v": 0}], [1, 2, 3, 4], 1]],
    ["add", [{"v": 0}, "text"]],
    ["gelu", ["text"]],
    ["sum", [{"v": 0}, 7]],
    ["embedding", [{"v": 0}, 5]],
]


@pytest.mark.parametrize("call", GROWING, ids=str)
def test_an_operator_that_takes_too_much_memory_or_does_not_fit_is_an_error(call: list[Any]) -> None:
    results = {"gru": 2, "lstm": 3}.get(call[0], 1)
    program = Program(decode(stored(**node(*call, results * ["float64"]))), {})

    with pytest.raises(ValueError):
        program.compute(STEPS)


def test_values_of_an_outer_sum_are_limited() -> None:
    grown = [
        ["reshape", [{"c": ["bool", [[False] * 20_000]]}, [20_000, 1]], ["bool"]],
        ["add", [{"v": 1}, {"c": ["bool", [[False] * 20_000]]}], ["bool"]],
    ]

    with pytest.raises(ValueError, match="too large"):
        Program(decode(stored(nodes=grown)), {}).compute(STEPS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (node("open", ["/etc/passwd"], ["int64"]), "unknown operator"),
        ({"values_per_window": -1}, "too much memory"),
        ({}, "do not fit the graph"),
    ],
)
def test_a_model_file_with_another_graph_is_refused(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    arrays = load(model.read_bytes())
    (name,) = (name for name in arrays if name.startswith("graph."))
    arrays[name] = np.frombuffer(stored(**changes), np.uint8)
    text = checksummed.with_placeholder(json.dumps(card_of(model)))
    (tmp_path / "m.rnn").write_bytes(checksummed.with_checksum(save(arrays, {KEY: text})))

    outcome = rnncli("forecast", tmp_path / "m.rnn", data)

    assert (outcome.code, outcome.out) == (4, "")
    assert message in outcome.err
