"""The downloader against a publisher that breaks every promise, and on a full disk."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.publisher import Plan, publishing
from textrep.data.fetching import download as download_module
from textrep.data.fetching import partial as partial_module
from textrep.data.fetching import request as request_module
from textrep.data.fetching.download import MAX_FAILURES, download
from textrep.data.fetching.faults import Refused
from textrep.data.fetching.locking import locked
from textrep.data.fetching.partial import Partial, Version
from textrep.data.fetching.request import mirrored, parse_length, parse_range

CONTENT = random.Random(3).randbytes(300_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    # Straight to 127.0.0.1, whatever proxy this machine has, and without long pauses.
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download_module, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(download_module, "MAX_WAIT", 0.01)


@pytest.fixture
def publisher():
    with publishing() as server:
        server.files["/sets/pets.bin"] = CONTENT
        yield server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "pets.bin"


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def get(publisher, target, *, path="/sets/pets.bin", checksum=SHA256, verbose=0):
    download(publisher.url + path, target, checksum=checksum, label="pets", verbose=verbose)
    assert left(target.parent) == [target.name]


@pytest.mark.parametrize("checksum", [SHA256, MD5, ""])
def test_a_file_arrives_and_leaves_nothing_beside_it(publisher, target, checksum):
    get(publisher, target, checksum=checksum)
    assert target.read_bytes() == CONTENT
    assert publisher.asked == [("/sets/pets.bin", "")]


def test_progress_is_shown_on_standard_error(publisher, target, capsys):
    get(publisher, target, verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pets: 300/300 kB in ")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("validator", ["etag", "modified", "weak"])
def test_a_connection_cut_anywhere_is_gone_on_with(publisher, target, seed, validator):
    cuts = [random.Random(seed).randrange(1, 60_000) for _ in range(12)]
    options = {
        "etag": {"modified": False},
        "modified": {"etag": False},
        "weak": {"weak": True},
    }[validator]
    publisher.plans["/sets/pets.bin"] = [*(Plan(cut=cut, **options) for cut in cuts), Plan()]
    get(publisher, target)
    assert target.read_bytes() == CONTENT
    starts = [int(asked[6:-1] or 0) for _, asked in publisher.asked]
    assert starts == sorted(starts)
    # Of a connection that is reset, what the system had not handed over yet is lost.
    assert publisher.sent <= len(CONTENT) + sum(cuts)


def test_without_a_validator_a_cut_file_is_begun_anew_unless_its_checksum_tells(publisher, target):
    plan = Plan(cut=100_000, etag=False, modified=False)
    whole = Plan(etag=False, modified=False)
    publisher.plans["/sets/pets.bin"] = [plan, whole]
    get(publisher, target, checksum="")
    assert [asked for _, asked in publisher.asked] == ["", ""]
    target.unlink()
    publisher.plans["/sets/pets.bin"] = [plan, whole]
    get(publisher, target)
    assert publisher.asked[-1][1].startswith("bytes=")
    assert target.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_is_asked_for_all_of_it_again(publisher, target):
    publisher.plans["/sets/pets.bin"] = [Plan(cut=70_000), Plan(ranges=False)]
    get(publisher, target)
    assert target.read_bytes() == CONTENT


def test_a_file_that_changes_between_attempts_is_never_mixed(publisher, target):
    publisher.plans["/sets/pets.bin"] = [Plan(cut=70_000), Plan(status=404)]
    with pytest.raises(Refused):  # a first call that is given up
        download(f"{publisher.url}/sets/pets.bin", target, label="pets", verbose=0)
    assert 0 < Partial(target).size < len(CONTENT)
    publisher.files["/sets/pets.bin"] = newer = CONTENT[::-1] + b"more"
    publisher.plans["/sets/pets.bin"] = [Plan()]
    get(publisher, target, checksum="")
    assert target.read_bytes() == newer


def test_a_server_that_mixes_versions_despite_if_range_is_seen_through(publisher, target):
    tag = {"ETag": '"one"', "Last-Modified": ""}
    publisher.plans["/sets/pets.bin"] = [
        Plan(cut=70_000, headers=tag),
        # It sends the rest of another version: another tag, another length.
        Plan(headers={"ETag": '"two"', "Last-Modified": ""}, etag=False, modified=False),
        Plan(headers={"ETag": '"two"', "Last-Modified": ""}),
    ]
    get(publisher, target, checksum="")
    assert target.read_bytes() == CONTENT


def test_a_part_that_starts_elsewhere_is_not_appended(publisher, target):
    publisher.plans["/sets/pets.bin"] = [Plan(cut=70_000), Plan(start=100), Plan()]
    get(publisher, target, checksum="")
    assert target.read_bytes() == CONTENT


def test_pieces_that_give_a_wrong_checksum_are_fetched_once_more_in_one(publisher, target):
    Partial(target).begin(Version(f"{publisher.url}/sets/pets.bin", "", "", len(CONTENT))).close()
    Partial(target).path.write_bytes(b"\0" * 1000)
    publisher.plans["/sets/pets.bin"] = [Plan(etag=False, modified=False)]
    get(publisher, target)
    assert target.read_bytes() == CONTENT
    assert [asked for _, asked in publisher.asked] == ["bytes=1000-", ""]


def test_a_length_that_is_too_long_is_an_error_after_a_few_attempts(publisher, target):
    publisher.plans["/sets/pets.bin"] = [Plan(longer=10)]
    with pytest.raises(Refused, match="has only 300,000 of the 300,010 bytes that it announced"):
        download(f"{publisher.url}/sets/pets.bin", target, label="pets", verbose=0)
    assert not target.exists()
    assert len(publisher.asked) <= 2 * MAX_FAILURES


def test_a_length_that_is_too_short_is_caught_by_the_checksum(publisher, target):
    publisher.plans["/sets/pets.bin"] = [Plan(longer=-10)]
    with pytest.raises(Refused, match=f"its checksum is sha256:.* where {SHA256} is published"):
        download(f"{publisher.url}/sets/pets.bin", target, checksum=SHA256, label="p", verbose=0)
    assert left(target.parent) == []


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_a_length_that_is_too_short_is_caught_by_the_file_itself(publisher, tmp_path, kind):
    publisher.files["/sets/pets.gz"] = gzip.compress(CONTENT)
    publisher.files["/sets/pets.zip"] = zipped(cat=CONTENT)
    publisher.plans[f"/sets/pets.{kind}"] = [Plan(longer=-10)]
    target = tmp_path / "pets"
    with pytest.raises(Refused, match=f"not a sound .{kind} file"):
        download(f"{publisher.url}/sets/pets.{kind}", target, label="pets", verbose=0)
    assert left(tmp_path) == []
    publisher.plans[f"/sets/pets.{kind}"] = [Plan()]
    download(f"{publisher.url}/sets/pets.{kind}", target, label="pets", verbose=0)
    assert target.read_bytes() == publisher.files[f"/sets/pets.{kind}"]


def test_an_empty_file_is_an_error(publisher, target):
    publisher.files["/sets/pets.bin"] = b""
    with pytest.raises(Refused, match="what came is empty"):
        download(f"{publisher.url}/sets/pets.bin", target, label="pets", verbose=0)
    assert left(target.parent) == []


def test_validators_that_no_header_can_hold_are_none(publisher, target):
    headers = {"ETag": '"caf\xe9"', "Last-Modified": "fr\xfcher"}
    publisher.plans["/sets/pets.bin"] = [Plan(cut=70_000, headers=headers), Plan()]
    get(publisher, target, checksum="")
    assert [asked for _, asked in publisher.asked] == ["", ""]


def test_a_wrong_checksum_is_an_error_and_the_file_is_not_kept(publisher, target):
    publisher.files["/sets/pets.bin"] = CONTENT[:-1] + b"\0"
    with pytest.raises(Refused, match="its checksum is md5:"):
        download(f"{publisher.url}/sets/pets.bin", target, checksum=MD5, label="pets", verbose=0)
    assert left(target.parent) == []
    assert len(publisher.asked) == 1


@pytest.mark.parametrize(
    ("plan", "message", "attempts"),
    [
        (Plan(status=404), "the server answered 404 Not Found", 1),
        (Plan(status=403), "the server answered 403 Forbidden", 1),
        (Plan(status=500), "the server answered 500 .* \\(5 attempts\\)", MAX_FAILURES),
        (Plan(status=503, headers={"Retry-After": "1"}), "503 Service", MAX_FAILURES),
        (Plan(status=204), "the server answered 204 No Content, not with a file", 1),
        (Plan(status=302), "the server answered 302|redirection cannot be followed", 1),
        (Plan(status=302, headers={"Location": "/sets/pets.bin"}), "infinite loop", None),
        (Plan(status=302, headers={"Location": "file:///etc/passwd"}), "not allowed", 1),
        (Plan(status=302, headers={"Location": "ftp://127.0.0.1/x"}), "neither http nor https", 1),
        (Plan(status=302, headers={"Location": "http://127.0.0.1:x/"}), "neither http nor", 1),
        (Plan(headers={"Content-Type": "text/html"}), "a web page came instead of the file", 1),
        (Plan(headers={"Content-Encoding": "br"}), "in the coding 'br'", 1),
        (Plan(closed=True), "does not say how long the file is", 1),
        (Plan(closed=True, headers={"Content-Length": "many"}), "does not say how long", 1),
    ],
)
def test_what_the_server_refuses_or_misstates_is_one_error(
    publisher, target, plan, message, attempts
):
    publisher.plans["/sets/pets.bin"] = [plan]
    with pytest.raises(Refused, match=message):
        download(f"{publisher.url}/sets/pets.bin", target, label="pets", verbose=0)
    assert not target.exists()
    assert attempts is None or len(publisher.asked) == attempts


def test_a_server_that_recovers_is_forgiven(publisher, target):
    plans = [Plan(status=500), Plan(cut=0), Plan(status=429), Plan(cut=5), Plan(status=503), Plan()]
    publisher.plans["/sets/pets.bin"] = plans
    get(publisher, target)
    assert target.read_bytes() == CONTENT


def test_redirections_are_followed(publisher, target):
    publisher.plans["/old"] = [Plan(status=301, headers={"Location": "/sets/pets.bin"})]
    get(publisher, target, path="/old")
    assert target.read_bytes() == CONTENT


def test_a_redirection_from_https_to_http_is_refused():
    request = request_module.urllib.request.Request("https://example.org/a")
    with pytest.raises(Refused, match=r"from https to http://example\.org/b"):
        request_module._Redirects().redirect_request(
            request, io.BytesIO(), 302, "Found", Message(), "http://example.org/b"
        )


def test_certificates_are_verified(publisher, target):
    # The publisher speaks no TLS at all; what matters is that nothing turns the check off.
    handlers = request_module.urllib.request.build_opener(request_module._Redirects).handlers
    [https] = [h for h in handlers if type(h).__name__ == "HTTPSHandler"]
    context = https._context
    import ssl

    default = ssl.create_default_context() if context is None else context
    assert default.verify_mode == ssl.CERT_REQUIRED
    assert default.check_hostname
    url = publisher.url.replace("http:", "https:")
    with pytest.raises(Refused, match="connection failed"):
        download(f"{url}/sets/pets.bin", target, label="pets", verbose=0)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "pets.bin"])
def test_only_http_is_spoken(target, url):
    with pytest.raises(Refused, match="not an address that starts with http"):
        download(url, target, label="pets", verbose=0)
    assert left(target.parent) == []


def test_a_server_that_stalls_is_left_and_asked_again(publisher, target, monkeypatch):
    monkeypatch.setattr(request_module, "TIMEOUT", 1.0)
    publisher.plans["/sets/pets.bin"] = [Plan(stall=4.0), Plan()]
    get(publisher, target)
    assert target.read_bytes() == CONTENT
    assert publisher.asked[1][1] == f"bytes={1 << 14}-"


def test_a_server_that_is_not_there_is_an_error(target):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(Refused, match=r"the connection failed: Connection refused \(5 attempts"):
        download(f"http://127.0.0.1:{port}/x", target, label="pets", verbose=0)


def test_chunks_are_whole_or_fetched_again(publisher, target):
    plans = [Plan(chunked=True, cut=70_000), Plan(chunked=True, ranges=False)]
    publisher.plans["/sets/pets.bin"] = plans
    get(publisher, target, checksum="")
    assert target.read_bytes() == CONTENT


def test_a_close_tells_the_end_of_what_has_a_check_of_its_own(publisher, tmp_path):
    publisher.files["/pets.gz"] = gzip.compress(CONTENT)
    publisher.plans["/pets.gz"] = [Plan(closed=True, cut=99_999), Plan(closed=True)]
    get(publisher, tmp_path / "pets.gz", path="/pets.gz", checksum="")
    assert (tmp_path / "pets.gz").read_bytes() == publisher.files["/pets.gz"]


def test_a_whole_part_file_is_put_in_place_without_a_request(publisher, target):
    url = f"{publisher.url}/sets/pets.bin"
    Partial(target).begin(Version(url, '"tag"', "", len(CONTENT))).close()
    Partial(target).path.write_bytes(CONTENT)
    get(publisher, target)
    assert publisher.asked == []


@pytest.mark.parametrize("size", [0, 10, 300_000, 300_001])
@pytest.mark.parametrize(
    "note",
    [
        None,
        '{"url": "x", "etag": "é"}'.encode(),
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"url": 3}',
        b'{"url": "x", "length": -1}',
        b"\xff",
    ],
)
def test_whatever_lies_beside_the_target_the_file_is_right_in_the_end(
    publisher, target, size, note
):
    partial = Partial(target)
    partial.path.write_bytes(b"\0" * size)
    if note is not None:
        partial.note.write_bytes(note)
    get(publisher, target, checksum="")
    assert target.read_bytes() == CONTENT


def test_a_full_disk_says_how_much_is_needed_and_keeps_what_came(publisher, target, monkeypatch):
    room = 100_000
    original = partial_module.write_all

    def write(file, data):
        rest = room - Partial(target).size
        original(file, data[: max(rest, 0)])
        if len(data) > rest:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as context:
        context.setattr(download_module, "write_all", write)
        with pytest.raises(
            Refused, match=r"the disk is full: 2\d\d\.\d kB needed, .* free"
        ) as fault:
            download(f"{publisher.url}/sets/pets.bin", target, label="pets", verbose=0)
    assert "what has come is kept" in fault.value.fix
    assert Partial(target).size == room
    get(publisher, target)
    assert publisher.asked[-1][1] == f"bytes={room}-"
    assert target.read_bytes() == CONTENT


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    publisher, target, monkeypatch
):
    usage = download_module.shutil.disk_usage(target.parent)._replace(free=299_999)
    monkeypatch.setattr(download_module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Refused, match=r"300\.0 kB needed, 300\.0 kB free|full"):
        download(f"{publisher.url}/sets/pets.bin", target, label="pets", verbose=0)
    assert not target.exists()


_LIMITED = """
import resource, sys
from pathlib import Path
from textrep.data.fetching.download import download
from textrep.data.fetching.faults import Refused
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    download(sys.argv[1], Path(sys.argv[2]), label="pets", verbose=0)
except Refused as fault:
    sys.exit(f"{fault}; {fault.fix}")
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of the system are POSIX")
def test_a_real_limit_of_the_system_is_a_full_disk_too(publisher, target, checkout):
    answer = subprocess.run(
        [sys.executable, "-c", _LIMITED, f"{publisher.url}/sets/pets.bin", str(target)],
        capture_output=True,
        text=True,
        cwd=checkout,
    )
    assert answer.returncode == 1, answer.stderr
    assert answer.stderr.startswith("the disk is full: 250.0 kB needed, ")
    assert ", so a quota or a limit on the size of files is reached" in answer.stderr
    assert Partial(target).size == 50_000
    get(publisher, target)
    assert publisher.asked[-1][1] == "bytes=50000-"
    assert target.read_bytes() == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_device_that_is_full_is_a_full_disk(publisher, target):
    Partial(target).path.symlink_to("/dev/full")
    with pytest.raises(Refused, match=r"the disk is full: 300\.0 kB needed"):
        download(f"{publisher.url}/sets/pets.bin", target, label="pets", verbose=0)


def test_a_folder_that_cannot_be_written_to_is_named(publisher, target, monkeypatch):
    def refuse(self, version):
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Partial, "begin", refuse)
    with pytest.raises(Refused, match="cannot be written to: Read-only file system") as fault:
        download(f"{publisher.url}/sets/pets.bin", target, label="pets", verbose=0)
    assert "TEXTREP_CACHE" in fault.value.fix


_SMALL_DISK = """
mount -t tmpfs -o size=128k tmpfs "$3" || exit 77
"$1" -c "$2" "$4" "$3/pets.bin"
code=$?
stat -c "%s bytes are kept" "$3/pets.bin.part"
exit $code
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare on this system")
@pytest.mark.parametrize("chunked", [False, True])
def test_a_real_disk_that_is_full_before_or_while_it_is_written_to(
    publisher, tmp_path, checkout, chunked
):
    """A file system of 128 kB in a mount namespace, which any user may have where that is on."""
    publisher.plans["/sets/pets.bin"] = [Plan(chunked=chunked)]
    shell = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _SMALL_DISK, "sh"]
    code = _LIMITED.replace("resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))", "")
    url = f"{publisher.url}/sets/pets.bin"
    answer = subprocess.run(
        [*shell, sys.executable, code, str(tmp_path), url],
        capture_output=True,
        text=True,
        cwd=checkout,
    )
    if answer.returncode != 1:
        pytest.skip(f"no file systems of its own for a user here: {answer.stderr.strip()}")
    # Without a length in advance, nobody knows how much is needed.
    needed = "" if chunked else r"300\.0 kB needed, "
    free = "0 bytes" if chunked else r"131\.1 kB"
    assert re.match(rf"the disk is full: {needed}{free} free in ", answer.stderr), answer.stderr
    # All but the page of the note on them.
    assert answer.stdout == ("126976 bytes are kept\n" if chunked else "")


_CHILD = """
import sys
from pathlib import Path
from textrep.data.fetching.download import download
download(sys.argv[1], Path(sys.argv[2]), checksum=sys.argv[3], label="pets", verbose=0)
"""


SMALL = CONTENT[:40_000]
SMALL_SHA256 = f"sha256:{hashlib.sha256(SMALL).hexdigest()}"
FAULTS = st.builds(
    Plan,
    cut=st.none() | st.integers(0, len(SMALL)),
    longer=st.sampled_from([0, 0, 0, -5, 5]),
    ranges=st.booleans(),
    etag=st.booleans(),
    modified=st.booleans(),
    weak=st.booleans(),
    status=st.sampled_from([None] * 6 + [204, 404, 416, 500, 503]),
    closed=st.booleans(),
    chunked=st.booleans(),
    start=st.sampled_from([0, 0, 0, 3]),
)


@given(
    plans=st.lists(FAULTS, max_size=8),
    checked=st.booleans(),
    changes=st.booleans(),
)
def test_after_any_faults_in_any_order_a_file_is_whole_or_not_there(
    tmp_path_factory, plans, checked, changes
):
    # A length that is too short is all that nothing but a checksum can tell from the truth.
    if not checked:
        plans = [replace(plan, longer=abs(plan.longer)) for plan in plans]
    target = tmp_path_factory.mktemp("faults") / "pets.bin"
    with pytest.MonkeyPatch.context() as context, publishing() as publisher:
        context.setenv("no_proxy", "*")
        context.setattr(download_module, "FIRST_WAIT", 0.0)
        publisher.files["/pets.bin"] = SMALL[::-1] if changes else SMALL
        publisher.plans["/pets.bin"] = [*plans, Plan(status=404)]
        url, checksum = f"{publisher.url}/pets.bin", SMALL_SHA256 if checked else ""
        for _ in range(2):
            with contextlib.suppress(Refused):
                download(url, target, checksum=checksum, label="pets", verbose=0)
            if target.exists():
                assert target.read_bytes() == publisher.files["/pets.bin"]
                return
            publisher.files["/pets.bin"] = SMALL
        publisher.plans["/pets.bin"] = [Plan()]
        download(url, target, checksum=checksum, label="pets", verbose=0)
        assert target.read_bytes() == SMALL


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
@pytest.mark.parametrize("seed", range(3))
def test_a_process_killed_at_any_moment_leaves_what_the_next_one_completes(
    publisher, target, checkout, seed
):
    publisher.plans["/sets/pets.bin"] = [Plan(pace=0.01)]
    command = [sys.executable, "-c", _CHILD, f"{publisher.url}/sets/pets.bin", str(target), SHA256]
    random_ = random.Random(seed)
    for _ in range(4):
        before = len(publisher.asked)
        child = subprocess.Popen(command, cwd=checkout)
        while len(publisher.asked) == before and child.poll() is None:
            time.sleep(0.005)
        time.sleep(random_.uniform(0, 0.08))
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not target.exists() or target.read_bytes() == CONTENT
    subprocess.run(command, cwd=checkout, check=True)
    assert target.read_bytes() == CONTENT
    assert left(target.parent) == [target.name]


def test_a_lock_lets_one_in_at_a_time_and_vanishes(tmp_path):
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with locked(tmp_path / ".x.lock", verbose=0):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
    assert left(tmp_path) == []


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_mirror_holds_hosts_and_paths():
    address = "https://example.org:8080/a%20b/c+d.zip?raw=1"
    assert mirrored(address, None) == address
    for mirror in ("http://[::1]:80/m", "http://[::1]:80/m/"):
        assert mirrored(address, mirror) == "http://[::1]:80/m/example.org/a%20b/c+d.zip?raw=1"


@given(first=st.integers(0, 10**17), more=st.integers(0, 10**6), known=st.booleans())
def test_every_sound_content_range_is_understood(first, more, known):
    total = first + more + 1
    text = f"bytes {first}-{total - 1}/{total if known else '*'}"
    assert parse_range(text) == (first, total if known else None)


@given(text=st.text(max_size=30) | st.from_regex(r"bytes ?-?\d+-\d*/(\d+|\*)", fullmatch=True))
def test_no_content_range_gives_nonsense(text):
    found = parse_range(text)
    if found is not None:
        first, total = found
        assert first >= 0
        assert total is None or first < total


@given(text=st.text("0123456789 -+_٣\u00b2,", max_size=25))
def test_no_content_length_gives_nonsense(text):
    headers = Message()
    headers["Content-Length"] = text
    length = parse_length(headers)
    assert length is None or (length >= 0 and str(length) == text.strip().lstrip("0").rjust(1, "0"))


@given(
    st.dictionaries(
        st.sampled_from(["url", "etag", "modified", "length"]),
        st.none() | st.text() | st.integers(),
    )
)
def test_no_note_gives_a_version_of_the_wrong_types(tmp_path_factory, table):
    partial = Partial(tmp_path_factory.mktemp("note") / "x")
    partial.note.write_text(json.dumps(table))
    version = partial.version()
    if version is not None:
        assert all(isinstance(text, str) for text in (version.url, version.etag, version.modified))
        assert version.length is None or version.length >= 0
