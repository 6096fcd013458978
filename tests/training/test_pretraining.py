"""Pretraining: batches from a seed, resuming without a change, no real data, and fine-tuning on a table."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.config.sections import Columns, Config
from rnncli.model.pretrained import package_file
from rnncli.planning.validation_split import split
from rnncli.training.pretraining import __main__ as program
from rnncli.training.pretraining import batches, finetune, pretrain
from rnncli.training.pretraining.batches import GROUPS, make_batch
from rnncli.training.pretraining.pretrain import Pretraining
from rnncli.training.zero_shot import weighed_forecaster
from tests.frames import from_frame


def test_a_batch_depends_on_its_seed_and_number_alone() -> None:
    first, again, other = make_batch(0, 3), make_batch(0, 3), make_batch(0, 4)

    for left, right in zip(first.features, again.features, strict=True):
        assert np.array_equal(left, right)
    assert np.array_equal(first.actual, again.actual)
    assert first.actual.shape != other.actual.shape or not np.array_equal(first.actual, other.actual)


def test_batches_are_of_all_seasons_and_finite() -> None:
    found = [make_batch(1, number) for number in range(25)]

    assert {batch.season for batch in found} <= set(GROUPS)
    assert len({batch.season for batch in found}) > 4
    for batch in found:
        assert all(np.isfinite(values).all() for values in batch.features)
        assert np.isfinite(batch.actual).all()
        assert batch.actual.shape[1] == batch.features.candidates.shape[1] <= batches.STEPS


def test_pretraining_reads_no_data() -> None:
    for path in Path(batches.__file__).parent.glob("*.py"):
        if path.name == "finetune.py":  # which trains on a table, not on what is shipped
            continue
        names = {f"{node.module}" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
        assert not [name for name in names if name.startswith(("rnncli.tables", "rnncli.panel", "pandas", "pyarrow"))]


def test_an_interrupted_pretraining_is_continued_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrain, "CHECKPOINT_EVERY", 2)
    options = Pretraining(updates=4, units=4, width=8)

    whole = pretrain.pretrain(options, tmp_path / "whole.pt", lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(options, tmp_path / "part.pt", _interrupt)
    reports: list[int] = []
    rest = pretrain.pretrain(options, tmp_path / "part.pt", lambda report: reports.append(report.update))

    assert reports == [4]
    assert whole.series == rest.series > 0
    for name, value in whole.weights.items():
        assert np.array_equal(value, rest.weights[name]), name


def _interrupt(report: pretrain.Report) -> None:
    if report.update == 2:
        raise KeyboardInterrupt


def test_the_program_writes_weights_with_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "weights.safetensors"
    arguments = [
        "--output",
        output,
        "--checkpoint",
        tmp_path / "c.pt",
        "--updates",
        1,
        "--leave-out",
        "lines",
        "--members",
        2,
    ]
    monkeypatch.setattr("sys.argv", ["pretraining", *map(str, arguments)])
    monkeypatch.setattr(pretrain, "TEST_BATCHES", 2)

    program.main()
    monkeypatch.setattr(package_file, "PATH", output)
    package_file.load.cache_clear()
    members, card = package_file.load()
    package_file.load.cache_clear()

    assert (card.updates, card.seed, card.data) == (1, 0, "simulated series only")
    assert "lines" not in card.families
    assert card.losses
    assert len(members) == card.members == 2
    assert not np.array_equal(members[0]["output.weight"], members[1]["output.weight"])


def test_the_weights_in_the_package_are_small_and_from_simulated_series() -> None:
    card = package_file.load().card

    assert package_file.PATH.stat().st_size < 5_000_000
    assert card.data == "simulated series only"
    assert card.series > 1_000_000
    assert card.minutes < 90


def test_fine_tuning_lowers_the_error_on_series_unlike_simulated_ones() -> None:
    torch.set_num_threads(1)
    rows, series = 60, 30
    rng = np.random.default_rng(0)
    # every second step is high, which no season tells: hardly any simulated series is like that
    values = 100 + 10 * (np.arange(rows) % 2) + rng.normal(0, 3, (series, rows)).cumsum(axis=1)
    times = np.tile(np.arange(rows), series)
    frame = pd.DataFrame({"unique_id": np.repeat(np.arange(series), rows), "ds": times, "y": values.reshape(-1)})
    panel = from_frame(frame, Columns())
    parts = split(panel, 3, None)
    before = weighed_forecaster(panel.head(parts.training_ends(3)), Config(), 3, 200)

    after = finetune.fine_tuned(before, panel, parts, 3, 40, seed=0)
    again = finetune.fine_tuned(before, panel, parts, 3, 40, seed=0)

    actual = np.stack([panel.series(number)[end : end + 3, 0] for number, end in zip(*parts.validation, strict=True)])
    errors = [
        np.abs(each.quantiles(panel, parts.validation, 3)[:, :, 0, 4] - actual).mean() for each in (before, after)
    ]
    assert errors[1] < 0.98 * errors[0]
    for left, right in zip(after.members, again.members, strict=True):
        assert all(np.array_equal(left[name], right[name]) for name in left)
