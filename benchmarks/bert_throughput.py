"""How fast encoders are fine-tuned and read texts, for `bert.py`.

`fine_tuning`: the same small BERT, from the same weights in one folder, learns sst2 and the reviews
of imdb, cut at 512 tokens, by `EncoderClassifier` and by Hugging Face's `Trainer` with its defaults
(batches drawn at random, each padded to its longest text). Both take 32 texts a batch, so that a
batch has the same number of tokens on average; learning rate, schedule, decay, clipping, epochs and
precision are the same, and both are timed from texts to a trained model. Accuracy on test texts is
beside it. The weights are first pre-trained on texts of the training part, untimed: from random
ones so few batches teach little, and equal accuracies would be those of chance. A row of its own
shows the Trainer with its grouping by length switched on.

`encoding`: means of the vectors of the last layer of that encoder for texts of mixed lengths, by
`EncoderEmbedder.transform` and by sentence-transformers' ``encode``; both vectors are compared. It
is left out where sentence-transformers is not installed.

Tokens are counted without padding; special ones count.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from harness import Row, seconds, take_turns

from textrep import (
    EncoderClassifier,
    EncoderEmbedder,
    MaskedLanguageModel,
    TfidfVectorizer,
    load_corpus,
)
from textrep.contextual.encoders import Encoder, EncoderTokenizer
from textrep.core.random import stream
from textrep.engine.device import cpu_has_bf16

VOCAB_SIZE = 8_000
BATCH = 32
RATE_TIMES_SIZE = 0.128  # as `EncoderClassifier` chooses a rate by itself
WARMUP, DECAY, CLIP = 0.1, 0.01, 1.0
READ_AT_ONCE = 512
ENCODED_AT_MOST = 256
ROUNDS = 3
PRETRAINED = 5_000  # texts of the training part, or somewhat more
DEMANDED_TRAINING, DEMANDED_ENCODING = 1.4, 1.2
TRAINER, GROUPED = "Hugging Face Trainer", "Hugging Face Trainer, grouped by length"
SENTENCES = "sentence-transformers"


class Sizes(NamedTuple):
    """How much is trained and read."""

    shape: dict[str, int]
    n_texts: dict[str, int]
    n_tested: int
    epochs: dict[str, int]
    turns: int
    n_encoded: int
    pretrain_seconds: float


QUICK = Sizes(
    {"num_layers": 2, "hidden_size": 64}, {"sst2": 320, "imdb": 96}, 200, {"sst2": 1, "imdb": 1}, 1,
    200, 5.0,
)  # fmt: skip
CPU = Sizes(
    {"num_layers": 2, "hidden_size": 128}, {"sst2": 4_000, "imdb": 800}, 1_000,
    {"sst2": 2, "imdb": 3}, 2, 3_000, 50.0,
)  # fmt: skip
GPU = Sizes(
    {"num_layers": 12, "hidden_size": 768}, {"sst2": 6_000, "imdb": 4_000}, 2_000,
    {"sst2": 2, "imdb": 2}, 2, 10_000, 120.0,
)  # fmt: skip


class Texts(NamedTuple):
    """Texts to learn from and to be tried on, with the numbers of their classes."""

    texts: list[str]
    group: np.ndarray
    new: list[str]
    truth: np.ndarray


def sizes_of(quick: bool, device: str) -> Sizes:
    if quick:
        return QUICK
    return GPU if on_gpu(device) else CPU


def on_gpu(device: str) -> bool:
    return device != "cpu" and torch.cuda.is_available()


def precision_of(device: str) -> str:
    """The one that both train in: bf16 where the device computes in it."""
    able = torch.cuda.is_bf16_supported() if on_gpu(device) else cpu_has_bf16()
    return "bf16" if able else "fp32"


def read(corpus: str, n_texts: int, n_tested: int) -> Texts:
    """Texts of both parts, drawn at random."""
    loaded = load_corpus(corpus)
    classes = loaded.classes
    found: list[Any] = []
    for part, n in (("train", n_texts), ("test", n_tested)):
        own = loaded.part(part)
        chosen = stream(0, part).permutation(len(own))[:n].tolist()
        found += [
            [own.texts[i] for i in chosen],
            np.array([classes.index(own.labels[i]) for i in chosen]),
        ]
    return Texts(*found)


def new_encoder(texts: list[str], sizes: Sizes, folder: Path) -> Encoder:
    """An encoder with random weights, and its folder in the layout that both read."""
    tokenizer = EncoderTokenizer.train(texts, vocab_size=VOCAB_SIZE)
    encoder = Encoder.new("bert", sizes.shape, tokenizer, max_length=READ_AT_ONCE, seed=0)
    encoder.save_pretrained(folder)
    return encoder


def pretrained_encoder(corpus: str, sizes: Sizes, folder: Path, device: str) -> Encoder:
    """An encoder that has filled in words of texts of the training part, and its folder."""
    model = MaskedLanguageModel(
        architecture="bert", size=sizes.shape, vocab_size=VOCAB_SIZE, max_length=READ_AT_ONCE,
        max_seconds=sizes.pretrain_seconds, device=device, random_state=0,
    )  # fmt: skip
    texts = load_corpus(corpus).part("train").texts
    encoder = model.fit(texts[:: max(1, len(texts) // PRETRAINED)]).encoder_
    encoder.save_pretrained(folder)
    return encoder


# ---- fine-tuning


def fine_tuning(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of speed and accuracy."""
    sizes, precision = sizes_of(quick, device), precision_of(device)
    print(f"fine-tuning: {sizes.shape}, batches of {BATCH} texts")
    for corpus in sizes.n_texts:
        data = read(corpus, sizes.n_texts[corpus], sizes.n_tested)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "bert"
            encoder = pretrained_encoder(corpus, sizes, folder, device)
            rows = encoder.rows(data.texts, max_length=READ_AT_ONCE)
            tokens = sum(len(row.ids) for row in rows) * sizes.epochs[corpus]
            cut = f", {READ_AT_ONCE} tokens" if corpus == "imdb" else ""
            # Also in what the Trainer trains in when nobody says anything.
            for each in dict.fromkeys([precision, "fp32"]):
                peers = (TRAINER, GROUPED) if each == precision else (TRAINER,)
                turns = sizes.turns if each == precision else 1
                spent, right = race(corpus, folder, data, sizes, each, device, peers, turns)
                yield from rows_of(f"{corpus}{cut}, {each}", tokens, spent, right, data, machine)


def race(
    corpus: str,
    folder: Path,
    data: Texts,
    sizes: Sizes,
    precision: str,
    device: str,
    peers: tuple[str, ...],
    turns: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of each side, taking turns, and its mean accuracy in per cent."""
    epochs = sizes.epochs[corpus]
    sides: dict[str, Callable[[int], Callable[[], float]]] = {
        "textrep": lambda seed: by_textrep(folder, data, epochs, precision, device, seed),
        TRAINER: lambda seed: by_trainer(folder, data, epochs, precision, device, seed, "random"),
        GROUPED: lambda seed: by_trainer(
            folder, data, epochs, precision, device, seed, "group_by_length"
        ),
    }
    # What is loaded or compiled on first use belongs to no side.
    few = Texts(data.texts[:BATCH], data.group[:BATCH], data.new[:1], data.truth[:1])
    by_textrep(folder, few, 1, precision, device, 0)
    by_trainer(folder, few, 1, precision, device, 0, "random")
    spent: dict[str, list[float]] = {name: [] for name in sides}
    right: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(turns):
        for name in ("textrep", *peers):
            side = sides[name]
            answers: list[Callable[[], float]] = []
            spent[name].append(seconds(lambda: answers.append(side(turn))))  # noqa: B023
            right[name].append(100 * answers[0]())
    return (
        {name: statistics.median(times) for name, times in spent.items() if times},
        {name: statistics.mean(shares) for name, shares in right.items() if shares},
    )


def rate_for(folder: Path) -> float:
    """The learning rate of both for the encoder of a folder."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return RATE_TIMES_SIZE / float(config["hidden_size"])


def by_textrep(
    folder: Path, data: Texts, epochs: int, precision: str, device: str, seed: int
) -> Callable[[], float]:
    """Train by ours; gives what measures accuracy."""
    classifier = EncoderClassifier(
        checkpoint=str(folder),
        pretrain_epochs=0,
        max_length=READ_AT_ONCE,
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=rate_for(folder),
        warmup=WARMUP,
        weight_decay=DECAY,
        validation_fraction=0.0,
        calibrate=False,
        device=device,
        precision=precision,
        random_state=seed,
    )
    classifier.fit(data.texts, data.group)
    return lambda: float(classifier.score(data.new, data.truth))


def by_trainer(
    folder: Path, data: Texts, epochs: int, precision: str, device: str, seed: int, order: str
) -> Callable[[], float]:
    """Train by the peer; gives what measures accuracy."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        PrinterCallback,
        Trainer,
        TrainingArguments,
    )

    quieten()
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    n_classes = int(data.group.max()) + 1
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=n_classes)

    def rows_of(texts: list[str], group: np.ndarray) -> list[dict[str, Any]]:
        ids = tokenizer(texts, truncation=True, max_length=READ_AT_ONCE)
        return [
            {"input_ids": row, "attention_mask": [1] * len(row), "label": int(label)}
            for row, label in zip(ids["input_ids"], group, strict=True)
        ]

    with tempfile.TemporaryDirectory() as output:
        settings = TrainingArguments(
            output_dir=output,
            num_train_epochs=epochs,
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=BATCH,
            learning_rate=rate_for(folder),
            warmup_steps=WARMUP,
            weight_decay=DECAY,
            max_grad_norm=CLIP,
            train_sampling_strategy=order,
            bf16=precision == "bf16",
            use_cpu=not on_gpu(device),
            dataloader_pin_memory=on_gpu(device),
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            seed=seed,
        )
        trainer = Trainer(
            model=model,
            args=settings,
            train_dataset=rows_of(data.texts, data.group),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()

    def accuracy() -> float:
        found = trainer.predict(rows_of(data.new, data.truth)).predictions
        return float(np.mean(np.asarray(found).argmax(axis=1) == data.truth))

    return accuracy


def quieten() -> None:
    """No bars and reports of the peers between the rows."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def rows_of(
    name: str,
    tokens: int,
    spent: dict[str, float],
    right: dict[str, float],
    data: Texts,
    machine: str,
) -> Iterator[Row]:
    """Rows of one data set."""
    threads = torch.get_num_threads()
    rates = {side: tokens / took for side, took in spent.items()}
    for peer in rates:
        if peer == "textrep":
            continue
        demanded = f"; {DEMANDED_TRAINING} times as fast demanded" if peer == TRAINER else ""
        yield Row(
            f"fine-tuning, {name}", "speed", rates["textrep"], f"{peer}{demanded}", rates[peer],
            rates["textrep"] / rates[peer], "tokens/s", threads, machine,
        )  # fmt: skip
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    linear = make_pipeline(TfidfVectorizer(sublinear_tf=True), LinearSVC())
    linear.fit(data.texts, data.group)
    peers = {**right, "TF-IDF + linear SVM": 100 * linear.score(data.new, data.truth)}
    for peer, share in peers.items():
        if peer != "textrep":
            yield Row(
                f"fine-tuning, {name}", "accuracy", right["textrep"], peer, share,
                right["textrep"] / share, "per cent", threads, machine,
            )  # fmt: skip


# ---- encoding


def encoding(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """A row of speed."""
    sizes = sizes_of(quick, device)
    try:
        from sentence_transformers import SentenceTransformer, models
    except ImportError as error:
        print(f"encoding: left out, {error}")
        return
    quieten()
    texts = mixed(sizes.n_encoded)
    place = "cuda" if on_gpu(device) else "cpu"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "bert"
        encoder = new_encoder(texts, sizes, folder)
        reader = models.Transformer(str(folder), max_seq_length=ENCODED_AT_MOST)
        peer = SentenceTransformer(
            modules=[reader, models.Pooling(encoder.hidden_size, "mean")], device=place
        )
        ours = EncoderEmbedder(
            checkpoint=str(folder), pretrain_epochs=0, max_length=ENCODED_AT_MOST, device=device,
            precision="fp32",
        ).fit(texts[:2])  # fmt: skip
        tasks = {
            "textrep": lambda: ours.transform(texts),
            SENTENCES: lambda: peer.encode(texts, batch_size=BATCH, show_progress_bar=False),
        }
        apart = np.abs(tasks["textrep"]() - tasks[SENTENCES]()).max()
        print(f"encoding: vectors differ by {apart:.1e} at most")
        spent = take_turns(tasks, dict.fromkeys(tasks, 1 if quick else ROUNDS))
        rows = encoder.rows(texts, max_length=ENCODED_AT_MOST)
    tokens = sum(len(row.ids) for row in rows)
    rates = {side: tokens / took for side, took in spent.items()}
    yield Row(
        f"encoding, texts of {min(len(r.ids) for r in rows)} to {max(len(r.ids) for r in rows)} "
        "tokens", "speed", rates["textrep"],
        f"{SENTENCES}; {DEMANDED_ENCODING} times as fast demanded", rates[SENTENCES],
        rates["textrep"] / rates[SENTENCES], "tokens/s", torch.get_num_threads(), machine,
    )  # fmt: skip


def mixed(n: int) -> list[str]:
    """As many sentences, news and reviews, in random order."""
    found: list[str] = []
    for corpus in ("sst2", "reuters_r8", "imdb"):
        own = load_corpus(corpus).part("test").texts
        chosen = stream(0, corpus).permutation(len(own))[: n // 3].tolist()
        found += [own[i] for i in chosen]
    return [found[i] for i in stream(0, "order").permutation(len(found)).tolist()]
