"""`CountVectorizer`: scikit-learn's, counted by the kernels."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.feature_extraction import text as sklearn_text

from textrep.core.partitions import is_partitioned
from textrep.core.persist import Persistent
from textrep.sparse.analysis import Plan, plan_of
from textrep.sparse.compiling import announce_compilation
from textrep.sparse.counting import learn_counts
from textrep.sparse.documents import refuse_str
from textrep.sparse.fallback import by_kernels_or
from textrep.sparse.growing import SEEN, Grows, counted_as, is_stream, making
from textrep.sparse.matching import Matcher
from textrep.sparse.matrix import KERNEL_DTYPES, build_csr
from textrep.sparse.parameters import KnownParameters
from textrep.sparse.partitioned import transform_documents
from textrep.sparse.pruning import kept_columns
from textrep.sparse.rewriting import RewritesTokens
from textrep.sparse.rows import Gathered
from textrep.sparse.seen import vocabulary_from_state, vocabulary_to_state
from textrep.sparse.short import count_short, dict_pays, is_tiny
from textrep.sparse.threads import wanted_threads
from textrep.sparse.trie import Trie

WORD_PATTERN = r"(?u)\b\w\w+\b"
"""scikit-learn's default: runs of two or more word characters."""


_LEARNT = (
    *("_vocabulary", "_trie", "_matcher", "_short_calls"),
    *SEEN,
)
"""What a vectoriser keeps of a fit and `partial_fit`."""


class CountVectorizer(
    KnownParameters, RewritesTokens, Grows, Persistent, sklearn_text.CountVectorizer
):
    """Texts -> matrix of token counts; a drop-in for scikit-learn's `CountVectorizer`.

    Parameters, attributes, values, column order, dtypes, warnings and errors are those of
    :class:`sklearn.feature_extraction.text.CountVectorizer`. What the kernels do not cover (a
    callable analyzer, tokenizer or preprocessor, an unusual ``token_pattern`` or ``dtype``, a
    subclass with a ``build_analyzer`` of its own) is left to scikit-learn's own code, with the same
    answer. Only what is no text at all (None, a number, a table) gets an error of ours, which says
    where it stands.

    Parameters
    ----------
    stemmer : str, Stemmer, object with ``stem(word)``, callable or None, default=None
        What makes stems of the words that are no stop words, before they are joined to n-grams: a
        language, such as ``"english"``, or what takes a word and gives its stem. It is asked once
        for each distinct word. Only for ``analyzer="word"``.
    spelling : "english", SpellingCorrector, callable or None, default=None
        What corrects the words, before stop words are left out; likewise once a distinct
        word. An object with ``correct(word)`` will do too. Fit the vectoriser again when the
        corrector or the stemmer has learnt something else.
    n_jobs : int, default=None
        Threads to use: None or -1 for all cores, -2 for all but one.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Columns of the terms, in the order in which the documents met them. Made when it is first
        read, or by texts that are so few and short that counting them with it is faster; until
        then, and in pickles and saved models, the vocabulary takes some 24 bytes a term. Columns
        are Python ints also where scikit-learn leaves ``numpy.int64`` (with ``max_features``).
        Assign a new dict to change it; do not edit it in place.
    fixed_vocabulary_ : bool
        Whether ``vocabulary`` was given.

    Notes
    -----
    Every other parameter has scikit-learn's name, default and meaning. A fitted vectoriser may be
    used from many threads. Columns of pyarrow, pandas and polars are read without making Python
    strings of them.

    Examples
    --------
    >>> from textrep.sparse import CountVectorizer
    >>> vectorizer = CountVectorizer()
    >>> vectorizer.fit_transform(["the best of times", "the worst of times"]).toarray()
    array([[1, 1, 1, 1, 0],
           [0, 1, 1, 1, 1]])
    >>> vectorizer.vocabulary_
    {'the': 2, 'best': 0, 'of': 1, 'times': 3, 'worst': 4}
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
        max_df: float = 1.0,
        min_df: float = 1,
        max_features: int | None = None,
        vocabulary: Any = None,
        binary: bool = False,
        dtype: Any = np.int64,
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
            max_df=max_df,
            min_df=min_df,
            max_features=max_features,
            vocabulary=vocabulary,
            binary=binary,
            dtype=dtype,
        )
        self.stemmer = stemmer
        self.spelling = spelling
        self.n_jobs = n_jobs

    # ---- the vocabulary: a trie after a fit, a dict when given, set or asked for

    @property
    def vocabulary_(self) -> dict[str, int]:
        self._settle()
        state = self.__dict__
        if "_vocabulary" not in state:
            trie = state.get("_trie")
            if trie is None:
                raise AttributeError(
                    f"{type(self).__name__!r} object has no attribute 'vocabulary_'"
                )
            with making:
                if "_vocabulary" not in state:
                    state["_vocabulary"] = trie.vocabulary(self.n_jobs)
        return state["_vocabulary"]

    @vocabulary_.setter
    def vocabulary_(self, vocabulary: dict[str, int]) -> None:
        if self.max_features is not None and isinstance(vocabulary, dict):
            # scikit-learn's own code leaves numpy.int64 there
            vocabulary = {term: int(column) for term, column in vocabulary.items()}
        self._forget()
        self._vocabulary = vocabulary

    @vocabulary_.deleter
    def vocabulary_(self) -> None:
        self.vocabulary_  # noqa: B018  raises AttributeError when there is none
        self._forget()

    def _forget(self) -> None:
        for name in _LEARNT:
            self.__dict__.pop(name, None)

    def _adopt(self, trie: Trie) -> None:
        self._forget()
        self._trie = trie

    def __sklearn_is_fitted__(self) -> bool:
        fitted = ("_trie", "_vocabulary", "_tower")
        return any(v in fitted or (v.endswith("_") and v[:2] != "__") for v in vars(self))

    def _check_vocabulary(self) -> None:
        self._settle()
        if "_trie" not in self.__dict__:
            super()._check_vocabulary()

    def _kernels_know_vocabulary(self) -> bool:
        """Whether terms are str and columns 0 to n - 1; anything else set by hand is
        scikit-learn's to judge.
        """
        state = self.__dict__
        if "_trie" in state or "_matcher" in state:
            return True
        vocabulary = state["_vocabulary"]
        if type(vocabulary) is not dict or not set(map(type, vocabulary)) <= {str}:
            return False
        columns = vocabulary.values()
        whole = all(isinstance(column, (int, np.integer)) for column in columns)
        return whole and sorted(columns) == list(range(len(vocabulary)))

    def _dict_pays(self) -> bool:
        """Whether the dict is there, or worth being made for a few short texts."""
        self._settle()
        state = self.__dict__
        if "_vocabulary" in state or "_trie" not in state:
            return "_vocabulary" in state
        self._short_calls = state.get("_short_calls", 0) + 1
        return dict_pays(len(self._trie), self._short_calls)

    def _matcher_for(self, plan: Plan) -> Matcher:
        """Look-up structures for the vocabulary; made at the first `transform` and kept while
        nothing changes.
        """
        self._settle()
        matcher = self.__dict__.get("_matcher")
        if matcher is not None and matcher.plan == plan:
            return matcher
        with making:
            matcher = self.__dict__.get("_matcher")  # another thread may have made it meanwhile
            if matcher is None or matcher.plan != plan:
                self._matcher = matcher = self._new_matcher(plan)
            return matcher

    def _new_matcher(self, plan: Plan) -> Matcher:
        trie = self.__dict__.get("_trie")
        if trie is None or trie.words != plan.words:
            trie = Trie.from_terms(self.vocabulary_, plan.words)
        return Matcher(plan, trie)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Terms in the order of their columns, object array ``(n_features,)``; ``input_features``
        is not used.
        """
        self._settle()
        if "_trie" not in self.__dict__:
            return super().get_feature_names_out(input_features)
        return np.array(self._trie.terms(n_jobs=self.n_jobs), dtype=object)

    # ---- counting

    def _plan(self) -> Plan | None:
        if self.dtype is None:  # to numpy float64, to scipy no wish
            return None
        try:
            covered = np.dtype(self.dtype) in KERNEL_DTYPES
        except TypeError:
            return None
        return plan_of(self) if covered else None

    def fit(self, raw_documents: Iterable[Any], y: Any = None) -> CountVectorizer:
        """Learn the vocabulary.

        Parameters
        ----------
        raw_documents : as for `fit_transform`
            Of a generator or another iterator no more than some 32 MB are held at a time.
        y : ignored

        Returns
        -------
        self : CountVectorizer
        """
        if is_stream(raw_documents):
            return self._fit_stream(raw_documents)
        return super().fit(raw_documents, y)

    def fit_transform(self, raw_documents: Iterable[Any], y: Any = None) -> Any:
        """Learn the vocabulary and count.

        Parameters
        ----------
        raw_documents : iterable of str or bytes (or of files or file names, see ``input``),
            n_samples long
            Or a dask bag, series, data frame of one column or array of one dimension, of the same:
            its parts are counted side by side, and the vocabulary is that of all of them.
        y : ignored

        Returns
        -------
        X : sparse CSR matrix (n_samples, n_features) of ``dtype``
            Entries of a row are in the order in which the collection met their terms. For a dask
            collection a dask array, computed when asked for, whose blocks are such matrices.
        """
        if is_partitioned(raw_documents):
            return self.fit(raw_documents).transform(raw_documents)
        wanted_threads(self.n_jobs)  # refuses what is no number of threads, whatever the texts
        if is_tiny(raw_documents):
            X = super().fit_transform(raw_documents, y)
        else:
            X = self._fit_transform(raw_documents)
        self._n_documents = X.shape[0]
        self._counted_as = counted_as(self)
        return X

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit_transform(self, raw_documents: Iterable[Any]) -> Any:
        plan = self._plan()
        if plan is None:
            return super().fit_transform(raw_documents)
        refuse_str(raw_documents)
        self._validate_ngram_range()
        self._warn_for_unused_params()
        self._validate_vocabulary()
        if self.fixed_vocabulary_:
            if not self._kernels_know_vocabulary():
                return super().fit_transform(raw_documents)
            self._warn_of_upper_case()
            return self._transform(raw_documents, plan)
        self._check_stop_words()
        return by_kernels_or(
            lambda: super(CountVectorizer, self).fit_transform(raw_documents),
            lambda: self._learn_and_count(raw_documents, plan),
            self,
            raw_documents,
        )

    def _learn_and_count(self, raw_documents: Iterable[Any], plan: Plan) -> Any:
        announce_compilation(plan.analyzer)
        counts = learn_counts(plan, raw_documents, self.n_jobs, self.dtype)
        threads = wanted_threads(self.n_jobs)
        column_of = counts.column_of
        trie = counts.trie
        kept = kept_columns(self, counts)
        if kept is not None:
            renumbered = np.where(kept, np.cumsum(kept) - 1, -1)
            trie = trie.keep(renumbered)
            column_of = renumbered[column_of]
        X = build_csr(counts.rows, column_of, len(trie), threads)
        self._adopt(trie)
        return self._finish(X)

    def transform(self, raw_documents: Iterable[Any]) -> Any:
        """Count the terms of the vocabulary.

        Parameters
        ----------
        raw_documents : as for `fit_transform`

        Returns
        -------
        X : sparse CSR matrix (n_samples, n_features) of ``dtype``, indices sorted
            For a dask collection a dask array of such blocks.
        """
        if is_partitioned(raw_documents):
            return self._transform_parts(raw_documents, self.dtype)
        if is_tiny(raw_documents) and self._dict_pays():
            if "_trie" in self.__dict__:
                analyze = self.build_analyzer()
                return self._finish(
                    count_short(raw_documents, analyze, self.vocabulary_, self.dtype)
                )
            return super().transform(raw_documents)
        plan = self._plan()
        if plan is None:
            return super().transform(raw_documents)
        refuse_str(raw_documents)
        self._check_vocabulary()
        if not self._kernels_know_vocabulary():
            return super().transform(raw_documents)
        return self._transform(raw_documents, plan)

    def _transform_parts(self, raw_documents: Any, dtype: Any) -> Any:
        """`transform` of a dask collection, later, to blocks of a dtype."""
        self._check_vocabulary()
        trie = self.__dict__.get("_trie")
        n_columns = len(self.vocabulary_ if trie is None else trie)
        return transform_documents(self, raw_documents, n_columns, dtype, SEEN)

    def _transform(self, raw_documents: Iterable[Any], plan: Plan) -> Any:
        return by_kernels_or(
            lambda: super(CountVectorizer, self).transform(raw_documents),
            lambda: self._count_known(raw_documents, plan),
            self,
            raw_documents,
        )

    def _count_known(self, raw_documents: Iterable[Any], plan: Plan) -> Any:
        self._check_stop_words()
        announce_compilation(plan.analyzer)
        matcher = self._matcher_for(plan)
        rows = Gathered(self.dtype, matcher.count(plan.batches(raw_documents), self.n_jobs))
        return self._finish(build_csr(rows, None, matcher.n_columns, wanted_threads(self.n_jobs)))

    def _finish(self, X: Any) -> Any:
        if self.binary:
            X.data.fill(1)
        return X

    def _check_stop_words(self) -> None:
        """scikit-learn's warning when stop words do not survive the vectoriser's own tokenising;
        once a list.
        """
        if id(self.stop_words) != getattr(self, "_stop_words_id", None):
            self.build_analyzer()

    def _warn_of_upper_case(self) -> None:
        if self.lowercase and any(any(map(str.isupper, term)) for term in self.vocabulary):
            warnings.warn(
                "Upper case characters found in"
                " vocabulary while 'lowercase'"
                " is True. These entries will not"
                " be matched with any documents",
                stacklevel=3,
            )

    def _count_known_terms(self, raw_documents: list[Any]) -> Any:
        """Counts without the weights of a subclass."""
        return CountVectorizer.transform(self, raw_documents)

    # ---- saving

    def __getstate__(self) -> dict[str, Any]:
        self._settle_if_possible()
        state = dict(super().__getstate__())
        for name in ("_matcher", "_short_calls"):
            state.pop(name, None)
        if "_trie" in state:
            state.pop("_vocabulary", None)
        return state

    def _get_state(self) -> dict[str, Any]:
        self._settle_if_possible()
        state: dict[str, Any] = {}
        if "fixed_vocabulary_" in self.__dict__:
            state["fixed_vocabulary_"] = bool(self.fixed_vocabulary_)
        for name in ("_trie", "_vocabulary"):
            if name in self.__dict__:
                state |= vocabulary_to_state(self.__dict__[name])
                break
        return state | self._seen_to_state()

    def _set_state(self, state: dict[str, Any]) -> None:
        if "fixed_vocabulary_" in state:
            self.fixed_vocabulary_ = state["fixed_vocabulary_"]
        vocabulary = vocabulary_from_state(state)
        if isinstance(vocabulary, Trie):
            if state.get("fixed_vocabulary_") is not False:
                raise ValueError("the saved vocabulary was both learnt and given")
            self._adopt(vocabulary)
        elif vocabulary is not None:
            self.vocabulary_ = vocabulary
            if not self._kernels_know_vocabulary():
                raise ValueError("the columns of the saved vocabulary are not 0 to n - 1")
        self._seen_from_state(state)
