"""The structure of the package: which package may import which, and which libraries each may load."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rnncli

ROOT = Path(rnncli.__file__).parent

# Package to the packages it may import. Every row names only earlier rows, so that upward imports cannot be allowed.
ALLOWED: dict[str, set[str]] = {
    "messages": set(),
    "errors": {"messages"},
    "config": {"messages", "errors"},
    "files": {"messages", "errors"},
    "tables": {"messages", "errors", "config", "files"},
    "panel": {"messages", "errors", "config", "tables"},
    "windows": {"messages", "errors", "panel"},
    "network": {"messages", "errors", "config", "windows"},
    "model": {"messages", "errors", "config", "files", "panel", "windows", "network"},
    "evaluation": {"messages", "errors", "config", "panel", "model"},
    "planning": {"messages", "errors", "config", "panel", "evaluation"},
    "training": {
        *("messages", "errors", "config", "files", "panel", "windows", "network", "model", "evaluation", "planning"),
    },
    "diagnostics": {"messages", "errors", "config", "panel", "windows", "network", "model", "evaluation"},
    "cli": {
        *("messages", "errors", "config", "files", "tables", "panel", "windows", "network", "model", "evaluation"),
        *("planning", "training", "diagnostics"),
    },
}

# Library to the packages whose import may load it. Commands of `cli` import late what they need: see the tests below.
LOADED_BY = {
    "pydantic": {"config", "tables", "panel", "windows", "network", "model", *list(ALLOWED)[9:]},
    "numpy": {"tables", "panel", "windows", "network", "model", "evaluation", "planning", "training", "diagnostics"},
    "pyarrow": {"tables", "panel", "windows", "network", "model", "evaluation", "planning", "training", "diagnostics"},
    "pandas": set(),  # imported by the functions that need it
    "torch": {"windows", "network", "model", "evaluation", "training", "diagnostics"},
    "typer": {"cli"},
    "rich": {"cli"},
    "matplotlib": {"cli"},
    "prometheus_client": {"cli"},
}
IMPORTED_BY = {"typer": {"cli"}, "rich": {"cli"}, "matplotlib": {"cli"}, "statsforecast": {"evaluation"}}


def modules() -> dict[str, Path]:
    """Dotted name to file, of every module but the two that start the program."""
    names = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return {name: path for name, path in names.items() if name not in ("rnncli", "rnncli.__main__")}


MODULES = modules()


def package_of(module: str) -> str:
    return module.split(".")[1]


def imports(path: Path) -> set[str]:
    """Dotted names of all that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imported_modules(path: Path) -> set[str]:
    """The modules of rnncli that a file imports: of `from package import name` the package, and the module `name`."""
    return {module for name in imports(path) for module in (name, name.rpartition(".")[0]) if module in MODULES}


def test_at_most_twelve_packages_and_four_modules_lie_side_by_side() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert len(packages) <= 12
    assert len(list(ROOT.glob("*.py"))) <= 4
    assert packages <= set(ALLOWED)


def test_no_package_is_allowed_an_import_from_a_later_one() -> None:
    order = list(ALLOWED)
    for package, allowed in ALLOWED.items():
        assert allowed <= set(order[: order.index(package)])


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may_know(package: str) -> None:
    for module, path in MODULES.items():
        if package_of(module) == package:
            known = {package_of(name) for name in imported_modules(path)} - {package}
            assert known <= ALLOWED[package], module


def test_no_modules_import_one_another_in_a_circle() -> None:
    graph = {module: imported_modules(path) - {module} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("library", IMPORTED_BY)
def test_a_library_is_imported_only_within_its_packages(library: str) -> None:
    importers = {
        package_of(module)
        for module, path in MODULES.items()
        if any(name.split(".")[0] == library for name in imports(path))
    }
    assert importers <= IMPORTED_BY[library]


def loaded_by(package: str) -> set[str]:
    """Top-level names of all that a fresh interpreter has loaded after the import of a whole package."""
    names = [module for module in MODULES if package_of(module) == package]
    code = f"import sys, importlib\nfor name in {names}: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("package", ALLOWED)
def test_importing_a_package_loads_no_package_or_library_it_must_not_know(package: str) -> None:
    loaded = loaded_by(package)
    reachable = {package}
    for other in reversed(list(ALLOWED)):
        if other in reachable:
            reachable |= ALLOWED[other]
    assert {package_of(name) for name in loaded if name.startswith("rnncli.")} <= reachable
    for library, allowed in LOADED_BY.items():
        assert package in allowed | {"cli"} or library not in loaded, library


def after_running(arguments: list[str], loaded: str) -> None:
    """Run a command in a fresh Python and check what it has loaded by then."""
    code = f"import sys\nfrom rnncli.cli import app\napp.run({arguments})\nassert {loaded}"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["forecast", "--help"], ["evaluate", "--help"], ["train", "--horizn"]],
)
def test_help_and_wrong_options_import_no_heavy_library(arguments: list[str]) -> None:
    after_running(arguments, "not {'torch', 'pandas', 'pyarrow', 'numpy'} & set(sys.modules)")


def test_inspecting_a_model_imports_neither_torch_nor_pandas(model: Path) -> None:
    after_running(["inspect", str(model)], "not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)")


def test_inspecting_a_table_imports_no_torch(data: Path) -> None:
    after_running(["inspect", str(data)], "'torch' not in sys.modules")


@pytest.mark.parametrize("columns", [["ds", "y"], ["unique_id", "ds", "y", "heat"]])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_forecasting_imports_no_pandas(columns: list[str], suffix: str, tmp_path: Path) -> None:
    hours = np.arange("2024-01-01", "2024-01-15", dtype="datetime64[h]").astype("datetime64[s]")
    one = pd.DataFrame({"unique_id": "a", "ds": hours, "y": np.arange(len(hours)) % 24.0, "heat": 1.0})
    frame = (one if "unique_id" not in columns else pd.concat([one, one.assign(unique_id="b")]))[columns]
    data, state, output = tmp_path / f"d.{suffix}", tmp_path / "s.state", tmp_path / f"f.{suffix}"
    frame.to_csv(data, index=False) if suffix == "csv" else frame.to_parquet(data)
    options = [
        "--target",
        "y",
        "--horizon",
        "6",
        "--max-age",
        "100000d",
        "--state",
        str(state),
        "--output",
        str(output),
    ]

    after_running(["forecast", str(data), *options], "set(sys.modules).isdisjoint({'pandas', 'torch'})")
    assert output.exists() and state.exists()
    in_zone = [*options[:-4], "--timezone", "Europe/Berlin"]
    after_running(["forecast", str(data), *in_zone], "'pandas' not in sys.modules")


def test_forecasting_with_a_model_imports_neither_torch_nor_pandas(data: Path, model: Path, tmp_path: Path) -> None:
    arguments = [
        "forecast",
        str(model),
        str(data),
        "--state",
        str(tmp_path / "s"),
        "--samples",
        "2",
        "--quantiles",
        "0.3",
    ]
    after_running(arguments, "set(sys.modules).isdisjoint({'pandas', 'torch'})")


def test_forecasting_with_torch_imports_no_optimiser(data: Path, model: Path) -> None:
    arguments = ["forecast", str(model), str(data), "--engine", "torch"]
    after_running(arguments, "'torch' in sys.modules and 'torch._dynamo' not in sys.modules")


def test_training_imports_no_compiler(data: Path, tmp_path: Path) -> None:
    arguments = ["train", str(data), "--horizon", "6", "--steps", "2", "--output", str(tmp_path / "m.rnn")]
    after_running(arguments, "'torch' in sys.modules and 'torch._dynamo' not in sys.modules")
