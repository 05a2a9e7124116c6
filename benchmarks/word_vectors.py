"""Word vectors of textrep, gensim and fasttext from the same file, for `embeddings.py`.

The file has the tokens of textrep, lower-cased, with spaces between and a paragraph on each line,
so that every library finds the same words in the same sentences.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from textrep import FastText, Word2Vec
from textrep.embeddings import WordVectors, read_corpus
from textrep.embeddings.window_training import WindowTraining

TEXT = Path("enwiki") / "enwiki_2015_part.txt.gz"
TOKENS = re.compile(r"\w+")
ANALOGIES = Path("analogies") / "questions-words.txt"
# Scores that settings were chosen by, and those that are reported.
DEVELOPMENT = {name: Path("word_sim") / f"EN-{name}.txt" for name in ("MTurk-771", "RG-65")}
TESTS = {
    "WS-353": Path("word_sim") / "EN-WS-353-ALL.txt",
    "SimLex-999": Path("word_sim") / "EN-SIMLEX-999.txt",
}
DIM, WINDOW, NEGATIVE, MIN_COUNT = 100, 5, 5, 5
VOCABULARY = 30_000

# Chosen among 0.0125, 0.025, 0.05 (skip-gram) and 0.025, 0.05, 0.1, 0.2, 0.3 (CBOW) on the
# development sets by `python benchmarks/embeddings.py --only search`.
ALPHAS = {
    ("textrep", "skipgram"): 0.05,
    ("gensim", "skipgram"): 0.05,
    ("textrep", "cbow"): 0.2,
    ("gensim", "cbow"): 0.05,
}
SAMPLE = 1e-3
FASTTEXT_ALPHA, FASTTEXT_SAMPLE = 0.05, 1e-4  # of fasttext itself


class Trained(NamedTuple):
    """What training came to: vectors, and seconds without the building of the vocabulary."""

    vectors: WordVectors
    seconds: float


def write_text(data: Path, target: Path, n_words: int | None = None) -> int:
    """Write the first words of the text, whole paragraphs; returns how many."""
    written = 0
    source = data / TEXT
    with gzip.open(source, "rt", encoding="utf-8") as lines, target.open("w") as out:
        for line in lines:
            tokens = TOKENS.findall(line.lower())
            if tokens:
                out.write(" ".join(tokens) + "\n")
                written += len(tokens)
            if n_words is not None and written >= n_words:
                break
    return written


def textrep_word2vec(
    text: Path, algorithm: str, *, epochs: int, threads: int, seed: int, alpha: float | None = None
) -> Trained:
    """Ours."""
    settings = Word2Vec(
        algorithm=algorithm, vector_size=DIM, window=WINDOW, negative=NEGATIVE, sample=SAMPLE,
        min_count=MIN_COUNT, epochs=epochs, alpha=alpha or ALPHAS["textrep", algorithm],
        n_jobs=threads, random_state=seed,
    )  # fmt: skip
    with read_corpus(text, min_count=MIN_COUNT, n_jobs=threads) as corpus:
        training = WindowTraining(settings, corpus)
        begun = time.perf_counter()
        training.train()
        spent = time.perf_counter() - begun
        vectors = WordVectors(corpus.words, training.word_matrix(), counts=corpus.counts)
    return Trained(vectors, spent)


def gensim_word2vec(
    text: Path,
    algorithm: str,
    *,
    epochs: int,
    threads: int,
    seed: int,
    alpha: float | None = None,
    from_file: bool = True,
) -> Trained:
    """gensim's, from its ``corpus_file`` or from its iterator over lines."""
    from gensim.models import Word2Vec as Gensim
    from gensim.models.word2vec import LineSentence

    model = Gensim(
        sg=int(algorithm == "skipgram"), vector_size=DIM, window=WINDOW, negative=NEGATIVE,
        sample=SAMPLE, min_count=MIN_COUNT, alpha=alpha or ALPHAS["gensim", algorithm],
        workers=threads, seed=seed,
    )  # fmt: skip
    source: dict[str, Any] = {"corpus_file": str(text)}
    if not from_file:
        source = {"corpus_iterable": LineSentence(str(text))}
    model.build_vocab(**source)
    size = {"total_words": model.corpus_total_words, "total_examples": model.corpus_count}
    begun = time.perf_counter()
    model.train(**source, **size, epochs=epochs)
    spent = time.perf_counter() - begun
    counts = np.array([model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key])
    return Trained(WordVectors(model.wv.index_to_key, model.wv.vectors, counts=counts), spent)


def textrep_fasttext(
    text: Path, algorithm: str, *, epochs: int, threads: int, seed: int
) -> Trained:
    """Ours; the seconds hold everything."""
    model = FastText(
        algorithm=algorithm, vector_size=DIM, window=WINDOW, negative=NEGATIVE,
        sample=FASTTEXT_SAMPLE, min_count=MIN_COUNT, epochs=epochs, alpha=FASTTEXT_ALPHA,
        n_jobs=threads, random_state=seed,
    )  # fmt: skip
    begun = time.perf_counter()
    model.fit(text)
    return Trained(model.vectors_, time.perf_counter() - begun)


def fasttext_fasttext(
    text: Path, algorithm: str, *, epochs: int, threads: int, seed: int
) -> Trained:
    """fasttext's own; the seconds hold everything.

    It takes no seed for word vectors: runs differ by the races of threads alone.
    """
    import fasttext

    begun = time.perf_counter()
    model = fasttext.train_unsupervised(
        str(text), model=algorithm, dim=DIM, ws=WINDOW, neg=NEGATIVE, t=FASTTEXT_SAMPLE,
        minCount=MIN_COUNT, epoch=epochs, lr=FASTTEXT_ALPHA, thread=threads, verbose=0,
    )  # fmt: skip
    spent = time.perf_counter() - begun
    words = [word for word in model.get_words() if word != "</s>"]
    return Trained(WordVectors(words, np.array([model.get_word_vector(w) for w in words])), spent)


def scores_of(vectors: WordVectors, data: Path, tests: dict[str, Path] = TESTS) -> dict[str, float]:
    """Share of analogies answered right, per cent, and Spearman's correlations."""
    found = vectors.evaluate_analogies(data / ANALOGIES, restrict_vocab=VOCABULARY)
    scores = {"analogies": 100.0 * found.accuracy}
    for name, path in tests.items():
        scores[name] = float(vectors.evaluate_similarity(data / path).spearman)
    return scores


def development_score(vectors: WordVectors, data: Path) -> float:
    """Mean correlation on the development sets."""
    found = [vectors.evaluate_similarity(data / path).spearman for path in DEVELOPMENT.values()]
    return float(np.mean(found))


def mean_scores(
    train: Callable[[int], Trained], seeds: range, data: Path
) -> dict[str, list[float]]:
    """Scores of each seed, by name."""
    each = [scores_of(train(seed).vectors, data) for seed in seeds]
    return {name: [scores[name] for scores in each] for name in each[0]}
