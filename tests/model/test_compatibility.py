"""Model files of format 6 that were written before the restructuring of the code load and forecast the same values.

`files/passengers-format6.rnn` was trained on the sample data with `--members 2 --hidden 8 --context 24 --steps 60
--seed 1 --horizon 12`; the table next to it is its output for `--level 80`.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from rnncli.model import card_file, weights_file
from rnncli.model.card import FORMAT
from tests.conftest import Command

FILES = Path(__file__).parent / "files"
MODEL = FILES / "passengers-format6.rnn"
DATA = Path(__file__).parents[2] / "sample_data" / "passengers.csv"


def test_an_older_model_file_forecasts_what_it_forecast_when_it_was_written(rnncli: Command) -> None:
    expected = pd.read_csv(FILES / "passengers-format6.csv")

    outcome = rnncli("forecast", MODEL, DATA, "--level", 80)

    assert outcome.code == 0
    assert list(outcome.table) == list(expected)
    assert outcome.table["month"].tolist() == expected["month"].tolist()
    values = expected.columns[1:]
    np.testing.assert_allclose(outcome.table[values], expected[values], atol=1)  # counts: rounding may differ by 1


def test_an_older_card_is_read_and_written_with_the_same_content_in_the_new_format(tmp_path: Path) -> None:
    model = weights_file.load(MODEL)
    weights_file.save(model, tmp_path / "again.rnn")

    older, newer = card_file.read_card(MODEL), card_file.read_card(tmp_path / "again.rnn")
    assert (older.format, newer.format) == (6, FORMAT)
    assert newer.model_copy(update={"format": older.format}) == older
    assert newer.pretrained is None
    assert len(model.networks) == 2
    assert model.calibration is not None
