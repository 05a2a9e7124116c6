"""`StaticStudent`: word vectors distilled from an encoder, looked up and averaged."""

from __future__ import annotations

import os
import re
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.distillation.piece_vectors import PieceVectors
from textrep.contextual.distillation.word_contexts import (
    NO_WORD,
    CutTexts,
    Sums,
    cut_texts,
    sum_by_word,
)
from textrep.contextual.encoder_classifier.starting import texts_in_time
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.loading import resolve_encoder
from textrep.contextual.encoders.tokens import EncoderTokenizer
from textrep.core.messages import shown
from textrep.core.random import RandomState, streams
from textrep.core.text import check_texts
from textrep.embeddings.embedder import WordEmbedder
from textrep.embeddings.parameters import check_choice, check_count, check_number, check_pattern
from textrep.embeddings.pooling import check_pooling
from textrep.embeddings.vectors import WordVectors
from textrep.embeddings.vectors_state import vectors_from_state, vectors_to_state
from textrep.engine.device import choose_device, choose_precision

METHODS = ("contexts", "words")

_ALONE = 2.0
"""Occurrences that what the encoder says of a word alone counts as, beside its contexts."""

_SEED_BITS = 63

_WORD_BEGINS = ("▁", "Ġ")  # what tokenizers put before pieces that begin a word


class StaticStudent(WordEmbedder):
    """Texts -> means of word vectors that an encoder has taught.

    `fit` asks the encoder once for a vector of each word; from then on a text is looked up and
    averaged, hundreds of times as fast as the encoder reads it, without torch's help. Order and
    context are lost; what words mean to the encoder is kept.

    Parameters
    ----------
    checkpoint : str, path, fitted estimator or None, default=None
        The teacher: a folder in Hugging Face's layout, a name on its hub, a saved model or a fitted
        one with an encoder, such as `EncoderClassifier` or `MaskedLanguageModel`. With None a small
        encoder is first pre-trained on the texts of `fit`.
    method : {"contexts", "words"}, default="contexts"
        "contexts": the mean of a word's vectors over the places where it stands in the texts, with
        its vector alone as two further places. "words": each word alone, without texts, as in
        model2vec.
    layers : int or "all", default="all"
        Hidden states that are taken: of one layer, -1 for the last, or the mean over all.
    n_components : int or None, default=256
        Principal components that are kept; all of them where there are fewer, or with None.
    min_count : int, default=2
        Occurrences that a word of the texts must have for a vector of its own. Other words are
        means of their pieces.
    context_tokens : int, default=500_000
        Tokens of the texts of `fit` that the encoder reads at most; of more texts, some at random.
    pooling : {"mean", "idf", "sif", "max"}, default="sif"
        How a document's vector comes from those of its words, see Notes of
        `textrep.StaticEmbedder`. "sif" weighs frequent words down.
    normalise : bool, default=True
        Whether vectors of documents are divided by their length.
    architecture : str, default="modernbert"
        Of the encoder that is pre-trained where `checkpoint` is None; see `MaskedLanguageModel`.
    size : str or dict, default="mini"
        Of the same.
    vocab_size : int, default=8000
        Pieces of its tokenizer.
    pretrain_epochs : int, default=5
        Times that it reads the texts.
    lowercase : bool, default=True
        Whether texts are lower-cased.
    token_pattern : str, default=r"(?u)\\b\\w+\\b"
        Regular expression of a word.
    max_seconds : float or None, default=None
        Time for pre-training, which on a CPU then reads no more of the texts, drawn at random,
        than it has time to learn from.
    n_jobs : int or None, default=None
        Threads of `transform`: None or -1 for all cores.
    device : str, default="auto"
        Of the encoder in `fit`.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
        Of pre-training, and of the choice of texts.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    vectors_ : PieceVectors
        The words of the texts, the most frequent first, then those that only the tokenizer knows.
    n_documents_, idf_, sif_weights_, sif_direction_ :
        What the poolings have learnt, see `textrep.StaticEmbedder`.
    explained_ : float
        Share of the variance of the word vectors that the components keep.

    See Also
    --------
    textrep.StaticEmbedder : Word vectors that were trained as such.
    textrep.distill : A smaller encoder as the student.

    Notes
    -----
    The vector of a word with the mean c over n places and the vector a alone, to which the mean
    difference between both over all words is added, is (n c + 2 a) / (n + 2). Principal components
    are those of all words alike, centred.

    References
    ----------
    M. Tulkens, T. van Dongen: Model2Vec: fast state-of-the-art static embeddings, 2024 ("words",
    principal components, weights by frequency).

    P. Gupta, M. Jaggi: Obtaining better static word embeddings using contextual embedding models,
    ACL 2021; R. Bommasani, K. Davis, C. Cardie: Interpreting pretrained contextualized
    representations via reductions to static embeddings, ACL 2020 (means over contexts).

    Examples
    --------
    >>> from textrep import StaticStudent
    >>> texts = ["a good film", "a great film", "a bad film", "the sea is cold"] * 3
    >>> tiny = {"num_layers": 1, "hidden_size": 16, "num_heads": 2, "inner_size": 16}
    >>> student = StaticStudent(size=tiny, vocab_size=60, pretrain_epochs=1, n_components=8,
    ...                         device="cpu", random_state=0)
    >>> student.fit_transform(texts).shape
    (12, 8)
    """

    vectors_: PieceVectors
    explained_: float

    tokenizer = None  # of `WordEmbedder`: words are found by the pattern alone

    def __init__(
        self,
        *,
        checkpoint: Any = None,
        method: str = "contexts",
        layers: int | str = "all",
        n_components: int | None = 256,
        min_count: int = 2,
        context_tokens: int = 500_000,
        pooling: str = "sif",
        normalise: bool = True,
        architecture: str = "modernbert",
        size: str | dict[str, int] = "mini",
        vocab_size: int = 8000,
        pretrain_epochs: int = 5,
        lowercase: bool = True,
        token_pattern: str = r"(?u)\b\w+\b",
        max_seconds: float | None = None,
        n_jobs: int | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.checkpoint = checkpoint
        self.method = method
        self.layers = layers
        self.n_components = n_components
        self.min_count = min_count
        self.context_tokens = context_tokens
        self.pooling = pooling
        self.normalise = normalise
        self.architecture = architecture
        self.size = size
        self.vocab_size = vocab_size
        self.pretrain_epochs = pretrain_epochs
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.max_seconds = max_seconds
        self.n_jobs = n_jobs
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Take the vectors of words from the encoder.

        Parameters
        ----------
        X : iterable of str
            Texts: their words get vectors, in them the encoder meets words in context, and the
            poolings learn from them which words are frequent.
        y : ignored

        Returns
        -------
        self : StaticStudent

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If a parameter is out of its range.
        """
        texts = check_texts(X, name="X")
        self._check_parameters()
        random = streams(self.random_state, ["pre-training", "contexts"])
        encoder = self._teacher(texts, random["pre-training"])
        cut = cut_texts(
            texts, encoder.tokenizer, token_pattern=self.token_pattern, lowercase=self.lowercase
        )
        vectors, self.explained_ = self._distil(encoder, cut, random["contexts"])
        self.vectors_ = vectors
        self._fit_pooling(texts)
        return self

    def _check_parameters(self) -> None:
        check_choice("method", self.method, METHODS)
        if self.layers != "all" and not _is_int(self.layers):
            raise ValueError(
                f"layers must be 'all' or the number of a layer, got {shown(self.layers)}"
            )
        if self.n_components is not None:
            check_count("n_components", self.n_components, 1)
        check_count("min_count", self.min_count, 1)
        check_count("context_tokens", self.context_tokens, 1)
        check_pattern(self.token_pattern)
        check_pooling(self.pooling)
        for name in ("normalise", "lowercase"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                value = shown(getattr(self, name))
                raise ValueError(f"{name} must be True or False, got {value}")
        check_count("pretrain_epochs", self.pretrain_epochs, 1)
        if self.max_seconds is not None:
            check_number("max_seconds", self.max_seconds, above=0)
        choose_precision(self.precision, choose_device(self.device))

    def _teacher(self, texts: list[str], random: np.random.Generator) -> Encoder:
        if self.checkpoint is not None:
            return resolve_encoder(self.checkpoint)
        from textrep.contextual.masked_lm.masked_language_model import MaskedLanguageModel

        seed = int(random.integers(2**_SEED_BITS))
        model = MaskedLanguageModel(
            architecture=self.architecture,
            size=self.size,
            vocab_size=self.vocab_size,
            lowercase=self.lowercase,
            epochs=self.pretrain_epochs,
            max_seconds=self.max_seconds,
            device=self.device,
            precision=self.precision,
            random_state=seed,
            verbose=self.verbose,
        )
        return model.fit(texts_in_time(texts, self.max_seconds, self.device, seed)).encoder_

    # ---- the vectors

    def _distil(
        self, encoder: Encoder, cut: CutTexts, random: np.random.Generator
    ) -> tuple[PieceVectors, float]:
        """Vectors of words and pieces, in as many components, and the variance these keep."""
        if self.layers != "all" and not -encoder.n_layers <= self.layers <= encoder.n_layers:  # type: ignore[operator]
            raise ValueError(
                f"layers={self.layers} is none of the {encoder.n_layers} layers of the encoder"
            )
        frequent = np.flatnonzero(cut.counts >= self.min_count)
        frequent = frequent[np.argsort(-cut.counts[frequent], kind="stable")]
        words = [cut.words[i] for i in frequent.tolist()]
        known = self._words_of(encoder.tokenizer, set(words))
        counts = np.concatenate([cut.counts[frequent], np.zeros(len(known), dtype=np.int64)])
        words += known
        alone, pieces = self._alone(encoder, words)
        if self.method == "contexts":
            chosen = self._chosen_texts(cut, random)
            alone, pieces = self._with_contexts(encoder, cut, chosen, frequent, alone, pieces)
        mean = alone.mean(axis=0) if len(alone) else pieces.mean(axis=0)
        axes, explained = principal_axes(alone - mean if len(alone) else pieces - mean)
        axes = axes[: self.n_components].T  # (D, dim)
        share = float(explained[: self.n_components].sum())
        vectors = PieceVectors(
            words,
            ((alone - mean) @ axes).astype(np.float32),
            pieces=((pieces - mean) @ axes).astype(np.float32),
            tokenizer=encoder.tokenizer,
            counts=counts,
        )
        return vectors, share

    def _words_of(self, tokenizer: EncoderTokenizer, others: set[str]) -> list[str]:
        """Whole words that the tokenizer knows, in its order, without those others."""
        whole = re.compile(self.token_pattern)
        ids = np.arange(tokenizer.size)
        begins = tokenizer.word_starts(ids)
        begins[tokenizer.special_ids] = False
        found: dict[str, None] = {}
        for i in np.flatnonzero(begins).tolist():
            word = tokenizer.tokens[i].lstrip("".join(_WORD_BEGINS))
            word = word.lower() if self.lowercase else word
            if whole.fullmatch(word) and word not in others:
                found[word] = None
        return list(found)

    def _alone(
        self, encoder: Encoder, words: list[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Vectors of words and of all pieces, each read by itself: (n_words, D), (n_pieces, D)."""
        tokenizer = encoder.tokenizer
        each = [np.array([i], dtype=np.int32) for i in range(tokenizer.size)]
        cut = [*tokenizer.pieces(words), *each]
        number = [np.full(len(own), i, dtype=np.int64) for i, own in enumerate(cut)]
        share = [np.full(len(own), 1 / max(1, len(own)), dtype=np.float32) for own in cut]
        found = self._sum(encoder, cut, number, share, len(cut), "Words alone")
        means = found.totals / np.maximum(found.counts, 1e-9)[:, np.newaxis]
        return means[: len(words)], means[len(words) :]

    def _with_contexts(
        self,
        encoder: Encoder,
        cut: CutTexts,
        chosen: list[int],
        frequent: NDArray[np.int64],
        alone: NDArray[np.float64],
        pieces: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same with the words' places in the texts."""
        number = np.full(len(cut.words) + 1, NO_WORD, dtype=np.int64)  # the last one for no word
        number[frequent] = np.arange(len(frequent))
        found = self._sum(
            encoder,
            [cut.pieces[i] for i in chosen],
            [number[cut.word_of[i]] for i in chosen],
            [cut.shares[i] for i in chosen],
            len(alone),
            "Words in their contexts",
        )
        return blended(found, alone, pieces)

    def _chosen_texts(self, cut: CutTexts, random: np.random.Generator) -> list[int]:
        """Numbers of texts with no more tokens than the encoder is to read."""
        lengths = np.array([len(own) for own in cut.pieces])
        order = np.arange(len(lengths))
        if lengths.sum() > self.context_tokens:
            order = random.permutation(len(lengths))
            n_texts = int(np.searchsorted(np.cumsum(lengths[order]), self.context_tokens))
            order = order[: max(1, n_texts)]
        return order.tolist()

    def _sum(
        self,
        encoder: Encoder,
        pieces: list[Any],
        word_of: list[Any],
        shares: list[Any],
        n_words: int,
        description: str,
    ) -> Sums:
        return sum_by_word(
            encoder,
            pieces,
            word_of,
            shares,
            n_words,
            layers=self.layers,
            device=self.device,
            precision=self.precision,
            verbose=self.verbose,
            description=description,
        )

    # ---- documents

    def _pool(self, counted: Any) -> np.ndarray:
        pooled = super()._pool(counted)
        if self.normalise:
            norms = np.sqrt(np.einsum("ij,ij->i", pooled, pooled))
            pooled /= np.where(norms > 0, norms, np.float32(1))[:, np.newaxis]
        return pooled

    # ---- clones, files

    def __sklearn_clone__(self) -> Self:
        # A clone of the given model itself would have forgotten all.
        copied = super().__sklearn_clone__()
        copied.checkpoint = self.checkpoint
        return copied

    def _get_saved_params(self) -> dict[str, Any]:
        params = super()._get_saved_params()
        if isinstance(self.checkpoint, os.PathLike):
            params["checkpoint"] = os.fspath(self.checkpoint)
        elif not isinstance(self.checkpoint, str):
            params["checkpoint"] = None  # the encoder is no part of what was taken from it
        return params

    def _vectors_to_state(self, vectors: Any) -> dict[str, Any]:
        plain = WordVectors(vectors.words, vectors.matrix, counts=vectors.counts)
        pieces, tokenizer = vectors.pieces, vectors.tokenizer.state()
        return {**vectors_to_state(plain), "pieces": pieces, "tokenizer": tokenizer}

    def _vectors_from_state(self, state: dict[str, Any]) -> PieceVectors:
        plain = vectors_from_state(state)
        return PieceVectors(
            plain.words,
            plain.matrix,
            pieces=state["pieces"],
            tokenizer=EncoderTokenizer.from_state(state["tokenizer"]),
            counts=plain.counts,
        )


def blended(
    found: Sums, alone: NDArray[np.float64], pieces: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vectors of words in their contexts, with those alone as further places.

    Parameters
    ----------
    found : Sums
        Of the words' places.
    alone : float64 ndarray (n_words, D)
    pieces : float64 ndarray (n_pieces, D)

    Returns
    -------
    words, pieces : float64 ndarrays
        What was read alone is moved by the mean difference that contexts make.

    Examples
    --------
    >>> found = Sums(np.array([[6.0], [0.0]]), np.array([2.0, 0.0]))
    >>> words, pieces = blended(found, np.array([[1.0], [5.0]]), np.array([[0.0]]))
    >>> words.tolist(), pieces.tolist()  # 3 in contexts, 2 more than alone
    ([[3.0], [7.0]], [[2.0]])
    """
    met = found.counts > 0
    shift = np.zeros(alone.shape[1])
    if met.any():
        means = found.totals[met] / found.counts[met, np.newaxis]
        shift = (means - alone[met]).mean(axis=0)
    moved = alone + shift
    words = (found.totals + _ALONE * moved) / (found.counts + _ALONE)[:, np.newaxis]
    return words, pieces + shift


def principal_axes(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Axes of greatest variance, as rows, and the share of the variance that each has.

    Parameters
    ----------
    vectors : float64 ndarray (n, D)
        Centred.

    Returns
    -------
    axes : float64 ndarray (D, D)
        Each points to where its values add up to 0 or more.
    shares : float64 ndarray (D,)

    Examples
    --------
    >>> axes, shares = principal_axes(np.array([[0.0, 2.0], [0.0, -2.0]]))
    >>> axes.tolist(), shares.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [1.0, 0.0])
    """
    values, columns = np.linalg.eigh(vectors.T @ vectors)
    axes = columns.T[::-1]
    axes = np.where(axes.sum(axis=1, keepdims=True) < 0, -axes, axes)
    values = np.maximum(values[::-1], 0.0)
    return axes, values / (values.sum() or 1.0)


def _is_int(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
