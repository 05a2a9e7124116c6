"""GANs, CycleGAN and style transfer, for `image.py`.

GAN
    Each loss has the same time on MNIST's 60,000 training pictures, the style network three times
    as much. 5,000 made pictures are held against 5,000 test pictures by the features of a
    `ResNetClassifier`: Frechet distance, precision and recall, beside a `VAE` that had as much
    time, and beside the other 5,000 test pictures, the floor. Of ten digits all must be there, each
    at least a quarter as often as it should. A further GAN doubles by transposed convolutions; how
    much of its pictures alternates from pixel to pixel is held against real ones.

CycleGAN
    Squares of 32 x 32 of the right halves of nine paintings and four photographs of 128 x 128;
    those of the left halves are translated. A classifier that learnt both kinds from the right
    halves says what a translated photograph is.

Style transfer
    tubingen.jpg in the style of starry_night.jpg, 256 x 256, beside the usual loop with
    `torch.optim.LBFGS` on the same losses.

GAN and CycleGAN train beside plain loops of torch too; on a GPU, a GAN of CIFAR-10 as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Row, print_table
from image_bench import fastest_precision, picture_path
from image_loops import in_colour, plain_cyclegan, plain_gan

from textrep import GAN, VAE, CycleGAN, ResNetClassifier, StyleTransfer
from textrep.engine.device import choose_device
from textrep.image import load_pictures, save_grid
from textrep.image.datasets import crops
from textrep.image.gan import checkerboard_share
from textrep.image.measures import measure_pictures, mode_counts

SEED = 0

# ---- GANs

N_MEASURED = 5_000
SECONDS, QUICK_SECONDS = 75.0, 10.0
RARE = 0.25  # of an equal share

# A thousand batches of 64 are few: the rate is above the usual 2e-4, and the average short.
COMMON: dict[str, Any] = {
    "channels": 16,
    "epochs": 20,  # more than there is time for
    "learning_rate": 5e-4,
    "ema_decay": 0.995,
}
VARIANTS: dict[str, dict[str, Any]] = {
    "bce": {},
    "lsgan": {"loss": "lsgan"},
    "hinge, attention": {"loss": "hinge", "attention": True},
    "wgan-gp": {"loss": "wgan-gp", "critic_steps": 3},
    # Compared on training pictures held back: with the rate of the others, or an r1 of 1, all that
    # it makes is one blurred digit.
    "style, r1": {"architecture": "style", "r1": 0.01, "learning_rate": None, "mixing": 0.5},
    "bce, transposed": {"upsampling": "transposed"},
}
# Of that time: its steps take twice as long, and it needs more of them.
TIMES = {"style, r1": 3}


def classifier_of(pictures: Any, labels: Any, device: str, epochs: int = 2) -> Any:
    """The classifier whose features measure."""
    model = ResNetClassifier(
        epochs=epochs,
        device=device,
        precision=fastest_precision(device),
        random_state=SEED,
        verbose=1,
    )
    return model.fit(pictures, labels)


def fit_gan(settings: dict[str, Any], pictures: Any, seconds: float, device: str) -> Any:
    """A GAN that had so much time."""
    bits = fastest_precision(device)
    params = {**COMMON, **settings, "max_seconds": seconds, "device": device, "precision": bits}
    return GAN(**params, random_state=SEED, verbose=1).fit(pictures)


def gan(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of distance and variety for each variant; a table of all measures."""
    train, test = (load_pictures("mnist", part=part) for part in ("train", "test"))
    n_train = 5_000 if quick else len(train.pictures)
    seconds = QUICK_SECONDS if quick else SECONDS
    classifier = classifier_of(train.pictures[:20_000], train.labels[:20_000], device)
    print(f"classifier: {classifier.score(test.pictures, test.labels):.4f} of the test digits")
    real, other = test.pictures[:N_MEASURED], test.pictures[N_MEASURED:]
    features = [classifier.transform(pictures) for pictures in (real, other)]
    vae = VAE(
        code_size=20, epochs=100, max_seconds=seconds, device=device, random_state=SEED, verbose=1
    ).fit(train.pictures[:n_train])
    made = {"VAE": vae.sample(N_MEASURED, random_state=SEED)}
    models = {}
    for name, settings in VARIANTS.items():
        allowed = seconds * TIMES.get(name, 1)
        models[name] = fit_gan(settings, train.pictures[:n_train], allowed, device)
        made[name] = models[name].sample(N_MEASURED, random_state=SEED)
        show(f"gan {name}", made[name][:100], columns=10)
    show("vae", made["VAE"][:100], columns=10)
    lines, scores = [], {}
    for name, pictures in made.items():
        scores[name] = measure_pictures(
            features[0], classifier.transform(pictures), floor=features[1]
        )
        counts = mode_counts(classifier, pictures)
        fewest = 10 * min(counts.values()) / len(pictures)
        lines.append(measures(name, scores[name].made, fewest, models.get(name)))
    lines.append(measures("real", scores["VAE"].floor, float("nan"), None))
    columns = ["of", "Frechet", "precision", "recall", "coverage", "two-sample", "rarest digit",
               "critic steps", "critic right"]  # fmt: skip
    print_table(f"MNIST, {seconds:.0f} s of training each, style 3 times that", columns, lines)
    threads = torch.get_num_threads()
    for name in models:
        ours, vaes = scores[name].made, scores["VAE"].made
        yield Row(f"MNIST, {name}", "Frechet distance", ours.frechet, "VAE", vaes.frechet,
                  vaes.frechet / ours.frechet, "squared features", threads, machine)  # fmt: skip
        yield Row(f"MNIST, {name}", "recall", ours.recall, "VAE", vaes.recall,
                  ours.recall / max(vaes.recall, 1e-9), "share", threads, machine)  # fmt: skip
        rarest = 10 * min(mode_counts(classifier, made[name]).values()) / N_MEASURED
        yield Row(f"MNIST, {name}", "rarest digit", rarest, "demanded", RARE, rarest / RARE,
                  "of an equal share", threads, machine)  # fmt: skip
    yield from checkerboards(made, real, machine)
    yield speed_of_gan("MNIST", train.pictures[:n_train], device, machine)
    for pictures, _ in in_colour(device):
        yield speed_of_gan("CIFAR-10", pictures, device, machine)


def measures(name: str, found: Any, rarest: float, model: Any) -> list[str]:
    """A line of the table."""
    last = model.history_[-1] if model is not None else {}
    accuracy = last.get("critic_accuracy", float("nan"))
    return [
        name, f"{found.frechet:.2f}", f"{found.precision:.3f}", f"{found.recall:.3f}",
        f"{found.coverage:.3f}", f"{found.two_sample:.3f}", f"{rarest:.2f}",
        f"{last.get('step', 0):,.0f}", f"{accuracy:.2f}",
    ]  # fmt: skip


def checkerboards(made: dict[str, Any], real: Any, machine: str) -> Iterator[Row]:
    """How much of the pictures alternates from pixel to pixel."""
    names = ("bce", "bce, transposed")
    if not all(name in made for name in names):
        return
    resized, transposed = (checkerboard_share(made[name]) for name in names)
    print(f"checkerboard: real pictures have {checkerboard_share(real / 255):.2e}")
    yield Row("MNIST, resized", "checkerboard", 1e6 * resized, "transposed", 1e6 * transposed,
              transposed / max(resized, 1e-12), "ppm of the variance",
              torch.get_num_threads(), machine)  # fmt: skip


def speed_of_gan(of: str, pictures: Any, device: str, machine: str) -> Row:
    """Pictures a second of `fit` and of a plain loop over the same networks."""
    n, n_steps = 64, 12
    settings = {**COMMON, "epochs": 1, "batch_size": n, "ema_decay": None}
    rows = pictures[: n * n_steps]
    spent: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(3):  # in turns
        model = GAN(**settings, device=device, precision="fp32", random_state=SEED).fit(rows)
        spent["ours"].append(model.history_[-1]["seconds"])
        spent["plain"].append(plain_gan(model, rows, n, device))
    ours, plain = (len(rows) / min(spent[name]) for name in ("ours", "plain"))
    return Row(f"{of}, GAN in fp32", "training", ours, "plain torch loop", plain, ours / plain,
               "pictures/s", torch.get_num_threads(), machine)  # fmt: skip


# ---- CycleGAN

PHOTOGRAPHS = ("brad_pitt", "golden_gate", "hoovertowernight", "tubingen")
NOT_PAINTED = ("escher_sphere",)  # grey: a drawing
SIZE, SQUARE, STRIDE = 128, 32, 8
# Generators and settings were compared by how they translate the right halves, which are what is
# learnt from here; the left ones had no say.
LEARNT, NEW = "right", "left"
CYCLE_SECONDS, QUICK_CYCLE_SECONDS = 180.0, 15.0
CYCLE_SETTINGS: dict[str, Any] = {
    "generator": "unet",
    "channels": 24,
    "n_layers": 2,
    "batch_size": 16,
    "learning_rate": 5e-4,
    "epochs": 40,
}


def squares(side: str) -> tuple[Any, Any]:
    """Squares of photographs and of paintings, from one half of each picture."""
    found = load_pictures("style_images", size=SIZE)
    columns = slice(0, SIZE // 2) if side == "left" else slice(SIZE // 2, SIZE)
    stride = STRIDE if side == LEARNT else SQUARE
    kinds: tuple[list[Any], list[Any]] = ([], [])
    for picture, name in zip(found.pictures, found.names or [], strict=True):
        if name not in NOT_PAINTED:
            own = crops(picture[:, :, columns], SQUARE, stride=stride)
            kinds[name not in PHOTOGRAPHS].append(own)
    photographs, paintings = (np.concatenate(kind) for kind in kinds)
    return photographs, paintings


def cyclegan(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of the cycle's error and of what a classifier takes the translations for."""
    photographs, paintings = squares(LEARNT)
    new_photographs, new_paintings = squares(NEW)
    seconds = QUICK_CYCLE_SECONDS if quick else CYCLE_SECONDS
    model = CycleGAN(**CYCLE_SETTINGS, max_seconds=seconds, device=device,
                     precision=fastest_precision(device), random_state=SEED, verbose=1)  # fmt: skip
    model.fit(photographs, paintings)
    last = model.history_[-1]
    print({name: round(value, 3) for name, value in last.items()})
    judge = judge_of(photographs, paintings, device)
    painted = {
        "photographs": share(judge, new_photographs),
        "paintings": share(judge, new_paintings),
        "photographs, translated": share(judge, model.transform(new_photographs)),
        "paintings, translated": share(judge, model.transform(new_paintings, direction="b2a")),
    }
    lines = [[name, f"{100 * value:.1f}"] for name, value in painted.items()]
    print_table("the classifier takes for painted, per cent", ["of", "painted"], lines)
    a, b = model.transform(new_photographs), model.transform(new_paintings, direction="b2a")
    for name, given, made in (("a2b", new_photographs, a), ("b2a", new_paintings, b)):
        some = np.linspace(0, len(given) - 1, 10).astype(int)
        back = model.cycle(given[some], direction=name)
        rows = np.concatenate([given[some] / 255, made[some], back]).astype(np.float32)
        show(f"cyclegan {name}", rows, columns=10, scale=2)
    whole = load_pictures("style_images", size=SIZE)
    scenes = [i for i, name in enumerate(whole.names or []) if name in PHOTOGRAPHS]
    both = np.concatenate([whole.pictures[scenes] / 255, model.transform(whole.pictures[scenes])])
    show("cyclegan whole pictures", both.astype(np.float32), columns=4, scale=2)
    threads = torch.get_num_threads()
    lost = -model.score(new_photographs, new_paintings)
    mean = np.concatenate([photographs, paintings]).mean(axis=(0, 2, 3), keepdims=True)
    nothing = float(np.abs(np.concatenate([new_photographs, new_paintings]) - mean).mean() / 255)
    yield Row("CycleGAN, there and back", "absolute error", lost, "mean colour", nothing,
              nothing / lost, "of 1", threads, machine)  # fmt: skip
    before, after = (painted[f"photographs{rest}"] for rest in ("", ", translated"))
    yield Row("CycleGAN, photographs", "taken for painted", 100 * after, "before", 100 * before,
              after / max(before, 0.01), "per cent", threads, machine)  # fmt: skip
    yield speed_of_cyclegan(photographs, paintings, device, machine)


def speed_of_cyclegan(photographs: Any, paintings: Any, device: str, machine: str) -> Row:
    """Pairs of squares a second of `fit` and of a plain loop over the same networks."""
    n, n_steps = CYCLE_SETTINGS["batch_size"], 4
    a, b = photographs[: n * n_steps], paintings[: n * n_steps]
    settings = {**CYCLE_SETTINGS, "epochs": 1, "flip": False}
    spent: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(2):  # in turns
        model = CycleGAN(**settings, device=device, precision="fp32", random_state=SEED).fit(a, b)
        spent["ours"].append(model.history_[-1]["seconds"])
        spent["plain"].append(plain_cyclegan(model, a, b, n, device))
    ours, plain = (len(a) / min(spent[name]) for name in ("ours", "plain"))
    return Row("CycleGAN in fp32", "training", ours, "plain torch loop", plain, ours / plain,
               "pairs/s", torch.get_num_threads(), machine)  # fmt: skip


def judge_of(photographs: Any, paintings: Any, device: str) -> Any:
    """Photographs from paintings."""
    pictures = np.concatenate([photographs, paintings])
    labels = np.repeat(["photograph", "painting"], [len(photographs), len(paintings)])
    model = ResNetClassifier(
        epochs=8, flip=True, shift=4, class_weight="balanced", device=device,
        precision=fastest_precision(device), random_state=SEED, verbose=1,
    )  # fmt: skip
    return model.fit(pictures, labels)


def share(judge: Any, pictures: Any) -> float:
    """Share of the pictures that are taken for painted."""
    return float((judge.predict(pictures) == "painting").mean())


# ---- style transfer

STEPS, QUICK_STEPS = 100, 10
SCENE, PAINTING = "tubingen", "starry_night"


def style(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of the losses beside the usual loop's, and of the time."""
    found = load_pictures("style_images")
    names = list(found.names or [])
    scene, painting = (found.pictures[[names.index(name)]] for name in (SCENE, PAINTING))
    steps = QUICK_STEPS if quick else STEPS
    # At one size, as the usual loop does.
    model = StyleTransfer(steps=steps, halvings=0, device=device, verbose=1).fit(painting)
    begun = time.perf_counter()
    made = model.transform(scene)
    spent = time.perf_counter() - begun
    begun = time.perf_counter()
    usual = usual_transfer(model, scene, steps, device)
    spent_by_usual = time.perf_counter() - begun
    coarse = StyleTransfer(steps=steps, device=device).stylise(scene, painting)
    kept = StyleTransfer(steps=steps, preserve_colours=True, device=device)
    rows = [scene / 255, made, coarse, kept.stylise(scene, painting)]
    show("style transfer", np.concatenate(rows).astype(np.float32), columns=2)
    before, after, usuals = (model.losses(picture, scene) for picture in (scene, made, usual))
    lines = [
        [name, *(f"{losses[part]:.4f}" for part in ("content", "style", "variation", "total"))]
        for name, losses in (("scene", before), ("ours", after), ("torch's L-BFGS", usuals))
    ]
    columns = ["of", "content", "style", "variation", "total"]
    print_table(f"{SCENE} as {PAINTING}, {steps} steps", columns, lines)
    threads = torch.get_num_threads()
    yield Row("style transfer", "style loss", after["style"], "of the scene", before["style"],
              before["style"] / after["style"], "share", threads, machine)  # fmt: skip
    yield Row("style transfer", "total loss", after["total"], "torch.optim.LBFGS", usuals["total"],
              usuals["total"] / after["total"], "share", threads, machine)  # fmt: skip
    yield Row("style transfer", "time", spent, "torch.optim.LBFGS", spent_by_usual,
              spent_by_usual / spent, "s", threads, machine)  # fmt: skip


def usual_transfer(model: Any, scene: Any, steps: int, device: str) -> Any:
    """The loop of the tutorials: a closure, and pixels cut to their range before each call."""
    home = choose_device(device)
    content = torch.from_numpy(scene).float().to(home) / 255
    objective = model._objective(model.module_.to(home), content)
    picture = content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([picture], max_iter=steps, history_size=10)

    def closure() -> torch.Tensor:
        with torch.no_grad():
            picture.clamp_(0, 1)
        optimizer.zero_grad()
        total = objective.total(objective.losses(picture))
        total.backward()
        return total

    optimizer.step(closure)
    model.module_.to("cpu")
    return picture.detach().clamp(0, 1).cpu().numpy()


def show(name: str, pictures: Any, *, columns: int, scale: int = 1) -> None:
    """Write a grid to look at."""
    path = picture_path(f"{name.replace(', ', '-').replace(' ', '-')}.png")
    save_grid(path, pictures, columns=columns, scale=scale)
