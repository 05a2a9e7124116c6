"""ELMo's features beside the mean of word2vec's vectors, both learnt from the same text.

`elmo_features` is a row of `benchmarks/recurrent.py`; alone it is run by

    python benchmarks/elmo_features.py [--data DIR] [--quick]

The text is that of the training part of the set itself, without its labels. ELMo reads the vectors
of the best word2vec beside the characters of each word, so that what it adds is unseen words and
context. All settings, the strength of the classifier among them, are chosen by cross-validation on
training texts; test texts are looked at once. Two further rows tell where a difference comes from:
ELMo with its LSTMs as they were drawn, and word2vec with the pooling that ELMo may choose.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from harness import parse_options, print_table
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from textrep import TfidfVectorizer, Word2Vec, load_corpus
from textrep.comparison import split_texts
from textrep.contextual import ElmoEmbedder
from textrep.core.random import stream

CORPORA = ("sst2", "mr")
TOKEN_PATTERN = r"\w+|[^\w\s]"

SIZES = (100, 300)
ALPHAS = (0.025, 0.05, 0.1)
"""Dimensions and learning rates of word2vec that are tried."""

HIDDEN_SIZE = 300
ELMO_SECONDS = 90.0
QUICK_SECONDS = 15.0
NO_SECONDS = 1e-9  # training ends after one step, whose learning rate is next to 0

MIXES = ("mean", "concat")
POOLINGS = ("mean", "mean_max")
CS = (1e-3, 1e-2, 1e-1)
SVM_CS = (0.03, 0.1, 0.3, 1.0)
N_FOLDS = 3
TEST_SHARE = 0.2  # of a set that has no test part


class Texts(NamedTuple):
    """A set to classify."""

    train: list[str]
    train_labels: NDArray[Any]
    test: list[str]
    test_labels: NDArray[Any]


class Candidate(NamedTuple):
    """Features of the training and of the test texts."""

    settings: str
    model: Any
    train: NDArray[np.float32]
    test: NDArray[np.float32]


class Best(NamedTuple):
    """What cross-validation has chosen: its accuracy there, and on test texts."""

    settings: str
    model: Any
    validated: float
    tested: float


def classified(corpus: str, seed: int) -> Texts:
    """A set with its published test part or one drawn from it."""
    data = load_corpus(corpus)
    if "test" in data.parts:
        train, test = data.part("train"), data.part("test")
        return Texts(
            list(train.texts), np.array(train.labels), list(test.texts), np.array(test.labels)
        )
    texts, labels = list(data.texts), np.array(data.labels)
    split = split_texts(texts, labels, TEST_SHARE, stream(seed, "split"))
    return Texts(
        [texts[i] for i in split.train],
        labels[split.train],
        [texts[i] for i in split.test],
        labels[split.test],
    )


def elmo_features(corpus: str, seed: int = 0, quick: bool = False) -> dict[str, Any]:
    """Accuracies of ELMo's features and of mean word2vec on one set.

    Parameters
    ----------
    corpus : {"sst2", "mr"}
    seed : int, default=0
        Of the split of mr, of the folds and of all models.
    quick : bool, default=False
        Train ELMo for a shorter time on word2vec's default settings.

    Returns
    -------
    dict
        ``elmo``, ``word2vec``, ``untrained_elmo``, ``word2vec_max`` (mean and maximum) and
        ``tfidf_svm``: accuracies on the test texts; ``<name>_cv`` and ``<name>_settings`` of each:
        what the training texts said. ``standard_error`` of an accuracy on so many test texts as
        that of ELMo, ``perplexity`` of ELMo on the test texts, and ``seconds`` in all.
    """
    begun = time.perf_counter()
    texts = classified(corpus, seed)
    word2vec = _best(_vectors(texts, seed, quick), texts, seed)
    elmo = _elmo(word2vec.model, QUICK_SECONDS if quick else ELMO_SECONDS, texts, seed)
    trained = _best(_features(elmo, texts, MIXES, POOLINGS), texts, seed)
    mix, pooling = trained.settings.split()[:2]
    chosen = ((mix.partition("=")[2],), (pooling.partition("=")[2],))
    untrained = _elmo(word2vec.model, NO_SECONDS, texts, seed)
    found = {
        "elmo": trained,
        "word2vec": word2vec,
        "untrained_elmo": _best(_features(untrained, texts, *chosen), texts, seed),
        "word2vec_max": _best([_with_maximum(word2vec.model, texts)], texts, seed),
        "tfidf_svm": _best_svm(texts, seed),
    }
    row: dict[str, Any] = {"corpus": corpus, "n_test": len(texts.test)}
    for name, best in found.items():
        row[name] = best.tested
        row[f"{name}_cv"] = best.validated
        row[f"{name}_settings"] = best.settings
    row["standard_error"] = float(np.sqrt(row["elmo"] * (1 - row["elmo"]) / row["n_test"]))
    row["perplexity"] = elmo.perplexity(texts.test)
    row["seconds"] = time.perf_counter() - begun
    return row


def _vectors(texts: Texts, seed: int, quick: bool) -> Iterator[Candidate]:
    """Mean word2vec of all settings that are tried."""
    settings = [(size, alpha) for size in SIZES for alpha in ALPHAS]
    for size, alpha in settings[:1] if quick else settings:
        model = Word2Vec(
            vector_size=size,
            alpha=alpha,
            min_count=2,
            epochs="auto",
            token_pattern=TOKEN_PATTERN,
            random_state=seed,
        ).fit(texts.train)
        name = f"vector_size={size} alpha={alpha}"
        yield Candidate(name, model, model.transform(texts.train), model.transform(texts.test))


def _with_maximum(model: Word2Vec, texts: Texts) -> Candidate:
    parts = []
    for pooling in ("max", "mean"):  # the last one is what the model is left with
        model.set_params(pooling=pooling)
        parts.append((model.transform(texts.train), model.transform(texts.test)))
    train, test = (np.hstack(vectors) for vectors in zip(*parts, strict=True))
    return Candidate("pooling=mean+max", model, train, test)


def _elmo(vectors: Word2Vec, max_seconds: float, texts: Texts, seed: int) -> ElmoEmbedder:
    return ElmoEmbedder(
        hidden_size=HIDDEN_SIZE,
        embeddings=vectors,
        lowercase=True,
        token_pattern=TOKEN_PATTERN,
        max_length=64,
        cutoffs=(1000, 4000),
        dropout=0.3,
        epochs=10,
        max_seconds=max_seconds,
        device="cpu",
        random_state=seed,
    ).fit(texts.train)


def _features(
    elmo: ElmoEmbedder, texts: Texts, mixes: Iterable[str], poolings: Iterable[str]
) -> Iterator[Candidate]:
    for mix in mixes:
        for pooling in poolings:
            elmo.set_params(mix=mix, pooling=pooling)  # neither is learnt
            name = f"mix={mix} pooling={pooling}"
            yield Candidate(name, elmo, elmo.transform(texts.train), elmo.transform(texts.test))


def _classifier(C: float) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=200))


def _best(candidates: Iterable[Candidate], texts: Texts, seed: int) -> Best:
    """The best features and strength of the classifier, by cross-validation."""
    tried = [
        (_validated(_classifier(C), candidate.train, texts, seed), C, candidate)
        for candidate in candidates
        for C in CS
    ]
    score, C, candidate = max(tried, key=lambda entry: entry[0])
    classifier = _classifier(C).fit(candidate.train, texts.train_labels)
    tested = classifier.score(candidate.test, texts.test_labels)
    return Best(f"{candidate.settings} C={C:g}", candidate.model, score, tested)


def _best_svm(texts: Texts, seed: int) -> Best:
    models = {C: make_pipeline(TfidfVectorizer(), LinearSVC(C=C)) for C in SVM_CS}
    scores = {C: _validated(model, texts.train, texts, seed) for C, model in models.items()}
    C = max(scores, key=lambda C: scores[C])
    model = models[C].fit(texts.train, texts.train_labels)
    return Best(f"C={C:g}", model, scores[C], model.score(texts.test, texts.test_labels))


def _validated(model: Pipeline, train: Any, texts: Texts, seed: int) -> float:
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    return float(cross_val_score(model, train, texts.train_labels, cv=folds).mean())


def main() -> None:
    """Both sets, as a table."""
    options = parse_options(__doc__ or "")
    rows = [elmo_features(corpus, quick=options.quick) for corpus in CORPORA]
    names = ("elmo", "word2vec", "untrained_elmo", "word2vec_max", "tfidf_svm")
    lines = [
        [name, row["corpus"], *_figures(row, name), row[f"{name}_settings"]]
        for row in rows
        for name in names
    ]
    print_table("Accuracy", ["features", "set", "test", "cross-validated", "chosen"], lines)
    for row in rows:
        print(
            f"{row['corpus']}: standard error {row['standard_error']:.4f}, perplexity "
            f"{row['perplexity']:.0f}, {row['seconds']:.0f} s"
        )


def _figures(row: dict[str, Any], name: str) -> tuple[str, str]:
    return f"{row[name]:.4f}", f"{row[f'{name}_cv']:.4f}"


if __name__ == "__main__":
    main()
