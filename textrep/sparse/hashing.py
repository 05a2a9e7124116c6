"""`HashingVectorizer`: scikit-learn's, hashed by the kernels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from sklearn.feature_extraction import text as sklearn_text
from sklearn.preprocessing import normalize
from sklearn.utils import Tags

from textrep.core.partitions import is_partitioned
from textrep.core.persist import Persistent
from textrep.sparse.analysis import Plan, plan_of
from textrep.sparse.compiling import announce_compilation
from textrep.sparse.count import WORD_PATTERN
from textrep.sparse.counting import (
    document_symbols,
    number_code_points,
    rewrite_parts,
    tokenize_part,
)
from textrep.sparse.documents import LEXICON_BYTES, PART_BYTES, Batch, refuse_str
from textrep.sparse.fallback import Uncovered, by_kernels_or
from textrep.sparse.kernels import hashing as kernels
from textrep.sparse.kernels import symbols as symbol_kernels
from textrep.sparse.lexicon import Lexicon
from textrep.sparse.matrix import KERNEL_DTYPES, build_csr
from textrep.sparse.parameters import KnownParameters
from textrep.sparse.partitioned import transform_documents
from textrep.sparse.rewriting import RewritesTokens
from textrep.sparse.rows import Gathered, Rows
from textrep.sparse.threads import wanted_threads
from textrep.sparse.weighting import FLOATS, NORMS, weigh


class LoneSurrogate(Uncovered, UnicodeEncodeError):
    """A document holds half a surrogate pair, whose bytes cannot be hashed (scikit-learn says so
    too).
    """


def _pack_encodable(symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    surrogates = symbols[(symbols >= 0xD800) & (symbols <= 0xDFFF)]
    if len(surrogates):
        raise LoneSurrogate("utf-8", chr(surrogates[0]), 0, 1, "surrogates not allowed")
    return number_code_points(symbols)


def hash_part(
    plan: Plan, batch: Batch, first: int, last: int, n_features: int, alternate_sign: bool
) -> Rows:
    """Rows of some documents whose terms are hashed columns."""
    if plan.analyzer == "char":
        symbols, bounds = document_symbols(plan, batch, first, last)
        arena, offsets, symbols = _pack_encodable(symbols)
    else:
        part = tokenize_part(plan, batch, first, last, Lexicon(plan.stop_words), learn=True)
        if plan.rewriting is not None:
            (part,) = rewrite_parts(plan.rewriting, [part], threads=1)
        symbols, bounds = part.tokens, part.bounds
        arena, offsets = part.lexicon.packed(part.lexicon.n_stop)
        if plan.analyzer == "char_wb":
            letters, word_bounds = symbol_kernels.word_symbols(arena, offsets)
            arena, offsets, letters = _pack_encodable(letters)
            lists = kernels.hash_texts(
                letters,
                word_bounds,
                arena,
                offsets,
                False,
                plan.smallest,
                plan.largest,
                True,
                n_features,
            )
            keys = kernels.expand_words(symbols, bounds, *lists)
            return Rows(*kernels.sum_rows(*keys, n_features, alternate_sign))
    if plan.largest == 1:
        keys = kernels.hash_symbols(symbols, bounds, arena, offsets, n_features)
    else:
        keys = kernels.hash_texts(
            symbols,
            bounds,
            arena,
            offsets,
            plan.words,
            plan.smallest,
            plan.largest,
            False,
            n_features,
        )
    return Rows(*kernels.sum_rows(*keys, n_features, alternate_sign))


class HashingVectorizer(  # type: ignore[call-arg]  # mypy does not follow scikit-learn
    KnownParameters,
    RewritesTokens,
    Persistent,
    sklearn_text.HashingVectorizer,
    auto_wrap_output_keys=None,
):
    """Texts -> matrix of hashed token counts; a drop-in for scikit-learn's `HashingVectorizer`.

    Columns are MurmurHash3 of the token, so nothing is learnt. Parameters, values, column order,
    dtypes, warnings and errors are those of
    :class:`sklearn.feature_extraction.text.HashingVectorizer`, but for one: an empty list gives a
    matrix of no rows, where scikit-learn lets a StopIteration out.

    Parameters
    ----------
    stemmer : str, Stemmer, object with ``stem(word)``, callable or None, default=None
    spelling : "english", SpellingCorrector, callable or None, default=None
        As for `CountVectorizer`.
    n_jobs : int, default=None
        Threads to use: None or -1 for all cores, -2 for all but one.

    Examples
    --------
    >>> from textrep.sparse import HashingVectorizer
    >>> vectorizer = HashingVectorizer(n_features=8, norm=None, alternate_sign=False)
    >>> vectorizer.transform(["the best of times", "the worst of times"]).sum()
    np.float64(8.0)
    """

    def __init__(
        self,
        *,
        input: str = "content",
        encoding: str = "utf-8",
        decode_error: str = "strict",
        strip_accents: Any = None,
        lowercase: bool = True,
        preprocessor: Any = None,
        tokenizer: Any = None,
        stop_words: Any = None,
        token_pattern: str | None = WORD_PATTERN,
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: Any = "word",
        n_features: int = 2**20,
        binary: bool = False,
        norm: str | None = "l2",
        alternate_sign: bool = True,
        dtype: Any = np.float64,
        stemmer: Any = None,
        spelling: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            input=input,
            encoding=encoding,
            decode_error=decode_error,
            strip_accents=strip_accents,
            lowercase=lowercase,
            preprocessor=preprocessor,
            tokenizer=tokenizer,
            stop_words=stop_words,
            token_pattern=token_pattern,
            ngram_range=ngram_range,
            analyzer=analyzer,
            n_features=n_features,
            binary=binary,
            norm=norm,
            alternate_sign=alternate_sign,
            dtype=dtype,
        )
        self.stemmer = stemmer
        self.spelling = spelling
        self.n_jobs = n_jobs

    def transform(self, X: Iterable[Any]) -> Any:
        """Hash documents.

        Parameters
        ----------
        X : iterable of str or bytes (or of files or file names, see ``input``), n_samples long
            Or a dask collection, as for `CountVectorizer.fit_transform`.

        Returns
        -------
        X : sparse CSR matrix (n_samples, n_features) of ``dtype``, indices sorted
            For a dask collection a dask array of such blocks.
        """
        if is_partitioned(X):
            self._validate_params()
            return transform_documents(self, X, int(self.n_features), self.dtype)
        plan = plan_of(self)
        n: Any = self.n_features
        known = isinstance(n, (int, np.integer)) and 1 <= n < 2**31 - 1 and self.dtype is not None
        if not known:
            self._validate_params()  # scikit-learn divides by n_features without a look at it
        if plan is None or not known or self.dtype not in KERNEL_DTYPES:
            return super().transform(X)
        refuse_str(X)
        if self.stop_words is not None:
            self.build_analyzer()  # scikit-learn's warning about inconsistent stop words
        return by_kernels_or(
            lambda: super(HashingVectorizer, self).transform(X),
            lambda: self._transform(X, plan),
            self,
            X,
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False  # scikit-learn's own say so from 1.8 on
        return tags

    def _transform(self, documents: Iterable[Any], plan: Plan) -> Any:
        announce_compilation(plan.analyzer)
        rows = Gathered(self.dtype, self._hash(documents, plan))
        matrix = build_csr(rows, None, int(self.n_features), wanted_threads(self.n_jobs))
        if self.binary:
            matrix.data.fill(1)
        if self.norm is not None:
            if matrix.dtype in FLOATS and self.norm in NORMS:
                weigh(matrix, None, self.norm, self.n_jobs)
            else:
                matrix = normalize(matrix, norm=self.norm, copy=False)
        return matrix

    def _hash(self, documents: Iterable[Any], plan: Plan) -> Iterator[tuple[Rows, float]]:
        size = PART_BYTES if plan.analyzer == "char" else LEXICON_BYTES

        def count(batch: Batch, first: int, last: int) -> Rows:
            n_features, signed = int(self.n_features), bool(self.alternate_sign)
            return hash_part(plan, batch, first, last, n_features, signed)

        for batch in plan.batches(documents):
            plan.kernel_tables(batch)
            yield from batch.work(count, self.n_jobs, size)
            del batch
