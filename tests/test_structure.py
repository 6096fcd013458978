"""The house stands as it was drawn: who imports whom, and what starts at once."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rnncli

ROOT = Path(rnncli.__file__).parent
ORDER = [
    *(
        "errors",
        "words",
        "values",
        "config",
        "files",
        "signals",
        "seal",
        "card",
        "course",
        "header",
        "tables",
        "panel",
        "state",
        "contract",
        "domain",
        "baselines",
        "automatic",
        "metrics",
        "comparison",
        "calibration",
        "gates",
        "split",
        "structural",
        "synthetic",
        "seasons",
        "honoured",
        "designs",
        "tellable",
        "lengths",
        "rivals",
        "choices",
        "windows",
        "scaling",
    ),
    *(
        "bases",
        "inputs",
        "maps",
        "outlook",
        "mixing",
        "cells",
        "views",
        "carrying",
        "decoding",
        "heads",
        "losses",
        "feeding",
        "network",
        "arrivals",
        "sources",
        "device",
        "arithmetic",
        "consensus",
        "model",
        "backtest",
        "importance",
        "health",
        "ridge",
        "descent",
        "checkpoint",
        "fitting",
        "training",
        "crew",
        "workshop",
        "judging",
        "search",
        "estimate",
        "ensemble",
        "live",
        "rolling",
        "following",
        "contest",
        "cli",
    ),
]
INSIDE_PANEL = [
    *("clock", "written", "numbering", "timestamps", "calendar", "blocks", "columns", "covariates"),
    *(
        "cells",
        "hints",
        "sequences",
        "stored",
        "rows",
        "layout",
        "unfinished",
        "build",
        "parts",
        "tail",
        "freshness",
        "forecasts",
        "future",
        "archived",
    ),
]
BORDERS = {
    "pandas": {"tables", "panel", "cli"},
    "pyarrow": {"header", "tables"},
    "torch": {"windows", "scaling", "cli", *ORDER[ORDER.index("bases") :]},
    "typer": {"cli"},
    "rich": {"cli"},
    "statsforecast": {"automatic"},
    "matplotlib": {"cli"},
    "holidays": {"panel"},
}


def rooms() -> list[Path]:
    return sorted(
        path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem not in ("__init__", "__main__")
    )


def imports(path: Path) -> set[str]:
    """Dotted names of all that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


@pytest.mark.parametrize("path", rooms(), ids=str)
def test_a_room_imports_only_from_those_above_it(path: Path) -> None:
    place = ORDER.index(room_of(path))
    for name in imports(path):
        if not name.startswith("rnncli.") or name == "rnncli.__version__":
            continue
        room = name.split(".")[1]
        assert room in ORDER[: place + 1], f"{path.name} imports {name}"
        if room == "panel" and room_of(path) == "panel" and path.stem != "__init__":
            inner = next(part for part in name.split(".")[2:] if part in INSIDE_PANEL)
            assert INSIDE_PANEL.index(inner) < INSIDE_PANEL.index(path.stem)


@pytest.mark.parametrize("path", rooms(), ids=str)
def test_libraries_stay_within_their_borders(path: Path) -> None:
    for name in imports(path):
        library = name.split(".")[0]
        assert room_of(path) in BORDERS.get(library, {room_of(path)}), f"{path.name} imports {library}"


def after_running(arguments: list[str], loaded: str) -> None:
    """Run a command in a fresh Python and check what it has loaded by then."""
    code = f"import sys\nfrom rnncli import cli\ncli.run({arguments})\nassert {loaded}"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["forecast", "--help"], ["train", "--horizn"]])
def test_help_and_wrong_options_import_no_heavy_library(arguments: list[str]) -> None:
    after_running(arguments, "not {'torch', 'pandas', 'pyarrow', 'numpy'} & set(sys.modules)")


def test_inspecting_a_model_imports_neither_torch_nor_pandas(model: Path) -> None:
    after_running(["inspect", str(model)], "not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)")


def test_inspecting_a_table_imports_no_torch(data: Path) -> None:
    after_running(["inspect", str(data)], "'torch' not in sys.modules")


def test_forecasting_imports_no_optimiser(data: Path, model: Path) -> None:
    arguments = ["forecast", str(model), str(data)]
    after_running(arguments, "'torch' in sys.modules and 'torch._dynamo' not in sys.modules")
