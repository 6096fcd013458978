"""A file appears whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rnncli.errors import RequestError
from rnncli.files.atomic import atomic_writer, check_writable, replace_keeping_previous, replace_on_exit


def test_a_file_appears_when_all_is_written(tmp_path: Path) -> None:
    with atomic_writer(tmp_path / "f") as stream:
        stream.write(b"new")
        assert not (tmp_path / "f").exists()

    assert (tmp_path / "f").read_bytes() == b"new"


def test_after_a_failure_only_the_old_file_remains(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")

    with pytest.raises(ValueError, match="stop"), atomic_writer(tmp_path / "f") as stream:
        stream.write(b"half")
        raise ValueError("stop")

    assert (tmp_path / "f").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_permissions_and_links_are_kept(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")

    with atomic_writer(tmp_path / "link") as stream:
        stream.write(b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()

    with atomic_writer(tmp_path / "f") as stream:
        stream.write(b"new")

    assert (tmp_path / "f").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom rnncli.files.atomic import atomic_writer\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"with atomic_writer(Path({str(tmp_path / 'f')!r})) as stream:\n    stream.write(b'x' * 100_000)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "RequestError: cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_two_files_of_one_name_are_written_and_the_last_one_stays(tmp_path: Path) -> None:
    with atomic_writer(tmp_path / "f") as first, atomic_writer(tmp_path / "f") as second:
        first.write(b"first")
        second.write(b"second")

    assert (tmp_path / "f").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_file_is_replaced_only_when_the_block_ends(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")

    with replace_on_exit(tmp_path / "f", b"new"):
        assert (tmp_path / "f").read_bytes() == b"old"

    assert (tmp_path / "f").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_the_previous_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")

    assert replace_keeping_previous(tmp_path / "f", b"new", b"old") == tmp_path / "f.previous"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"f": b"new", "f.previous": b"old"}


@pytest.mark.parametrize("moment", ["os.fsync", "os.replace"])
@pytest.mark.parametrize("end", ["SIGKILL", "SIGINT"])
def test_a_killed_process_leaves_the_old_file(tmp_path: Path, moment: str, end: str) -> None:
    (tmp_path / "f").write_bytes(b"old")
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom rnncli.files.atomic import atomic_writer\n"
        f"{moment} = lambda *_: os.kill(os.getpid(), signal.{end})\n"
        f"with atomic_writer(Path({str(tmp_path / 'f')!r})) as stream:\n    stream.write(b'killed')"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.DEVNULL)

    assert done.returncode == -signal.Signals[end]
    temporary = {path.name for path in tmp_path.iterdir()} - {"f"}
    assert len(temporary) == (1 if end == "SIGKILL" else 0)
    assert all(name.startswith(".f.") for name in temporary)
    assert (tmp_path / "f").read_bytes() == b"old"
    with atomic_writer(tmp_path / "f") as stream:
        stream.write(b"new")
    assert (tmp_path / "f").read_bytes() == b"new"


def test_a_device_is_written_to_directly() -> None:
    with atomic_writer(Path(os.devnull)) as stream:
        stream.write(b"gone")

    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(("name", "message"), [("none/f", "there is no folder"), (".", "it is a folder")])
def test_an_unwritable_path_is_refused_beforehand(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=message):
        check_writable(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused_beforehand(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(RequestError, match="not writable"):
        check_writable(tmp_path / "f")
