"""`load_corpus`, the cards and `Corpus`."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from textrep.data import Corpus, DataError, load_card, load_corpus, names
from textrep.data import cards as cards_module
from textrep.data import load as load_module
from textrep.data.load import find_source


@pytest.fixture
def card_folder(tmp_path, monkeypatch):
    """A folder of cards of the test's own, and a data folder beside it."""
    folder = tmp_path / "corpora"
    folder.mkdir()
    monkeypatch.setattr(cards_module, "corpora_dir", lambda: folder)
    monkeypatch.setenv("TEXTREP_DATA", str(tmp_path))
    return folder


def write_card(folder: Path, name: str = "pets", checksum: str = "", extra: str = "") -> None:
    (folder / f"{name}.toml").write_text(
        'name = "pets"\ntitle = "Pets"\ntask = "t"\nlicence = "CC0"\ncitation = ""\n'
        'homepage = "https://example.org/pets"\nreader = "table"\n'
        f'files = [{{ path = "pets.tsv", checksum = "{checksum}" }}]\n{extra}\n'
        '[options]\ndelimiter = "tab"\ntext = 1\nlabel = 0\nheader = false\nencoding = "utf-8"\n'
        "[expected.counts.all]\ncat = 1\ndog = 1\n"
    )


def test_a_table_becomes_a_corpus_that_says_what_was_decided(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("Label,Text\ncat , meow\ndog,woof\n")
    corpus = load_corpus(path)
    assert (corpus.name, corpus.texts, corpus.labels) == ("pets", [" meow", "woof"], ["cat", "dog"])
    assert corpus.notes == ("text is column 'Text', label is column 'Label', with a header",)
    assert corpus.source == str(path)
    assert corpus.split is None


def test_a_missing_label_is_named_with_line_and_column(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("label,text\ncat,meow\n ,woof\n")
    with pytest.raises(DataError, match=r"pets\.csv, line 3, column 'label': the label is missing"):
        load_corpus(path)


def test_a_header_without_rows_is_an_error(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("label,text\n")
    with pytest.raises(DataError, match="a header but no rows"):
        load_corpus(path)


def test_rows_beyond_the_sample_are_read_too(tmp_path):
    path = tmp_path / "many.tsv"
    path.write_text("".join(f"{'ab'[i % 2]}\ttext {i}\n" for i in range(2500)))
    corpus = load_corpus(path)
    assert len(corpus) == 2500
    assert corpus.texts[-1] == "text 2499"


def test_a_folder_becomes_a_corpus_with_its_split(tmp_path):
    for name in ("train/cat/1", "train/dog/1", "test/dog/2"):
        file = tmp_path / "pets" / name
        file.parent.mkdir(parents=True)
        file.write_text(name)
    corpus = load_corpus(tmp_path / "pets")
    assert corpus.counts() == {"test": {"dog": 1}, "train": {"cat": 1, "dog": 1}}
    assert load_corpus(tmp_path / "pets", split="test").texts == ["test/dog/2"]
    with pytest.raises(DataError, match="pets: split='dev': there is only test, train"):
        load_corpus(tmp_path / "pets", split="dev")
    with pytest.raises(DataError, match="text and label are for tables"):
        load_corpus(tmp_path / "pets", text="text")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the name of the corpus is empty; for the current folder give '.'"),
        (b"", "the name of the corpus is empty"),
        (None, "name_or_path is None; expected the name of a corpus or a path"),
        (3, "name_or_path is 3; expected"),
        (["a.csv"], r"name_or_path is \['a.csv'\]; expected"),
        ("x" * 5000, "the name is too long for a file; give the path of a file, not a text"),
        (Path("x" * 5000), "the name is too long for a file"),
        ("a\0b.csv", r"^a\\x00b.csv: no file can be called so: embedded null byte"),
        ("a\ud800.csv", r"^a\\ud800.csv: no file can be called so: "),
        ("no\nsuch\x1b[2Jfile", r"^no\\nsuch\\x1b\[2Jfile: no such file or folder"),
        ("/dev/null", "^/dev/null: a device, not a file"),
    ],
)
def test_what_is_no_path_is_one_short_error(name, message):
    with pytest.raises(DataError, match=message) as error:
        load_corpus(name)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500


def test_a_loop_of_links_is_an_error(tmp_path):
    (tmp_path / "a.csv").symlink_to("a.csv")
    with pytest.raises(DataError, match=r"a\.csv: cannot be read: Too many levels"):
        load_corpus(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["pets.csv", "pets.tsv", "pets.tar.gz", "pets.zip", "pets"])
def test_a_pipe_is_refused_without_being_opened(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=rf"{name}: a pipe, not a file; save what comes out of it"):
        load_corpus(tmp_path / name)


def test_an_unknown_name_suggests_a_known_one():
    with pytest.raises(DataError, match="no corpus of that name; did you mean 'docstrings'"):
        load_corpus("docstring")
    with pytest.raises(
        DataError, match="no corpus of that name; 'textrep data list' shows all names"
    ):
        load_corpus("nothing-like-it")


def test_a_named_corpus_is_looked_up_below_the_data_folder(card_folder):
    write_card(card_folder)
    (card_folder.parent / "pets.tsv").write_text("cat\tmeow\ndog\twoof\n")
    corpus = load_corpus("pets")
    assert corpus.labels == ["cat", "dog"]
    assert len(corpus.notes) == 1
    with pytest.raises(DataError, match="its card says"):
        load_corpus("pets", text="1")


def test_a_mirror_with_other_counts_is_noted(card_folder):
    write_card(card_folder)
    (card_folder.parent / "pets.tsv").write_text("cat\tmeow\ncat\tpurr\n")
    assert "not those of the published Pets" in load_corpus("pets").notes[-1]


def test_a_missing_file_names_variable_file_and_homepage(card_folder, monkeypatch):
    write_card(card_folder)
    with pytest.raises(DataError, match=r"example\.org/pets.*TEXTREP_DATA.*pets\.tsv.*not hold it"):
        load_corpus("pets")
    monkeypatch.delenv("TEXTREP_DATA")
    with pytest.raises(DataError, match=r"TEXTREP_DATA .*\(it is not set\)"):
        load_corpus("pets")


def test_a_data_folder_that_cannot_be_found_is_a_data_error(card_folder, monkeypatch):
    write_card(card_folder)
    monkeypatch.setenv("TEXTREP_DATA", "~nobody-of-that-name/x")
    with pytest.raises(DataError, match="TEXTREP_DATA='~nobody-of-that-name/x'"):
        load_corpus("pets")


def test_a_data_folder_that_must_not_be_looked_at_is_a_data_error(card_folder, monkeypatch):
    write_card(card_folder, checksum="sha256:" + "0" * 64)
    path = card_folder.parent / "pets.tsv"
    path.write_text("cat\tmeow\n")

    def forbidden(self, *arguments, **options):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return original(self, *arguments, **options)

    for method in ("open", "stat"):
        original = getattr(Path, method)
        with monkeypatch.context() as context:
            context.setattr(Path, method, forbidden)
            with pytest.raises(DataError, match=r"pets\.tsv: cannot be read: Permission denied"):
                load_corpus("pets")


def test_the_source_of_a_corpus_is_known_before_it_is_read(card_folder, tmp_path):
    write_card(card_folder)
    assert find_source("pets") is None
    (tmp_path / "pets.tsv").touch()
    assert find_source("pets") == tmp_path / "pets.tsv"
    assert find_source(tmp_path / "a.csv") == tmp_path / "a.csv"
    assert find_source("a.csv") == Path("a.csv")
    with pytest.raises(DataError, match="empty"):
        find_source("")


@pytest.mark.parametrize(
    ("name", "extra", "message"),
    [
        ("pets", "size = 3", "not a data card: .*'size'"),
        ("cats", "", "name is 'pets'; it must be that of the file"),
        ("pets", "= 3", "not valid TOML"),
    ],
)
def test_a_faulty_card_is_named(card_folder, name, extra, message):
    write_card(card_folder, name, extra=extra)
    with pytest.raises(DataError, match=message):
        load_card(name)


def test_a_card_whose_file_says_too_much_is_named(card_folder):
    write_card(card_folder)
    path = card_folder / "pets.toml"
    path.write_text(path.read_text().replace("checksum", "size"))
    with pytest.raises(DataError, match=r"pets\.toml: not a data card: .*'size'"):
        load_card("pets")


def test_an_encoding_means_nothing_to_the_docstrings():
    with pytest.raises(DataError, match="encoding is for files"):
        load_corpus("docstrings", encoding="latin-1")


@pytest.mark.parametrize("name", names())
def test_every_card_says_what_people_need(name):
    card = load_card(name)
    assert card.title
    assert card.task
    assert card.licence
    assert card.homepage.startswith("http")
    assert card.expected
    assert bool(card.files) != (card.reader == "docstrings")


def test_a_corpus_is_frozen_and_its_columns_are_of_one_length():
    corpus = Corpus("pets", ["meow"], ["cat"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        corpus.name = "other"
    with pytest.raises(DataError, match="has 1 texts but 2 labels"):
        Corpus("pets", ["meow"], ["cat", "dog"])
    with pytest.raises(DataError, match="has no split"):
        corpus.part("test")


def test_a_corpus_may_have_no_labels():
    corpus = Corpus("lines", ["a", "b", "c"], split=["train", "test", "train"])
    assert (corpus.classes, corpus.counts()) == ((), {"test": 1, "train": 2})
    assert corpus.part("train").labels is None
    assert corpus.part("train").counts() == {"all": 2}
    assert repr(corpus) == "Corpus('lines', 3 texts, unlabelled, split: test 1, train 2)"
    assert Corpus("lines", ["a"]) == Corpus("lines", ["a"], None)


def test_a_table_may_have_no_labels(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("text\nmeow\nwoof\n")
    corpus = load_corpus(path)
    assert (corpus.texts, corpus.labels) == (["meow", "woof"], None)
    assert corpus.notes == ("text is column 'text', no labels, with a header",)


def test_several_columns_of_texts_are_joined(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("a,b,label\nso much,text,1\n")
    corpus = load_corpus(path, text=["a", "b"])
    assert corpus.texts == ["so much\ntext"]
    assert corpus.notes == ("text is column 'a' and 'b', label is column 'label', with a header",)


@pytest.mark.parametrize("split", [3, "", True])
def test_a_split_of_a_single_file_is_refused(tmp_path, split):
    path = tmp_path / "pets.csv"
    path.write_text("label,text\ncat,meow\n")
    with pytest.raises(DataError, match=r"split is .*; expected a str|there is no split; leave"):
        load_corpus(path, split=split)


def test_what_does_not_fit_into_the_memory_is_told_how_to_be_read(tmp_path, monkeypatch):
    def exhausted(*arguments, **options):
        raise MemoryError

    path = tmp_path / "pets.csv"
    path.write_text("text,label\nmeow,cat\n")
    monkeypatch.setattr(load_module, "Corpus", exhausted)
    with pytest.raises(DataError, match=r"pets\.csv: too large for the memory .*stream_corpus"):
        load_corpus(path)
