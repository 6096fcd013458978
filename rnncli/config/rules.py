"""Which options go together. What a design asked for cannot honour is an error, never ignored in silence."""

from collections.abc import Callable
from typing import NamedTuple

from rnncli.config.cells import names
from rnncli.config.sections import Network, Section, Training
from rnncli.errors import RequestError

RECURRENT = names(lambda traits: traits.recurrent)


class Rule(NamedTuple):
    """What an option that is not left as it was needs."""

    option: str
    needs: str
    met: Callable[[Network, Training], bool]


def _of(*cells: str) -> Callable[[Network, Training], bool]:
    return lambda network, _: network.cell in cells


def _trained(network: Network, _: Training) -> bool:
    return not network.traits.closed_form


def _unseen(met: Callable[[Network, Training], bool]) -> Callable[[Network, Training], bool]:
    """Where nothing of the past is seen."""
    return lambda network, training: network.context != 0 or met(network, training)


RULES = (
    Rule("activation", "--cell rnn", _of("rnn")),
    *(
        Rule(option, "--cell rnn, lstm or gru", _of(*RECURRENT))
        for option in ("bidirectional", "residual", "convolution", "zoneout", "initialisation", "variational")
    ),
    Rule("normalise", "--cell rnn, lstm or gru for layer", lambda n, _: n.normalise != "layer" or n.cell in RECURRENT),
    Rule("remember", "--cell lstm or gru, whose gates hold on to their state", _of("lstm", "gru")),
    Rule("initialisation", "--cell rnn for identity", lambda n, _: n.initialisation != "identity" or n.cell == "rnn"),
    Rule(
        "variational",
        "--input-dropout, or --dropout and --layers 2 or more",
        lambda n, _: n.input_dropout > 0 or (n.dropout > 0 and (n.layers or 1) > 1),
    ),
    *(Rule(option, "--cell esn", _of("esn")) for option in ("radius", "leak", "density", "input_scale")),
    *(
        Rule(option, "a cell that is trained, not esn", _trained)
        for option in (
            *("layers", "dropout", "input_dropout", "normalise"),
            *("attention", "calendar", "decoder_segment", "mix", "experts"),
        )
    ),
    *(
        Rule(option, "a cell that is trained, not esn: its read-out is solved for, once", _trained)
        for option in (
            *("steps", "batch", "patience", "optimiser", "momentum", "learning_rate", "find_rate", "schedule"),
            *("warm_up", "weight_decay", "clip", "clip_value", "l1", "l2", "activation_penalty"),
            "teacher_forcing",
        )
    ),
    Rule("momentum", "--optimiser sgd or rmsprop", lambda _, t: t.optimiser in ("sgd", "rmsprop")),
    Rule("weight_decay", "--optimiser adamw, or use --l2", lambda _, t: t.optimiser == "adamw"),
    Rule("learning_rate", "--no-find-rate: one of them says it", lambda _, t: not t.find_rate),
    Rule(
        "decoder",
        "a cell that is trained, not esn, or direct or recursive",
        lambda n, t: _trained(n, t) or n.decoder in ("direct", "recursive"),
    ),
    Rule(
        "decoder",
        "--base none and --no-bypass to be recursive with --cell esn: it learns one segment ahead",
        lambda n, t: _trained(n, t) or n.decoder != "recursive" or (n.base == "none" and not n.bypass),
    ),
    Rule(
        "teacher_forcing", "--decoder recursive: no other is fed anything back", lambda n, _: n.decoder == "recursive"
    ),
    Rule(
        "bidirectional",
        "--decoder direct or encoder-decoder: what is read from both ends cannot be read on",
        lambda n, _: n.decoder in (None, "direct", "encoder-decoder"),
    ),
    Rule("bidirectional", "--forks 0: each of them would be read again", lambda _, t: t.forks == 0),
    Rule("bptt", "a cell that is trained, not esn", _trained),
    Rule("bptt", "--scale global: windows have other scales", lambda n, _: n.scale in (None, "global")),
    Rule("bptt", "a network that is not --bidirectional", lambda n, _: not n.bidirectional),
    Rule("bptt", "--no-attention: it looks back at a window", lambda n, _: not n.attention),
    Rule("bptt", "--no-since: it is measured in a window", lambda n, _: not n.since),
    Rule("bptt", "--forks 0: there is a forecast behind each segment", lambda _, t: t.forks == 0),
    Rule("bptt", "no --history: series are read from their beginning", lambda _, t: t.history is None),
    Rule("bptt", "--no-mix: other series are seen in a window", lambda n, _: not n.mix),
    Rule("bptt", "--no-find-rate", lambda _, t: not t.find_rate),
    *(
        Rule("context", needs, _unseen(met))
        for needs, met in (
            ("--cell rnn, lstm or gru", _of(*RECURRENT)),
            ("--scale global: there is no window to measure", lambda n, _: n.scale in (None, "global")),
            ("--base none: there is nothing to repeat", lambda n, _: n.base in (None, "none")),
            ("--no-since: there was no last value", lambda n, _: not n.since),
            ("--no-mix: nothing is seen of other series either", lambda n, _: not n.mix),
            ("no --experts: there is nothing to map", lambda n, _: n.experts is None),
            ("--no-attention: there is nothing to look back at", lambda n, _: not n.attention),
            ("no --bptt: there is no state to carry over", lambda n, _: n.bptt is None),
            ("a network that is not --bidirectional: there is nothing to read", lambda n, _: not n.bidirectional),
            ("--convolution 0: there is nothing to read", lambda n, _: not n.convolution),
            ("--forks 0: nothing is read between them", lambda _, t: t.forks == 0),
            (
                "--metric quantiles, mae or mse: others weigh an error by what came before it",
                lambda _, t: t.metric in ("quantiles", "mae", "mse"),
            ),
        )
    ),
    Rule("experts", "--bypass, of which they are maps", lambda n, _: n.bypass),
    Rule("decoder_segment", "--decoder encoder-decoder", lambda n, _: n.decoder in (None, "encoder-decoder")),
)


def check(network: Network, training: Training) -> None:
    """Raise RequestError where an option was given that the others leave no room for."""
    for rule in RULES:
        section: Section = network if rule.option in type(network).model_fields else training
        value, default = getattr(section, rule.option), type(section).model_fields[rule.option].default
        said = value not in (default, None) and value is not False  # what was switched off is honoured by all
        if said and not rule.met(network, training):
            raise RequestError(f"--{rule.option.replace('_', '-')}{_said(value)} needs {rule.needs}")


def _said(value: object) -> str:
    return "" if isinstance(value, bool) else f" {value}"
