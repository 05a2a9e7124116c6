"""Where a network over words starts: how texts are cut, which words have a row, and the rows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from textrep.core.messages import shown, type_name
from textrep.embeddings.embedder import WordEmbedder
from textrep.embeddings.static import StaticEmbedder
from textrep.embeddings.vectors import WordVectors
from textrep.preprocess.codec import SPECIALS, TextCodec

# Of the time of a training, for vectors that are learnt first.
_EMBEDDING_SHARE = 1 / 3
_TRACE_SECONDS = 1e-3
_SEED_BITS = 32


class WordRules(NamedTuple):
    """How texts are cut into words, and which of the words are kept; see `TextCodec`."""

    lowercase: bool = True
    token_pattern: str | None = None
    min_count: int = 1
    max_vocabulary: int | None = None

    def codec(self) -> TextCodec:
        """A codec that is not fitted."""
        return TextCodec(level="word", **self._asdict())


class WordInputs(NamedTuple):
    """Numbers of words, and the vectors to start from.

    Attributes
    ----------
    codec : TextCodec
    matrix : float32 array (n_words, dim) or None
        A row for each number of the codec; None where all rows start at random.
    """

    codec: TextCodec
    matrix: NDArray[np.float32] | None = None


def is_fitted(embedder: WordEmbedder) -> bool:
    """Whether an embedder has learnt vectors."""
    try:
        embedder._check_fitted()
    except NotFittedError:
        return False
    return True


def as_embedder(embeddings: Any) -> WordEmbedder | None:
    """The embedder that the parameter `embeddings` means, fitted or not; None for none.

    Raises
    ------
    ValueError
        When it is something else.
    """
    if embeddings is None or isinstance(embeddings, WordEmbedder):
        return embeddings
    if isinstance(embeddings, str | os.PathLike):
        return StaticEmbedder(vectors=embeddings)
    hint = ""
    if isinstance(embeddings, WordVectors):
        hint = "; wrap them: StaticEmbedder(vectors=...)"
    raise ValueError(
        "embeddings must be None, an estimator of word vectors such as Word2Vec, or the name or "
        f"file of vectors; got {shown(embeddings)} of type {type_name(embeddings)}{hint}"
    )


def keep_vectors(original: Any, copied: Any) -> Any:
    """Give a clone the fitted `embeddings` of what it was cloned from; the clone.

    A clone of them would have forgotten its vectors, and learn others from the texts.
    """
    if isinstance(original.embeddings, WordEmbedder) and is_fitted(original.embeddings):
        copied.embeddings = original.embeddings
    return copied


def learn_words(
    texts: list[str],
    rules: WordRules,
    embeddings: Any,
    *,
    frozen: bool,
    random: np.random.Generator,
    max_seconds: float | None = None,
) -> WordInputs:
    """Number the words of texts and find their vectors.

    Parameters
    ----------
    texts : list of str
    rules : WordRules
        A `token_pattern` of None is that of the embeddings, if there are any.
    embeddings : WordEmbedder, str, path or None
        See `as_embedder`. One that is not fitted is cloned, and the clone learns from the texts,
        cut as the rules say.
    frozen : bool
        Whether the rows will stay as they are. Then the words with a vector are known, those that
        stand in no text too, and no others (of a list longer than `max_vocabulary` its first);
        else the words of the texts.
    random : Generator
        For rows of words without a vector, and a seed where the embedder has none.
    max_seconds : float or None, default=None
        For the whole training, of which learning vectors gets a third.

    Returns
    -------
    WordInputs
        Words without a vector start at random, as widely spread as the vectors are. The row of
        unknown words is zeros where frozen, else the mean of the vectors.

    Raises
    ------
    ValueError
        When there are no words.
    """
    embedder = as_embedder(embeddings)
    if embedder is None:
        return WordInputs(rules.codec().fit(texts))
    rules = _with_pattern(rules, embedder)
    if not is_fitted(embedder):
        embedder = _learnt(embedder, texts, rules, random, max_seconds)
    vectors = embedder.vectors_
    if frozen:
        codec, matrix = _known_words(texts, rules, vectors)
    else:
        codec = rules.codec().fit(texts)
        matrix = _starting_rows(codec, vectors, random)
    return WordInputs(codec, matrix)


def _with_pattern(rules: WordRules, embedder: WordEmbedder) -> WordRules:
    if rules.token_pattern is not None:
        return rules
    if embedder.tokenizer is not None:
        raise ValueError(
            "embeddings cuts texts with a tokenizer of its own; give token_pattern, a regular "
            "expression that finds the same words"
        )
    return rules._replace(token_pattern=embedder.token_pattern)


def _learnt(
    embedder: WordEmbedder,
    texts: list[str],
    rules: WordRules,
    random: np.random.Generator,
    max_seconds: float | None,
) -> WordEmbedder:
    """A clone that has learnt from the texts."""
    cutter = rules.codec()
    folded = [text.lower() if rules.lowercase else text for text in texts]
    return learn_vectors(
        embedder,
        [cutter.tokens(text) for text in folded],
        draw_seed=lambda: int(random.integers(2**_SEED_BITS)),
        max_seconds=max_seconds,
    )


def learn_vectors(
    embedder: WordEmbedder,
    tokens: list[list[str]],
    *,
    draw_seed: Callable[[], int],
    max_seconds: float | None,
    **params: Any,
) -> WordEmbedder:
    """A clone of an embedder that has learnt from texts cut into words.

    Parameters
    ----------
    embedder : WordEmbedder
    tokens : list of lists of str
    draw_seed : callable
        Gives a `random_state` where the embedder has none.
    max_seconds : float or None
        For the whole training, of which learning vectors gets a third.
    **params
        Values for those of its parameters that it has.

    Returns
    -------
    WordEmbedder
    """
    embedder = clone(embedder)
    own = embedder.get_params(deep=False)
    if "random_state" in own and own["random_state"] is None:
        embedder.set_params(random_state=draw_seed())
    if max_seconds is not None and "max_seconds" in own:
        share, limit = _EMBEDDING_SHARE * max_seconds, own["max_seconds"]
        embedder.set_params(max_seconds=share if limit is None else min(limit, share))
    embedder.set_params(**{name: value for name, value in params.items() if name in own})
    return embedder.fit(tokens)


def _known_words(
    texts: list[str], rules: WordRules, vectors: WordVectors
) -> tuple[TextCodec, NDArray[np.float32]]:
    """All words that have a vector: those of the list, and those made of their parts."""
    words = vectors.words[: rules.max_vocabulary]
    listed = set(vectors.words)
    met = [word for word in _words_of(texts, rules) if word not in listed]
    if met:
        words += [
            word for word, known in zip(met, vectors.vectors_of(met)[1], strict=True) if known
        ]
    if not words:
        raise ValueError("the embeddings have no words; there is nothing to learn from")
    codec = rules.codec()
    more = {"level": codec.level, "vocab_size": codec.vocab_size, "words": words}
    specials = np.zeros((len(SPECIALS), vectors.dim), dtype=np.float32)
    matrix = np.concatenate([specials, vectors.vectors_of(words)[0]])
    return TextCodec.from_state({**rules._asdict(), **more}), matrix


def _words_of(texts: list[str], rules: WordRules) -> list[str]:
    """Words of the texts by the rules; none is no error here."""
    codec = rules.codec()
    try:
        codec.fit(texts)
    except ValueError:
        return []
    return codec.words[len(SPECIALS) :]


def _starting_rows(
    codec: TextCodec, vectors: WordVectors, random: np.random.Generator
) -> NDArray[np.float32]:
    first = len(SPECIALS)
    rows, known = vectors.vectors_of(codec.words[first:])
    spread = rows[known].std() if known.any() else 1.0
    unknown = random.standard_normal((int((~known).sum()), vectors.dim), dtype=np.float32)
    rows[~known] = spread * unknown
    matrix = np.concatenate([np.zeros((first, vectors.dim), dtype=np.float32), rows])
    matrix[TextCodec.UNK] = rows.mean(axis=0)
    return matrix


def word_rows(
    codec: TextCodec, texts: list[str], max_length: int, verbose: int = 0
) -> list[NDArray[np.int32]]:
    """Numbers of the words of each text.

    Parameters
    ----------
    codec : TextCodec
    texts : list of str
    max_length : int
        Most words; what follows them is left out.
    verbose : int, default=0

    Returns
    -------
    list of int32 arrays, each of 1 to `max_length` numbers
        A text without words is one unknown word, so that it gets an answer.

    Examples
    --------
    >>> codec = TextCodec().fit(["so much text"])
    >>> [row.tolist() for row in word_rows(codec, ["so so so", ""], max_length=2)]
    [[4, 4], [1]]
    """
    nothing = np.array([codec.UNK], dtype=np.int32)
    rows = codec.encode_all(texts, verbose)
    # A copy, so that the rest of a long text is let go.
    return [row[:max_length].copy() if len(row) else nothing for row in rows]


def time_left(max_seconds: float | None, start: float) -> float | None:
    """Seconds of a limit that are left since `start` on the monotonic clock; a trace at least."""
    if max_seconds is None:
        return None
    return max(_TRACE_SECONDS, max_seconds - (time.monotonic() - start))


def training_seconds(estimator: Any, start: float) -> float | None:
    """What is left of an estimator's `max_seconds`; all of it where there is a `checkpoint`.

    A training that can be taken up has the whole time each time.
    """
    if estimator.checkpoint is not None:
        return estimator.max_seconds
    return time_left(estimator.max_seconds, start)
