"""The registry of rungs: every method that a comparison can try, the simplest first."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC

from textrep.comparison.errors import ComparisonError
from textrep.core.messages import shown
from textrep.sparse import CountVectorizer, TfidfVectorizer

Factory: TypeAlias = Callable[[int], Pipeline]

# Twenty times the default of the SVM: enough on every corpus that has a card.
_MAX_ITER = 20_000
# What liblinear itself stops at in the primal; scikit-learn hands it the tolerance of the dual.
_PRIMAL_TOL = 1e-2


@dataclass(frozen=True)
class Rung:
    """One method that a comparison can try.

    Parameters
    ----------
    name : str
        What it is called in tables and on the command line.
    description : str
        What it does, in one line.
    factory : callable
        Takes a seed (int) and returns an unfitted scikit-learn pipeline from texts to labels.
    requires : tuple of str, default=()
        Packages beyond the core that must be installed, by the names they are imported under.
    install : str, default=""
        What to install when one of them is missing; empty names the packages themselves.

    Raises
    ------
    ComparisonError
        When the name cannot be printed, the factory not be called, or `requires` is a str.

    Examples
    --------
    >>> rung = Rung("majority", "the most frequent class", lambda seed: Pipeline([]))
    >>> rung.missing()
    ()
    """

    name: str
    description: str
    factory: Factory
    requires: tuple[str, ...] = ()
    install: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isprintable() or not self.name:
            raise ComparisonError(f"a rung's name is {shown(self.name)}; expected a printable str")
        if not callable(self.factory):
            raise ComparisonError(
                f"factory of rung {self.name!r} is {shown(self.factory)}; expected a function of a "
                "seed that returns a pipeline"
            )
        requires: object = self.requires
        if isinstance(requires, str):
            raise ComparisonError(
                f"requires of rung {self.name!r} is a single str; expected a tuple of names"
            )

    def missing(self) -> tuple[str, ...]:
        """Packages that are required and not installed; none of them is imported."""
        return tuple(name for name in self.requires if not _installed(name))

    def advice(self) -> str:
        """How to install what is missing; empty when nothing is."""
        missing = self.missing()
        if not missing:
            return ""
        return f"needs {', '.join(missing)}: pip install {self.install or ' '.join(missing)}"


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # inside a package that is missing, or a broken one
        return False


# alpha, C, min_df, the scaling of counts and sublinear_tf are what benchmarks/rungs.py --quick
# chooses by cross-validation on training texts; test texts had no say.


def _majority(seed: int) -> Pipeline:
    return Pipeline([("classifier", DummyClassifier(strategy="most_frequent"))])


def _bow_nb(seed: int) -> Pipeline:
    return Pipeline([("counts", CountVectorizer()), ("classifier", MultinomialNB(alpha=0.03))])


def _bow_logreg(seed: int) -> Pipeline:
    return _logistic(CountVectorizer(), C=300.0)


def _ngrams_logreg(seed: int) -> Pipeline:
    return _logistic(CountVectorizer(ngram_range=(1, 2), min_df=2), C=100.0)


def _tfidf_svm(seed: int) -> Pipeline:
    return _svm(TfidfVectorizer(sublinear_tf=True), 1.0, seed)


def _tfidf_bigram_svm(seed: int) -> Pipeline:
    return _svm(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), 3.0, seed)


def _char_tfidf_svm(seed: int) -> Pipeline:
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2
    )
    return _svm(vectorizer, 1.0, seed)


def _logistic(vectorizer: CountVectorizer, C: float) -> Pipeline:
    # The primal, because the time of the dual grows with C; one class at a time, because fitting
    # all of them at once takes several times as long.
    solver = LogisticRegression(solver="liblinear", C=C, tol=_PRIMAL_TOL, max_iter=_MAX_ITER)
    return Pipeline(
        [
            ("counts", vectorizer),
            ("length", Normalizer()),
            ("classifier", OneVsRestClassifier(solver)),
        ]
    )


def _svm(vectorizer: TfidfVectorizer, C: float, seed: int) -> Pipeline:
    # dual=True: with more terms than texts, which is the rule, it is the faster of the two.
    solver = LinearSVC(dual=True, C=C, max_iter=_MAX_ITER, random_state=seed)
    return Pipeline([("tfidf", vectorizer), ("classifier", solver)])


RUNGS: tuple[Rung, ...] = (
    Rung("majority", "always the most frequent class", _majority),
    Rung("bow-nb", "word counts, naive Bayes", _bow_nb),
    Rung("bow-logreg", "word counts, logistic regression", _bow_logreg),
    Rung("ngrams-logreg", "counts of words and pairs, logistic regression", _ngrams_logreg),
    Rung("tfidf-svm", "TF-IDF of words, linear SVM", _tfidf_svm),
    Rung("tfidf-bigram-svm", "TF-IDF of words and pairs, linear SVM", _tfidf_bigram_svm),
    Rung("char-tfidf-svm", "TF-IDF of 3 to 5 characters, linear SVM", _char_tfidf_svm),
)


def choose_rungs(methods: Iterable[str | Rung] | None = None) -> tuple[Rung, ...]:
    """Look methods up in the registry.

    Parameters
    ----------
    methods : iterable of str or Rung, or None, default=None
        Names from the registry, or rungs of your own; None takes the whole registry.

    Returns
    -------
    tuple of Rung
        In the order given.

    Raises
    ------
    ComparisonError
        When a name is unknown or repeated, or there is none.

    Examples
    --------
    >>> [rung.name for rung in choose_rungs(["bow-nb", "tfidf-svm"])]
    ['bow-nb', 'tfidf-svm']
    """
    if methods is None:
        return RUNGS
    if isinstance(methods, str):
        raise ComparisonError(f"methods must be a list of names, got the str {shown(methods)}")
    if not isinstance(methods, Iterable):
        raise ComparisonError(f"methods is {shown(methods)}; expected a list of names")
    known = {rung.name: rung for rung in RUNGS}
    chosen: list[Rung] = []
    for method in methods:
        rung = method if isinstance(method, Rung) else None
        if isinstance(method, str):
            rung = known.get(method)
        if rung is None:
            raise ComparisonError(f"methods: no rung {shown(method)}; there are {', '.join(known)}")
        if rung.name in {other.name for other in chosen}:
            raise ComparisonError(f"methods: {rung.name!r} is named twice; name it once")
        chosen.append(rung)
    if not chosen:
        raise ComparisonError(f"methods is empty; choose from {', '.join(known)}")
    return tuple(chosen)
