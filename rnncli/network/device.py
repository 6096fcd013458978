"""Choice of the device and of the number of threads and processes, with the reason. Imports torch when it must."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnncli.config.architecture import Architecture
from rnncli.config.fields import DeviceName
from rnncli.errors import RequestError

if TYPE_CHECKING:
    import torch

# A GPU launches a kernel in about 10 microseconds, and a step of a small network has hundreds of them: below this many
# floating-point operations per step, one core of a laptop is faster.
WORTH_A_GPU = 5e9
WORTH_THREADS = 1e8  # below, synchronisation costs more than threads gain; above, two are 1.4 times as fast as one
STEPS_TO_REPAY = 300  # training steps that make the start of a device or of threads negligible
MAX_PROCESSES = 16  # each needs about 300 MB; more would have too little to do


class Device(NamedTuple):
    """A device and why it was chosen."""

    device: "torch.device"
    reason: str


def choose(requested: DeviceName, work: float) -> Device:
    """Return the device for steps of `work` floating-point operations.

    Raise RequestError if the requested device does not exist.
    """
    import torch

    found = available()
    if requested != "auto":
        if requested not in found:
            raise RequestError(
                f"--device {requested}: not available (found {', '.join(found)}). Use one of these, or auto"
            )
        return Device(torch.device(requested), "as requested")
    gpu = found[-1]
    if gpu == "cpu":
        return Device(torch.device("cpu"), "there is no GPU")
    if work < WORTH_A_GPU:
        return Device(torch.device("cpu"), f"{work / 1e9:.1f} GFLOP a step are too few for {gpu} to be faster")
    return Device(torch.device(gpu), f"{work / 1e9:.1f} GFLOP a step")


def available() -> list[str]:
    """Return the devices of this machine, cpu first."""
    import torch

    names = ["cpu"]
    if torch.backends.mps.is_available():
        names.append("mps")
    if torch.cuda.is_available():
        names.append("cuda")
    return names


def work_per_step(architecture: Architecture, targets: int, batch: int) -> float:
    """Return the approximate floating-point operations of a training step: three times those of the forward pass."""
    steps = (architecture.context + architecture.horizon) / architecture.segment
    hidden = architecture.hidden
    recurrent = 2 * architecture.traits.flops * 2 * hidden * hidden * architecture.layers
    embedding = 2 * 2 * architecture.segment * targets * hidden
    bypass = 2 * architecture.context * architecture.horizon * architecture.experts * targets
    return 3 * batch * (steps * (recurrent + 5 * embedding) + bypass)


def work_per_forecast(architectures: Sequence[Architecture], targets: int, windows: int) -> float:
    """Return the operations of a training step that repays a device as well as one forecast from so many windows."""
    return sum(work_per_step(each, targets, windows) for each in architectures) / 3 / STEPS_TO_REPAY


def prepare(requested: DeviceName, work: float) -> Device:
    """Set the number of threads for steps of `work` operations, and return the device.

    A small step is finished before a second thread starts. Raise RequestError if the device does not exist.
    """
    import torch

    torch.set_num_threads(free_cores() if work > WORTH_THREADS else 1)
    return choose(requested, work)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Compute in a single thread within the block: more of them change the rounding of a sum.

    For small networks a second thread mostly waits, while a second process does not.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def free_cores() -> int:
    """Return the cores this process may use, by the scheduler's affinity and the control group's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(cores, quota())))


def processes(networks: int | None) -> int:
    """Return how many networks to train at once; None: as many as the time allows."""
    return min(free_cores(), networks or MAX_PROCESSES)


def quota(root: Path = Path("/sys/fs/cgroup")) -> float:
    """Return the cores that the control group (version 2 or 1) allows; infinite without a limit."""
    try:
        allowed, period = (root / "cpu.max").read_text().split()
        return math.inf if allowed == "max" else int(allowed) / int(period)
    except (OSError, ValueError):
        pass
    try:
        limit = int((root / "cpu/cpu.cfs_quota_us").read_text())
        period_us = int((root / "cpu/cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return math.inf
    return limit / period_us if limit > 0 else math.inf
