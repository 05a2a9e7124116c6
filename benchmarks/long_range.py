"""A small Long Range Arena, for `transformers.py`: quality, time and memory of each attention.

After Tay et al. (ICLR 2021), scaled down to minutes on two cores:

- ListOps: expressions of `listops.py` by the arena's grammar, of 20 to 200 tokens in place of 500
  to 2,000; ten classes.
- imdb by bytes: the first 1,024 bytes of each review, of a part of the training reviews.

A Transformer of the same size is trained with each attention for the same number of epochs. Beside
each accuracy stand the most frequent class and TF-IDF + linear SVM on the same split (of words for
ListOps, of words and of byte n-grams for imdb). One row is of a network that was first trained to
fill in hidden tokens of the same training texts (Amos et al., ICLR 2024). The settings of ListOps
were chosen on other expressions (after 4,000 of them: 33.4 by a first token, 31.6 by the mean,
where TF-IDF + linear SVM has 22.8); those of imdb are not tuned.

What this can show and what not: with some thousand texts and a minute for each network, attentions
are told apart where they fail to train, not by percents: of 500 tried, two points are one standard
error. Some hundred reviews are too few to learn words from bytes (linear attention: 51, at chance);
those rows show that it runs, and what so little costs. The arena's own figures come from tens of
thousands of steps on accelerators, and none of them is meant to be met.

Time and memory are of one training step of the same network on one text of so many bytes, forward
and backward; the memory is the peak of what is resident over what was before the step (on a GPU
what torch has allocated). `attention_lengths.py` has the exponents of each attention by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from attention_lengths import megabytes
from harness import Row, print_table, take_turns
from listops import Grammar, generate
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from textrep import TfidfVectorizer, TransformerClassifier, load_corpus
from textrep.data import Corpus
from textrep.engine import choose_device

SEED = 0
ATTENTIONS: dict[str, dict[str, Any]] = {
    "full": {},
    "sliding-window": {"window": 32},
    "longformer": {"window": 32, "block_size": 32},
    "bigbird": {"block_size": 32, "n_global": 32},
    "linformer": {"projected_length": 64},
    "performer": {},
    "linear": {},
    "lsh": {"chunk_size": 32, "n_buckets": 16},
}
NETWORK: dict[str, Any] = {
    "num_layers": 2,
    "num_heads": 2,
    "hidden_size": 64,
    "inner_size": 128,
    "dropout": 0.0,
    "word_dropout": 0.0,
    "validation_fraction": 0.0,
    "lowercase": False,
}
LISTOPS = Grammar(shortest=20, longest=200, max_depth=10, max_arguments=10)
N_EXPRESSIONS, QUICK_EXPRESSIONS = (4000, 1000), (200, 200)
LISTOPS_SETTINGS: dict[str, Any] = {
    "level": "whitespace",
    "max_length": 200,
    "pooling": "first",
    "learning_rate": 2e-3,
    "batch_size": 32,
}
LISTOPS_EPOCHS, QUICK_EPOCHS = 4, 1

N_REVIEWS, QUICK_REVIEWS = (800, 500), (48, 48)
IMDB_BYTES = 1024
IMDB_ATTENTIONS = ("full", "sliding-window", "linear")
IMDB_SETTINGS: dict[str, Any] = {
    "level": "byte",
    "max_length": IMDB_BYTES,
    "pooling": "mean",
    "learning_rate": 2e-3,
    "batch_size": 16,
}
IMDB_EPOCHS = 2
PRETRAINED = "full"  # whose self-pre-training is a row, on both
PRETRAINING_EPOCHS = 2

LENGTHS, QUICK_LENGTHS = (1024, 2048, 4096), (256, 512)
REPEATS = 3

Part = tuple[list[str], np.ndarray]


class Task(NamedTuple):
    """Texts to learn from and to be tried on, and how."""

    name: str
    train: Part
    test: Part
    settings: Mapping[str, Any]
    epochs: int
    attentions: tuple[str, ...]
    baselines: Mapping[str, Callable[[], Pipeline]]


def run(*, quick: bool, device: str, machine: str, data: Path | None = None) -> Iterator[Row]:
    """Rows of accuracy on both tasks, then of time and memory by length."""
    for task in (listops_task(quick), imdb_task(quick)):
        yield from quality(task, quick=quick, device=device, machine=machine)
    yield from costs(quick=quick, device=device, machine=machine)


# ---- quality


def listops_task(quick: bool) -> Task:
    """Expressions, and their values."""
    n_train, n_test = QUICK_EXPRESSIONS if quick else N_EXPRESSIONS
    random = np.random.default_rng(SEED)
    texts, values = generate(n_train + n_test, LISTOPS, random=random)
    return Task(
        f"ListOps, {LISTOPS.shortest} to {LISTOPS.longest} tokens",
        (texts[:n_train], values[:n_train]),
        (texts[n_train:], values[n_train:]),
        LISTOPS_SETTINGS,
        QUICK_EPOCHS if quick else LISTOPS_EPOCHS,
        ("full", "linear") if quick else tuple(ATTENTIONS),
        {"words": lambda: _tfidf_svm(token_pattern=r"\S+", lowercase=False)},
    )


def imdb_task(quick: bool) -> Task:
    """The heads of some reviews, and whether they praise."""
    n_train, n_test = QUICK_REVIEWS if quick else N_REVIEWS
    corpus = load_corpus("imdb")
    return Task(
        f"imdb, first {IMDB_BYTES} bytes",
        _heads(corpus.part("train"), n_train),
        _heads(corpus.part("test"), n_test),
        IMDB_SETTINGS,
        QUICK_EPOCHS if quick else IMDB_EPOCHS,
        ("full", "linear") if quick else IMDB_ATTENTIONS,
        {
            "words": _tfidf_svm,
            "bytes": lambda: _tfidf_svm(analyzer="char", ngram_range=(1, 4), sublinear_tf=True),
        },
    )


def _heads(corpus: Corpus, n: int) -> Part:
    chosen = np.random.default_rng(SEED).permutation(len(corpus.texts))[:n]
    texts = [corpus.texts[i].encode()[:IMDB_BYTES].decode(errors="ignore") for i in chosen]
    return texts, np.array(corpus.labels)[chosen]


def _tfidf_svm(**settings: Any) -> Pipeline:
    svm = LinearSVC(dual=True, max_iter=20_000, random_state=SEED)
    return Pipeline([("tfidf", TfidfVectorizer(**settings)), ("svm", svm)])


def quality(task: Task, *, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """A row for each attention beside the best of the linear baselines, and a table of all."""
    classes, counts = np.unique(task.train[1], return_counts=True)
    majority = 100 * float((task.test[1] == classes[counts.argmax()]).mean())
    lines = [["most frequent class", "", f"{majority:.1f}", ""]]
    linear = 0.0
    for name, make in task.baselines.items():
        found = 100 * float(make().fit(*task.train).score(*task.test))
        linear = max(linear, found)
        lines.append([f"TF-IDF of {name} + linear SVM", "", f"{found:.1f}", ""])
    for name, options in _networks(task, quick):
        model = TransformerClassifier(
            **NETWORK, **task.settings, **options, epochs=task.epochs, device=device,
            random_state=SEED, verbose=1,
        ).fit(*task.train)  # fmt: skip
        found = 100 * float(model.score(*task.test))
        seconds = sum(_last_seconds(model.history_).values())
        learnt = 100 * model.history_[-1]["correct"]
        lines.append([name, f"{learnt:.1f}", f"{found:.1f}", f"{seconds:.0f}"])
        print(f"{task.name}, {name}: {found:.1f} per cent in {seconds:.0f} s", flush=True)
        for peer, theirs in (("most frequent class", majority), ("TF-IDF + linear SVM", linear)):
            yield Row(
                f"{task.name}, {name}", "accuracy", found, peer, theirs, found / theirs,
                "per cent", torch.get_num_threads(), machine,
            )  # fmt: skip
    print_table(
        f"{task.name}: {len(task.train[0])} texts, {task.epochs} epochs",
        ["method", "last epoch, training", "test", "seconds"],
        lines,
    )


def _networks(task: Task, quick: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and parameters; the one that is pre-trained comes last."""
    for name in task.attentions:
        yield name, {"attention": name, "attention_settings": ATTENTIONS[name]}
    epochs = QUICK_EPOCHS if quick else PRETRAINING_EPOCHS
    yield (
        f"{PRETRAINED}, pre-trained on the same texts",
        {
            "attention": PRETRAINED,
            "pretrain_epochs": epochs,
        },
    )


def _last_seconds(history: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds that each stage took."""
    return {entry.get("stage", ""): entry["seconds"] for entry in history}


# ---- time and memory


def costs(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of the time and memory of a step at the longest length, beside full attention."""
    lengths = QUICK_LENGTHS if quick else LENGTHS
    chosen = choose_device(device)
    found = {name: _cost(name, lengths, chosen) for name in ATTENTIONS}
    print_table(
        "a training step on one text, by its bytes: ms; MB",
        ["attention", *map(str, lengths)],
        [
            [name, *(f"{1000 * seconds:.0f}; {mb:.0f}" for seconds, mb in figures)]
            for name, figures in found.items()
        ],
    )
    theirs = found["full"][-1]
    for name, figures in found.items():
        if name == "full":
            continue
        for place, (measure, unit, factor) in enumerate(
            (("time", "ms", 1000.0), ("memory", "MB", 1.0))
        ):
            ours, full = figures[-1][place], theirs[place]
            yield Row(
                f"a step on {lengths[-1]} bytes, {name}", measure, factor * ours, "full attention",
                factor * full, full / max(ours, 1e-9), unit, torch.get_num_threads(), machine,
            )  # fmt: skip


def _cost(name: str, lengths: tuple[int, ...], device: torch.device) -> list[tuple[float, float]]:
    """Seconds and megabytes of a step at each length."""
    steps = {str(length): _step(name, length, device) for length in lengths}
    for step in steps.values():
        step()
    spent = take_turns(steps, dict.fromkeys(steps, REPEATS))
    return [(spent[length], megabytes(step, device)) for length, step in steps.items()]


def _step(name: str, length: int, device: torch.device) -> Callable[[], None]:
    """A forward and a backward pass of a network, as a fit makes it."""
    model = TransformerClassifier(
        **{**NETWORK, **IMDB_SETTINGS, "max_length": length}, attention=name,
        attention_settings=ATTENTIONS[name], epochs=1, device="cpu", random_state=SEED,
    )  # fmt: skip
    module = model.fit(["one", "other"], [0, 1]).module_.to(device).train()
    ids = torch.full((1, length), 9, device=device)
    ids[0] = torch.from_numpy(np.random.default_rng(SEED).integers(4, 260, length))
    lengths = torch.tensor([length], device=device)

    def step() -> None:
        module.zero_grad(set_to_none=True)
        module(ids, lengths).logsumexp(dim=1).sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step
