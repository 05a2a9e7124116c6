"""`CycleGAN`: its networks, its pool, its losses, and the estimator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import textrep
from textrep.engine import Share, torch_seed
from textrep.image import CycleGAN
from textrep.image.cycle_gan import (
    CycleGANModule,
    CycleGANTask,
    PatchCritic,
    ResNetGenerator,
    UNetGenerator,
    UnpairedBatches,
    pool_query,
)
from textrep.image.cycle_gan.task import Weights
from textrep.image.pixels import to_pil

SMALL = {
    "channels": 2,
    "n_blocks": 1,
    "n_layers": 1,
    "epochs": 2,
    "batch_size": 4,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(autouse=True)
def seeded():
    with torch_seed(0):
        yield


@pytest.fixture(scope="module")
def domains():
    rng = np.random.default_rng(0)
    dark, bright = rng.random((6, 1, 8, 8)) * 0.4, 0.6 + rng.random((9, 1, 8, 8)) * 0.4
    return dark.astype(np.float32), bright.astype(np.float32)


@pytest.fixture(scope="module")
def fitted(domains):
    return CycleGAN(**SMALL).fit(domains)


# ---- networks


@pytest.mark.parametrize("upsampling", ["resize", "transposed"])
def test_generators_keep_any_size_and_borders_are_mirrored(upsampling):
    resnet = ResNetGenerator(3, channels=2, n_blocks=1, upsampling=upsampling)
    unet = UNetGenerator(3, channels=2, size=(16, 16), upsampling=upsampling)
    for height, width in ((16, 16), (17, 30), (9, 8)):
        x = torch.randn(2, 3, height, width)
        for generator in (resnet, unet):
            made = generator(x)
            assert made.shape == x.shape
            assert made.abs().max() <= 1
            torch.testing.assert_close(generator(x[:1]), made[:1])  # alone as in a batch
    paddings = [m.padding_mode for m in resnet.modules() if isinstance(m, nn.Conv2d)]
    assert paddings.count("reflect") >= 4


@pytest.mark.parametrize("trained", [8, 16, 31, 64])
def test_a_unet_translates_the_smallest_pictures_whatever_it_was_trained_on(trained):
    generator = UNetGenerator(1, channels=1, size=(trained, trained))
    assert generator(torch.randn(1, 1, 8, 8)).shape == (1, 1, 8, 8)


def test_instance_normalisation_takes_brightness_and_contrast():
    layer = next(m for m in PatchCritic(1, channels=2, n_layers=2, size=(32, 32)).modules()
                 if isinstance(m, nn.InstanceNorm2d))  # fmt: skip
    x = torch.randn(1, 4, 8, 8)
    torch.testing.assert_close(layer(x), layer(3 * x + 5), atol=1e-4, rtol=0)


def test_a_patch_critic_sees_as_much_as_its_authors_say():
    critic = PatchCritic(1, channels=1, n_layers=3, size=(128, 128))
    for layer in critic.modules():
        if isinstance(layer, nn.InstanceNorm2d):
            layer.forward = lambda x: x  # which sees all of the picture
    picture = torch.randn(1, 1, 128, 128, requires_grad=True)
    scores = critic(picture)
    assert scores.shape == (1, 14, 14)
    scores[0, 7, 7].backward()
    seen = picture.grad[0, 0].abs().sum(dim=0).nonzero().flatten()
    assert seen.max() - seen.min() + 1 == 70


def test_a_patch_critic_halves_small_pictures_less_often():
    for size in (8, 9, 16, 31):
        critic = PatchCritic(1, channels=2, n_layers=3, size=(size, size))
        assert critic(torch.randn(2, 1, size, size)).numel() >= 2


# ---- the pool


def test_a_pool_fills_and_then_shows_half_new_and_half_stored_pictures_one_by_one():
    stored, shown_all = None, []
    for i in range(300):
        made = torch.full((2, 1, 1, 1), 2.0 * i)
        made[1] += 1
        shown, stored = pool_query(stored, made, 50)
        shown_all.append(torch.stack([made.flatten(), shown.flatten()]))
        assert len(stored) == min(50, 2 * (i + 1))
    made, shown = torch.cat(shown_all, dim=1)
    assert torch.equal(made[:50], shown[:50])
    new = (made == shown)[50:]
    assert new.float().mean().item() == pytest.approx(0.5, abs=0.07)
    # Not whole batches: of two pictures that come together, one may be new and one stored.
    assert (new[0::2] != new[1::2]).float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert (shown[50:] <= made[50:]).all()
    old = shown[50:][~new]
    assert len(set(old.tolist())) == len(old)  # what was shown from the pool has left it


def test_a_pool_leaves_what_it_is_given_alone():
    stored = torch.zeros(3, 1, 1, 1)
    made = torch.ones(20, 1, 1, 1, requires_grad=True)
    shown, after = pool_query(stored, made, 3)
    assert (stored == 0).all()
    assert not shown.requires_grad
    assert after.sum() > 0
    shown, after = pool_query(None, made, 0)
    assert (shown == 1).all()
    assert len(after) == 0


# ---- losses


class Add(nn.Module):
    """A generator that adds a number."""

    def __init__(self, number):
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))

    def forward(self, x):
        return x + self.number


class Mean(nn.Module):
    """A critic whose scores are a picture's mean times a weight."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x):
        return self.weight * x.mean(dim=(1, 2, 3))[:, None, None]


def by_hand(identity=0.5, pool_size=0):
    module = CycleGANModule(Add(0.3), Add(-0.1), Mean(0.5), Mean(2.0))
    return CycleGANTask(module, Weights(10.0, identity), pool_size)


def test_the_generators_loss_by_hand():
    task = by_hand()
    # In [-1, 1]: a is 0, b is 0.5.
    batch = torch.full((2, 1, 4, 4), 0.5), torch.full((2, 1, 4, 4), 0.75)
    found = task.loss("generators", batch)
    made_b, made_a = 0.0 + 0.3, 0.5 - 0.1
    validity = (0.5 * made_a - 1) ** 2 + (2.0 * made_b - 1) ** 2
    cycle = abs(0.3 - 0.1) + abs(-0.1 + 0.3)
    identity = 0.3 + 0.1  # of a2b on b and of b2a on a
    assert found.count == 2
    assert found.measures["validity"].item() == pytest.approx(2 * validity, rel=1e-5)
    assert found.measures["cycle"].item() == pytest.approx(2 * cycle, rel=1e-5)
    assert found.measures["identity"].item() == pytest.approx(2 * identity, rel=1e-5)
    total = 2 * (validity + 10 * cycle + 5 * identity)
    assert found.total.item() == pytest.approx(total, rel=1e-5)
    found.total.backward()
    assert all(parameter.grad is None for parameter in task.module.critics.parameters())


def test_the_critics_loss_by_hand_is_halved():
    task = by_hand()
    batch = torch.full((2, 1, 4, 4), 0.5), torch.full((2, 1, 4, 4), 0.75)
    task.loss("generators", batch)
    found = task.loss("critics", batch)
    a = (0.0 - 1) ** 2 + (0.5 * 0.4) ** 2
    b = (2.0 * 0.5 - 1) ** 2 + (2.0 * 0.3) ** 2
    assert found.total.item() == pytest.approx(2 * 0.5 * (a + b), rel=1e-5)
    found.total.backward()
    assert task.module.a2b.number.grad is None


def test_identity_can_be_left_out():
    batch = torch.full((1, 1, 4, 4), 0.5), torch.full((1, 1, 4, 4), 0.75)
    assert "identity" not in by_hand(identity=0.0).loss("generators", batch).measures


def test_what_was_made_before_is_part_of_the_state_of_training():
    task = by_hand(pool_size=3)
    batch = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    for _ in range(3):
        task.loss("generators", batch)
        task.loss("critics", batch)
    assert {name: len(pool) for name, pool in task.carried.items()} == {"pool_a": 3, "pool_b": 3}


# ---- batches


def test_batches_show_the_larger_set_once_and_the_smaller_one_again():
    a = np.arange(3, dtype=np.float32)[:, None, None, None]
    b = np.arange(10, 17, dtype=np.float32)[:, None, None, None]
    batches = UnpairedBatches(a, b, 2, seed=1)
    seen = [batches.read(spec, Share()) for spec in batches.plan(0)]
    of_a = torch.cat([one for one, _ in seen]).flatten().tolist()
    of_b = torch.cat([other for _, other in seen]).flatten().tolist()
    assert sorted(of_b) == list(range(10, 17))
    assert sorted(of_a[:3]) == sorted(of_a[3:6]) == [0, 1, 2]
    assert [rows.a.tolist() for rows in batches.plan(0)] == [
        rows.a.tolist() for rows in batches.plan(0)
    ]
    parts = [batches.read(batches.plan(0)[0], Share(part, 2)) for part in range(2)]
    assert torch.equal(torch.cat([part[0] for part in parts]), seen[0][0])


# ---- the estimator


@pytest.mark.parametrize("generator", ["resnet", "unet"])
def test_it_learns_to_brighten(generator, domains):
    params = {**SMALL, "epochs": 15, "learning_rate": 1e-2, "cycle_weight": 1.0}
    model = CycleGAN(**params, generator=generator).fit(domains)
    dark, bright = domains
    assert model.transform(dark).mean() > 0.6
    assert model.transform(bright, direction="b2a").mean() < 0.4


def test_both_kinds_come_as_a_pair_apart_or_by_label(domains, fitted):
    dark, bright = domains
    apart = CycleGAN(**SMALL).fit(dark, bright)
    labels = np.array(["dark"] * 6 + ["light"] * 9)
    mixed = np.random.default_rng(0).permutation(15)
    together = np.concatenate(domains)
    labelled = CycleGAN(**SMALL).fit(together, labels)
    np.testing.assert_array_equal(apart.transform(dark), fitted.transform(dark))
    np.testing.assert_array_equal(labelled.transform(dark), fitted.transform(dark))
    assert labelled.domains_.tolist() == ["dark", "light"]
    pair = labelled.score(domains)
    assert labelled.score(dark, bright) == pytest.approx(pair)
    assert labelled.score(together[mixed], labels[mixed]) == pytest.approx(pair)


def test_score_is_minus_the_distance_there_and_back(domains, fitted):
    dark, bright = domains
    lost = [
        np.abs(fitted.cycle(pictures, direction=way) - pictures)
        for pictures, way in ((dark, "a2b"), (bright, "b2a"))
    ]
    assert fitted.score(dark) == pytest.approx(-lost[0].mean(), rel=1e-5)
    assert fitted.score(domains) == pytest.approx(-np.concatenate(lost).mean(), rel=1e-5)


def test_score_tells_what_is_no_picture_and_no_kind(domains, fitted, tmp_path):
    dark, bright = domains
    with pytest.raises(ValueError, match="is empty"):
        fitted.score([])
    with pytest.raises(ValueError, match="a tuple of 3"):
        fitted.score((dark, bright, dark))
    with pytest.raises(ValueError, match=r"labels\[1\] is 'c', which is none of the classes"):
        fitted.score(dark, ["a", "c", "a", "a", "a", "a"])
    with pytest.raises(ValueError, match="6 of them"):
        fitted.score(dark, ["a", "b"])
    folders = []
    for name, pictures in (("a", dark), ("b", bright)):
        (tmp_path / name).mkdir()
        for i, image in enumerate(to_pil(pictures)):
            image.save(tmp_path / name / f"{i}.png")
        folders.append(tmp_path / name)
    assert fitted.score(tuple(folders)) == pytest.approx(fitted.score(domains), abs=2e-3)


def test_few_files_are_pictures_and_no_labels(domains, fitted, tmp_path):
    _, bright = domains
    paths = [str(tmp_path / f"{i}.png") for i in range(2)]
    for path, image in zip(paths, to_pil(bright[:2]), strict=True):
        image.save(path)
    model = CycleGAN(**{**SMALL, "epochs": 1}).fit(domains[0], iter(paths))
    assert model.domains_.tolist() == ["a", "b"]


def test_the_learning_rate_stays_and_then_falls_to_nothing(domains):
    model = CycleGAN(**{**SMALL, "epochs": 4}).fit(domains)
    rates = [entry["learning_rate"] / 2e-4 for entry in model.history_]
    # Three steps an epoch; the rate of the last of each.
    assert rates == pytest.approx([1, 1, 2 * 4 / 12, 2 * 1 / 12])
    assert {"generators_validity", "generators_cycle", "generators_identity"} <= (
        model.history_[-1].keys()
    )


def test_it_translates_pictures_larger_than_it_was_trained_on(fitted, domains):
    assert fitted.transform(np.zeros((1, 1, 21, 40))).shape == (1, 1, 21, 40)
    dark = domains[0]
    np.testing.assert_allclose(fitted.transform(dark[:1]), fitted.transform(dark)[:1], atol=1e-5)


def test_saving_and_interrupted_training_keep_answers(domains, fitted, tmp_path, monkeypatch):
    expected = fitted.transform(domains[0])
    loaded = textrep.load(fitted.save(tmp_path / "cycle.textrep"))
    np.testing.assert_array_equal(loaded.transform(domains[0]), expected)
    path, plain, calls = tmp_path / "training", CycleGANTask.loss, []

    def stop(self, phase, batch):
        calls.append(phase)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return plain(self, phase, batch)

    monkeypatch.setattr(CycleGANTask, "loss", stop)
    with pytest.raises(KeyboardInterrupt):
        CycleGAN(**SMALL, checkpoint=path).fit(domains)
    monkeypatch.undo()
    gone_on = CycleGAN(**SMALL, checkpoint=path).fit(domains)
    np.testing.assert_array_equal(gone_on.transform(domains[0]), expected)


def test_progress_shows_pictures_there_and_back(domains, tmp_path):
    CycleGAN(**{**SMALL, "epochs": 1}, progress_folder=tmp_path / "grids").fit(domains)
    names = sorted(path.name for path in (tmp_path / "grids").iterdir())
    assert names == ["epoch-0000.png", "epoch-0001.png"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"generator": "vgg"}, "generator must be"),
        ({"cycle_weight": -1}, "cycle_weight"),
        ({"pool_size": -1}, "pool_size"),
        ({"schedule": "falling"}, "schedule"),
        ({"flip": 1.5}, "flip"),
    ],
)
def test_what_is_out_of_range_is_named(domains, params, message):
    with pytest.raises(ValueError, match=message):
        CycleGAN(**{**SMALL, **params}).fit(domains)


def test_what_are_no_two_kinds_of_pictures_is_refused(domains, fitted):
    dark, _ = domains
    model = CycleGAN(**SMALL)
    with pytest.raises(ValueError, match="a second kind of pictures"):
        model.fit(dark)
    for wrong in (3, "dark"):
        with pytest.raises(ValueError, match="y must be"):
            model.fit(dark, wrong)
    with pytest.raises(ValueError, match="two kinds of labels, got 3"):
        model.fit(dark, [0, 1, 2, 0, 1, 2])
    with pytest.raises(ValueError, match="y is 10 x 8"):
        model.fit(dark, np.zeros((2, 1, 10, 8)))
    with pytest.raises(ValueError, match="y has 3 channels, expected 1"):
        model.fit(dark, np.zeros((2, 3, 8, 8)))
    with pytest.raises(ValueError, match="at least 8"):
        model.fit((np.zeros((2, 1, 7, 8)), np.zeros((2, 1, 7, 8))))
    with pytest.raises(ValueError, match="direction must be 'a2b' or 'b2a'"):
        fitted.transform(dark, direction="a to b")
