"""States of a stateful encoder at many cutoffs. Each series is read once for all its cutoffs.

A window alone does not determine the state, and reading the whole past for each cutoff would read a long series as
often as it has cutoffs.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.network.network import Network
from rnncli.network.tensors import CarriedState
from rnncli.windows.batch import Batch
from rnncli.windows.windows import Windows

TRACKS = 256  # series read side by side
BLOCK = 512  # segments read at once


class Tracks(NamedTuple):
    """Series read side by side whose segments end at the same steps before their last cutoff."""

    series: np.ndarray  # (B,)
    ends: np.ndarray  # (B,) rows before the last cutoff's segment; below 0 if the series has not begun by then
    behind: np.ndarray  # (P,) segments from each of P cutoffs to the end of its track
    track: np.ndarray  # (P,) index into `series`
    cutoff: np.ndarray  # (P,) index into the cutoffs


def batches(
    network: Network, windows: Windows, series: np.ndarray, rows: np.ndarray, chunk: int
) -> Iterator[tuple[Batch, CarriedState | None]]:
    """Yield the windows of series (N,) at cutoffs (N,), `chunk` at a time, with the states carried to them."""
    near, device = windows.with_context(network.context), windows.values.device
    for start in range(0, len(rows), chunk):
        part = slice(start, start + chunk)
        batch = near.batch(torch.from_numpy(series[part]).to(device), torch.from_numpy(rows[part]).to(device))
        yield batch, carried_to(network, windows, series[part], rows[part])


@torch.inference_mode()
def carried_to(network: Network, windows: Windows, series: np.ndarray, rows: np.ndarray) -> CarriedState | None:
    """Return the states before the last segment of each cutoff (N,); None if the network carries none over."""
    if network.architecture.bptt is None:
        return None
    count = len(rows)
    states: tuple[Tensor, ...] | None = None
    begun = torch.zeros(count, dtype=torch.bool, device=windows.values.device)
    for tracks in _tracks(series, rows, network.architecture.segment):
        for reached, carried in _walk(network, windows, tracks):
            source, target = tracks.track[reached], tracks.cutoff[reached]
            begun[target] = carried.begun[source]
            if carried.state is not None:
                states = states or tuple(part.new_zeros(len(part), count, *part.shape[2:]) for part in carried.state)
                for collected, part in zip(states, carried.state, strict=True):
                    collected[:, target] = part[:, source]
    return CarriedState(states, begun)


def _tracks(series: np.ndarray, rows: np.ndarray, segment: int) -> Iterator[Tracks]:
    """Group cutoffs (N,) by series and by the phase of their segments; yield TRACKS groups at a time."""
    reads = rows - segment  # the last segment is read together with each forecast
    keys, track = np.unique(series * segment + reads % segment, return_inverse=True)
    ends = np.full(len(keys), np.iinfo(np.int64).min)
    np.maximum.at(ends, track, reads)
    for start in range(0, len(ends), TRACKS):
        cutoff = np.flatnonzero((track >= start) & (track < start + TRACKS))
        behind = (ends[track[cutoff]] - reads[cutoff]) // segment
        part = slice(start, start + TRACKS)
        yield Tracks(keys[part] // segment, ends[part], behind, track[cutoff] - start, cutoff)


def _walk(network: Network, windows: Windows, tracks: Tracks) -> Iterator[tuple[np.ndarray, CarriedState]]:
    """Read the tracks forwards; at each step with cutoffs, yield which of the P they are (P,) and the states there."""
    segment, device = network.architecture.segment, windows.values.device
    series, ends = (torch.from_numpy(column).to(device) for column in (tracks.series, tracks.ends))
    remaining = max(0, -(-int(tracks.ends.max()) // segment))  # segments up to the last cutoff
    carried = CarriedState(None, torch.zeros(len(series), dtype=torch.bool, device=device))
    needed = set(tracks.behind.tolist())
    for stop in sorted({*needed, *range(0, remaining, BLOCK)}, reverse=True):
        if stop < remaining:
            cut = windows.with_context(network.context + (remaining - stop - 1) * segment)
            batch = cut.batch(series, ends - stop * segment)
            carried, remaining = network.carry(batch.past, batch.step, batch.covariates, carried), stop
        if stop in needed:
            yield tracks.behind == stop, carried
