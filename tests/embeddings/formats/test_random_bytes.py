"""Files of any bytes get one kind of error, and any words and values come back as written."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from textrep.embeddings import VectorFileError, WordVectors, read_vectors, write_vectors
from textrep.embeddings.formats import FastTextFile, read_fasttext, write_fasttext
from textrep.embeddings.formats.files import WRITTEN_FORMATS, detect

# One folder for all examples of a test: each replaces the file of the one before.
any_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

words = st.text(
    st.characters(exclude_characters=" \t\n\v\f\r\0", exclude_categories=["Cs"]), min_size=1
)
values = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def word_vectors(draw, min_dim=1):
    distinct = draw(st.lists(words, min_size=1, max_size=6, unique=True))
    shape = (len(distinct), draw(st.integers(min_dim, 4)))
    return WordVectors(distinct, draw(hnp.arrays(np.float32, shape, elements=values)))


def read_or_refuse(read, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # words that occur again
        try:
            return read(path)
        except VectorFileError:
            return None


# A file of GloVe with one dimension may begin as one of word2vec does.
@pytest.mark.parametrize(("format_", "min_dim"), [(f, 1 + (f == "glove")) for f in WRITTEN_FORMATS])
@any_folder
@given(data=st.data())
def test_any_words_and_values_come_back(tmp_path, format_, min_dim, data):
    vectors = data.draw(word_vectors(min_dim))
    again = read_vectors(write_vectors(vectors, tmp_path / "vectors", format=format_), format_)
    assert again.words == vectors.words
    np.testing.assert_array_equal(again.dense(), vectors.dense())


@any_folder
@given(vectors=word_vectors(), data=st.data())
def test_any_model_of_fasttext_comes_back(tmp_path, vectors, data):
    bucket = data.draw(st.integers(0, 3))
    n = len(vectors)
    matrix = hnp.arrays(np.float32, (n + bucket, vectors.dim), elements=values)
    counts = hnp.arrays(np.int64, n, elements=st.integers(0, 2**62))
    file = FastTextFile(
        dim=vectors.dim,
        words=vectors.words,
        counts=data.draw(counts),
        input=data.draw(matrix),
        output=vectors.matrix,
        n_tokens=data.draw(st.integers(0, 2**62)),
        bucket=bucket,
    )
    write_fasttext(tmp_path / "model.bin", file)
    again = read_fasttext(tmp_path / "model.bin", lazy=False)
    assert again.words == file.words
    assert again.n_tokens == file.n_tokens
    for name in ("counts", "input", "output"):
        np.testing.assert_array_equal(getattr(again, name), getattr(file, name))


beginnings = st.sampled_from(
    [b"", b"1 1\n", b"2 1\na ", b"3 2\n", b"a 1\n", b"\xba\x16O/\x0c\0\0\0"]
)


@pytest.mark.parametrize("format_", WRITTEN_FORMATS)
@any_folder
@given(beginning=beginnings, rest=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path, format_, beginning, rest):
    path = tmp_path / "vectors"
    path.write_bytes(beginning + rest)
    vectors = read_or_refuse(lambda path: read_vectors(path, format_, lazy=False), path)
    assert vectors is None or np.isfinite(vectors.dense()).all()
    read_or_refuse(detect, path)
    read_or_refuse(read_fasttext, path)


@any_folder
@given(place=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_model_with_any_byte_changed_is_read_or_refused(tmp_path, place, byte):
    matrix = np.arange(20, dtype=np.float32).reshape(5, 4)
    file = FastTextFile(
        dim=4, words=["</s>", "b"], counts=np.array([3, 2]), input=matrix, bucket=3, n_tokens=5,
        labels=["__label__a"], label_counts=[3], output=matrix[:1], model="supervised",
    )  # fmt: skip
    path = tmp_path / "model.bin"
    write_fasttext(path, file)
    data = bytearray(path.read_bytes())
    data[place % len(data)] = byte
    path.write_bytes(data)
    read_or_refuse(lambda path: read_fasttext(path, lazy=False), path)


@any_folder
@given(tail=st.binary(max_size=40))
def test_any_gzip_is_read_or_refused(tmp_path, tail):
    path = tmp_path / "vectors.gz"
    path.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\0" + tail)
    for format_ in ("auto", *WRITTEN_FORMATS):
        read_or_refuse(lambda path, format_=format_: read_vectors(path, format_), path)
