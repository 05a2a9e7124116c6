"""From what a caller has, texts or a corpus, to the task of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.columns import check_apart, columns_of
from textrep.comparison.errors import ComparisonError
from textrep.comparison.split import Split, fold_texts, split_texts
from textrep.comparison.task import Task
from textrep.core.labels import check_labels
from textrep.core.messages import shown
from textrep.core.text import check_texts
from textrep.data.corpus import Corpus

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_LEARNT = "train"
# A validation part is what is left to test on where a test part has no labels, or is not there.
_TESTED = ("test", "validation")


@dataclass(frozen=True)
class Given:
    """Documents as the caller gives them, with all they bring.

    Attributes
    ----------
    texts : iterable of str, or Corpus
        Documents.
    labels : array-like or None
        Their classes; None for a corpus.
    numeric, categorical : mapping of str to column, sequence of str, or None
        Further columns; of a corpus their names.
    """

    texts: Iterable[str] | Corpus
    labels: ArrayLike | None = None
    numeric: Any = None
    categorical: Any = None


class _Documents(NamedTuple):
    """Checked documents of one part."""

    texts: list[str]
    labels: NDArray[Any]
    numeric: Mapping[str, NDArray[np.float64]]
    categorical: Mapping[str, NDArray[np.object_]]
    unused: Mapping[str, NDArray[np.object_]]
    name: str


@dataclass(frozen=True)
class Division:
    """How documents are divided where the data do not say.

    Attributes
    ----------
    test_size : float
        Share to test on.
    folds : int or None
        Number of parts of a cross-validation; None is one test part.
    rng : numpy.random.Generator
        Decides which.
    """

    test_size: float = 0.2
    folds: int | None = None
    rng: np.random.Generator = field(default_factory=np.random.default_rng)


def arrange(given: Given, test: Given | None, division: Division, name: str | None) -> Task:
    """Make the task of a comparison.

    Parameters
    ----------
    given : Given
        Documents to learn from, and to test on where `test` is None.
    test : Given or None
        Documents to test on.
    division : Division
        How to divide what is not divided.
    name : str or None
        Of the data set; None takes that of the corpus, or ``"texts"``.

    Returns
    -------
    Task

    Raises
    ------
    ComparisonError
        When there are fewer than two classes, a class has too few different texts, or the settings
        contradict each other.
    TextInputError, LabelError
        When an item is not a text or a label, or their numbers differ.
    """
    _check_folds(division.folds, test)
    if test is not None:
        return _joined(_documents(given, "texts"), _documents(test, "test_texts"), name)
    corpus = given.texts
    if isinstance(corpus, Corpus) and not division.folds:
        tested = tested_part(corpus)
        if tested is not None:
            parts = [_part(given, corpus, part) for part in (_LEARNT, tested)]
            return _joined(parts[0], parts[1], name, tested)
    return _divided(_documents(given, "texts"), division, name)


def tested_part(texts: Iterable[str] | Corpus) -> str | None:
    """Name of the part of a corpus that is tested on.

    Parameters
    ----------
    texts : iterable of str, or Corpus
        Documents.

    Returns
    -------
    str or None
        None where the documents are not divided into what to learn from and what to test on.

    Examples
    --------
    >>> split = ["train", "validation"]
    >>> tested_part(Corpus("pets", ["meow", "woof"], ["cat", "dog"], split=split))
    'validation'
    """
    if not isinstance(texts, Corpus) or _LEARNT not in texts.parts:
        return None
    return next((part for part in _TESTED if part in texts.parts), None)


def _check_folds(folds: Any, test: Given | None) -> None:
    if folds is None:
        return
    if isinstance(folds, bool) or not isinstance(folds, int | np.integer) or folds < 2:
        raise ComparisonError(f"folds is {shown(folds)}; expected an int of at least 2")
    if test is not None:
        raise ComparisonError("folds and a test part exclude each other; leave one of them out")


def _part(given: Given, corpus: Corpus, part: str) -> _Documents:
    one = corpus.part(part)
    return _documents(Given(one, given.labels, given.numeric, given.categorical), "texts")


def _documents(given: Given, name: str) -> _Documents:
    texts, labels = given.texts, given.labels
    role = name.removesuffix("texts")
    if isinstance(texts, Corpus):
        labels = _labels_of(texts, labels, role)
    elif labels is None:
        raise ComparisonError(f"{role}labels is None; give one for each text")
    checked = check_texts(texts.texts if isinstance(texts, Corpus) else texts, name=name)
    source = texts if isinstance(texts, Corpus) else None
    numeric = columns_of(source, given.numeric, len(checked), f"{role}numeric")
    categorical = columns_of(source, given.categorical, len(checked), f"{role}categorical")
    check_apart(numeric, categorical)
    return _Documents(
        checked,
        check_labels(labels, len(checked), name=f"{role}labels"),
        numeric,
        categorical,
        _unused(source, {*numeric, *categorical}),
        source.name if source is not None else "texts",
    )


def _unused(corpus: Corpus | None, used: set[str]) -> dict[str, NDArray[np.object_]]:
    """Columns of a corpus that nobody asked for."""
    found = {}
    for name, values in ({} if corpus is None else corpus.columns).items():
        if name not in used:
            found[name] = np.empty(len(values), dtype=object)
            found[name][:] = values
    return found


def _labels_of(corpus: Corpus, labels: ArrayLike | None, role: str) -> Sequence[str]:
    if labels is not None:
        raise ComparisonError(f"{role}labels: the corpus has labels of its own; leave them out")
    if corpus.labels is None:
        reasons = "".join(f"; {note}" for note in corpus.notes)
        raise ComparisonError(
            f"corpus {corpus.name!r} has no labels, so there is nothing to learn{reasons}"
        )
    return corpus.labels


def _check_classes(labels: NDArray[Any]) -> list[Any]:
    classes = np.unique(labels).tolist()
    if len(classes) < 2:
        raise ComparisonError(
            f"labels holds one class only, {shown(classes[0])}; there is nothing to tell apart"
        )
    return classes


def _joined(learnt: _Documents, tested: _Documents, name: str | None, part: str = "test") -> Task:
    """One list of documents of two parts, the first to learn from and the second to test on."""
    classes = _check_classes(learnt.labels)
    if (learnt.labels.dtype.kind == "b") != (tested.labels.dtype.kind == "b"):
        # True and 1 are equal to Python, so the check below would let them pass.
        raise ComparisonError(
            f"labels holds {learnt.labels.dtype} and test_labels {tested.labels.dtype}; "
            "convert them to one type"
        )
    if not set(classes) & set(tested.labels.tolist()):
        raise ComparisonError(
            "test_labels and labels have no class in common: test_labels holds "
            f"{shown(tested.labels.tolist()[0])}, "
            f"labels holds {', '.join(map(shown, classes[:5]))}"
        )
    n_learnt, n_tested = len(learnt.texts), len(tested.texts)
    split = Split(np.arange(n_learnt), np.arange(n_learnt, n_learnt + n_tested))
    numbers = ((_LEARNT, n_learnt), (part, n_tested))
    return Task(
        name or learnt.name,
        [*learnt.texts, *tested.texts],
        _together(learnt.labels, tested.labels),
        (split,),
        _both(learnt.numeric, tested.numeric, "numeric"),
        _both(learnt.categorical, tested.categorical, "categorical"),
        [f"{which} document {number}" for which, count in numbers for number in range(count)],
        {
            # A test part need not have what nobody learns from.
            name: np.concatenate([values, tested.unused.get(name, np.full(n_tested, None))])
            for name, values in learnt.unused.items()
        },
    )


def _together(labels: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Labels of both parts in the type of the first, as far as that holds them."""
    if object in (labels.dtype, others.dtype):
        return np.concatenate([labels.astype(object), others.astype(object)])
    return np.concatenate([labels, others])


def _both(
    learnt: Mapping[str, NDArray[Any]], tested: Mapping[str, NDArray[Any]], role: str
) -> dict[str, NDArray[Any]]:
    if learnt.keys() != tested.keys():
        raise ComparisonError(
            f"{role} has the columns {', '.join(map(shown, learnt)) or 'none'} to learn from and "
            f"{', '.join(map(shown, tested)) or 'none'} to test on; give the same in both"
        )
    return {name: np.concatenate([learnt[name], tested[name]]) for name in learnt}


def _divided(documents: _Documents, division: Division, name: str | None) -> Task:
    _check_classes(documents.labels)
    texts, labels = documents.texts, documents.labels
    if division.folds:
        splits = fold_texts(texts, labels, division.folds, division.rng)
    else:
        splits = (split_texts(texts, labels, division.test_size, division.rng),)
    return Task(
        name or documents.name,
        texts,
        labels,
        splits,
        documents.numeric,
        documents.categorical,
        unused=documents.unused,
    )
