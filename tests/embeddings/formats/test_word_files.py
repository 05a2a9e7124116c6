"""Files of words and values of word2vec, GloVe and fastText, against gensim both ways."""

from __future__ import annotations

import copy
import gzip
import os
import pickle

import numpy as np
import pytest
from gensim.models import KeyedVectors

from textrep.embeddings import VectorFileError, WordVectors, read_vectors, write_vectors
from textrep.embeddings.formats.files import WRITTEN_FORMATS, detect

WORDS = ["the", "naïve", "東京", "don't", "a\u00a0b", "😀", "</s>", "3.5", "-1"]
BINARY = {"word2vec-binary"}


@pytest.fixture
def vectors():
    values = np.random.default_rng(0).standard_normal((len(WORDS), 7)) * 10.0 ** np.arange(
        -30, 40, 10
    )
    return WordVectors(WORDS, values.clip(-3e38, 3e38).astype(np.float32))


def gensim_vectors(vectors):
    keyed = KeyedVectors(vectors.dim)
    keyed.add_vectors(vectors.words, vectors.dense())
    return keyed


def same(ours, theirs_words, theirs_matrix):
    assert ours.words == list(theirs_words)
    np.testing.assert_array_equal(np.asarray(ours.matrix), theirs_matrix)
    return True


def damaged(path):
    with pytest.raises(VectorFileError) as caught:
        read_vectors(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


# Both ways


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("format_", WRITTEN_FORMATS)
def test_what_is_written_is_read_again(vectors, tmp_path, format_, ending):
    path = write_vectors(vectors, tmp_path / f"vectors{ending}", format=format_)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == bool(ending)
    assert same(read_vectors(path), vectors.words, vectors.matrix)
    assert same(read_vectors(path, format_), vectors.words, vectors.matrix)
    assert same(read_vectors(path, format_, lazy=False), vectors.words, vectors.matrix)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("format_", ["word2vec-text", "word2vec-binary", "glove"])
def test_gensim_reads_what_is_written(vectors, tmp_path, format_, ending):
    path = write_vectors(vectors, tmp_path / "vectors", format=format_)
    if ending:
        path = tmp_path / "vectors.gz"
        path.write_bytes(gzip.compress((tmp_path / "vectors").read_bytes()))
    keyed = KeyedVectors.load_word2vec_format(
        str(path), binary=format_ in BINARY, no_header=format_ == "glove"
    )
    assert keyed.index_to_key == vectors.words
    np.testing.assert_array_equal(keyed.vectors, vectors.matrix)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("format_", ["word2vec-text", "word2vec-binary", "glove"])
def test_what_gensim_writes_is_read(vectors, tmp_path, format_, ending):
    path = tmp_path / f"vectors{ending}"
    gensim_vectors(vectors).save_word2vec_format(
        str(path), binary=format_ in BINARY, write_header=format_ != "glove"
    )
    assert detect(path) == format_
    assert same(read_vectors(path), vectors.words, vectors.matrix)


def test_int8_vectors_are_written_as_floats(tmp_path):
    matrix = np.array([[127, -3], [1, 0]], dtype=np.int8)
    vectors = WordVectors(["a", "b"], matrix, scale=np.array([0.5, 0.1], dtype=np.float32))
    for name in ("v.txt", "v.bin", "v.vec"):
        assert same(read_vectors(write_vectors(vectors, tmp_path / name)), "ab", vectors.dense())


def test_fasttexts_vec_with_spaces_at_its_line_ends_is_read(tmp_path):
    path = tmp_path / "fasttext.vec"
    path.write_bytes(b"2 2\n</s> 0.5 1 \nso -1 2e-3 \n")
    assert same(read_vectors(path), ["</s>", "so"], np.array([[0.5, 1], [-1, 2e-3]], np.float32))


def test_lines_may_end_as_on_windows_and_be_blank_at_the_end(tmp_path):
    path = tmp_path / "windows.txt"
    path.write_bytes(b"1 2\r\nso 0.5 1\r\n\r\n")
    assert same(read_vectors(path), ["so"], [[0.5, 1]])


def test_words_of_glove_may_have_spaces(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2\nat name@domain.com 3 4\n. . . 5 6\n")
    assert read_vectors(path).words == ["the", "at name@domain.com", ". . ."]


@pytest.mark.parametrize("format_", WRITTEN_FORMATS[:2])
def test_no_words_are_a_file_too(tmp_path, format_):
    path = write_vectors(WordVectors([], np.zeros((0, 4))), tmp_path / "none", format=format_)
    assert read_vectors(path, format_).dim == 4


def test_more_values_than_a_first_block_are_read(tmp_path):
    matrix = np.random.default_rng(1).standard_normal((700, 300)).astype(np.float32)
    vectors = WordVectors([f"w{i}" for i in range(700)], matrix)
    for name in ("v.txt", "v.bin"):
        assert same(read_vectors(write_vectors(vectors, tmp_path / name)), vectors.words, matrix)


# Lazily


def test_binary_vectors_stay_on_disk_until_they_are_asked_for(vectors, tmp_path):
    path = write_vectors(vectors, tmp_path / "vectors.bin")
    lazy = read_vectors(path)
    assert not isinstance(lazy.matrix, np.ndarray)
    assert isinstance(read_vectors(path, lazy=False).matrix, np.ndarray)
    np.testing.assert_array_equal(lazy["東京"], vectors["東京"])
    np.testing.assert_array_equal(lazy.matrix[2], vectors["東京"])
    np.testing.assert_array_equal(lazy.rows([5, 0]), vectors.rows([5, 0]))
    np.testing.assert_array_equal(lazy.dense(), vectors.dense())


def test_vectors_on_disk_have_the_same_neighbours(tmp_path):
    matrix = np.random.default_rng(1).standard_normal((50, 8)).astype(np.float32)
    vectors = WordVectors([f"w{i}" for i in range(50)], matrix)
    lazy = read_vectors(write_vectors(vectors, tmp_path / "vectors.bin"))
    assert lazy.most_similar("w1", ["w2"]) == vectors.most_similar("w1", ["w2"])


def test_copies_and_pickles_of_vectors_on_disk_answer_alike(vectors, tmp_path):
    path = write_vectors(vectors, tmp_path / "vectors.bin")
    lazy = read_vectors(path)
    again = [copy.deepcopy(lazy), pickle.loads(pickle.dumps(lazy))]
    path.unlink()
    for other in again:
        np.testing.assert_array_equal(other.dense(), vectors.dense())


# What goes wrong


@pytest.mark.parametrize("word", ["two words", "", "a\tb", "a\nb", "a\0b", "\ud800"])
@pytest.mark.parametrize("format_", WRITTEN_FORMATS)
def test_a_word_that_cannot_be_written_is_named_and_the_old_file_stays(tmp_path, format_, word):
    path = tmp_path / "vectors"
    path.write_bytes(b"old")
    vectors = WordVectors(["fine", word], np.ones((2, 2)))
    with pytest.raises(VectorFileError, match="cannot be written"):
        write_vectors(vectors, path, format=format_)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["vectors"]


@pytest.mark.parametrize("format_", WRITTEN_FORMATS)
def test_only_the_first_of_equal_words_is_kept_with_a_warning(tmp_path, format_):
    entries = [(b"a", 1), (b"b", 2), (b"a", 3), (b"a", 4)]
    text = b"4 1\n" + b"".join(b"%b %d\n" % entry for entry in entries)
    if format_ in BINARY:
        packed = [word + b" " + np.float32(value).tobytes() for word, value in entries]
        text = b"4 1\n" + b"".join(packed)
    path = tmp_path / "vectors"
    path.write_bytes(text.removeprefix(b"4 1\n") if format_ == "glove" else text)
    with pytest.warns(UserWarning, match="2 words occur again .'a' first.") as caught:
        vectors = read_vectors(path, format_)
    assert same(vectors, ["a", "b"], [[1], [2]])
    assert str(path) in str(caught[0].message)


@pytest.mark.parametrize("format_", WRITTEN_FORMATS)
def test_words_that_are_not_utf8_are_read_where_asked(tmp_path, format_):
    path = write_vectors(
        WordVectors(["so", "XX"], np.array([[1.0, 2], [3, 4]])),
        tmp_path / "vectors",
        format=format_,
    )
    path.write_bytes(path.read_bytes().replace(b"XX", b"\xc3("))
    with pytest.raises(VectorFileError, match=r"b'\\xc3\(' is not UTF-8; give errors='replace'"):
        read_vectors(path, format_)
    assert read_vectors(path, format_, errors="replace").words == ["so", "�("]
    assert read_vectors(path, format_, errors="backslashreplace").words == ["so", "\\xc3("]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 2\na 1 2\nb 3 4\n", "says 3 words, but 2 follow"),
        ("1 2\na 1 2\nb 3 4\n", "says 1 words, but 2 follow"),
        ("2 2\na 1 2\nb 3\n", "line 3: a word and 2 numbers were expected, got 2 fields"),
        ("2 2\na 1 2\nb 3 x\n", "line 3: b'x' is not a number"),
        ("2 2\na 1 2\nb 3 nan\n", "line 3: the vector has NaN"),
        ("2 2\na 1 2\nb 3 1e39\n", "line 3: the vector has NaN or infinite values"),
        ("2 2\na 1 2\n\nb 3 4\n", "line 3: the line is blank"),
        ("a 1 2\nb 3\n", "line 2: a word and 2 numbers were expected"),
        ("", "the file is empty"),
        ("no vectors at all\n", "it begins with b'no vectors at all"),
        ("PK\x03\x04 and more\n", "it is a zip file: unpack it"),
        ("2 0\na\nb\n", "two numbers, of words and of dimensions, were expected"),
    ],
)
def test_damaged_text_is_refused_with_its_place(tmp_path, text, message):
    path = tmp_path / "vectors.txt"
    path.write_text(text)
    if "2 0" in text:
        with pytest.raises(VectorFileError, match=message):
            read_vectors(path, "word2vec-text")
    else:
        assert message in damaged(path)


@pytest.mark.parametrize("cut", [4, 5, 20, 60])
def test_a_binary_file_that_was_cut_short_is_refused(vectors, tmp_path, cut):
    path = write_vectors(vectors, tmp_path / "vectors.bin")
    path.write_bytes(path.read_bytes()[:-cut])
    message = damaged(path)
    assert "cut short" in message or "only" in message


def test_a_header_that_claims_more_than_there_is_allocates_nothing(tmp_path):
    path = tmp_path / "vectors.bin"
    path.write_bytes(b"999999999999 300\na " + bytes(1200))
    assert "999,999,999,999 words of 300 dimensions" in damaged(path)
    path.write_bytes(b"1 99999999999\na " + bytes(1200))
    assert "two numbers" in damaged(path)
    path.write_bytes(b"999999999999 3\na 1 2 3\n")
    assert "says 999,999,999,999 words, but 1 follow" in damaged(path)


def test_a_header_with_fewer_words_or_other_dimensions_is_found_out(vectors, tmp_path):
    path = write_vectors(vectors, tmp_path / "vectors.bin")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"9 7\n", b"8 7\n", 1))
    assert "follows the last of 8 words" in damaged(path)
    path.write_bytes(whole.replace(b"9 7\n", b"9 6\n", 1))
    damaged(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_on_disk_is_found_when_it_is_read(tmp_path, value):
    vectors = WordVectors(["a", "b"], np.array([[1, 2], [3, value]]))
    path = write_vectors(vectors, tmp_path / "vectors.bin")
    lazy = read_vectors(path)
    np.testing.assert_array_equal(lazy["a"], [1, 2])
    with pytest.raises(VectorFileError, match="byte 17: the vector here has NaN"):
        lazy["b"]
    with pytest.raises(VectorFileError, match="NaN"):
        lazy.most_similar("a")
    with pytest.raises(VectorFileError, match="NaN"):
        read_vectors(path, lazy=False)


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.bin"])
def test_damaged_gzip_is_refused(vectors, tmp_path, name):
    packed = gzip.compress(write_vectors(vectors, tmp_path / name).read_bytes())
    path = tmp_path / "vectors.gz"
    for bad in (packed[:-9], packed[:40] + b"\0" * 20 + packed[60:], packed[:-1] + b"\7"):
        path.write_bytes(bad)
        assert "the gzip file is damaged" in damaged(path)


def test_glove_read_of_a_file_with_a_first_line_is_refused(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("1 3\nso 1 2 3\n")
    with pytest.raises(VectorFileError, match="give format='word2vec-text'"):
        read_vectors(path, "glove")
    path.write_text("so 1 2 3\n")
    with pytest.raises(VectorFileError, match="give format='glove'"):
        read_vectors(path, "word2vec-text")


def test_an_unknown_format_or_name_is_refused(vectors, tmp_path):
    with pytest.raises(ValueError, match="format must be one of 'auto', 'word2vec-text'"):
        read_vectors(tmp_path / "x", "word2vec")
    with pytest.raises(ValueError, match=r"FastText\.save_fasttext writes models"):
        write_vectors(vectors, tmp_path / "x", "fasttext-bin")
    with pytest.raises(ValueError, match="'x' does not say which format"):
        write_vectors(vectors, tmp_path / "x")
    with pytest.raises(ValueError, match="errors must be one of"):
        read_vectors(tmp_path / "x", errors="lax")
    with pytest.raises(TypeError, match="path must be"):
        read_vectors(3)
    with pytest.raises(TypeError, match="vectors must be WordVectors"):
        write_vectors({"a": [1]}, tmp_path / "x.txt")
    with pytest.raises(FileNotFoundError):
        read_vectors(tmp_path / "none.txt")
    with pytest.raises(OSError, match="directory"):
        read_vectors(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(tmp_path / "pipe")
    for format_ in ("auto", *WRITTEN_FORMATS, "fasttext-bin"):
        with pytest.raises(VectorFileError, match="it is a pipe, not a file"):
            read_vectors(tmp_path / "pipe", format_)


def test_the_error_crosses_processes_with_its_place():
    error = pickle.loads(pickle.dumps(VectorFileError("bad", path="a.bin", byte=1234)))
    assert (str(error), error.path, error.byte) == ("a.bin, byte 1,234: bad", "a.bin", 1234)


def test_fasttext_starts_from_a_vec_that_is_written(tmp_path):
    fasttext = pytest.importorskip("fasttext")
    words = ["</s>", "cat", "東京", "naïve"]
    matrix = np.random.default_rng(2).standard_normal((4, 5)).astype(np.float32)
    path = write_vectors(WordVectors(words, matrix), tmp_path / "vectors.vec")
    text = tmp_path / "text.txt"
    text.write_text("__label__a cat 東京\n__label__b naïve cat\n", encoding="utf-8")
    model = fasttext.train_supervised(
        str(text), dim=5, minCount=1, lr=0.0, epoch=1, thread=1, verbose=0,
        pretrainedVectors=str(path),
    )  # fmt: skip
    for word in words[1:]:
        np.testing.assert_allclose(model[word], matrix[words.index(word)], atol=1e-6)
