"""Folders that are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from textrep.core import folders
from textrep.core.folders import atomic_folder


class NoSpace(OSError):
    """What a full disk raises."""


def write(path: Path, text: str) -> None:
    with atomic_folder(path) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file.txt").write_text(text)


def write_half(path: Path) -> None:
    with atomic_folder(path) as folder:
        (folder / "file").write_text("half")
        raise KeyboardInterrupt


def held(folder: Path) -> dict[str, str]:
    """Every file below a folder and what is in it, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(params=["exchange", "two renames"])
def way(request, monkeypatch):
    """Both ways to take the place of a folder: not every file system knows the first."""
    if request.param == "two renames":
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)


def test_a_folder_is_made_and_replaced_as_a_whole(tmp_path, way):
    write(tmp_path / "it", "old")
    (tmp_path / "it" / "extra").write_text("of the old one")
    write(tmp_path / "it", "new")
    assert held(tmp_path) == {"it/deep/file.txt": "new"}


def test_nothing_is_seen_before_the_end(tmp_path):
    with atomic_folder(tmp_path / "it") as folder:
        (folder / "file").write_text("half")
        assert not (tmp_path / "it").exists()
    assert held(tmp_path / "it") == {"file": "half"}


def test_an_error_inside_keeps_the_old_folder(tmp_path, way):
    write(tmp_path / "it", "old")
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "it")
    assert held(tmp_path) == {"it/deep/file.txt": "old"}


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_failure_at_any_call_keeps_the_old_folder_or_the_new_one(
    tmp_path, monkeypatch, way, call
):
    """Whichever of the calls fails, as on a full disk: no half folder, nothing left over."""
    target = tmp_path / "it"
    write(target, "old")
    for nth in itertools.count():
        with monkeypatch.context() as patch:
            calls = _fail_at(patch, call, nth)
            with contextlib.suppress(NoSpace):
                write(target, "new")
        assert held(tmp_path) in ({"it/deep/file.txt": "old"}, {"it/deep/file.txt": "new"})
        if len(calls) <= nth:  # nothing failed
            break
    assert held(tmp_path) == {"it/deep/file.txt": "new"}


def _fail_at(patch: pytest.MonkeyPatch, call: str, nth: int) -> list[int]:
    """Let the nth call of fsync, or of renaming a path, fail; gives the calls made."""
    calls: list[int] = []

    def failing(original):
        def function(*arguments):
            calls.append(len(calls))
            if calls[-1] == nth:
                raise NoSpace(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return original(*arguments)

        return function

    if call == "fsync":
        patch.setattr(folders.os, "fsync", failing(os.fsync))
    else:
        patch.setattr(Path, "rename", failing(Path.rename))
    return calls


def test_a_killed_process_leaves_the_old_folder(tmp_path):
    target = tmp_path / "it"
    write(target, "old")
    program = (
        "import sys, time\n"
        "from textrep.core.folders import atomic_folder\n"
        "with atomic_folder(sys.argv[1]) as folder:\n"
        "    (folder / 'half').write_text('half')\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(target)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert held(target) == {"deep/file.txt": "old"}
    write(target, "new")
    assert held(target) == {"deep/file.txt": "new"}


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match="give the name of a folder"):
        write(tmp_path / "file", "new")
    with pytest.raises(FileNotFoundError, match="does not exist; make it first"):
        write(tmp_path / "missing" / "it", "new")
    assert held(tmp_path) == {"file": "mine"}


def test_a_link_is_followed(tmp_path):
    write(tmp_path / "it", "old")
    (tmp_path / "link").symlink_to("it")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert held(tmp_path / "it") == {"deep/file.txt": "new"}


def test_permissions_of_the_old_folder_are_kept(tmp_path, way):
    write(tmp_path / "it", "old")
    (tmp_path / "it").chmod(0o750)
    write(tmp_path / "it", "new")
    assert (tmp_path / "it").stat().st_mode & 0o777 == 0o750
