import errno
import os
import stat
from pathlib import Path

import pytest

from textrep.core.files import atomic_write


def only(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_only_when_the_block_ends(tmp_path):
    target = tmp_path / "model"
    with atomic_write(target) as file:
        file.write(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert only(tmp_path) == ["model"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_an_error_keeps_the_old_file_and_leaves_nothing(tmp_path, error):
    target = tmp_path / "model"
    target.write_bytes(b"old")

    def fail():
        with atomic_write(target) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert target.read_bytes() == b"old"
    assert only(tmp_path) == ["model"]


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")])
def test_a_failure_of_the_system_keeps_the_old_file(tmp_path, monkeypatch, owner, call):
    target = tmp_path / "model"
    target.write_bytes(b"old")

    def fail(*args):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(owner, call, fail)
    with pytest.raises(OSError, match="input/output"), atomic_write(target) as file:
        file.write(b"new")
    assert target.read_bytes() == b"old"
    assert only(tmp_path) == ["model"]


def test_bytes_are_on_disk_before_the_rename(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd)))
    monkeypatch.setattr(Path, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    with atomic_write(tmp_path / "model") as file:
        file.write(b"new")
    assert calls == ["fsync", "replace", "fsync"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_permissions_are_the_umask_s_or_those_of_the_old_file(tmp_path):
    target = tmp_path / "model"
    old = os.umask(0o027)
    try:
        with atomic_write(target) as file:
            file.write(b"new")
    finally:
        os.umask(old)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    target.chmod(0o600)
    with atomic_write(target) as file:
        file.write(b"newer")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="making a link may need a privilege")
def test_a_symbolic_link_stays_one(tmp_path):
    target, link = tmp_path / "model", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with atomic_write(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_folders_are_named_in_errors(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"), atomic_write(tmp_path):
        pass
    with (
        pytest.raises(FileNotFoundError, match="does not exist; make it first"),
        atomic_write(tmp_path / "none" / "model"),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a thing of POSIX")
def test_a_pipe_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="device or a pipe"), atomic_write(pipe) as file:
        file.write(b"x")
    assert pipe.is_fifo()
