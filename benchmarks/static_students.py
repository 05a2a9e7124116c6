"""Word vectors distilled from an encoder, for `bert.py`: their speed, and what 100 labels make of
them.

The encoder is that of `bert_pretraining` which has read Wikipedia and reviews. For each data set it
goes on with the texts of the training part, without their labels, and a `StaticStudent` takes the
vectors of words from it, as it meets them in those texts. Then, as in `few_labels.py`: 100 texts
get their labels, and a logistic regression learns from them; pooling and strength of the
regularisation are chosen by fivefold cross-validation on the 100, for TF-IDF likewise. All are
tried on (up to 2,000 texts of) the test part.

Speed is that of `transform` on reviews of imdb with one thread, beside scikit-learn's
`TfidfVectorizer`, both fitted on the same reviews.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bert_pretraining import REVIEWS, name_of, pretrained, sizes_of, summary, surroundings
from few_labels import (
    CORPORA,
    N_LABELS,
    POOLINGS,
    STRENGTHS,
    Parts,
    Represented,
    accuracy,
    draws,
    parts_of,
    tfidf_representations,
)
from harness import Row, print_table, take_turns
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import StandardScaler

from textrep import MaskedLanguageModel, StaticStudent

MAX_LENGTH = 64
ADAPT_SECONDS, QUICK_ADAPT_SECONDS = 20.0, 4.0
ADAPT_RATE = 1e-3
N_DRAWS, QUICK_DRAWS = 5, 1
MOST_READ = 20_000  # texts of a training part
DEMANDED_SPEED = 1 / 3
DEMANDED_SETS = 3
N_DOCUMENTS, QUICK_DOCUMENTS = 10_000, 1_000
REPEATS = 5


def static_students(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of speed and of accuracy with 100 labels; a table of the draws."""
    teacher = pretrained(data, name_of(sizes_of(quick, device)), device, REVIEWS)
    corpora = ("sst2", "sms_spam") if quick else CORPORA
    n_draws = QUICK_DRAWS if quick else N_DRAWS
    won = 0
    lines = []
    for corpus in corpora:
        parts = parts_of(corpus, False)
        student = student_for(teacher, parts.texts, quick, device)
        found = few_labels(student, parts, n_draws)
        mean = {side: statistics.mean(values) for side, values in found.items()}
        wins = sum(a > b for a, b in zip(found["student"], found["tfidf"], strict=True))
        won += mean["student"] > mean["tfidf"]
        lines.append([corpus, *map(summary, found.values()), f"{wins} of {n_draws}"])
        yield Row(
            f"static student, {N_LABELS} labels, {corpus}", "accuracy", mean["student"],
            "TF-IDF and logistic regression", mean["tfidf"], mean["student"] / mean["tfidf"],
            "per cent", 1, machine,
        )  # fmt: skip
    title = f"Accuracy with {N_LABELS} labels, mean and deviation of draws"
    print_table(title, ["data set", "static student", "TF-IDF", "draws won"], lines)
    yield Row(
        f"static student, {N_LABELS} labels", "data sets above TF-IDF", won, "demanded",
        DEMANDED_SETS, won / DEMANDED_SETS, f"of {len(corpora)}", 1, machine,
    )  # fmt: skip
    yield speed(teacher, quick, device, machine)


def student_for(
    teacher: MaskedLanguageModel, texts: list[str], quick: bool, device: str
) -> StaticStudent:
    """The student of an encoder that has gone on with some texts."""
    texts = texts[: 1000 if quick else MOST_READ]
    adapted = MaskedLanguageModel(
        checkpoint_from=teacher,
        max_length=MAX_LENGTH,
        epochs=20,
        dropout=0.0,
        learning_rate=ADAPT_RATE,
        max_seconds=QUICK_ADAPT_SECONDS if quick else ADAPT_SECONDS,
        **surroundings(device, 0),
    ).fit(texts)
    student = StaticStudent(
        checkpoint=adapted,
        context_tokens=50_000 if quick else 500_000,
        device=device,
        n_jobs=1,
        random_state=0,
    )
    return student.fit(texts)


def representations(student: StaticStudent, texts: list[str], new: list[str]) -> list[Represented]:
    """Ours: the weighted means, all from one student."""
    found = []
    for pooling in POOLINGS:
        student.set_params(pooling=pooling)
        scaler = StandardScaler().fit(student.transform(texts))
        both = [scaler.transform(student.transform(x)).astype(np.float64) for x in (texts, new)]
        found.append(Represented(*both))
    return found


def few_labels(student: StaticStudent, parts: Parts, n_draws: int) -> dict[str, list[float]]:
    """Accuracy of both sides in each draw, per cent."""
    found: dict[str, list[float]] = {"student": [], "tfidf": []}
    for texts, labels, new, truth in draws(parts, n_draws):
        own, peer = representations(student, texts, new), tfidf_representations(texts, new)
        for side, each, strengths in (("student", own, "textrep"), ("tfidf", peer, "tfidf")):
            found[side].append(100 * accuracy(each, STRENGTHS[strengths], labels, truth))
    return found


def speed(teacher: MaskedLanguageModel, quick: bool, device: str, machine: str) -> Row:
    """Documents a second, one thread each."""
    parts = parts_of("imdb", False)
    n = QUICK_DOCUMENTS if quick else N_DOCUMENTS
    texts, new = parts.texts[:n], parts.new[:n]
    student = StaticStudent(
        checkpoint=teacher, context_tokens=50_000, device=device, n_jobs=1, random_state=0
    ).fit(texts)
    peer = TfidfVectorizer().fit(texts)
    tasks = {"ours": lambda: student.transform(new), "peer": lambda: peer.transform(new)}
    for task in tasks.values():
        task()
    spent = take_turns(tasks, dict.fromkeys(tasks, 1 if quick else REPEATS))
    speeds = {name: len(new) / seconds for name, seconds in spent.items()}
    ratio = speeds["ours"] / speeds["peer"]
    print(f"static student: {ratio:.2f} times scikit-learn's speed, {DEMANDED_SPEED:.2f} demanded")
    return Row(
        "static student, transform of imdb", "speed", speeds["ours"],
        "scikit-learn's TfidfVectorizer.transform", speeds["peer"], ratio, "documents/s", 1,
        machine,
    )  # fmt: skip
