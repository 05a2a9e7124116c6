"""Diffusion against diffusers' schedulers, closed forms and itself."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

import textrep
from textrep.engine.seeding import torch_seed
from textrep.image import VAE, Diffusion
from textrep.image.diffusion import DenoisingUNet, NoiseSchedule
from textrep.image.diffusion.bound import bound, last_step, prior_divergence, step_divergence
from textrep.image.diffusion.coder import CoderTask, PictureCoder
from textrep.image.diffusion.module import ClassCondition, Denoiser, DiffusionTask
from textrep.image.diffusion.sampling import picture_of, step_between, target_of

SMALL = {
    "channels": [8],
    "blocks": 1,
    "num_heads": 2,
    "coder_channels": 4,
    "coder_epochs": 2,
    "n_steps": 100,
    "epochs": 2,
    "batch_size": 32,
    "device": "cpu",
    "random_state": 0,
}
RNG = np.random.default_rng(0)
LABELS = np.array(["dark", "light"])[np.arange(64) % 2]
PICTURES = np.clip(
    np.where(LABELS == "light", 0.8, 0.2)[:, None, None, None]
    + 0.05 * RNG.normal(size=(64, 1, 8, 8)),
    0,
    1,
).astype(np.float32)


@pytest.fixture(scope="module")
def pixel_model():
    return Diffusion(space="pixel", **SMALL).fit(PICTURES, LABELS)


@pytest.fixture(scope="module")
def latent_model():
    return Diffusion(**SMALL).fit(PICTURES, LABELS)


# ---- the way into noise and back


@pytest.mark.parametrize("n_steps", [50, 1000])
def test_the_cosine_schedule_is_that_of_diffusers(n_steps):
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(num_train_timesteps=n_steps, beta_schedule="squaredcos_cap_v2")
    found = NoiseSchedule.of("cosine", n_steps).kept
    np.testing.assert_allclose(found, theirs.alphas_cumprod, atol=1e-5)


def test_the_linear_schedule_is_that_of_diffusers_at_1000_steps():
    from diffusers import DDPMScheduler

    found = NoiseSchedule.of("linear", 1000).kept
    np.testing.assert_allclose(found, DDPMScheduler().alphas_cumprod, atol=1e-5)


@pytest.mark.parametrize("kind", ["cosine", "linear"])
@pytest.mark.parametrize("n_steps", [20, 50, 100, 300, 1000])
def test_nothing_is_left_at_the_end_however_many_steps_there_are(kind, n_steps):
    from diffusers import DDPMScheduler

    assert NoiseSchedule.of(kind, n_steps).kept[-1] < 1e-4
    if n_steps == 100:  # which is why theirs is not taken as it is
        assert DDPMScheduler(num_train_timesteps=100).alphas_cumprod[-1] > 0.3


@pytest.mark.parametrize("steps", [1, 7, 25, 50, 1000])
def test_steps_are_counted_from_the_end_as_by_diffusers(steps):
    from diffusers import DDIMScheduler

    theirs = DDIMScheduler(timestep_spacing="trailing")
    theirs.set_timesteps(steps)
    way = NoiseSchedule.of("cosine", 1000).way_back(steps)
    assert [number for number, _, _ in way] == theirs.timesteps.tolist()
    assert way[0][0] == 999
    assert way[-1][2] == 1.0
    assert [kept for _, kept, _ in way[1:]] == [after for _, _, after in way[:-1]]


@pytest.mark.parametrize("prediction", ["v", "epsilon"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_a_step_of_ddim_is_that_of_diffusers(prediction, eta):
    from diffusers import DDIMScheduler

    kind = {"v": "v_prediction", "epsilon": "epsilon"}[prediction]
    theirs = DDIMScheduler(
        beta_schedule="squaredcos_cap_v2", prediction_type=kind, timestep_spacing="trailing"
    )
    theirs.set_timesteps(10)
    x, output, fresh = torch.randn(3, 2, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    for number, kept, after in NoiseSchedule.of("cosine", 1000).way_back(10)[1:]:
        expected = theirs.step(
            output, number, x, eta=eta, use_clipped_model_output=True, variance_noise=fresh
        ).prev_sample
        found = step_between(
            x, output, kept, after, prediction=prediction, clip=1.0, eta=eta, fresh=fresh
        )
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_ddpm_is_ddim_that_draws_all_noise_anew():
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        variance_type="fixed_small",
    )
    theirs.set_timesteps(20)
    x, output = torch.randn(2, 2, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    for number, kept, after in NoiseSchedule.of("cosine", 1000).way_back(20)[1:]:
        fresh = torch.randn(x.shape, generator=torch.Generator().manual_seed(number))
        drawn = torch.Generator().manual_seed(number)
        expected = theirs.step(output, number, x, generator=drawn).prev_sample
        found = step_between(x, output, kept, after, prediction="v", clip=1.0, eta=1.0, fresh=fresh)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("prediction", ["v", "epsilon"])
def test_what_is_predicted_tells_of_the_picture(prediction):
    codes, noise = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    kept = torch.tensor(0.3)
    x = kept.sqrt() * codes + (1 - kept).sqrt() * noise
    output = target_of(prediction, codes, noise, kept)
    torch.testing.assert_close(picture_of(prediction, x, output, 0.3), codes)


def test_of_standard_normal_codes_v_is_0_and_ddim_shrinks_by_the_cosine_of_each_step(pixel_model):
    # A network that says 0 is the best one for data of N(0, 1): their noisy versions are N(0, 1).
    model = copy.deepcopy(pixel_model)
    torch.nn.init.zeros_(model.module_.denoiser.network.exit.weight)
    torch.nn.init.zeros_(model.module_.denoiser.network.exit.bias)
    model.code_range_ = math.inf
    noise = np.random.default_rng(0).normal(size=(2, 1, 8, 8)).astype(np.float32)
    for steps in (4, 20):
        way = model._schedule().way_back(steps)
        angles = [
            math.acos(math.sqrt(after)) - math.acos(math.sqrt(kept)) for _, kept, after in way
        ]
        expected = math.prod(map(math.cos, angles)) * noise
        found = model._walk_back(noise, None, steps=steps)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_more_steps_there_and_back_come_closer_to_the_picture(pixel_model):
    errors = []
    for steps in (5, 100):
        noise = pixel_model.encode(PICTURES[:4], labels=LABELS[:4], steps=steps)
        again = pixel_model.decode(noise, labels=LABELS[:4], steps=steps)
        errors.append(np.abs(again - PICTURES[:4]).mean())
    assert noise.shape == (4, 64)
    assert errors[1] < 0.5 * errors[0]


# ---- training


class Knowing(torch.nn.Module):
    """Says what is right of codes that are all 0."""

    def __init__(self, prediction, kept):
        super().__init__()
        self.prediction, self.kept = prediction, torch.from_numpy(kept).float()

    def forward(self, x, shares, given):
        kept = self.kept[(shares * len(self.kept)).round().long() - 1][:, None, None, None]
        noise = x / (1 - kept).sqrt()
        return noise if self.prediction == "epsilon" else kept.sqrt() * noise


@pytest.mark.parametrize("prediction", ["v", "epsilon"])
def test_the_loss_is_0_for_what_is_right_and_counts_codes(prediction):
    schedule = NoiseSchedule.of("cosine", 100)
    task = DiffusionTask(Knowing(prediction, schedule.kept), schedule, prediction)
    loss = task.loss("train", torch.zeros(7, 2, 3, 3))
    assert float(loss.total) == pytest.approx(0, abs=1e-6)
    assert loss.count == 7


def test_the_loss_of_a_network_that_says_nothing_is_the_variance_of_the_noise():
    network = DenoisingUNet((2, 4, 4), [8], 1, 2)
    task = DiffusionTask(Denoiser(network), NoiseSchedule.of("cosine", 100), "epsilon")
    with torch_seed(0):
        loss = task.loss("train", torch.randn(2000, 2, 4, 4))
    assert float(loss.total.detach()) / 2000 == pytest.approx(1, abs=0.02)


class Recording(ClassCondition):
    def forward(self, given):
        self.seen = given
        return super().forward(given)


@pytest.mark.parametrize("drop", [0.0, 0.3])
def test_so_many_labels_are_hidden_behind_the_number_after_the_last_class(drop):
    network = DenoisingUNet((1, 2, 2), [4], 1, 1)
    condition = Recording(3, network.told_size)
    task = DiffusionTask(
        Denoiser(network, condition),
        NoiseSchedule.of("cosine", 10),
        "v",
        nothing=torch.tensor(3),
        drop=drop,
    )
    labels = torch.arange(3000) % 3
    with torch_seed(0):
        task.loss("train", (torch.zeros(3000, 1, 2, 2), labels))
    hidden = condition.seen == 3
    assert float(hidden.float().mean()) == pytest.approx(drop, abs=0.03)
    assert bool((condition.seen[~hidden] == labels[~hidden]).all())


def test_it_learns_what_classes_look_like():
    settings = {**SMALL, "epochs": 60, "learning_rate": 1e-2, "ema_decay": 0.9}
    model = Diffusion(space="pixel", **settings).fit(PICTURES, LABELS)
    drawn = model.sample(8, labels=["dark", "light"] * 4, steps=10, random_state=0)
    assert drawn[::2].mean() < 0.4
    assert drawn[1::2].mean() > 0.6
    assert model.score(PICTURES, LABELS) > -0.6  # that of a network that says 0 is near -1


def test_pictures_are_drawn_with_the_moving_average_of_the_weights():
    weights = []
    for decay in (None, 0.999):
        model = Diffusion(space="pixel", **{**SMALL, "ema_decay": decay}).fit(PICTURES)
        weights.append(model.module_.denoiser.network.entry.weight.detach())
        losses = [entry["loss"] for entry in model.history_]
    assert not torch.equal(*weights)
    assert len(losses) == 2


def test_codes_are_scaled_to_mean_0_and_deviation_1(latent_model):
    codes = latent_model._codes(PICTURES)
    assert codes.shape == (64, 4, 2, 2)
    np.testing.assert_allclose(codes.mean(axis=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(codes.std(axis=(0, 2, 3)), 1, atol=1e-4)
    assert latent_model.code_range_ == pytest.approx(np.abs(codes).max())


def test_pixels_go_from_minus_1_to_1(pixel_model):
    codes = pixel_model._codes(np.stack([np.zeros((1, 8, 8)), np.ones((1, 8, 8))]).astype("f"))
    assert set(np.unique(codes)) == {-1, 1}
    assert pixel_model.code_range_ == 1


def test_stages_are_named_in_the_history(latent_model, pixel_model):
    stages = [entry["stage"] for entry in latent_model.history_]
    assert stages == ["autoencoder"] * 2 + ["diffusion"] * 2
    assert all("stage" not in entry for entry in pixel_model.history_)


def test_the_autoencoders_loss_is_the_bound_of_a_vae_with_weight_1():
    coder = PictureCoder(1, 2, 4, 4)
    pictures = torch.from_numpy(PICTURES[:6])
    loss = CoderTask(coder, 1.0).eval().loss("train", pictures)
    with torch.no_grad():
        mean, log_variance = coder.encode(pictures)
        logits = coder.decode(mean)
    deviation = (0.5 * log_variance).exp()
    divergence = kl_divergence(Normal(mean, deviation), Normal(0.0, 1.0)).sum()
    chance = torch.distributions.Bernoulli(logits=logits)
    pixels = pictures * chance.probs.log() + (1 - pictures) * (1 - chance.probs).log()
    assert float(loss.total.detach()) == pytest.approx(float(divergence - pixels.sum()), rel=1e-4)


def test_progress_is_drawn_and_changes_nothing(tmp_path):
    plain = Diffusion(**SMALL).fit(PICTURES, LABELS)
    drawing = Diffusion(**SMALL, progress_folder=tmp_path / "new").fit(PICTURES, LABELS)
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == [f"epoch-000{epoch}.png" for epoch in range(3)]
    settings = {"n": 2, "steps": 3, "random_state": 0}
    np.testing.assert_array_equal(plain.sample(**settings), drawing.sample(**settings))


def test_interrupted_training_goes_on_where_it_stopped(tmp_path, monkeypatch):
    settings = {**SMALL, "epochs": 3}
    plain = Diffusion(**settings).fit(PICTURES, LABELS)
    model = Diffusion(**settings, checkpoint=tmp_path / "training")
    loss, calls = DiffusionTask.loss, []

    def counted(self, *arguments):
        calls.append(arguments)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return loss(self, *arguments)

    monkeypatch.setattr(DiffusionTask, "loss", counted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(PICTURES, LABELS)
    assert (tmp_path / "training").exists()
    model.fit(PICTURES, LABELS)
    assert len(calls) == 5 + 2  # two of the six steps were left
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(
        model.sample(2, steps=3, random_state=0), plain.sample(2, steps=3, random_state=0)
    )


def test_an_autoencoder_that_was_trained_before_an_interruption_stays(tmp_path, monkeypatch):
    path, trained = tmp_path / "training", []
    coder_loss, loss = CoderTask.loss, DiffusionTask.loss

    def counted(self, *arguments):
        trained.append(arguments)
        return coder_loss(self, *arguments)

    def stop(self, *arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(CoderTask, "loss", counted)
    monkeypatch.setattr(DiffusionTask, "loss", stop)
    settings = {**SMALL, "checkpoint": path, "max_seconds": 1000.0}
    with pytest.raises(KeyboardInterrupt):
        Diffusion(**settings).fit(PICTURES, LABELS)
    assert len(trained) == 4
    (kept,) = tmp_path.iterdir()
    content = kept.read_bytes()
    monkeypatch.setattr(DiffusionTask, "loss", loss)
    model = Diffusion(**settings).fit(PICTURES, LABELS)
    assert len(trained) == 4
    assert [entry["stage"] for entry in model.history_][:2] == ["autoencoder"] * 2
    assert list(tmp_path.iterdir()) == []
    plain = Diffusion(**SMALL).fit(PICTURES, LABELS)
    np.testing.assert_array_equal(
        model.sample(2, steps=3, random_state=0), plain.sample(2, steps=3, random_state=0)
    )
    kept.write_bytes(content)
    with pytest.raises(ValueError, match="of another training"):
        Diffusion(**settings).fit(1 - PICTURES, LABELS)


def test_the_time_of_the_autoencoder_is_part_of_the_limit(tmp_path, monkeypatch):
    limits = []
    plain = Diffusion._train

    def seen(self, task, batches, settings, **others):
        limits.append(settings.max_seconds)
        return plain(self, task, batches, settings, **others)

    monkeypatch.setattr(Diffusion, "_train", seen)
    for checkpoint in (None, tmp_path / "training"):
        settings = {**SMALL, "max_seconds": 100.0, "checkpoint": checkpoint}
        model = Diffusion(**settings).fit(PICTURES, LABELS)
        assert limits[-1] <= 100.0 - model.history_[1]["seconds"]


# ---- drawing


def test_ddim_goes_one_way_and_ddpm_draws_noise_on_it(pixel_model):
    def draw(method, random_state):
        return pixel_model.sample(2, steps=5, method=method, random_state=random_state)

    np.testing.assert_array_equal(draw("ddim", 3), draw("ddim", 3))
    np.testing.assert_array_equal(draw("ddpm", 3), draw("ddpm", 3))
    assert np.abs(draw("ddim", 3) - draw("ddpm", 3)).max() > 0.01
    assert np.abs(draw("ddim", 3) - draw("ddim", 4)).max() > 0.01


@pytest.mark.parametrize("method", ["ddim", "ddpm"])
def test_pictures_do_not_depend_on_the_batches_they_are_drawn_in(latent_model, monkeypatch, method):
    settings = {"labels": "light", "method": method, "steps": 4, "random_state": 1}
    together = latent_model.sample(5, **settings)
    monkeypatch.setattr("textrep.image.diffusion.walks._ROWS", 2)
    np.testing.assert_allclose(latent_model.sample(5, **settings), together, atol=1e-5)
    if method == "ddim":
        np.testing.assert_allclose(latent_model.sample(3, **settings), together[:3], atol=1e-5)
    assert together.shape == (5, 1, 8, 8)
    assert together.dtype == np.float32
    assert together.min() >= 0
    assert together.max() <= 1


def test_guidance_is_taken_from_both_halves_of_one_batch(pixel_model):
    denoiser = pixel_model.module_.denoiser
    x, labels = torch.randn(3, 1, 8, 8), torch.tensor([0, 1, 1])
    with torch.no_grad():
        shares = torch.full((3,), 0.4)
        asked = denoiser(x, shares, labels)
        without = denoiser(x, shares, torch.full((3,), 2))
        found = pixel_model._said(denoiser, x, 0.4, labels, 3.0)
        torch.testing.assert_close(found, without + 3 * (asked - without), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(pixel_model._said(denoiser, x, 0.4, labels, 1.0), asked)
        torch.testing.assert_close(pixel_model._said(denoiser, x, 0.4, labels, 0.0), without)
        torch.testing.assert_close(pixel_model._said(denoiser, x, 0.4, None, 1.0), without)


def test_classes_are_drawn_with_their_shares(pixel_model, monkeypatch):
    seen = []
    monkeypatch.setattr(
        type(pixel_model), "_walk_back", lambda self, noise, given, **_: seen.append(given) or noise
    )
    pixel_model.sample(2000, random_state=0)
    assert np.bincount(seen[0]).tolist() == pytest.approx([1000, 1000], abs=100)


def test_without_labels_it_draws_too():
    model = Diffusion(space="pixel", **{**SMALL, "epochs": 1}).fit(PICTURES)
    assert model.classes_ is None
    assert model.sample(2, steps=2, random_state=0).shape == (2, 1, 8, 8)
    with pytest.raises(ValueError, match="fitted without y"):
        model.sample(2, labels="dark")
    with pytest.raises(ValueError, match="needs classes"):
        model.sample(2, guidance=2.0)


# ---- pictures and their noise


def test_little_noise_leaves_a_picture_and_all_of_it_nothing(latent_model):
    own = latent_model._pictures(latent_model._codes(PICTURES[:3]))
    np.testing.assert_array_equal(latent_model.reconstruct(PICTURES[:3], strength=0), own)
    forgotten = [
        latent_model.reconstruct(pictures, strength=1, steps=5, random_state=0)
        for pictures in (PICTURES[:3], PICTURES[3:6])
    ]
    np.testing.assert_allclose(*forgotten, atol=0.02)


def test_the_way_between_two_pictures_begins_and_ends_with_them(pixel_model):
    way = pixel_model.interpolate(PICTURES[0], PICTURES[1], steps=5)
    ends = pixel_model.decode(pixel_model.encode(PICTURES[:2]))
    assert way.shape == (5, 1, 8, 8)
    np.testing.assert_allclose(way[[0, -1]], ends, atol=1e-5)
    short = copy.deepcopy(pixel_model)
    short.n_steps = 20
    assert short.interpolate(PICTURES[0], PICTURES[1], steps=3).shape == (3, 1, 8, 8)


def test_features_of_a_picture_do_not_depend_on_others(latent_model):
    features = latent_model.transform(PICTURES[:5])
    assert features.shape == (5, 8)
    assert features.dtype == np.float32
    np.testing.assert_allclose(latent_model.transform(PICTURES[2:3]), features[2:3], atol=1e-5)
    assert list(latent_model.get_feature_names_out())[-1] == "diffusion7"


# ---- the bound


def test_a_step_back_differs_by_the_divergence_of_two_normal_distributions():
    code, guess, noise = torch.randn(
        3, 2, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    kept, after = 0.3, 0.5
    x = math.sqrt(kept) * code + math.sqrt(1 - kept) * noise
    alpha = kept / after
    deviation = math.sqrt((1 - after) / (1 - kept) * (1 - alpha))

    def mean(z):  # Ho et al. (2020), equation 7
        first = math.sqrt(after) * (1 - alpha) / (1 - kept) * z
        return first + math.sqrt(alpha) * (1 - after) / (1 - kept) * x

    expected = kl_divergence(Normal(mean(code), deviation), Normal(mean(guess), deviation))
    found = step_divergence(code, guess, kept, after)
    torch.testing.assert_close(found, expected.sum(dim=1))


def test_the_probabilities_of_all_bytes_sum_to_1():
    levels = torch.arange(256, dtype=torch.float64)[:, None] / 127.5 - 1
    for guess, deviation in ((0.3, 0.01), (-1.2, 0.5)):
        nats = last_step(levels, torch.full_like(levels, guess), deviation)
        assert float((-nats).exp().sum()) == pytest.approx(1, abs=1e-6)


def test_the_end_differs_from_noise_by_the_divergence_of_normal_distributions():
    code = torch.randn(3, 4)
    end = Normal(math.sqrt(0.2) * code, math.sqrt(0.8))
    expected = kl_divergence(end, Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(prior_divergence(code, 0.2), expected)


def test_the_bound_is_the_sum_of_all_steps():
    schedule = NoiseSchedule.of("cosine", 12)
    kept = schedule.kept
    code, guess = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = bound(code, lambda number: guess, schedule, 50, np.random.default_rng(0))
    expected = prior_divergence(code, kept[-1])
    for t in range(1, 12):
        expected = expected + step_divergence(code, guess, kept[t], kept[t - 1])
    variance = (1 - kept[0]) / (1 - kept[1]) * (1 - kept[1] / kept[0])
    expected = expected + last_step(code, guess, math.sqrt(variance))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    fewer = [
        bound(code, lambda number: guess, schedule, 4, np.random.default_rng(seed))
        for seed in range(500)
    ]
    np.testing.assert_allclose(np.mean(fewer, axis=0), expected, rtol=0.1)


def test_bits_of_a_pixel_are_told_by_models_of_pixels_alone(pixel_model, latent_model):
    bits = pixel_model.bits_per_dimension(PICTURES[:3], labels=LABELS[:3])
    assert bits.shape == (3,)
    assert (bits > 0).all()
    assert not hasattr(latent_model, "bits_per_dimension")


# ---- parameters, files


@pytest.mark.parametrize("kind", ["fitted", "new"])
def test_codes_of_another_autoencoder_are_vectors(kind, tmp_path):
    vae = VAE(code_size=3, hidden=(8,), epochs=1, device="cpu", random_state=0)
    if kind == "fitted":
        vae.fit(PICTURES)
    model = Diffusion(autoencoder=vae, **SMALL).fit(PICTURES)
    assert model.code_shape_ == (3, 1, 1)
    assert (model.autoencoder_ is vae) == (kind == "fitted")
    drawn = model.sample(2, steps=3, random_state=0)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.sample(2, steps=3, random_state=0), drawn)


def test_saving_keeps_pictures_to_the_bit(latent_model, tmp_path):
    loaded = textrep.load(latent_model.save(tmp_path / "model.textrep"))
    settings = {"labels": "dark", "steps": 3, "random_state": 0}
    np.testing.assert_array_equal(loaded.sample(2, **settings), latent_model.sample(2, **settings))
    np.testing.assert_array_equal(loaded.transform(PICTURES), latent_model.transform(PICTURES))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code_shape_": (1, 8, 1 << 31)}, "codes of .* for pictures of"),
        ({"code_shape_": [1, 8, 8]}, "codes of"),
        ({"code_shape_": None}, "codes of None"),
        ({"code_shape_": (1.0, 8.0, 8.0)}, "codes of"),
        ({"image_size_": (8, 1 << 31), "n_features_in_": 8 << 31}, "pictures of .* 2147483648"),
    ],
)
@pytest.mark.parametrize("space", ["pixel", "latent", "other"])
def test_a_file_of_pictures_or_codes_that_would_fill_the_memory_is_refused(
    pixel_model, latent_model, space, changes, message
):
    if space == "other":
        vae = VAE(code_size=3, hidden=(8,), epochs=1, device="cpu", random_state=0)
        model = Diffusion(autoencoder=vae, **SMALL).fit(PICTURES)
    else:
        model = pixel_model if space == "pixel" else latent_model
    state = {**model._get_state(), **changes}
    with pytest.raises(textrep.PersistError, match=message):
        Diffusion(**model.get_params(deep=False))._set_state(state)


def test_sides_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="10 x 10 are no multiples of 4, which latent_factor"):
        Diffusion(**SMALL).fit(np.zeros((4, 1, 10, 10), np.float32))
    with pytest.raises(ValueError, match="6 x 6 are no multiples of 4, which channels"):
        Diffusion(**{**SMALL, "space": "pixel", "channels": [8, 8, 8]}).fit(
            np.zeros((4, 1, 6, 6), np.float32)
        )


def test_levels_are_as_many_as_the_sides_allow():
    model = Diffusion(space="pixel", **{**SMALL, "channels": "auto", "epochs": 1})
    for side, levels in ((6, 2), (4, 3)):
        model.fit(np.zeros((4, 1, side, side), np.float32))
        assert len(model.module_.denoiser.network.down) == levels
        assert model.sample(1, steps=1, random_state=0).shape == (1, 1, side, side)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"space": "image"}, "space must be 'latent' or 'pixel'"),
        ({"latent_factor": 3}, "power of 2"),
        ({"channels": []}, "channels must be"),
        ({"channels": [8, 9]}, "multiple of num_heads=2, got 9"),
        ({"schedule": "square"}, "schedule must be"),
        ({"prediction": "x"}, "prediction must be"),
        ({"condition_dropout": 1.0}, "condition_dropout"),
        ({"n_steps": 1}, "n_steps"),
        ({"n_steps": 2**31}, "n_steps must be at most 1,000,000"),
        ({"kl_weight": -1}, "kl_weight"),
        ({"autoencoder": "vae"}, "an estimator with encode and decode, got 'vae'"),
        ({"autoencoder": VAE}, "an estimator with encode and decode"),
    ],
)
def test_parameters_out_of_range_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        Diffusion(**{**SMALL, **changed}).fit(PICTURES)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": ["dark", "grey"]}, r"labels\[1\] is 'grey', which is none of the classes"),
        ({"labels": ["dark"] * 3}, "one label or 2 of them"),
        ({"method": "euler"}, "method must be"),
        ({"steps": 101}, "steps must be at most 100"),
        ({"guidance": -1}, "guidance"),
        ({"n": 0}, "n must be"),
    ],
)
def test_wrong_wishes_are_refused(pixel_model, settings, message):
    with pytest.raises(ValueError, match=message):
        pixel_model.sample(**{"n": 2, **settings})


def test_wrong_noise_is_refused(pixel_model):
    with pytest.raises(ValueError, match=r"noise must be \(n, 64\), got \(2, 63\)"):
        pixel_model.decode(np.zeros((2, 63)))
    with pytest.raises(ValueError, match="not finite"):
        pixel_model.decode(np.full((1, 64), np.nan))
