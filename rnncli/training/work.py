"""Count the work of a training: the time it would take one core of a reference machine.

An update is made once while the operations are counted that torch runs for it, their floating-point operations and the
values they write. From these follows its time within about a quarter, for every cell and decoder. A clock would
measure the speed and the load of the machine too, and two runs would make different decisions.
"""

import inspect
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode  # documented in torch's notes on extending it
from torch.utils.flop_counter import flop_registry

from rnncli.training import cpu_matmul
from rnncli.training.loop import VALIDATION_CHECKS, batch_loss, update
from rnncli.training.optimiser import Optimiser
from rnncli.training.ridge_readout import MAX_WINDOWS
from rnncli.training.task import TrainingTask
from rnncli.training.train_network import (
    MAX_CHECK_WINDOWS,
    batch_source,
    prepare,
    sampler_and_objective,
    within_memory,
)
from rnncli.windows.windows import SeriesData

# Seconds of a reference core, fitted to 90 updates of 18 architectures on four tables.
SECONDS_PER_OPERATION = 7.3e-6
SECONDS_PER_FLOP = 3.0e-12
SECONDS_PER_VALUE = 0.8e-9


class NetworkWork(NamedTuple):
    """The work of the parts of a training, in seconds of a reference core."""

    update: float
    window: float  # to forecast a validation window

    def training(self, steps: int, windows: int = 0) -> float:
        """Return the work of so many updates, with their validation checks on so many windows."""
        forecasts = windows + VALIDATION_CHECKS * min(windows, MAX_CHECK_WINDOWS)
        return steps * self.update + forecasts * self.window

    def steps(self, work: float, windows: int = 0) -> int:
        """Return the updates that fit into a finite amount of work, with their validation checks."""
        return int((work - self.training(0, windows)) / self.update)


def count_work(task: TrainingTask, data: SeriesData) -> NetworkWork:
    """Count the work of a network, which is discarded, on the CPU. The random numbers of the process stay as they were.

    Raise TrainingError if the memory is not enough.
    """
    device, generator = torch.device("cpu"), torch.Generator().manual_seed(task.seed)
    with within_memory(device), cpu_matmul.fast_float32(), torch.random.fork_rng():
        windows, network = prepare(task, data, device)
        sampler, objective = sampler_and_objective(network, windows, task, generator)
        source = batch_source(windows, sampler, task, generator)
        network.eval()
        with torch.inference_mode(), _Counter() as forecast:
            batch = source.next_batch()
            batch_loss(network, batch.windows, objective, batch.carried)
        window = forecast.seconds / len(batch.windows.past)
        if task.architecture.traits.closed_form:
            solved = min(MAX_WINDOWS, int((task.last - task.first + 1).clip(min=0).sum()))
            return NetworkWork(solved * window, window)
        network.train()
        optimiser = Optimiser(network, task.training, steps=VALIDATION_CHECKS)
        with _Counter() as counted:
            update(network, source, optimiser, objective)
        return NetworkWork(counted.seconds, window)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types here
    """Counts the work of what runs within its block."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types here
        self.operations = self.flops = self.values = 0

    @property
    def seconds(self) -> float:
        """The work so far, in seconds of a reference core."""
        return self.operations * SECONDS_PER_OPERATION + self.flops * SECONDS_PER_FLOP + self.values * SECONDS_PER_VALUE

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        self.operations += 1
        if (flops := flop_registry.get(func._overloadpacket)) is not None:
            self.flops += flops(*args, **kwargs, out_val=result)
        written = result if isinstance(result, (tuple, list)) else (result,)
        self.values += sum(part.numel() for part in written if isinstance(part, Tensor))
        return result


# torch wraps the method so that its compiler leaves it alone; the wrapper would import the compiler, which takes 2 s.
_Counter.__torch_dispatch__ = inspect.unwrap(_Counter.__torch_dispatch__)  # type: ignore[method-assign]  # the same
