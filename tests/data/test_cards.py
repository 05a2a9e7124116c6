"""Data cards: what they must say, what they must not, and those that are shipped."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.data import DataError, load_card, names
from textrep.data import cards as cards_module
from textrep.data.cards import CardFile, is_address, is_inside

HEAD = (
    'name = "pets"\ntitle = "Pets"\ntask = "t"\nlicence = "CC0"\ncitation = ""\n'
    'homepage = "https://example.org/pets"\nreader = "table"\n'
)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
VALUE = st.one_of(
    TEXT.map(lambda text: "'" + text.replace("'", "") + "'"),
    st.integers(-3, 3).map(str),
    st.sampled_from(["true", "[]", "{}", "{ a = 1 }", '["a"]', "1979-05-27", "nan"]),
)


@pytest.fixture
def card_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cards_module, "corpora_dir", lambda: tmp_path)
    return tmp_path


def read(folder, text: str | bytes):
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "pets.toml").write_bytes(content)
    return load_card("pets")


def test_all_that_a_card_says_is_there(card_folder):
    card = read(
        card_folder,
        HEAD + '[[files]]\npath = "pets/a.tsv"\nurl = "https://example.org/pets.zip"\n'
        f'member = "in/a.tsv"\nchecksum = "md5:{"0" * 32}"\nsplit = "train"\nrole = "labels"\n'
        "[options]\ntext = 1\n[expected.counts]\ntrain = 3\n",
    )
    url = "https://example.org/pets.zip"
    expected = CardFile("pets/a.tsv", url, "in/a.tsv", f"md5:{'0' * 32}", "train", "labels")
    assert card.files == (expected,)
    assert card.options == {"text": 1}
    assert card.expected == {"counts": {"train": 3}}
    assert card.files[0].archive == "pets.zip"


def test_what_is_left_out_is_empty(card_folder):
    card = read(card_folder, HEAD + '[[files]]\npath = "a"\n')
    assert card.files == (CardFile("a", "", "", "", "", "texts"),)
    assert card.files[0].archive == ""
    assert not card.options
    assert not card.expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("= 3", "not valid TOML"),
        (b"\xff", "not valid TOML"),
        (HEAD.replace('title = "Pets"\n', ""), "not a data card: .*title"),
        (HEAD + "size = 3\n", "not a data card: .*size"),
        (HEAD.replace('"pets"', '"cats"'), "name is 'cats'; it must be that of the file"),
        (HEAD.replace('"table"', '"magic"'), "reader is 'magic'; expected one of"),
        (HEAD.replace('"CC0"', "0"), "licence is 0; expected a string"),
        (HEAD + "options = 3\n", "options is 3; expected a table"),
        (HEAD + "files = 3\n", "files is no list of tables"),
        (HEAD + "files = [3]\n", "files is no list of tables"),
        (HEAD + '[[files]]\nurl = "https://example.org"\n', "not a data card: .*path"),
        (HEAD + "[[files]]\npath = 3\n", "file 1: path is 3; expected a string"),
        (HEAD + '[[files]]\npath = "a"\n[[files]]\npath = "a"\n', "path 'a' is there twice"),
        (HEAD + '[[files]]\npath = "../a"\n', r"file 1: path is '\.\./a'; expected a path inside"),
        (HEAD + '[[files]]\npath = "/etc/passwd"\n', "file 1: path is '/etc/passwd'"),
        (HEAD + '[[files]]\npath = "a"\nurl = "file:///etc"\n', "url is 'file:///etc'"),
        (HEAD + '[[files]]\npath = "a"\nmember = "b"\n', "member is 'b'; expected a path inside"),
        (HEAD + '[[files]]\npath = "a"\nchecksum = "sha256:AB"\n', "checksum is 'sha256:AB'"),
        (HEAD + '[[files]]\npath = "a"\nrole = "text"\n', "role is 'text'; expected one of"),
    ],
)
def test_a_faulty_card_is_named_with_its_fault(card_folder, text, message):
    with pytest.raises(DataError, match=rf"pets\.toml: .*{message}"):
        read(card_folder, text)


def test_an_unknown_name_is_answered_with_the_known_ones(card_folder):
    (card_folder / "pets.toml").write_text(HEAD)
    with pytest.raises(DataError, match="there is no corpus 'cats'; the named ones are pets"):
        load_card("cats")
    with pytest.raises(DataError, match=r"no corpus 'Pest'; did you mean 'pets'\? the named ones"):
        load_card("Pest")
    with pytest.raises(DataError, match="there is no corpus None"):
        load_card(None)


@given(
    lines=st.lists(
        st.tuples(
            st.sampled_from(["path", "url", "member", "checksum", "split", "role", "size"]), VALUE
        ),
        max_size=6,
        unique_by=lambda line: line[0],
    ),
    more=st.lists(st.sampled_from(["[options]", "[expected]", "[files]", "[[files]]"]), max_size=3),
)
def test_any_card_is_sound_or_a_data_error(tmp_path_factory, lines, more):
    folder = tmp_path_factory.mktemp("cards")
    text = HEAD + "[[files]]\n" + "\n".join(f"{key} = {value}" for key, value in lines)
    with pytest.MonkeyPatch.context() as context:
        context.setattr(cards_module, "corpora_dir", lambda: folder)
        try:
            card = read(folder, text + "\n" + "\n".join(more))
        except DataError:
            return
    for file in card.files:
        assert (folder / file.path).resolve().is_relative_to(folder.resolve())
        assert not file.url or file.url.startswith(("http://", "https://"))


@given(path=st.text(st.sampled_from("ab./\\:~ \0\n") | st.characters(), max_size=12))
def test_a_path_that_is_inside_stays_inside(tmp_path_factory, path):
    root = tmp_path_factory.getbasetemp()
    if is_inside(path):
        target = root / path
        assert target.is_relative_to(root)
        assert target.parent == root or ".." not in target.relative_to(root).parts
        assert target != root


@given(url=st.text(string.printable, max_size=30) | st.text(max_size=10).map("http://".__add__))
def test_an_address_has_a_host_and_speaks_http(url):
    if is_address(url):
        assert url.lower().startswith(("http://", "https://"))
        assert url.isprintable()


@pytest.mark.parametrize("name", names())
def test_every_card_says_what_people_and_verify_need(name):
    card = load_card(name)
    assert card.title
    assert card.task
    assert card.licence
    assert card.homepage.startswith("http")
    assert card.expected.keys() <= {"counts", "minimum_documents", "minimum_classes"}
    assert card.expected
    assert bool(card.files) != (card.reader == "docstrings")
    parts = set(card.expected.get("counts", {}))
    splits = {file.split for file in card.files if file.split}
    if "counts" in card.expected and splits:
        assert parts == splits
    for file in card.files:
        # An address is a promise; without one, the card says where its files come from instead.
        assert file.url or card.homepage


def test_every_published_set_that_the_project_speaks_of_has_a_card():
    expected = """
        20newsgroups ag_news analogies anki_fra_eng cifar10_jpg cr dbpedia docstrings enwiki
        fashion_mnist glue_cola glue_rte imdb jsb_chorales listops mnist mpqa mr mrpc multi30k_en_cs
        multi30k_en_de multi30k_en_fr nottingham olivetti polyphonic ptb reuters_r8 sms_spam
        snowball spelling sst1 sst2 style_images subj tale_of_two_cities text8 tinyshakespeare trec
        war_and_peace wikitext2 word_sim xlmt_ar xlmt_de xlmt_en xlmt_hi yelp_polarity
    """
    assert set(names()) >= set(expected.split())
