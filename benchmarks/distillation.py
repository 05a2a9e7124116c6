"""Students of a small BERT, for `bert.py`: by DistilBERT's recipe, by the better one, and without.

A ModernBERT learns to fill in words of a part of the English Wikipedia and of the training parts of
the data sets, without labels; it is the teacher of words. For each data set and seed it is
fine-tuned: the teacher of the task. The student has a third of its layers, and no more than 60 % of
its parameters. It is trained in five ways, on the same texts with the same labels:

``scratch``
    From random weights, without any teacher.
``pre-trained``
    First on those texts by itself, for as long as the published recipe's first stage; no teacher.
``published``
    As DistilBERT: from layers of the teacher of words, which teaches it on those texts; once for
    all data sets. Then fine-tuned on the labels.
``better``
    From layers of the teacher of the task, which teaches it attention relations, hidden states and
    its answers, on the texts and on as many without labels of the same training part.

The share of the distance that is recovered is (student - without) / (teacher - without), of mean
accuracies; without a teacher is "scratch", and, in a row of its own, "pre-trained". The ablation
leaves out one ingredient of the better recipe at a time. Beside it stands what DistilBERT's authors
published (GLUE, README of their code). For the shapes of BERT-base and DistilBERT, with random
weights, parameters and speed are measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bert_pretraining import ARCHITECTURE, linear, surroundings, unlabelled
from few_labels import Parts, parts_of
from harness import Row, print_table, take_turns
from sparse_experts import wikipedia

from textrep import EncoderClassifier, MaskedLanguageModel, distill
from textrep.contextual.distillation import DistillationReport
from textrep.core.random import stream

CORPORA = ("sst2", "mr", "imdb", "reuters_r8")
ABLATED = "sst2"  # short texts
N_SEEDS = 3

MOST_PARAMETERS = 0.6
FASTER = 1.6
DEMANDED = {"published": (0.97, 0.60), "better": (0.985, 0.80)}
"""Share of the teacher's mean score that is kept, and of the distance that is recovered."""

ABLATIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "no copied layers": {"initialise": False},
    "no relations": {"relations": False},
    "no hidden states": {"hidden_states": False},
    "no first stage": {"transfer_epochs": 0},
    "labels alone": {"soft_labels": False},
}

# Sanh et al. (2019); the table of the README beside their code (GLUE, development sets).
PUBLISHED = {
    "BERT-base": (79.5, 56.3, 84.7, 88.6, 91.8, 89.6, 69.3, 92.7, 89.0, 53.5),
    "DistilBERT": (77.0, 51.3, 82.1, 87.5, 89.2, 88.5, 59.9, 91.3, 86.9, 56.3),
}
GLUE = ("mean", "CoLA", "MNLI", "MRPC", "QNLI", "QQP", "RTE", "SST-2", "STS-B", "WNLI")
PUBLISHED_SECONDS = (668.0, 410.0)  # of STS-B on a CPU, one text at a time
PUBLISHED_PARAMETERS = (109.5, 67.0)  # millions, with a classifier of two classes


@dataclass(frozen=True)
class Sizes:
    """How large a run is.

    Attributes
    ----------
    layers, student_layers, hidden_size : int
    vocab_size : int
    max_length : int
        Tokens of a text.
    characters : int
        Of Wikipedia.
    pretrain_seconds, words_seconds : float
        For the teacher of words, and for the first stage of "published" and "pre-trained".
    n_texts, n_tested : int
        Of each data set; as many as there are where these are less.
    epochs : int
        Of fine-tuning, with labels or with the teacher's answers.
    transfer_epochs : int
    """

    layers: int
    student_layers: int
    hidden_size: int
    vocab_size: int
    max_length: int
    characters: int
    pretrain_seconds: float
    words_seconds: float
    n_texts: int
    n_tested: int
    epochs: int
    transfer_epochs: int
    corpora: tuple[str, ...] = CORPORA
    n_seeds: int = N_SEEDS

    def shape(self, layers: int) -> dict[str, int]:
        return {
            "num_layers": layers,
            "hidden_size": self.hidden_size,
            "num_heads": max(2, self.hidden_size // 64),
        }


QUICK = Sizes(6, 1, 64, 1000, 32, 400_000, 10, 4, 300, 300, 3, 1, ("sst2",), 1)
CPU = Sizes(6, 2, 128, 4000, 64, 20_000_000, 120, 60, 800, 1000, 5, 2)
GPU = Sizes(6, 2, 256, 4000, 128, 60_000_000, 240, 120, 10_000, 5000, 5, 3)


def sizes_of(quick: bool, device: str) -> Sizes:
    if quick:
        return QUICK
    return CPU if device == "cpu" or not torch.cuda.is_available() else GPU


class Words:
    """What is trained on Wikipedia, once for all data sets."""

    def __init__(self, data: Path, sizes: Sizes, device: str) -> None:
        articles, _, test = wikipedia(data, sizes.characters // 2)
        train = [*articles, *unlabelled(sizes.corpora, sizes.characters // 4)]
        common = surroundings(device, 0)
        self.teacher = self._model(sizes, sizes.layers, sizes.pretrain_seconds, None, common)
        self.teacher.fit(train)
        tokenizer = self.teacher.encoder_.tokenizer
        self.alone = self._model(
            sizes, sizes.student_layers, sizes.words_seconds, tokenizer, common
        ).fit(train)
        # A first epoch that lasts longer than the time there is: the rate falls in the time.
        self.published = distill(
            self.teacher,
            train,
            student={"num_layers": sizes.student_layers},
            recipe="published",
            transfer_epochs=20,
            max_seconds=sizes.words_seconds,
            **common,
        )
        scored = test[:200]
        models = {"teacher": self.teacher, "alone": self.alone, "published": self.published}
        print_table(
            "Masked language models, on held-out text of Wikipedia",
            ["model", "parameters", "nats/hidden token"],
            [
                [name, f"{model.encoder_.n_parameters:,}", f"{-model.score(scored):.3f}"]
                for name, model in models.items()
            ],
        )

    @staticmethod
    def _model(
        sizes: Sizes, layers: int, seconds: float, tokenizer: Any, common: dict[str, Any]
    ) -> MaskedLanguageModel:
        return MaskedLanguageModel(
            architecture=ARCHITECTURE,
            size=sizes.shape(layers),
            tokenizer=tokenizer,
            vocab_size=sizes.vocab_size,
            max_length=sizes.max_length,
            epochs=20,
            dropout=0.0,
            max_seconds=seconds,
            **common,
        )


def task_of(corpus: str, sizes: Sizes, seed: int) -> tuple[Parts, list[str]]:
    """Texts of a data set for a seed, and further ones without labels."""
    texts, labels, new, truth = parts_of(corpus, False)
    rng = stream(seed, "texts")
    order = rng.permutation(len(texts))
    chosen, more = order[: sizes.n_texts], order[sizes.n_texts : 2 * sizes.n_texts]
    if len(new) > sizes.n_tested:
        tested = np.sort(stream(0, "tested").choice(len(new), sizes.n_tested, replace=False))
        new, truth = [new[i] for i in tested.tolist()], truth[tested]
    unlabelled = [texts[i] for i in more.tolist()]
    return Parts([texts[i] for i in chosen.tolist()], labels[chosen], new, truth), unlabelled


def classifier(sizes: Sizes, checkpoint: Any, common: dict[str, Any]) -> Any:
    """One to be fine-tuned, with the rate that a start of that size has by itself, 0.128 over the
    features; for one from random weights it is among the best, too (see `bert_pretraining`).
    """
    return EncoderClassifier(
        checkpoint=checkpoint,
        pretrain_epochs=0,
        max_length=sizes.max_length,
        epochs=sizes.epochs,
        validation_fraction=0.0,
        pooling="mean",
        **common,
    )


def untaught(sizes: Sizes, words: Words, common: dict[str, Any]) -> Any:
    """The student from random weights, with the tokenizer of all."""
    from textrep.contextual.encoders import Encoder

    encoder = Encoder.new(
        ARCHITECTURE,
        sizes.shape(sizes.student_layers),
        words.teacher.encoder_.tokenizer,
        max_length=sizes.max_length,
        seed=common["random_state"],
    )
    return classifier(sizes, encoder, common)


def better(teacher: Any, parts: Parts, unlabelled: list[str], sizes: Sizes, **changes: Any) -> Any:
    """The student by the better recipe."""
    given = {
        "student": {"num_layers": sizes.student_layers},
        "unlabelled": unlabelled,
        "transfer_epochs": sizes.transfer_epochs,
        "epochs": sizes.epochs,
        **changes,
    }
    return distill(teacher, parts.texts, parts.labels, **given)


Scores = dict[str, dict[str, list[float]]]


def trained(
    corpus: str, seed: int, words: Words, sizes: Sizes, device: str
) -> tuple[dict[str, Any], Parts]:
    """The teacher and all students on a data set."""
    parts, unlabelled = task_of(corpus, sizes, seed)
    common = surroundings(device, seed)
    found: dict[str, Any] = {}
    for name, start in (
        ("teacher", words.teacher), ("pre-trained", words.alone), ("published", words.published),
    ):  # fmt: skip
        model = classifier(sizes, start, common)
        found[name] = model.fit(parts.texts, parts.labels)
    found["scratch"] = untaught(sizes, words, common).fit(parts.texts, parts.labels)
    found["better"] = better(found["teacher"], parts, unlabelled, sizes, **common)
    return found, parts


def distillation(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of size, speed, score and recovered distance; tables of all, and of the ablation."""
    sizes = sizes_of(quick, device)
    words = Words(data, sizes, device)
    scores: Scores = {}
    models: dict[str, Any] = {}
    begun = time.perf_counter()
    parts: Any = None
    for corpus in sizes.corpora:
        scores[corpus] = {}
        for seed in range(sizes.n_seeds):
            models, parts = trained(corpus, seed, words, sizes, device)
            for name, model in models.items():
                found = 100 * model.score(parts.new, parts.truth)
                scores[corpus].setdefault(name, []).append(found)
            scores[corpus].setdefault("TF-IDF", []).append(linear(parts))
        print(f"{corpus}: {time.perf_counter() - begun:.0f} s since the first", flush=True)
    show(scores, sizes)
    yield from size_and_speed(models, parts, machine)
    yield from kept_and_recovered(scores, machine)
    show_published()
    yield from ablation(words, sizes, device, machine)


def show(scores: Scores, sizes: Sizes) -> None:
    """A line for each data set: mean and deviation over the seeds."""
    names = ["teacher", "better", "published", "pre-trained", "scratch", "TF-IDF"]
    lines = []
    for corpus, found in scores.items():
        line = [corpus]
        for name in names:
            values = found[name]
            spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            line.append(f"{statistics.mean(values):.1f}{spread}")
        lines.append(line)
    lines.append(["mean", *(f"{mean_of(scores, name):.1f}" for name in names)])
    title = f"Accuracy, {sizes.n_texts:,} labelled texts, {sizes.n_seeds} seeds, per cent"
    print_table(title, ["data set", *names], lines)


def mean_of(scores: Scores, name: str) -> float:
    """Mean over data sets of the mean over seeds."""
    return statistics.mean(statistics.mean(found[name]) for found in scores.values())


def size_and_speed(models: dict[str, Any], parts: Parts, machine: str) -> Iterator[Row]:
    """Parameters of the encoders, and texts a second with the same batches."""
    threads = torch.get_num_threads()
    report = DistillationReport.of(models["better"])
    print(f"student: {report}")
    yield Row(
        "student, encoder", "parameters", report.student_parameters / 1e6,
        f"teacher; at most {100 * MOST_PARAMETERS:.0f} % demanded",
        report.teacher_parameters / 1e6, 1 / report.ratio, "millions", threads, machine,
    )  # fmt: skip
    tasks = {name: (lambda m=models[name]: m.predict(parts.new)) for name in ("teacher", "better")}
    for task in tasks.values():
        task()
    spent = take_turns(tasks, dict.fromkeys(tasks, 3))
    speed = {name: len(parts.new) / seconds for name, seconds in spent.items()}
    yield Row(
        "student, predictions", "speed", speed["better"],
        f"teacher; {FASTER} times as fast demanded", speed["teacher"],
        speed["better"] / speed["teacher"], "texts/s", threads, machine,
    )  # fmt: skip


def kept_and_recovered(scores: Scores, machine: str) -> Iterator[Row]:
    """What is left of the teacher's score, and of its distance from students without teacher."""
    threads = torch.get_num_threads()
    teacher, tfidf = mean_of(scores, "teacher"), mean_of(scores, "TF-IDF")
    yield Row(
        "teacher", "mean accuracy", teacher, "TF-IDF + linear SVM", tfidf, teacher / tfidf,
        "per cent", threads, machine,
    )  # fmt: skip
    for name, (kept, recovered) in DEMANDED.items():
        own = mean_of(scores, name)
        yield Row(
            f"{name} recipe, mean accuracy {own:.2f}", "share of the teacher's", own / teacher,
            "demanded", kept, own / teacher / kept, "", threads, machine,
        )  # fmt: skip
        yield Row(
            f"{name} recipe", "mean accuracy", own, "TF-IDF + linear SVM", tfidf, own / tfidf,
            "per cent", threads, machine,
        )  # fmt: skip
        for without in ("scratch", "pre-trained"):
            base = mean_of(scores, without)
            distance = teacher - base
            share = (own - base) / distance if distance else float("nan")
            yield Row(
                f"{name} recipe, distance from {without} ({distance:.2f})", "share recovered",
                share, "demanded", recovered, share / recovered, "", threads, machine,
            )  # fmt: skip


def show_published() -> None:
    """DistilBERT's table, and what it says of the same measure."""
    lines = [[name, *(f"{value:.1f}" for value in row)] for name, row in PUBLISHED.items()]
    print_table("Published: GLUE, development sets", ["model", *GLUE], lines)
    share = PUBLISHED["DistilBERT"][0] / PUBLISHED["BERT-base"][0]
    print(f"published: {100 * share:.1f} % of the teacher's mean score kept")


def ablation(words: Words, sizes: Sizes, device: str, machine: str) -> Iterator[Row]:
    """The better recipe without one ingredient at a time."""
    found: dict[str, list[float]] = {name: [] for name in ABLATIONS}
    found["teacher"] = []
    for seed in range(sizes.n_seeds):
        parts, unlabelled = task_of(ABLATED, sizes, seed)
        common = surroundings(device, seed)
        teacher = classifier(sizes, words.teacher, common)
        teacher.fit(parts.texts, parts.labels)
        found["teacher"].append(100 * teacher.score(parts.new, parts.truth))
        for name, changes in ABLATIONS.items():
            student = better(teacher, parts, unlabelled, sizes, **common, **changes)
            found[name].append(100 * student.score(parts.new, parts.truth))
    mean = {name: statistics.mean(values) for name, values in found.items()}
    print_table(
        f"The better recipe on {ABLATED}, without one ingredient",
        ["", "accuracy", "beside all"],
        [[name, f"{value:.2f}", f"{value - mean['all']:+.2f}"] for name, value in mean.items()],
    )
    for name, value in mean.items():
        if name not in ("all", "teacher"):
            yield Row(
                f"ablation on {ABLATED}, {name}", "accuracy", value, "all ingredients",
                mean["all"], value / mean["all"], "per cent", torch.get_num_threads(), machine,
            )  # fmt: skip


# ---- BERT-base and DistilBERT

ROWS, TOKENS = 8, 128
REAL_REPEATS = 3


def real_shapes(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Parameters and speed of the published shapes, with random weights."""
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        DistilBertConfig,
        DistilBertForSequenceClassification,
    )

    target = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    made: dict[str, Any] = {
        "BERT-base": BertForSequenceClassification(BertConfig(num_labels=2)),
        "DistilBERT": DistilBertForSequenceClassification(DistilBertConfig(num_labels=2)),
    }
    threads = torch.get_num_threads()
    millions = {n: sum(p.numel() for p in m.parameters()) / 1e6 for n, m in made.items()}
    for (name, value), published in zip(millions.items(), PUBLISHED_PARAMETERS, strict=True):
        yield Row(
            f"{name} with classifier", "parameters", value, "published", published,
            value / published, "millions", threads, machine,
        )  # fmt: skip
    n_rows, n_tokens = (2, 64) if quick else (ROWS, TOKENS)
    ids = torch.randint(1000, 30_000, (n_rows, n_tokens), device=target)
    made = {name: model.eval().to(target) for name, model in made.items()}

    def run(model: Any) -> Any:
        with torch.inference_mode():
            return model(input_ids=ids).logits.cpu()

    tasks = {name: (lambda m=model: run(m)) for name, model in made.items()}
    for task in tasks.values():
        task()
    spent = take_turns(tasks, dict.fromkeys(tasks, 1 if quick else REAL_REPEATS))
    speeds = {name: n_rows / seconds for name, seconds in spent.items()}
    ratio = speeds["DistilBERT"] / speeds["BERT-base"]
    yield Row(
        f"DistilBERT, {n_rows} x {n_tokens} tokens", "speed", speeds["DistilBERT"], "BERT-base",
        speeds["BERT-base"], ratio, "texts/s", threads, machine,
    )  # fmt: skip
    published = PUBLISHED_SECONDS[0] / PUBLISHED_SECONDS[1]
    yield Row(
        "DistilBERT", "times as fast as BERT-base", ratio, "published", published,
        ratio / published, "", threads, machine,
    )  # fmt: skip
