"""Export the networks of a model as graphs, and check these against torch. Imports torch."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from rnncli.config.architecture import InputSpec
from rnncli.model.graph.engine import graph_inputs
from rnncli.model.graph.evaluate import Program
from rnncli.model.graph.graph import Graph, decode
from rnncli.model.graph.recorder import UntraceableError
from rnncli.model.graph.tracing import Example, trace
from rnncli.model.networks import StoredNetworks, design_key
from rnncli.network.built import weights_of
from rnncli.network.network import Network
from rnncli.windows.batch import Batch, CovariateBatch, OtherSeries

TOLERANCE = 1e-5  # largest difference between the engines, in scales of a window


class Exported(NamedTuple):
    """Networks with their graphs."""

    networks: StoredNetworks
    problem: str | None  # why there are no graphs


def export(networks: Sequence[Network], targets: int, inputs: InputSpec, batch: Batch) -> Exported:
    """Return the networks with a graph of each design, if all graphs forecast the windows of a batch as torch does.

    batch: NumPy windows of at least the longest context.
    """
    designs = [network.architecture for network in networks]
    weights = [weights_of(network) for network in networks]
    graphs: dict[str, Graph] = {}
    try:
        for network, own in zip(networks, weights, strict=True):
            key = design_key(network.architecture, targets, inputs)
            if key not in graphs:
                graphs[key] = decode(trace(network, _example(inputs)).encode())  # as read from a file
            error = difference(network, Program(graphs[key], own), batch)
            if error > TOLERANCE:
                raise UntraceableError(f"its forecasts differ from those of torch by {error:.1g} scales")
    except (UntraceableError, ValueError) as error:
        return Exported(StoredNetworks(designs, targets, inputs, weights), str(error))
    return Exported(StoredNetworks(designs, targets, inputs, weights, graphs), None)


def difference(network: Network, program: Program, batch: Batch) -> float:
    """Return the largest difference between a network's forecasts in torch and by its graph, in scales of a window."""
    design = network.architecture
    inputs = graph_inputs(batch, design.context, design.horizon)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in inputs.items()}
    others = [tensors[name] for name in ("other_past", "window_time", "window_series") if name in tensors]
    covariates = CovariateBatch(
        tensors["varying"], tensors["static"], tensors.get("calendar"), OtherSeries(*others) if others else None
    )
    with torch.inference_mode():
        quantiles, scale = network.trace(tensors["past"], tensors["step"], covariates).prediction
    expected = [part.cpu().numpy() for part in (quantiles, scale.level, scale.spread)]
    found = program.compute(inputs)
    if any(not np.array_equal(np.isnan(one), np.isnan(other)) for one, other in zip(found, expected, strict=True)):
        return np.inf
    spread = np.where(expected[2] > 0, expected[2], np.maximum(1.0, np.abs(expected[1])))
    units = np.maximum(1.0, np.abs(expected[0])), spread, spread
    with np.errstate(invalid="ignore"):
        errors = [np.abs(a - b) / unit for a, b, unit in zip(found, expected, units, strict=True)]
    return float(max(np.nanmax(error, initial=0.0) for error in errors))


def _example(inputs: InputSpec) -> Example:
    """Return the shapes of a network's inputs."""
    static = sum(covariate.role == "static" for covariate in inputs.inputs)
    return Example(len(inputs.inputs) - static, static, inputs.calendar, inputs.series)
