"""Training through the command line: repeatable, without leakage, with clear failures."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.config.sections import Columns, NetworkOptions, Training
from rnncli.model import card_file
from rnncli.planning.plan import make_plan
from rnncli.training import loop
from tests.conftest import Command, hourly
from tests.frames import from_frame

QUICK = ("--horizon", 6, "--steps", 20, "--hidden", 8, "--context", 48, "--season", 24)


def test_the_same_seed_gives_the_same_bits(rnncli: Command, data: Path, tmp_path: Path) -> None:
    for name in ("one.rnn", "two.rnn"):
        assert rnncli("train", data, *QUICK, "--output", tmp_path / name).code == 0

    assert (tmp_path / "one.rnn").read_bytes() == (tmp_path / "two.rnn").read_bytes()


def test_another_seed_gives_another_model(rnncli: Command, data: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        assert rnncli("train", data, *QUICK, "--seed", seed, "--output", tmp_path / f"{seed}.rnn").code == 0

    assert (tmp_path / "1.rnn").read_bytes() != (tmp_path / "2.rnn").read_bytes()


def test_rows_in_any_order_train_the_same_model(rnncli: Command, data: Path, tmp_path: Path) -> None:
    shuffled = hourly().sample(frac=1, random_state=0)  # not read from `data`: pandas 2 reads some numbers 1 ulp off
    shuffled.to_csv(tmp_path / "shuffled.csv", index=False)
    shuffled.to_parquet(tmp_path / "shuffled.parquet")

    for number, source in enumerate([data, tmp_path / "shuffled.csv", tmp_path / "shuffled.parquet"]):
        assert rnncli("train", source, *QUICK, "--output", tmp_path / f"{number}.rnn").code == 0

    files = [(tmp_path / f"{number}.rnn").read_bytes() for number in range(3)]
    assert files[0] == files[1] == files[2]


def test_training_leaves_the_random_numbers_of_the_process_alone(rnncli: Command, data: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()

    rnncli("train", data, *QUICK, "--output", tmp_path / "m.rnn")

    assert torch.equal(torch.get_rng_state(), before)


def test_denormal_numbers_are_zero_during_training_only(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smallest, seen = torch.finfo(torch.float32).tiny, list[float]()
    real = loop.update

    def watched(*arguments: Any) -> Any:
        seen.append((torch.tensor(smallest) / 2).item())
        return real(*arguments)

    if not torch.set_flush_denormal(True):
        pytest.skip("this processor takes no such numbers for zero")
    torch.set_flush_denormal(False)
    monkeypatch.setattr(loop, "update", watched)

    assert rnncli("train", data, *QUICK, "--output", tmp_path / "m.rnn").code == 0

    assert set(seen) == {0.0}
    assert (torch.tensor(smallest) / 2).item() > 0


def test_validation_rows_change_no_weight(rnncli: Command, tmp_path: Path) -> None:
    """Validation rows may stop the training early, but enter no gradient."""
    frame = hourly()
    plan = make_plan(from_frame(frame, Columns()), NetworkOptions(horizon=6), Training())
    late = frame.groupby("unique_id").cumcount(ascending=False) < plan.split.held_out
    frame.to_parquet(tmp_path / "a.parquet")
    frame.assign(y=frame["y"].where(~late, 1e4)).to_parquet(tmp_path / "b.parquet")
    fixed = (*QUICK, "--base", "seasonal", "--scale", "spread", "--steps", 1)

    for name in ("a", "b"):
        assert rnncli("train", tmp_path / f"{name}.parquet", *fixed, "--output", tmp_path / f"{name}.rnn").code == 0

    early = frame[~late]
    early.to_parquet(tmp_path / "early.parquet")
    raw = (tmp_path / "early.parquet", "--no-conformal")  # the correction is what the rows held out are for
    one, two = (rnncli("forecast", tmp_path / f"{name}.rnn", *raw).table for name in ("a", "b"))
    pd.testing.assert_frame_equal(one, two)


def test_a_diverging_loss_is_a_failure_that_names_the_step(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli(
        "train", data, *QUICK[:2], "--steps", 100, "--learning-rate", 1e9, "--clip", 1e9, "--output", tmp_path / "m.rnn"
    )

    assert outcome.code == 5
    assert "at step" in outcome.err
    assert "--learning-rate" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_validation_loss_that_is_not_finite_is_a_failure(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "mean_loss", lambda *_: float("inf"))

    outcome = rnncli("train", data, *QUICK, "--output", tmp_path / "m.rnn")

    assert outcome.code == 5
    assert "the validation loss was not finite at step" in outcome.err


@pytest.mark.parametrize(
    "options",
    [
        ("--optimiser", "sgd", "--schedule", "plateau", "--warm-up", 0.1),
        ("--l1", 1e-4, "--l2", 1e-4, "--clip-value", 0.1),
        ("--schedule", "cosine", "--optimiser", "rmsprop", "--learning-rate", 1e-3),
    ],
    ids=str,
)
def test_training_options_change_the_model(
    rnncli: Command, data: Path, tmp_path: Path, model: Path, options: tuple[object, ...]
) -> None:
    assert rnncli("train", data, *QUICK, *options, "--output", tmp_path / "m.rnn").code == 0

    one, two = (rnncli("forecast", path, data).table for path in (tmp_path / "m.rnn", model))
    assert np.isfinite(one["rnncli"]).all()
    assert (one["rnncli"] != two["rnncli"]).any()


def test_a_found_learning_rate_is_reported_and_stored_in_the_card(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, *QUICK, "--find-rate", "--output", tmp_path / "m.rnn")

    reason = card_file.read_card(tmp_path / "m.rnn").reasons["learning_rate"]
    assert f"learning rate: {reason}" in outcome.err
    assert 1e-6 < float(reason.removeprefix("a range test found ")) < 0.2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_model_trained_on_a_gpu_forecasts_on_the_processor(rnncli: Command, data: Path, tmp_path: Path) -> None:
    assert rnncli("train", data, *QUICK, "--device", "cuda", "--output", tmp_path / "m.rnn").code == 0

    there = rnncli("forecast", tmp_path / "m.rnn", data, "--device", "cuda").table
    here = rnncli("forecast", tmp_path / "m.rnn", data, "--device", "cpu").table

    pd.testing.assert_frame_equal(here, there, rtol=1e-3)
