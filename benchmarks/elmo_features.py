"""ELMo's features beside the mean of word2vec's vectors, both learnt from the same text.

`elmo_features` is a row of `benchmarks/recurrent.py`; alone it is run by

    python benchmarks/elmo_features.py [--data DIR] [--quick]

Word vectors and language models are learnt from reviews of IMDb's training part, without their
labels; no text of the sets that are classified is read for that. ELMo reads the same word vectors
and the characters of each word, so that what it adds is the context. All settings are chosen by
cross-validation on the training texts of each set; test texts are looked at once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
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
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|<br />")

N_WORDS = 2_000_000
QUICK_WORDS = 300_000
ELMO_SECONDS = 150.0
QUICK_SECONDS = 15.0
SIZES = (100, 200, 300)
"""Dimensions of word2vec that are tried; ELMo reads those of `HIDDEN_SIZE`."""

HIDDEN_SIZE = 200
CS = (1e-3, 1e-2, 1e-1)
SVM_CS = (0.03, 0.1, 0.3, 1.0)
MIXES = ("mean", "concat", "last")
N_FOLDS = 3
TEST_SHARE = 0.2  # of a set that has no test part


class Texts(NamedTuple):
    """A set to classify."""

    train: list[str]
    train_labels: NDArray[Any]
    test: list[str]
    test_labels: NDArray[Any]


class Best(NamedTuple):
    """The candidate of the best accuracy by cross-validation, and its accuracy on test texts."""

    settings: str
    validated: float
    tested: float


def classified(corpus: str, seed: int) -> Texts:
    """A set, lower-cased, with its published test part or one drawn from it."""
    data = load_corpus(corpus)
    if "test" in data.parts:
        train, test = data.part("train"), data.part("test")
        parts = (train.texts, train.labels, test.texts, test.labels)
        texts, labels, test_texts, test_labels = parts
        return Texts(_lower(texts), np.array(labels), _lower(test_texts), np.array(test_labels))
    texts, labels = _lower(data.texts), np.array(data.labels)
    split = split_texts(texts, labels, TEST_SHARE, stream(seed, "split"))
    return Texts(
        [texts[i] for i in split.train],
        labels[split.train],
        [texts[i] for i in split.test],
        labels[split.test],
    )


def _lower(texts: Any) -> list[str]:
    return [text.lower() for text in texts]


@lru_cache(maxsize=1)
def unlabelled(n_words: int, seed: int) -> list[list[str]]:
    """Sentences of IMDb's training reviews, lists of lower-cased tokens, of so many in all."""
    texts = list(load_corpus("imdb").part("train").texts)
    sentences: list[list[str]] = []
    for number in stream(seed, "reviews").permutation(len(texts)):
        for sentence in SENTENCE_END.split(texts[number].lower()):
            if tokens := re.findall(TOKEN_PATTERN, sentence):
                sentences.append(tokens)
                n_words -= len(tokens)
        if n_words <= 0:
            break
    return sentences


@lru_cache(maxsize=len(SIZES))
def word_vectors(size: int, n_words: int, seed: int) -> Word2Vec:
    """Word vectors of the unlabelled text."""
    model = Word2Vec(
        vector_size=size,
        min_count=2,
        epochs="auto",
        token_pattern=TOKEN_PATTERN,
        random_state=seed,
    )
    return model.fit(unlabelled(n_words, seed))


@lru_cache(maxsize=2)
def language_models(n_words: int, max_seconds: float, seed: int) -> ElmoEmbedder:
    """ELMo of the unlabelled text, on the word vectors."""
    model = ElmoEmbedder(
        hidden_size=HIDDEN_SIZE,
        embeddings=word_vectors(HIDDEN_SIZE, n_words, seed),
        token_pattern=TOKEN_PATTERN,
        max_length=64,
        max_vocabulary=10_000,
        min_count=3,
        cutoffs=(1000, 4000),
        mix="concat",
        epochs=20,
        max_seconds=max_seconds,
        validation_fraction=0.01,
        device="cpu",
        random_state=seed,
    )
    return model.fit(unlabelled(n_words, seed))


def elmo_features(corpus: str, seed: int = 0, quick: bool = False) -> dict[str, Any]:
    """Accuracies of ELMo's features and of mean word2vec on one set.

    Parameters
    ----------
    corpus : {"sst2", "mr"}
    seed : int, default=0
        Of the split of mr, of the text that is learnt from, and of all models.
    quick : bool, default=False
        Learn from less text for a shorter time.

    Returns
    -------
    dict
        ``elmo``, ``word2vec``, ``untrained_elmo``, ``tfidf_svm``: accuracies on the test texts.
        The third is the same network of ELMo with its LSTMs as they were drawn, which tells what
        learning to predict words adds. ``<name>_cv`` and ``<name>_settings`` of each: what the
        training texts said. ``perplexity`` of ELMo on the training texts of the set, ``seconds``
        in all, those of models that an earlier call has trained left out.
    """
    begun = time.perf_counter()
    texts = classified(corpus, seed)
    n_words = QUICK_WORDS if quick else N_WORDS
    seconds = QUICK_SECONDS if quick else ELMO_SECONDS
    elmo = language_models(n_words, seconds, seed)
    untrained = language_models(n_words, 1e-9, seed)  # one step, with the smallest rate
    sizes = (HIDDEN_SIZE,) if quick else SIZES
    vectors = {f"vector_size={size}": word_vectors(size, n_words, seed) for size in sizes}
    found = {
        "elmo": _best(_elmo_candidates(elmo, texts), texts, seed),
        "untrained_elmo": _best(_elmo_candidates(untrained, texts), texts, seed),
        "word2vec": _best(_vector_candidates(vectors, texts), texts, seed),
        "tfidf_svm": _best_svm(texts, seed),
    }
    row: dict[str, Any] = {"corpus": corpus, "n_test": len(texts.test)}
    for name, best in found.items():
        row[name] = best.tested
        row[f"{name}_cv"] = best.validated
        row[f"{name}_settings"] = best.settings
    row["perplexity"] = elmo.perplexity(texts.train)
    row["seconds"] = time.perf_counter() - begun
    return row


Features = tuple[NDArray[np.float32], NDArray[np.float32]]


def _elmo_candidates(elmo: ElmoEmbedder, texts: Texts) -> Iterator[tuple[str, Features]]:
    """Mean vectors of texts by each mixture of the layers."""
    train, test = elmo.transform(texts.train), elmo.transform(texts.test)
    for mix in MIXES:
        yield f"mix={mix}", (_mixed(train, elmo, mix), _mixed(test, elmo, mix))


def _mixed(side_by_side: NDArray[np.float32], elmo: ElmoEmbedder, mix: str) -> NDArray[np.float32]:
    """What `transform` gives with another mixture: the mean over words is linear."""
    if mix == "concat":
        return side_by_side
    size = elmo.hidden_size
    first, *rest = np.split(side_by_side, range(size, side_by_side.shape[1], 2 * size), axis=1)
    return rest[-1] if mix == "last" else np.mean([np.tile(first, 2), *rest], axis=0)


def _vector_candidates(
    vectors: Mapping[str, Word2Vec], texts: Texts
) -> Iterator[tuple[str, Features]]:
    for name, model in vectors.items():
        yield name, (model.transform(texts.train), model.transform(texts.test))


def _classifier(C: float) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=200))


def _best(candidates: Iterator[tuple[str, Features]], texts: Texts, seed: int) -> Best:
    """The best features and strength of the classifier, by cross-validation."""
    tried = []
    for name, (train, test) in candidates:
        for C in CS:
            score = _validated(_classifier(C), train, texts, seed)
            tried.append((score, f"{name} C={C:g}", C, train, test))
    score, name, C, train, test = max(tried, key=lambda entry: entry[0])
    classifier = _classifier(C).fit(train, texts.train_labels)
    return Best(name, score, classifier.score(test, texts.test_labels))


def _best_svm(texts: Texts, seed: int) -> Best:
    models = {C: make_pipeline(TfidfVectorizer(), LinearSVC(C=C)) for C in SVM_CS}
    scores = {C: _validated(model, texts.train, texts, seed) for C, model in models.items()}
    C = max(scores, key=lambda C: scores[C])
    model = models[C].fit(texts.train, texts.train_labels)
    return Best(f"C={C:g}", scores[C], model.score(texts.test, texts.test_labels))


def _validated(model: Pipeline, train: Any, texts: Texts, seed: int) -> float:
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    return float(cross_val_score(model, train, texts.train_labels, cv=folds).mean())


def main() -> None:
    """Both sets, as a table."""
    options = parse_options(__doc__ or "")
    rows = [elmo_features(corpus, quick=options.quick) for corpus in CORPORA]
    names = ("elmo", "word2vec", "untrained_elmo", "tfidf_svm")
    lines = [
        [
            name,
            row["corpus"],
            f"{row[name]:.4f}",
            f"{row[f'{name}_cv']:.4f}",
            row[f"{name}_settings"],
        ]
        for row in rows
        for name in names
    ]
    print_table("Accuracy", ["features", "set", "test", "cross-validated", "chosen"], lines)
    for row in rows:
        print(f"{row['corpus']}: perplexity {row['perplexity']:.0f}, {row['seconds']:.0f} s")


if __name__ == "__main__":
    main()
