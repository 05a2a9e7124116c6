"""What is said of Transformers beside LSTMs, for `transformers.py`: speed and memory by length.

Speed. A causal language model of Transformer blocks and one of two LSTM layers, of about as many
weights, are trained for some steps by the same loop, optimiser and tokens to a batch, cut into rows
of growing length; a step of the LSTM waits for the one before, position by position, where
attention looks at all at once and costs more the longer rows are. The two take turns; figures are
tokens learnt in a second, medians.

Memory. Eight symbols are read, then a stretch of blanks, then they are asked for one by one. One
model of each kind learns from batches of all distances in random order, for equally many steps, and
is then asked by distance: how many symbols does it recall? One in sixteen is right by chance.
The rate of learning is the same for both, and nothing was chosen by what is tested.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from harness import Row, machine_name, report, seconds
from torch import nn
from torch.nn import functional as F

from textrep.engine import (
    Batches,
    LossSum,
    Share,
    Task,
    TrainingSettings,
    choose_device,
    evaluate,
    torch_seed,
    train,
)
from textrep.engine.windows import WindowBatches
from textrep.generation.gpt_module import GPTModule, GPTTask
from textrep.generation.recurrent_module import RecurrentLM, RecurrentLMTask
from textrep.layers import BlockShape, LearnedPositions, RecurrentStack, TransformerStack

SEED = 1
BYTES = 256


class Sizes(NamedTuple):
    """How large and how long."""

    size: int  # features of the Transformer that is timed
    n_layers: int
    tokens: int  # of a batch
    lengths: tuple[int, ...]
    n_steps: int  # a turn
    turns: int
    recall_steps: int


CPU = Sizes(128, 3, 4096, (64, 256, 1024, 2048), 2, 2, 500)
CUDA = Sizes(512, 8, 32_768, (64, 256, 1024, 2048), 10, 3, 4000)
QUICK = Sizes(64, 2, 2048, (64, 2048), 1, 1, 60)


def run(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of the section: tokens a second by length, then recall by distance."""
    sizes = QUICK if quick else CUDA if choose_device(device).type == "cuda" else CPU
    yield from speed(sizes, device, machine)
    yield from recall(sizes, device, machine)


# ---- Speed


def speed(sizes: Sizes, device: str, machine: str) -> Iterator[Row]:
    """Tokens a second of both, a row for each length."""
    text = np.random.default_rng(SEED).integers(BYTES, size=sizes.tokens * (sizes.n_steps + 3))
    tasks = timed_tasks(sizes)
    millions = [n_weights(task) / 1e6 for task in tasks.values()]
    peer = f"LSTM (RecurrentStack), {millions[1]:.2f} M weights"
    for length in sizes.lengths:
        spent: dict[str, list[float]] = {name: [] for name in tasks}
        for turn in range(sizes.turns + 1):
            for name, task in tasks.items():
                batches = WindowBatches(
                    text, n_rows=sizes.tokens // length, window=length, n_steps=sizes.n_steps
                )
                time = seconds(lambda: learn(task, batches, device))  # noqa: B023
                if turn:  # the first finds memory and kernels
                    spent[name].append(time)
        n_tokens = sizes.tokens * sizes.n_steps
        rates = {name: n_tokens / statistics.median(times) for name, times in spent.items()}
        yield Row(
            f"causal LM, {millions[0]:.2f} M weights, rows of {length:,}", "training",
            rates["transformer"], peer, rates["lstm"], rates["transformer"] / rates["lstm"],
            "tokens/s", torch.get_num_threads(), machine,
        )  # fmt: skip


def timed_tasks(sizes: Sizes) -> dict[str, Task]:
    """Both language models, of about as many weights."""
    shape = BlockShape(sizes.size, sizes.size // 32, 4 * sizes.size, dropout=0.0)
    with torch_seed(SEED):
        module = GPTModule(BYTES, shape, sizes.n_layers, max(sizes.lengths), positions="rotary")
        transformer = GPTTask(module)
        wanted = n_weights(transformer)

        def lstm(hidden_size: int) -> Task:
            return RecurrentLMTask(
                RecurrentLM(BYTES, sizes.size, hidden_size, 2, tie_weights=False)
            )

        candidates = range(sizes.size, 4 * sizes.size, 8)
        nearest = min(candidates, key=lambda n: abs(n_weights(lstm(n)) - wanted))
        return {"transformer": transformer, "lstm": lstm(nearest)}


def n_weights(task: nn.Module) -> int:
    """Weights that are learnt."""
    return sum(parameter.numel() for parameter in task.parameters())


def learn(task: Task, batches: Batches, device: str) -> None:
    """One epoch; ends on the CPU, for which it waits."""
    settings = TrainingSettings(epochs=1, learning_rate=1e-3, max_grad_norm=1.0)
    train(task, batches, settings, device=device, precision="fp32", seed=SEED)


# ---- Memory

N_ASKED = 8
SYMBOLS = 16
BLANK = SYMBOLS
FIRST_QUESTION = SYMBOLS + 1  # which symbol is asked for: one sign for each place
DISTANCES = (8, 16, 32, 64, 128, 256)  # from a symbol to where it is asked for
RECALL_ROWS = 32
RECALL_SIZE = 64
TESTED_BATCHES = 8
LEARNING_RATE = 3e-3


class CopyBatch(NamedTuple):
    """What is read, int64 (B, T), and what is to be recalled at its end, int64 (B, N_ASKED)."""

    inputs: torch.Tensor
    answers: torch.Tensor


class CopyBatches(Batches):
    """Symbols, blanks, questions; each batch of one distance."""

    def __init__(self, distances: tuple[int, ...], n_batches: int, seed: int) -> None:
        self._distances = distances
        self._n_batches = n_batches
        self._seed = seed

    def plan(self, epoch: int) -> list[tuple[int, int]]:
        """Number and distance of each batch."""
        rng = np.random.default_rng((self._seed, epoch))
        drawn = rng.choice(self._distances, self._n_batches)
        return [(number, int(distance)) for number, distance in enumerate(drawn)]

    def read(self, spec: tuple[int, int], share: Share) -> CopyBatch:
        """Random symbols; a symbol and its question are so far apart as the distance says."""
        number, distance = spec
        rng = np.random.default_rng((self._seed, number, distance))
        symbols = torch.from_numpy(rng.integers(SYMBOLS, size=(RECALL_ROWS, N_ASKED)))
        symbols = share.of(symbols)
        blanks = torch.full((len(symbols), distance - N_ASKED), BLANK)
        questions = torch.arange(FIRST_QUESTION, FIRST_QUESTION + N_ASKED).expand_as(symbols)
        return CopyBatch(torch.cat([symbols, blanks, questions], 1), symbols)

    def size(self, spec: tuple[int, int]) -> int:
        """Tokens."""
        return RECALL_ROWS * (spec[1] + N_ASKED)


class AttentionReader(nn.Module):
    """Token numbers to vectors (B, T, D), by causal Transformer blocks."""

    def __init__(self) -> None:
        super().__init__()
        shape = BlockShape(RECALL_SIZE, 4, 4 * RECALL_SIZE, dropout=0.0)
        self.positions = LearnedPositions(max(DISTANCES) + N_ASKED, RECALL_SIZE)
        self.stack = TransformerStack(shape, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.stack(self.positions(x), causal=True)[0]


class RecurrentReader(nn.Module):
    """The same by LSTM layers that remember from the start."""

    def __init__(self) -> None:
        super().__init__()
        hidden_size = 106  # as many weights
        self.stack = RecurrentStack(
            RECALL_SIZE, hidden_size, num_layers=2, output_size=RECALL_SIZE, forget_bias=1.0
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.stack(x, with_state=False)[0][-1]


class CopyTask(Task):
    """Recall; what counts are the answers to the questions."""

    def __init__(self, reader: nn.Module) -> None:
        super().__init__()
        self.embedding = nn.Embedding(FIRST_QUESTION + N_ASKED, RECALL_SIZE)
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(RECALL_SIZE))
        self.reader = reader
        self.output = nn.Linear(RECALL_SIZE, SYMBOLS)

    def loss(self, phase: str, batch: CopyBatch) -> LossSum:
        """Cross-entropy of the symbols asked for, and how many are right."""
        read = self.reader(self.embedding(batch.inputs))[:, -N_ASKED:]
        logits, answers = self.output(read).flatten(0, 1), batch.answers.flatten()
        correct = (logits.argmax(1) == answers).sum()
        total = F.cross_entropy(logits, answers, reduction="sum")
        return LossSum(total, float(len(answers)), {"correct": correct})


READERS: dict[str, Callable[[], nn.Module]] = {
    "transformer": AttentionReader,
    "lstm": RecurrentReader,
}


def recall(sizes: Sizes, device: str, machine: str) -> Iterator[Row]:
    """Share of symbols that are recalled, a row for each distance."""
    shares = {name: learn_to_recall(make, sizes, device) for name, make in READERS.items()}
    for distance in DISTANCES:
        ours, peer = (100 * shares[name][distance] for name in READERS)
        yield Row(
            f"copying over {distance} tokens, {sizes.recall_steps} steps", "recalled", ours,
            "LSTM (RecurrentStack), same steps", peer, ours / peer, "per cent",
            torch.get_num_threads(), machine,
        )  # fmt: skip


def learn_to_recall(
    make: Callable[[], nn.Module], sizes: Sizes, device: str, rate: float = LEARNING_RATE
) -> dict[int, float]:
    """Share of symbols that a fresh model recalls after training, by distance."""
    with torch_seed(SEED):
        task = CopyTask(make())
    settings = TrainingSettings(
        epochs=1, learning_rate=rate, betas=(0.9, 0.98), warmup=0.1, schedule="cosine",
        max_grad_norm=1.0,
    )  # fmt: skip
    batches = CopyBatches(DISTANCES, sizes.recall_steps, SEED)
    found = train(task, batches, settings, device=device, precision="fp32", seed=SEED)
    print(f"{type(task.reader).__name__}: {n_weights(task):,} weights, {found.history[-1]}")
    tested = {each: CopyBatches((each,), TESTED_BATCHES, SEED + 1) for each in DISTANCES}
    return {
        distance: evaluate(task, some, device=device, precision="fp32")["correct"]
        for distance, some in tested.items()
    }


def main() -> None:
    """The section alone; with ``--rate`` only what it does to recall."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rate", type=float, help="recall alone, with this rate of learning")
    parser.add_argument("--steps", type=int, help="for recall alone")
    options = parser.parse_args()
    if options.rate is None:
        how: dict[str, Any] = {"quick": options.quick, "device": options.device}
        report("claims", list(run(machine=machine_name(), **how)), None)
        return
    sizes = CPU._replace(recall_steps=options.steps or CPU.recall_steps)
    for name, make in READERS.items():
        print(name, options.rate, learn_to_recall(make, sizes, options.device, options.rate))


if __name__ == "__main__":
    main()
