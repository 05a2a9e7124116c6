"""What pre-training is worth, for `bert.py`.

A small ModernBERT learns from articles of the English Wikipedia to fill in words, and another one,
for as long, to tell next passages from others too (NSP). A third reads, in the same time, as many
characters of Wikipedia and of the reviews in the training parts of sst2, mr and imdb, without their
labels. The tokenizer, which all share, is learnt from the same texts as the third.

`few_labels`: 500 texts of sst2, mr and imdb get their labels; all three are fine-tuned on them, and
so is the same encoder from random weights with the same tokenizer, each with the learning rate that
does best on held-out training texts of sst2, which is found out first. TF-IDF and a linear SVM
learn from the same texts. Three draws of texts and seeds; all are tried on the same (at most 2,000)
texts of the test part. Of imdb the first two windows of 128 tokens are read. `all_labels`: the
third encoder with all labels, within a limit of time, beside TF-IDF and a linear SVM.

On a CPU the encoder is tiny and sees a few million words; on a GPU it is larger, and sees all.
"""

from __future__ import annotations

import functools
import gzip
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from few_labels import Parts, parts_of
from harness import Row, print_table
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from textrep import EncoderClassifier, MaskedLanguageModel, TfidfVectorizer
from textrep.contextual.encoders import Encoder, EncoderTokenizer
from textrep.core.random import stream
from textrep.engine.device import cpu_has_bf16

ARTICLES = Path("enwiki/enwiki_2015_part.txt.gz")
CORPORA = ("sst2", "mr", "imdb")
FULL_CORPORA = ("sst2", "mr", "reuters_r8", "sms_spam", "imdb", "mrpc", "glue_rte")
PAIRS = ("mrpc", "glue_rte")  # two sentences, with a line end between
N_LABELS = 500
MOST_TESTED = 2_000
DEMANDED = 5.0  # points above the encoder from scratch
LINEAR = "TF-IDF + linear SVM"
SCRATCH, MLM, NSP = "from scratch", "masked words", "masked words and next sentences"
REVIEWS = "masked words, reviews too"


class Sizes(NamedTuple):
    """How much is trained.

    Attributes
    ----------
    characters : int
        Of Wikipedia, at most.
    pretrain_seconds : float
        Of each pre-training.
    epochs : int
        Of fine-tuning with few labels.
    most_seconds : float
        Of fine-tuning with all labels, a data set.
    n_texts : int or None
        Labelled texts of a data set at most; None for all.
    """

    shape: dict[str, int]
    max_length: int
    characters: int
    pretrain_seconds: float
    epochs: int
    full_epochs: int
    most_seconds: float
    n_seeds: int
    corpora: tuple[str, ...]
    full_corpora: tuple[str, ...]
    n_tested: int
    n_texts: int | None


_TINY = {"num_layers": 2, "hidden_size": 128}
QUICK = Sizes(_TINY, 64, 1_000_000, 15, 2, 1, 15, 1, ("sst2",), ("sst2", "mrpc"), 300, 500)
CPU = Sizes(
    _TINY, 128, 110_000_000, 180, 6, 3, 40, 3, CORPORA,
    FULL_CORPORA, MOST_TESTED, None,
)  # fmt: skip
GPU = Sizes(
    {"num_layers": 8, "hidden_size": 512}, 128, 110_000_000, 420, 15, 4, 120, 3, CORPORA,
    FULL_CORPORA, MOST_TESTED, None,
)  # fmt: skip

SIZES = {"quick": QUICK, "cpu": CPU, "gpu": GPU}
VOCAB_SIZE = 12_000
ARCHITECTURE = "modernbert"
# Tried on two layers of 128 features, by the loss of a hidden token of held-out articles. BERT's
# own layers, which norm their output, stay at that of word frequencies (7.0 nats of 8,000 tokens)
# through 6 million tokens, with rates of 4e-4 to 4e-3, first weights of 0.02 to 0.09 and sines as
# first positions; with vectors of word2vec, sines and a rate of 1e-3 they come to 6.7 after 1.7
# million. ModernBERT's come to 5.8 after 3 million, from vectors of word2vec to 4.4, and to 3.8
# after 11. 30,000 tokens instead of 8,000 make word2vec better (65 instead of 61 % on sst2, by
# means of words) and training three times as long, for the softmax; a tokenizer that has read
# reviews needs fewer. With 500 labels of held-out texts of sst2, an encoder of which word2vec has
# learnt the vectors of 10 million tokens, of reviews too, and nothing else, has 73.4 %; after 90
# seconds of masked words at a rate of 4e-3 68.0, with a tenth of that rate for the vectors 72.1; of
# 22 million tokens, at 2e-3, 73.8. From scratch it has 63.4. In fine-tuning, frozen embeddings (61
# %, not 66, of an early encoder) and lower rates for lower layers (64) cost: with 500 labels most
# is learnt by vectors of words.
PRETRAIN_ROWS = 16
RATES_TRIED, QUICK_RATES_TRIED = (5e-4, 1e-3, 2e-3), (1e-3,)
WINDOWS = {"imdb": 2}  # of a text; of others one
RATES_ON = "sst2"

Labels = NDArray[Any]


def sizes_of(quick: bool, device: str) -> Sizes:
    if quick:
        return QUICK
    return GPU if device != "cpu" and torch.cuda.is_available() else CPU


def surroundings(device: str, seed: int) -> dict[str, Any]:
    """Where and how all are trained."""
    bf16 = device == "cpu" and cpu_has_bf16()
    return {
        "device": device,
        "precision": "bf16" if bf16 else "auto",
        "random_state": seed,
        "verbose": 0,
    }


# ---- pre-training


def articles(data: Path, n_characters: int) -> list[str]:
    """Articles of Wikipedia, whole ones, of so many characters together."""
    with gzip.open(data / ARTICLES, "rt", encoding="utf-8") as file:
        text = file.read(n_characters)
    found = [article for article in text.split("\n\n") if article.strip()]
    return found[:-1] if len(found) > 1 else found


def unlabelled(corpora: tuple[str, ...], n_characters: int) -> list[str]:
    """Texts of training parts, without labels, in random order; so many characters of each set."""
    found: list[str] = []
    for corpus in corpora:
        texts = parts_of(corpus, False).texts
        order = stream(0, corpus).permutation(len(texts))
        ends = np.cumsum([len(texts[i]) for i in order])
        found += [texts[i] for i in order[ends <= n_characters].tolist()]
    return found


@functools.cache
def shared_tokenizer(data: Path, sizes_name: str) -> EncoderTokenizer:
    """The tokenizer of all encoders."""
    n = SIZES[sizes_name].characters
    texts = [*articles(data, n // 4), *unlabelled(CORPORA, n // 4)]
    return EncoderTokenizer.train(texts, architecture=ARCHITECTURE, vocab_size=VOCAB_SIZE)


@functools.cache
def pretrained(data: Path, sizes_name: str, device: str, name: str) -> MaskedLanguageModel:
    """One of the language models, trained once in a run."""
    sizes = SIZES[sizes_name]
    n = sizes.characters
    texts = articles(data, n // 2 if name == REVIEWS else n)
    if name == REVIEWS:
        texts += unlabelled(CORPORA, n // 2)
    model = MaskedLanguageModel(
        architecture=ARCHITECTURE,
        size=sizes.shape,
        tokenizer=shared_tokenizer(data, sizes_name),
        objective="mlm+nsp" if name == NSP else "mlm",
        max_length=sizes.max_length,
        batch_size=PRETRAIN_ROWS,
        epochs=20,  # more than there is time for; the rate falls in the time
        dropout=0.0,  # no text is read often
        max_seconds=sizes.pretrain_seconds,
        **surroundings(device, 0),
    )
    begun = time.perf_counter()
    model.fit(texts)
    last = model.history_[-1]
    print(
        f"{name}: {model.encoder_.n_parameters:,} weights, {len(texts):,} texts, "
        f"{last['epoch']:.2f} epochs, loss {last.get('masked_loss', last['loss']):.3f} of a hidden "
        f"token, {time.perf_counter() - begun:.0f} s",
        flush=True,
    )
    return model


def name_of(sizes: Sizes) -> str:
    return next(name for name, each in SIZES.items() if each is sizes)


def starts(data: Path, sizes: Sizes, device: str, seed: int) -> dict[str, Any]:
    """What fine-tuning begins from, by name."""
    found: dict[str, Any] = {
        name: pretrained(data, name_of(sizes), device, name) for name in (MLM, NSP, REVIEWS)
    }
    found[SCRATCH] = Encoder.new(
        ARCHITECTURE,
        sizes.shape,
        shared_tokenizer(data, name_of(sizes)),
        max_length=sizes.max_length,
        seed=seed,
    )
    return found


# ---- data


def tested(parts: Parts, most: int) -> Parts:
    """The same, tried on fewer texts."""
    if len(parts.new) <= most:
        return parts
    chosen = np.sort(stream(0, "tested").choice(len(parts.new), most, replace=False))
    return parts._replace(new=[parts.new[i] for i in chosen.tolist()], truth=parts.truth[chosen])


def drawn(parts: Parts, n: int | None, seed: int) -> Parts:
    """The same with so many texts to learn from."""
    if n is None or n >= len(parts.texts):
        return parts
    chosen = np.sort(stream(seed, "draw").choice(len(parts.texts), n, replace=False))
    return parts._replace(
        texts=[parts.texts[i] for i in chosen.tolist()], labels=parts.labels[chosen]
    )


def paired(texts: list[str]) -> list[tuple[str, str]]:
    """Both sentences of each text."""
    pairs = (text.partition("\n") for text in texts)
    return [(first, second) for first, _, second in pairs]


def linear(parts: Parts) -> float:
    """Accuracy of TF-IDF and a linear SVM, per cent."""
    pipeline = make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LinearSVC())
    return 100 * float(pipeline.fit(parts.texts, parts.labels).score(parts.new, parts.truth))


# ---- few labels


def windows_of(corpus: str) -> dict[str, Any]:
    """How much of a text is read."""
    if corpus not in WINDOWS:
        return {}
    return {"long_texts": "windows", "max_windows": WINDOWS[corpus], "window_overlap": 0}


def tuned(
    start: Any, corpus: str, parts: Parts, sizes: Sizes, rate: float, common: dict[str, Any]
) -> EncoderClassifier:
    """A classifier of few labels; the last weights count, since none can be spared."""
    classifier = EncoderClassifier(
        checkpoint=start,
        pretrain_epochs=0,
        max_length=sizes.max_length,
        pooling="mean",
        epochs=sizes.epochs,
        batch_size=16,
        learning_rate=rate,
        validation_fraction=0.0,
        **windows_of(corpus),
        **common,
    )
    return classifier.fit(parts.texts, parts.labels)


def few_labels(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of 500 labels, and the table of all."""
    sizes = sizes_of(quick, device)
    scores: dict[str, dict[str, list[float]]] = {}
    rates = chosen_rates(data, name_of(sizes), device)
    for corpus in sizes.corpora:
        parts = tested(parts_of(corpus, False), sizes.n_tested)
        found = scores.setdefault(corpus, {})
        for seed in range(sizes.n_seeds):
            few = drawn(parts, N_LABELS, seed)
            for name, start in starts(data, sizes, device, seed).items():
                model = tuned(start, corpus, few, sizes, rates[name], surroundings(device, seed))
                found.setdefault(name, []).append(100 * model.score(few.new, few.truth))
            found.setdefault(LINEAR, []).append(linear(few))
    yield from rows_of(scores, machine)


def rows_of(scores: dict[str, dict[str, list[float]]], machine: str) -> Iterator[Row]:
    """A row for each data set and peer, and the table."""
    names = (MLM, NSP, REVIEWS, SCRATCH, LINEAR)
    mean = {
        corpus: {name: statistics.mean(values) for name, values in found.items()}
        for corpus, found in scores.items()
    }
    lines = [
        [corpus, *(summary(found[name]) for name in names)] for corpus, found in scores.items()
    ]
    overall = {name: statistics.mean(each[name] for each in mean.values()) for name in names}
    lines.append(["mean", *(f"{overall[name]:.1f}" for name in names)])
    print_table(f"Accuracy with {N_LABELS} labels, per cent", ["data set", *names], lines)
    threads = torch.get_num_threads()
    for corpus, each in [*mean.items(), ("mean", overall)]:
        for peer in names[1:]:
            yield Row(
                f"BERT, {N_LABELS} labels, {corpus}", "accuracy", each[MLM], peer, each[peer],
                each[MLM] / each[peer], "per cent", threads, machine,
            )  # fmt: skip
    for name in (MLM, REVIEWS):
        gain = overall[name] - overall[SCRATCH]
        yield Row(
            f"BERT, {N_LABELS} labels, {name}, above {SCRATCH}", "accuracy", gain, "demanded",
            DEMANDED, gain / DEMANDED, "points", threads, machine,
        )  # fmt: skip


def summary(values: list[float]) -> str:
    """Mean and deviation."""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


@functools.cache
def chosen_rates(data: Path, sizes_name: str, device: str) -> dict[str, float]:
    """The rate of each start that does best on held-out training texts, found once in a run."""
    sizes = SIZES[sizes_name]
    few = drawn(tested(parts_of(RATES_ON, True), sizes.n_tested), N_LABELS, 0)
    rates = QUICK_RATES_TRIED if sizes is QUICK else RATES_TRIED
    found: dict[str, dict[float, float]] = {}
    for name, start in starts(data, sizes, device, 0).items():
        for rate in rates if len(rates) > 1 else ():
            model = tuned(start, RATES_ON, few, sizes, rate, surroundings(device, 0))
            found.setdefault(name, {})[rate] = model.score(few.new, few.truth)
        found.setdefault(name, {rates[0]: 0.0})
    if len(rates) > 1:
        columns = ["start", *(f"{rate:g}" for rate in rates)]
        lines = [[name, *(f"{100 * each[r]:.1f}" for r in rates)] for name, each in found.items()]
        print_table(f"Accuracy on held-out texts of {RATES_ON}, by learning rate", columns, lines)
    return {name: max(each, key=each.__getitem__) for name, each in found.items()}


# ---- all labels


def all_labels(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """A row for each data set with all its labels."""
    sizes = sizes_of(quick, device)
    start = pretrained(data, name_of(sizes), device, REVIEWS)
    rate = chosen_rates(data, name_of(sizes), device)[REVIEWS]
    for corpus in sizes.full_corpora:
        parts = drawn(parts_of(corpus, False), sizes.n_texts, 0)
        if quick:
            parts = tested(parts, sizes.n_tested)
        as_read = parts
        if corpus in PAIRS:
            as_read = parts._replace(texts=paired(parts.texts), new=paired(parts.new))
        classifier = EncoderClassifier(
            checkpoint=start,
            pretrain_epochs=0,
            max_length=sizes.max_length,
            pooling="mean",
            epochs=sizes.full_epochs,
            learning_rate=rate,
            max_seconds=sizes.most_seconds,
            **windows_of(corpus),
            **surroundings(device, 0),
        )
        begun = time.perf_counter()
        classifier.fit(as_read.texts, as_read.labels)
        fitted = time.perf_counter()
        ours = 100 * float(classifier.score(as_read.new, as_read.truth))
        peer = linear(parts)
        print(
            f"{corpus}: {len(parts.texts):,} labels, {classifier.n_epochs_} epochs"
            f"{' (out of time)' if classifier.out_of_time_ else ''} in {fitted - begun:.0f} s; "
            f"{len(parts.new):,} texts in {time.perf_counter() - fitted:.0f} s",
            flush=True,
        )
        yield Row(
            f"BERT, all labels, {corpus}", "accuracy", ours, LINEAR, peer, ours / peer,
            "per cent", torch.get_num_threads(), machine,
        )  # fmt: skip
