"""Experts, for `transformers.py`: `SwitchTransformer` beside `GPT` at equal computation per token.

English Wikipedia in subwords. Both have the same layers; in the sparse one each token goes through
one of eight feed-forward layers, each as large as the dense model's only one. The dense model
learns from so many batches; the sparse one from 1/1.3 of them, in a whole schedule of its own, and
is to reach the loss of the other. The loss is that of the last texts of the file, which nothing is
trained on; the rate of each was chosen from one grid, by

    python benchmarks/sparse_experts.py --data DIR '{"kind": "dense", "learning_rate": 0.004}' ...

which prints the loss of texts just before those. What it printed stands beside `SETTINGS`. The
tokens that go to each expert of each layer are counted: none may have less than a quarter of an
equal share.

Tweets in four languages (xlmt_sentiment, without labels). Dense and sparse learn from as many
batches of all four; perplexity of the test parts, and which experts each language uses.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Row, print_table

from textrep import GPT, SubwordTokenizer, SwitchTransformer, load_corpus
from textrep.preprocess import TokenizerCodec

SEED = 1
DEMANDED = 1.3  # times as many steps must the dense model take to the same loss
STARVES = 0.25  # of an equal share
N_EXPERTS = 8

# ---- English Wikipedia

TEXT = Path("enwiki") / "enwiki_2015_part.txt.gz"
CHARACTERS, QUICK_CHARACTERS = 12_000_000, 1_500_000
HELD_OUT = 100_000  # characters at the end, and as many before them to choose settings by
VOCAB_SIZE = 1_000
STEPS, QUICK_STEPS = 5_200, 100

# Room is what a model lacks when it has learnt all that it can hold, so that this one is small.
# Loss of the texts to choose by, with rates of 4e-3, 8e-3 and 16e-3: dense 4.244, 4.147 and 4.157
# after 5,200 steps; sparse, with the first two, 4.047 and 3.989 after 4,000. With other seeds the
# dense one has 4.176 and 4.196, the sparse one 4.038. Of twice the width (a vocabulary of 2,000,
# half the steps) the dense one came to 4.461 and the sparse one, in 1/1.3 of the steps, to 4.533;
# to 4.469 if what the experts give was multiplied by their number, so that a layer began as strong
# as a dense one. At this width that hurts (4.090), and it is not in the library.
SETTINGS: dict[str, Any] = {
    "num_layers": 2,
    "num_heads": 2,
    "hidden_size": 32,
    "max_length": 64,
    "batch_size": 32,
    "dropout": 0.0,
    "output_bias": True,
    "warmup": 0.1,
    "learning_rate": 8e-3,
}
SPARSE: dict[str, Any] = {"n_experts": N_EXPERTS}


def enwiki(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of steps and loss; tables of both models, and of the use of experts."""
    n_characters = QUICK_CHARACTERS if quick else CHARACTERS
    train, _, test = wikipedia(data, n_characters)
    tokenizer = tokenizer_of(train)
    steps = QUICK_STEPS if quick else STEPS
    fewer = int(steps / DEMANDED)
    models = {
        "dense": fit("dense", train, tokenizer, {"max_steps": steps}, device),
        "sparse": fit("switch", train, tokenizer, {"max_steps": fewer}, device),
    }
    losses = {name: -model.score(test, continuous=True) for name, model in models.items()}
    show_models("English Wikipedia", models, losses)
    use = models["sparse"].expert_use(test)
    show_use("English Wikipedia: share of tokens by expert, per cent", {"": use})
    threads = torch.get_num_threads()
    yield Row(
        f"enwiki, Switch at {fewer:,} of {steps:,} steps", "loss", losses["sparse"],
        "dense, all steps", losses["dense"], losses["dense"] / losses["sparse"], "nats/token",
        threads, machine,
    )  # fmt: skip
    reached = losses["sparse"] <= losses["dense"]
    print(f"enwiki: the dense loss is {'reached' if reached else 'NOT reached'} in {fewer:,} steps")
    least = float(use.min()) * N_EXPERTS
    yield Row(
        "enwiki, least used expert", "share of equal use", least, "demanded", STARVES,
        least / STARVES, "of 1/8", threads, machine,
    )  # fmt: skip
    speeds = {name: speed(model) / 1000 for name, model in models.items()}
    yield Row(
        "enwiki, training", "speed", speeds["sparse"], "dense", speeds["dense"],
        speeds["sparse"] / speeds["dense"], "1,000 tokens/s", threads, machine,
    )  # fmt: skip


def wikipedia(data: Path, n_characters: int) -> tuple[list[str], list[str], list[str]]:
    """Lines to train on, to choose settings by, and to test on."""
    with gzip.open(data / TEXT, "rt", encoding="utf-8") as file:
        text = file.read(n_characters)
    cuts = (0, n_characters - 2 * HELD_OUT, n_characters - HELD_OUT, n_characters)
    parts = [text[start:end].splitlines() for start, end in itertools.pairwise(cuts)]
    train, valid, test = ([line for line in part if line.strip()] for part in parts)
    return train, valid, test


def tokenizer_of(texts: list[str], vocab_size: int = VOCAB_SIZE) -> SubwordTokenizer:
    """Subwords of the training texts, learnt once for all models."""
    special = ("<|endoftext|>",)
    return SubwordTokenizer(vocab_size=vocab_size, special_tokens=special).fit(texts)


def fit(
    kind: str, train: list[str], tokenizer: SubwordTokenizer, changes: dict[str, Any], device: str
) -> Any:
    """A model that has learnt, dense or sparse."""
    settings = {**SETTINGS, **(SPARSE if kind == "switch" else {}), **changes}
    make = SwitchTransformer if kind == "switch" else GPT
    settings = {"random_state": SEED, **settings}
    model = make(tokenizer=tokenizer, **settings, device=device, verbose=1)
    return model.fit(train)


# ---- tweets

# Four scripts, in wider models.
TWEET_VOCAB_SIZE = 4_000
TWEET_SETTINGS: dict[str, Any] = {"hidden_size": 64, "batch_size": 16, "learning_rate": 4e-3}
LANGUAGES = {"ar": "arabic", "en": "english", "de": "german", "hi": "hindi"}
TWEET_STEPS, QUICK_TWEET_STEPS = 600, 40
PARTS = ("train", "test")
# 7,000 tweets are read several times over.
TWEET_DROPOUT, TWEET_EXPERT_DROPOUT = 0.1, 0.2


def tweets(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """A row of perplexity; tables of it and of the use of experts by language."""
    train, test = ({code: tweets_of(code, part) for code in LANGUAGES} for part in PARTS)
    texts = [text for own in zip(*train.values(), strict=False) for text in own]  # in turns
    tokenizer = tokenizer_of(texts, TWEET_VOCAB_SIZE)
    steps = QUICK_TWEET_STEPS if quick else TWEET_STEPS
    common = {**TWEET_SETTINGS, "max_steps": steps, "dropout": TWEET_DROPOUT}
    inside = {"expert_dropout": TWEET_EXPERT_DROPOUT}
    models = {
        "dense": fit("dense", texts, tokenizer, common, device),
        "sparse": fit("switch", texts, tokenizer, {**common, **inside}, device),
    }
    tested = [text for own in test.values() for text in own]
    groups = [LANGUAGES[code] for code, own in test.items() for _ in own]
    losses = {name: -model.score(tested) for name, model in models.items()}
    show_models("tweets in four languages", models, losses)
    lines = [
        [LANGUAGES[code], *(f"{model.perplexity(own):.1f}" for model in models.values())]
        for code, own in test.items()
    ]
    print_table("tweets: perplexity of a subword", ["language", *models], lines)
    use = models["sparse"].expert_use(tested, groups=groups)
    show_use("tweets: share of tokens by expert, per cent", use)
    for layer, bits in enumerate(told_by_language(use), start=1):
        print(f"tweets: layer {layer}: the language tells {bits:.2f} bits of the expert's 3")
    yield Row(
        f"tweets, {steps} steps each", "test loss", losses["sparse"], "dense", losses["dense"],
        losses["dense"] / losses["sparse"], "nats/token", torch.get_num_threads(), machine,
    )  # fmt: skip


def tweets_of(code: str, part: str) -> list[str]:
    """Tweets in a language."""
    return list(load_corpus(f"xlmt_{code}").part(part).texts)


def told_by_language(use: dict[str, np.ndarray]) -> list[float]:
    """Of each layer, how many bits the language tells of the expert, languages being alike likely.

    >>> told_by_language({"a": np.array([[1.0, 0.0]]), "b": np.array([[0.0, 1.0]])})
    [1.0]
    """
    shares = np.stack(list(use.values()))  # (languages, layers, experts)
    return [float(x) for x in entropy(shares.mean(axis=0)) - entropy(shares).mean(axis=0)]


def entropy(shares: np.ndarray) -> np.ndarray:
    """In bits, over the last axis."""
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return -(shares * logs).sum(axis=-1)


# ---- what both print


def speed(model: Any) -> float:
    """Tokens a second in training."""
    last = model.history_[-1]
    return last["step"] * model.batch_size * model.max_length / last["seconds"]


def show_models(title: str, models: dict[str, Any], losses: dict[str, float]) -> None:
    """Weights, steps, loss and speed of each model."""
    lines = []
    for name, model in models.items():
        last = model.history_[-1]
        n_weights = sum(weights.numel() for weights in model.module_.parameters())
        lines.append(
            [name, f"{n_weights:,}", f"{last['step']:,.0f}", f"{losses[name]:.4f}",
             f"{speed(model):,.0f}", f"{last.get('balance', 1):.3f}",
             f"{100 * last.get('dropped', 0):.1f}"]
        )  # fmt: skip
    columns = ["model", "weights", "steps", "loss", "tokens/s", "balance", "dropped, %"]
    print_table(title, columns, lines)


def show_use(title: str, use: dict[str, np.ndarray]) -> None:
    """Shares of experts by layer and group."""
    n_layers, n_experts = next(iter(use.values())).shape
    lines = [
        [str(layer + 1), group, *(f"{100 * share:.1f}" for share in table[layer])]
        for layer in range(n_layers)
        for group, table in use.items()
    ]
    print_table(title, ["layer", "texts", *(str(e + 1) for e in range(n_experts))], lines)


def run(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of both parts."""
    yield from enwiki(data=data, quick=quick, device=device, machine=machine)
    yield from tweets(quick=quick, device=device, machine=machine)


# ---- settings


def main() -> None:
    """Validation loss with some settings changed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("TEXTREP_DATA"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("changes", nargs="+", help='JSON; "kind" is "dense" or "switch"')
    options = parser.parse_args()
    train, valid, _ = wikipedia(options.data, CHARACTERS)
    tokenizer = tokenizer_of(train)
    n_tokens = sum(map(len, TokenizerCodec(tokenizer).encode_all(valid))) + len(valid)
    print(f"{n_tokens:,} tokens to choose by")
    for change in map(json.loads, options.changes):
        begun = time.perf_counter()
        kind = change.pop("kind")
        model = fit(kind, train, tokenizer, change, options.device)
        print(
            f"{kind} {change}: loss {-model.score(valid, continuous=True):.4f}, "
            f"{time.perf_counter() - begun:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
