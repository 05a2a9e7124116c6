"""`VAE`, held to closed forms, numerical integrals and torch's distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch.distributions import Bernoulli, Normal, kl_divergence

from textrep import VAE
from textrep.image import load_pictures
from textrep.image.estimator import ProgressPictures
from textrep.image.nets.pairs import Pair
from textrep.image.vae import likelihood
from textrep.image.vae.module import VAEModule, kl_from_prior
from textrep.image.vae.vae import binarised

SMALL = {"code_size": 2, "hidden": (16,), "epochs": 2, "device": "cpu", "random_state": 0}
DIGITS = load_pictures("digits").pictures[:200] / np.float32(255)
BINARY = (DIGITS > 0.5).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return VAE(**SMALL).fit(BINARY)


# ---- densities


def test_the_divergence_is_that_of_torch():
    mean, log_variance = torch.randn(2, 5, 3)
    peer = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(kl_from_prior(mean, log_variance), peer)


def test_log_densities_are_those_of_torch(model):
    pixels, raw = torch.from_numpy(BINARY[:5]).flatten(1), torch.randn(5, 3, 64)
    expected = Bernoulli(logits=raw).log_prob(pixels[:, None]).sum(-1)
    torch.testing.assert_close(model.module_.log_density(pixels, raw), expected)
    gaussian = VAE(**SMALL, decoder="gaussian", variance=0.3).fit(DIGITS)
    expected = Normal(raw, math.sqrt(0.3)).log_prob(pixels[:, None]).sum(-1)
    torch.testing.assert_close(gaussian.module_.log_density(pixels, raw), expected)


def test_a_variance_is_what_was_given_and_bounded_where_it_is_learnt():
    pixels, raw = torch.from_numpy(DIGITS[:5]).flatten(1), torch.rand(5, 1, 64)
    pair = Pair(torch.nn.Identity(), torch.nn.Identity())
    given = VAEModule(pair, "gaussian", 1e-7)
    expected = Normal(raw, math.sqrt(1e-7)).log_prob(pixels[:, None]).sum(-1)
    torch.testing.assert_close(given.log_density(pixels, raw), expected, rtol=1e-4, atol=0)
    learnt = VAEModule(pair, "gaussian", None)
    with torch.no_grad():
        learnt.log_variance.fill_(-50.0)
    assert learnt.pixel_log_variance().item() == -12


def test_densities_are_exact_where_training_rounds(model):
    pixels, raw = torch.from_numpy(BINARY[:5]).flatten(1), torch.randn(5, 1, 64)
    exact = model.module_.log_density(pixels, raw)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(model.module_.log_density(pixels, raw), exact)


def linear_gaussian():
    """A linear decoder with orthogonal directions, the exact posterior, and pictures."""
    rng = np.random.default_rng(0)
    variance, shape = 0.02, (1, 3, 3)
    directions = np.linalg.qr(rng.normal(size=(9, 2)))[0] * [0.5, 0.3]  # (pixels, codes)
    centre = np.full(9, 0.5)
    made = centre + rng.normal(size=(40, 2)) @ directions.T
    made += math.sqrt(variance) * rng.normal(size=(40, 9))
    pictures = made.clip(0, 1).astype(np.float32).reshape(-1, *shape)
    model = VAE(
        code_size=2, hidden=(), decoder="gaussian", variance=variance, epochs=1, device="cpu",
        random_state=0,
    ).fit(pictures)  # fmt: skip
    precision = (directions**2).sum(axis=0) / variance + 1  # of the posterior
    encode = (directions / (variance * precision)).T
    layer, out = model.module_.encoder.blocks[0].layer, model.module_.decoder.blocks[0].layer
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.concatenate([encode, np.zeros((2, 9))])))
        layer.bias.copy_(torch.from_numpy(np.concatenate([-encode @ centre, -np.log(precision)])))
        out.weight.copy_(torch.from_numpy(directions))
        out.bias.copy_(torch.from_numpy(centre))
    covariance = directions @ directions.T + variance * np.eye(9)
    expected = multivariate_normal(centre, covariance).logpdf(pictures.reshape(-1, 9))
    return model, pictures, expected


def test_likelihood_of_a_linear_decoder_is_that_of_probabilistic_pca():
    model, pictures, expected = linear_gaussian()
    # With the exact posterior all weights are the same: one draw is enough, and the bound tight.
    np.testing.assert_allclose(model.log_likelihood(pictures, n_samples=2), expected, atol=1e-3)
    bound = model.elbo(pictures, n_samples=4000)
    np.testing.assert_allclose(bound, expected, atol=0.1)
    # With another one the bound is loose, and importance sampling is not.
    with torch.no_grad():
        model.module_.encoder.blocks[0].layer.bias[2:] += 0.7
    assert (model.elbo(pictures, n_samples=500) < expected - 0.1).all()
    np.testing.assert_allclose(model.log_likelihood(pictures, n_samples=4000), expected, atol=0.15)
    # Few draws come out below.
    assert model.log_likelihood(pictures, n_samples=2).mean() < expected.mean() - 0.05


def test_likelihood_of_a_bernoulli_decoder_is_that_of_the_integral():
    model = VAE(**{**SMALL, "code_size": 1, "epochs": 15}, batch_size=50).fit(BINARY)
    grid = torch.linspace(-8, 8, 4001)
    raw = model.module_.decoder(grid[:, None]).flatten(1)[None]
    pixels = torch.from_numpy(BINARY[:20]).flatten(1)
    joint = model.module_.log_density(pixels, raw.expand(20, -1, -1)) + Normal(0.0, 1.0).log_prob(
        grid
    )
    expected = torch.logsumexp(joint, 1) + math.log(float(grid[1] - grid[0]))
    found = model.log_likelihood(BINARY[:20], n_samples=5000)
    np.testing.assert_allclose(found, expected.detach(), atol=0.1)
    assert (model.elbo(BINARY[:20], n_samples=500) < found + 0.05).all()


def test_likelihood_does_not_depend_on_how_pictures_are_cut_up(model, monkeypatch):
    expected = model.log_likelihood(BINARY[:30], n_samples=10)
    monkeypatch.setattr(likelihood, "_DRAWS_AT_ONCE", 70)
    np.testing.assert_allclose(model.log_likelihood(BINARY[:30], n_samples=10), expected, atol=1e-4)
    np.testing.assert_allclose(
        model.log_likelihood(BINARY[:10], n_samples=10), expected[:10], atol=1e-4
    )


def test_the_number_of_draws_is_what_was_asked_for(model, monkeypatch):
    seen = []
    original = likelihood.importance_sampled

    def counted(module, pixels, noise):
        seen.append(noise.shape[1])
        return original(module, pixels, noise)

    monkeypatch.setattr("textrep.image.vae.vae.importance_sampled", counted)
    model.log_likelihood(BINARY[:3], n_samples=37)
    model.log_likelihood(BINARY[:3])
    assert seen == [37, 200]


def test_bits_per_dimension_are_nats_over_pixels(model):
    nats = -model.log_likelihood(BINARY, n_samples=20).mean()
    assert model.bits_per_dimension(BINARY, n_samples=20) == pytest.approx(nats / 64 / math.log(2))
    gaussian = VAE(**SMALL, decoder="gaussian").fit(DIGITS)
    nats = -gaussian.log_likelihood(DIGITS, n_samples=20).mean()
    # A level of 8 bits is 1/256 wide.
    levels = (nats + 64 * math.log(256)) / 64 / math.log(2)
    assert gaussian.bits_per_dimension(DIGITS, n_samples=20) == pytest.approx(levels)


# ---- how much pictures count


def losses(how, seed=0):
    """The loss of a batch with the first weights and some noise, its parts, and its gradients."""
    model = VAE(**SMALL, **how)
    model._check_parameters()
    model._check_fit(DIGITS)
    module = model._first_module(DIGITS)
    task = model._task(module, ProgressPictures(None, lambda: torch.empty(0)))
    torch.manual_seed(seed)
    found = task.loss("train", torch.from_numpy(DIGITS))
    weights = [p for p in module.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(found.total, weights)
    return found, torch.cat([each.flatten() for each in gradients])


def test_r_loss_factor_is_the_mean_error_so_many_times():
    r, n = 50.0, len(DIGITS)
    with torch.random.fork_rng():
        plain, _ = losses({"decoder": "gaussian", "variance": 1.0})
        found, _ = losses({"decoder": "gaussian", "r_loss_factor": r})
    variance = 64 / (2 * r)
    squared = 2 * (plain.measures["reconstruction"] - n * 32 * math.log(2 * math.pi))
    constant = n * 32 * math.log(2 * math.pi * variance)
    expected = r * squared / 64 + plain.measures["divergence"] + constant
    torch.testing.assert_close(found.total, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(
    ("decoder", "others", "beta"),
    [("gaussian", {"variance": 1.0}, 64 / (2 * 50.0)), ("bernoulli", {}, 64 / 50.0)],
)
def test_r_loss_factor_is_a_beta_by_another_name(decoder, others, beta):
    with torch.random.fork_rng():
        _, one = losses({"decoder": decoder, "r_loss_factor": 50.0})
        _, other = losses({"decoder": decoder, "beta": beta, **others})
    torch.testing.assert_close(one * beta, other, rtol=1e-3, atol=1e-4)


def test_a_huge_log_variance_gives_a_finite_loss():
    model = VAE(**SMALL).fit(BINARY)
    with torch.no_grad():
        model.module_.encoder.blocks[-1].layer.bias[2:] = 1e4
    assert np.isfinite(model.elbo(BINARY)).all()
    with torch.no_grad():
        model.module_.encoder.blocks[-1].layer.bias[2:] = -1e4
    assert np.isfinite(model.log_likelihood(BINARY)).all()


def test_a_learned_variance_is_that_of_what_is_left():
    rng = np.random.default_rng(0)
    noise = 0.5 + 0.1 * rng.normal(size=(400, 1, 4, 4))
    model = VAE(
        **{**SMALL, "code_size": 1, "epochs": 300}, decoder="gaussian", batch_size=400,
        learning_rate=0.05,
    ).fit(noise.clip(0, 1))  # fmt: skip
    assert model.variance_ == pytest.approx(0.01, rel=0.25)


# ---- black and white


def test_pixels_are_drawn_with_their_own_probability():
    grey = np.broadcast_to(np.float32([0.0, 0.25, 0.75, 1.0]), (4000, 1, 1, 4))
    drawn = binarised(grey, 0)
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_allclose(drawn.mean(axis=(0, 1, 2)), [0, 0.25, 0.75, 1], atol=0.025)
    np.testing.assert_array_equal(binarised(BINARY, 0), BINARY)


def test_what_is_drawn_once_trains_as_if_it_had_been_drawn_before():
    static = VAE(**SMALL, binarise="static").fit(DIGITS)
    before = VAE(**SMALL).fit(binarised(DIGITS, static._seed("binarise")))
    np.testing.assert_array_equal(static.transform(BINARY), before.transform(BINARY))
    dynamic = VAE(**SMALL, binarise="dynamic").fit(DIGITS)
    assert not np.allclose(dynamic.transform(BINARY), static.transform(BINARY))
    # Of black and white there is nothing to draw.
    assert np.isfinite(dynamic.log_likelihood(DIGITS, n_samples=5)).all()


def test_grey_has_no_bernoulli_likelihood(model):
    with pytest.raises(ValueError, match=r"X\[0\] has grey pixels.*binarise"):
        model.log_likelihood(DIGITS)
    assert np.isfinite(model.score(DIGITS))


# ---- verbs


def test_samples_come_from_the_prior_or_from_where_codes_are(model):
    normal = model.sample(5, random_state=1)
    np.testing.assert_allclose(model.sample(2, random_state=1), normal[:2], atol=1e-6)
    mixture = model.sample(5, prior="mixture", random_state=1)
    assert normal.shape == mixture.shape == (5, 1, 8, 8)
    assert not np.allclose(normal, mixture)
    with pytest.raises(ValueError, match="prior"):
        model.sample(1, prior="uniform")


@pytest.mark.parametrize("hidden", [(16,), "conv"])
def test_a_picture_has_the_same_answer_alone_and_among_others(hidden):
    model = VAE(**{**SMALL, "hidden": hidden}, channels=(4,), normalisation="batch").fit(BINARY)
    np.testing.assert_allclose(model.transform(BINARY[:1]), model.transform(BINARY)[:1], atol=1e-5)
    np.testing.assert_allclose(
        model.reconstruct(BINARY[:1]), model.reconstruct(BINARY)[:1], atol=1e-5
    )
    walk = model.interpolate(BINARY[0], BINARY[1], steps=3)
    np.testing.assert_allclose(walk[[0, -1]], model.reconstruct(BINARY[:2]), atol=1e-5)


def test_the_history_tells_both_terms(model):
    last = model.history_[-1]
    assert last["loss"] == pytest.approx(last["reconstruction"] + last["divergence"])
    assert list(model.gradient_norms(BINARY)) == [
        f"{part}.blocks.{i}.layer" for part in ("encoder", "decoder") for i in (0, 1)
    ]


def test_pictures_of_progress_are_of_the_same_codes(tmp_path):
    VAE(**SMALL, progress_folder=tmp_path).fit(BINARY)
    assert len(list(tmp_path.glob("epoch-*.png"))) == 3


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"decoder": "poisson"}, "decoder"),
        ({"variance": 0}, "variance"),
        ({"beta": -1}, "beta"),
        ({"r_loss_factor": 0}, "r_loss_factor"),
        ({"beta": 1, "r_loss_factor": 1}, "give one of them"),
        ({"decoder": "gaussian", "variance": 1.0, "r_loss_factor": 1}, "give one of them"),
        ({"binarise": "always"}, "binarise"),
        ({"binarise": "static", "decoder": "gaussian"}, "bernoulli"),
        ({"code_size": 1.5}, "code_size"),
    ],
)
def test_parameters_out_of_range_are_named(changes, named):
    with pytest.raises(ValueError, match=named):
        VAE(**{**SMALL, **changes}).fit(BINARY)
