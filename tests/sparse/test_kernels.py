"""Kernels one by one against brute force, and all of them once as plain Python."""

from __future__ import annotations

import itertools
import os
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import strip_accents_ascii, strip_accents_unicode
from sklearn.utils import murmurhash3_32

from textrep.sparse import terms as terms_module
from textrep.sparse import threads
from textrep.sparse.documents import batches
from textrep.sparse.kernels import children, hashing, rows, utf8
from textrep.sparse.kernels.lexicon import reorder_packed
from textrep.sparse.kernels.tokenize import tokenize
from textrep.sparse.lexicon import Lexicon, pack_strings, sort_packed, unpack_strings
from textrep.sparse.numbering import _pieces, number_ngrams
from textrep.sparse.threads import split_evenly
from textrep.sparse.trie import Trie
from textrep.sparse.unicode import (
    N_CODES,
    SPACE,
    SPECIAL_LOWER,
    WORD,
    character_classes,
    fold_tables,
)

STRINGS = st.lists(
    st.text(alphabet=st.one_of(st.sampled_from("ab\0 "), st.characters(codec=None)), max_size=45),
    max_size=40,
    unique=True,
)


@settings(deadline=None, derandomize=True)
@given(STRINGS)
def test_packed_strings_sort_as_python_sorts_them(strings):
    order = sort_packed(*pack_strings(strings))
    assert [strings[i] for i in order] == sorted(strings)


def test_some_of_the_packed_strings_may_be_taken_however_long_they_are():
    strings = ["a", "b", "c", "long " * 1000]
    moved, bounds = reorder_packed(*pack_strings(strings), np.array([3, 1]))
    assert unpack_strings(moved, bounds) == [strings[3], "b"]


def test_strings_alike_for_many_bytes_are_sorted_too():
    strings = ["http://www.example.org/a-long-path/" + "x" * n for n in range(50, 0, -1)]
    order = sort_packed(*pack_strings(strings))
    assert [strings[i] for i in order] == sorted(strings)


@settings(deadline=None, derandomize=True)
@given(STRINGS)
def test_a_lexicon_numbers_strings_in_the_order_they_come(strings):
    lexicon = Lexicon(capacity=4)
    ids = lexicon.insert(*pack_strings(strings))
    again = lexicon.insert(*pack_strings(strings[::-1]))
    np.testing.assert_array_equal(ids, np.arange(len(strings)))
    np.testing.assert_array_equal(again, np.arange(len(strings))[::-1])
    arena, offsets = lexicon.packed()
    text = arena.tobytes()
    assert [
        text[a:b].decode("utf-8", "surrogatepass") for a, b in itertools.pairwise(offsets)
    ] == strings


@pytest.mark.parametrize("length", [*range(30), 1000])
def test_murmur3_is_scikit_learns(length):
    data = bytes(random.Random(length).randrange(256) for _ in range(length))
    buffer = np.frombuffer(data + b"beyond", dtype=np.uint8)
    assert hashing.murmur3(buffer.ctypes.data, length) == murmurhash3_32(data, seed=0)


@pytest.mark.parametrize("n", [0, 1, 39, 40, 41, 500])
@pytest.mark.parametrize("top", [1, 200, 70_000, 2**31 - 1])
def test_keys_are_sorted(n, top):
    keys = np.random.default_rng(n).integers(0, top, size=n, endpoint=True).astype(np.int64)
    wanted = np.sort(keys)
    spare = np.empty_like(keys)
    moved = rows.sort_keys(keys, spare, n, top, np.empty(1 << rows.DIGIT_BITS, np.int32))
    np.testing.assert_array_equal(spare if moved else keys, wanted)


def test_find_plain_looks_at_every_byte():
    texts = ["a" * n for n in range(20)]
    texts += ["a" * n + "é" + "a" * m for n in range(9) for m in range(9)]
    encoded = [text.encode() for text in texts]
    buffers = [np.frombuffer(e or b"\0", dtype=np.uint8) for e in encoded]
    address = np.array([b.ctypes.data for b in buffers])
    plain = utf8.find_plain(address, np.array([len(e) for e in encoded]))
    np.testing.assert_array_equal(plain, [text.isascii() for text in texts])


# ---- Unicode tables


def every_character():
    return (chr(code) for code in range(N_CODES))


def test_classes_are_those_of_str_and_re():
    classes = character_classes()
    words = np.array([c.isalnum() or c == "_" for c in every_character()])
    spaces = np.array([c.isspace() for c in every_character()])
    np.testing.assert_array_equal((classes & WORD) > 0, words)
    np.testing.assert_array_equal((classes & SPACE) > 0, spaces)


def folded(tables, code):
    to = int(tables.fold[code])
    if to >= 0:
        return chr(to)
    count = tables.sequences[-to - 1]
    return "".join(map(chr, tables.sequences[-to : -to + count]))


@pytest.mark.parametrize("strip", [None, "ascii", "unicode"])
@pytest.mark.parametrize("lower", [True, False])
def test_folding_is_lower_then_strip_accents_for_every_character(lower, strip):
    tables = fold_tables(lower, strip)
    stripped = {None: str, "ascii": strip_accents_ascii, "unicode": strip_accents_unicode}[strip]
    assert set(tables.special) == set(SPECIAL_LOWER if lower else "")
    for code, character in enumerate(every_character()):
        if character not in tables.special:
            assert folded(tables, code) == stripped(character.lower() if lower else character)


def test_only_the_final_sigma_looks_at_its_neighbours():
    letters = "".join(c for c in every_character() if c not in "\u03a3\u0130" and c.isalpha())
    assert letters.lower() == "".join(c.lower() for c in letters)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.text(alphabet=st.characters(codec=None), max_size=30))
def test_accents_are_stripped_alike_one_by_one_and_together(text):
    assert strip_accents_unicode(text) == "".join(map(strip_accents_unicode, text))
    assert strip_accents_ascii(text) == "".join(map(strip_accents_ascii, text))


def test_growth_bounds_the_folded_text():
    for lower, strip in itertools.product((True, False), (None, "ascii", "unicode")):
        tables = fold_tables(lower, strip)
        for code in range(N_CODES):
            if not 0xD800 <= code < 0xE000 and tables.fold[code] != code:
                size = len(chr(code).encode())
                assert len(folded(tables, code).encode()) <= tables.growth * size


# ---- numbering


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    texts=st.lists(st.lists(st.integers(0, 4), max_size=9), min_size=1, max_size=8),
    smallest=st.integers(1, 3),
    more=st.integers(0, 2),
    parts=st.integers(1, 3),
)
def test_ngrams_are_numbered_placed_and_ordered_as_by_brute_force(texts, smallest, more, parts):
    largest = smallest + more
    texts = [*texts, [0, 1, 2, 3, 4]]  # the alphabet holds no symbol that no text has
    symbols = [s for text in texts for s in [*text, -1]]
    bounds = np.cumsum([0, *(len(text) + 1 for text in texts)])
    ranks = np.empty((largest, len(symbols)), dtype=np.int32)
    ranks[0] = symbols
    first = np.array([symbols.index(s) for s in range(5)])
    numbering = number_ngrams(ranks, bounds, 5, smallest, first, parts)
    met: dict[tuple[int, ...], int] = {}
    for text in texts:
        for n in range(smallest, largest + 1):
            for i in range(len(text) - n + 1):
                met.setdefault(tuple(text[i : i + n]), len(met))
    wanted_columns = {gram: column for column, gram in enumerate(sorted(met))}
    path = [(s,) for s in range(5)]
    found = {}
    for order, level in enumerate(numbering.levels, 1):
        if order > 1:
            path = [(*path[p], int(s)) for p, s in zip(level.parent, level.symbol, strict=True)]
        for gram, column, number in zip(path, level.column, range(len(path)), strict=True):
            if column >= 0:
                term = numbering.term_of[numbering.offset[order - 1] + number]
                found[gram] = (int(column), int(term))
    assert found == {gram: (wanted_columns[gram], met[gram]) for gram in met}


@settings(deadline=None, derandomize=True)
@given(
    st.dictionaries(st.text(alphabet="ab 中", max_size=6), st.integers(), min_size=1, max_size=20),
    st.booleans(),
)
def test_a_trie_gives_back_the_terms_it_was_made_of(terms, words):
    vocabulary = {term: i for i, term in enumerate(t for t in terms if t)}
    trie = Trie.from_terms(vocabulary, words)
    assert trie.vocabulary() == vocabulary
    assert trie.terms() == list(vocabulary)
    copy = Trie.from_state(trie.to_state())
    assert copy.vocabulary() == vocabulary
    halves = [i // 2 if i % 2 == 0 else -1 for i in range(len(vocabulary))]
    keep = np.array(halves, dtype=np.int64)
    kept = {term: i // 2 for term, i in vocabulary.items() if i % 2 == 0}
    assert trie.keep(keep).vocabulary() == kept


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("symbol_0", np.array([0, 99], dtype=np.int32)),
        ("column_0", np.array([0, 7])),
        ("met", np.array([0, 0])),
        ("offsets", np.array([0, 5, 10_000])),
        ("parent_1", np.array([3], dtype=np.int32)),
        ("column_0", np.array([1, -1])),
        ("offsets", np.array([0, 1, 2], dtype=np.uint64)),
        ("arena", np.zeros((30, 0), dtype=np.uint8)),
        ("symbol_0", np.array([[0, 1]], dtype=np.int32)),
    ],
)
def test_a_tampered_vocabulary_is_refused(name, value):
    state = Trie.from_terms({"a": 0, "a b": 1}, words=True).to_state()
    state[name] = value
    with pytest.raises(ValueError, match="does not fit together"):
        Trie.from_state(state)


@settings(deadline=None, derandomize=True)
@given(
    st.dictionaries(st.text(alphabet="ab中 é", min_size=1, max_size=12), st.just(0), max_size=60),
    st.booleans(),
    st.integers(1, 9),
)
def test_terms_written_in_threads_do_not_run_into_each_other(terms, words, pieces):
    # one byte and a line break behind a long term: what is copied past its end must not stay
    terms = [term for term in terms if not words or "  " not in term.strip()]
    vocabulary = {term: i for i, term in enumerate(dict.fromkeys(terms))}
    trie = Trie.from_terms(vocabulary, words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "BYTES_PER_THREAD", 8)
        patch.setattr(threads, "available_cores", lambda: pieces)
        assert trie.terms() == list(vocabulary)
        assert trie.terms(np.arange(len(vocabulary))[::-1]) == list(vocabulary)[::-1]


def test_the_vocabulary_holds_the_terms_and_nothing_else():
    trie = Trie.from_terms({"b": 1, "a": 0}, words=True)
    assert list(trie.vocabulary().items()) == [("b", 1), ("a", 0)]
    assert trie.vocabulary() == {"a": 0, "b": 1}


def test_terms_are_spelt_by_no_more_threads_than_n_jobs_allows(monkeypatch):
    asked = []

    def record(task, arguments, n_threads):
        asked.append((n_threads, len(arguments)))
        return [task(*call) for call in arguments]

    trie = Trie.from_terms({f"w{i}": i for i in range(50)}, words=True)
    monkeypatch.setattr(threads, "BYTES_PER_THREAD", 8)
    monkeypatch.setattr(threads, "available_cores", lambda: 4)
    monkeypatch.setattr(terms_module, "run_parallel", record)
    for n_jobs, wanted in [(None, 4), (1, 1), (3, 3), (-2, 3)]:
        asked.clear()
        trie.vocabulary(n_jobs)
        assert set(asked) == {(wanted, wanted)}


@settings(deadline=None, derandomize=True)
@given(
    st.sets(st.tuples(st.integers(0, 4), st.integers(0, 70)), max_size=150),
    st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 80)), max_size=200),
)
def test_continuations_are_found_as_in_a_dict(pairs, wanted):
    numbers = {pair: number for number, pair in enumerate(sorted(pairs))}
    parent = np.array([prefix for prefix, _ in numbers], dtype=np.int32)
    symbol = np.array([symbol for _, symbol in numbers], dtype=np.int32)
    start, slots = children.hash_children(parent, symbol, 5)
    assert len(slots) < 3 * len(pairs) + 1
    prefixes = np.array([prefix for prefix, _ in wanted], dtype=np.int32)
    # the symbol behind prefix p stands at p + order - 1
    symbols = np.array([-1, *(symbol for _, symbol in wanted)], dtype=np.int32)
    ranks = np.empty(len(wanted) + 1, dtype=np.int32)
    children.find_children(np.append(prefixes, -1), symbols, 2, start, slots, ranks)
    found = [numbers.get(pair, -1) for pair in wanted]
    assert ranks.tolist() == [*found, -1]


# ---- pieces


def test_histograms_of_many_pieces_take_no_more_memory_than_the_entries():
    assert len(_pieces(1000, 64, 10)) == 64
    assert len(_pieces(1000, 64, 100)) == 10
    assert len(_pieces(1000, 64, 900)) == 2
    assert len(_pieces(1000, 1, 900)) == 1
    for n_keys in (0, 10, 100, 10**6):
        pieces = _pieces(1000, 64, n_keys)
        assert [i for a, b in pieces for i in range(a, b)] == list(range(1000))


@pytest.mark.parametrize("run", [*range(1, 18), 40])
def test_ascii_around_other_letters_is_folded_as_by_python(run):
    # runs of every length around the eight bytes that are folded at a time
    document = "A" * run + "É" + "bC " * run + "ÀÉ" + "Z_" * run + " " + "X" * run
    (batch,) = batches([document], SPECIAL_LOWER, lambda d: d, is_content=True)
    tables = fold_tables(True, None)
    found = tokenize(
        batch.address, batch.nbytes, batch.plain, 0, 1, False, True, 1, True, 0, tables.fold,
        tables.sequences, character_classes(), tables.growth, *empty_lexicon(),
    )  # fmt: skip
    tokens, arena, offsets = found[0], found[3].tobytes(), found[4]
    words = [arena[offsets[t] : offsets[t + 1]].decode() for t in tokens if t >= 0]
    assert words == re.findall(r"\w+", document.lower())


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 8))
def test_even_ranges_cover_every_item_once(weights, parts):
    ranges = split_evenly(np.cumsum([0, *weights]), parts)
    assert [i for a, b in ranges for i in range(a, b)] == list(range(len(weights)))
    assert len(ranges) <= parts


def empty_lexicon():
    lexicon = Lexicon()
    return lexicon.table, lexicon.arena, lexicon.offsets, lexicon.size


def test_documents_that_python_has_to_lower_are_lowered():
    (batch,) = batches(["ΣΑΣ", "plain"], "\u03a3", lambda d: d, is_content=True)
    assert batch.plain.tolist() == [0, 1]
    assert batch.owners[1].tobytes().decode() == "σας"


def test_counting_in_two_ways_agrees():
    # few occurrences against many terms sort each row, many count densely: the same rows
    generator = np.random.default_rng(0)
    words = generator.integers(0, 30, size=400).astype(np.int32)
    bounds = np.arange(0, 401, 20)
    term_bounds = np.arange(0, 93, 3)
    term_list = generator.integers(0, 50, size=90).astype(np.int32)
    by_few = rows.count_word_rows(words, bounds, term_bounds, term_list, 0, 20, 50)
    by_many = rows.count_word_rows(words, bounds, term_bounds, term_list, 0, 20, 10**6)
    for a, b in zip(by_few, by_many, strict=True):
        np.testing.assert_array_equal(a, b)
    for d in range(20):
        counted = Counter(
            int(t)
            for w in words[bounds[d] : bounds[d + 1]]
            for t in term_list[term_bounds[w] : term_bounds[w + 1]]
        )
        row = slice(by_few[2][d], by_few[2][d + 1])
        assert dict(zip(by_few[0][row].tolist(), by_few[1][row].tolist(), strict=True)) == counted


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import differential
differential.short.TINY_CHARACTERS = 0
documents = ["the best of times", "naïve ΣΑΣ seventeencharslong a_b", "", "the the x"]
for name in ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer"):
    for analyzer in ("word", "char", "char_wb"):
        parameters = {{"analyzer": analyzer, "ngram_range": (1, 2), "strip_accents": "unicode"}}
        difference = differential.compare(name, parameters, documents, documents[::-1])
        assert difference is None, difference
print("the same")
"""


def test_kernels_give_the_same_answers_as_plain_python():
    folder = str(Path(__file__).parent)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT.format(folder=folder)],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "the same\n", run.stderr
