"""Language models, for `recurrent.py`: the Penn Treebank by words, tinyshakespeare by characters.

Penn Treebank. Two LSTM layers of 200 units as in Zaremba et al. (2014), who reach a test perplexity
of 114.5 without regularisation; then the same size with the regularisation of AWD-LSTM (Merity et
al. 2017). Both tie the weights of input and output and are trained by AdamW in one cycle, which
takes fewer than the paper's 13 epochs. Settings are chosen on the validation part, by

    python benchmarks/language_models.py --data DIR '{"learning_rate": 0.003}' '{"awd": true}'

which prints the validation perplexity of each change and never looks at the test part. With
``--device cuda`` the second one has the full size of AWD-LSTM and ten minutes. Perplexities are
those of the whole part read as one text, ends of sentences included, as published ones are.

tinyshakespeare. The last tenth of the characters is for validation. The peer is the same network
(`torch.nn.LSTM`) in a plain loop of torch, with the same streams, windows, optimiser, rate,
clipping and epochs, in turns with ours.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from harness import Row, print_table
from torch import nn

from textrep import load_corpus
from textrep.generation import RNNLanguageModel

SEED = 1

# ---- Penn Treebank

ZAREMBA_SMALL = 114.5  # Zaremba et al. (2014), table 1: test perplexity, non-regularised
AWD_LSTM = 57.3  # Merity et al. (2017), table 1: 24 M weights and 750 epochs
PTB_TEST_UNITS = 82_430  # 78,669 words and 3,761 ends of sentences

# Few epochs want many steps, hence as few streams as the paper has, and little dropout. The softmax
# is adaptive, all its weights tied: with all 10,000 words it takes twice the time of the LSTM.
SMALL: dict[str, Any] = {
    "level": "whitespace",  # the corpus is cut into words
    "min_count": 1,  # and knows 10,000 of them
    "embedding_size": 200,
    "hidden_size": 200,
    "num_layers": 2,
    "tie_weights": True,
    "cutoffs": (2_000, 5_000),
    "validation_fraction": 0.0,
    "window": 35,
    "batch_size": 20,
    "optimizer": "adamw",
    "schedule": "one-cycle",
    "max_grad_norm": 0.25,
    "learning_rate": 5e-3,
    "dropout": 0.25,
    "input_dropout": 0.2,
    "hidden_dropout": 0.15,
    "epochs": 6,
}
AWD: dict[str, Any] = {
    **SMALL,
    "weight_dropout": 0.2,
    "embedding_dropout": 0.05,
    "activation_penalty": 2.0,
    "slowness_penalty": 1.0,
    "vary_window": True,
    "epochs": 8,
}
# Dropouts and penalties of the paper; AdamW in one cycle in place of 750 epochs of NT-ASGD.
FULL_AWD: dict[str, Any] = {
    **AWD,
    "embedding_size": 400,
    "hidden_size": 1150,
    "num_layers": 3,
    "window": 70,
    "batch_size": 40,
    "dropout": 0.4,
    "input_dropout": 0.4,
    "hidden_dropout": 0.25,
    "weight_dropout": 0.5,
    "embedding_dropout": 0.1,
    "weight_decay": 1e-5,
    "learning_rate": 2e-3,
    "epochs": 60,
    "max_seconds": 540.0,
}
QUICK_SECONDS = 35.0


def ptb(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """A row for each of two models, and a table with their validation perplexities."""
    corpus = load_corpus("ptb")
    train, valid, test = (list(corpus.part(part).texts) for part in ("train", "validation", "test"))
    on_gpu = torch.device(device if device != "auto" else "cpu").type == "cuda"
    models = {
        "LSTM 2 x 200": (SMALL, "Zaremba et al. 2014", ZAREMBA_SMALL),
        "AWD-LSTM 3 x 1150": (FULL_AWD, "Merity et al. 2017", AWD_LSTM),
        "AWD-LSTM 2 x 200": (AWD, "Zaremba et al. 2014", ZAREMBA_SMALL),
    }
    del models["AWD-LSTM 2 x 200" if on_gpu else "AWD-LSTM 3 x 1150"]
    lines = []
    for name, (settings, peer, published) in models.items():
        chosen = {**settings, **({"epochs": 1, "max_seconds": QUICK_SECONDS} if quick else {})}
        model = RNNLanguageModel(**chosen, device=device, random_state=SEED, verbose=1)
        begun = time.perf_counter()
        model.fit(train, validation=valid)  # which says which epoch was best
        spent = time.perf_counter() - begun
        found = {part: model.perplexity(texts, continuous=True) for part, texts in
                 (("validation", valid), ("test", test))}  # fmt: skip
        lines.append(
            [name, f"{weights_of(model):,}", str(model.n_epochs_), f"{spent:.0f}",
             f"{found['validation']:.2f}", f"{found['test']:.2f}"]
        )  # fmt: skip
        yield Row(
            f"ptb, {name}", "test perplexity", found["test"], peer, published,
            published / found["test"], "perplexity", torch.get_num_threads(), machine,
        )  # fmt: skip
    columns = ["model", "weights", "epochs", "seconds", "validation", "test"]
    print_table("Penn Treebank: perplexity", columns, lines)


def weights_of(model: RNNLanguageModel) -> int:
    """Weights of a fitted model, tied ones once."""
    return sum(weights.numel() for weights in model.module_.parameters())


# ---- tinyshakespeare

HELD_OUT = 0.1
EMBEDDING_SIZE = 64
HIDDEN_SIZE = 256
NUM_LAYERS = 2
N_STREAMS = 32
WINDOW = 64
LEARNING_RATE = 4e-3
MAX_GRAD_NORM = 1.0
TURNS, QUICK_TURNS = 2, 1
EPOCHS, QUICK_EPOCHS = 1, 1
QUICK_CHARACTERS = 150_000
CHUNK = 1000  # characters of validation at a time


class Trained(NamedTuple):
    """Of a run: validation loss in nats a character, and characters a second of training."""

    loss: float
    rate: float


def shakespeare(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of loss, bits and speed, and a table of the turns."""
    text = (data / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    text = text[:QUICK_CHARACTERS] if quick else text
    cut = round(len(text) * (1 - HELD_OUT))
    epochs = QUICK_EPOCHS if quick else EPOCHS
    found: dict[str, list[Trained]] = {"textrep": [], "torch": []}
    for turn in range(QUICK_TURNS if quick else TURNS):
        for side, train in (("textrep", ours), ("torch", plain_loop)):
            found[side].append(train(text[:cut], text[cut:], epochs, SEED + turn, device))
    lines = [
        [side, str(turn), f"{run.loss:.4f}", f"{run.loss / math.log(2):.4f}", f"{run.rate:,.0f}"]
        for side, runs in found.items()
        for turn, run in enumerate(runs, start=1)
    ]
    columns = ["loop", "turn", "validation loss", "bits a character", "characters/s"]
    print_table(f"tinyshakespeare: {epochs} epochs", columns, lines)
    loss, plain_loss = (statistics.mean(run.loss for run in runs) for runs in found.values())
    rate, plain_rate = (statistics.median(run.rate for run in runs) for runs in found.values())
    for metric, a, b, unit in (
        ("validation loss", loss, plain_loss, "nats/character"),
        ("validation loss", loss / math.log(2), plain_loss / math.log(2), "bits/character"),
        ("training", rate / 1000, plain_rate / 1000, "1,000 characters/s"),
    ):
        ratio = a / b if metric == "training" else b / a
        yield Row(
            "tinyshakespeare", metric, a, "plain loop of torch", b, ratio, unit,
            torch.get_num_threads(), machine,
        )  # fmt: skip


def ours(train: str, valid: str, epochs: int, seed: int, device: str) -> Trained:
    """Our estimator, without what the plain loop does not have."""
    model = RNNLanguageModel(
        level="character", embedding_size=EMBEDDING_SIZE, hidden_size=HIDDEN_SIZE,
        num_layers=NUM_LAYERS, tie_weights=False, dropout=0.0, input_dropout=0.0,
        embedding_dropout=0.0, hidden_dropout=0.0, weight_dropout=0.0, activation_penalty=0.0,
        slowness_penalty=0.0, window=WINDOW, batch_size=N_STREAMS, epochs=epochs,
        learning_rate=LEARNING_RATE, optimizer="adamw", schedule="cosine", weight_decay=0.0,
        max_grad_norm=MAX_GRAD_NORM, validation_fraction=0.0, device=device, precision="fp32",
        random_state=seed,
    )  # fmt: skip
    model.fit([train])
    rate = epochs * len(train) / model.history_[-1]["seconds"]
    return Trained(-model.score([valid], continuous=True), rate)


def plain_loop(train: str, valid: str, epochs: int, seed: int, device: str) -> Trained:
    """The same without textrep."""
    torch.manual_seed(seed)
    place = torch.device(device if device != "auto" else "cpu")
    characters = {c: i for i, c in enumerate(sorted(set(train + valid)), start=1)}
    # 0 ends a text
    n_units = len(characters) + 1
    embedding = nn.Embedding(n_units, EMBEDDING_SIZE)
    lstm = nn.LSTM(EMBEDDING_SIZE, HIDDEN_SIZE, NUM_LAYERS, batch_first=True)
    model = nn.ModuleList([embedding, lstm, nn.Linear(HIDDEN_SIZE, n_units)]).to(place)
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=0.0)

    ids = torch.tensor([*(characters[c] for c in train), 0], device=place)
    length = (len(ids) - 1) // N_STREAMS
    inputs = ids[: length * N_STREAMS].view(N_STREAMS, length)
    targets = ids[1 : length * N_STREAMS + 1].view(N_STREAMS, length)
    n_steps = epochs * math.ceil(length / WINDOW)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    begun = time.perf_counter()
    for _ in range(epochs):
        state = None
        for start in range(0, length, WINDOW):
            window = slice(start, start + WINDOW)
            outputs, state = lstm(embedding(inputs[:, window]), state)
            state = tuple(part.detach() for part in state)
            logits = model[2](outputs).flatten(0, 1)
            loss = nn.functional.cross_entropy(logits, targets[:, window].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
            optimizer.step()
            schedule.step()
    rate = epochs * len(train) / (time.perf_counter() - begun)

    held = torch.tensor([0, *(characters[c] for c in valid), 0], device=place)
    total, state = 0.0, None
    with torch.inference_mode():
        for start in range(0, len(held) - 1, CHUNK):
            read = held[start : start + CHUNK + 1]
            outputs, state = lstm(embedding(read[None, :-1]), state)
            total += float(nn.functional.cross_entropy(
                model[2](outputs)[0], read[1:], reduction="sum"
            ))  # fmt: skip
    return Trained(total / (len(held) - 1), rate)


# ---- settings


def main() -> None:
    """Validation perplexity on the Penn Treebank with some settings changed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with the data sets")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("changes", nargs="+", help='JSON; "awd": true begins with those of AWD')
    options = parser.parse_args()
    if options.data is not None:
        os.environ["TEXTREP_DATA"] = str(options.data.resolve())
    corpus = load_corpus("ptb")
    train, valid = (list(corpus.part(part).texts) for part in ("train", "validation"))
    for change in map(json.loads, options.changes):
        settings = {**(AWD if change.pop("awd", False) else SMALL), **change}
        model = RNNLanguageModel(**settings, device=options.device, random_state=SEED).fit(train)
        last = model.history_[-1]
        print(
            f"{change}: validation perplexity {model.perplexity(valid, continuous=True):.2f}, "
            f"training {math.exp(last['nll']):.2f}, {last['epoch']:.2f} epochs in "
            f"{last['seconds']:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
