"""Language models that are shown examples, for `transformers.py`.

sst2: the rung `few-shot-lm`, a small GPT that learns from the training texts written as prompts and
is asked for the label after two examples, beside TF-IDF and a linear SVM on the same split. A row
of its own shows what it does without examples: a model that small knows its task from its weights,
hardly from its prompt.

Arithmetic: a GPT of characters is trained on sums, differences and products in the form that
`evaluate_in_context` asks for; none of the questions is among what it learns from. Its peer is what
chance gives: the commonest answer to all of them. The other tasks, whose words it has never seen,
are in the table of all scores.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from harness import Row, print_table

from textrep import GPT, load_corpus
from textrep.comparison import RUNGS
from textrep.core.random import streams
from textrep.generation import InContextResult, evaluate_in_context
from textrep.generation.in_context_tasks import OPERATIONS, arithmetic

CORPUS = "sst2"
RUNG, PEER = "few-shot-lm", "tfidf-svm"
SECONDS, QUICK_SECONDS = 90.0, 5.0  # for the rung's model
SUM_SECONDS, QUICK_SUM_SECONDS = 75.0, 5.0  # for the model of sums
N_QUESTIONS, QUICK_QUESTIONS = 200, 20
N_EXAMPLES = 5
SEED = 0
N_LINES = 40_000  # sums that are learnt from
LINES_A_TEXT = 8  # about as many as a prompt has


def run(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of both parts, and the table of all scores."""
    yield from classification(quick=quick, device=device, machine=machine)
    yield from sums(quick=quick, device=device, machine=machine)


def classification(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Accuracy on sst2, with and without examples in the prompt."""
    loaded = load_corpus(CORPUS)
    parts = {name: loaded.part(name) for name in ("train", "test")}
    (train, y_train), (test, y_test) = (
        (list(part.texts), np.array(part.labels)) for part in parts.values()
    )
    rungs = {rung.name: rung for rung in RUNGS}
    linear = 100 * float(rungs[PEER].factory(SEED).fit(train, y_train).score(test, y_test))
    model = (
        rungs[RUNG]
        .factory(SEED)[-1]
        .set_params(max_seconds=QUICK_SECONDS if quick else SECONDS, device=device)
    )
    begun = time.perf_counter()
    model.fit(train, y_train)
    fitted = time.perf_counter()
    found = {"two examples": 100 * float(model.score(test, y_test))}
    print(
        f"{RUNG}: {fitted - begun:.0f} s to fit, {time.perf_counter() - fitted:.0f} s for "
        f"{len(test):,} texts"
    )
    alone = type(model)(
        **{**model.get_params(deep=False), "language_model": model.language_model_, "n_examples": 0}
    )
    found["no examples"] = 100 * float(alone.fit(train, y_train).score(test, y_test))
    for name, ours in found.items():
        yield Row(
            f"few-shot language model, {CORPUS}, {name}", "accuracy", ours, "TF-IDF + linear SVM",
            linear, ours / linear, "per cent", torch.get_num_threads(), machine,
        )  # fmt: skip


def sums(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Share of sums that a model gets right which has learnt from others."""
    n_questions = QUICK_QUESTIONS if quick else N_QUESTIONS
    model = GPT(
        level="character", num_layers=3, num_heads=4, hidden_size=128, max_length=128,
        positions="rotary", dropout=0.0, batch_size=16, learning_rate=2e-3, epochs=4,
        max_seconds=QUICK_SUM_SECONDS if quick else SUM_SECONDS, device=device, random_state=SEED,
    )  # fmt: skip
    model.fit(documents(n_questions))
    result = evaluate_in_context(
        model, n_examples=N_EXAMPLES, n_items=n_questions, random_state=SEED
    )
    print_scores(result)
    for operation in OPERATIONS:
        score = result[f"arithmetic: {operation}", "accuracy"]
        chance = score.chance or 0.0
        yield Row(
            f"sums in context, {operation}", "accuracy", 100 * score.value, "the commonest answer",
            100 * chance, score.value / max(chance, 1e-9), "per cent", torch.get_num_threads(),
            machine,
        )  # fmt: skip


def documents(n_questions: int) -> list[str]:
    """Texts of sums, without those that the evaluation asks for."""
    random = streams(SEED, [*OPERATIONS, "lines"])
    known = []
    for operation in OPERATIONS:
        # The evaluation draws its questions from the same stream, first the examples.
        task = arithmetic(operation, n_questions, N_EXAMPLES, random[operation])
        asked = {item.prompt for item in task.items}
        everything = arithmetic(operation, 10_000, 0, np.random.default_rng(SEED)).items
        known.append([item.solved for item in everything if item.prompt not in asked])
    draws = random["lines"]
    lines = [
        known[kind][int(draws.integers(len(known[kind])))]
        for kind in draws.choice(len(known), N_LINES, p=[0.45, 0.45, 0.1]).tolist()
    ]
    return ["\n".join(lines[i : i + LINES_A_TEXT]) for i in range(0, len(lines), LINES_A_TEXT)]


def print_scores(result: InContextResult) -> None:
    """All figures of the evaluation."""
    lines = [
        [
            score.task, str(score.n), score.metric, f"{score.value:.3g}",
            "-" if score.chance is None else f"{score.chance:.3g}",
        ]
        for score in result.scores
    ]  # fmt: skip
    columns = ["task", "questions", "measure", "value", "chance"]
    print_table(f"A GPT of sums, {result.n_examples} examples before each question", columns, lines)
