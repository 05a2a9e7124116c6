"""Classifiers, diffusion and text to image, for `image.py`.

Classifiers
    MNIST, 60,000 training and 10,000 test pictures: share classified rightly, beside a linear
    classifier of the pixels, and pictures a second in training beside a plain loop of torch.

Diffusion
    MNIST, latent: an autoencoder of 7 x 7 x 4 numbers and a U-Net on them, within one time limit.
    All learn from the first 50,000 training pictures. A GAN and the diffusion model have the same
    time; 5,000 pictures of each are held against 5,000 of the other training pictures by the
    features of a `ResNetClassifier`, beside the last 5,000, the floor. The classifier says how
    often a digit that was asked for is the one that is drawn. A linear classifier of the network's
    features, with 100 labels, beside one of pixels. Training beside a plain loop of torch, and a
    step of the network beside one of diffusers' UNet2DModel with as many channels and blocks.

Text to image
    The same digits with captions made of templates. The classifier says what is drawn for "a
    handwritten seven" and for the other words. "a handwritten three" is in no caption, but both
    halves are.

On a GPU, speeds are told of CIFAR-10 too, 32 x 32 in colour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Row, print_table, take_turns
from image_bench import Digits, fastest_precision, mnist, picture_path
from image_loops import in_colour, plain_diffusion
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from textrep import (
    GAN,
    Diffusion,
    ResNetClassifier,
    TextToImage,
    VisionTransformerClassifier,
)
from textrep.engine.device import choose_device, choose_precision
from textrep.image import save_grid
from textrep.image.measures import measure_pictures

SEED = 0
N_SHOWN = 100

# ---- classifiers

DEMANDED_RESNET = 0.992
QUICK_EPOCHS = 6
CLASSIFIERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ResNet": (ResNetClassifier, {}),
    "patches": (VisionTransformerClassifier, {"patch_size": 7, "batch_size": 64, "epochs": 6}),
}
# Those of "patches" were compared on the first test pictures, which do not measure it.
COMPARED_ON = {"ResNet": 0, "patches": 2_000}
N_SPEED, SPEED_TURNS = 6_400, 3


def classifiers(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Share of the test digits that each gets right, and speed."""
    digits = mnist(quick)
    threads = torch.get_num_threads()
    flat = [pictures.reshape(len(pictures), -1) for pictures in (digits.train, digits.test)]
    linear = RidgeClassifier().fit(flat[0], digits.train_labels)
    for name, (kind, settings) in CLASSIFIERS.items():
        params = {**settings, **({"epochs": QUICK_EPOCHS} if quick else {})}
        model = made(kind, device, **params).fit(digits.train, digits.train_labels)
        seen = 0 if quick else COMPARED_ON[name]
        share = float(model.score(digits.test[seen:], digits.test_labels[seen:]))
        linear_share = float(linear.score(flat[1][seen:], digits.test_labels[seen:]))
        print(f"{name}: {share:.4f} in {model.history_[-1]['seconds']:.0f} s")
        yield Row(f"MNIST, {name}", "right", share, "linear, pixels", linear_share,
                  (1 - linear_share) / (1 - share), "share", threads, machine)  # fmt: skip
        if name == "ResNet":
            yield Row("MNIST, ResNet", "right", share, "demanded", DEMANDED_RESNET,
                      (1 - DEMANDED_RESNET) / (1 - share), "share", threads, machine)  # fmt: skip
            pictures, labels = digits.train[:N_SPEED], digits.train_labels[:N_SPEED]
            yield classifier_speed("MNIST", pictures, labels, device, machine)
    for pictures, labels in in_colour(device):
        scaled = pictures.astype(np.float32) / 255
        yield classifier_speed("CIFAR-10", scaled, labels, device, machine)


def made(kind: Any, device: str, **params: Any) -> Any:
    """An estimator with what all here have."""
    settings = {"precision": fastest_precision(device), "random_state": SEED, "verbose": 1}
    return kind(device=device, **{**settings, **params})


def classifier_speed(of: str, pictures: Any, labels: Any, device: str, machine: str) -> Row:
    """Pictures a second of `fit`, beside a loop that does the same steps on the same network."""
    model = made(ResNetClassifier, device, epochs=1, shift=0, verbose=0).fit(pictures, labels)
    home = choose_device(device)
    bits = choose_precision(model.precision, home) == "bf16"
    x, y = torch.from_numpy(pictures), torch.from_numpy(labels)
    size = model.batch_size

    def ours() -> None:
        made(ResNetClassifier, device, epochs=1, shift=0, verbose=0).fit(pictures, labels)

    def plain() -> None:
        network = model._new_module().to(home).train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
        for rows in torch.randperm(len(x)).split(size):
            with torch.autocast(home.type, torch.bfloat16, enabled=bits):
                said = network(x[rows].to(home))
            loss = torch.nn.functional.cross_entropy(said.float(), y[rows].to(home))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        float(loss.detach())  # a GPU is waited for

    spent = take_turns(
        {"ours": ours, "plain": plain}, dict.fromkeys(("ours", "plain"), SPEED_TURNS)
    )
    speeds = {name: len(x) / seconds for name, seconds in spent.items()}
    return Row(f"{of}, ResNet, training", "speed", speeds["ours"], "plain torch", speeds["plain"],
               speeds["ours"] / speeds["plain"], "pictures/s", torch.get_num_threads(),
               machine)  # fmt: skip


# ---- diffusion

N_MEASURED, QUICK_MEASURED = 5_000, 500
SECONDS, QUICK_SECONDS = 280.0, 20.0
STEPS = 20
DEMANDED_AGREEMENT = 0.95
N_ASKED = 1_000
N_LABELS = 100
N_HELD_BACK, QUICK_HELD_BACK = 10_000, 1_000
# That of the GANs of image_adversarial.py, whose settings were compared on pictures held back.
RIVAL: dict[str, Any] = {"channels": 16, "learning_rate": 5e-4, "ema_decay": 0.995, "epochs": 100}
# Batch, blocks and rate were chosen by the error of the noise told of the first 1,000 test
# pictures, after as much time each; the autoencoder and the guidance that `Diffusion` has where
# nothing is said, by what became of test pictures too. So none of those measures anything here: the
# training pictures held back do, on which no setting of diffusion was compared. 100 epochs are more
# than there is time for.
DIFFUSION: dict[str, Any] = {"epochs": 100, "blocks": 1, "learning_rate": 3e-3}


def held_back(quick: bool) -> Digits:
    """MNIST, of which the last training pictures stand in for the test pictures."""
    digits = mnist(quick)
    n = len(digits.train) - (QUICK_HELD_BACK if quick else N_HELD_BACK)
    return Digits(
        digits.train[:n], digits.train[n:], digits.train_labels[:n], digits.train_labels[n:]
    )


def diffusion(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Distance beside a GAN, classes that were asked for, features, speed."""
    digits = held_back(quick)
    seconds, n = (QUICK_SECONDS, QUICK_MEASURED) if quick else (SECONDS, N_MEASURED)
    threads = torch.get_num_threads()
    judge = judge_of(digits, quick, device)
    limits = {"max_seconds": seconds}
    model = made(Diffusion, device, **DIFFUSION, **limits).fit(digits.train, digits.train_labels)
    rival = made(GAN, device, **RIVAL, **limits).fit(digits.train)
    begun = time.perf_counter()
    pictures = {"diffusion": model.sample(n, steps=STEPS, random_state=SEED)}
    print(f"diffusion: {n / (time.perf_counter() - begun):.0f} pictures/s in {STEPS} steps")
    pictures["GAN"] = rival.sample(n, random_state=SEED)
    scores = compared(pictures, judge, digits.test, n)
    for name, drawn in pictures.items():
        save_grid(picture_path(f"{name}.png"), drawn[:N_SHOWN], columns=10, scale=2)
    found = {name: score.made.frechet for name, score in scores.items()}
    yield Row("MNIST, latent diffusion", "Frechet distance", found["diffusion"], "GAN",
              found["GAN"], found["GAN"] / found["diffusion"], "squared features", threads,
              machine)  # fmt: skip
    floor = scores["diffusion"].floor.frechet
    yield Row("MNIST, latent diffusion", "Frechet distance", found["diffusion"], "real pictures",
              floor, floor / found["diffusion"], "squared features", threads, machine)  # fmt: skip
    yield from agreement(model, judge, machine)
    yield features(model, digits, machine)
    yield diffusion_speed("MNIST", digits.train[:N_SPEED], digits.train_labels[:N_SPEED], device,
                          machine)  # fmt: skip
    for colours, labels in in_colour(device):
        scaled = colours.astype(np.float32) / 255
        yield diffusion_speed("CIFAR-10", scaled, labels, device, machine)
    yield network_speed(device, machine)


def judge_of(digits: Any, quick: bool, device: str) -> Any:
    """The classifier whose features measure, and which says what a picture shows."""
    epochs = {"epochs": QUICK_EPOCHS} if quick else {}
    judge = made(ResNetClassifier, device, **epochs).fit(digits.train, digits.train_labels)
    print(f"classifier: {judge.score(digits.test, digits.test_labels):.4f} of those held back")
    return judge


def compared(pictures: dict[str, Any], judge: Any, test: Any, n: int) -> dict[str, Any]:
    """All measures of several sets of pictures, printed."""
    real, other = (judge.transform(part) for part in (test[:n], test[-n:]))
    scores = {
        name: measure_pictures(real, judge.transform(drawn), floor=other)
        for name, drawn in pictures.items()
    }
    kinds = {name: score.made for name, score in scores.items()}
    kinds["real"] = next(iter(scores.values())).floor
    lines = [
        [name, f"{found.frechet:.2f}", f"{found.kernel:.3f}", f"{found.precision:.3f}",
         f"{found.recall:.3f}", f"{found.density:.3f}", f"{found.coverage:.3f}",
         f"{found.two_sample:.3f}"]
        for name, found in kinds.items()
    ]  # fmt: skip
    columns = [
        "of",
        "Frechet",
        "kernel",
        "precision",
        "recall",
        "density",
        "coverage",
        "two-sample",
    ]
    print_table(f"{n:,} pictures against {n:,} of MNIST that were held back", columns, lines)
    return scores


def agreement(model: Any, judge: Any, machine: str) -> Iterator[Row]:
    """How often the digit that was asked for is drawn."""
    asked = np.arange(N_ASKED) % 10
    for guidance in (1.0, None):
        drawn = model.sample(
            N_ASKED, labels=asked, steps=STEPS, guidance=guidance, random_state=SEED
        )
        share = float((judge.predict(drawn) == asked).mean())
        kind = "no guidance" if guidance == 1.0 else "guidance"
        yield Row(f"MNIST, class asked for, {kind}", "drawn", share, "demanded",
                  DEMANDED_AGREEMENT, share / DEMANDED_AGREEMENT, "share",
                  torch.get_num_threads(), machine)  # fmt: skip
    save_grid(picture_path("classes.png"), drawn[:N_SHOWN], columns=10, scale=2)


def features(model: Any, digits: Any, machine: str) -> Row:
    """A linear classifier with few labels, of features and of pixels."""
    labels = digits.train_labels[:N_LABELS]
    shares = []
    for read in (model.transform, lambda pictures: pictures.reshape(len(pictures), -1)):
        train, test = read(digits.train[:N_LABELS]), read(digits.test)
        scale = train.std()
        linear = LogisticRegression(max_iter=1000).fit(train / scale, labels)
        shares.append(float(linear.score(test / scale, digits.test_labels)))
    return Row(f"MNIST, linear, {N_LABELS} labels", "right", shares[0], "pixels", shares[1],
               shares[0] / shares[1], "share", torch.get_num_threads(), machine)  # fmt: skip


def diffusion_speed(of: str, pictures: Any, told: Any, device: str, machine: str) -> Row:
    """Codes a second in training, of classes or of captions, and of a plain loop."""
    texts = isinstance(told, list)
    params = {**DIFFUSION, "epochs": 1, "coder_epochs": 1, "ema_decay": None, "verbose": 0}
    spent: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(2):  # in turns
        model = made(TextToImage if texts else Diffusion, device, **params).fit(pictures, told)
        spent["ours"].append(model.history_[-1]["seconds"])
        given = model._ids(told) if texts else model._given(told, len(told))
        spent["plain"].append(plain_diffusion(model, model._codes(pictures), given, device))
    ours, plain = (len(pictures) / min(spent[name]) for name in ("ours", "plain"))
    name = "text to image" if texts else "latent diffusion"
    return Row(f"{of}, {name}, training", "speed", ours, "plain torch", plain, ours / plain,
               "codes/s", torch.get_num_threads(), machine)  # fmt: skip


def network_speed(device: str, machine: str) -> Row:
    """Codes a second in training, beside diffusers' network with as many channels and blocks."""
    from diffusers import UNet2DModel

    from textrep.image.diffusion import DenoisingUNet

    home = choose_device(device)
    theirs = UNet2DModel(
        sample_size=7,
        in_channels=4,
        out_channels=4,
        layers_per_block=2,
        block_out_channels=(64,),
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        attention_head_dim=16,
    ).to(home)
    own = DenoisingUNet((4, 7, 7), (64,), 2, 4).to(home)
    bits = choose_precision(fastest_precision(device), home) == "bf16"
    x, shares = torch.randn(128, 4, 7, 7, device=home), torch.rand(128, device=home)

    def task(network: torch.nn.Module, said: Callable[[], torch.Tensor]) -> Callable[[], None]:
        optimiser = torch.optim.AdamW(network.parameters())

        def steps() -> None:
            for _ in range(10):
                with torch.autocast(home.type, torch.bfloat16, enabled=bits):
                    loss = said().float().square().mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            float(loss.detach())

        return steps

    tasks = {
        "ours": task(own, lambda: own(x, shares)),
        "diffusers": task(theirs, lambda: theirs(x, 1000 * shares).sample),
    }
    spent = take_turns(tasks, dict.fromkeys(tasks, SPEED_TURNS))
    speeds = {name: 10 * len(x) / seconds for name, seconds in spent.items()}
    return Row("U-Net of codes 7 x 7 x 4", "speed", speeds["ours"], "diffusers",
               speeds["diffusers"], speeds["ours"] / speeds["diffusers"], "codes/s",
               torch.get_num_threads(), machine)  # fmt: skip


# ---- text to image

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEMPLATES = (
    "a handwritten {word}",
    "the digit {number}",
    "a {word} in handwriting",
    "number {number}",
    "a picture of the digit {word}",
    "{word}",
)
DEMANDED = "a handwritten seven"
HELD_OUT = "a handwritten three"
TEXT: dict[str, Any] = DIFFUSION
N_EACH = 100


def captions_of(labels: Any) -> list[str]:
    """A caption for each digit, of a template drawn for it; one combination is never used."""
    random = np.random.default_rng(SEED)
    found = []
    for label in labels:
        while True:
            template = TEMPLATES[random.integers(len(TEMPLATES))]
            caption = template.format(word=WORDS[label], number=label)
            if caption != HELD_OUT:
                break
        found.append(caption)
    return found


def text(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """How often a text gives what it says."""
    digits = held_back(quick)
    seconds, n = (QUICK_SECONDS, QUICK_MEASURED) if quick else (SECONDS, N_MEASURED)
    judge = judge_of(digits, quick, device)
    captions = captions_of(digits.train_labels)
    model = made(TextToImage, device, **TEXT, max_seconds=seconds).fit(digits.train, captions)
    lines, shares = [], {}
    for number, word in enumerate(WORDS):
        prompt = f"a handwritten {word}"
        drawn = model.sample([prompt], n=N_EACH, steps=STEPS, random_state=SEED + number)
        shares[prompt] = float((judge.predict(drawn) == number).mean())
        lines.append([prompt, f"{shares[prompt]:.3f}", "no" if prompt == HELD_OUT else "yes"])
        if prompt in (DEMANDED, HELD_OUT):
            save_grid(picture_path(f"{word}.png"), drawn, columns=10, scale=2)
    print_table("text to image", ["prompt", "drawn", "in a caption"], lines)
    threads = torch.get_num_threads()
    for name, share in (
        (f"text, {DEMANDED!r}", shares[DEMANDED]),
        (f"text, {HELD_OUT!r}, in no caption", shares[HELD_OUT]),
        ("text, all ten words", float(np.mean(list(shares.values())))),
    ):
        yield Row(name, "drawn", share, "demanded", DEMANDED_AGREEMENT,
                  share / DEMANDED_AGREEMENT, "share", threads, machine)  # fmt: skip
    prompts = captions_of(digits.test_labels[:n])
    drawn = model.sample(prompts, steps=STEPS, random_state=SEED)
    save_grid(picture_path("text.png"), drawn[:N_SHOWN], columns=10, scale=2)
    found = compared({"text to image": drawn}, judge, digits.test, n)["text to image"]
    yield Row("MNIST, text to image", "Frechet distance", found.made.frechet, "real pictures",
              found.floor.frechet, found.floor.frechet / found.made.frechet, "squared features",
              threads, machine)  # fmt: skip
    yield diffusion_speed("MNIST", digits.train[:N_SPEED], captions[:N_SPEED], device, machine)
