"""What a training would take, told by a few steps of it. Nothing is trained."""

import math
import resource
import sys
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.config.sections import Training
from rnncli.planning.plan import Plan
from rnncli.training import cpu_matmul
from rnncli.training.batch_sources import RepeatedBatch
from rnncli.training.loop import penalised_loss
from rnncli.training.search import FIRST_TRIAL_SHARE
from rnncli.training.train_network import (
    TrainingTask,
    batch_source,
    prepare,
    sampler_and_objective,
    seconds_per_update,
    within_memory,
)
from rnncli.training.trials import TRIAL_SHARE, TrialRunner
from rnncli.training.workers import InProcess
from rnncli.windows.windows import SeriesData

PROCESS_BYTES = 400_000_000  # bytes of a process that has imported torch and its optimisers, and done nothing


class UpdateCost(NamedTuple):
    """What a training goes by."""

    seconds: float  # of an update
    memory: int  # bytes that an update keeps for its gradient


def measure_update(task: TrainingTask, data: SeriesData, device: torch.device) -> UpdateCost:
    """Told by a few updates of a network that is thrown away. The process' random numbers are left as they were.

    Raises TrainingError.
    """
    generator, kept = torch.Generator().manual_seed(task.seed), dict[int, int]()

    def noted(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with within_memory(device), cpu_matmul.fast_float32(), torch.random.fork_rng():
        windows, network = prepare(task, data, device)
        sampler, goal = sampler_and_objective(network, windows, task, generator)
        batch = RepeatedBatch(*batch_source(windows, sampler, task, generator).batch())
        with torch.autograd.graph.saved_tensors_hooks(noted, lambda tensor: tensor):
            penalised_loss(network, batch.given, goal, batch.carried)
        return UpdateCost(seconds_per_update(network, batch, goal), sum(kept.values()))


class CostEstimate(NamedTuple):
    """Of a training by so many processes."""

    trials: int  # networks at most, to tell designs apart
    members: int  # at most, trained again on all rows
    update_cost: UpdateCost | None  # of the first design; None where it is not trained step by step
    seconds: float | None  # in all, about
    budget: float  # seconds at most, infinite where the number of networks is given
    table: int  # bytes of it that each process holds
    memory: int  # bytes in all, about


def estimate_cost(data: SeriesData, plan: Plan, training: Training, device: torch.device, size: int) -> CostEstimate:
    """What `ensemble.train` would take with so many processes."""
    workshop = TrialRunner(plan, training, InProcess(data, device), lambda _state: None)
    trials = workshop.trials if len(plan.split.validation.rows) else 0
    members = workshop.enough if training.refit or not trials else 0
    split = plan.split if trials else plan.split.without_validation(plan.training_panel, plan.architecture.horizon)
    task = workshop.task(plan.architecture, split, plan.steps, math.inf, "trial", 0)
    found = None if plan.architecture.traits.closed_form else measure_update(task, data, device)
    seconds = None if found is None else _seconds(found.seconds * plan.steps, trials, members, size, workshop.budget)
    table = _held(data)
    others = size if size > 1 else 0
    memory = peak_memory() + others * (PROCESS_BYTES + table + (found.memory if found else 0))
    return CostEstimate(trials, members, found, seconds, workshop.budget, table, memory)


def _seconds(each: float, trials: int, members: int, size: int, budget: float) -> float:
    """Of so many networks, side by side, that take so long each where their time allows it."""
    tried = min(math.ceil(trials / size) * min(each, FIRST_TRIAL_SHARE * budget), TRIAL_SHARE * budget)
    return min(tried + math.ceil(members / size) * each, budget)


def _held(data: SeriesData) -> int:
    """Bytes in memory, and not in temporary files."""
    beside = data.covariates
    arrays = [data.values, data.offsets, data.firsts, beside.values, beside.static, beside.weights]
    return sum(one.nbytes for one in arrays if one is not None and not isinstance(one, np.memmap))


def peak_memory() -> int:
    """The most memory, in bytes, that this process has had so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
