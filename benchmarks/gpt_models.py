"""GPT, for `transformers.py`: tinyshakespeare at nanoGPT's settings, and what a cache saves.

tinyshakespeare. The setting that nanoGPT's README names for a CPU: 4 layers, 4 heads, 128 units,
windows of 64 characters, 12 to a batch, 2,000 steps, no dropout, no biases, AdamW with a rate that
rises for 100 steps and falls along a cosine. The last tenth of the text is for validation, all of
it in windows that do not overlap, for both sides. The rate is 4e-3 for both sides: of 1e-3, which
nanoGPT has, 2.5e-3 and 4e-3 the last is best on the tenth before the last, when learning from the
first eight (1.755 nats with 2.5e-3, 1.733 with 4e-3). With 1e-3, nanoGPT comes to 1.917, 1.909 and
1.912 on the last tenth (three seeds) and ours to 1.924, 1.917 and 1.923; the 1.88 that are demanded
here are of nanoGPT's own measure, 20 random batches. With ``--device cuda`` the
setting is nanoGPT's for a GPU: 6 layers, 6 heads, 384 units, windows of 256, 64 to a batch, 5,000
steps, dropout 0.2.

On a CPU with instructions for bf16 ours learns with products of matrices in it
(``precision="bf16"``); nanoGPT takes fp32 on any CPU. The speed is measured once more in short
turns, of both sides in both, the peer inside torch's autocast.

The peer is nanoGPT itself, where ``--nanogpt DIR`` names a checkout (MIT licence, commit 3adf61e or
near it): its model and optimiser in a loop that does what its ``train.py`` does. Without it, the
peer is a plain loop around `torch.nn.TransformerEncoder` of the same shape. Both take turns of some
hundred steps; the time is that of the steps alone, without evaluation.

Cache. 512 tokens from models of the default size and untrained weights, greedily, with keys and
values remembered and without, and prompts of unequal length together and one by one.
"""

from __future__ import annotations

import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Row, print_table
from torch import nn
from torch.nn import functional as F

from textrep import GPT
from textrep.engine.batches import Share
from textrep.engine.device import autocast, choose_precision, cpu_has_bf16
from textrep.engine.windows import WindowBatches

HELD_OUT = 0.1
SEEDS = (1, 2, 3)
DEMANDED_CPU, DEMANDED_GPU = 1.88, 1.47  # nats; nanoGPT itself 1.886 and 1.4697


@dataclass(frozen=True)
class Setting:
    """One of nanoGPT's settings for the characters of Shakespeare."""

    num_layers: int = 4
    num_heads: int = 4
    hidden_size: int = 128
    window: int = 64
    batch_size: int = 12
    steps: int = 2000
    dropout: float = 0.0
    learning_rate: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)


CPU = Setting(learning_rate=4e-3)
GPU = Setting(6, 6, 384, 256, 64, 5000, 0.2)


def shakespeare(
    *, data: Path, quick: bool, device: str, machine: str, nanogpt: Path | None = None
) -> Iterator[Row]:
    """Rows of validation loss and of steps a second, and a table of the seeds."""
    text, valid = parts_of(data)
    on_gpu = torch.device(device if device != "auto" else "cpu").type == "cuda"
    setting = GPU if on_gpu else CPU
    if quick:
        setting = replace(CPU, steps=200)
    peer_name = "nanoGPT" if nanogpt else "plain loop of torch"
    demanded = DEMANDED_GPU if on_gpu else DEMANDED_CPU
    threads = torch.get_num_threads()
    precision, peer_precision = precisions(device)[-1], precisions(device)[0]
    lines, losses, peer_losses, rates, peer_rates = [], [], [], [], []
    for seed in SEEDS[:1] if quick or on_gpu else SEEDS:
        model, seconds = ours(text, setting, seed, device, precision)
        losses.append(validation_loss(model, valid, setting.window))
        rates.append(setting.steps / seconds)
        peer = Peer(text, valid, setting, seed, device, nanogpt, peer_precision)
        peer_rates.append(setting.steps / peer.train(setting.steps))
        peer_losses.append(peer.loss())
        lines.append(
            [str(seed), f"{losses[-1]:.4f}", f"{peer_losses[-1]:.4f}", f"{rates[-1]:.2f}",
             f"{peer_rates[-1]:.2f}"]
        )  # fmt: skip
    columns = ["seed", "our loss", f"{peer_name}: loss", "our steps/s", "its steps/s"]
    title = f"tinyshakespeare: {setting.steps} steps, ours in {precision}, it in {peer_precision}"
    print_table(title, columns, lines)
    name = f"tinyshakespeare, GPT, {precision}"
    loss, peer_loss = statistics.mean(losses), statistics.mean(peer_losses)
    for other, figure in ((peer_name, peer_loss), ("demanded", demanded)):
        yield Row(
            name, "validation loss", loss, other, figure, figure / loss, "nats/character",
            threads, machine,
        )  # fmt: skip
    rate, peer_rate = statistics.median(rates), statistics.median(peer_rates)
    yield Row(
        name, "training", rate, f"{peer_name}, {peer_precision}", peer_rate, rate / peer_rate,
        "steps/s", threads, machine,
    )  # fmt: skip


def speed(
    *, data: Path, quick: bool, device: str, machine: str, nanogpt: Path | None = None
) -> Iterator[Row]:
    """Rows of steps a second of short turns, which a slow minute of the machine hits alike."""
    text, valid = parts_of(data)
    turns, steps = (3, 60) if quick else (5, 200)
    setting = replace(CPU, steps=steps)
    kinds = precisions(device)
    peers = {kind: Peer(text, valid, setting, SEEDS[0], device, nanogpt, kind) for kind in kinds}
    rates: dict[tuple[str, str], list[float]] = {
        (side, kind): [] for kind in kinds for side in ("ours", "peer")
    }
    for turn in range(turns + 1):
        for (side, kind), found in rates.items():
            if side == "ours":
                _, seconds = ours(text, setting, SEEDS[0], device, kind)
            else:
                seconds = peers[kind].train(steps)
            if turn:  # the first one warms up
                found.append(steps / seconds)
    peer_name = "nanoGPT" if nanogpt else "plain loop of torch"
    for kind in kinds:
        for peer_kind in kinds[: kinds.index(kind) + 1]:
            mine, its = rates["ours", kind], rates["peer", peer_kind]
            ratio = statistics.median(a / b for a, b in zip(mine, its, strict=True))
            yield Row(
                f"tinyshakespeare, GPT, {kind}, in turns", "training", statistics.median(mine),
                f"{peer_name}, {peer_kind}", statistics.median(its), ratio, "steps/s",
                torch.get_num_threads(), machine,
            )  # fmt: skip


def precisions(device: str) -> list[str]:
    """What to train in: on a CPU fp32, and bf16 where it has instructions for that."""
    if device not in ("cpu", "auto"):
        return ["auto"]
    return ["fp32", "bf16"] if cpu_has_bf16() else ["fp32"]


def parts_of(data: Path) -> tuple[str, str]:
    """tinyshakespeare, to train on and to validate on."""
    text = (data / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    cut = round(len(text) * (1 - HELD_OUT))
    return text[:cut], text[cut:]


def ours(text: str, setting: Setting, seed: int, device: str, precision: str) -> tuple[GPT, float]:
    """Our estimator, and the seconds that its training took."""
    model = GPT(
        level="character", num_layers=setting.num_layers, num_heads=setting.num_heads,
        hidden_size=setting.hidden_size, max_length=setting.window, bias=False,
        dropout=setting.dropout, max_steps=setting.steps, batch_size=setting.batch_size,
        learning_rate=setting.learning_rate, schedule="cosine", warmup=setting.warmup,
        weight_decay=setting.weight_decay, betas=setting.betas, max_grad_norm=1.0, device=device,
        precision=precision, random_state=seed,
    )  # fmt: skip
    model.fit([text])
    return model, model.history_[-1]["seconds"]


def validation_loss(model: GPT, text: str, window: int) -> float:
    """Mean loss of all characters in windows that do not overlap, nats."""
    ids = model.codec_.encode(text)
    total = count = 0.0
    with torch.inference_mode():
        for inputs, targets in windows(ids, window):
            logits = model.module_.scores(model.module_.hidden(inputs))
            real = targets >= 0
            total += float(F.cross_entropy(logits[real], targets[real], reduction="sum"))
            count += float(real.sum())
    return total / count


def windows(ids: np.ndarray, window: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """All of a text in windows that do not overlap; targets of -1 are none."""
    batches = WindowBatches(ids, n_rows=256, window=window, shuffle=False)
    for spec in batches.plan(0):
        batch = batches.read(spec, Share())
        assert batch is not None
        yield batch.inputs.contiguous(), batch.targets.contiguous()


class Peer:
    """nanoGPT, or a plain loop, on the same text."""

    def __init__(
        self,
        train: str,
        valid: str,
        setting: Setting,
        seed: int,
        device: str,
        nanogpt: Path | None,
        precision: str,
    ) -> None:
        characters = sorted(set(train + valid))
        number = {character: place for place, character in enumerate(characters)}
        self.train_ids = torch.tensor([number[c] for c in train])
        self.valid_ids = np.array([number[c] for c in valid], dtype=np.int32)
        self.setting = setting
        self.device = torch.device("cpu" if device == "auto" else device)
        self.precision = choose_precision(precision, self.device)
        torch.manual_seed(seed)
        make = plain_model if nanogpt is None else nanogpt_model(nanogpt)
        model, self.optimizer = make(len(characters), setting, self.device.type)
        self.model = model.to(self.device)

    def train(self, steps: int) -> float:
        """Train for so many steps; the seconds that they took."""
        setting = self.setting
        self.model.train()
        begun = time.perf_counter()
        for step in range(steps):
            for group in self.optimizer.param_groups:
                group["lr"] = rate_at(step, setting)
            starts = torch.randint(len(self.train_ids) - setting.window - 1, (setting.batch_size,))
            rows = [self.train_ids[start : start + setting.window + 1] for start in starts.tolist()]
            ids = torch.stack(rows).to(self.device)
            with autocast(self.device, self.precision):
                loss = self.model(ids[:, :-1], ids[:, 1:].contiguous())[1]
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        return time.perf_counter() - begun

    @torch.inference_mode()
    def loss(self) -> float:
        """Mean validation loss, on the same windows as ours."""
        self.model.eval()
        total = count = 0.0
        for inputs, targets in windows(self.valid_ids, self.setting.window):
            found = float(self.model(inputs.to(self.device), targets.to(self.device))[1])
            n = float((targets >= 0).sum())  # both sides leave out targets of -1
            total += found * n
            count += n
        return total / count


def rate_at(step: int, setting: Setting) -> float:
    """nanoGPT's learning rate: it falls to a tenth."""
    if step < setting.warmup:
        return setting.learning_rate * (step + 1) / (setting.warmup + 1)
    share = (step - setting.warmup) / max(1, setting.steps - setting.warmup)
    least = setting.learning_rate / 10
    return least + 0.5 * (1 + math.cos(math.pi * share)) * (setting.learning_rate - least)


def nanogpt_model(folder: Path) -> Callable[..., tuple[nn.Module, torch.optim.Optimizer]]:
    """What makes nanoGPT's model and optimiser, from a checkout of it."""
    sys.path.insert(0, str(folder))
    try:
        nano: Any = importlib.import_module("model")
    finally:
        sys.path.remove(str(folder))

    def make(n: int, setting: Setting, kind: str) -> tuple[nn.Module, torch.optim.Optimizer]:
        config = nano.GPTConfig(
            block_size=setting.window, vocab_size=n, n_layer=setting.num_layers,
            n_head=setting.num_heads, n_embd=setting.hidden_size, dropout=setting.dropout,
            bias=False,
        )  # fmt: skip
        model = nano.GPT(config)
        optimizer = model.configure_optimizers(
            setting.weight_decay, setting.learning_rate, setting.betas, kind
        )
        return model, optimizer

    return make


def plain_model(n: int, setting: Setting, kind: str) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The same shape made of torch's own modules."""
    model = PlainGPT(n, setting)
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": setting.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return model, torch.optim.AdamW(groups, lr=setting.learning_rate, betas=setting.betas)


class PlainGPT(nn.Module):
    """A causal `nn.TransformerEncoder` with learnt positions and tied weights."""

    def __init__(self, n: int, setting: Setting) -> None:
        super().__init__()
        size = setting.hidden_size
        self.tokens = nn.Embedding(n, size)
        self.places = nn.Embedding(setting.window, size)
        for table in (self.tokens, self.places):
            nn.init.normal_(table.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            size, setting.num_heads, 4 * size, setting.dropout, "gelu", batch_first=True,
            norm_first=True, bias=False,
        )  # fmt: skip
        self.layers = nn.TransformerEncoder(
            layer, setting.num_layers, nn.LayerNorm(size, bias=False), enable_nested_tensor=False
        )

    def forward(self, ids: torch.Tensor, targets: torch.Tensor) -> tuple[Any, torch.Tensor]:
        length = ids.shape[1]
        x = self.tokens(ids) + self.places.weight[:length]
        mask = nn.Transformer.generate_square_subsequent_mask(length, device=ids.device)
        logits = self.layers(x, mask, is_causal=True) @ self.tokens.weight.T
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


# ---- generation with and without a cache


def cache(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of seconds with and without, and whether both wrote the same."""
    n_tokens = 128 if quick else 512
    words = " ".join(f"word{number}" for number in range(200))
    model = GPT(
        max_length=2 * n_tokens, max_steps=1, batch_size=1, vocab_size=500, device=device,
        random_state=0, dropout=0.0,
    ).fit([words] * 3)  # fmt: skip
    prompts = [" ".join(f"word{n}" for n in range(3 * row + 1)) for row in range(4)]
    for name, prompt in (("one prompt", prompts[0]), ("4 prompts of unequal length", prompts)):
        spent, texts = {}, {}
        for use_cache in (True, False):
            model.set_params(use_cache=use_cache)
            how: dict[str, Any] = {"max_new_tokens": n_tokens, "temperature": 0}
            begun = time.perf_counter()
            texts[use_cache] = model.generate(prompt, **how)
            spent[use_cache] = time.perf_counter() - begun
        print(f"{name}: the same tokens with and without: {texts[True] == texts[False]}")
        if texts[True] != texts[False]:
            raise AssertionError("with a cache other tokens were written than without")
        yield Row(
            f"generation of {n_tokens} tokens, {name}", "time", spent[True], "without a cache",
            spent[False], spent[False] / spent[True], "s", torch.get_num_threads(), machine,
        )  # fmt: skip
    model.set_params(use_cache=True)
    one_by_one = [model.generate(p, max_new_tokens=n_tokens, temperature=0) for p in prompts]
    together = model.generate(prompts, max_new_tokens=n_tokens, temperature=0)
    print(f"prompts of unequal length, together as one by one: {together == one_by_one}")
    if together != one_by_one:
        raise AssertionError("a batch of prompts got other tokens than each prompt alone")
