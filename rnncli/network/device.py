"""Where to compute, with how many threads, and why."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from rnncli.config.architecture import Architecture
from rnncli.config.sections import DeviceName
from rnncli.errors import RequestError

# A GPU launches a kernel in about 10 microseconds, and a small network is hundreds of them a step: below this many
# floating-point operations in a step, one core of a laptop is done sooner.
WORTH_A_GPU = 5e9
# Below this, threads cost more in waiting for one another than they gain; above, two are 1.4 times as fast as one.
WORTH_THREADS = 1e8
STEPS_TO_REPAY = 300  # of a training: what it costs to start a device or a thread is small beside so many
MOST_PROCESSES = 16  # each takes some 300 MB; more have too little to do


class Device(NamedTuple):
    """A device and the reason for it."""

    device: torch.device
    reason: str


def choose(wanted: DeviceName, work: float) -> Device:
    """The device for steps of so many floating-point operations.

    Raises RequestError where the device asked for is not there.
    """
    there = available()
    if wanted != "auto":
        if wanted not in there:
            raise RequestError(f"--device {wanted}: this machine has {', '.join(there)}. Use one of them, or auto")
        return Device(torch.device(wanted), "as asked")
    gpu = there[-1]
    if gpu == "cpu":
        return Device(torch.device("cpu"), "there is no GPU")
    if work < WORTH_A_GPU:
        return Device(torch.device("cpu"), f"{work / 1e9:.1f} GFLOP a step are too few for {gpu} to be faster")
    return Device(torch.device(gpu), f"{work / 1e9:.1f} GFLOP a step")


def available() -> list[str]:
    """The devices of this machine, cpu first."""
    names = ["cpu"]
    if torch.backends.mps.is_available():
        names.append("mps")
    if torch.cuda.is_available():
        names.append("cuda")
    return names


def work_per_step(architecture: Architecture, targets: int, batch: int) -> float:
    """Floating-point operations of a training step, roughly: three times those of the forward pass."""
    # Of a layer, as square maps of its units in pairs: attention has eight such maps, two convolutions of three six.
    steps = (architecture.context + architecture.horizon) / architecture.segment
    hidden = architecture.hidden
    recurrent = 2 * architecture.traits.flops * 2 * hidden * hidden * architecture.layers
    embedding = 2 * 2 * architecture.segment * targets * hidden
    mapped = 2 * architecture.context * architecture.horizon * architecture.experts * targets
    return 3 * batch * (steps * (recurrent + 5 * embedding) + mapped)


def work_per_forecast(architectures: Sequence[Architecture], targets: int, windows: int) -> float:
    """Return the operations of a training step that repays a device as well as one forecast from so many windows."""
    return sum(work_per_step(each, targets, windows) for each in architectures) / 3 / STEPS_TO_REPAY


def prepare(wanted: DeviceName, work: float) -> Device:
    """The device for steps of so many floating-point operations, and the threads for it.

    A small step is done before a second thread is awake. Raises RequestError where the device is not there.
    """
    torch.set_num_threads(free_cores() if work > WORTH_THREADS else 1)
    return choose(wanted, work)


def free_cores() -> int:
    """Cores this process may use: what the scheduler's affinity and the control group's quota leave."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(cores, quota())))


def processes(networks: int | None) -> int:
    """How many train at once where so many networks are to be trained; None: as many as there is time for."""
    return min(free_cores(), networks or MOST_PROCESSES)


def quota(root: Path = Path("/sys/fs/cgroup")) -> float:
    """Cores that the control group allows, of either version; infinite where it sets no limit."""
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
