"""fastText's model files, against fastText itself and gensim, both ways."""

from __future__ import annotations

import gzip
import struct
from dataclasses import fields, replace

import numpy as np
import pytest
from gensim.models import FastText as GensimFastText
from gensim.models.fasttext import load_facebook_model, save_facebook_model

from textrep.embeddings.formats import (
    FastTextFile,
    VectorFileError,
    read_fasttext,
    write_fasttext,
)

TEXT = [f"the {a} sees a {b} 東京 naïve" for a in ("cat", "dog", "cow") for b in ("man", "boy")]
LABELLED = [f"__label__{'ab'[i % 2]} {line} {i % 40}" for i, line in enumerate(TEXT * 50)]


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    return FastTextFile(
        dim=4,
        words=["</s>", "the", "東京"],
        counts=np.array([9, 5, 2]),
        input=rng.standard_normal((13, 4)).astype(np.float32),
        output=rng.standard_normal((3, 4)).astype(np.float32),
        n_tokens=16,
        bucket=10,
        ws=3,
        epoch=2,
        min_count=1,
        neg=7,
        loss="ns",
        model="cbow",
        minn=2,
        maxn=5,
        lr_update_rate=50,
        t=0.001,
    )


def classifier(model):
    return replace(
        model,
        model="supervised",
        loss="ova",
        labels=["__label__a", "__label__b"],
        label_counts=np.array([3, 1]),
        output=model.output[:2],
    )


def same(ours, theirs):
    for field in fields(FastTextFile):
        a, b = getattr(ours, field.name), getattr(theirs, field.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert a == b, field.name
    return True


def train_fasttext(tmp_path, how, lines, **settings):
    fasttext = pytest.importorskip("fasttext")
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {"dim": 6, "minCount": 1, "bucket": 50, "thread": 1, "verbose": 0, **settings}
    return getattr(fasttext, f"train_{how}")(str(path), **settings)


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("kind", ["vectors", "classifier"])
def test_what_is_written_is_read_again(model, tmp_path, kind, lazy):
    model = classifier(model) if kind == "classifier" else model
    write_fasttext(tmp_path / "model.bin", model)
    assert same(read_fasttext(tmp_path / "model.bin", lazy=lazy), model)


def test_matrices_stay_on_disk_and_cannot_be_changed(model, tmp_path):
    write_fasttext(tmp_path / "model.bin", model)
    lazy = read_fasttext(tmp_path / "model.bin")
    assert not lazy.input.flags.owndata
    assert not lazy.input.flags.writeable
    assert read_fasttext(tmp_path / "model.bin", lazy=False).input.flags.writeable


def test_gzip_is_read(model, tmp_path):
    write_fasttext(tmp_path / "model.bin", model)
    packed = gzip.compress((tmp_path / "model.bin").read_bytes())
    (tmp_path / "model.bin.gz").write_bytes(packed)
    assert same(read_fasttext(tmp_path / "model.bin.gz"), model)


# fastText


@pytest.mark.parametrize("algorithm", ["skipgram", "cbow"])
@pytest.mark.parametrize("loss", ["ns", "hs"])
def test_fasttexts_model_is_read(tmp_path, algorithm, loss):
    theirs = train_fasttext(tmp_path, "unsupervised", TEXT, model=algorithm, loss=loss, ws=3, t=0.5)
    theirs.save_model(str(tmp_path / "model.bin"))
    ours = read_fasttext(tmp_path / "model.bin")
    words, counts = theirs.get_words(include_freq=True)
    assert ours.words == words
    assert "</s>" in ours.words
    np.testing.assert_array_equal(ours.counts, counts)
    np.testing.assert_array_equal(ours.input, theirs.get_input_matrix())
    np.testing.assert_array_equal(ours.output, theirs.get_output_matrix())
    assert (ours.model, ours.loss, ours.ws, ours.t) == (algorithm, loss, 3, 0.5)
    assert (ours.minn, ours.maxn, ours.bucket, ours.neg) == (3, 6, 50, 5)
    assert ours.n_tokens == ours.counts.sum()


@pytest.mark.parametrize("word_ngrams", [1, 2])
def test_fasttexts_classifier_is_read(tmp_path, word_ngrams):
    settings = {"wordNgrams": word_ngrams, "loss": "softmax"}
    theirs = train_fasttext(tmp_path, "supervised", LABELLED, **settings)
    theirs.save_model(str(tmp_path / "model.bin"))
    ours = read_fasttext(tmp_path / "model.bin")
    assert ours.labels == theirs.get_labels()
    assert ours.label_counts.tolist() == theirs.get_labels(include_freq=True)[1].tolist()
    assert ours.words == theirs.get_words()
    np.testing.assert_array_equal(ours.input, theirs.get_input_matrix())
    np.testing.assert_array_equal(ours.output, theirs.get_output_matrix())
    assert (ours.model, ours.loss, ours.maxn) == ("supervised", "softmax", 0)


@pytest.mark.parametrize("kind", ["vectors", "classifier"])
def test_fasttext_loads_what_is_written(model, tmp_path, kind):
    fasttext = pytest.importorskip("fasttext")
    model = classifier(model) if kind == "classifier" else model
    path = str(tmp_path / "model.bin")
    write_fasttext(path, model)
    theirs = fasttext.load_model(path)
    assert theirs.get_words() == model.words
    np.testing.assert_array_equal(theirs.get_input_matrix(), model.input)
    np.testing.assert_array_equal(theirs.get_output_matrix(), model.output)
    theirs.save_model(str(tmp_path / "again.bin"))
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "model.bin").read_bytes()


@pytest.mark.parametrize("cutoff", [0, 500])
def test_a_quantised_model_is_refused(tmp_path, cutoff):
    theirs = train_fasttext(tmp_path, "supervised", LABELLED, minn=2, maxn=4, bucket=1000)
    theirs.quantize(cutoff=cutoff)
    theirs.save_model(str(tmp_path / "model.ftz"))
    with pytest.raises(VectorFileError, match=r"quantised \(.ftz\)"):
        read_fasttext(tmp_path / "model.ftz")


# gensim


@pytest.fixture(scope="module")
def gensim_model():
    tokens = [line.split() for line in TEXT]
    return GensimFastText(
        tokens, vector_size=6, min_count=1, bucket=50, epochs=2, window=3, sg=1, workers=1, seed=1
    )


def test_gensims_model_is_read(gensim_model, tmp_path):
    save_facebook_model(gensim_model, str(tmp_path / "model.bin"))
    ours = read_fasttext(tmp_path / "model.bin")
    assert ours.words == gensim_model.wv.index_to_key
    np.testing.assert_array_equal(
        ours.input, np.vstack([gensim_model.wv.vectors_vocab, gensim_model.wv.vectors_ngrams])
    )
    np.testing.assert_array_equal(ours.output, gensim_model.syn1neg)
    assert (ours.model, ours.loss, ours.ws, ours.bucket) == ("skipgram", "ns", 3, 50)


def test_gensim_loads_what_is_written(gensim_model, tmp_path):
    save_facebook_model(gensim_model, str(tmp_path / "theirs.bin"))
    write_fasttext(tmp_path / "ours.bin", read_fasttext(tmp_path / "theirs.bin"))
    again = load_facebook_model(str(tmp_path / "ours.bin"))
    for word in ("the", "unseen"):
        np.testing.assert_array_equal(again.wv[word], gensim_model.wv[word])


# Damage


def test_version_11_of_a_classifier_has_no_ngrams_of_characters(model, tmp_path):
    path = tmp_path / "model.bin"
    write_fasttext(path, classifier(model))
    data = bytearray(path.read_bytes())
    data[4:8] = struct.pack("<i", 11)
    path.write_bytes(data)
    assert read_fasttext(path).maxn == 0
    write_fasttext(path, model)
    data = bytearray(path.read_bytes())
    data[4:8] = struct.pack("<i", 11)
    path.write_bytes(data)
    assert read_fasttext(path).maxn == model.maxn


def test_a_file_cut_anywhere_is_refused(model, tmp_path):
    path = tmp_path / "model.bin"
    write_fasttext(path, classifier(model))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(VectorFileError):
            read_fasttext(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(VectorFileError, match="1 bytes follow the last matrix"):
        read_fasttext(path)


@pytest.mark.parametrize(
    ("place", "new", "message"),
    [
        (0, struct.pack("<i", 1), "not a model of fastText"),
        (4, struct.pack("<i", 13), "format 13 is unknown"),
        (8, struct.pack("<i", -4), "dim and bucket"),
        (8, struct.pack("<i", 5), "input must have shape"),
        (8 + 6 * 4, struct.pack("<i", 9), "argument loss is 9"),
        (8 + 12 * 4, struct.pack("<d", np.nan), "argument t is nan"),
        (64, struct.pack("<3i", 2**31 - 1, 2**31 - 1, 0), "says that 2,147,483,647 entries follow"),
        (64, struct.pack("<3i", 3, 4, -1), "3 entries cannot be 4 words and -1 labels"),
        (64, struct.pack("<3i", 3, 2, 1), "'東京' is neither word nor label where it stands"),
        (84, struct.pack("<q", 0), "quantised"),
        (92, b"the\0", "a count in the dictionary|twice|neither|cut short"),
    ],
)
def test_damage_is_refused_with_its_place(model, tmp_path, place, new, message):
    path = tmp_path / "model.bin"
    write_fasttext(path, model)
    data = bytearray(path.read_bytes())
    data[place : place + len(new)] = new
    path.write_bytes(data)
    with pytest.raises(VectorFileError, match=message) as caught:
        read_fasttext(path)
    assert str(path) in str(caught.value)


def test_a_matrix_that_claims_more_than_there_is_allocates_nothing(model, tmp_path):
    path = tmp_path / "model.bin"
    write_fasttext(path, model)
    claim = struct.pack("<B2q", 0, 13, 4)
    path.write_bytes(path.read_bytes().replace(claim, struct.pack("<B2q", 0, 2**60, 4)))
    with pytest.raises(VectorFileError, match="input matrix of 1,152,921,504,606,846,976 rows"):
        read_fasttext(path)


def test_nan_is_found_where_all_is_read(model, tmp_path):
    path = tmp_path / "model.bin"
    model.input[7, 2] = np.nan
    write_fasttext(path, model)
    read_fasttext(path)
    with pytest.raises(VectorFileError, match="row 7 of the input matrix has NaN"):
        read_fasttext(path, lazy=False)


def test_words_that_are_not_utf8_are_read_where_asked(model, tmp_path):
    path = tmp_path / "model.bin"
    write_fasttext(path, model)
    path.write_bytes(path.read_bytes().replace("東".encode(), b"\xff\xfe\xfd"))
    with pytest.raises(VectorFileError, match="is not UTF-8"):
        read_fasttext(path)
    assert read_fasttext(path, errors="backslashreplace").words[2] == "\\xff\\xfe\\xfd京"


def test_words_that_become_alike_are_refused(model, tmp_path):
    path = tmp_path / "model.bin"
    model.words[1:] = ["one", "two"]
    write_fasttext(path, model)
    data = path.read_bytes().replace(b"one", b"\xffxx").replace(b"two", b"\xfexx")
    path.write_bytes(data)
    with pytest.raises(VectorFileError, match="occurs twice"):
        read_fasttext(path, errors="replace")
    assert len(set(read_fasttext(path, errors="backslashreplace").words)) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": ["a", "b c", "d"]}, "'b c' cannot be written"),
        ({"ws": 2**31}, "ws=2147483648 does not fit"),
        ({"epoch": -1}, "epoch=-1 does not fit"),
    ],
)
def test_what_cannot_be_written_is_named_and_the_old_file_stays(model, tmp_path, changes, message):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    with pytest.raises(VectorFileError, match=message):
        write_fasttext(path, replace(model, **changes))
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "ce"}, "loss must be one of 'hs', 'ns', 'softmax', 'ova', got 'ce'"),
        ({"model": 3}, "model must be one of 'cbow', 'skipgram', 'supervised', got 3"),
        ({"bucket": 11}, r"input must have shape \(14, 4\), got \(13, 4\)"),
        ({"model": "supervised"}, r"output must have shape \(0, 4\), got \(3, 4\)"),
        ({"counts": [1]}, r"counts must have shape \(3,\), got \(1,\)"),
    ],
)
def test_parts_that_do_not_fit_are_refused(model, changes, message):
    with pytest.raises(ValueError, match=message):
        replace(model, **changes)
