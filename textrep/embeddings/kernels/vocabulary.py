"""Tables made of how often words are: for drawing words, and the Huffman tree."""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels.memory import kernel


@kernel
def pair_up(share, alias):
    """Vose's algorithm: let every place be kept in part by its own item and otherwise belong to
    one other item.

    share : float64 (n,), what each item is to have, 1 on average; becomes how much of its own place
        it keeps, 0 to 1
    alias : int32 (n,), filled with the item that has the rest of the place
    """
    n = share.size
    few, many = 0, n  # `waiting` has those with less than 1 in front, the others at its end
    waiting = np.empty(n, np.int64)
    for i in range(n):
        alias[i] = i
        if share[i] < 1.0:
            waiting[few] = i
            few += 1
        else:
            many -= 1
            waiting[many] = i
    while few > 0 and many < n:
        few -= 1
        small, large = waiting[few], waiting[many]
        alias[small] = large
        share[large] = (share[large] + share[small]) - 1.0
        if share[large] < 1.0:
            waiting[few] = large
            few += 1
            many += 1
    # rounding leaves some that should be exactly 1
    for i in range(few):
        share[waiting[i]] = 1.0
    for i in range(many, n):
        share[waiting[i]] = 1.0


@kernel
def join_rarest(counts, parent, bit):
    """Huffman's tree by two queues (word2vec.c): the two rarest nodes are joined until one is left.

    counts : int64 (n,), falling
    parent : int64 (2 n - 1,), filled with the node above each; nodes 0 to n - 1 are the words, node
        n + j is the j-th that was joined, the last of them the root
    bit : uint8 (2 n - 1,), filled with 1 for the more frequent of two that were joined
    """
    n = counts.size
    total = np.empty(2 * n - 1, np.int64)
    total[:n] = counts
    word, joined = n - 1, n  # the rarest of each queue
    for new in range(n, 2 * n - 1):
        total[new] = 0
        for k in range(2):
            if word >= 0 and (joined == new or total[word] < total[joined]):
                rarest = word
                word -= 1
            else:
                rarest = joined
                joined += 1
            total[new] += total[rarest]
            parent[rarest] = new
            bit[rarest] = k


@kernel
def measure_paths(parent, n, length):
    """How many nodes there are above each word; ``length`` is int64 (n,), filled."""
    depth = np.zeros(2 * n - 1, np.int64)
    for node in range(2 * n - 3, -1, -1):  # a parent has a higher number than its children
        depth[node] = depth[parent[node]] + 1
    length[:] = depth[:n]


@kernel
def write_paths(parent, bit, n, offsets, codes, points):
    """The way from the root to each word.

    codes : uint8 (offsets[n],), filled with the turns; points : int32, with the nodes where they
        are taken, 0 for the first that was joined
    """
    for word in range(n):
        node = word
        for at in range(offsets[word + 1] - 1, offsets[word] - 1, -1):
            codes[at] = bit[node]
            node = parent[node]
            points[at] = node - n
