"""Named corpora: what a card says is what is read."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from textrep.data import Corpus, DataError, load_card, load_corpus, names, stream_corpus
from textrep.data import cards as cards_module
from textrep.data.docstrings import cache
from textrep.data.readers.paths import Asked, open_path

SHARED = os.environ.get("TEXTREP_DATA")


@pytest.fixture
def card(tmp_path, monkeypatch):
    """Writes a card of the test's own and the files beside it."""
    folder = tmp_path / "corpora"
    folder.mkdir()
    monkeypatch.setattr(cards_module, "corpora_dir", lambda: folder)
    monkeypatch.setenv("TEXTREP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TEXTREP_CACHE", str(tmp_path / "cache"))

    def write(reader: str, entries: str, options: str = "", expected: str = "", **content) -> None:
        (folder / "pets.toml").write_text(
            'name = "pets"\ntitle = "Pets"\ntask = "t"\nlicence = "CC0"\ncitation = ""\n'
            f'homepage = "https://example.org/pets"\nreader = "{reader}"\n'
            f"files = [{entries}]\n[options]\n{options}\n{expected}\n"
        )
        for name, text in content.items():
            path = tmp_path / "data" / name.replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())

    return write


PARTS = '{path = "train.txt", split = "train"}, {path = "test.txt", split = "test"}'
ALIGNED = (
    '{path = "a.en", split = "train"}, {path = "a.de", split = "train", role = "labels"}, '
    '{path = "b.de", split = "test", role = "labels"}, {path = "b.en", split = "test"}'
)


def test_each_file_is_the_part_that_its_card_says(card):
    card("table", PARTS, 'delimiter = "space"\ntext = 1\nlabel = 0\nheader = false',
         train__txt="0 to be\n1 or not\n", test__txt="1 to be \n")  # fmt: skip
    corpus = load_corpus("pets")
    assert corpus.texts == ["to be", "or not", "to be "]
    assert corpus.labels == ["0", "1", "1"]
    assert corpus.split == ["train", "train", "test"]
    assert Path(corpus.source).name == "data"
    assert [piece.texts for piece in stream_corpus("pets", chunk_size=2)] == [
        ["to be", "or not"],
        ["to be "],
    ]


def test_only_the_part_that_is_asked_for_is_looked_for(card):
    card("lines", PARTS, train__txt="one\ntwo\n")
    corpus = load_corpus("pets", split="train")
    assert (corpus.texts, corpus.labels, corpus.split) == (["one", "two"], None, None)
    with pytest.raises(DataError, match=r"test\.txt"):
        load_corpus("pets")
    with pytest.raises(DataError, match="pets: split='dev': there is only test, train; leave spl"):
        load_corpus("pets", split="dev")


def test_without_a_label_in_its_card_a_table_has_none(card):
    card("table", '{path = "a.tsv"}', "text = 0\nheader = false", a__tsv="x\ty\nz\tw\n")
    assert load_corpus("pets").labels is None


def test_pairs_of_texts_are_joined(card):
    card("table", '{path = "a.tsv"}', "text = [1, 2]\nlabel = 0\nheader = false",
         a__tsv='0\t"one\ttwo\n1\tthree\t"\n')  # fmt: skip
    assert load_corpus("pets").texts == ['"one\ntwo', 'three\n"']


def test_a_card_can_turn_quoting_on_and_off(card):
    options = 'delimiter = "comma"\ntext = 1\nlabel = 0\nheader = false\nquoting = '
    card("table", '{path = "a.csv"}', options + "false", a__csv='0,"one\n1,two"\n')
    assert load_corpus("pets").texts == ['"one', 'two"']
    card("table", '{path = "a.csv"}', options + "true", a__csv='0,"one\n1,two"\n')
    assert load_corpus("pets").texts == ["one\n1,two"]


def test_lines_of_two_files_belong_together(card):
    card("lines", ALIGNED, a__en="one\u2028and\n\ntwo\r\n", a__de=" eins\nnichts\nzwei\r\n",
         b__en="three", b__de="drei")  # fmt: skip
    corpus = load_corpus("pets")
    assert list(zip(corpus.texts, corpus.labels, corpus.split, strict=True)) == [
        ("one\u2028and", "eins", "train"),
        ("", "nichts", "train"),
        ("two", "zwei", "train"),
        ("three", "drei", "test"),
    ]
    assert load_corpus("pets", split="test").labels == ["drei"]


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ("one\ntwo\n", "eins\n", r"a\.de, line 2: 1 lines, fewer than a\.en, which belongs"),
        ("one\n", "eins\nzwei\n", r"a\.en, line 2: 1 lines, fewer than a\.de, which belongs"),
        ("one\ntwo\n", "eins\n \n", r"a\.de, line 2: the label is missing"),
        ("one\n", "", r"a\.de: the file is empty"),
    ],
)
def test_files_that_are_not_aligned_are_an_error(card, texts, labels, message):
    card("lines", ALIGNED, a__en=texts, a__de=labels, b__en="x", b__de="y")
    with pytest.raises(DataError, match=message):
        load_corpus("pets")


@pytest.mark.parametrize(("blank", "count"), [("skip", 3), ("keep", 4), ("document", 2)])
def test_blank_lines_are_what_the_card_says(card, blank, count):
    card("lines", '{path = "a.txt"}', f'blank = "{blank}"', a__txt="a\nb\n\nc\n")
    assert len(load_corpus("pets")) == count


@pytest.mark.parametrize("reader", ["jsonl", "parquet"])
def test_records_are_read_by_the_keys_of_the_card(card, reader, tmp_path):
    card(reader, f'{{path = "a.{reader}"}}', 'text = "body"\nlabel = "stars"',
         a__jsonl='{"body": "so", "stars": 5, "text": "no"}\n')  # fmt: skip
    if reader == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        table = pyarrow.table({"text": ["no"], "body": ["so"], "stars": [5]})
        parquet.write_table(table, tmp_path / "data" / "a.parquet")
        with pytest.raises(DataError, match="encoding is for text files"):
            load_corpus("pets", encoding="utf-8")
    corpus = load_corpus("pets")
    assert (corpus.texts, corpus.labels) == (["so"], ["5"])


@pytest.mark.parametrize(
    ("expected", "agrees"),
    [
        ("[expected.counts]\ntrain = 2\ntest = 1", True),
        ("[expected.counts]\ntrain = 2\ntest = 2", False),
        ("[expected.counts.train]\na = 1\nb = 1\n[expected.counts.test]\na = 1", True),
        ("[expected.counts.train]\na = 2\n[expected.counts.test]\na = 1", False),
        ("[expected]\nminimum_documents = 9", True),
        ("", True),
    ],
)
def test_a_mirror_with_other_counts_is_noted(card, expected, agrees):
    card("table", PARTS, 'delimiter = "tab"\ntext = 1\nlabel = 0\nheader = false', expected,
         train__txt="a\tone\nb\ttwo\n", test__txt="a\tthree\n")  # fmt: skip
    assert any("published Pets" in note for note in load_corpus("pets").notes) != agrees
    assert all("published Pets" not in note for note in next(stream_corpus("pets")).notes)
    if agrees:
        for part in ("train", "test"):
            assert len(load_corpus("pets", split=part).notes) == 1


@pytest.mark.parametrize(
    ("reader", "entries", "options", "message"),
    [
        (
            "files",
            '{path = "a.idx"}',
            "",
            "corpus 'pets' is not one of .*: Pets, for t; 'textrep data fetch pets'",
        ),
        ("lines", '{path = "a.txt"}', "colour = 3", "has the option 'colour', which the reader"),
        ("lines", '{path = "a.txt"}', 'blank = "no"', "blank is 'no'; expected 'skip'"),
        ("table", '{path = "a.txt"}', 'delimiter = ";"', "delimiter=';': expected one of"),
        ("lines", '{path = "a.txt", role = "labels"}', "", "which part each file is"),
        ("lines", '{path = "a.txt"}, {path = "b.txt", split = "x"}', "", "which part each file is"),
        ("lines", ALIGNED.replace('"labels"', '"other"', 1), "", "gives labels to some of its fil"),
    ],
)
def test_what_a_card_cannot_mean_is_one_error(card, reader, entries, options, message):
    files = dict.fromkeys(("a__txt", "b__txt", "a__en", "a__de", "b__en", "b__de"), "x\n")
    card(reader, entries, options, **files)
    with pytest.raises(DataError, match=message):
        load_corpus("pets")


def test_an_archive_of_one_table_is_read_where_a_card_says_so(card, tmp_path):
    card("table", '{path = "a.zip"}', 'delimiter = "tab"\ntext = 0\nlabel = 1\nheader = false')
    (tmp_path / "data").mkdir()
    with zipfile.ZipFile(tmp_path / "data" / "a.zip", "w") as archive:
        archive.writestr("_about.txt", "words")
        archive.writestr("fra.txt", "Go.\tVa !\n")
    assert load_corpus("pets").labels == ["Va !"]
    with zipfile.ZipFile(tmp_path / "data" / "a.zip", "w") as archive:
        archive.writestr("cat/1.txt", "words")
        archive.writestr("dog/2.txt", "words")
    with pytest.raises(DataError, match=r"a\.zip: 2 files, none of which is the one table"):
        load_corpus("pets")


def test_the_docstrings_come_in_pieces_too(monkeypatch):
    built = Corpus("docstrings", ["a", "b", "c"], ["x", "y", "x"], versions={"python": "3"})
    monkeypatch.setattr(cache, "load_docstrings", lambda card: built)
    pieces = list(stream_corpus("docstrings", chunk_size=2))
    assert [(piece.texts, piece.labels) for piece in pieces] == [
        (["a", "b"], ["x", "y"]),
        (["c"], ["x"]),
    ]
    assert pieces[0].versions == built.versions
    with pytest.raises(DataError, match="docstrings: split='train': there is no split; leave"):
        load_corpus("docstrings", split="train")


def _here(name: str) -> list[str | None]:
    """Parts of a corpus, all files of which are in the data folder; None is the whole."""
    root = Path(str(SHARED))
    missing = {
        file.split or None
        for file in load_card(name).files
        if file.role != "other"
        and not any((root / f"{file.path}{end}").is_file() for end in ("", ".gz"))
    }
    parts = {file.split or None for file in load_card(name).files if file.role == "texts"}
    return [None] if not missing else sorted(part for part in parts - missing if part)


SLOW = ("20newsgroups", "enwiki", "imdb", "anki_fra_eng")
TEXTS = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
    for name in names()
    if load_card(name).reader not in ("files", "docstrings")
]


@pytest.mark.skipif(SHARED is None, reason="TEXTREP_DATA is not set: no published data here")
@pytest.mark.parametrize("name", TEXTS)
def test_published_sets_have_the_counts_of_their_cards(name):
    parts = _here(name)
    if not parts:
        pytest.skip(f"TEXTREP_DATA holds nothing of {name}")
    counts = load_card(name).expected.get("counts", {})
    for part in parts:
        corpus = load_corpus(name, split=part)
        assert not [note for note in corpus.notes if "published" in note]
        for each, expected in ({"all": counts[part]} if part else counts).items():
            found = corpus.counts()[each]
            if isinstance(expected, int) and not isinstance(found, int):
                found = sum(found.values())
            assert found == expected


@pytest.mark.skipif(SHARED is None, reason="TEXTREP_DATA is not set: no published data here")
@pytest.mark.parametrize("name", ["xlmt_hi", "glue_rte", "ptb", "mrpc", "sst2"])
def test_a_part_of_a_published_set_is_that_part_of_the_whole(name):
    if _here(name) != [None]:
        pytest.skip(f"TEXTREP_DATA holds not all files of {name}")
    whole = load_corpus(name)
    for part in whole.parts:
        alone, of_whole = load_corpus(name, split=part), whole.part(part)
        assert (alone.texts, alone.labels) == (of_whole.texts, of_whole.labels)
        assert not [note for note in alone.notes if "published" in note]


def test_a_path_that_is_not_there_is_an_error_below_the_front_door_too(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        open_path(tmp_path / "none", Asked())
