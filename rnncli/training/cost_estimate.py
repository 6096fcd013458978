"""Estimate the time and memory of a training from a few updates of one network."""

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
from rnncli.training.loop import penalised_loss
from rnncli.training.network_workers import network_workers, series_data
from rnncli.training.search import FIRST_TRIAL_SHARE
from rnncli.training.task import TrainingTask
from rnncli.training.train_network import (
    batch_source,
    prepare,
    sampler_and_objective,
    seconds_per_update,
    within_memory,
)
from rnncli.training.trials import TRIAL_SHARE, TrialRunner
from rnncli.windows.windows import SeriesData

PROCESS_BYTES = 400_000_000  # of a process that has imported torch and its optimisers


class UpdateCost(NamedTuple):
    """Time and memory of one update."""

    seconds: float
    memory: int  # bytes kept for the gradient


def measure_update(task: TrainingTask, data: SeriesData, device: torch.device) -> UpdateCost:
    """Measure a few updates of a network that is discarded. The random numbers of the process stay as they were.

    Raise TrainingError if the memory is not enough.
    """
    generator, saved = torch.Generator().manual_seed(task.seed), dict[int, int]()

    def record(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with within_memory(device), cpu_matmul.fast_float32(), torch.random.fork_rng():
        windows, network = prepare(task, data, device)
        sampler, objective = sampler_and_objective(network, windows, task, generator)
        batch = batch_source(windows, sampler, task, generator).next_batch()
        with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
            penalised_loss(network, batch.windows, objective, batch.carried)
        return UpdateCost(seconds_per_update(network, batch, objective), sum(saved.values()))


class CostEstimate(NamedTuple):
    """Time and memory of a training."""

    trials: int  # networks to compare architectures, at most
    members: int  # networks to train on all rows, at most
    update_cost: UpdateCost | None  # of the first architecture; None for a closed-form readout
    seconds: float | None  # in all, about
    budget: float  # seconds at most, infinite if the number of networks is set
    table: int  # bytes of the table in each process
    memory: int  # bytes in all, about


def estimate_cost(plan: Plan, training: Training, device: torch.device, size: int) -> CostEstimate:
    """Estimate the cost of training the model of a plan in `size` processes."""
    data = series_data(plan)
    runner = TrialRunner(plan, training, network_workers(plan, device, size=1), lambda _status: None)
    trials = runner.max_trials if len(plan.split.validation.rows) else 0
    members = runner.max_members if training.refit or not trials else 0
    split = plan.split if trials else plan.split.without_validation(plan.training_panel, plan.architecture.horizon)
    task = runner.task(plan.architecture, split, plan.steps, math.inf, "trial", 0)
    update = None if plan.architecture.traits.closed_form else measure_update(task, data, device)
    seconds = None if update is None else _seconds(update.seconds * plan.steps, trials, members, size, runner.budget)
    table = _bytes_in_memory(data)
    processes = size if size > 1 else 0  # besides this one
    memory = peak_memory() + processes * (PROCESS_BYTES + table + (update.memory if update else 0))
    return CostEstimate(trials, members, update, seconds, runner.budget, table, memory)


def _seconds(each: float, trials: int, members: int, size: int, budget: float) -> float:
    """Return the time of so many networks; each: seconds of one without a limit."""
    trial_seconds = min(math.ceil(trials / size) * min(each, FIRST_TRIAL_SHARE * budget), TRIAL_SHARE * budget)
    return min(trial_seconds + math.ceil(members / size) * each, budget)


def _bytes_in_memory(data: SeriesData) -> int:
    """Return the bytes of all arrays that are not memory-mapped files."""
    covariates = data.covariates
    arrays = [data.values, data.offsets, data.firsts, covariates.values, covariates.static, covariates.weights]
    return sum(array.nbytes for array in arrays if array is not None and not isinstance(array, np.memmap))


def peak_memory() -> int:
    """Return the highest memory of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
