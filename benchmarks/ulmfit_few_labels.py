"""500 labelled reviews and many without labels, for `recurrent.py`: ULMFiT on imdb.

A language model (`UlmfitClassifier.pretrain`) learns from the 25,000 training reviews, none of
their labels and no test review, within `LM_SECONDS`. For each draw, 500 reviews get their labels
and three sides learn from them:

``ulmfit``
    The classifier that is made of the language model, the same one for all draws.
``scratch``
    The same network with the same first weights but for what pre-training has changed: random word
    vectors and no language model. Discriminative rates and gradual unfreezing have nothing to
    protect there and would only slow it down, so it has neither.
``tfidf``
    TF-IDF and logistic regression, the representation and the strength of the regularisation chosen
    as in `few_labels.py`, by fivefold cross-validation on the 500.

Both networks choose among the same learning rates by the same 150 of the 500 reviews of the first
draw, learning from the other 350, and then learn from all 500 of each draw. All are tried on the
same 5,000 reviews of the test part. `--development` tries on reviews of the training part instead.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from few_labels import STRENGTHS, Parts, accuracy, tfidf_representations
from harness import Row, print_table

import textrep
from textrep import RNNLanguageModel, load_corpus
from textrep.contextual import UlmfitClassifier
from textrep.core.random import stream

CORPUS = "imdb"
N_LABELS = 500
N_HELD_OUT = 150  # of the 500, to choose the learning rate by
N_TESTED = 5_000
N_DRAWS = 2
LM_SECONDS = 580.0
QUICK_LM_SECONDS = 90.0
SEED = 1

NETWORK: dict[str, Any] = {
    "embedding_size": 128,
    "hidden_size": 256,
    "num_layers": 2,
    "max_vocabulary": 15_000,
    "max_length": 300,
    # With some hundred labels better than with the maximum and the last step, and far better than
    # the last layer alone (83.0, 82.5 and 76.5 % of 1,500 training reviews).
    "pooled_layers": "all",
    "pooling": "mean",
    "random_state": SEED,
}
LANGUAGE_MODEL: dict[str, Any] = {**NETWORK, "vector_epochs": 5, "lm_epochs": 2, "lm_dropout": 0.1}
# The language model has read the 500 already, so that it is not tuned to them once more.
CLASSIFIER: dict[str, Any] = {
    **NETWORK,
    "finetune_epochs": 0,
    "epochs": 8,
    "batch_size": 25,
    "dropout": 1.0,
}
FROM_SCRATCH: dict[str, Any] = {
    "vector_epochs": 0,
    "lm_epochs": 0,
    "lr_decay": 1.0,
    "gradual_unfreezing": False,
}
LEARNING_RATES = (2e-3, 6e-3)
_LINE_BREAK = re.compile(r"<br\s*/?>")


def reviews(part: str) -> tuple[list[str], np.ndarray]:
    """Texts, without the tags of line breaks, and labels of a part."""
    loaded = load_corpus(CORPUS).part(part)
    return [_LINE_BREAK.sub(" ", text) for text in loaded.texts], np.array(loaded.labels)


def pretrain(texts: list[str], seconds: float, verbose: int = 0) -> RNNLanguageModel:
    """The language model of all training reviews."""
    settings = {**LANGUAGE_MODEL, "max_seconds": seconds, "verbose": verbose}
    return UlmfitClassifier(unlabelled=texts, **settings).pretrain()


def draws(n_draws: int, development: bool) -> Iterator[Parts]:
    """500 labelled reviews, and 5,000 others of the test part (or of the training part)."""
    texts, labels = reviews("train")
    new, truth = (texts, labels) if development else reviews("test")
    for seed in range(n_draws):
        order = stream(seed, "draw").permutation(len(texts))
        chosen = order[:N_LABELS]
        if development:
            tested = order[N_LABELS : N_LABELS + N_TESTED]
        else:
            tested = np.sort(stream(0, "tested").choice(len(new), N_TESTED, replace=False))
        yield Parts(
            [texts[i] for i in chosen], labels[chosen], [new[i] for i in tested], truth[tested]
        )


def best_rate(parts: Parts, settings: dict[str, Any]) -> float:
    """The learning rate that does best on some of the labelled texts, learning from the others."""
    learnt = slice(N_HELD_OUT, None)
    found = {}
    for rate in LEARNING_RATES:
        model = UlmfitClassifier(**settings, learning_rate=rate)
        model.fit(parts.texts[learnt], parts.labels[learnt])
        found[rate] = model.score(parts.texts[:N_HELD_OUT], parts.labels[:N_HELD_OUT])
    return max(found, key=lambda rate: found[rate])


def compare(
    n_draws: int = N_DRAWS,
    lm_seconds: float = LM_SECONDS,
    *,
    language_model: RNNLanguageModel | None = None,
    development: bool = False,
    verbose: int = 0,
) -> dict[str, Any]:
    """Accuracy of each side in each draw, per cent, and the seconds that each took in all.

    Returns
    -------
    dict
        ``accuracy``, ``seconds`` and ``learning_rates`` by side, and ``lm_history`` and
        ``lm_parameters`` (those beside word vectors) of the language model.
    """
    begun = time.perf_counter()
    if language_model is None:
        language_model = pretrain(reviews("train")[0], lm_seconds, verbose)
    module = language_model.module_
    seconds = {"pre-training": time.perf_counter() - begun}
    found: dict[str, list[float]] = {"ulmfit": [], "scratch": [], "tfidf": []}
    rates: dict[str, float] = {}
    for parts in draws(n_draws, development):
        sides = {
            "ulmfit": {**CLASSIFIER, "language_model": language_model},
            "scratch": {**CLASSIFIER, **FROM_SCRATCH},
        }
        for side, values in found.items():
            begun = time.perf_counter()
            if side == "tfidf":
                represented = tfidf_representations(parts.texts, parts.new)
                share = accuracy(represented, STRENGTHS["tfidf"], parts.labels, parts.truth)
            else:
                if side not in rates:
                    rates[side] = best_rate(parts, sides[side])
                model = UlmfitClassifier(**sides[side], learning_rate=rates[side])
                share = float(model.fit(parts.texts, parts.labels).score(parts.new, parts.truth))
            if verbose:
                print(f"{side}: {100 * share:.1f} per cent", file=sys.stderr, flush=True)
            values.append(100 * share)
            seconds[side] = seconds.get(side, 0.0) + time.perf_counter() - begun
    return {
        "accuracy": found,
        "seconds": seconds,
        "learning_rates": rates,
        "lm_history": language_model.history_,
        "lm_parameters": sum(p.numel() for p in module.parameters())
        - module.embedding.weight.numel(),
    }


def measure(machine: str, threads: int, quick: bool = False) -> Iterator[Row]:
    """Rows beside the network from scratch and beside TF-IDF, and a table of the draws."""
    found = compare(1 if quick else N_DRAWS, QUICK_LM_SECONDS if quick else LM_SECONDS)
    mean = {side: statistics.mean(values) for side, values in found["accuracy"].items()}
    peers = {"scratch": "the same network from scratch", "tfidf": "TF-IDF + logistic regression"}
    for side, name in peers.items():
        yield Row(
            f"ULMFiT, {N_LABELS} labels, {CORPUS}", "accuracy", mean["ulmfit"], name, mean[side],
            mean["ulmfit"] / mean[side], "per cent", threads, machine,
        )  # fmt: skip
    lines = [
        [side, ", ".join(f"{value:.1f}" for value in values), f"{found['seconds'][side]:.0f} s"]
        for side, values in found["accuracy"].items()
    ]
    lines.append(["pre-training", "", f"{found['seconds']['pre-training']:.0f} s"])
    print_table(
        f"{N_LABELS} labels, {found['lm_parameters']:,} parameters beside word vectors",
        ["side", "accuracy in each draw", "time"],
        lines,
    )


def main() -> None:
    """One comparison by itself, as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with the data sets")
    parser.add_argument("--development", action="store_true", help="try on training reviews")
    parser.add_argument("--draws", type=int, default=N_DRAWS)
    parser.add_argument("--lm-seconds", type=float, default=LM_SECONDS)
    parser.add_argument("--keep", type=Path, help="file for the language model, made or reused")
    options = parser.parse_args()
    if options.data is not None:
        os.environ["TEXTREP_DATA"] = str(options.data.resolve())
    model = None
    if options.keep is not None:
        if options.keep.exists():
            model = textrep.load(options.keep)
        else:
            model = pretrain(reviews("train")[0], options.lm_seconds, verbose=1)
            model.save(options.keep)
    found = compare(
        options.draws,
        options.lm_seconds,
        language_model=model,
        development=options.development,
        verbose=1,
    )
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
