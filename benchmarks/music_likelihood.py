"""How well models expect music, for `music.py`.

Frames
    Nats of a frame of 88 pitches: JSB chorales in quarter notes and Nottingham's tunes, as
    Boulanger-Lewandowski et al. (2012) divided them and laid them on a grid. A grid of sixteenths
    makes the same chorales half as dear without a thought, so that the resolution and a Markov
    chain's figure are always shown: each pitch by itself, and by whether it sounded before. An LSTM
    that says all pitches of a frame at once stands beside that of Bai et al. (2018), one that says
    them after one another beside the RNN-RBM and RNN-NADE of Boulanger-Lewandowski et al. Three
    seeds on JSB.

Melody
    Nats of a note (pitch and duration, with rests and the end) of Nottingham's melodies, beside
    Markov chains of notes that use the one before, or as many as suit the validation part. Notes a
    second of training stand beside a plain loop of torch over the same network.

Transformer
    Nats of a token of Nottingham's tunes with their chords, beside Markov chains of tokens.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from harness import Row, print_table
from markov_chain import markov_nats
from music_bench import SEEDS, Parts, fewer_is_better, keep, parts_of, spread_told
from music_models import CHORDS, MELODY, TRANSFORMER, fitted

from textrep.engine.batches import Share
from textrep.engine.device import choose_device
from textrep.music import ChoraleModel, MelodyLSTM, MusicTransformer, from_roll
from textrep.music.chorale import pitch_marginal, pitch_markov
from textrep.music.melody import melody_of

# ---- frames

SETS = {"jsb": "JSB", "nottingham_rolls": "Nottingham"}
GRIDS = {"jsb": "quarter notes", "nottingham_rolls": "the files' grid"}
# Boulanger-Lewandowski et al. (2012): "Note 1-gram", RNN-RBM, RNN-NADE; Bai et al. (2018): LSTM.
MARGINAL = {"jsb": 11.06, "nottingham_rolls": 10.25}
LSTM = {"jsb": 8.45, "nottingham_rolls": 3.29}
RNN_RBM = {"jsb": 6.27, "nottingham_rolls": 2.39}
RNN_NADE = {"jsb": 5.56, "nottingham_rolls": 2.31}
WRITTEN = 4
QUICK_PIECES = 60


def frames(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of nats a frame for each set and way to say a chord."""
    for name, title in SETS.items():
        parts = parts_of(name)
        train, test = parts.train.pieces, parts.test.pieces
        marginal, markov = pitch_marginal(train, test), pitch_markov(train, test)
        where = f"{title}, {GRIDS[name]}"
        unit = "nats/frame"
        yield fewer_is_better(f"{where}, each pitch by its share", "likelihood", marginal,
                              "published", MARGINAL[name], unit, machine)  # fmt: skip
        yield fewer_is_better(f"{where}, Markov chain", "likelihood", markov, "share of each",
                              marginal, unit, machine)  # fmt: skip
        lines = [["share of each", f"{marginal:.3f}"], ["Markov chain", f"{markov:.3f}"]]
        for outputs, peers in (
            ("independent", {"LSTM, Bai 2018": LSTM[name]}),
            ("ordered", {"RNN-RBM": RNN_RBM[name], "RNN-NADE": RNN_NADE[name]}),
        ):
            ours, model = chords(name, outputs, parts, quick, device)
            lines.append([outputs, spread_told(ours)])
            mean = statistics.mean(ours)
            for peer_name, peer in {"Markov chain": markov, **peers}.items():
                yield fewer_is_better(f"{where}, {outputs}", "likelihood", mean, peer_name, peer,
                                      unit, machine)  # fmt: skip
            written = model.sample(WRITTEN, steps=64, random_state=0)
            keep(f"{name}-{outputs}", [from_roll(roll, 1, tempo=90.0) for roll in written])
        print_table(f"{where}: nats a frame", ["of", "test"], lines)


def chords(
    name: str, outputs: str, parts: Parts, quick: bool, device: str
) -> tuple[list[float], Any]:
    """Nats a frame of the test part for each seed, and the last model."""
    seeds = SEEDS if name == "jsb" and not quick else SEEDS[:1]
    n = QUICK_PIECES if quick else None
    found: list[float] = []
    for seed in seeds:
        model = fitted(
            ChoraleModel,
            CHORDS[name, outputs],
            parts.train.pieces[:n],
            quick=quick,
            device=device,
            random_state=seed,
        )
        found.append(model.nats_per_frame(parts.test.pieces[:n]))
        print(f"{name}, {outputs}, seed {seed}: {found[-1]:.3f} nats a frame", flush=True)
    return found, model


# ---- melody

END = "end"
NOTES_TIMED = 40_000


def melody(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of nats a note, and of the time of training."""
    parts = parts_of("nottingham")
    melodies = [[melody_of(score) for score in part.pieces] for part in parts]
    if quick:
        melodies = [part[:150] for part in melodies]
    chain = markov_nats(*([[*piece, END] for piece in part] for part in melodies))
    ours: list[float] = []
    for seed in SEEDS[:1] if quick else SEEDS:
        model = fitted(
            MelodyLSTM, MELODY, melodies[0], quick=quick, device=device, random_state=seed
        )
        ours.append(model.nats_per_note(melodies[2]))
    lines = [
        ["Markov chain of the note before", f"{chain.first:.3f}"],
        [f"Markov chain of {chain.order} notes", f"{chain.best:.3f}"],
        ["MelodyLSTM", spread_told(ours)],
    ]
    print_table("Nottingham's melodies, 12 steps a quarter: nats a note", ["of", "test"], lines)
    mean = statistics.mean(ours)
    for peer_name, peer in (
        ("Markov chain, 1 note", chain.first),
        (f"Markov chain, {chain.order} notes", chain.best),
    ):
        yield fewer_is_better("Nottingham, MelodyLSTM", "likelihood", mean, peer_name, peer,
                              "nats/note", machine)  # fmt: skip
    written = model.sample(WRITTEN, temperature=0.8, random_state=0)
    keep("melody", model.to_scores(written))
    yield speed_of_melody(melodies[0], device, machine)


def speed_of_melody(melodies: list[Any], device: str, machine: str) -> Row:
    """Notes a second of `fit` and of a plain loop over the same network and batches."""
    taken, n_notes = [], 0
    for piece in melodies:
        taken.append(piece)
        n_notes += len(piece) + 1
        if n_notes >= NOTES_TIMED:
            break
    spent: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(3):  # in turns
        model = MelodyLSTM(epochs=1, batch_size=16, device=device, precision="fp32", random_state=0)
        model.fit(taken)
        spent["ours"].append(model.history_[-1]["seconds"])
        spent["plain"].append(plain_melody(model, taken, device))
    ours, plain = (n_notes / min(spent[name]) for name in ("ours", "plain"))
    return Row("MelodyLSTM in fp32", "training", ours, "plain torch loop", plain, ours / plain,
               "notes/s", torch.get_num_threads(), machine)  # fmt: skip


def plain_melody(model: Any, melodies: list[Any], device: str) -> float:
    """Seconds of an epoch as plain loops have it: what is around the network alone is different."""
    home = choose_device(device)
    module = model._build().to(home).train()
    batches = model._batches(model._numbered(melodies))
    optimiser = torch.optim.AdamW(module.parameters(), model.learning_rate, weight_decay=0.01)
    begun = time.perf_counter()
    for spec in batches.plan(0):
        batch = batches.read(spec, Share())
        batch = type(batch)(*(table.to(home) for table in batch))
        pitch, duration = module.nats(batch)
        total = (pitch.sum() + duration.sum()) / (batch.next_pitches >= 0).sum()
        optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
    float(total.detach())  # a GPU is waited for
    return time.perf_counter() - begun


# ---- transformer


def transformer(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of nats a token."""
    scores = [part.pieces[:100] if quick else part.pieces for part in parts_of("nottingham")]
    model = fitted(
        MusicTransformer, TRANSFORMER, scores[0], quick=quick, device=device, random_state=0
    )
    ours = model.nats_per_token(scores[2])
    tokens = [[[*model.tokenizer_.encode(score), END] for score in part] for part in scores]
    chain = markov_nats(*tokens)
    lines = [
        ["Markov chain of the token before", f"{chain.first:.3f}"],
        [f"Markov chain of {chain.order} tokens", f"{chain.best:.3f}"],
        ["MusicTransformer", f"{ours:.3f}"],
    ]
    print_table("Nottingham's tunes and chords: nats a token", ["of", "test"], lines)
    for peer_name, peer in (
        ("Markov chain, 1 token", chain.first),
        (f"Markov chain, {chain.order} tokens", chain.best),
    ):
        yield fewer_is_better("Nottingham, MusicTransformer", "likelihood", ours, peer_name, peer,
                              "nats/token", machine)  # fmt: skip
    keep("transformer", model.sample(WRITTEN, max_tokens=512, random_state=0))
