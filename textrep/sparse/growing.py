"""`partial_fit`, `merge`, and `fit` of streams: vocabularies that grow."""

from __future__ import annotations

import contextlib
import gc
import itertools
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

from textrep.core.locks import SharedLock, own_lock
from textrep.core.partitions import is_partitioned
from textrep.sparse.analysis import Plan
from textrep.sparse.compiling import announce_compilation
from textrep.sparse.counting import EMPTY_VOCABULARY, try_to_learn_counts
from textrep.sparse.documents import refuse_str
from textrep.sparse.fallback import by_kernels_or
from textrep.sparse.partitioned import seen_in_parts
from textrep.sparse.pruning import kept_columns, prunes
from textrep.sparse.seen import (
    Seen,
    Tower,
    seen_from_state,
    seen_in,
    seen_in_matrix,
    seen_to_state,
    vocabulary_from_state,
    vocabulary_to_state,
)
from textrep.sparse.threads import wanted_threads
from textrep.sparse.trie import Trie

Self = TypeVar("Self", bound="Grows")

_LIMITS = frozenset({"min_df", "max_df", "max_features", "n_jobs"})
"""Parameters in which vectorisers that are merged may differ: they say what is done with the
counts, not what is counted.
"""

_TOKENS = (
    *("strip_accents", "lowercase", "preprocessor", "tokenizer", "stop_words", "token_pattern"),
    *("ngram_range", "analyzer", "stemmer", "spelling"),
)

DOCUMENTS_AT_ONCE = 1 << 14
"""Documents that scikit-learn's own code counts at a time."""

SEEN = ("_tower", "_unsettled", "_n_documents", "_in_documents", "_in_all", "_counted_as")
"""What a vectoriser keeps of the documents seen."""

making = SharedLock()
"""Held while a vectoriser makes what is made once, when it is first asked for."""


def _no_terms(n_documents: int) -> Seen:
    none = np.zeros(0, dtype=np.int64)
    return Seen({}, n_documents, none, none)


class Grows:
    """Mixin for vectorisers that learn a vocabulary.

    The parts seen so far are kept in ``_tower``; the vocabulary is made of them when it is next
    asked for (``_settle``), because that costs the more the larger it is.
    """

    def partial_fit(self: Self, raw_documents: Iterable[Any], y: Any = None) -> Self:
        """Learn from further documents.

        What is then known equals what `fit` learns from all documents seen so far, in that order.
        All terms are kept, also those that ``min_df``, ``max_df`` and ``max_features`` leave out
        of the vocabulary: these look at all documents seen. Threads that call it at once wait for
        each other.

        Parameters
        ----------
        raw_documents : iterable of str or bytes (or of files or file names, see ``input``)
            May be a generator: no more than some 32 MB of it are held at a time. Or a dask
            collection, as for `CountVectorizer.fit_transform`.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            After a `fit` that left out terms (because of ``min_df`` and its like), whose counts are
            not kept; and after a change of what a token is, such as ``ngram_range``.
        """
        with own_lock(self):
            return self._partial_fit(raw_documents)

    @_fit_context(prefer_skip_nested_validation=True)
    def _partial_fit(self: Self, raw_documents: Iterable[Any]) -> Self:
        refuse_str(raw_documents)
        v: Any = self
        wanted_threads(v.n_jobs)
        state = vars(v)
        # a vocabulary that is given may be known when nothing has been seen
        learnt = v.vocabulary is None and ("_trie" in state or "_vocabulary" in state)
        begun = learnt or "_tower" in state or "_n_documents" in state
        tower = Tower(v._parts() if begun else [])
        if begun:
            self._refuse_other_tokens()
        with self._all_or_nothing() as before:
            self._check_before_reading()
            if begun and not _same_given(before, state):
                raise ValueError(
                    "vocabulary was changed after documents had been seen, whose counts are by the "
                    "columns of the old one; begin with a new vectoriser"
                )
            tower.push(self._see(raw_documents))
        self._take(tower)
        return self

    @contextlib.contextmanager
    def _all_or_nothing(self) -> Iterator[dict[str, Any]]:
        """Undo on errors all that is set meanwhile; gives what was set before."""
        before = dict(vars(self))
        try:
            yield before
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    @contextlib.contextmanager
    def _remembering(self) -> Iterator[None]:
        """Keep what has been seen while scikit-learn sets a given vocabulary once more."""
        state = vars(self)
        before = dict(state)
        try:
            yield
        finally:
            if _same_given(before, state):
                state.update({name: before[name] for name in SEEN if name in before})

    def merge(self: Self, other: Self) -> Self:
        """Learn what another vectoriser has learnt.

        Parameters
        ----------
        other : vectoriser of the same class and parameters
            Fitted on other documents, which count as coming after those of this one; it is left as
            it is. Only ``min_df``, ``max_df``, ``max_features`` and ``n_jobs`` may differ: those of
            this one hold.

        Returns
        -------
        self
            As if fitted on the documents of both.

        Raises
        ------
        ValueError
            When the two differ in class or parameters, or one was fitted by `fit` with terms left
            out, whose counts are not kept.

        Examples
        --------
        >>> from textrep.sparse import TfidfVectorizer
        >>> monday = TfidfVectorizer().partial_fit(["so much text", "so little time"])
        >>> tuesday = TfidfVectorizer().partial_fit(["so it goes"])
        >>> monday.merge(tuesday).idf_.round(2).tolist()
        [1.69, 1.69, 1.69, 1.69, 1.0, 1.69, 1.69]
        """
        v: Any = self
        if type(other) is not type(self):
            raise ValueError(
                f"a {type(self).__name__} merges only with another one, not with a "
                f"{type(other).__name__}"
            )
        theirs, ours = other.get_params(deep=False), v.get_params(deep=False)  # type: ignore[attr-defined]
        for name in sorted(ours.keys() - _LIMITS):
            if not _same(ours[name], theirs[name]):
                raise ValueError(
                    f"the two vectorisers differ in {name}: {ours[name]!r} and {theirs[name]!r}; "
                    "only those that count alike can be merged"
                )
        check_is_fitted(self)
        check_is_fitted(other)
        tower = Tower(v._parts())
        for part in other._parts():
            tower.push(part)
        self._take(tower)
        return self

    # ---- what is seen

    def _check_before_reading(self) -> None:
        v: Any = self
        v._validate_ngram_range()
        v._warn_for_unused_params()
        v._validate_vocabulary()

    def _see(self, raw_documents: Iterable[Any]) -> Seen:
        """What is seen of documents."""
        v: Any = self
        if is_partitioned(raw_documents):
            return seen_in_parts(v, raw_documents)
        plan = v._plan()
        if plan is None or v.fixed_vocabulary_:
            return self._see_slowly(raw_documents)
        v._check_stop_words()
        announce_compilation(plan.analyzer)
        return by_kernels_or(
            lambda: self._see_slowly(raw_documents),
            lambda: self._see_by_kernels(raw_documents, plan),
            v,
            raw_documents,
        )

    def _see_by_kernels(self, raw_documents: Iterable[Any], plan: Plan) -> Seen:
        v: Any = self
        tower = Tower([_no_terms(0)])
        for batch in plan.batches(raw_documents):
            counts = try_to_learn_counts(plan, batch, v.n_jobs, v.dtype)
            tower.push(_no_terms(len(batch)) if counts is None else seen_in(counts))
            del batch, counts
        return tower.whole()

    def _see_slowly(self, raw_documents: Iterable[Any]) -> Seen:
        """By scikit-learn's own code, or with a vocabulary that was given."""
        v: Any = self
        given = v.fixed_vocabulary_
        tower = Tower()  # merges as it grows: parts as dicts take by far more than what they say
        documents = iter(raw_documents)
        while some := list(itertools.islice(documents, DOCUMENTS_AT_ONCE)):
            if given:
                tower.push(seen_in_matrix(None, v._count_known_terms(some)))
                continue
            # scikit-learn's dict of terms refers to itself, and so would stay for a while.
            gc.collect()
            try:
                tower.push(seen_in_matrix(*v._count_vocab(some, fixed_vocab=False)))
            except ValueError as error:
                if not str(error).startswith(EMPTY_VOCABULARY):
                    raise
                tower.push(_no_terms(len(some)))
        if not tower.parts:
            n_terms = len(v.vocabulary_) if given else 0
            none = np.zeros(n_terms, dtype=np.int64)
            return Seen(None if given else {}, 0, none, none)
        return tower.whole()

    def _parts(self) -> list[Seen]:
        """What has been seen so far."""
        v: Any = self
        state = vars(v)
        if "_tower" in state:
            return list(v._tower.parts)
        n_documents = state.get("_n_documents")
        if n_documents is None:
            raise ValueError(
                f"this {type(v).__name__} did not learn its vocabulary from documents, so it "
                "cannot learn from more of them; begin with partial_fit"
            )
        if self._leaves_out(n_documents):
            raise ValueError(
                f"fit keeps only the terms that min_df={v.min_df!r}, max_df={v.max_df!r} and "
                f"max_features={v.max_features!r} leave, so it cannot go on with more documents; "
                "begin with partial_fit, which keeps all"
            )
        seen = state.get("_trie")
        if v.fixed_vocabulary_:
            seen = None
        elif seen is None:
            seen = v.vocabulary_
        return [Seen(seen, n_documents, state.get("_in_documents"))]

    def _leaves_out(self, n_documents: int) -> bool:
        """Whether `fit` may have left out terms of so many documents."""
        v: Any = self
        return not v.fixed_vocabulary_ and prunes(v, n_documents)

    def _take(self, tower: Tower) -> None:
        v: Any = self
        given = vars(v).get("_vocabulary") if v.fixed_vocabulary_ else None
        v._forget()
        if given is not None:
            v._vocabulary = given
        v._tower = tower
        v._unsettled = True
        v._counted_as = counted_as(v)

    def _refuse_other_tokens(self) -> None:
        """Stop when documents would be cut into other tokens than those before."""
        now = counted_as(self)
        for name, before in vars(self).get("_counted_as", now).items():
            if not _same(before, now[name]):
                raise ValueError(
                    f"{name} was {before!r} for the documents before and is now {now[name]!r}; set "
                    "it back, or begin with a new vectoriser"
                )

    # ---- the vocabulary of what is seen

    def _settle(self) -> None:
        """Make vocabulary and weights of what `partial_fit` and `merge` have seen, if that is still
        to be done.
        """
        state = vars(self)
        if "_unsettled" not in state:
            return
        with making:  # a fitted vectoriser may be used from many threads
            if "_unsettled" in state:
                self._make_vocabulary(state["_tower"].whole())
                del state["_unsettled"]

    def _settle_if_possible(self) -> None:
        """`_settle`, unless it has an error to report, which is left to those who ask for the
        vocabulary.
        """
        with contextlib.suppress(ValueError):
            self._settle()

    def _make_vocabulary(self, seen: Seen) -> None:
        v: Any = self
        kept = None
        if not v.fixed_vocabulary_:
            if not len(seen):
                raise ValueError(EMPTY_VOCABULARY)
            kept = kept_columns(v, seen)
        vocabulary = seen.kept(kept)
        every = slice(None) if kept is None else kept
        in_documents = None if seen.in_documents is None else seen.in_documents[every]
        in_all = in_documents if v.binary or seen.in_all is None else seen.in_all[every]
        n_terms = len(v._vocabulary) if vocabulary is None else len(vocabulary)
        v._weigh_seen(seen.n_documents, n_terms, in_documents, in_all)
        if isinstance(vocabulary, Trie):
            v._trie = vocabulary
        elif vocabulary is not None:
            v._vocabulary = vocabulary

    def _weigh_seen(self, n_documents: int, n_terms: int, df: Any, tf: Any) -> None:
        """Learn weights from what has been seen.

        Parameters
        ----------
        n_documents : int
        n_terms : int, number of columns
        df, tf : int64 (n_terms,), documents with the term of each column and its occurrences
            (the sum of the column, so equal to ``df`` when counts are binary); None where `fit` has
            not kept them, see `textrep.sparse.seen.counted`
        """

    def _fit_stream(self: Self, raw_documents: Iterable[Any]) -> Self:
        """`fit` of documents that come one by one, or in parts, and are not kept."""
        with self._all_or_nothing():
            self._check_before_reading()
            self._fit_seen(self._see(raw_documents))
        return self

    def _fit_seen(self, seen: Seen) -> None:
        """Learn what `fit` learns of documents of which this was seen."""
        v: Any = self
        self._take(Tower([seen]))
        self._settle()
        if self._leaves_out(seen.n_documents):
            del v._tower  # as after any other fit, the terms left out are not kept
            v._n_documents = seen.n_documents

    # ---- saving

    def _seen_to_state(self) -> dict[str, Any]:
        v: Any = self
        state = vars(v)
        if "_tower" in state:
            seen = state["_tower"].whole()
            saved = seen_to_state(seen)
            if seen.vocabulary is not None and seen.vocabulary is not state.get("_trie"):
                saved["vocabulary"] = vocabulary_to_state(seen.vocabulary)
            return {"seen": saved}
        if "_n_documents" in state:
            in_documents = state.get("_in_documents")
            return {"fitted": seen_to_state(Seen(None, state["_n_documents"], in_documents))}
        return {}

    def _seen_from_state(self, state: dict[str, Any]) -> None:
        v: Any = self
        known = vars(v).get("_trie", vars(v).get("_vocabulary"))
        if "seen" in state:
            saved = state["seen"]
            vocabulary = vars(v).get("_trie")
            if "vocabulary" in saved:
                vocabulary = vocabulary_from_state(saved["vocabulary"])
            if (vocabulary is None) != vars(v).get("fixed_vocabulary_"):
                raise ValueError("the saved counts are of no vocabulary")
            seen = seen_from_state(saved, known if vocabulary is None else vocabulary)
            v._tower = Tower([replace(seen, vocabulary=vocabulary)])
            if known is None:
                v._unsettled = True
        elif "fitted" in state:
            seen = seen_from_state(state["fitted"], known)
            v._n_documents = seen.n_documents
            if seen.in_documents is not None:
                v._in_documents = seen.in_documents


def _same_given(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether in both states the same vocabulary was given, or none."""
    was, fixed = (bool(state.get("fixed_vocabulary_")) for state in (before, now))
    return was == fixed and (not was or before.get("_vocabulary") == now.get("_vocabulary"))


def counted_as(vectorizer: Any) -> dict[str, Any]:
    """The parameters that say what a vectoriser's tokens are."""
    return {name: getattr(vectorizer, name) for name in _TOKENS}


def is_stream(raw_documents: Any) -> bool:
    """Whether documents come bit by bit: from an iterator, or in the parts of a dask collection."""
    if is_partitioned(raw_documents):
        return True
    return not isinstance(raw_documents, str) and hasattr(raw_documents, "__next__")


def _same(a: Any, b: Any) -> bool:
    """Whether two parameters are equal as far as one can tell."""
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and np.array_equal(a, b)
    if hasattr(a, "get_params") and hasattr(b, "get_params"):
        return type(a) is type(b) and pickle.dumps(a) == pickle.dumps(b)
    return bool(a == b)
