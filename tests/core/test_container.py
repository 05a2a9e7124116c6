import hashlib
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load as load_safetensors

from textrep.core.container import FORMAT_VERSION, Contents, PersistError, read, write

CONTENTS = Contents(
    {"hello": [1, 2.5, None, "\ud800"]},
    {"a0": np.arange(6, dtype=np.float32).reshape(2, 3), "a1": np.zeros(0, np.int64)},
    {"parts/0.skops": b"not looked into"},
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.textrep"
    write(path, CONTENTS)
    return path


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, members, compression=zipfile.ZIP_STORED, sign=True):
    """Write members, with a manifest that agrees with them unless told otherwise."""
    if sign:
        manifest = json.loads(members["manifest.json"])
        manifest["members"] = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
            if name != "manifest.json"
        }
        members = {**members, "manifest.json": json.dumps(manifest).encode()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def edit_manifest(path, **changes):
    members = members_of(path)
    manifest = {**json.loads(members["manifest.json"]), **changes}
    rewrite(path, {**members, "manifest.json": json.dumps(manifest).encode()}, sign=False)


def test_contents_come_back(file):
    contents = read(file)
    assert contents.model == CONTENTS.model
    assert contents.parts == CONTENTS.parts
    assert set(contents.arrays) == set(CONTENTS.arrays)
    for name, array in CONTENTS.arrays.items():
        assert contents.arrays[name].dtype == array.dtype
        assert contents.arrays[name].shape == array.shape
        assert (contents.arrays[name] == array).all()
        assert contents.arrays[name].flags.writeable


def test_the_file_is_an_ordinary_zip_of_json_and_safetensors(file):
    members = members_of(file)
    manifest = json.loads(members["manifest.json"])
    assert manifest["format"] == "textrep-model"
    assert manifest["format_version"] == FORMAT_VERSION
    assert manifest["libraries"]["numpy"] == np.__version__
    assert (load_safetensors(members["arrays.safetensors"])["a0"] == CONTENTS.arrays["a0"]).all()


def test_the_same_contents_give_the_same_bytes(tmp_path, file):
    write(tmp_path / "again", CONTENTS)
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_a_newer_version_is_refused_with_both_versions(file):
    edit_manifest(file, format_version=FORMAT_VERSION + 1, textrep="9.0")
    with pytest.raises(PersistError, match=r"format version 2, written by textrep '9.0'.*Upgrade"):
        read(file)


@pytest.mark.parametrize("version", [0, -1, "1", None, 1.0, True])
def test_an_unknown_version_is_refused(file, version):
    edit_manifest(file, format_version=version)
    with pytest.raises(PersistError, match="unknown format_version"):
        read(file)


def test_another_format_is_refused(file):
    edit_manifest(file, format="other-model")
    with pytest.raises(PersistError, match="does not name the format 'textrep-model'"):
        read(file)


@pytest.mark.parametrize("data", [b"", b"P", b"\x80\x04K\x01.", b"text" * 100, b"PK\x05\x06" * 6])
def test_what_is_no_zip_is_refused(tmp_path, data):
    path = tmp_path / "model"
    path.write_bytes(data)
    with pytest.raises(PersistError, match="not a model file of textrep"):
        read(path)


def test_another_zip_is_refused(tmp_path):
    path = tmp_path / "model"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    with pytest.raises(PersistError, match=r"no member 'manifest.json'"):
        read(path)


@pytest.mark.parametrize("name", ["model.json", "arrays.safetensors", "parts/0.skops"])
def test_a_missing_member_is_refused(file, name):
    members = members_of(file)
    del members[name]
    rewrite(file, members, sign=False)
    with pytest.raises(PersistError, match="the members are not those"):
        read(file)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "parts/../../evil.skops", "parts/a.skops", "data.pkl"]
)
def test_an_unexpected_member_is_refused(file, name):
    rewrite(file, {**members_of(file), name: b""})
    with pytest.raises(PersistError, match="unexpected member"):
        read(file)


def test_a_member_that_occurs_twice_is_refused(file):
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("model.json", "{}")
    with pytest.raises(PersistError, match="occurs twice"):
        read(file)


def test_compressed_members_are_refused_before_they_swell(file):
    members = members_of(file)
    rewrite(file, {**members, "model.json": b" " * 10**7 + b"{}"}, zipfile.ZIP_DEFLATED)
    with pytest.raises(PersistError, match="compressed"):
        read(file)


@pytest.mark.parametrize("name", ["model.json", "arrays.safetensors", "parts/0.skops"])
def test_a_changed_member_is_refused(file, name):
    members = members_of(file)
    changed = bytes([members[name][0] ^ 1]) + members[name][1:]
    rewrite(file, {**members, name: changed}, sign=False)
    with pytest.raises(PersistError, match=rf"member '{name}' has another SHA-256"):
        read(file)
    rewrite(file, {**members, name: members[name] + b" "}, sign=False)
    with pytest.raises(PersistError, match=rf"member '{name}' has another size"):
        read(file)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"]
)
def test_malformed_json_is_refused(file, data):
    rewrite(file, {**members_of(file), "model.json": data})
    with pytest.raises(PersistError, match=r"'model.json' is not valid JSON"):
        read(file)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        b"\x02\x00\x00\x00\x00\x00\x00\x00{}extra",
        b'\x3c\x00\x00\x00\x00\x00\x00\x00{"a0":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}'
        + b"     "
        + b"\x00" * 4,
    ],
)
def test_malformed_safetensors_are_refused(file, data):
    rewrite(file, {**members_of(file), "arrays.safetensors": data})
    with pytest.raises(PersistError, match="not valid safetensors"):
        read(file)


def test_every_truncation_is_refused(file, tmp_path):
    whole = file.read_bytes()
    cut = tmp_path / "cut"
    for length in range(0, len(whole), 7):
        cut.write_bytes(whole[:length])
        with pytest.raises(PersistError):
            read(cut)


@given(st.data())
def test_damaged_bytes_raise_persist_error_or_change_nothing(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "model"
    write(path, CONTENTS)
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        contents = read(path)
    except PersistError:
        return
    # Dates and other idle bytes of the zip may change without changing what is read.
    assert contents.model == CONTENTS.model
    assert contents.parts == CONTENTS.parts


def test_a_missing_file_is_an_ordinary_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")


def test_a_pipe_or_a_device_is_refused_without_being_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PersistError, match="it is a pipe, not a file"):
        read(tmp_path / "pipe")
    with pytest.raises(PersistError, match="it is a device, not a file"):
        read(Path("/dev/null"))
