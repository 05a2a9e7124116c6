"""What a language model can do that it was not trained for: tasks after a few solved examples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrep.core.messages import shown
from textrep.core.random import RandomState, streams
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_count
from textrep.generation.in_context_tasks import (
    OPERATIONS,
    TASKS,
    Task,
    arithmetic,
    cloze,
    question_answering,
)
from textrep.generation.language_model import LanguageModel
from textrep.generation.prompts import write_prompts

_SPARE_TOKENS = 4  # beyond the longest right answer, so that one which goes on is seen to


@dataclass(frozen=True)
class InContextScore:
    """One figure.

    Attributes
    ----------
    task : str
        Such as ``"arithmetic: addition"``.
    n : int
        Questions.
    metric : str
        "accuracy", "exact match" and "F1", between 0 and 1, or "perplexity" of the answers, from 1.
    value : float
    chance : float or None
        What it is without understanding, see `textrep.generation.in_context_tasks.Task`; None where
        that is not known.
    """

    task: str
    n: int
    metric: str
    value: float
    chance: float | None


@dataclass(frozen=True)
class InContextResult:
    """What `evaluate_in_context` has found.

    Attributes
    ----------
    scores : tuple of InContextScore
    n_examples : int
        Solved ones before each question.
    n_shortened : int
        Prompts that were too long for the model with all of these, and had fewer.
    """

    scores: tuple[InContextScore, ...]
    n_examples: int
    n_shortened: int

    def __getitem__(self, key: tuple[str, str]) -> InContextScore:
        """The figure of a task and a metric."""
        for score in self.scores:
            if (score.task, score.metric) == key:
                return score
        raise KeyError(key)

    def __str__(self) -> str:
        width = max([len("task"), *(len(score.task) for score in self.scores)])
        lines = [f"{'task':{width}}  {'n':>5}  {'measure':11}  {'value':>9}  {'chance':>6}"]
        for score in self.scores:
            chance = "-" if score.chance is None else f"{score.chance:.3f}"
            value = f"{score.value:.3f}" if score.value < 1e5 else f"{score.value:.2e}"
            lines.append(
                f"{score.task:{width}}  {score.n:5d}  {score.metric:11}  {value:>9}  {chance:>6}"
            )
        if self.n_shortened:
            lines.append(
                f"{self.n_shortened} prompts were too long for the model and had fewer than "
                f"{self.n_examples} examples"
            )
        return "\n".join(lines)


def evaluate_in_context(
    model: LanguageModel,
    tasks: Sequence[str] = TASKS,
    *,
    n_examples: int = 5,
    n_items: int = 100,
    passages: Any = None,
    random_state: RandomState = 0,
) -> InContextResult:
    """Ask a language model questions after a few solved ones, without training it.

    Answers are written greedily. "cloze" asks for the last word of passages (as LAMBADA does),
    "arithmetic" for sums and differences of numbers below 100 and products of those below 10,
    "question-answering" for words of a passage of three sentences.

    Parameters
    ----------
    model : LanguageModel
        Fitted, of any kind.
    tasks : sequence of {"cloze", "arithmetic", "question-answering"}
    n_examples : int, default=5
        Solved ones before each question, of the same task; fewer where they do not fit into what
        the model sees.
    n_items : int, default=100
        Questions of each task, and of each operation of arithmetic; of "cloze" at most as many as
        there are passages.
    passages : iterable of str, optional
        For "cloze", in place of 26 that come with textrep.
    random_state : int, Generator, RandomState or None, default=0
        Decides the questions.

    Returns
    -------
    InContextResult
        `str` of it is a table.

    Raises
    ------
    TypeError
        If `model` is none.
    ValueError
        If a task is unknown, a number is out of its range or there are too few passages.

    References
    ----------
    T. Brown et al.: Language models are few-shot learners, NeurIPS 2020, section 3.

    D. Paperno et al.: The LAMBADA dataset: word prediction requiring a broad discourse context, ACL
    2016.

    Examples
    --------
    >>> from textrep import RNNLanguageModel
    >>> model = RNNLanguageModel(level="character", hidden_size=8, embedding_size=8, num_layers=1,
    ...                          epochs=1, device="cpu", random_state=0).fit(["1 + 2 = 3"] * 9)
    >>> result = evaluate_in_context(model, ["arithmetic"], n_examples=1, n_items=2)
    >>> result["arithmetic: addition", "accuracy"].n
    2
    """
    if not isinstance(model, LanguageModel):
        raise TypeError(f"model must be a language model such as GPT, got {shown(model)}")
    model._check_fitted()
    check_count("n_examples", n_examples, 0)
    check_count("n_items", n_items, 1)
    wanted = _check_tasks(tasks)
    texts = None if passages is None else check_texts(passages, name="passages")
    scores: list[InContextScore] = []
    n_shortened = 0
    for task in _make(wanted, texts, n_items, n_examples, random_state):
        found, n = _solve(model, task)
        scores += found
        n_shortened += n
    return InContextResult(tuple(scores), int(n_examples), n_shortened)


def _check_tasks(tasks: Any) -> list[str]:
    wanted = [tasks] if isinstance(tasks, str) else list(tasks)
    if not wanted:
        raise ValueError(f"tasks is empty; choose from {', '.join(TASKS)}")
    for task in wanted:
        if task not in TASKS:
            raise ValueError(f"tasks: no task {shown(task)}; there are {', '.join(TASKS)}")
    return wanted


def _make(
    wanted: Sequence[str],
    passages: Sequence[str] | None,
    n_items: int,
    n_examples: int,
    random_state: RandomState,
) -> Iterator[Task]:
    random = streams(random_state, [*TASKS, *OPERATIONS])
    if "cloze" in wanted:
        yield cloze(passages, n_items, n_examples, random["cloze"])
    if "arithmetic" in wanted:
        for operation in OPERATIONS:
            yield arithmetic(operation, n_items, n_examples, random[operation])
    if "question-answering" in wanted:
        yield question_answering(n_items, n_examples, random["question-answering"])


def _solve(model: LanguageModel, task: Task) -> tuple[list[InContextScore], int]:
    """Figures of a task, and prompts that were too long."""
    right = [item.answer for item in task.items]
    answers = [f" {answer}" for answer in right]
    rows = model.codec_.encode_all(answers)
    n_new = max(map(len, rows)) + _SPARE_TOKENS
    examples = [item.solved for item in task.examples]
    prompts = write_prompts(
        model,
        [examples] * len(answers),
        [item.prompt for item in task.items],
        separator=task.separator,
        reserved=n_new,
    )
    written = model.generate(prompts.texts, max_new_tokens=n_new, temperature=0)
    given = [task.read(text) for text in written]
    name = f"{task.name}: {task.kind}" if task.kind else task.name
    scores = []
    for place, (metric, score) in enumerate(task.metrics.items()):
        value = float(np.mean([score(*pair) for pair in zip(given, right, strict=True)]))
        chance = task.chance if place == 0 else None
        scores.append(InContextScore(name, len(right), metric, value, chance))
    likelihoods = model.log_likelihoods_of_continuations(prompts.texts, answers)
    value = _perplexity(float(-likelihoods.sum()), len(right))
    return [
        *scores,
        InContextScore(name, len(right), "perplexity", value, None),
    ], prompts.n_shortened


def _perplexity(loss: float, n_answers: int) -> float:
    """Of a whole answer, however many tokens it has."""
    try:
        return math.exp(loss / n_answers)
    except OverflowError:
        return math.inf
