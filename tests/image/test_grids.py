"""Pictures to look at, and what estimators of pictures share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("PIL")
from PIL import Image

from textrep.engine.batches import Share
from textrep.image import filters, grid, latent_map, save_grid
from textrep.image.estimator import PictureBatches, ProgressPictures
from textrep.image.latent import between, normal_noise
from textrep.image.mixture import Mixture, draw_codes, fit_mixture

RNG = np.random.default_rng(0)


def test_each_picture_lies_where_its_number_says():
    levels = RNG.integers(0, 256, (5, 3, 4, 6), dtype=np.uint8)
    canvas = grid(levels, columns=3, padding=2)
    assert canvas.shape == (2 * 6 + 2, 3 * 8 + 2, 3)
    for i, level in enumerate(levels):
        top, left = 2 + i // 3 * 6, 2 + i % 3 * 8
        np.testing.assert_array_equal(
            canvas[top : top + 4, left : left + 6], level.transpose(1, 2, 0)
        )
    assert (canvas[6:8] == 255).all()
    assert (canvas[8:, 18:] == 255).all()  # there is no sixth


def test_grey_is_shown_in_grey_and_larger_where_asked(tmp_path):
    path = save_grid(tmp_path / "a.png", np.eye(2)[None], padding=0, scale=3)
    found = np.asarray(Image.open(path))
    np.testing.assert_array_equal(found[..., 0], np.kron(np.eye(2), np.full((3, 3), 255)))
    with pytest.raises(ValueError, match="2 channels"):
        grid(np.zeros((1, 2, 4, 4)))


def test_filters_are_stretched_each_by_itself(tmp_path):
    weights = np.stack([np.linspace(-1, 1, 16), np.linspace(0, 0.01, 16)]).reshape(2, 4, 4)
    path = filters(tmp_path / "f.png", [weights, -weights], titles=["0 %", "30 %"], columns=2)
    found = np.asarray(Image.open(path))[14:]  # below the titles
    first, second = found[1:5, 1:5], found[1:5, 6:10]
    np.testing.assert_array_equal(first, second)
    assert first.min() == 0
    assert first.max() == 255
    with pytest.raises(ValueError, match="titles"):
        filters(tmp_path / "f.png", weights, titles=["a", "b"])


def test_a_map_is_drawn_of_any_number_of_dimensions(tmp_path):
    pytest.importorskip("matplotlib")
    for dims in (1, 2, 5):
        path = latent_map(tmp_path / f"{dims}.png", RNG.normal(size=(9, dims)), [0, 1, 2] * 3)
        assert Image.open(path).width > 300
    with pytest.raises(ValueError, match="labels"):
        latent_map(tmp_path / "x.png", np.zeros((3, 2)), [1])
    with pytest.raises(ValueError, match=r"codes\[1\]"):
        latent_map(tmp_path / "x.png", [[0, 1], [np.nan, 0]])


# ---- batches


def test_batches_hold_each_picture_once_and_their_labels_with_them():
    pictures = np.arange(10, dtype=np.float32).reshape(10, 1, 1, 1)
    batches = PictureBatches((pictures, np.arange(10)), 4, seed=3)
    orders = []
    for epoch in (0, 0, 1):
        read = [batches.read(spec, Share()) for spec in batches.plan(epoch)]
        assert [len(labels) for _, labels in read] == [4, 4, 2]
        assert all((x.flatten() == labels).all() for x, labels in read)
        orders.append(torch.cat([labels for _, labels in read]).tolist())
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[2]) == list(range(10))
    dropped = PictureBatches((pictures,), 4, drop_last=True)
    assert [len(spec.rows) for spec in dropped.plan(0)] == [4, 4]
    for size, expected in ((4, [4, 4, 2]), (3, [3, 3, 3]), (10, [10])):
        batches = PictureBatches((pictures,), size, least=2)
        assert [len(spec.rows) for spec in batches.plan(0)] == expected
    assert len(PictureBatches((pictures[:1],), 4, least=2).plan(0)) == 1


def test_half_of_the_pictures_are_mirrored_and_processes_share_them():
    pictures = np.tile(np.arange(3, dtype=np.float32), (200, 1, 1, 1))
    batches = PictureBatches((pictures,), 200, flip=True)
    spec = batches.plan(0)[0]
    found = batches.read(spec, Share())[:, 0, 0]
    mirrored = found[:, 0] == 2
    assert 70 < mirrored.sum() < 130
    assert (found[mirrored] == torch.tensor([2.0, 1, 0])).all()
    shares = [batches.read(spec, Share(part, 2))[:, 0, 0] for part in (0, 1)]
    assert torch.equal(torch.stack(shares, 1).flatten(0, 1), found)
    assert (pictures[:, 0, 0] == np.arange(3)).all()


def test_bytes_are_scaled_as_they_are_read():
    batches = PictureBatches((np.full((2, 1, 2, 2), 51, np.uint8),), 2)
    assert batches.read(batches.plan(0)[0], Share()).unique().tolist() == [pytest.approx(0.2)]


def test_drawing_progress_leaves_random_numbers_and_mode_alone(tmp_path):
    module = nn.Dropout(0.5)
    seen = []

    def draw():
        seen.append(module.training)
        return torch.rand(2, 1, 4, 4) * 3 - 1  # beyond [0, 1]

    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    ProgressPictures(tmp_path / "new", draw)(module, 2)
    assert torch.equal(torch.rand(3), expected)
    assert seen == [False]
    assert module.training
    assert (tmp_path / "new" / "epoch-0002.png").is_file()


# ---- codes


def test_the_middle_of_an_arc_is_as_long_as_its_ends():
    a, b = np.random.default_rng(1).normal(size=(2, 4000))
    straight, arc = between(a, b, 3)[1], between(a, b, 3, spherical=True)[1]
    assert np.linalg.norm(straight) / np.linalg.norm(a) == pytest.approx(0.707, abs=0.02)
    assert np.linalg.norm(arc) / np.linalg.norm(a) == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(between(a, a, 3, spherical=True)[1], a, rtol=1e-6)
    with pytest.raises(ValueError, match="one shape"):
        between([1.0], [1.0, 2.0], 3)


def test_noise_begins_alike_whatever_its_length():
    np.testing.assert_array_equal(normal_noise(9, (2, 3), 5)[:4], normal_noise(4, (2, 3), 5))
    assert normal_noise(5000, (2,), 0).std() == pytest.approx(1, abs=0.03)


def test_a_mixture_is_found_and_drawn_from_again():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [10, 0], [0, 10]])
    codes = (centres[rng.integers(3, size=3000)] + rng.normal(size=(3000, 2))).astype(np.float32)
    mixture = fit_mixture(codes, 3, 0)
    np.testing.assert_allclose(sorted(mixture.means.round().tolist()), [[0, 0], [0, 10], [10, 0]])
    drawn = draw_codes(mixture, 4000, 1)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(codes.T), rtol=0.1, atol=1)
    np.testing.assert_array_equal(draw_codes(mixture, 7, 1), drawn[:7])


def test_a_mixture_of_given_gaussians_has_their_moments():
    factor = np.array([[[2.0, 0], [1.0, 0.5]]])
    drawn = draw_codes(Mixture(np.ones(1), np.array([[1.0, -1]]), factor), 20_000, 0)
    np.testing.assert_allclose(drawn.mean(axis=0), [1, -1], atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), factor[0] @ factor[0].T, atol=0.15)
