"""Small tables and a small model, and the command line in this process."""

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from rnncli.cli import app

# Set before torch is loaded, as the command line does: test processes share cores, so idle threads must sleep soon.
os.environ["GOMP_SPINCOUNT"] = "1000"
os.environ["RNNCLI_MEMBERS"] = "1"  # one small network in this process, unless a test says otherwise

signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs with & ignores it, and so do its children

settings.register_profile("here", deadline=None, derandomize=True)  # a busy machine is no failure, nor is bad luck
settings.load_profile("here")

SAMPLES = Path(__file__).parent.parent / "sample_data"


# Files that take longest, in this order: a long file that begins last would leave the other test process idle.
LONGEST = ("test_readme.py", "test_train_model.py", "test_resume.py", "train/test_command.py", "test_workers.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""

    def rank(item: pytest.Item) -> int:
        ranks = (number for number, name in enumerate(LONGEST) if item.path.as_posix().endswith(name))
        return next(ranks, len(LONGEST))

    items.sort(key=rank)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Compute with one thread, whatever the test before has set: two test processes share two cores."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


class Outcome(NamedTuple):
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def table(self) -> pd.DataFrame:
        """Its stdout as a table."""
        return pd.read_csv(io.StringIO(self.out))


Command = Callable[..., Outcome]


@pytest.fixture
def rnncli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command line in this process; `stdin` is the content of the pipe.

    Trainings of several networks run here too, one after another: to start a worker takes several seconds. Tests of
    workers set `device.free_cores` themselves.
    """
    monkeypatch.setattr("rnncli.network.device.free_cores", lambda: 1)

    def run(*arguments: object, stdin: bytes | None = None) -> Outcome:
        capfd.readouterr()
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = app.run([str(argument) for argument in arguments])
        sys.stdout.flush()
        return Outcome(code, *capfd.readouterr())

    return run


def hourly(series: int = 3, days: int = 20, seed: int = 0) -> pd.DataFrame:
    """A long table of daily waves: unique_id, ds, y."""
    generator = np.random.default_rng(seed)
    hours = pd.date_range("2024-01-01", periods=24 * days, freq="h")
    tables = []
    for number in range(series):
        wave = 10 + 3 * np.sin(2 * np.pi * (np.arange(len(hours)) - number) / 24)
        noise = 0.3 * generator.standard_normal(len(hours))
        tables.append(pd.DataFrame({"unique_id": f"s{number}", "ds": hours, "y": (number + 1) * (wave + noise)}))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data.csv` and a model `data.rnn` trained on it for a moment."""
    folder = tmp_path_factory.mktemp("workplace")
    hourly().to_csv(folder / "data.csv", index=False)
    arguments = ["train", str(folder / "data.csv"), "--horizon", "6", "--output", str(folder / "data.rnn")]
    assert app.run([*arguments, "--steps", "30", "--hidden", "8", "--context", "48", "--season", "24"]) == 0
    return folder


@pytest.fixture
def data(workplace: Path) -> Path:
    """A long hourly table of three series."""
    return workplace / "data.csv"


@pytest.fixture
def model(workplace: Path) -> Path:
    """A model trained on it: horizon 6, context 48, season 24."""
    return workplace / "data.rnn"
