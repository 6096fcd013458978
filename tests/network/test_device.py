"""Choice of the device, the threads and the processes."""

import math
import os
from pathlib import Path

import pytest
import torch

from rnncli.errors import RequestError
from rnncli.network import device


def test_auto_without_a_gpu_is_the_cpu_with_that_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "available", lambda: ["cpu"])

    assert device.choose("auto", 1e15) == (torch.device("cpu"), "there is no GPU")


@pytest.mark.parametrize(("work", "chosen"), [(1e6, "cpu"), (1e13, "cuda")])
def test_auto_chooses_a_gpu_only_for_large_steps(work: float, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "available", lambda: ["cpu", "cuda"])

    assert device.choose("auto", work).device.type == chosen


def test_a_missing_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "available", lambda: ["cpu"])

    with pytest.raises(RequestError, match="--device cuda: not available .found cpu."):
        device.choose("cuda", 1.0)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2.0),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({}, math.inf),
        ({"cpu.max": "nonsense"}, math.inf),
    ],
)
def test_the_quota_of_the_control_group_is_read(files: dict[str, str], cores: float, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert device.quota(tmp_path) == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a scheduler with affinity")
def test_threads_keep_to_the_cores_that_are_allowed() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert device.free_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(
    ("networks", "cores", "size"), [(1, 8, 1), (3, 8, 3), (12, 8, 8), (None, 8, 8), (None, 64, 16)]
)
def test_no_more_processes_than_networks_or_cores_are_started(
    networks: int | None, cores: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "free_cores", lambda: cores)

    assert device.processes(networks) == size
