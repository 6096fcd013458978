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
    """Work, time and memory of a training."""

    trials: int  # networks to compare architectures, at most
    members: int  # networks to train on all rows, at most
    update_cost: UpdateCost | None  # of the first architecture; None for a closed-form readout
    work: float  # in all, at most, in seconds of a reference core
    seconds: float | None  # in all, about
    limit: float  # of the time in seconds; infinite without one
    table: int  # bytes of the table in each process
    memory: int  # bytes in all, about


def estimate_cost(plan: Plan, training: Training, device: torch.device, size: int) -> CostEstimate:
    """Estimate the cost of training the model of a plan in `size` processes."""
    data = series_data(plan)
    runner = TrialRunner(plan, training, network_workers(plan, device, size), lambda _status: None)
    trials = runner.max_trials if len(plan.split.validation.rows) else 0
    members = runner.max_members if training.refit or not trials else 0
    split = plan.split if trials else plan.split.without_validation(plan.training_panel, plan.architecture.horizon)
    task = runner.task(plan.architecture, split, plan.steps, math.inf, "trial", 0)
    work, update, seconds = _work(runner, trials, members), None, None
    if not plan.architecture.traits.closed_form:
        update = measure_update(task, data, device)
        pace = update.seconds / runner.network_work(plan.architecture).update
        seconds = min(pace * work / size, runner.limit)
    table = _bytes_in_memory(data)
    processes = size if size > 1 else 0  # besides this one
    memory = peak_memory() + processes * (PROCESS_BYTES + table + (update.memory if update else 0))
    return CostEstimate(trials, members, update, work, seconds, runner.limit, table, memory)


def _work(runner: TrialRunner, trials: int, members: int) -> float:
    """Return the work of so many networks, of which the trials have a share."""
    plan, steps = runner.plan, runner.plan.steps
    trial = runner.work(plan.architecture, steps, validated=trials > 0)
    member = runner.work(plan.architecture, steps, validated=False)
    return min(min(trials * trial, TRIAL_SHARE * runner.total) + members * member, runner.total)


def _bytes_in_memory(data: SeriesData) -> int:
    """Return the bytes of all arrays that are not memory-mapped files."""
    covariates = data.covariates
    arrays = [data.values, data.offsets, data.firsts, covariates.values, covariates.static, covariates.weights]
    return sum(array.nbytes for array in arrays if array is not None and not isinstance(array, np.memmap))


def peak_memory() -> int:
    """Return the highest memory of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
