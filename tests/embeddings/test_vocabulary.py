"""Tables made of counts, against brute force, exact fractions and gensim."""

from __future__ import annotations

import heapq
import itertools
import math
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.embeddings.vocabulary import (
    WHOLE,
    alias_table,
    huffman_tree,
    keep_probabilities,
    negative_weights,
)

COUNTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=60)
WEIGHTS = st.lists(
    st.floats(0, 1e300, allow_subnormal=False) | st.integers(0, 5), min_size=1, max_size=60
).filter(any)


def drawn(threshold, alias):
    """The probability of each item as the table has it, exactly."""
    n = len(alias)
    share = [Fraction(0)] * n
    for place, (own, other) in enumerate(zip(threshold.tolist(), alias.tolist(), strict=True)):
        share[place] += Fraction(own, WHOLE * n)
        share[other] += Fraction(WHOLE - own, WHOLE * n)
    return share


@given(WEIGHTS)
def test_an_alias_table_draws_each_item_by_its_weight(weights):
    threshold, alias = alias_table(weights)
    assert (threshold >= 0).all()
    assert (threshold <= WHOLE).all()
    total = sum(map(Fraction, weights))
    for found, weight in zip(drawn(threshold, alias), weights, strict=True):
        assert abs(found - Fraction(weight) / total) < Fraction(1, 10**9)


@given(WEIGHTS)
def test_an_item_without_weight_is_never_drawn(weights):
    found = drawn(*alias_table(weights))
    largest = max(weights)
    for share, weight in zip(found, weights, strict=True):
        assert share == 0 or weight > largest * 1e-15


def test_a_large_table_is_exact_too():
    weights = np.random.default_rng(0).zipf(1.3, 20_000).clip(max=10**9).astype(float)
    threshold, alias = alias_table(weights)
    n = len(weights)
    found = np.bincount(np.arange(n), threshold / WHOLE, n)
    found += np.bincount(alias, 1 - threshold / WHOLE, n)
    np.testing.assert_allclose(found / n, weights / weights.sum(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("weights", [[], [[1.0]], [0.0], [-1.0, 2.0], [np.nan], [np.inf]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        alias_table(weights)


@pytest.mark.parametrize("sample", [1e-3, 1e-4, 1e-5])
def test_words_are_kept_as_gensim_keeps_them(sample):
    word2vec = pytest.importorskip("gensim.models.word2vec")
    counts = [5000, 2000, 700, 300, 30, 7]
    model = word2vec.Word2Vec(sample=sample, min_count=1, vector_size=1)
    model.build_vocab_from_freq({str(i): count for i, count in enumerate(counts)})
    expected = [model.wv.get_vecattr(str(i), "sample_int") / 2**32 for i in range(len(counts))]
    np.testing.assert_allclose(keep_probabilities(counts, sample), expected, rtol=1e-6)


def test_words_outside_the_vocabulary_count_if_asked():
    np.testing.assert_array_equal(
        keep_probabilities([300, 5], 1e-2, total=1000),
        keep_probabilities([300, 5, 695], 1e-2)[:2],
    )


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=40), st.floats(0, 1))
def test_a_more_frequent_word_is_not_kept_more_often(counts, sample):
    keep = keep_probabilities(sorted(counts), sample)
    assert keep.dtype == np.float32
    assert (keep >= 0).all()
    assert (keep <= 1).all()
    assert (np.diff(keep) <= 0).all()


def test_without_a_threshold_all_are_kept():
    assert keep_probabilities([10**9, 1], 0).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 0.1), "counts must be one row"),
        (([0], 0.1), "at least 1, got 0"),
        (([1.5], 0.1), "integers"),
        (([1], -0.1), "sample must be from 0 to 1"),
        (([1], math.nan), "sample must be from 0 to 1"),
        (([1], 2), "sample must be from 0 to 1"),
    ],
)
def test_thresholds_and_counts_are_looked_at(arguments, message):
    with pytest.raises(ValueError, match=message):
        keep_probabilities(*arguments)


def test_a_text_is_not_smaller_than_its_vocabulary():
    with pytest.raises(ValueError, match="total=9 is less"):
        keep_probabilities([5, 5], 0.1, total=9)


@given(COUNTS.filter(any), st.floats(-2, 2))
def test_negatives_are_drawn_by_a_power_of_their_counts(counts, power):
    found = negative_weights(counts, power)
    assert math.isclose(found.sum(), 1, rel_tol=1e-9)
    met = [i for i, count in enumerate(counts) if count]
    for i in met:
        ratio = (counts[i] / counts[met[0]]) ** power
        assert math.isclose(found[i] / found[met[0]], ratio, rel_tol=1e-9)
    assert all(found[i] == 0 for i in range(len(counts)) if i not in met)


def test_no_power_is_too_large_for_the_weights():
    np.testing.assert_allclose(negative_weights([10**9, 10**9, 1], 300), [0.5, 0.5, 0])


@pytest.mark.parametrize(("counts", "power"), [([0, 0], 0.75), ([1], math.inf), ([1.0], 0.75)])
def test_no_words_and_no_powers_are_refused(counts, power):
    with pytest.raises(ValueError, match=r"counts|power"):
        negative_weights(counts, power)


def paths(counts):
    codes, points, offsets = huffman_tree(counts)
    assert (codes.dtype, points.dtype, offsets.dtype) == (np.uint8, np.int32, np.int64)
    assert len(offsets) == len(counts) + 1
    spans = list(itertools.pairwise(offsets))
    return [codes[a:b].tolist() for a, b in spans], [points[a:b].tolist() for a, b in spans]


def shortest(counts):
    """The least sum of counts times path lengths, by a heap."""
    heap = list(counts)
    heapq.heapify(heap)
    cost = 0
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        cost += joined
        heapq.heappush(heap, joined)
    return cost


@given(COUNTS)
def test_no_tree_has_shorter_paths(counts):
    codes, _ = paths(counts)
    found = sum(count * len(code) for count, code in zip(counts, codes, strict=True))
    assert found == shortest(counts)


@given(COUNTS)
def test_no_word_is_on_the_way_to_another(counts):
    codes, points = paths(counts)
    n = len(counts)
    if n == 1:
        assert codes == [[]]
        return
    assert sum(Fraction(1, 2 ** len(code)) for code in codes) == 1  # Kraft: complete
    assert len({tuple(code) for code in codes}) == n
    names = {}
    for code, nodes in zip(codes, points, strict=True):
        assert nodes[0] == n - 2
        for depth, node in enumerate(nodes):  # one node for each beginning of a code
            assert names.setdefault(node, tuple(code[:depth])) == tuple(code[:depth])
    assert sorted(names) == list(range(n - 1))


def test_the_tree_is_gensims_where_no_counts_are_alike():
    word2vec = pytest.importorskip("gensim.models.word2vec")
    counts = sorted((10 ** np.random.default_rng(0).uniform(3, 9, 60)).astype(int).tolist())[::-1]
    model = word2vec.Word2Vec(hs=1, negative=0, min_count=1, vector_size=1)
    model.build_vocab_from_freq({str(i): count for i, count in enumerate(counts)})
    codes, points = paths(counts)
    for i in range(len(counts)):
        assert codes[i] == model.wv.get_vecattr(str(i), "code").tolist()
        assert points[i] == model.wv.get_vecattr(str(i), "point").tolist()


def test_the_paths_are_as_long_as_gensims_where_some_are():
    word2vec = pytest.importorskip("gensim.models.word2vec")
    counts = [9, 4, 4, 4, 2, 2, 1, 1, 1, 1, 1]
    model = word2vec.Word2Vec(hs=1, negative=0, min_count=1, vector_size=1)
    model.build_vocab_from_freq({str(i): count for i, count in enumerate(counts)})
    theirs = [len(model.wv.get_vecattr(str(i), "code")) for i in range(len(counts))]
    ours = list(map(len, paths(counts)[0]))
    assert np.dot(ours, counts) == np.dot(theirs, counts)


def test_no_counts_and_negative_counts_have_no_tree():
    for counts in ([], [-1]):
        with pytest.raises(ValueError, match="counts"):
            huffman_tree(counts)


def test_the_kernels_are_plain_python_too():
    code = (
        "import numba; assert numba.config.DISABLE_JIT\n"
        "from textrep.embeddings.vocabulary import alias_table, huffman_tree\n"
        "a = alias_table([5, 1, 1, 0, 9]); b = huffman_tree([5, 3, 3, 1, 9, 1])\n"
        "print([x.tolist() for x in (*a, *b)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    a, b = alias_table([5, 1, 1, 0, 9]), huffman_tree([5, 3, 3, 1, 9, 1])
    assert found.stdout.strip() == str([x.tolist() for x in (*a, *b)])
