"""The parts of a GAN against closed forms."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from scipy.stats import kstest, truncnorm
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, conv2d

from textrep.engine import torch_seed
from textrep.image.gan import (
    LOSSES,
    Critic,
    DCGenerator,
    PictureAttention,
    StyleGenerator,
    adversarial_loss,
    checkerboard_share,
    gradient_penalty,
    squared_gradient,
)
from textrep.image.gan.dcgan import UPSAMPLINGS, Upsampled
from textrep.image.gan.latents import draw_latents
from textrep.image.gan.losses import critic_accuracy
from textrep.image.gan.scales import scales_of
from textrep.image.gan.spectral import SpectralConv2d, SpectralLinear
from textrep.image.gan.style_networks import ModulatedConv2d, mix, truncate


@pytest.fixture(autouse=True)
def seeded():
    with torch_seed(0):
        yield


# ---- losses


def test_bce_is_cross_entropy_with_one_sided_smoothing():
    real, fake = torch.randn(2, 50, dtype=torch.float64) * 5
    expected = binary_cross_entropy_with_logits(
        real, torch.full_like(real, 0.9), reduction="none"
    ) + binary_cross_entropy_with_logits(fake, torch.zeros_like(fake), reduction="none")
    torch.testing.assert_close(adversarial_loss("bce").critic(real, fake, 0.1), expected)


def test_the_generator_of_bce_still_learns_where_the_critic_is_sure():
    sure = torch.tensor([-30.0], requires_grad=True)
    adversarial_loss("bce").generator(sure).sum().backward()
    # log(1 - sigmoid), the saturating loss, has a gradient of 1e-13 here.
    assert sure.grad.item() == pytest.approx(-1.0)


def test_bce_does_not_overflow():
    scores = torch.tensor([-1e4, 1e4])
    assert torch.isfinite(adversarial_loss("bce").critic(scores, -scores, 0.1)).all()


@pytest.mark.parametrize(
    ("name", "critic", "generator"),
    [
        # By hand for scores of 0.5 (real) and -2 (made).
        ("lsgan", 0.5 * (0.5 - 1) ** 2 + 0.5 * 4, 0.5 * 9),
        ("hinge", 0.5 + 0.0, 2.0),
        ("wgan", -2.5, 2.0),
        ("wgan-gp", -2.5, 2.0),
    ],
)
def test_other_losses_by_hand(name, critic, generator):
    real, fake = torch.tensor([0.5]), torch.tensor([-2.0])
    assert adversarial_loss(name).critic(real, fake, 0.0).item() == pytest.approx(critic)
    assert adversarial_loss(name).generator(fake).item() == pytest.approx(generator)


@pytest.mark.parametrize("name", LOSSES)
def test_the_critic_wants_high_scores_for_real_and_the_generator_for_made(name):
    loss = adversarial_loss(name)
    real, fake = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    loss.critic(real, fake, 0.0).backward()
    assert real.grad < 0 <= fake.grad
    fake.grad = None
    loss.generator(fake).backward()
    assert fake.grad < 0


def test_accuracy_counts_both_kinds():
    real, fake = torch.tensor([1.0, -1.0, 1.0]), torch.tensor([-1.0, -1.0, 1.0])
    assert critic_accuracy(real, fake, 0.0).tolist() == [1.0, 0.5, 0.5]


# ---- gradient penalty


def linear(weight):
    return lambda x: (weight * x).sum(dim=(1, 2, 3))


@pytest.mark.parametrize("length", [0.0, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_is_that_of_the_length_of_its_weight(length):
    weight = torch.randn(2, 3, 4)
    weight *= length / weight.norm()
    penalty = gradient_penalty(linear(weight), torch.rand(5, 2, 3, 4), torch.rand(5, 2, 3, 4))
    assert penalty.shape == (5,)  # one for each picture, whatever the size of the batch
    torch.testing.assert_close(penalty, torch.full((5,), (length - 1.0) ** 2), atol=1e-5, rtol=0)


def test_the_penalty_of_a_quadratic_critic_is_taken_between_real_and_made():
    real, fake = torch.rand(2, 4, 1, 2, 2)
    share = torch.tensor([0.0, 0.3, 0.5, 1.0]).view(-1, 1, 1, 1)
    penalty = gradient_penalty(lambda x: x.square().sum(dim=(1, 2, 3)), real, fake, share)
    between = share * real + (1 - share) * fake
    expected = (2 * between.flatten(1).norm(dim=1) - 1).square()
    torch.testing.assert_close(penalty, expected)


def test_the_penalty_has_finite_gradients_where_the_critic_is_flat():
    weight = torch.zeros(1, 2, 2, requires_grad=True)
    pictures = torch.rand(3, 1, 2, 2)
    gradient_penalty(linear(weight), pictures, 1 - pictures).sum().backward()
    assert torch.isfinite(weight.grad).all()


def test_penalties_take_what_was_made_in_fewer_bits():
    real, fake = torch.rand(3, 1, 2, 2), torch.rand(3, 1, 2, 2).bfloat16()
    weight = torch.full((1, 2, 2), 0.5)
    assert gradient_penalty(linear(weight), real, fake).max() < 1e-5


def test_the_penalty_teaches_the_critic_the_right_length():
    weight = torch.full((1, 2, 2), 3.0, requires_grad=True)
    pictures = torch.rand(3, 1, 2, 2)
    gradient_penalty(linear(weight), pictures, 1 - pictures).mean().backward()
    # d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w|
    expected = 2 * (6.0 - 1.0) * torch.full((1, 2, 2), 3.0) / 6.0
    torch.testing.assert_close(weight.grad, expected)


def test_r1_of_a_quadratic_critic():
    real = torch.rand(4, 1, 2, 2)
    found = squared_gradient(lambda x: x.square().sum(dim=(1, 2, 3)), real)
    torch.testing.assert_close(found, 4 * real.flatten(1).square().sum(dim=1))


@pytest.mark.parametrize("normalisation", ["layer", "spectral", "none"])
def test_a_critic_for_penalties_scores_each_picture_by_itself(normalisation):
    critic = Critic((1, 12, 12), channels=4, normalisation=normalisation, attention=True)
    pictures = torch.randn(4, 1, 12, 12)
    critic(pictures)
    critic.eval()  # power iteration aside
    alone = torch.cat([critic(picture[None]) for picture in pictures])
    torch.testing.assert_close(critic(pictures), alone)
    assert torch.isfinite(gradient_penalty(critic, pictures, -pictures)).all()


# ---- networks


@pytest.mark.parametrize("size", [(4, 4), (5, 9), (8, 8), (28, 28), (30, 17)])
@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
def test_networks_take_any_size(size, upsampling):
    picture = (2, *size)
    generator = DCGenerator(picture, latent_size=3, channels=2, upsampling=upsampling)
    style = StyleGenerator(picture, latent_size=3, channels=2)
    for made in (generator(torch.randn(2, 3)), style(torch.randn(2, 3))):
        assert made.shape == (2, *picture)
        assert Critic(picture, channels=2)(made).shape == (2,)


def test_a_dcgan_begins_as_its_authors_say():
    generator = DCGenerator((1, 16, 16), latent_size=64, channels=16, attention=True)
    critic = Critic((1, 16, 16), channels=16)
    for module in (generator, critic):
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Linear) and part.weight.numel() > 500:
                assert part.weight.std().item() == pytest.approx(0.02, rel=0.15)
    # No batch normalisation at the generator's end or the critic's beginning.
    assert isinstance(list(critic.layers)[1], nn.Identity)
    assert isinstance(list(critic.layers)[4], nn.BatchNorm2d)
    assert generator(torch.randn(8, 64)).abs().max() <= 1


def test_settling_measures_the_means_of_batch_normalisation_anew():
    generator = DCGenerator((1, 8, 8), latent_size=4, channels=4)
    latents = torch.randn(64, 4)
    expected = generator.train()(latents)
    with torch.no_grad():
        generator.first_norm.running_mean += 100.0  # as weights that changed leave it
    generator.settle(latents)
    assert not generator.training
    found = generator(latents)
    # Evaluation divides by n - 1 where training divides by n.
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)
    assert generator.first_norm.momentum == 0.1


def test_attention_by_loops():
    layer = PictureAttention(8)
    layer.strength.data.fill_(0.7)
    x = torch.randn(2, 8, 2, 3)
    found = layer(x)
    q, k, v = (part(x).flatten(2) for part in (layer.query, layer.key, layer.value))
    for n in range(2):
        for i in range(6):
            scores = torch.stack([q[n, :, i] @ k[n, :, j] for j in range(6)])
            looks = (scores - scores.logsumexp(0)).exp()
            seen = sum(looks[j] * v[n, :, j] for j in range(6))
            out = layer.output(seen.view(1, -1, 1, 1)).flatten()
            expected = x[n].flatten(1)[:, i] + 0.7 * out
            torch.testing.assert_close(found[n].flatten(1)[:, i], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("make", [lambda: SpectralConv2d(3, 5, 2), lambda: SpectralLinear(7, 4)])
def test_spectral_layers_have_a_largest_singular_value_of_one(make):
    layer = make()
    for _ in range(60):
        weight = layer.normalised()
    values = np.linalg.svd(weight.detach().flatten(1).numpy(), compute_uv=False)
    assert values[0] == pytest.approx(1.0, abs=1e-4)
    layer.eval()
    before = layer.left.clone()
    layer.normalised()
    assert torch.equal(layer.left, before)  # answers do not change the model
    assert torch.equal(pickle.loads(pickle.dumps(layer)).weight, layer.weight)


def test_a_modulated_convolution_is_one_with_weights_of_each_picture():
    layer = ModulatedConv2d(3, 4, 3, style_size=5)
    x, style = torch.randn(2, 3, 6, 6), torch.randn(2, 5)
    found = layer(x, style)
    for n in range(2):
        weight = layer.weight * layer.scales(style[n])[None, :, None, None]
        weight = weight / weight.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
        torch.testing.assert_close(found[n], conv2d(x[n][None], weight, padding=1)[0])


def test_styles_are_mixed_layer_by_layer_and_truncated_to_their_mean():
    generator = StyleGenerator((1, 16, 16), latent_size=4, channels=2).eval()
    assert generator.n_layers == 5  # 4 x 4, twice 8 x 8, twice 16 x 16
    a, b = generator.styles(torch.randn(3, 4)), generator.styles(torch.randn(3, 4))
    assert torch.equal(mix(a, b, 0), b)
    assert torch.equal(mix(a, b, 5), a)
    mixed = mix(a, b, torch.tensor([1, 2, 5]))
    assert torch.equal(mixed[1], torch.cat([a[1, :2], b[1, 2:]]))
    generator.settle(torch.randn(400, 4))
    mean = generator.mean_style
    torch.testing.assert_close(truncate(a, mean, 1.0), a)
    torch.testing.assert_close(truncate(a, mean, 0.0), mean.expand_as(a))
    torch.testing.assert_close(truncate(a, mean, 0.25), mean + 0.25 * (a - mean))


def test_noise_changes_pictures_in_training_only():
    generator = StyleGenerator((1, 8, 8), latent_size=4, channels=2)
    for layer in generator.layers:
        layer.strength.data.fill_(1.0)
    latents = torch.randn(2, 4)
    assert not torch.equal(generator(latents), generator(latents))
    generator.eval()
    assert torch.equal(generator(latents), generator(latents))


def test_latents_are_put_on_a_sphere_before_they_are_mapped():
    mapping = StyleGenerator((1, 8, 8), latent_size=4, channels=2).mapping
    latents = torch.randn(2, 4)
    torch.testing.assert_close(mapping(latents), mapping(3.0 * latents))


# ---- checkerboards and latents


def test_a_transposed_convolution_leaves_a_checkerboard_and_resizing_none():
    constant = torch.ones(1, 4, 8, 8)
    shares = {}
    for upsampling in UPSAMPLINGS:
        layer = Upsampled(4, 3, (16, 16), upsampling)
        with torch.no_grad():
            inside = layer(constant)[..., 2:-2, 2:-2].numpy()  # borders see padding
        shares[upsampling] = checkerboard_share(inside)
    assert shares["transposed"] > 0.9
    assert shares["resize"] < 1e-6


def test_white_noise_has_the_share_of_its_frequencies():
    noise = np.random.default_rng(0).normal(size=(200, 1, 16, 16))
    assert checkerboard_share(noise) == pytest.approx(31 / 255, rel=0.03)
    assert checkerboard_share(np.ones((2, 1, 7, 7))) == 0.0


def test_truncated_latents_have_their_distribution_and_the_first_stay():
    drawn = draw_latents(500, 8, 0, truncation=0.8)
    assert kstest(drawn.ravel(), truncnorm(-0.8, 0.8).cdf).pvalue > 0.01
    np.testing.assert_array_equal(draw_latents(3, 8, 0, truncation=0.8), drawn[:3])


def test_scales_end_before_they_are_too_small():
    assert scales_of(64, 64)[-1] == (4, 4)
    assert scales_of(9, 30) == [(9, 30), (5, 15)]
