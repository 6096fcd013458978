"""Workers that train the networks of a plan, with checkpoints to resume an interrupted training from."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from rnncli.network.device import single_threaded
from rnncli.planning.plan import Plan
from rnncli.training import train_network
from rnncli.training.checkpoint import CheckpointFolder, NetworkCheckpoint
from rnncli.training.progress import Progress
from rnncli.training.task import TrainedNetwork, TrainingTask
from rnncli.training.workers import CachedWorkers, InProcess, ProcessPool, Workers
from rnncli.windows.windows import SeriesData

ACCELERATOR_SPEED = 16  # cores of a CPU that a GPU replaces, at least
OUT_OF_MEMORY_ADVICE = "Use --members 1, or a smaller --batch, --hidden or --context"

NetworkWorkers = Workers[TrainingTask, TrainedNetwork]


class NetworkTraining(NamedTuple):
    """The work: train the network of a task on a device, from its checkpoint if there is one."""

    data: SeriesData
    device: torch.device
    folder: CheckpointFolder | None = None

    def __call__(self, task: TrainingTask, report: Callable[[Progress], None]) -> TrainedNetwork:
        """See Work."""
        checkpoint = NetworkCheckpoint() if self.folder is None else self.folder.checkpoint(task.identity())
        with single_threaded():
            return train_network.train(task, self.data, self.device, report, checkpoint)


class NetworkCache(NamedTuple):
    """A cache of trained networks in a folder of checkpoints."""

    folder: CheckpointFolder

    def find(self, task: TrainingTask) -> TrainedNetwork | None:
        """See Cache."""
        tree = self.folder.result(task.identity())
        return None if tree is None else TrainedNetwork.from_tree(tree)

    def store(self, task: TrainingTask, result: TrainedNetwork) -> None:
        """See Cache."""
        self.folder.store(task.identity(), result.tree())


def network_workers(
    plan: Plan, device: torch.device, size: int, folder: CheckpointFolder | None = None
) -> NetworkWorkers:
    """Return workers on the training panel of a plan: `size` processes on a CPU, or this process on a GPU.

    A GPU is slower if several processes share it. folder: for checkpoints until the training is complete.
    """
    data = series_data(plan)
    work = NetworkTraining(data, device, folder)
    workers: NetworkWorkers
    if device.type != "cpu":
        workers = InProcess(work, ACCELERATOR_SPEED)
    elif size == 1:
        workers = InProcess(work)
    else:
        workers = ProcessPool(work, size, advice=OUT_OF_MEMORY_ADVICE)
    return workers if folder is None else CachedWorkers(workers, NetworkCache(folder))


def series_data(plan: Plan) -> SeriesData:
    """Return the training panel of a plan as sequences to cut windows from."""
    return SeriesData.of(plan.training_panel, plan.architecture.horizon)
