"""The mixture of layers beside its equation."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from textrep.layers import PaddingMask, ScalarMix


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def layers(n=3):
    return [torch.randn(2, 4, 5) for _ in range(n)]


def test_scalars_of_zero_give_the_mean():
    given = layers()
    torch.testing.assert_close(ScalarMix(3)(given), torch.stack(given).mean(0))


def test_scalars_and_gamma_follow_the_equation():
    mix, given = ScalarMix(3), layers()
    mix.scalars.data = torch.tensor([0.5, -1.0, 2.0])
    mix.gamma.data.fill_(3.0)
    shares = torch.tensor([0.5, -1.0, 2.0]).exp()
    shares /= shares.sum()
    expected = 3 * sum(share * layer for share, layer in zip(shares, given, strict=True))
    torch.testing.assert_close(mix(given), expected)
    assert mix.normalized_weights().sum().item() == pytest.approx(1)


def test_both_parameters_learn():
    mix = ScalarMix(3)
    mix(layers()).sum().backward()
    assert mix.scalars.grad.abs().sum() > 0
    assert mix.gamma.grad.abs() > 0


def test_layers_are_normalised_over_the_real_steps_of_each_text():
    (layer,) = layers(1)
    mask = PaddingMask.from_lengths(torch.tensor([4, 2]), 4)
    mixed = ScalarMix(1, layer_norm=True)([layer * 5 + 3], mask)
    for row, length in enumerate([4, 2]):
        expected = nn.functional.layer_norm(layer[row, :length] * 5 + 3, (length, 5))
        torch.testing.assert_close(mixed[row, :length], expected, atol=1e-5, rtol=1e-4)
    assert not mixed[1, 2:].any()


def test_padding_and_neighbours_never_matter_to_the_normalisation():
    mix, given = ScalarMix(3, layer_norm=True), layers()
    mask = PaddingMask.from_lengths(torch.tensor([4, 2]), 4)
    expected = mix(given, mask)[1, :2]
    alone = mix([layer[1:, :2] for layer in given])[0]
    torch.testing.assert_close(alone, expected, atol=1e-5, rtol=0)
    for layer in given:
        layer[1, 2:] = 1e3
    torch.testing.assert_close(mix(given, mask)[1, :2], expected, atol=1e-5, rtol=0)


def test_texts_without_steps_stay_finite():
    given = [layer.requires_grad_() for layer in layers()]
    mask = PaddingMask.from_lengths(torch.tensor([4, 0]), 4)
    mixed = ScalarMix(3, layer_norm=True)(given, mask)
    mixed.sum().backward()
    assert not mixed[1].any()
    assert all(torch.isfinite(layer.grad).all() for layer in given)


def test_another_number_of_layers_is_refused():
    with pytest.raises(ValueError, match="layers must be 3 tensors, got 2"):
        ScalarMix(3)(layers(2))
    with pytest.raises(ValueError, match="n_layers must be"):
        ScalarMix(0)
