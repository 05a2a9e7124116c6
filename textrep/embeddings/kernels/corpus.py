"""From the numbers that words got when they were first met to those of the vocabulary."""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import kernel

END, DROPPED = -1, -2
FIRST, SENTENCE, END_AT, END_WORDS, END_SENTENCES, WORDS, SENTENCES, STATE = range(8)


@kernel
def count_words(ids, counts):
    """Add the words of a text to ``counts``, int64 (n_words,).

    ids : int32, words, -1 behind each sentence

    Returns how many words and how many ends of sentences there are.
    """
    n_ends = 0
    for i in range(ids.size):
        word = ids[i]
        if word < 0:
            n_ends += 1
        else:
            counts[word] += 1
    return ids.size - n_ends, n_ends


@kernel
def renumber_kept(ids, number, kept):
    """Words by their new numbers, without those that are dropped; gives how many ids are left.

    ids : int32, words, -1 behind each sentence
    number : int32 (n_words,), -2 for a word that is dropped
    kept : int32 (len(ids),), filled; may be ``ids`` itself
    """
    n = 0
    for i in range(ids.size):
        word = ids[i]
        new = number[word] if word >= 0 else np.int32(END)
        kept[n] = new
        n += new != DROPPED
    return n


@kernel
def cut_chunks(ids, at, limit, state, cuts):
    """Cut a text, handed over piece by piece, into chunks of up to ``limit`` ids that end at the
    end of a sentence, or within one that is longer than a chunk; gives the number of cuts.

    ids : int32, the piece, -1 behind each sentence; at : where it begins in the whole text
    state : int64 (7,), zeros at first: where the open chunk begins and in which sentence; the last
        end of a sentence in it, the words before it there, the sentences before it in the text;
        words of the chunk and sentences of the text so far
    cuts : int64 (n, 4), filled with first and last position, words and first sentence of each
        chunk. Two chunks together have more than ``limit`` ids, so 2 * len(ids) // limit + 3 rows
        are enough.
    """
    n_cuts = 0
    for i in range(ids.size):
        if ids[i] < 0:
            state[SENTENCES] += 1
            state[END_AT] = at + i + 1
            state[END_WORDS] = state[WORDS]
            state[END_SENTENCES] = state[SENTENCES]
        else:
            state[WORDS] += 1
        if at + i + 1 - state[FIRST] == limit:
            if state[END_AT] <= state[FIRST]:  # one sentence fills the chunk
                state[END_AT] = at + i + 1
                state[END_WORDS] = state[WORDS]
                state[END_SENTENCES] = state[SENTENCES]
            n_cuts = close_chunk(state, cuts, n_cuts)
    return n_cuts


@kernel
def close_chunk(state, cuts, n_cuts):
    """End the open chunk at the last end of a sentence in it; see `cut_chunks`."""
    cuts[n_cuts, 0] = state[FIRST]
    cuts[n_cuts, 1] = state[END_AT]
    cuts[n_cuts, 2] = state[END_WORDS]
    cuts[n_cuts, 3] = state[SENTENCE]
    state[FIRST] = state[END_AT]
    state[SENTENCE] = state[END_SENTENCES]
    state[WORDS] -= state[END_WORDS]
    state[END_WORDS] = 0
    return n_cuts + 1
