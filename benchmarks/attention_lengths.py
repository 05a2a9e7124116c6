"""How time and memory of each attention grow with the length of a text, for `transformers.py`.

One row of random numbers with 2 heads of 32 features, in float32, of 2,048 to 16,384 positions:
the result and its gradients are computed, in some turns of all lengths, and the least time of each
is taken: other work on the machine only adds to it. The exponent is that of a power of the length,
fitted by least squares to the logarithms: 1 is linear, 2 quadratic. Full attention, of torch, is
there to be compared with; it goes up to 8,192 positions.

Memory on a CPU is the peak of what is resident in one more run, forward and backward, over what was
before it; on a GPU it is the peak that torch has allocated. Inputs are not counted.

Demanded of each attention but the full one: at most 1.2, of both.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Row, begin_memory, print_table, resident, seconds

from textrep.engine.seeding import torch_seed
from textrep.layers.mechanisms import ATTENTIONS, make_mechanism

DEMANDED = 1.2
LENGTHS, QUICK_LENGTHS = (2048, 4096, 8192, 16384), (1024, 2048, 4096)
LONGEST_OF_FULL = 8192
N_HEADS, HEAD_SIZE = 2, 32
REPEATS, QUICK_REPEATS = 5, 3
SEED = 0


def run(
    *,
    quick: bool,
    device: str,
    machine: str,
    data: Path | None = None,
    names: Sequence[str] = ATTENTIONS,
) -> Iterator[Row]:
    """A row for the exponent of time and one for that of memory, for each attention.

    Both forward and backward; without ``quick`` also causal, where that is possible. Needs no data.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    lines = []
    for name in names:
        for causal in (False,) if quick or name in ("full", "linformer") else (False, True):
            case = _measure(name, causal, torch.device(device), quick)
            lines.append(case.line())
            print(*case.line(), sep="; ", flush=True)
            yield from case.rows(machine)
    print_table(
        f"forward and backward, {N_HEADS} heads of {HEAD_SIZE}",
        ["attention", "positions", "ms", "exponent", "MB", "exponent of memory"],
        lines,
    )


@dataclass
class Case:
    """Figures of an attention by length."""

    name: str
    seconds: dict[int, float]
    megabytes: dict[int, float]

    def line(self) -> list[str]:
        """For a table."""
        return [
            self.name,
            " ".join(map(str, self.seconds)),
            " ".join(f"{1000 * value:.0f}" for value in self.seconds.values()),
            f"{exponent(self.seconds):.2f}",
            " ".join(f"{value:.0f}" for value in self.megabytes.values()),
            f"{exponent(self.megabytes):.2f}",
        ]

    def rows(self, machine: str) -> Iterator[Row]:
        """For the report."""
        shortest, *_, longest = self.seconds
        for measure, figures in (("time", self.seconds), ("peak memory", self.megabytes)):
            found = exponent(figures)
            yield Row(
                f"attention {self.name}, {shortest} to {longest} positions",
                f"exponent of {measure}", found, "demanded at most", DEMANDED, DEMANDED / found,
                "power of the length", torch.get_num_threads(), machine,
            )  # fmt: skip


def _measure(name: str, causal: bool, device: torch.device, quick: bool) -> Case:
    lengths = QUICK_LENGTHS if quick else LENGTHS
    if name == "full":
        lengths = tuple(length for length in lengths if length <= LONGEST_OF_FULL)
    tasks = {length: _task(name, length, device, causal) for length in lengths}
    repeats = QUICK_REPEATS if quick or name == "full" else REPEATS
    return Case(
        f"{name}, causal" if causal else name,
        _seconds(tasks, repeats),
        {length: megabytes(task, device) for length, task in tasks.items()},
    )


def exponent(figures: dict[int, float]) -> float:
    """The power of the length that fits best, by least squares of the logarithms."""
    lengths, values = np.log(list(figures)), np.log(list(figures.values()))
    return float(np.polyfit(lengths, values, 1)[0])


def _task(name: str, length: int, device: torch.device, causal: bool) -> Callable[[], Any]:
    """One forward and backward pass."""
    with torch_seed(SEED):
        attention = make_mechanism(name, head_size=HEAD_SIZE, max_length=length).to(device)
        shape = (1, N_HEADS, length, HEAD_SIZE)
        inputs = [torch.randn(shape).to(device).requires_grad_() for _ in range(3)]
        direction = torch.randn(shape).to(device)
    wanted = [*inputs, *attention.parameters()]

    def pass_once() -> None:
        found = attention(*inputs, causal=causal)
        torch.autograd.grad(found, wanted, direction, allow_unused=True)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return pass_once


def _seconds(tasks: dict[int, Callable[[], Any]], repeats: int) -> dict[int, float]:
    """Least seconds of each length; they take turns, so that a slow minute hits them all."""
    for task in tasks.values():
        task()  # kernels are chosen and loaded once
    turns = [{length: seconds(task) for length, task in tasks.items()} for _ in range(repeats)]
    return {length: min(turn[length] for turn in turns) for length in tasks}


def megabytes(task: Callable[[], Any], device: torch.device) -> float:
    """Peak of one pass over what was there before."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        task()
        return (torch.cuda.max_memory_allocated(device) - before) / 1e6
    before_kb = begin_memory()
    task()
    return (resident("VmHWM") - before_kb) / 1e3


if __name__ == "__main__":
    from harness import machine_name, parse_options, report

    options = parse_options(__doc__)
    rows = list(run(quick=options.quick, device="cpu", machine=machine_name()))
    report("attention by length", rows, options.json)
