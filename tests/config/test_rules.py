"""Options whose requirements are not met are refused, with the requirement in the message."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest

from rnncli.config import rules
from rnncli.config.fields import NetworkFields
from rnncli.config.metadata import requires_cell
from rnncli.config.sections import NetworkOptions, Training
from rnncli.errors import RequestError
from tests.conftest import Command

REFUSED: list[tuple[dict[str, object], dict[str, object], str]] = [
    ({"activation": "relu"}, {}, "--activation relu requires --cell rnn"),
    ({"bidirectional": True, "cell": "tcn"}, {}, "--bidirectional requires --cell rnn, lstm or gru"),
    ({"residual": True, "cell": "transformer"}, {}, "--residual requires --cell rnn, lstm or gru"),
    ({"convolution": 3, "cell": "esn"}, {}, "--convolution 3 requires --cell rnn, lstm or gru"),
    ({"zoneout": 0.1, "cell": "tcn"}, {}, "--zoneout 0.1 requires --cell rnn, lstm or gru"),
    ({"initialisation": "xavier", "cell": "tcn"}, {}, "--initialisation xavier requires --cell rnn, lstm or gru"),
    ({"remember": 48, "cell": "rnn"}, {}, "--remember 48 requires --cell lstm or gru"),
    ({"initialisation": "identity"}, {}, "--initialisation identity requires --cell rnn"),
    ({"variational": True, "cell": "tcn"}, {}, "--variational requires --cell rnn, lstm or gru"),
    ({"variational": True}, {}, "--variational requires --input-dropout"),
    ({"normalise": "layer", "cell": "tcn"}, {}, "--normalise layer requires --cell rnn, lstm or gru"),
    ({"radius": 0.8}, {}, "--radius 0.8 requires --cell esn"),
    ({"leak": 0.8}, {}, "--leak 0.8 requires --cell esn"),
    ({"density": 0.8}, {}, "--density 0.8 requires --cell esn"),
    ({"input_scale": 0.8}, {}, "--input-scale 0.8 requires --cell esn"),
    ({"cell": "esn", "layers": 2}, {}, "--layers 2 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn", "dropout": 0.2}, {}, "--dropout 0.2 requires --cell rnn, lstm, gru, tcn or transformer"),
    (
        {"cell": "esn", "input_dropout": 0.2},
        {},
        "--input-dropout 0.2 requires --cell rnn, lstm, gru, tcn or transformer",
    ),
    ({"cell": "esn", "normalise": "batch"}, {}, "--normalise batch requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn", "attention": True}, {}, "--attention requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn", "mix": True}, {}, "--mix requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn", "experts": 4}, {}, "--experts 4 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"bypass": False, "experts": 4}, {}, "--experts 4 requires --bypass"),
    ({"cell": "esn", "calendar": True}, {}, "--calendar requires --cell rnn, lstm, gru, tcn or transformer"),
    (
        {"cell": "esn", "decoder_segment": 2},
        {},
        "--decoder-segment 2 requires --cell rnn, lstm, gru, tcn or transformer",
    ),
    (
        {"cell": "esn", "decoder": "parallel"},
        {},
        "--decoder parallel requires --cell rnn, lstm, gru, tcn or transformer",
    ),
    ({"cell": "esn", "decoder": "recursive"}, {}, "--decoder recursive requires --base none and --no-bypass"),
    ({"cell": "esn"}, {"steps": 100}, "--steps 100 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"batch": 64}, "--batch 64 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"learning_rate": 0.1}, "--learning-rate 0.1 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"weight_decay": 0.1}, "--weight-decay 0.1 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"clip": 0.1}, "--clip 0.1 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"patience": 3}, "--patience 3 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"optimiser": "sgd"}, "--optimiser sgd requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"momentum": 0.5}, "--momentum 0.5 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"find_rate": True}, "--find-rate requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"schedule": "cosine"}, "--schedule cosine requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"warm_up": 0.1}, "--warm-up 0.1 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"clip_value": 0.1}, "--clip-value 0.1 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"l1": 0.1}, "--l1 0.1 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"cell": "esn"}, {"l2": 0.1}, "--l2 0.1 requires --cell rnn, lstm, gru, tcn or transformer"),
    (
        {"cell": "esn"},
        {"activation_penalty": 0.1},
        "--activation-penalty 0.1 requires --cell rnn, lstm, gru, tcn or transformer",
    ),
    (
        {"cell": "esn"},
        {"teacher_forcing": 0.1},
        "--teacher-forcing 0.1 requires --cell rnn, lstm, gru, tcn or transformer",
    ),
    ({"decoder": "parallel"}, {"teacher_forcing": 1.0}, "--teacher-forcing 1.0 requires --decoder recursive"),
    ({}, {"momentum": 0.5}, "--momentum 0.5 requires --optimiser sgd or rmsprop"),
    ({}, {"weight_decay": 0.5, "optimiser": "sgd"}, "--weight-decay 0.5 requires --optimiser adamw"),
    ({}, {"learning_rate": 0.5, "find_rate": True}, "--learning-rate 0.5 requires --no-find-rate"),
    (
        {"bidirectional": True, "decoder": "parallel"},
        {},
        "--bidirectional requires --decoder direct or encoder-decoder",
    ),
    ({"bidirectional": True}, {"forks": 2}, "--bidirectional requires --forks 0"),
    ({"bptt": 8, "cell": "esn"}, {}, "--bptt 8 requires --cell rnn, lstm, gru, tcn or transformer"),
    ({"bptt": 8, "scale": "log"}, {}, "--bptt 8 requires --scale global"),
    ({"bptt": 8, "bidirectional": True}, {}, "--bptt 8 requires --no-bidirectional"),
    ({"bptt": 8, "attention": True}, {}, "--bptt 8 requires --no-attention"),
    ({"bptt": 8, "segment": 3}, {}, "--bptt 8 requires a --segment that divides it"),
    ({"context": 8, "segment": 3}, {}, "--context 8 requires a --segment that divides it"),
    ({"bptt": 8, "mix": True}, {}, "--bptt 8 requires --no-mix"),
    ({"bptt": 8, "since": True}, {}, "--bptt 8 requires --no-since"),
    ({"bptt": 8}, {"forks": 2}, "--bptt 8 requires --forks 0"),
    ({"bptt": 8}, {"history": 20}, "--bptt 8 requires no --history"),
    ({"bptt": 8}, {"find_rate": True}, "--bptt 8 requires --no-find-rate"),
    ({"context": 0, "cell": "tcn"}, {}, "--context 0 requires --cell rnn, lstm or gru"),
    ({"context": 0, "scale": "log"}, {}, "--context 0 requires --scale global"),
    ({"context": 0, "base": "last"}, {}, "--context 0 requires --base none"),
    ({"context": 0, "since": True}, {}, "--context 0 requires --no-since"),
    ({"context": 0, "mix": True}, {}, "--context 0 requires --no-mix"),
    ({"context": 0, "experts": 4}, {}, "--context 0 requires no --experts"),
    ({"context": 0, "attention": True}, {}, "--context 0 requires --no-attention"),
    ({"context": 0, "bptt": 7}, {}, "--context 0 requires no --bptt"),
    ({"context": 0, "bidirectional": True}, {}, "--context 0 requires --no-bidirectional"),
    ({"context": 0, "convolution": 3}, {}, "--context 0 requires --convolution 0"),
    ({"context": 0}, {"forks": 2}, "--context 0 requires --forks 0"),
    ({"context": 0}, {"metric": "mase"}, "--context 0 requires --metric quantiles, mae or mse"),
    ({"decoder_segment": 4, "decoder": "direct"}, {}, "--decoder-segment 4 requires --decoder encoder-decoder"),
]


@pytest.mark.parametrize(("network", "training", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_an_option_without_its_requirement_is_refused(
    network: dict[str, object], training: dict[str, object], message: str
) -> None:
    with pytest.raises(RequestError) as caught:
        rules.check(NetworkOptions.model_validate(network), Training.model_validate(training))

    assert str(caught.value).startswith(message)


def test_each_rule_is_broken_by_one_of_these_alone_or_first() -> None:
    broken = set()
    for network, training, _ in REFUSED:
        given = NetworkOptions.model_validate(network), Training.model_validate(training)
        broken |= {(rule.option, rule.requires.requirement) for rule in rules.rules() if rule.broken(*given)}

    assert broken == {(rule.option, rule.requires.requirement) for rule in rules.rules()}


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "esn", "tcn", "transformer"])
def test_defaults_fit_every_cell(cell: str) -> None:
    rules.check(NetworkOptions.model_validate({"cell": cell}), Training())


def test_the_command_line_refuses_with_2_and_writes_nothing(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, "--horizon", 6, "--activation", "relu", "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1] == "error: --activation relu requires --cell rnn"
    assert list(tmp_path.iterdir()) == []


def test_a_requirement_is_declared_at_the_field_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(init=False, repr=False, eq=False, kw_only=True)
    class ExtendedFields(NetworkFields):
        depth: Annotated[int | None, requires_cell(lambda traits: traits.gated, " (for its gates)")] = None
        """Depth of the gates."""

    class Extended(NetworkOptions, ExtendedFields):
        pass

    monkeypatch.setattr(rules, "NetworkOptions", Extended)

    rules.check(Extended(depth=3, cell="lstm"), Training())
    with pytest.raises(RequestError, match=r"^--depth 3 requires --cell lstm or gru \(for its gates\)$"):
        rules.check(Extended(depth=3, cell="rnn"), Training())
