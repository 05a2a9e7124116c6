"""Classifiers of pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import textrep
from textrep.core import container
from textrep.core.container import PersistError
from textrep.engine.seeding import torch_seed
from textrep.image import ResNetClassifier, VisionTransformerClassifier
from textrep.image.classifiers.augmentation import cut_out, moved
from textrep.image.classifiers.resnet import ResidualBlock
from textrep.image.classifiers.task import PictureClassificationTask

SETTINGS = {"device": "cpu", "random_state": 0, "batch_size": 16, "shift": 1}
RESNET = {
    "channels": (4, 8),
    "blocks": 1,
    "feature_size": 6,
    "epochs": 25,
    "learning_rate": 1e-2,
    **SETTINGS,
}
TRANSFORMER = {
    "patch_size": 4,
    "num_layers": 1,
    "num_heads": 2,
    "hidden_size": 8,
    "feature_size": 6,
    "epochs": 25,
    "learning_rate": 2e-2,
    **SETTINGS,
}
BOTH = pytest.mark.parametrize(
    ("kind", "params"), [(ResNetClassifier, RESNET), (VisionTransformerClassifier, TRANSFORMER)]
)


def bars(n=48, channels=1):
    """Bars that lie or stand, in noise."""
    rng = np.random.default_rng(0)
    pictures = 0.3 * rng.random((n, channels, 8, 8))
    labels = np.array(["lying", "standing"])[np.arange(n) % 2]
    for i, label in enumerate(labels):
        place = rng.integers(2, 6)
        if label == "lying":
            pictures[i, :, place] = 1
        else:
            pictures[i, :, :, place] = 1
    return pictures.astype(np.float32), labels


@BOTH
def test_it_learns_and_answers_with_the_labels_that_were_given(kind, params):
    pictures, labels = bars()
    classifier = kind(**params).fit(pictures, labels)
    assert classifier.score(pictures, labels) > 0.9
    assert set(classifier.predict(pictures)) <= {"lying", "standing"}
    probabilities = classifier.predict_proba(pictures)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert len(classifier.history_) == 25
    assert classifier.history_[-1]["correct"] > classifier.history_[0]["correct"]


@BOTH
def test_features_lie_before_the_scores_of_classes(kind, params):
    pictures, labels = bars()
    classifier = kind(**{**params, "epochs": 1}).fit(pictures, labels)
    features = classifier.transform(pictures)
    assert features.shape == (48, 6)
    assert features.dtype == np.float32
    assert features.min() >= 0
    output = classifier.module_.output
    scores = features @ output.weight.detach().numpy().T + output.bias.detach().numpy()
    assert (classifier.classes_[scores.argmax(axis=1)] == classifier.predict(pictures)).all()


@BOTH
def test_a_picture_has_the_same_answer_alone_and_among_others(kind, params):
    pictures, labels = bars()
    classifier = kind(**{**params, "epochs": 1}).fit(pictures, labels)
    alone = np.concatenate([classifier.predict_proba(pictures[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(alone, classifier.predict_proba(pictures)[:5], atol=1e-5)


@BOTH
def test_saving_and_seeds_keep_answers_to_the_bit(kind, params, tmp_path):
    pictures, labels = bars()
    first, second = (kind(**{**params, "epochs": 2}).fit(pictures, labels) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(pictures), second.predict_proba(pictures))
    loaded = textrep.load(first.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(first.predict_proba(pictures), loaded.predict_proba(pictures))
    assert loaded.image_size_ == (8, 8)


def test_bytes_and_floats_are_the_same_pictures():
    pictures, labels = bars()
    levels = np.round(pictures * 255).astype(np.uint8)
    classifier = ResNetClassifier(**{**RESNET, "epochs": 1}).fit(levels, labels)
    np.testing.assert_array_equal(
        classifier.transform(levels), classifier.transform(levels / np.float32(255))
    )


@BOTH
def test_another_size_or_number_of_channels_is_refused(kind, params):
    pictures, labels = bars()
    classifier = kind(**{**params, "epochs": 1}).fit(pictures, labels)
    with pytest.raises(ValueError, match="8"):
        classifier.predict(np.zeros((1, 1, 12, 12), np.float32))
    with pytest.raises(ValueError, match="channel"):
        classifier.predict(np.zeros((1, 3, 8, 8), np.float32))


def test_colours_are_read_too():
    pictures, labels = bars(channels=3)
    classifier = ResNetClassifier(**{**RESNET, "epochs": 1}).fit(pictures, labels)
    assert classifier.module_.mean.shape == (3,)
    np.testing.assert_allclose(classifier.module_.mean, pictures.mean(axis=(0, 2, 3)), rtol=1e-5)


def test_sides_that_patches_do_not_divide_are_refused():
    pictures, labels = bars()
    with pytest.raises(ValueError, match="8 x 8 pixels, which patch_size=3 does not divide"):
        VisionTransformerClassifier(**{**TRANSFORMER, "patch_size": 3}).fit(pictures, labels)


@pytest.mark.parametrize(
    ("kind", "changed", "message"),
    [
        (ResNetClassifier, {"channels": ()}, "channels must be"),
        (ResNetClassifier, {"channels": (8, 0)}, "channels must be an integer of at least 1"),
        (ResNetClassifier, {"blocks": 0}, "blocks"),
        (ResNetClassifier, {"shift": -1}, "shift"),
        (ResNetClassifier, {"batch_size": 1}, "batch_size must be an integer of at least 2"),
        (ResNetClassifier, {"flip": "yes"}, "flip"),
        (ResNetClassifier, {"validation_fraction": 0.9}, "validation_fraction"),
        (VisionTransformerClassifier, {"num_heads": 3}, "multiple of num_heads=3"),
        (VisionTransformerClassifier, {"dropout": 1.5}, "dropout"),
    ],
)
def test_parameters_out_of_range_are_named(kind, changed, message):
    with pytest.raises(ValueError, match=message):
        kind(**changed).fit(*bars())


def test_pictures_held_out_choose_the_epoch():
    pictures, labels = bars(240)
    classifier = ResNetClassifier(**{**RESNET, "epochs": 2, "validation_fraction": 0.1})
    history = classifier.fit(pictures, labels).history_
    assert all("validation_loss" in entry for entry in history)


def test_a_picture_that_is_left_over_alone_is_no_batch_to_normalise_by():
    pictures, labels = bars(17)
    # Of 8 x 8 pixels the fourth stage has one left.
    deep = {**RESNET, "channels": (4, 4, 4, 4), "epochs": 1}
    assert np.isfinite(ResNetClassifier(**deep).fit(pictures, labels).history_[0]["loss"])


def test_moved_pictures_are_windows_of_the_continued_ones():
    picture = torch.arange(16.0).view(1, 1, 4, 4).repeat(40, 1, 1, 1)
    with torch_seed(0):
        found = moved(picture, 1)
    padded = np.pad(np.arange(16.0).reshape(4, 4), 1, mode="edge")
    windows = [padded[i : i + 4, j : j + 4] for i in range(3) for j in range(3)]
    seen = {next(n for n, w in enumerate(windows) if (w == row[0].numpy()).all()) for row in found}
    assert len(seen) == 9
    assert moved(picture, 0) is picture


def test_each_row_has_its_own_window():
    pictures = torch.randn(3, 2, 5, 6)
    corners = torch.tensor([[0, 2, 1], [3, 0, 1]])
    found = cut_out(pictures, corners, torch.Size((3, 3)))
    for row, (top, left) in enumerate(corners.T.tolist()):
        expected = pictures[row, :, top : top + 3, left : left + 3]
        torch.testing.assert_close(found[row], expected, rtol=0, atol=0)


def test_a_new_block_lets_through_what_comes_in():
    x = torch.rand(2, 4, 6, 6)
    torch.testing.assert_close(ResidualBlock(4, 4, 1).eval()(x), x)
    assert ResidualBlock(4, 8, 2)(x).shape == (2, 8, 3, 3)


def test_the_loss_is_the_weighted_cross_entropy_of_all_pictures():
    pictures, labels = bars()
    classifier = ResNetClassifier(**{**RESNET, "epochs": 1}).fit(pictures, labels)
    group = (labels == "standing").astype(np.int64)
    task = PictureClassificationTask(classifier.module_, np.array([1.0, 3.0]), shift=2).eval()
    loss = task.loss("train", (torch.from_numpy(pictures), torch.from_numpy(group)))
    log_proba = classifier.predict_log_proba(pictures)[np.arange(48), group]
    assert float(loss.total.detach()) == pytest.approx(
        -(log_proba * np.where(group, 3, 1)).sum(), rel=1e-5
    )
    assert loss.count == 48


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image_size_", {"$": "tuple", "items": [8]}, "pictures of .* with 1 channels"),
        ("image_size_", [8, 8], "pictures of .* with 1 channels"),
        ("image_size_", None, "pictures of None"),
        ("n_channels_", "1", "pictures of .* with '1' channels"),
        ("n_features_in_", 63, "n_features_in_ is 63"),
        ("classes_", ["lying", "standing"], "classes_ is .*, no array of distinct labels"),
        ("classes_", 2, "classes_ is 2|TypeError"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, name, value, message):
    pictures, labels = bars(8)
    path = (
        ResNetClassifier(**{**RESNET, "epochs": 1}).fit(pictures, labels).save(tmp_path / "model")
    )
    contents = container.read(path)
    contents.model["state"][name] = value
    container.write(path, contents)
    with pytest.raises(PersistError, match=f"cannot load .*model.*: {message}"):
        textrep.load(path)


@pytest.mark.parametrize(
    "params", [{"feature_size": 10**9}, {"blocks": 10**9}, {"channels": [10**7, 10**7]}]
)
def test_a_file_of_a_network_that_would_fill_the_memory_is_refused(tmp_path, params):
    pictures, labels = bars(8)
    path = (
        ResNetClassifier(**{**RESNET, "epochs": 1}).fit(pictures, labels).save(tmp_path / "model")
    )
    contents = container.read(path)
    contents.model["params"].update(params)
    container.write(path, contents)
    with pytest.raises(PersistError, match="its parameters make a network"):
        textrep.load(path)
