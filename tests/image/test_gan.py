"""`GAN` as an estimator, and its turns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import textrep
from textrep.engine import TrainingSettings, torch_seed, train
from textrep.image import GAN
from textrep.image.estimator import PictureBatches, PictureEstimator
from textrep.image.gan import LOSSES, Critic, DCGenerator, Game, GANModule, GANTask

SMALL = {
    "channels": 4,
    "latent_size": 6,
    "epochs": 2,
    "batch_size": 8,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).random((20, 1, 8, 8), dtype=np.float32)


@pytest.fixture(scope="module")
def fitted(pictures):
    return GAN(**SMALL).fit(pictures)


@pytest.fixture(scope="module")
def style(pictures):
    return GAN(**SMALL, architecture="style").fit(pictures)


def new_task(loss="bce", **rules):
    with torch_seed(0):
        generator = DCGenerator((1, 8, 8), latent_size=3, channels=2)
        critic = Critic((1, 8, 8), channels=2, normalisation="none")
    return GANTask(GANModule(generator, critic), Game(loss=loss, latent_size=3, **rules))


def turns(task, n):
    return [step for step in range(n) if task.takes_turn("generator", step)]


# ---- turns


def test_the_critic_has_every_turn_and_the_generator_one_in_so_many_after_the_warm_up():
    task = new_task(critic_steps=3, warmup_steps=4)
    assert all(task.takes_turn("critic", step) for step in range(12))
    assert turns(task, 14) == [6, 9, 12]
    assert turns(new_task(), 4) == [0, 1, 2, 3]


def test_each_turn_has_gradients_for_its_own_player_only():
    task = new_task()
    batch = torch.rand(4, 1, 8, 8)
    players = {"critic": task.module.critic, "generator": task.module.generator}
    for phase in task.phases:
        task.zero_grad(set_to_none=True)
        task.loss(phase, batch).total.backward()
        for name, player in players.items():
            has = [parameter.grad is not None for parameter in player.parameters()]
            assert any(has) == (name == phase)
        assert all(parameter.requires_grad for parameter in task.parameters())


def test_real_and_made_pictures_have_batches_of_their_own():
    task = new_task()
    seen = []
    task.module.critic.register_forward_hook(lambda module, given, scores: seen.append(given[0]))
    batch = torch.rand(4, 1, 8, 8)
    task.loss("critic", batch)
    assert [len(given) for given in seen] == [4, 4]
    torch.testing.assert_close(seen[0], 2 * batch - 1)


def test_in_the_warm_up_the_generator_learns_nothing(pictures):
    task = new_task(warmup_steps=100)
    before = [parameter.clone() for parameter in task.module.generator.parameters()]
    settings = TrainingSettings(epochs=2, optimizer="adam")
    outcome = train(task, PictureBatches((pictures,), 8), settings, device="cpu")
    after = task.module.generator.parameters()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert "critic_loss" in outcome.history[0]
    assert "generator_loss" not in outcome.history[0]


def test_weights_of_a_clipped_critic_stay_in_their_range(pictures):
    gan = GAN(**SMALL, loss="wgan", clip=0.02).fit(pictures)
    largest = max(p.abs().max().item() for p in gan.module_.critic.parameters())
    assert largest <= 0.02


def test_noise_on_pictures_falls_over_the_epochs():
    task = new_task(instance_noise=0.4, epochs=4)
    noises = []
    for epoch in range(4):
        task.begin_epoch(epoch)
        zeros = torch.zeros(50, 1, 8, 8)
        noises.append(task._blurred(zeros).std().item())
    assert noises == pytest.approx([0.4, 0.3, 0.2, 0.1], rel=0.1)


def test_a_last_small_batch_is_left_out_and_every_size_of_batch_works(pictures):
    # A penalty that knows the size of the batch breaks on the last one.
    gan = GAN(**{**SMALL, "batch_size": 7}, loss="wgan-gp", critic_steps=1).fit(pictures)
    assert gan.history_[-1]["step"] == 2 * 2
    GAN(**{**SMALL, "batch_size": 64}, loss="wgan-gp").fit(pictures)


# ---- the estimator


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("architecture", ["dcgan", "style"])
def test_every_loss_trains_either_architecture(pictures, loss, architecture):
    params = {**SMALL, "epochs": 1}
    gan = GAN(**params, loss=loss, architecture=architecture, critic_steps=1).fit(pictures)
    made = gan.sample(3, random_state=1)
    assert made.shape == (3, 1, 8, 8)
    assert made.dtype == np.float32
    assert 0 <= made.min() <= made.max() <= 1
    entry = gan.history_[-1]
    assert {"critic_loss", "generator_loss"} <= entry.keys()
    assert ("critic_wasserstein" in entry) == loss.startswith("wgan")
    assert ("critic_penalty" in entry) == (loss == "wgan-gp")


def test_it_learns_what_is_bright():
    """Pictures with one bright half: made ones have it too."""
    pictures = np.zeros((64, 1, 8, 8), np.float32)
    pictures[:, :, :4] = 1.0
    gan = GAN(**{**SMALL, "epochs": 12, "learning_rate": 5e-3, "ema_decay": 0.9}).fit(pictures)
    made = gan.sample(16, random_state=0)
    assert made[:, :, :4].mean() - made[:, :, 4:].mean() > 0.7


def test_it_is_reproducible_and_answers_alone_as_in_a_batch(pictures, fitted):
    again = GAN(**SMALL).fit(pictures)
    np.testing.assert_array_equal(again.sample(4, random_state=3), fitted.sample(4, random_state=3))
    many = fitted.sample(40, random_state=3)
    np.testing.assert_allclose(fitted.sample(4, random_state=3), many[:4], atol=1e-5)
    features = fitted.transform(pictures)
    assert features.dtype == np.float32
    assert len(fitted.get_feature_names_out()) == features.shape[1]
    np.testing.assert_allclose(fitted.transform(pictures[:1]), features[:1], atol=1e-5)
    assert not np.array_equal(fitted.sample(4), fitted.sample(4))


def test_training_leaves_torch_and_the_pictures_alone(pictures):
    state, before = torch.get_rng_state(), pictures.copy()
    GAN(**{**SMALL, "epochs": 1}).fit(pictures).sample(2)
    assert torch.equal(state, torch.get_rng_state())
    np.testing.assert_array_equal(pictures, before)


def test_the_way_between_two_vectors_is_along_the_sphere(fitted):
    a, b = fitted.codes(2, random_state=5)
    way = fitted.interpolate(a, b, 5)
    assert way.shape == (5, 1, 8, 8)
    np.testing.assert_allclose(way[[0, -1]], fitted.decode([a, b]), atol=1e-6)
    # Half way: unit vectors of either, added and made as long as they are apart.
    angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    middle = (a + b) * np.sin(angle / 2) / np.sin(angle)
    np.testing.assert_allclose(way[2], fitted.decode([middle])[0], atol=1e-4)


def test_truncation_makes_pictures_more_alike(fitted, style):
    for gan in (fitted, style):
        spread = [
            gan.sample(50, random_state=0, truncation=truncation).std(axis=0).mean()
            for truncation in (0.1, None)
        ]
        assert spread[0] < 0.5 * spread[1]


def test_styles_are_mixed_and_only_those(style, fitted):
    a, b = style.codes(2, random_state=0), style.codes(2, random_state=1)
    layers = style.module_.generator.n_layers
    np.testing.assert_allclose(style.mix(a, b, layers), style.decode(a), atol=1e-6)
    np.testing.assert_allclose(style.mix(a, b, 0), style.decode(b), atol=1e-6)
    assert np.abs(style.mix(a, b) - style.decode(a)).max() > 1e-6
    with pytest.raises(ValueError, match="architecture='style'"):
        fitted.mix(a, b)


def test_it_can_be_asked_for_classes_of_any_type():
    """Dark and bright pictures by name."""
    rng = np.random.default_rng(1)
    names = np.array(["dark", "bright"])[rng.integers(2, size=96)]
    level = np.where(names == "dark", 0.1, 0.9)[:, None, None, None]
    pictures = np.clip(level + rng.normal(0, 0.05, (96, 1, 8, 8)), 0, 1)
    params = {**SMALL, "epochs": 12, "learning_rate": 5e-3, "ema_decay": 0.9}
    gan = GAN(**params, conditional=True).fit(pictures, names)
    dark = gan.sample(8, labels="dark", random_state=0)
    bright = gan.sample(8, labels=["bright"] * 8, random_state=0)
    assert bright.mean() - dark.mean() > 0.5
    assert gan.class_shares_.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="'grey', which is none of the classes"):
        gan.sample(1, labels="grey")
    with pytest.raises(ValueError, match="labels must be one label or 2"):
        gan.sample(2, labels=["dark"])
    with pytest.raises(ValueError, match="labels is needed"):
        gan.decode(gan.codes(1))


def test_score_prefers_pictures_like_those_it_makes(fitted):
    own = fitted.sample(30, random_state=7)
    assert fitted.score(own) > fitted.score(1 - own)
    assert fitted.score(own) == fitted.score(own)


def test_saving_keeps_answers(style, tmp_path):
    loaded = textrep.load(style.save(tmp_path / "gan.textrep"))
    np.testing.assert_array_equal(
        loaded.sample(2, random_state=0, truncation=0.5),
        style.sample(2, random_state=0, truncation=0.5),
    )


def test_interrupted_training_goes_on_to_the_same_end(pictures, fitted, tmp_path, monkeypatch):
    path = tmp_path / "training"
    task_loss, calls = GANTask.loss, []

    def stop(self, phase, batch):
        calls.append(phase)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return task_loss(self, phase, batch)

    monkeypatch.setattr(GANTask, "loss", stop)
    with pytest.raises(KeyboardInterrupt):
        GAN(**SMALL, checkpoint=path).fit(pictures)
    assert path.exists()
    monkeypatch.undo()
    gone_on = GAN(**SMALL, checkpoint=path).fit(pictures)
    np.testing.assert_array_equal(
        gone_on.sample(2, random_state=0), fitted.sample(2, random_state=0)
    )


def test_progress_is_drawn_without_influence(pictures, fitted, tmp_path):
    drawn = GAN(**SMALL, progress_folder=tmp_path / "grids").fit(pictures)
    files = sorted(path.name for path in (tmp_path / "grids").iterdir())
    assert files == ["epoch-0000.png", "epoch-0001.png", "epoch-0002.png"]
    np.testing.assert_array_equal(drawn.sample(2, random_state=0), fitted.sample(2, random_state=0))


def test_a_critic_that_wins_is_warned_of(pictures):
    gan = GAN(**SMALL)
    gan.history_ = [{"critic_accuracy": 0.995}]
    with pytest.warns(UserWarning, match="instance_noise"):
        gan._warn_of_winning()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "mse"}, "loss must be 'bce' or"),
        ({"architecture": "unet"}, "architecture must be"),
        ({"upsampling": "nearest"}, "upsampling must be"),
        ({"latent_size": 0}, "latent_size"),
        ({"label_smoothing": 0.7}, "label_smoothing"),
        ({"clip": 0}, "clip"),
        ({"critic_steps": 0}, "critic_steps"),
        ({"warmup_steps": -1}, "warmup_steps"),
        ({"conditional": "yes"}, "conditional must be True or False"),
        ({"loss": "wgan-gp", "normalisation": "batch"}, "take 'layer', 'spectral' or 'none'"),
        ({"r1": 1.0, "normalisation": "batch"}, "r1=1.0 holds the gradient"),
        ({"conditional": True}, "requires y"),
        ({"progress_folder": 3}, "progress_folder"),
    ],
)
def test_what_is_out_of_range_is_named(pictures, params, message):
    with pytest.raises(ValueError, match=message):
        GAN(**{**SMALL, **params}).fit(pictures)


def test_pictures_of_another_size_and_too_small_ones_are_refused(fitted):
    assert isinstance(fitted, PictureEstimator)
    with pytest.raises(ValueError, match="expected 8 x 8"):
        fitted.transform(np.zeros((2, 1, 9, 8)))
    with pytest.raises(ValueError, match="at least 4"):
        GAN(**SMALL).fit(np.zeros((4, 1, 3, 8)))
    with pytest.raises(ValueError, match=r"codes must be \(n, 6\)"):
        fitted.decode(np.zeros((2, 5)))


@pytest.mark.parametrize("truncation", [0, -1.0, float("nan"), "much"])
def test_no_truncation_of_nothing(fitted, truncation):
    for draw in (fitted.sample, fitted.codes):
        with pytest.raises(ValueError, match="truncation must be"):
            draw(2, truncation=truncation)


@pytest.mark.parametrize(("architecture", "rate"), [("dcgan", 2e-4), ("style", 2e-3)])
def test_the_rate_suits_the_architecture_where_none_is_given(pictures, architecture, rate):
    model = GAN(**{**SMALL, "learning_rate": None}, architecture=architecture).fit(pictures)
    assert model.history_[-1]["learning_rate"] == pytest.approx(rate)
