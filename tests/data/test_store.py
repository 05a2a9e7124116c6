"""Where files are looked for, and fetching the files of a card."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from tests.data.publisher import Plan, publishing
from textrep.data import DataError, load_card, load_corpus
from textrep.data import cards as cards_module
from textrep.data.fetching import download as download_module
from textrep.data.fetching import extraction as extraction_module
from textrep.data.store import fetch, find_archive, find_here, locate

CATS = b"cat\tmeow\n"
DOGS = b"dog\twoof\n"
# Published elsewhere, as far as the cards know.
HOST = "https://example.org"


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Folders of the test's own: cards, data and cache."""
    for name in ("corpora", "data"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(cards_module, "corpora_dir", lambda: tmp_path / "corpora")
    monkeypatch.setenv("TEXTREP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TEXTREP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download_module, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(download_module, "MAX_WAIT", 0.01)
    return tmp_path


@pytest.fixture
def publisher():
    with publishing() as server:
        yield server


def write_card(places: Path, *files: dict[str, str]) -> None:
    table = "".join(
        "[[files]]\n" + "".join(f'{key} = "{value}"\n' for key, value in file.items())
        for file in files
    )
    (places / "corpora" / "pets.toml").write_text(
        'name = "pets"\ntitle = "Pets"\ntask = "t"\nlicence = "CC0"\ncitation = ""\n'
        f'homepage = "https://example.org/pets"\nreader = "table"\n{table}'
        '[options]\ndelimiter = "tab"\ntext = 1\nlabel = 0\nheader = false\nencoding = "utf-8"\n'
        "[expected.counts.all]\ncat = 1\n"
    )


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_the_data_folder_wins_over_the_cache_and_both_over_a_download(places, publisher):
    write_card(places, {"path": "pets/a.tsv", "url": f"{publisher.url}/a.tsv"})
    publisher.files["/a.tsv"] = b"fetched\tx\n"
    card = load_card("pets")
    assert locate(card, card.files[0], verbose=0).read_bytes() == b"fetched\tx\n"
    assert everything(places / "cache") == ["data/pets/a.tsv"]
    assert locate(card, card.files[0], verbose=0) == places / "cache/data/pets/a.tsv"
    assert len(publisher.asked) == 1
    own = write(places / "data/pets/a.tsv", CATS)
    assert locate(card, card.files[0]) == own
    assert load_corpus("pets").labels == ["cat"]


def test_a_compressed_copy_will_do(places):
    write_card(places, {"path": "pets/a.tsv"})
    own = write(places / "data/pets/a.tsv.gz", gzip.compress(CATS))
    [file] = load_card("pets").files
    assert find_here(file) == own
    assert load_corpus("pets").texts == ["meow"]


def test_a_folder_of_that_name_is_no_file(places):
    write_card(places, {"path": "pets/a.tsv"})
    (places / "data/pets/a.tsv").mkdir(parents=True)
    with pytest.raises(DataError, match="corpus 'pets' is not here"):
        load_corpus("pets")


def test_what_has_no_address_and_is_not_here_says_where_to_get_it(places, monkeypatch):
    write_card(places, {"path": "pets/a.tsv"})
    with pytest.raises(DataError, match=r"get it from https://example.org/pets and set TEXTREP_DA"):
        fetch("pets", verbose=0)
    monkeypatch.delenv("TEXTREP_DATA")
    with pytest.raises(DataError, match="is not set"):
        fetch("pets", verbose=0)


def test_nothing_is_fetched_when_that_is_not_wanted(places, publisher):
    write_card(places, {"path": "pets/a.tsv", "url": f"{publisher.url}/a.tsv"})
    card = load_card("pets")
    with pytest.raises(DataError, match="corpus 'pets' is not here"):
        locate(card, card.files[0], download=False)
    assert publisher.asked == []


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_members_of_one_archive_come_with_one_download(places, publisher, pack):
    content = pack(
        {"./in/a": CATS, "in/b": DOGS, "c": b"no"}
        if pack is tarred
        else {"in/a": CATS, "in/b": DOGS}
    )
    checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
    common = {"url": f"{publisher.url}/pets.zip", "checksum": checksum}
    write_card(
        places,
        {"path": "pets/a.tsv", "member": "in/a", "split": "train", **common},
        {"path": "pets/b.tsv", "member": "in/b", "split": "test", **common},
    )
    publisher.files["/pets.zip"] = content
    paths = fetch("pets", verbose=0)
    assert [path.read_bytes() for path in paths] == [CATS, DOGS]
    assert everything(places / "cache") == ["data/pets/a.tsv", "data/pets/b.tsv"]
    assert len(publisher.asked) == 1
    assert fetch("pets", verbose=0) == paths
    assert len(publisher.asked) == 1


def test_an_archive_in_the_data_folder_is_unpacked_into_the_cache(places):
    write_card(places, {"path": "pets/a.tsv", "url": f"{HOST}/the%20pets.zip", "member": "in/a"})
    own = write(places / "data/pets/the pets.zip", zipped({"in/a": CATS}))
    [file] = load_card("pets").files
    assert find_here(file) is None
    assert find_archive(file) == own
    assert load_corpus("pets").texts == ["meow"]
    assert everything(places / "cache") == ["data/pets/a.tsv"]
    assert everything(places / "data") == ["pets/the pets.zip"]
    own.write_bytes(b"PK")
    (places / "cache/data/pets/a.tsv").unlink()
    with pytest.raises(DataError, match=r"the pets\.zip: .*'pets'.* not a sound archive"):
        load_corpus("pets")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped({"in/b": DOGS}), "the archive holds no file 'in/a'"),
        (zipped({"in/a/": b""}), "the archive holds no file 'in/a'"),
        (zipped({"in/a": CATS * 1000})[:-40], "not a sound"),
        (b"no archive at all", "not a sound"),
        (tarred({"in/b": DOGS}), "not a sound .zip file|holds no file 'in/a'"),
    ],
)
def test_an_archive_without_the_file_is_an_error_and_is_not_kept(
    places, publisher, content, message
):
    write_card(places, {"path": "a", "url": f"{publisher.url}/pets.zip", "member": "in/a"})
    publisher.files["/pets.zip"] = content
    with pytest.raises(DataError, match=message):
        fetch("pets", verbose=0)
    assert everything(places / "cache") == []
    publisher.files["/pets.zip"] = zipped({"in/a": CATS})
    assert fetch("pets", verbose=0)[0].read_bytes() == CATS


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_pipes_in_an_archive_are_no_files(places, publisher, kind):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("in/a")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    write_card(places, {"path": "a", "url": f"{publisher.url}/pets.tar", "member": "in/a"})
    publisher.files["/pets.tar"] = buffer.getvalue()
    with pytest.raises(DataError, match="the archive holds no file 'in/a'"):
        fetch("pets", verbose=0)
    assert everything(places / "cache") == []


def test_names_in_an_archive_never_become_paths(places, publisher):
    evil = {"../../evil": b"x", "/evil": b"x", "in/a": CATS}
    write_card(places, {"path": "pets/a.tsv", "url": f"{publisher.url}/p.zip", "member": "in/a"})
    publisher.files["/p.zip"] = zipped(evil)
    fetch("pets", verbose=0)
    assert everything(places) == ["cache/data/pets/a.tsv", "corpora/pets.toml"]


def test_a_member_larger_than_the_disk_is_refused_before_it_is_unpacked(
    places, publisher, monkeypatch
):
    content = zipped({"in/a": bytes(10_000_000)})
    assert len(content) < 20_000
    write_card(places, {"path": "a", "url": f"{publisher.url}/p.zip", "member": "in/a"})
    publisher.files["/p.zip"] = content
    usage = extraction_module.shutil.disk_usage(places)._replace(free=1_000_000)
    with monkeypatch.context() as context:
        context.setattr(extraction_module.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(DataError, match=r"the disk is full: 10\.0 MB needed, 1\.0 MB free"):
            fetch("pets", verbose=0)
    # The archive came through, and is not fetched a second time.
    assert fetch("pets", verbose=0)[0].stat().st_size == 10_000_000
    assert len(publisher.asked) == 1
    assert everything(places / "cache") == ["data/a"]
    monkeypatch.setattr(extraction_module, "MAX_MEMBER", 9_999_999)
    (places / "cache/data/a").unlink()
    with pytest.raises(DataError, match=r"'in/a' in the archive has 10\.0 MB, more than any corpu"):
        fetch("pets", verbose=0)


def test_a_disk_that_fills_up_while_a_member_is_unpacked_leaves_no_half_file(
    places, publisher, monkeypatch
):
    write_card(places, {"path": "a", "url": f"{publisher.url}/p.zip", "member": "in/a"})
    publisher.files["/p.zip"] = zipped({"in/a": CATS})

    def write_all(file, data):
        file.write(data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as context:
        context.setattr(extraction_module, "write_all", write_all)
        with pytest.raises(DataError, match="the disk is full: 9 bytes needed"):
            fetch("pets", verbose=0)
    assert [name for name in everything(places / "cache") if "archives" not in name] == []
    assert fetch("pets", verbose=0)[0].read_bytes() == CATS


def test_the_error_names_corpus_file_address_and_what_to_do(places, publisher):
    write_card(places, {"path": "pets/a.tsv", "url": f"{publisher.url}/a.tsv"})
    with pytest.raises(
        DataError,
        match=rf"^corpus 'pets': pets/a\.tsv could not be fetched from {publisher.url}/a\.tsv: the "
        rf"server answered 404 Not Found; get the file by other means and put it there as "
        rf"{places}/cache/data/pets/a\.tsv$",
    ):
        load_corpus("pets")


def test_all_files_are_tried_before_the_first_error_is_told(places, publisher):
    names = ("a", "b", "c")
    write_card(places, *({"path": name, "url": f"{publisher.url}/{name}"} for name in names))
    publisher.files["/b"] = CATS
    with pytest.raises(DataError, match=r"pets': a could not .* \(and 1 more of its files\)"):
        fetch("pets", verbose=0)
    assert everything(places / "cache") == ["data/b"]


def test_a_mirror_stands_in_for_the_publisher_and_is_held_to_the_checksum(places, publisher):
    checksum = f"md5:{hashlib.md5(CATS).hexdigest()}"
    write_card(places, {"path": "a", "url": f"{HOST}/sets/a.tsv", "checksum": checksum})
    publisher.files["/m/example.org/sets/a.tsv"] = DOGS
    with pytest.raises(DataError, match=f"its checksum is md5:.* where {checksum} is published"):
        fetch("pets", mirror=f"{publisher.url}/m", verbose=0)
    publisher.files["/m/example.org/sets/a.tsv"] = CATS
    assert fetch("pets", mirror=f"{publisher.url}/m/", verbose=0)[0].read_bytes() == CATS
    own = write(places / "data/a", DOGS)
    assert fetch("pets", mirror=publisher.url, verbose=0) == [own]


@pytest.mark.parametrize("mirror", ["", "/srv/sets", "file:///srv/sets", "localhost:8000"])
def test_a_mirror_that_is_no_address_is_refused(places, mirror):
    write_card(places, {"path": "a", "url": f"{HOST}/a"})
    with pytest.raises(DataError, match=r"mirror=.*expected an address that starts with http"):
        fetch("pets", mirror=mirror, verbose=0)


def test_two_who_fetch_the_same_file_fetch_it_once(places, publisher):
    content = bytes(range(256)) * 1000
    write_card(places, {"path": "a", "url": f"{publisher.url}/a"})
    publisher.files["/a"] = content
    publisher.plans["/a"] = [Plan(pace=0.01)]
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch("pets", verbose=0)[0].read_bytes()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [content] * 4
    assert len(publisher.asked) == 1
    assert everything(places / "cache") == ["data/a"]


@pytest.mark.parametrize("packed", [False, True])
def test_what_a_process_left_in_its_last_moments_is_tidied_up(places, publisher, packed):
    url = f"{publisher.url}/x.zip" if packed else f"{publisher.url}/x.txt"
    content = zipped({"in/a": CATS, "in/b": DOGS}) if packed else CATS
    publisher.files["/x.zip"] = publisher.files["/x.txt"] = content
    members = [{"member": "in/a"}, {"member": "in/b"}] if packed else [{}]
    write_card(places, *({"path": f"pets/{n}", "url": url, **m} for n, m in enumerate(members)))
    paths = fetch("pets", verbose=0)
    before = everything(places / "cache")
    name = f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-x.zip"
    arrival = places / "cache/data/.archives" / name if packed else paths[0]
    for stale in (f".{arrival.name}.lock", f"{arrival.name}.part", f"{arrival.name}.part.json"):
        arrival.with_name(stale).write_bytes(b"")
    if packed:
        arrival.write_bytes(content)
    assert fetch("pets", verbose=0) == paths
    assert everything(places / "cache") == before
    assert len(publisher.asked) == 1


def test_a_cache_that_cannot_be_written_to_is_named(places, publisher, monkeypatch):
    write_card(places, {"path": "pets/a", "url": f"{publisher.url}/a"})
    write(places / "cache" / "data", b"a file where the folder should be")
    with pytest.raises(DataError, match=r"cannot be written to: .*; set TEXTREP_CACHE to a folder"):
        fetch("pets", verbose=0)


def test_without_a_home_the_cache_has_to_be_named(places, publisher, monkeypatch):
    write_card(places, {"path": "a", "url": f"{publisher.url}/a"})
    for variable in ("TEXTREP_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)

    def homeless():
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(DataError, match="no home folder; set TEXTREP_CACHE"):
        fetch("pets", verbose=0)
    own = write(places / "data/a", CATS)
    assert fetch("pets", verbose=0) == [own]
