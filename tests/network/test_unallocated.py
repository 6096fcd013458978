"""Networks built without memory have the parameters of real ones, and no library is imported for it."""

import subprocess
import sys
from typing import Any

import pytest

from rnncli.config.architecture import Covariate, InputSpec
from rnncli.network.network import Network
from rnncli.network.unallocated import unallocated
from tests.network.test_network import design

INPUTS = InputSpec(
    (Covariate(name="price", role="known"), Covariate(name="kind", role="static", categories=("a", "b"))), 3, 4
)
OPTIONS: list[dict[str, Any]] = [
    {"cell": "rnn", "initialisation": "identity", "decoder": "direct"},
    {"cell": "lstm", "remember": 6, "bypass": True, "mix": True},
    {"cell": "gru", "normalise": "layer", "bidirectional": False, "decoder": "recursive"},
    {"cell": "gru", "convolution": 3, "decoder": "encoder-decoder", "normalise": "batch"},
    {"cell": "esn", "base": "smoothing"},
    {"cell": "tcn", "scale": "global"},
    {"cell": "transformer", "base": "cycle", "attention": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options["cell"])
def test_the_parameters_have_the_names_and_shapes_of_the_allocated_network(options: dict[str, Any]) -> None:
    chosen = design(**options)
    with unallocated():
        empty = Network(chosen, 2, INPUTS)

    shapes = {name: tensor.shape for name, tensor in empty.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in Network(chosen, 2, INPUTS).state_dict().items()}
    assert all(tensor.is_meta for tensor in empty.state_dict().values())


def test_a_network_is_built_without_importing_the_compiler() -> None:
    code = (
        "import sys\n"
        "from tests.network import test_unallocated as these\n"
        "for options in these.OPTIONS:\n"
        "    with these.unallocated(): these.Network(these.design(**options), 2, these.INPUTS)\n"
        "assert not {'torch._dynamo', 'sympy'} & set(sys.modules), options\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
