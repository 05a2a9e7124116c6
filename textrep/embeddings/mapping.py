"""`map_words`: words in the plane, those that are alike near each other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textrep.core.messages import printable, shown, type_name
from textrep.core.random import RandomState, stream
from textrep.embeddings.checking import check_word, refuse_str
from textrep.embeddings.parameters import check_choice, check_count
from textrep.embeddings.unknown import UnknownWordError
from textrep.embeddings.vectors import WordVectors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from textrep.embeddings.embedder import WordEmbedder

METHODS = ("pca", "tsne")

MOST_WORDS = 2000
"""Words on a map at most: more cannot be read, and t-SNE would take minutes."""

_CLOSEST = 5
"""Words that a map tells of each word."""

_PERPLEXITY = 30.0
"""Of t-SNE, as by default in scikit-learn; a map of fewer than 91 words takes less."""

_LONGEST_NAME = 40  # characters of a word on a map


@dataclass(frozen=True, eq=False, repr=False)
class WordMap:
    """Words with a place in the plane each; made by `map_words`.

    Parameters
    ----------
    words : list of str, n long
        Each once.
    points : float64 ndarray (n, 2)
        The place of each word. Of a PCA, distances are in units of the unit vectors.
    method : {"pca", "tsne"}
    explained : tuple of (float, float), or None
        Shares of the variance that the axes of a PCA show, 0 to 1; None for t-SNE.
    closest : list of lists of (str, float)
        For each word up to five others of the map with the cosines to them, the closest first:
        what the plane cannot show of all dimensions.
    counts : list of (int or None)
        How often each word was met in training, where that is known.
    highlighted : frozenset of str, default=frozenset()
        Words that are drawn so that they are seen first.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep.embeddings import WordVectors, map_words
    >>> matrix = np.array([[2, 1], [2, -1], [0, 1], [0, -1]], dtype=np.float32)
    >>> vectors = WordVectors(["king", "queen", "man", "woman"], matrix)
    >>> word_map = map_words(vectors, ["king", "queen", "man"])
    >>> word_map
    <WordMap: 3 words, pca, axes with 90.8 % and 9.2 % of the variance>
    >>> word_map.points.shape
    (3, 2)
    """

    words: list[str]
    points: np.ndarray
    method: str
    explained: tuple[float, float] | None
    closest: list[list[tuple[str, float]]]
    counts: list[int | None]
    highlighted: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        axes = ""
        if self.explained is not None:
            first, second = self.explained
            axes = f", axes with {100 * first:.1f} % and {100 * second:.1f} % of the variance"
        return f"<WordMap: {len(self):,} words, {self.method}{axes}>"

    def names(self) -> list[str]:
        """The words as they are shown: control characters escaped, long ones cut.

        Returns
        -------
        list of str, n long
        """
        return [printable(word, _LONGEST_NAME) for word in self.words]

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the map as one HTML page that needs no network.

        The page shows each word's count and its closest words when it is pointed at, names as many
        words as there is room for, and lists all of them in a table. It is light or dark as the
        reader's system is.

        Parameters
        ----------
        path : str or path-like
            The file to make or replace; it is replaced whole or not at all.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        OSError
            When the file cannot be written.
        """
        from textrep.core.files import atomic_write
        from textrep.embeddings.map_page import render

        page = render(self).encode("utf-8")
        with atomic_write(path) as file:
            file.write(page)
        return Path(path)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the map with matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ModuleNotFoundError
            When matplotlib is not installed.
        """
        if ax is None:
            ax = _new_axes()
        marked = np.array([word in self.highlighted for word in self.words], dtype=bool)
        for chosen, colour in ((~marked, "tab:gray"), (marked, "tab:blue")):
            if chosen.any():
                x, y = self.points[chosen].T
                ax.scatter(x, y, s=12, color=colour)
        for name, place, bold in zip(self.names(), self.points.tolist(), marked, strict=True):
            # A dollar sign would begin a formula.
            ax.annotate(
                name,
                place,
                xytext=(3, 3),
                textcoords="offset points",
                fontsize=8,
                fontweight="bold" if bold else "normal",
                parse_math=False,
            )
        across, up = self.axis_titles()
        ax.set(xlabel=across, ylabel=up)
        if self.explained is not None:
            ax.set_aspect("equal", adjustable="datalim")
        return ax

    def axis_titles(self) -> tuple[str, str]:
        """What the axes show.

        Returns
        -------
        tuple of (str, str)
            Empty for t-SNE, whose axes mean nothing.
        """
        if self.explained is None:
            return "", ""
        first, second = (f"{100 * share:.1f} % of the variance" for share in self.explained)
        return f"first principal component ({first})", f"second principal component ({second})"


def map_words(
    vectors: WordVectors | WordEmbedder,
    words: Iterable[str] | None = None,
    *,
    topn: int = 100,
    method: str = "pca",
    highlight: Iterable[str] = (),
    random_state: RandomState = 0,
) -> WordMap:
    """Lay out words in the plane so that words with like vectors are near each other.

    Vectors are scaled to length 1 before, since it is by cosine that words are compared.

    Parameters
    ----------
    vectors : WordVectors, or fitted embedder with `vectors_`
    words : iterable of str, default=None
        Which words, 2 to 2,000 of them; repeated ones count once. None takes the most frequent
        content words: neither English function words (scikit-learn's list of stop words), nor
        numbers, nor single letters.
    topn : int, default=100
        How many of the latter; `words` that are named are all taken.
    method : {"pca", "tsne"}, default="pca"
        The two directions in which the words differ most: distances can be believed as far as the
        axes' share of the variance goes. Or t-SNE, which keeps neighbours together: groups can be
        believed, distances between them cannot.
    highlight : iterable of str, default=()
        Words to draw so that they are seen first.
    random_state : int, numpy.random.Generator, RandomState or None, default=0
        For t-SNE. The same number gives the same map.

    Returns
    -------
    WordMap

    Raises
    ------
    KeyError
        When a word has no vector; the message names close ones.
    ValueError
        When there are fewer than two words or more than 2,000, or a parameter is out of its range.
    sklearn.exceptions.NotFittedError
        When the embedder is not fitted.

    See Also
    --------
    WordVectors.most_similar : Words to put on a map.

    References
    ----------
    L. van der Maaten, G. Hinton: Visualizing data using t-SNE, JMLR 9, 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep.embeddings import WordVectors
    >>> matrix = np.array([[9, 1, 0], [8, 2, 0], [0, 1, 9], [1, 0, 7]], dtype=np.float32)
    >>> vectors = WordVectors(["cat", "dog", "red", "blue"], matrix)
    >>> word_map = map_words(vectors)
    >>> near = word_map.points[:, 0] > 0
    >>> near[0] == near[1], near[2] == near[3], near[0] == near[2]
    (np.True_, np.True_, np.False_)
    >>> [word for word, cosine in word_map.closest[0]]
    ['dog', 'blue', 'red']
    """
    check_choice("method", method, METHODS)
    known = _vectors_of(vectors)
    chosen = _chosen(known, words, topn)
    refuse_str(highlight, "highlight")
    units = _unit_vectors(known, chosen)
    explained = None
    if method == "pca":
        points, explained = _principal(units)
    else:
        points = _neighbouring(units, random_state)
    return WordMap(
        words=chosen,
        points=points,
        method=method,
        explained=explained,
        closest=_closest(units, chosen),
        counts=_counts(known, chosen),
        highlighted=frozenset(highlight) & frozenset(chosen),
    )


# ---- which words


def _vectors_of(vectors: Any) -> WordVectors:
    if isinstance(vectors, WordVectors):
        return vectors
    if hasattr(vectors, "fit") and hasattr(vectors, "most_similar"):
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(vectors, "vectors_")
        return vectors.vectors_
    raise TypeError(
        "vectors must be WordVectors or a fitted embedder of words, such as Word2Vec; got "
        f"{shown(vectors)} of type {type_name(vectors)}"
    )


def _chosen(vectors: WordVectors, words: Iterable[str] | None, topn: int) -> list[str]:
    if words is None:
        check_count("topn", topn, 1)
        found = list(islice(content_words(vectors.words), topn))
        what = "content words in the vocabulary"
    else:
        refuse_str(words, "words")
        found = list(words)
        for word in found:
            check_word(word)
        found = list(dict.fromkeys(found))
        what = "different words"
    if len(found) < 2:
        raise ValueError(f"a map needs at least two words, got {len(found)} {what}")
    if len(found) > MOST_WORDS:
        raise ValueError(
            f"a map of {len(found):,} words cannot be read; take at most {MOST_WORDS:,}"
        )
    return found


def content_words(words: Iterable[str]) -> Iterator[str]:
    """Words of a vocabulary that say what texts are about.

    Parameters
    ----------
    words : iterable of str
        The most frequent first.

    Yields
    ------
    str
        Words that are neither English function words nor numbers nor single letters, in their
        order.

    Examples
    --------
    >>> list(content_words(["the", "king", "s", "1066", "3d", "_", "don't"]))
    ['king', "don't"]
    """
    from textrep.preprocess import stop_words

    common = stop_words("english")
    for word in words:
        letters = sum(map(str.isalpha, word))
        if letters > 1 and not any(map(str.isdecimal, word)) and word.lower() not in common:
            yield word


def _counts(vectors: WordVectors, words: Sequence[str]) -> list[int | None]:
    if vectors.counts is None:
        return [None] * len(words)
    return [int(vectors.counts[vectors.index(word)]) if word in vectors else None for word in words]


def _unit_vectors(vectors: WordVectors, words: Sequence[str]) -> np.ndarray:
    """Vectors of length 1, or of zeros, float64 (n, dim)."""
    rows, known = vectors.vectors_of(words)
    if not known.all():
        raise UnknownWordError(words[int(np.argmin(known))], vectors.words)
    exact = rows.astype(np.float64)
    norms = np.linalg.norm(exact, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        bad = words[int(np.argmin(np.isfinite(norms[:, 0])))]
        raise ValueError(f"the vector of {shown(bad)} has NaN or infinite values; leave it out")
    return exact / np.where(norms > 0, norms, 1.0)


# ---- where they are


def _principal(units: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Places by the first two principal components, and the shares of the variance they show."""
    from sklearn.decomposition import PCA

    if _all_alike(units):
        return np.zeros((len(units), 2)), (0.0, 0.0)
    model = PCA(n_components=2, svd_solver="full").fit(_plane_at_least(units))
    first, second = model.explained_variance_ratio_.tolist()
    return model.transform(_plane_at_least(units)), (first, second)


def _neighbouring(units: np.ndarray, random_state: RandomState) -> np.ndarray:
    """Places by t-SNE, float64 (n, 2)."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if _all_alike(units):
        return np.zeros((len(units), 2))
    model = TSNE(
        n_components=2,
        # A word has no more neighbours than there are words: a third of them, as for 91 words.
        perplexity=max(1.0, min(_PERPLEXITY, (len(units) - 1) / 3)),
        init="pca",
        random_state=int(stream(random_state, "t-SNE").integers(2**31)),
    )
    # So few points are laid out no faster by more threads, and many times slower where other work
    # keeps the cores busy.
    with threadpool_limits(1):
        return model.fit_transform(_plane_at_least(units)).astype(np.float64)


def _all_alike(units: np.ndarray) -> bool:
    return bool(np.ptp(units, axis=0).max(initial=0.0) == 0)


def _plane_at_least(units: np.ndarray) -> np.ndarray:
    """Vectors of one dimension get another one, of zeros."""
    return np.pad(units, ((0, 0), (0, max(0, 2 - units.shape[1]))))


def _closest(units: np.ndarray, words: Sequence[str]) -> list[list[tuple[str, float]]]:
    cosines = units @ units.T
    np.fill_diagonal(cosines, -np.inf)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, : min(_CLOSEST, len(words) - 1)]
    return [
        [(words[other], float(row[other])) for other in others]
        for row, others in zip(cosines, order.tolist(), strict=True)
    ]


def _new_axes() -> Axes:
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "plot needs matplotlib (pip install matplotlib); to_html does without it",
            name=error.name,
        ) from error
    return plt.subplots(figsize=(9, 7))[1]
