"""Vectors of documents from the vectors of their words, and statistics over streams of word ids."""

from __future__ import annotations

from textrep.sparse.kernels.memory import kernel


@kernel
def weighted_means(indptr, terms, counts, weights, by_weight, rows, first, last, out):
    """Add weighted means of rows to ``out[first:last]``.

    Parameters
    ----------
    indptr : int64 (n_documents + 1,), where the entries of each document begin
    terms : int32 (nnz,), the row of each entry
    counts : float32 (nnz,), how often it stands in its document
    weights : float32 (n_rows,), of each row
    by_weight : bool, a sum is divided by the sum of counts times weights, not by that of counts
    rows : float32 (n_rows, dim)
    first, last : documents
    out : float32 (n_documents, dim), of zeros
    """
    dim = rows.shape[1]
    for document in range(first, last):
        begin, end = indptr[document], indptr[document + 1]
        total = 0.0
        for entry in range(begin, end):
            if by_weight:
                total += counts[entry] * weights[terms[entry]]
            else:
                total += counts[entry]
        if total <= 0.0:
            continue
        for entry in range(begin, end):
            term = terms[entry]
            share = counts[entry] * weights[term] / rows.dtype.type(total)
            for j in range(dim):
                out[document, j] += share * rows[term, j]


@kernel
def maxima(indptr, terms, rows, first, last, out):
    """Elementwise maxima of rows into ``out[first:last]``; see `weighted_means` for the arrays.

    Documents without entries are left as they are.
    """
    dim = rows.shape[1]
    for document in range(first, last):
        begin, end = indptr[document], indptr[document + 1]
        if begin == end:
            continue
        for j in range(dim):
            out[document, j] = rows[terms[begin], j]
        for entry in range(begin + 1, end):
            term = terms[entry]
            for j in range(dim):
                if rows[term, j] > out[document, j]:
                    out[document, j] = rows[term, j]


@kernel
def take_out(vectors, direction):
    """Subtract from each vector its part along a direction, the sum in float64.

    By hand, since matrix products round a vector in another way when it comes with others.

    Parameters
    ----------
    vectors : float32 (n, dim), changed
    direction : float32 (dim,), of length 1
    """
    dim = vectors.shape[1]
    for i in range(vectors.shape[0]):
        along = 0.0
        for j in range(dim):
            along += vectors[i, j] * direction[j]
        share = vectors.dtype.type(along)
        for j in range(dim):
            vectors[i, j] -= share * direction[j]


@kernel
def add_document_frequencies(ids, document, latest, frequencies):
    """Count in how many documents each word stands, over one stretch of a stream of ids.

    Parameters
    ----------
    ids : int32 (n,), words of documents, -1 behind each document
    document : int, number of the document that the stretch begins in
    latest : int64 (n_words,), the last document that each word was met in; -1 for none
    frequencies : int64 (n_words,), added to

    Returns
    -------
    int
        Number of the document that the next stretch begins in.
    """
    for word in ids:
        if word < 0:
            document += 1
        elif latest[word] != document:
            latest[word] = document
            frequencies[word] += 1
    return document
