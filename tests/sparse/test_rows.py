"""Rows gathered piece by piece, and the threads that count them."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from textrep.sparse import counting
from textrep.sparse.matrix import build_csr
from textrep.sparse.rows import MOST_GROWTH, Gathered, Rows
from textrep.sparse.threads import stream_parallel

PIECES = st.lists(st.lists(st.dictionaries(st.integers(0, 9), st.integers(1, 5)), max_size=4))


def rows_of(piece):
    terms = [term for row in piece for term in sorted(row)]
    values = [row[term] for row in piece for term in sorted(row)]
    indptr = np.cumsum([0, *map(len, piece)])
    return Rows(np.array(terms, np.int32), np.array(values, np.int32), indptr)


def gathered(pieces, dtype, shares=None):
    shares = shares or [(i + 1) / len(pieces) for i in range(len(pieces))]
    return Gathered(dtype, zip(map(rows_of, pieces), shares, strict=True))


@given(PIECES, st.sampled_from([np.int64, np.float32, np.float64]), st.sampled_from([None, 0.0, 1]))
def test_pieces_make_the_matrix_of_all_rows(pieces, dtype, share):
    shares = None if share is None else [share] * len(pieces)  # as wrong as can be
    rows = gathered(pieces, dtype, shares)
    X = build_csr(rows, None, 10, 1)
    wanted = np.zeros((sum(map(len, pieces)), 10), dtype)
    for d, row in enumerate(row for piece in pieces for row in piece):
        for term, value in row.items():
            wanted[d, term] = value
    assert X.dtype == dtype
    np.testing.assert_array_equal(X.toarray(), wanted)


@given(PIECES, st.lists(st.booleans(), min_size=10, max_size=10))
def test_entries_without_a_column_are_left_out(pieces, kept):
    kept = np.array(kept)
    column_of = np.where(kept, np.cumsum(kept) - 1, -1)
    X = build_csr(gathered(pieces, np.int64), None, 10, 1)
    pruned = build_csr(gathered(pieces, np.int64), column_of, int(kept.sum()), 1)
    assert isinstance(pruned, scipy.sparse.csr_matrix)
    np.testing.assert_array_equal(pruned.toarray(), X.toarray()[:, kept])
    pruned.check_format(full_check=True)


def test_room_is_made_for_what_the_share_lets_expect():
    piece = [dict.fromkeys(range(10), 1)]
    rows = gathered([piece] * 100, np.int64)
    assert len(rows.terms) == 1000
    assert len(rows._terms) < 1200
    lying = gathered([piece], np.int64, [1e-6])
    assert len(lying._terms) == 10 * MOST_GROWTH


def test_a_single_piece_is_not_copied():
    rows = rows_of([{1: 1, 2: 1}])
    assert Gathered(np.int64, [(rows, 1.0)]).terms.base is rows.terms


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order_whoever_is_first(threads):
    def task(i):
        time.sleep(0.002 * (i % 3 == 0))
        return i

    assert list(stream_parallel(task, [(i,) for i in range(30)], threads)) == list(range(30))


def test_work_runs_only_a_little_ahead_of_who_takes_the_results():
    begun = []
    lock = threading.Lock()

    def task(i):
        with lock:
            begun.append(i)

    results = stream_parallel(task, [(i,) for i in range(100)], 2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 6
    results.close()


def test_an_error_in_a_thread_reaches_the_caller():
    def task(i):
        if i == 3:
            raise ValueError("third")
        return i

    with pytest.raises(ValueError, match="third"):
        list(stream_parallel(task, [(i,) for i in range(9)], 2))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_documents_are_counted_once_however_they_are_cut(monkeypatch, size, threads):
    monkeypatch.setattr(counting, "LEAST_SYMBOLS", 2)
    asked = []

    def count(name, first, last):
        asked.append((name, first, last))
        piece = [{int(name == "b"): d + 1} for d in range(first, last)]
        return rows_of(piece)

    bounds = [np.array([0, 3, 3, 9, 20]), np.array([0, 5])]
    rows = counting.gather(count, [("a",), ("b",)], bounds, size, threads, np.int64)
    assert rows.values.tolist() == [1, 2, 3, 4, 1]
    assert rows.terms.tolist() == [0, 0, 0, 0, 1]
    assert (len(asked) > 2) is (size < 10**6 or threads > 1)
