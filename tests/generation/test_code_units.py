"""The units of code, the counts of them, and filling in."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

from textrep.core.text import TextInputError
from textrep.engine.batches import Share
from textrep.engine.windows import WindowBatches
from textrep.generation.code.codec import CodeCodec
from textrep.generation.code.context_index import ContextIndex
from textrep.generation.code.fill_in import ORDERS, FillInBatches, prompt, rearrange, restore
from textrep.generation.code.sources import place_of, read_sources, standard_library
from textrep.generation.code.unit_counts import FileCache, KneserNey

SOURCE = 'import os\n\n\nclass A:\n    def f(self, x):\n\treturn "größe" + x  # ok\n'
CODEC = CodeCodec(vocab_size=400, min_count=1).fit([SOURCE, "for i in range(10):\n    print(i)\n"])
TOKENS = st.lists(st.integers(8, 20), max_size=12)


# ---- units


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_every_text_comes_back_from_its_numbers(text):
    ids = CODEC.encode(text)
    assert CODEC.decode(ids) == text
    assert not len(ids) or ids.min() > CodeCodec.END


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["\n", "    ", "\t", "def", " f", "(", "x", "):", "  ", "é", "\r\n"]))
)
def test_pieces_cover_the_text_and_no_unit_goes_across_them(parts):
    text = "".join(parts)
    pieces = CODEC.pieces(text)
    assert "".join(text[a:b] for a, b in pieces) == text
    ids = CODEC.encode(text)
    ends = set(np.cumsum([len(CODEC.unit_bytes[n]) for n in ids]).tolist())
    assert {len(text[:b].encode()) for _, b in pieces} <= ends


def test_line_ends_indentation_and_names_are_pieces():
    text = "if x:\n        y = foo_1(z)\n\n\nend"
    assert [text[a:b] for a, b in CODEC.pieces(text)] == [
        "if", " x", ":", "\n", "        ", "y", " =", " foo_1", "(", "z", ")", "\n\n\n", "end",
    ]  # fmt: skip


def test_a_sign_that_is_spelt_out_is_text():
    assert CODEC.decode(CODEC.encode("<middle><eos>")) == "<middle><eos>"
    assert not set(CODEC.encode("<middle><eos>").tolist()) & set(range(8))


@pytest.mark.parametrize("copy_of", ["state", "pickle"])
def test_a_codec_is_kept(copy_of):
    if copy_of == "state":
        found = CodeCodec.from_state(CODEC.state())
    else:
        found = pickle.loads(pickle.dumps(CODEC))
    assert found.words == CODEC.words
    np.testing.assert_array_equal(found.encode(SOURCE), CODEC.encode(SOURCE))


@pytest.mark.parametrize(
    "change",
    [
        {"units": ["a"]},
        {"merges": [["a"]]},
        {"merges": [["a", "zz"]]},
        {"kind": "word"},
        {"more": 1},
    ],
)
def test_a_wrong_state_is_refused(change):
    with pytest.raises(ValueError, match="CodeCodec"):
        CodeCodec.from_state({**CODEC.state(), **change})


def test_wrong_input_is_refused():
    with pytest.raises(TextInputError, match="single str"):
        CODEC.encode(["a"])
    with pytest.raises(ValueError, match=r"ids\[1\] is 100000"):
        CODEC.decode([9, 100_000])
    with pytest.raises(ValueError, match="vocab_size"):
        CodeCodec(vocab_size=100)
    with pytest.raises(ValueError, match="call fit"):
        CodeCodec().encode("a")


# ---- filling in


@settings(max_examples=60, deadline=None)
@given(TOKENS, st.data(), st.sampled_from(ORDERS))
def test_rearranged_texts_are_restored_exactly(ids, data, order):
    first = data.draw(st.integers(0, len(ids)))
    second = data.draw(st.integers(first, len(ids)))
    row = rearrange(ids, first, second, order)
    assert len(row) == len(ids) + 4
    assert restore(row).tolist() == ids
    begun = prompt(ids[:first], ids[second:], order)
    assert row[: len(begun)].tolist() == begun.tolist()
    assert row[len(begun) :].tolist() == [*ids[first:second], CodeCodec.END]


@pytest.mark.parametrize("row", [[], [4, 5, 6], [9, 4, 5, 6, 7], [4, 6, 5, 7], [4, 5, 6, 7, 9]])
def test_what_is_not_rearranged_is_not_restored(row):
    with pytest.raises(ValueError, match="signs"):
        restore(row)


def test_windows_are_rearranged_at_the_rate_that_is_asked_for():
    ids = np.random.default_rng(0).integers(8, 50, size=4000).astype(np.int32)
    plain = WindowBatches(ids, n_rows=10, window=19, seed=0)
    for rate in (0.0, 0.5, 1.0):
        batches = FillInBatches(plain, rate, seed=1)
        read = [batches.read(spec, Share()) for spec in batches.plan(0)]
        rows = np.concatenate([np.c_[b.inputs.numpy(), b.targets[:, -1:].numpy()] for b in read])
        original = [plain.read(spec, Share()) for spec in plain.plan(0)]
        whole = np.concatenate(
            [np.c_[b.inputs.numpy(), b.targets[:, -1:].numpy()] for b in original]
        )
        changed = rows[:, 0] == CodeCodec.PREFIX
        assert abs(changed.mean() - rate) < 0.1
        np.testing.assert_array_equal(rows[~changed], whole[~changed])
        for row, before in zip(rows[changed], whole[changed], strict=True):
            np.testing.assert_array_equal(restore(row), before[:-4])
        again = [batches.read(spec, Share()).inputs for spec in batches.plan(0)]
        assert all((a == b.inputs).all() for a, b in zip(again, read, strict=True))


# ---- counts


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=40), st.lists(st.integers(0, 3), max_size=4)
)
def test_the_index_finds_what_a_search_finds(ids, context):
    index = ContextIndex(ids, n_tokens=4, longest=3)
    ranges = index.ranges(context)
    for depth in range(4):
        tail = context[len(context) - depth :] if depth <= len(context) else None
        expected = [] if tail is None else [
            ids[i] for i in range(depth, len(ids)) if ids[i - depth : i] == tail
        ]  # fmt: skip
        found = index.after(*ranges[depth]).tolist() if depth < len(ranges) else []
        assert sorted(found) == sorted(expected)


def plain_kneser_ney(ids, n_tokens, order, discounts, context, word):
    """The formula, with counts by brute force."""
    p = 1.0 / n_tokens
    padded = [None] * order + list(ids)
    for depth in range(order):
        tail = context[len(context) - depth :]
        if depth > len(context):
            break
        places = [i for i in range(order, len(padded)) if padded[i - depth : i] == tail]
        if not places:
            break
        if depth == order - 1:
            counts = Counter(padded[i] for i in places)
        else:
            counts = Counter(w for _, w in {(padded[i - depth - 1], padded[i]) for i in places})
        total = sum(counts.values())
        taken = {w: discounts[depth][min(c, 3)] for w, c in counts.items()}
        p *= sum(taken.values()) / total
        p += max(counts.get(word, 0) - taken.get(word, 0.0), 0.0) / total
    return p


def test_kneser_ney_is_its_formula_and_sums_to_one():
    ids = np.random.default_rng(0).choice(6, size=300, p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05]).tolist()
    model = KneserNey(ids, n_tokens=7, order=3)
    for context in ([], [0], [1, 0], [5, 5], [6, 0], [2, 3, 1, 0]):
        found = model.predict(context)
        assert found.probabilities.sum() == pytest.approx(1.0)
        expected = [plain_kneser_ney(ids, 7, 3, model.discounts, context[-2:], w) for w in range(7)]
        np.testing.assert_allclose(found.probabilities, expected)


def test_discounts_are_those_of_chen_and_goodman():
    # Words in a row: the highest order counts pairs, of which 3 stand once, 2 twice, 1 three times.
    pairs = [(0, 1), (0, 2), (0, 3)] + [(1, 0), (1, 2)] * 2 + [(2, 0)] * 3
    ids = [n for a, b in pairs for n in (a, b, 9)]
    model = KneserNey(ids, n_tokens=10, order=2)
    counts = Counter(zip([None, *ids], ids, strict=False)).values()
    n1, n2, n3, n4 = (sum(c == k for c in counts) for k in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    expected = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    np.testing.assert_allclose(model.discounts[1][1:], np.clip(expected, 0.05, [0.95, 1.9, 2.85]))


def test_discounts_of_shorter_contexts_are_of_numbers_of_different_words_before():
    rng = np.random.default_rng(3)
    ids = [int(n) for n in rng.zipf(1.5, size=600) % 40]
    model = KneserNey(ids, n_tokens=40, order=3)
    padded = [None, None, None, *ids]
    for depth in (0, 1):
        before = {tuple(padded[i - depth - 1 : i + 1]) for i in range(3, len(padded))}
        counts = Counter(gram[1:] for gram in before).values()
        n1, n2, n3, n4 = (sum(c == k for c in counts) for k in (1, 2, 3, 4))
        assert min(n1, n2, n3, n4) > 0
        y = n1 / (n1 + 2 * n2)
        expected = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        np.testing.assert_allclose(
            model.discounts[depth][1:], np.clip(expected, 0.05, [0.95, 1.9, 2.85])
        )


def test_the_cache_knows_only_what_stood_before():
    ids = [1, 2, 3, 1, 2, 4]
    cache = FileCache(ids, n_tokens=6, discount=0.5)
    for end in range(len(ids) + 1):
        whole = cache.predict([1, 2], end=end).probabilities
        cut = FileCache(ids[:end], n_tokens=6, discount=0.5).predict([1, 2]).probabilities
        np.testing.assert_allclose(whole, cut)
        assert whole.sum() == pytest.approx(1.0)
    # Once before: (1 - D) / 1, and D times what shorter contexts say.
    found = cache.predict([1, 2], end=5)
    short = cache.predict([2], end=5).probabilities
    assert found.probabilities[3] == pytest.approx(0.5 + 0.5 * short[3])
    assert (found.depth, found.total, found.n_different) == (2, 1, 1)


# ---- files


def test_the_standard_library_is_read_without_its_tests():
    found = standard_library()
    names = [file.name for file in found.files]
    assert {"json.decoder", "heapq"} <= set(names)
    assert not [name for name in names if name.startswith(("test.", "idlelib.", "encodings."))]
    assert 0.05 < np.mean([place_of(name) < 0.1 for name in names]) < 0.2


def test_files_that_do_not_decode_are_skipped_and_named(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_bytes(b"x = '\xff'\n")
    (tmp_path / "c.py").write_bytes(b"# coding: latin-1\nx = '\xe9'\n")
    (tmp_path / "d.py").write_bytes(b"# coding: no-such\n")
    found = read_sources(tmp_path)
    assert [file.name for file in found.files] == ["a", "c"]
    assert found.files[1].text.endswith("x = 'é'\n")
    assert found.skipped == ["b", "d"]


def test_one_file_is_read_in_the_encoding_that_it_names(tmp_path):
    (tmp_path / "c.py").write_bytes(b"# coding: latin-1\nx = '\xe9'\n")
    ((name, text),) = read_sources(tmp_path / "c.py").files
    assert (name, text) == ("c", "# coding: latin-1\nx = 'é'\n")


def test_what_is_no_file_is_passed_over(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").mkdir()
    (tmp_path / ".#a.py").symlink_to(tmp_path / "nobody@nowhere")  # as Emacs locks a file
    found = read_sources(tmp_path)
    assert [file.name for file in found.files] == ["a"]
    assert found.skipped == []


def test_a_folder_without_python_is_named(tmp_path):
    with pytest.raises(ValueError, match="no Python file"):
        read_sources(tmp_path)
    with pytest.raises(OSError, match="no folder"):
        read_sources(tmp_path / "nothing")
