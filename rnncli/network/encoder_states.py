"""What an encoder whose state is carried over brings along to many cutoffs: each series is read once for all of them.

A window alone does not tell it, and to read the whole past of each would take a long series as often as it has cutoffs.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.network.network import Network
from rnncli.network.tensors import Carried
from rnncli.panel import Cutoffs
from rnncli.windows.windows import Batch, Windows

TRACKS = 256  # series read side by side
BLOCK = 512  # segments read at once


class Track(NamedTuple):
    """Series whose segments begin at the same places, side by side, and where they are left."""

    series: np.ndarray  # (B,)
    ends: np.ndarray  # (B,) rows before the last place where each is left, below 0 where it has not begun
    behind: np.ndarray  # (P,) segments from each of P places to that
    track: np.ndarray  # (P,) which of the series it is in
    place: np.ndarray  # (P,) its number


def batches(network: Network, windows: Windows, places: Cutoffs, chunk: int) -> Iterator[tuple[Batch, Carried | None]]:
    """The windows that end at these places, so many at a time, and what is brought along to them."""
    near = windows.of(network.context)
    for start in range(0, len(places.rows), chunk):
        some = Cutoffs(places.series[start : start + chunk], places.rows[start : start + chunk])
        (batch,) = near.at(some, chunk)
        yield batch, brought_along(network, windows, some)


@torch.inference_mode()
def brought_along(network: Network, windows: Windows, places: Cutoffs) -> Carried | None:
    """What is carried to the last segment before each place; None where nothing ever is."""
    if network.architecture.bptt is None:
        return None
    states: tuple[Tensor, ...] | None = None
    begun = torch.zeros(len(places.rows), dtype=torch.bool, device=windows.values.device)
    for tracks in _tracks(places, network.architecture.segment):
        for picked, carried in _walk(network, windows, tracks):
            begun[tracks.place[picked]] = carried.begun[tracks.track[picked]]
            if carried.state is not None:
                count = len(places.rows)
                states = states or tuple(one.new_zeros(len(one), count, *one.shape[2:]) for one in carried.state)
                for all_of_them, one in zip(states, carried.state, strict=True):
                    all_of_them[:, tracks.place[picked]] = one[:, tracks.track[picked]]
    return Carried(states, begun)


def _tracks(places: Cutoffs, segment: int) -> Iterator[Track]:
    """The places by series and by where segments begin, counted from the cutoff; so many series at a time."""
    reads = places.rows - segment  # the last segment is read with each forecast
    keys, track = np.unique(places.series * segment + reads % segment, return_inverse=True)
    ends = np.full(len(keys), np.iinfo(np.int64).min)
    np.maximum.at(ends, track, reads)
    for start in range(0, len(ends), TRACKS):
        place = np.flatnonzero((track >= start) & (track < start + TRACKS))
        behind = (ends[track[place]] - reads[place]) // segment
        some = slice(start, start + TRACKS)
        yield Track(keys[some] // segment, ends[some], behind, track[place] - start, place)


def _walk(network: Network, windows: Windows, tracks: Track) -> Iterator[tuple[np.ndarray, Carried]]:
    """Which of the P places are come to, as (P,), and what is brought along by all series then; the earliest first."""
    segment, home = network.architecture.segment, windows.values.device
    series, ends = (torch.from_numpy(one).to(home) for one in (tracks.series, tracks.ends))
    left = max(0, -(-int(tracks.ends.max()) // segment))  # segments up to the last place
    carried = Carried(None, torch.zeros(len(series), dtype=torch.bool, device=home))
    needed = set(tracks.behind.tolist())
    for stop in sorted({*needed, *range(0, left, BLOCK)}, reverse=True):
        if stop < left:
            cut = windows.of(network.context + (left - stop - 1) * segment)
            batch = cut.batch(series, ends - stop * segment)
            carried, left = network.carry(batch.past, batch.step, batch.beside, carried), stop
        if stop in needed:
            yield tracks.behind == stop, carried
