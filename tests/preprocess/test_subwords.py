"""Subwords beside the tokenizers library used by hand."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import text as sklearn_text
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import textrep
from tests.preprocess import data
from textrep.preprocess import SubwordTokenizer
from textrep.preprocess.subword_training import MODELS

TEXTS = [
    "It was the best of times, it was the worst of times,",
    "it was the age of wisdom, it was the age of foolishness,",
    "it was the epoch of belief, it was the epoch of incredulity,",
    "it was the season of Light, it was the season of Darkness,",
    "Ähnlich naïve 文字 ging es weiter — ähnlich weit.",
    "",
]
SIZE = 320


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    return SubwordTokenizer(model=request.param, vocab_size=SIZE).fit(TEXTS)


def by_hand(model, lowercase=False):
    """The library's own way to the same tokenizer."""
    if model == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=SIZE,
            min_frequency=2,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    elif model == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=SIZE, min_frequency=2, special_tokens=["[UNK]"], show_progress=False
        )
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=SIZE, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
        )
    if lowercase and model != "wordpiece":
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


@pytest.mark.parametrize("lowercase", [False, True])
def test_bpe_is_the_librarys_own(lowercase):
    ours = SubwordTokenizer(vocab_size=SIZE, lowercase=lowercase).fit(TEXTS)
    peer = by_hand("bpe", lowercase)
    assert json.loads(ours.tokenizer_.to_str()) == json.loads(peer.to_str())
    for text in TEXTS:
        assert ours.tokenize(text) == peer.encode(text).tokens
        assert ours.encode(text) == peer.encode(text).ids


@pytest.mark.parametrize("lowercase", [False, True])
def test_unigram_has_the_pieces_of_the_librarys_own(lowercase):
    ours = SubwordTokenizer(model="unigram", vocab_size=SIZE, lowercase=lowercase).fit(TEXTS)
    peer = by_hand("unigram", lowercase)
    assert set(ours.vocabulary_) == set(peer.get_vocab())
    scores, peers = (
        dict(map(tuple, json.loads(tokenizer.to_str())["model"]["vocab"]))
        for tokenizer in (ours.tokenizer_, peer)
    )
    # The library gives pruned characters the least score and up to 0.0001 a piece more.
    assert all(abs(scores[piece] - peers[piece]) <= 1e-4 * len(scores) for piece in scores)
    longer = [piece for piece in scores if len(piece) > 1]
    assert longer
    assert all(abs(scores[piece] - peers[piece]) <= 1e-4 for piece in longer)


@pytest.mark.parametrize("lowercase", [False, True])
def test_wordpiece_differs_from_the_librarys_own_in_ties_only(lowercase):
    ours = SubwordTokenizer(model="wordpiece", vocab_size=SIZE, lowercase=lowercase).fit(TEXTS)
    peer = by_hand("wordpiece", lowercase)
    vocabulary, peers = ours.vocabulary_, peer.get_vocab()
    assert {piece for piece in vocabulary if len(piece.removeprefix("##")) == 1} == {
        piece for piece in peers if len(piece.removeprefix("##")) == 1
    }
    # Whatever was merged first, these words come whole out of so few texts.
    for text in ("it was the best of times", "season of belief"):
        tokens = ours.tokenize(text)
        assert all(token in vocabulary for token in tokens)
        assert ours.decode(ours.encode(text)) == peer.decode(peer.encode(text).ids).replace(
            " ##", ""
        )
    assert ours.tokenizer_.normalizer.normalize_str("ÀÉ") == peer.normalizer.normalize_str("ÀÉ")


def test_the_same_texts_give_the_same_tokenizer(checkout):
    # The library's hash tables have another order in every process, and in every fit.
    code = f"""
import sys; sys.path.insert(0, {str(checkout)!r})
from textrep.preprocess import SubwordTokenizer
texts = {TEXTS!r}
for model in {MODELS!r}:
    print(ascii(SubwordTokenizer(model=model, vocab_size={SIZE}).fit(texts).tokenizer_.to_str()))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    for _ in range(3):
        fits = [SubwordTokenizer(model=model, vocab_size=SIZE).fit(TEXTS) for model in MODELS]
        assert [ascii(fit.tokenizer_.to_str()) for fit in fits] == answer.stdout.splitlines()


BPE = SubwordTokenizer(vocab_size=300, special_tokens=("<s>",)).fit(TEXTS)


@given(st.one_of(st.text(), st.text(alphabet="<s> \n\tĠé文🙂\x00")))
def test_bpe_gives_back_any_text(text):
    assert BPE.decode(BPE.encode(text)) == text
    assert (
        "".join(BPE.tokenize(text)).encode() == BPE.transform([text])[0].replace(" ", "").encode()
    )


def test_texts_it_was_learnt_from_come_back(fitted):
    for text in TEXTS[:3]:
        answer = fitted.decode(fitted.encode(text))
        if fitted.model == "wordpiece":  # it keeps no white space
            assert answer.replace(" ", "") == text.replace(" ", "")
        else:
            assert answer == text


def test_transform_puts_spaces_between_the_tokens(fitted):
    transformed = fitted.transform(TEXTS)
    assert transformed == [" ".join(fitted.tokenize(text)) for text in TEXTS]
    assert [text.split() for text in transformed] == fitted.tokenize_texts(TEXTS)
    assert transformed[-1] == ""


def test_numbers_are_those_of_the_vocabulary(fitted):
    vocabulary = fitted.vocabulary_
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    assert len(vocabulary) <= SIZE
    for text in TEXTS:
        assert fitted.encode(text) == [vocabulary[token] for token in fitted.tokenize(text)]


@pytest.mark.parametrize(("model", "unknown"), [("wordpiece", "[UNK]"), ("unigram", "<unk>")])
def test_what_was_never_seen_is_unknown(model, unknown):
    tokenizer = SubwordTokenizer(model=model, vocab_size=100).fit(["so much text"])
    assert tokenizer.vocabulary_[unknown] == 0
    assert 0 in tokenizer.encode("Ω")


def test_special_tokens_come_first_and_out_of_no_text(fitted):
    specials = ("[PAD]", "[CLS]")
    params = {**fitted.get_params(), "special_tokens": specials}
    tokenizer = SubwordTokenizer(**params).fit([*TEXTS, "[ P A D ] C L S"])
    first = {"bpe": [], "wordpiece": ["[UNK]"], "unigram": ["<unk>"]}[fitted.model]
    assert list(tokenizer.vocabulary_)[: len(first) + 2] == [*first, *specials]
    assert not set(tokenizer.tokenize("[CLS] [PAD] it")) & set(specials)
    assert tokenizer.decode([len(first)]) == "[PAD]"


@pytest.mark.parametrize("vectorizer", [sklearn_text.CountVectorizer, textrep.CountVectorizer])
def test_it_plugs_into_a_vectoriser(fitted, vectorizer):
    counter = vectorizer(tokenizer=fitted.tokenize, token_pattern=None, lowercase=False)
    X = counter.fit_transform(TEXTS)
    for row, text in zip(X.toarray(), TEXTS, strict=True):
        counts = {token: row[column] for token, column in counter.vocabulary_.items()}
        assert Counter(fitted.tokenize(text)) == Counter(
            {token: int(count) for token, count in counts.items() if count}
        )


def test_a_file_of_hugging_face_is_read(fitted, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer = Tokenizer.from_str(fitted.tokenizer_.to_str())
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=50)
    tokenizer.save(str(path))
    read = SubwordTokenizer.from_file(path)
    assert read.model == fitted.model
    assert read.vocabulary_ == fitted.vocabulary_
    assert read.transform(TEXTS) == fitted.transform(TEXTS)
    assert repr(read).startswith("SubwordTokenizer(")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "not a tokenizer.json"),
        (b"{}", "not a tokenizer.json"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b'{"version":"1.0","model":{"type":"WordPiece"}}', "not a tokenizer.json"),
        (
            Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]")).to_str().encode(),
            "of kind 'wordlevel'; expected one of bpe, wordpiece, unigram",
        ),
    ],
)
def test_a_file_that_is_none_is_refused(content, named, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=named):
        SubwordTokenizer.from_file(path)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"model": "words"}, "model='words'; expected 'bpe', 'wordpiece' or 'unigram'"),
        ({"vocab_size": 0}, "vocab_size=0"),
        ({"vocab_size": True}, "vocab_size=True"),
        ({"vocab_size": 8e3}, "vocab_size=8000.0"),
        ({"min_frequency": -1}, "min_frequency=-1"),
        ({"lowercase": 1}, "lowercase=1"),
        ({"special_tokens": "[PAD]"}, r"special_tokens='\[PAD\]'"),
        ({"special_tokens": ("",)}, "none of them empty"),
        ({"vocab_size": 255}, "vocab_size=255 is too small for the 256 bytes that.*least 256"),
        ({"vocab_size": 256, "special_tokens": ("<s>",)}, "256 bytes and 1 special.*least 257"),
        ({"model": "wordpiece", "vocab_size": 5}, "vocab_size=5 is too small for the"),
        ({"model": "unigram", "vocab_size": 5}, "vocab_size=5 is too small for the"),
    ],
)
def test_wrong_parameters_are_named(parameters, named):
    with pytest.raises(ValueError, match=named):
        SubwordTokenizer(**parameters).fit(TEXTS)


@pytest.mark.parametrize("model", ["wordpiece", "unigram"])
def test_the_least_size_that_the_message_names_is_enough(model):
    with pytest.raises(ValueError, match="give at least") as caught:
        SubwordTokenizer(model=model, vocab_size=2).fit(TEXTS)
    least = int(str(caught.value).rsplit(" ", 1)[1].rstrip("."))
    assert len(SubwordTokenizer(model=model, vocab_size=least).fit(TEXTS).vocabulary_) <= least
    with pytest.raises(ValueError, match="give at least"):
        SubwordTokenizer(model=model, vocab_size=least - 1).fit(TEXTS)


@pytest.mark.parametrize("model", ["wordpiece", "unigram"])
def test_texts_without_words_are_refused(model):
    with pytest.raises(ValueError, match="no subwords to learn"):
        SubwordTokenizer(model=model).fit(["", ""])


def test_half_a_surrogate_pair_is_named(fitted):
    for call in (
        lambda: fitted.transform(["much", "te\ud800xt"]),
        lambda: clone(fitted).fit(["much", "te\ud800xt"]),
    ):
        with pytest.raises(textrep.TextInputError, match=r"texts\[1\].*character 2"):
            call()


@pytest.mark.parametrize("number", [-1, 10**6, 2**40])
def test_a_number_without_a_token_is_named(fitted, number):
    with pytest.raises(ValueError, match=rf"ids\[1\] is {number}"):
        fitted.decode([0, number])


def test_without_a_vocabulary_it_says_so():
    tokenizer = SubwordTokenizer()
    assert not hasattr(tokenizer, "vocabulary_")
    for method, given_ in (
        ("transform", TEXTS),
        ("tokenize", "a"),
        ("encode", "a"),
        ("decode", []),
    ):
        with pytest.raises(NotFittedError, match="from_file"):
            getattr(tokenizer, method)(given_)


def test_copies_answer_alike(fitted, tmp_path):
    loaded = textrep.load(fitted.save(tmp_path / "subwords.textrep"))
    pickled = pickle.loads(pickle.dumps(fitted))
    for copy in (loaded, pickled):
        assert copy.get_params() == fitted.get_params()
        assert copy.tokenizer_.to_str() == fitted.tokenizer_.to_str()
        assert copy.transform(["[UNK] <unk> it was"]) == fitted.transform(["[UNK] <unk> it was"])
    assert not hasattr(clone(fitted), "tokenizer_")


@pytest.mark.parametrize("state", ["{}", "nonsense", 3])
def test_a_model_file_with_a_broken_tokenizer_is_refused(fitted, tmp_path, state):
    path = fitted.save(tmp_path / "subwords.textrep")
    other = SubwordTokenizer(vocab_size=256).fit(["so"])
    loaded = textrep.load(data.with_state(path, tokenizer=other.tokenizer_.to_str()))
    assert loaded.vocabulary_ == other.vocabulary_
    with pytest.raises(textrep.PersistError, match=r"refuses it|state of a SubwordTokenizer"):
        textrep.load(data.with_state(path, tokenizer=state))


def test_threads_that_share_a_tokenizer_get_the_same_tokens(fitted):
    expected = fitted.transform(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda _: fitted.transform(TEXTS), range(16)):
            assert answer == expected


def test_a_missing_library_is_named_with_the_way_to_install_it(monkeypatch, tmp_path):
    path = SubwordTokenizer(vocab_size=SIZE).fit(TEXTS).save(tmp_path / "subwords")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install 'textrep\[subwords\]'"):
        SubwordTokenizer(vocab_size=SIZE).fit(TEXTS)
    with pytest.raises(textrep.PersistError, match=r"pip install 'textrep\[subwords\]'"):
        textrep.load(path)
