"""Near copies against a brute force over all pairs."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.comparison.health.copies import normalised
from textrep.comparison.health.joining import join_sets, rarest_first
from textrep.comparison.health.near import SIMILARITY, find_near_copies


def jaccard(a, b):
    return len(a & b) / len(a | b)


def random_sets(rng, n=120, universe=60):
    """Sets of which many are a few items away from another."""
    sets = []
    for _ in range(n):
        if sets and rng.random() < 0.6:
            base = set(sets[rng.integers(len(sets))])
            for item in rng.integers(universe, size=rng.integers(0, 4)):
                base ^= {int(item)}
        else:
            base = set(rng.integers(universe, size=rng.integers(1, 30)).tolist())
        sets.append(base or {0})
    return sets


def joined(sets, parts, threshold, python=False):
    indptr = np.concatenate([[0], np.cumsum([len(each) for each in sets])]).astype(np.int64)
    items = np.array([item for each in sets for item in sorted(each)], dtype=np.int32)
    order = np.argsort(np.diff(indptr), kind="stable")
    group = np.arange(len(sets))
    keys = rarest_first(items, indptr)
    join = getattr(join_sets, "py_func", join_sets) if python else join_sets
    return join(keys, indptr, order, group, parts, threshold, len(sets), 10**6), order


@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_the_join_finds_exactly_the_sets_that_brute_force_finds(seed, threshold):
    rng = np.random.default_rng(seed)
    sets, parts = random_sets(rng), rng.integers(2, size=120)
    (across, within), order = joined(sets, parts, threshold)
    alike = np.array([[jaccard(a, b) >= threshold - 1e-12 for b in sets] for a in sets])
    other_part = parts[:, None] != parts
    assert ((across >= 0) == (alike & other_part).any(axis=1)).all()
    found = np.flatnonzero(across >= 0)
    assert alike[found, across[found]].all()
    kept: list[int] = []
    for at in order:
        has_leader = any(alike[at, other] and parts[at] == parts[other] for other in kept)
        assert (within[at] >= 0) == has_leader
        if not has_leader:
            kept.append(at)


def test_the_join_is_the_same_with_the_compiler_off():
    rng = np.random.default_rng(0)
    sets, parts = random_sets(rng, n=40), rng.integers(2, size=40)
    compiled, _ = joined(sets, parts, 0.8)
    plain, _ = joined(sets, parts, 0.8, python=True)
    assert [result.tolist() for result in compiled] == [result.tolist() for result in plain]


def shingles(text):
    words = normalised(text).split()
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


def test_long_texts_are_near_exactly_where_their_triples_of_words_say_so():
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(60):
        words = [f"w{i}" for i in rng.integers(40, size=60)]
        texts.append(" ".join(words))
        for place in rng.integers(60, size=rng.integers(0, 5)):
            words[place] = f"x{rng.integers(9)}"
        texts.append(" ".join(words))
    parts = np.arange(len(texts)) % 2
    n_words = np.array([60] * len(texts))
    near = find_near_copies(texts, n_words, np.arange(len(texts)), parts)
    sets = [shingles(text) for text in texts]
    expected = [
        any(
            texts[j] != texts[i]
            and parts[i] != parts[j]
            and jaccard(sets[i], sets[j]) >= SIMILARITY
            for j in range(len(texts))
        )
        for i in range(len(texts))
    ]
    differing = [texts.count(text) == 1 for text in texts]
    assert sum(expected) > 10
    for i in np.flatnonzero(differing):
        assert (near.across[i] >= 0) == expected[i]


def test_copies_of_a_near_copy_are_near_copies():
    base = " ".join(f"word{i}" for i in range(50))
    texts = [base, base + " more", base + " more", "something else"]
    near = find_near_copies(
        texts, np.array([50, 51, 51, 2]), np.array([0, 1, 1, 3]), np.array([0, 1, 1, 1])
    )
    assert near.across.tolist() == [1, 0, 0, -1]


def test_a_document_outside_the_split_is_near_to_none():
    base = " ".join(f"word{i}" for i in range(50))
    near = find_near_copies(
        [base, base + " more"], np.array([50, 51]), np.array([0, 1]), np.array([0, -1])
    )
    assert near.across.tolist() == near.within.tolist() == [-1, -1]


def test_texts_of_one_template_are_found_though_not_all_pairs_are_looked_at():
    head = " ".join(f"word{i}" for i in range(60))
    texts = [f"{head} number {i}" for i in range(3000)]
    parts = np.arange(3000) % 2
    near = find_near_copies(texts, np.full(3000, 62), np.arange(3000), parts)
    assert (near.across >= 0).all()
    assert (near.within < 0).sum() <= 10  # one is kept in each part, and hardly any more


@given(st.text(st.characters(exclude_categories=())))
def test_normalising_twice_changes_nothing(text):
    once = normalised(text)
    assert normalised(once) == once


@given(st.text())
def test_case_width_and_white_space_do_not_count(text):
    spaced = "\n " + text.replace(" ", "\t  ") + " "
    assert normalised(spaced) == normalised(text)
    assert normalised(unicodedata.normalize("NFD", text)) == normalised(text)
    assert normalised("ＡＢＣ") == normalised("abc")
