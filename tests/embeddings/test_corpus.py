"""Corpora read from lists, streams and files, against counting by hand."""

from __future__ import annotations

import errno
import gc
import gzip
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.core.text import TextInputError
from textrep.data.errors import DataError
from textrep.embeddings import corpus as corpus_module
from textrep.embeddings import files as files_module
from textrep.embeddings import reading, tokens
from textrep.embeddings import spool as spool_module
from textrep.embeddings.corpus import read_corpus
from textrep.embeddings.kernels.lines import split_lines
from textrep.embeddings.spool import Spool

TEXTS = [
    "So much text, so little time",
    "",
    "naïve ΟΔΟΣ, İstanbul\u2028and «straße» don't",
    "x_1 ... !!! \t",
    "Σ Σα ΑΣ' ΑΣ.Α 文字 化け 👍 so so",
    "text",
]
PATTERN = re.compile(r"(?u)\b\w+\b")


def tokens_of(text, lowercase=True):
    return PATTERN.findall(text.lower() if lowercase else text)


def by_hand(sentences, min_count=1, max_vocabulary=None):
    """Words, counts and ids of lists of tokens."""
    counts = Counter(itertools.chain.from_iterable(sentences))  # in the order met
    ranked = [(w, c) for w, c in counts.most_common(max_vocabulary) if c >= min_count]
    number = {word: i for i, (word, _) in enumerate(ranked)}
    ids = [[*(number[w] for w in s if w in number), -1] for s in sentences]
    return [w for w, _ in ranked], [c for _, c in ranked], list(itertools.chain(*ids))


def contents(corpus):
    ids = [corpus.read(i) for i in range(len(corpus.chunks))]
    assert all(piece.dtype == np.int32 for piece in ids)
    return corpus.words, corpus.counts.tolist(), np.concatenate(ids).tolist()


def write(path, data):
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def random_texts(n, words=60, seed=0):
    draw = random.Random(seed)
    alphabet = "abcdefgÄéσΣİ文"
    known = ["".join(draw.choices(alphabet, k=draw.randint(1, 14))) for _ in range(words)]
    gap = [" ", ", ", "  ", " - ", "\t"]
    return [
        "".join(draw.choice(known) + draw.choice(gap) for _ in range(draw.randint(0, 12)))
        for _ in range(n)
    ]


@pytest.fixture
def small_blocks(monkeypatch):
    """All sizes so small that a short corpus crosses every border."""
    monkeypatch.setattr(files_module, "PART_BYTES", 64)
    monkeypatch.setattr(reading, "PART_BYTES", 64)
    monkeypatch.setattr(reading, "TEXTS_AT_ONCE", 7)
    monkeypatch.setattr(tokens, "TOKENS_AT_ONCE", 16)
    monkeypatch.setattr(corpus_module, "CHUNK_TOKENS", 32)
    monkeypatch.setattr(corpus_module, "RENUMBERED_AT_ONCE", 50)
    monkeypatch.setattr(spool_module.Spool.__init__, "__defaults__", (256,))


def forms(texts, folder):
    """The same texts in all forms."""
    data = "\n".join(texts).encode()
    windows = "\r\n".join(texts).encode()
    return {
        "list": lambda: list(texts),
        "tuple": lambda: tuple(texts),
        "generator": lambda: (text for text in texts),
        "map": lambda: map(str, texts),
        "array": lambda: np.array(texts, dtype=object),
        "pandas": lambda: pd.Series(texts, dtype=object),
        "polars": lambda: pl.Series(texts),
        "pyarrow": lambda: pa.chunked_array([texts[:1], texts[1:]]),
        "token lists": lambda: [tokens_of(text) for text in texts],
        "token tuples": lambda: [tuple(tokens_of(text)) for text in texts],
        "token arrays": lambda: [np.array(tokens_of(text), dtype=object) for text in texts],
        "token generator": lambda: (tokens_of(text) for text in texts),
        "file": lambda: write(folder / "a.txt", data),
        "ended file": lambda: write(folder / "b.txt", data + b"\n"),
        "marked file": lambda: write(folder / "c.txt", b"\xef\xbb\xbf" + data),
        "gzip": lambda: write(folder / "d.txt.gz", data),
        "windows file": lambda: write(folder / "e.txt", windows),
    }


FORMS = list(forms([""], Path()))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("form", FORMS)
def test_a_corpus_is_the_same_in_every_form(form, threads, tmp_path):
    texts = forms(TEXTS, tmp_path)[form]()
    with read_corpus(texts, min_count=1, n_jobs=threads) as corpus:
        assert contents(corpus) == by_hand([tokens_of(text) for text in TEXTS])
        assert corpus.n_sentences == len(TEXTS)
        assert corpus.n_raw == corpus.n_tokens == sum(corpus.counts)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("form", FORMS)
def test_borders_of_blocks_change_nothing(form, threads, tmp_path):
    texts = [*random_texts(150), "end"]
    expected = by_hand([tokens_of(text) for text in texts], 5, 40)
    options = {"min_count": 5, "max_vocabulary": 40, "n_jobs": threads}
    with read_corpus(forms(texts, tmp_path)[form](), **options) as corpus:
        assert contents(corpus) == expected
        assert corpus.n_sentences == len(texts)
        assert corpus.n_raw == sum(len(tokens_of(text)) for text in texts)
        assert corpus.n_tokens < corpus.n_raw
        assert not corpus._spool.in_memory


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("end", ["", "\n", " ", "\nlast line\n"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_line_of_any_length_is_one_sentence(end, threads, tmp_path):
    line = " ".join(random_texts(100)) + " " + "ß" * 300 + " tail" + end
    path = write(tmp_path / "a.txt", ("short\n" + line).encode())
    sentences = [tokens_of(text) for text in ("short", *line.split("\n"))]
    if end.endswith("\n"):
        sentences.pop()
    with read_corpus(path, min_count=1, n_jobs=threads) as corpus:
        assert contents(corpus) == by_hand(sentences)


@pytest.mark.usefixtures("small_blocks")
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=50), min_size=1, max_size=30))
def test_chunks_end_with_sentences_unless_one_is_longer(sentences):
    sentences.append(["a"])
    limit = corpus_module.CHUNK_TOKENS
    with read_corpus(sentences, min_count=1) as corpus:
        _, _, ids = contents(corpus)
        ids = np.array(ids)
        assert ids.tolist() == by_hand(sentences)[2]
        assert corpus.chunks[0].first == 0
        assert corpus.chunks[-1].last == len(ids)
        for chunk, following in itertools.pairwise(corpus.chunks):
            assert chunk.last == following.first
        for chunk in corpus.chunks:
            here = ids[chunk.first : chunk.last]
            assert 0 < len(here) <= limit
            assert chunk.n_tokens == (here >= 0).sum()
            assert chunk.first_sentence == (ids[: chunk.first] < 0).sum()
            if here[-1] >= 0:
                assert (here >= 0).all()
                assert len(here) == limit
            elif chunk.last < len(ids):  # the next sentence did not fit
                following = ids[chunk.last :]
                assert len(here) + np.argmax(following < 0) + 1 > limit


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize(
    "pattern", [r"(?u)\b\w+\b", r"(?u)\b\w\w+\b", r"\w+", r"[a-z]+", r"\S+", r"(\w)\w"]
)
def test_patterns_are_those_of_scikit_learn(pattern, lowercase, tmp_path):
    texts = [*TEXTS, *random_texts(30), "end"]
    sentences = [re.findall(pattern, t.lower() if lowercase else t) for t in texts]
    options = {"token_pattern": pattern, "lowercase": lowercase, "min_count": 1}
    path = write(tmp_path / "a.txt", "\n".join(texts).encode())
    for X in (texts, iter(texts), path):
        with read_corpus(X, **options) as corpus:
            assert contents(corpus) == by_hand(sentences)


def test_a_tokenizer_of_the_users_own_is_called(tmp_path):
    path = write(tmp_path / "a.txt", b"A b\r\nc\n")
    for X in (["A b", "c"], path):
        with read_corpus(X, tokenizer=list, min_count=1) as corpus:
            assert contents(corpus) == by_hand([["a", " ", "b"], ["c"]])


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_texts_may_hold_any_character(texts):
    sentences = [tokens_of(text) for text in texts]
    if not any(sentences):
        with pytest.raises(ValueError, match="no words"):
            read_corpus(texts, min_count=1)
        return
    with read_corpus(texts, min_count=1) as corpus:
        assert contents(corpus) == by_hand(sentences)


def test_half_a_surrogate_pair_separates_words_and_is_kept_in_tokens():
    with read_corpus(["a\ud800b"], min_count=1) as corpus:
        assert corpus.words == ["a", "b"]
    with read_corpus([["a\ud800b", ""]], min_count=1) as corpus:
        assert corpus.words == ["a\ud800b", ""]


def test_tokens_of_a_subclass_are_plain_words():
    with read_corpus([[np.str_("a"), "a", np.str_("b")]], min_count=1) as corpus:
        assert corpus.words == ["a", "b"]
        assert set(map(type, corpus.words)) == {str}


def test_rare_words_are_dropped_and_ties_stay_in_order():
    sentences = [["b", "a", "c"], ["a", "b"], [], ["d"]]
    with read_corpus(sentences, min_count=2) as corpus:
        assert contents(corpus) == (["b", "a"], [2, 2], [0, 1, -1, 1, 0, -1, -1, -1])
        assert (corpus.n_raw, corpus.n_tokens, corpus.n_sentences) == (6, 4, 4)
    with read_corpus(sentences, min_count=1, max_vocabulary=3) as corpus:
        assert corpus.words == ["b", "a", "c"]


def _fails_at_three():
    yield from ["a", "b"]
    raise RuntimeError("mine")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("a b", r"X is a single str, 'a b'; wrap a text in a list, \[X\], .* Path\(X\)"),
        (b"a b", "X is a single bytes"),
        (None, "X is None"),
        (3, r"X is 3 \(int\)"),
        ({"a": 1}, "X is a mapping"),
        ({"a"}, "X is a set"),
        (np.array([["a"]]), r"X is of shape \(1, 1\)"),
        (pd.DataFrame({"a": ["b"]}), "X is a table"),
        ([], "X is empty"),
        ((), "X is empty"),
        (["a", None], r"X\[1\] is None, a missing value"),
        (["a", float("nan")], r"X\[1\] is nan, a missing value"),
        ([None, "a"], r"X\[0\] is None, a missing value"),
        (["a", b"b"], r"X\[1\] is b'b' \(bytes\); expected a str. Decode"),
        ([b"a"], r"X\[0\] is b'a' \(bytes\)"),
        (["a", ["b"]], r"X\[1\] is a list of tokens, \['b'\], among texts"),
        ([["a"], "b"], r"X\[1\] is a str, 'b', among lists of tokens"),
        ([["a"], None], r"X\[1\] is None, a missing value; expected a list of str"),
        ([["a"], {"b"}], r"X\[1\] is {'b'} \(set\); expected a list of str"),
        ([["a"], ["a", 3]], r"X\[1\]\[1\] is 3 \(int\); expected a token"),
        ([["a", None]], r"X\[0\]\[1\] is None"),
        ([["a"], ["a", ["b"]]], r"X\[1\]\[1\] is \['b'\] \(list\)"),
        ([[b"a"]], r"X\[0\]\[0\] is b'a' \(bytes\)"),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_no_corpus_is_refused_with_its_place(X, message, threads):
    with pytest.raises(TextInputError, match=message):
        read_corpus(X, n_jobs=threads)


@pytest.mark.usefixtures("small_blocks")
def test_the_place_counts_from_the_first_text():
    texts = ["so much text"] * 100
    texts[77] = None
    for X in (texts, iter(texts)):
        with pytest.raises(TextInputError, match=r"X\[77\] is None"):
            read_corpus(X)


def test_a_stream_of_nothing_is_empty():
    with pytest.raises(TextInputError, match="X is empty"):
        read_corpus(iter([]))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_error_of_a_generator_is_passed_on(threads):
    with pytest.raises(RuntimeError, match="mine"):
        read_corpus(_fails_at_three(), n_jobs=threads)


def test_a_corpus_without_words_says_what_there_was():
    with pytest.raises(ValueError, match="none of its 2 sentences has a token"):
        read_corpus(["", "!"])
    with pytest.raises(ValueError, match=r"of 2 different .* 'a', stands 3 times .*min_count=4"):
        read_corpus(["b a a a"], min_count=4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_count": -1}, "min_count must be an integer of at least 0, got -1"),
        ({"min_count": 2.0}, "min_count must be an integer"),
        ({"min_count": True}, "min_count must be an integer"),
        ({"max_vocabulary": 0}, "max_vocabulary must be an integer of at least 1"),
        ({"lowercase": "yes"}, "lowercase must be True or False"),
        ({"token_pattern": "("}, "is no regular expression"),
        ({"token_pattern": "(a)(b)"}, "has 2 groups"),
        ({"token_pattern": None}, "token_pattern must be a str"),
        ({"tokenizer": "split"}, "tokenizer must be a function"),
        ({"n_jobs": 0}, "n_jobs must be"),
    ],
)
def test_parameters_are_looked_at_before_the_corpus(options, message):
    stream = iter(["a a a a a"])
    with pytest.raises(ValueError, match=message):
        read_corpus(stream, **options)
    assert next(stream)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("pattern", [r"\w+", r"[a-z]+"])
@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"ab\ncd \xff\n", r"line 2, column 4: byte 0xff is not valid utf-8"),
        (b"ab\n\n \xc3", r"line 3, column 2: byte 0xc3 is not valid"),
        (b"ab\ncd\0\n", r"line 2, column 3: a NUL byte"),
        (b"\xff\xfea\0b\0", r"line 1"),
        (b"", r"the file is empty"),
    ],
)
def test_a_fault_of_a_file_is_named_by_line_and_column(data, place, pattern, threads, tmp_path):
    path = write(tmp_path / "a.txt", data)
    with pytest.raises(DataError, match=rf"a.txt.*{place}|a.txt.*is in utf-16"):
        read_corpus(path, token_pattern=pattern, n_jobs=threads)


@pytest.mark.usefixtures("small_blocks")
def test_the_column_counts_from_the_start_of_a_long_line(tmp_path):
    path = write(tmp_path / "a.txt", b"x\n" * 50 + b"much text " * 50 + b"\xff")
    with pytest.raises(DataError, match="line 51, column 501:"):
        read_corpus(path)


def test_paths_without_a_text_file_are_refused(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="No such file"):
        read_corpus(tmp_path / "none.txt")
    with pytest.raises(DataError, match="a folder, not a file"):
        read_corpus(tmp_path)
    with pytest.raises(DataError, match="not a sound file"):
        read_corpus(write(tmp_path / "a.txt.bz2", b"no bzip2"))
    broken = write(tmp_path / "a.gz", gzip.compress(b"much text " * 9000))
    os.truncate(broken, 40)
    with pytest.raises(DataError, match="not a sound file"):
        read_corpus(broken)
    monkeypatch.setattr(files_module, "PART_BYTES", 64)
    monkeypatch.setattr(files_module, "MAX_LINE", 500)
    with pytest.raises(DataError, match="line 2: more than 500 bytes without a space"):
        read_corpus(write(tmp_path / "b.txt", b"a\n" + b"x" * 1000))


@given(st.binary(max_size=40) | st.text(max_size=20).map(lambda t: t.encode("utf-8", "replace")))
def test_lines_are_found_and_checked_as_python_does(data):
    n_lines = data.count(b"\n") + 1
    bounds = np.zeros(n_lines + 1, dtype=np.int64)
    plain = np.zeros(n_lines, dtype=np.uint8)
    buffer = np.frombuffer(data + b"\x80", dtype=np.uint8)  # what stands behind is not read
    fault = split_lines(buffer.ctypes.data, len(data), bounds, plain)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        first = error.start
    else:
        first = len(data)
    first = min(first, *(data.find(b"\0") % (len(data) + 1), len(data)))
    assert fault == (-1 if first == len(data) else first)
    if fault < 0:
        lines = [data[a:b] for a, b in itertools.pairwise(bounds.tolist())]
        assert lines == [*(line + b"\n" for line in data.split(b"\n")[:-1]), data.split(b"\n")[-1]]
        assert plain.tolist() == [line.isascii() for line in lines]


def open_files():
    """What the process has open, but for the folder that lists it."""
    found = [os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir()]
    return sorted(name for name in found if not name.startswith("/proc/"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_long_spool_is_a_file_without_a_name(folder):
    numbers = np.random.default_rng(0).integers(-1, 2**31 - 1, 1000, dtype=np.int32)
    short, long = Spool(1 << 20), Spool(128)
    for spool in (short, long):
        for first, last in itertools.pairwise([0, 0, 1, 20, 40, 400, 1000]):
            spool.append(numbers[first:last])
        assert len(spool) == 1000
        for first, last in [(0, 1000), (5, 5), (31, 33), (999, 1000)]:
            assert (spool.read(first, last) == numbers[first:last]).all()
        spool.overwrite(3, numbers[10:20])
        assert (spool.read(0, 20) == np.r_[numbers[:3], numbers[10:20], numbers[13:20]]).all()
        spool.truncate(7)
        assert len(spool) == 7
        for positions in [(0, 8), (-1, 3), (3, 2)]:
            with pytest.raises(ValueError, match="are not in 7"):
                spool.read(*positions)
        with pytest.raises(ValueError, match="are not in 7"):
            spool.overwrite(7, numbers[:1])
        spool.close()
        spool.close()
        with pytest.raises(ValueError, match="closed"):
            spool.read(0, 1)
        with pytest.raises(ValueError, match="closed"):
            spool.append(numbers)
    assert list(folder.iterdir()) == []


def test_a_spool_is_read_where_no_call_names_a_position(monkeypatch):
    monkeypatch.delattr(os, "preadv")
    with Spool(0) as spool:
        spool.append(np.arange(100, dtype=np.int32))
        assert spool.read(10, 90).tolist() == list(range(10, 90))


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system which files are open")
@pytest.mark.usefixtures("small_blocks", "folder")
def test_the_file_is_gone_on_every_way_out():
    texts = random_texts(200)

    def interrupted():
        yield from texts
        raise KeyboardInterrupt

    gc.collect()
    before = open_files()
    with pytest.raises(KeyboardInterrupt):
        read_corpus(interrupted(), min_count=1)
    with pytest.raises(TextInputError):
        read_corpus([*texts, None])
    with pytest.raises(ValueError, match="no word is left"):
        read_corpus(texts, min_count=10**6)
    gc.collect()
    assert open_files() == before
    corpus = read_corpus(texts, min_count=1)
    assert len(open_files()) == len(before) + 1
    corpus.close()
    assert open_files() == before
    with pytest.raises(ValueError, match="corpus is closed"):
        corpus.read(0)
    corpus = read_corpus(texts, min_count=1)
    del corpus
    gc.collect()
    assert open_files() == before


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("form", ["list", "generator", "file", "token lists"])
def test_a_full_disk_is_one_error_that_names_the_folder(form, folder, tmp_path, monkeypatch):
    texts = random_texts(200)
    X = forms(texts, tmp_path)[form]()

    class Full:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            if self.file.tell() > 2000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.file.write(data)

        def __getattr__(self, name):
            return getattr(self.file, name)

    opened = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: Full(opened(**options)))
    with pytest.raises(OSError, match=r"no room in .* MiB there.*TMPDIR") as caught:
        read_corpus(X, min_count=1)
    assert caught.value.errno == errno.ENOSPC
    assert str(folder) in str(caught.value)
    assert ("about" in str(caught.value)) == (form != "generator")


def test_a_folder_that_cannot_be_written_to_is_named(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    with pytest.raises(OSError, match="no temporary file in '/no/such/folder'"):
        Spool(0).append(np.zeros(3, dtype=np.int32))


def test_no_folder_at_all_is_one_error_too(monkeypatch):
    def none():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/a']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: none())
    with pytest.raises(OSError, match=r"No usable temporary directory .* in TMPDIR"):
        Spool(0).append(np.zeros(3, dtype=np.int32))


def test_progress_is_shown_when_asked_for(tmp_path, capsys):
    read_corpus(["a b", "c"], min_count=1).close()
    assert capsys.readouterr().err == ""
    read_corpus(["a b", "c"], min_count=1, verbose=1).close()
    assert "Reading the corpus: 2/2 texts" in capsys.readouterr().err
    for pattern in (r"\w+", r"[a-z]+"):
        path = write(tmp_path / "a.txt", b"much text\n" * 1000)
        read_corpus(path, min_count=1, verbose=1, token_pattern=pattern).close()
        assert "Reading the corpus: 0.01/0.01 MB" in capsys.readouterr().err


def test_reading_is_plain_python_too(tmp_path):
    path = write(tmp_path / "a.txt", "\n".join(TEXTS).encode())
    sentences = [[*tokens_of(text), text] for text in TEXTS]
    code = (
        "import sys; sys.stdout.reconfigure(encoding='utf-8')\n"
        "import numba; assert numba.config.DISABLE_JIT\n"
        "from pathlib import Path\n"
        "from textrep.embeddings import corpus\n"
        "corpus.CHUNK_TOKENS = 8\n"
        f"for X in Path({str(path)!r}), {sentences!a}:\n"
        "    c = corpus.read_corpus(X, min_count=1)\n"
        "    print([c.words, c.counts.tolist(), [c.read(i).tolist() for i, _ in "
        "enumerate(c.chunks)]])\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    expected = [list(map(tokens_of, TEXTS)), sentences]
    for line, lists in zip(found.stdout.strip().split("\n"), expected, strict=True):
        words, counts, ids = eval(line)
        assert (words, counts, list(itertools.chain(*ids))) == by_hand(lists)


@given(st.lists(st.lists(st.text(max_size=20), max_size=9), min_size=1, max_size=9).filter(any))
def test_tokens_may_be_any_strings(sentences):
    with read_corpus(sentences, min_count=1) as corpus:
        assert contents(corpus) == by_hand(sentences)


def test_many_tokens_are_numbered_as_a_dict_does():
    draw = random.Random(0)
    known = [
        draw.choice("aÄ文") * draw.randint(0, 3) + str(i) * draw.randint(0, 4) for i in range(9999)
    ]
    sentences = [[draw.choice(known) for _ in range(draw.randint(0, 50))] for _ in range(9999)]
    for threads in (1, 3):
        with read_corpus(iter(sentences), min_count=2, n_jobs=threads) as corpus:
            assert contents(corpus) == by_hand(sentences, 2)
