"""The networks of a model as their file holds them: weights, and graphs that compute them without torch."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np

from rnncli.config.architecture import Architecture, InputSpec
from rnncli.errors import ModelFileError
from rnncli.model.graph.evaluate import Program
from rnncli.model.graph.graph import Graph

if TYPE_CHECKING:
    from rnncli.network.network import Network

Weights = dict[str, np.ndarray]


class StoredNetworks(Sequence["Network"]):
    """A sequence of networks that are built in torch when they are first asked for."""

    def __init__(
        self,
        architectures: Sequence[Architecture],
        targets: int,
        inputs: InputSpec,
        weights: Sequence[Weights],
        graphs: Mapping[str, Graph] | None = None,
    ) -> None:
        """graphs: by `design_key`, used if each network has one. Raise ValueError if weights do not fit one."""
        self._architectures, self._targets, self._inputs = architectures, targets, inputs
        self.weights, self.graphs = tuple(weights), dict(graphs or {})
        self.programs: tuple[Program, ...] = ()
        keys = [design_key(architecture, targets, inputs) for architecture in architectures]
        if set(keys) == set(self.graphs):
            self.programs = tuple(Program(self.graphs[key], own) for key, own in zip(keys, self.weights, strict=True))

    @cached_property
    def built(self) -> tuple["Network", ...]:
        """The networks in torch. Raises ValueError or RuntimeError if their weights do not fit the card."""
        import torch

        from rnncli.network.built import build_network

        return tuple(
            build_network(
                architecture,
                self._targets,
                self._inputs,
                {name: torch.from_numpy(value) for name, value in own.items()},
            )
            for architecture, own in zip(self._architectures, self.weights, strict=True)
        )

    @property
    def _checked(self) -> tuple["Network", ...]:
        try:
            return self.built
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelFileError(f"the weights do not fit the card ({reason}). Train the model again") from error

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles that the networks were trained for, rising."""
        return self.programs[0].graph.levels if self.programs else self._checked[0].head.levels

    def __len__(self) -> int:
        return len(self.weights)

    def __iter__(self) -> Iterator["Network"]:
        return iter(self._checked)

    @overload
    def __getitem__(self, index: int) -> "Network": ...
    @overload
    def __getitem__(self, index: slice) -> tuple["Network", ...]: ...
    def __getitem__(self, index: int | slice) -> "Network | tuple[Network, ...]":
        return self._checked[index]


def design_key(architecture: Architecture, targets: int, inputs: InputSpec) -> str:
    """Return a text that is the same for networks of one graph only. Options that a later version adds change none."""
    content = [
        architecture.model_dump(mode="json", exclude_defaults=True),
        *(targets, architecture.calendar and inputs.calendar, architecture.mix and inputs.series),
        [covariate.model_dump(mode="json", exclude_defaults=True) for covariate in inputs.inputs],
    ]
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=8).hexdigest()
