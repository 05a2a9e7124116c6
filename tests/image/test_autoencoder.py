"""`Autoencoder`, held to principal components, closed forms and its own promises."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

import textrep
from textrep import Autoencoder
from textrep.image import load_pictures
from textrep.image.autoencoder.module import AutoencoderTask
from textrep.image.autoencoder.pretraining import PRETRAINING
from textrep.image.nets.conv import ConvDecoder

SMALL = {"code_size": 4, "hidden": (16,), "epochs": 2, "device": "cpu", "random_state": 0}
SMALL |= {"normalisation": None, "learning_rate": 1e-3}
DIGITS = load_pictures("digits").pictures[:200] / np.float32(255)


@pytest.fixture(scope="module")
def model():
    return Autoencoder(**SMALL).fit(DIGITS)


# ---- against principal components


def test_a_linear_autoencoder_finds_the_principal_components():
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(300, 4)) * [1.0, 0.8, 0.6, 0.1]
    flat = 0.5 + 0.07 * spread @ rng.normal(size=(4, 16)) + 0.02 * rng.normal(size=(300, 16))
    pictures = flat.clip(0, 1).reshape(-1, 1, 4, 4)
    linear = Autoencoder(
        code_size=3, hidden=(), output="linear", initialisation="xavier",
        tied=True, epochs=200, batch_size=300, learning_rate=0.1, normalisation=None, device="cpu",
        mixture_components=1, random_state=0,
    ).fit(pictures)  # fmt: skip
    flat = pictures.reshape(300, 16)
    pca = PCA(3).fit(flat)
    expected = ((pca.inverse_transform(pca.transform(flat)) - flat) ** 2).sum(axis=1).mean()
    assert -linear.score(pictures) == pytest.approx(expected, rel=0.01)
    directions = linear.module_.encoder.blocks[0].layer.weight.detach().numpy()
    assert subspace_angles(directions.T, pca.components_.T).max() < 0.05
    # Codes are linear in the pictures, up to a shift.
    middle = linear.transform((pictures[:1] + pictures[1:2]) / 2)
    np.testing.assert_allclose(middle[0], linear.transform(pictures[:2]).mean(axis=0), atol=1e-4)


def test_training_starts_from_the_mean_picture():
    start = Autoencoder(**{**SMALL, "epochs": 1, "learning_rate": 1e-12}, initialisation="small")
    for how in ({"output": "linear"}, {"output": "sigmoid"}):
        found = start.set_params(**how).fit(DIGITS).reconstruct(DIGITS[:1])
        np.testing.assert_allclose(found[0], DIGITS.mean(axis=0).clip(0.01, 0.99), atol=0.01)


def test_tied_weights_are_one_and_stay_so_in_a_file(tmp_path):
    tied = Autoencoder(**SMALL, tied=True, activation="sigmoid").fit(DIGITS)
    loaded = textrep.load(tied.save(tmp_path / "tied.textrep"))
    for each in (tied, loaded):
        names = [name for name, _ in each.module_.named_parameters()]
        assert not any("decoder" in name and "weight" in name for name in names)
        first, second = (block.layer.weight for block in each.module_.encoder.blocks)
        biases = [block.layer.bias for block in each.module_.decoder.blocks]
        codes = torch.from_numpy(each.transform(DIGITS[:3]))
        hidden = (codes @ second + biases[0]).sigmoid()
        expected = (hidden @ first + biases[1]).sigmoid().detach().numpy()
        np.testing.assert_allclose(each.decode(codes).reshape(3, -1), expected, atol=1e-6)
    with torch.no_grad():
        loaded.module_.encoder.blocks[1].layer.weight.mul_(2)
    assert not np.allclose(loaded.decode(codes), tied.decode(codes))


# ---- noise


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("mask", 0.3, lambda x: 0.3 * x**2),
        ("salt_pepper", 0.3, lambda x: 0.15 * (x**2 + (1 - x) ** 2)),
        ("gaussian", 0.05, lambda x: np.full_like(x, 0.05**2)),
    ],
)
def test_returning_what_noise_left_costs_what_it_must(kind, amount, expected):
    pictures = 0.3 + 0.4 * DIGITS  # far enough from black and white to be cut off
    model = Autoencoder(**SMALL, noise=amount, noise_kind=kind).fit(pictures)
    left = model.corrupt(pictures, random_state=1)
    found = ((left - pictures) ** 2).sum(axis=(1, 2, 3)).mean()
    assert found == pytest.approx(expected(pictures).sum(axis=(1, 2, 3)).mean(), rel=0.05)
    np.testing.assert_array_equal(left, model.corrupt(pictures, random_state=1))
    assert not np.array_equal(left, model.corrupt(pictures, random_state=2))


def test_a_denoiser_is_shown_noise_and_asked_for_the_picture():
    model = Autoencoder(**SMALL, noise=1.0).fit(DIGITS)
    # Of black alone, the best answer for all is the same.
    task = model._task(model.module_, None)
    one, other = (task.loss("train", torch.from_numpy(DIGITS[i : i + 1])) for i in (0, 1))
    black = model.decode(model.transform(np.zeros((1, 1, 8, 8))))
    for loss, picture in ((one, DIGITS[0]), (other, DIGITS[1])):
        assert loss.total.item() == pytest.approx(((black[0] - picture) ** 2).sum(), rel=1e-4)


# ---- gradients


def test_gradient_norms_are_those_of_the_closed_form():
    linear = Autoencoder(**{**SMALL, "hidden": ()}, activation="linear", output="linear")
    linear.fit(DIGITS)
    first, second = linear.module_.encoder.blocks[0].layer, linear.module_.decoder.blocks[0].layer
    x = DIGITS.reshape(len(DIGITS), -1).astype(np.float64)
    parameters = (first.weight, first.bias, second.weight, second.bias)
    w, b, v, c = (p.detach().numpy().astype(np.float64) for p in parameters)
    codes = x @ w.T + b
    wrong = 2 * (codes @ v.T + c - x) / len(x)
    expected = {
        "encoder.blocks.0.layer": (wrong @ v).T @ x,
        "decoder.blocks.0.layer": wrong.T @ codes,
    }
    found = linear.gradient_norms(DIGITS)
    assert list(found) == list(expected)
    for name, gradient in expected.items():
        assert found[name] == pytest.approx(np.sqrt((gradient**2).mean()), rel=1e-4)


def test_codes_are_between_0_and_1_where_their_activation_says_so():
    for hidden in ((8,), "conv"):
        how = {**SMALL, "hidden": hidden}
        codes = Autoencoder(**how, code_activation="sigmoid", tied=hidden != "conv").fit(DIGITS)
        codes = codes.transform(DIGITS)
        assert codes.min() > 0
        assert codes.max() < 1


def test_gradients_vanish_in_deep_sigmoid_nets_and_are_cured():
    deep = {**SMALL, "hidden": (32,) * 5}
    sick = {"activation": "sigmoid", "initialisation": "torch"}
    cures = [
        {**sick, "initialisation": "xavier"},
        {**sick, "normalisation": "batch"},
        {"activation": "relu", "initialisation": "he"},
    ]

    def fall(**how):
        """How many times smaller the gradient is in the first layer than in the last."""
        norms = list(Autoencoder(**{**deep, **how}).gradient_norms(DIGITS).values())
        return norms[-1] / norms[0]

    assert fall(**sick) > 10_000
    for cure in cures:
        assert fall(**cure) < fall(**sick) / 100


def test_looking_at_gradients_changes_nothing():
    model = Autoencoder(**{**SMALL, "normalisation": "batch"}).fit(DIGITS)
    before = model.transform(DIGITS)
    model.gradient_norms(DIGITS[:50])
    np.testing.assert_array_equal(model.transform(DIGITS), before)
    assert all(p.grad is None for p in model.module_.parameters())


def test_layers_trained_one_by_one_start_nearer():
    deep = {**SMALL, "hidden": (32, 32), "activation": "sigmoid", "epochs": 1, "loss": "bce"}
    deep |= {"learning_rate": 0.01, "batch_size": 50}
    plain = Autoencoder(**deep).fit(DIGITS)
    before = Autoencoder(**deep, pretrain_epochs=15).fit(DIGITS)
    stages = [entry for entry in before.history_ if entry.get("stage") == PRETRAINING]
    assert [entry["layer"] for entry in stages] == [0] * 15 + [1] * 15 + [2] * 15
    for layer in range(3):
        losses = [entry["loss"] for entry in stages if entry["layer"] == layer]
        assert losses[-1] < losses[0]
    assert before.score(DIGITS) > plain.score(DIGITS)


def test_a_picture_that_is_left_over_alone_is_no_batch_to_normalise_by():
    how = {**SMALL, "epochs": 1, "batch_size": 50, "normalisation": "batch"}
    found = Autoencoder(**how, pretrain_epochs=1).fit(DIGITS[:51]).history_
    assert all(np.isfinite(entry["loss"]) for entry in found)


def test_the_time_for_training_is_for_all_of_its_stages(monkeypatch):
    given = []
    room = "textrep.image.autoencoder.autoencoder"

    def layers(module, pixels, settings, **_):
        given.append(settings.max_seconds)
        return []

    def joint(self, task, pixels, settings):
        given.append(settings.max_seconds)
        raise InterruptedError

    monkeypatch.setattr(f"{room}.pretrain_layers", layers)
    monkeypatch.setattr(f"{room}.time", SimpleNamespace(monotonic=iter([10.0, 35.0]).__next__))
    monkeypatch.setattr(Autoencoder, "_train_on", joint)
    how = {**SMALL, "hidden": (16, 8), "max_seconds": 60}
    with pytest.raises(InterruptedError):
        Autoencoder(**how, pretrain_epochs=1).fit(DIGITS)
    assert given == [10, 35]  # three layers have half of it; 25 seconds were spent


# ---- verbs


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"normalisation": "batch"},
        {"hidden": "conv", "channels": (4, 8), "normalisation": "layer"},
        {"hidden": "conv", "channels": (4, 8), "normalisation": "batch"},
    ],
)
def test_a_picture_has_the_same_answer_alone_and_among_others(how):
    model = Autoencoder(**{**SMALL, **how}).fit(DIGITS)
    together, again = model.transform(DIGITS[:20]), model.reconstruct(DIGITS[:20])
    for i in (0, 7):
        np.testing.assert_allclose(model.transform(DIGITS[i : i + 1])[0], together[i], atol=1e-5)
        np.testing.assert_allclose(model.reconstruct(DIGITS[i : i + 1])[0], again[i], atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 7, 5), (1, 9, 4), (2, 1, 1)])
def test_convolutions_give_back_any_size(shape):
    pictures = np.random.default_rng(0).random((6, *shape), dtype=np.float32)
    how = {**SMALL, "hidden": "conv", "channels": (4, 8), "epochs": 1}
    assert Autoencoder(**how).fit(pictures).reconstruct(pictures).shape == pictures.shape


def test_enlarging_by_convolution_leaves_no_checkerboard():
    decoder = ConvDecoder((1, 16, 16), (4, 4), 3, "relu", None, "torch")
    with torch.no_grad():
        for conv in decoder.convs:
            conv.weight.fill_(0.1)
        decoder.head.weight.fill_(0.1)
        decoder.head.bias.fill_(1.0)
        inner = decoder(torch.ones(1, 3))[0, 0, 4:-4, 4:-4]
    torch.testing.assert_close(inner, inner[:1, :1].expand_as(inner))


def test_the_way_between_two_pictures_ends_at_their_reconstructions(model):
    walk = model.interpolate(DIGITS[0], DIGITS[1], steps=5)
    np.testing.assert_allclose(walk[[0, -1]], model.reconstruct(DIGITS[:2]), atol=1e-5)
    codes = model.encode(DIGITS[:2])
    np.testing.assert_allclose(walk[2:3], model.decode(codes.mean(axis=0)[None]), atol=1e-5)


def test_samples_are_those_of_their_seed(model):
    drawn = model.sample(6, random_state=3)
    assert drawn.shape == (6, 1, 8, 8)
    np.testing.assert_allclose(model.sample(2, random_state=3), drawn[:2], atol=1e-6)
    assert not np.allclose(model.sample(2, random_state=4), drawn[:2])
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_score_is_minus_the_squared_error_of_a_picture(model):
    errors = ((model.reconstruct(DIGITS) - DIGITS) ** 2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(model.reconstruction_errors(DIGITS), errors, rtol=1e-4)
    assert model.score(DIGITS) == pytest.approx(-errors.mean(), rel=1e-5)


def test_filters_are_the_first_weights(model):
    assert model.filters_.shape == (16, 1, 8, 8)
    conv = Autoencoder(**{**SMALL, "hidden": "conv", "channels": (4,)}).fit(DIGITS)
    assert conv.filters_.shape == (4, 1, 3, 3)


def test_bytes_and_floats_are_the_same_pictures(model):
    levels = load_pictures("digits").pictures[:200]
    np.testing.assert_allclose(model.transform(levels), model.transform(DIGITS), atol=1e-6)
    names = model.set_output(transform="pandas").transform(DIGITS).columns
    assert list(names) == [f"autoencoder{i}" for i in range(4)]
    model.set_output(transform="default")


def test_memory_that_must_not_be_written_to_is_read_and_left_alone(model):
    pictures = DIGITS.copy()
    pictures.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(model.transform(pictures), model.transform(DIGITS))
        model.gradient_norms(pictures)
        clean = model.corrupt(pictures)  # there is no noise
    clean[:] = 0
    np.testing.assert_array_equal(pictures, DIGITS)


def test_pictures_of_progress_do_not_change_what_is_learnt(tmp_path, model):
    shown = Autoencoder(**SMALL, progress_folder=tmp_path / "progress").fit(DIGITS)
    names = sorted(path.name for path in (tmp_path / "progress").iterdir())
    assert names == ["epoch-0000.png", "epoch-0001.png", "epoch-0002.png"]
    np.testing.assert_array_equal(shown.transform(DIGITS), model.transform(DIGITS))


def test_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    how = {**SMALL, "epochs": 4, "noise": 0.3, "batch_size": 50}
    whole = Autoencoder(**how).fit(DIGITS)
    begin = AutoencoderTask.begin_epoch

    def interrupted(task, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        begin(task, epoch)

    kept = Autoencoder(**how, checkpoint=tmp_path / "kept")
    with monkeypatch.context() as patch:
        patch.setattr(AutoencoderTask, "begin_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            kept.fit(DIGITS)
    assert (tmp_path / "kept").exists()
    kept.fit(DIGITS)
    assert [entry["loss"] for entry in kept.history_] == [entry["loss"] for entry in whole.history_]
    np.testing.assert_array_equal(kept.transform(DIGITS), whole.transform(DIGITS))


def test_some_are_held_out_where_that_is_asked_for():
    held = Autoencoder(**SMALL, validation_fraction=0.2).fit(DIGITS)
    assert all("validation_loss" in entry for entry in held.history_)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_channels_": 0},
        {"image_size_": (8, "8")},
        {"n_features_in_": 63},
        {"mixture_means_": np.zeros((1, 5))},
        {"mixture_weights_": np.zeros(0)},
    ],
)
def test_a_file_that_makes_no_sense_is_refused(model, changes):
    state = {**model._get_state(), **changes}
    with pytest.raises(textrep.PersistError):
        Autoencoder(**SMALL)._set_state(state)


# ---- what is refused


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"code_size": 0}, "code_size"),
        ({"hidden": 100}, "hidden"),
        ({"hidden": "dense"}, "hidden"),
        ({"hidden": (4, 0)}, "hidden"),
        ({"hidden": "conv", "channels": ()}, "channels"),
        ({"activation": "swish"}, "activation"),
        ({"code_activation": "swish"}, "code_activation"),
        ({"output": "tanh"}, "output"),
        ({"loss": "mae"}, "loss"),
        ({"loss": "bce", "output": "linear"}, "output='sigmoid'"),
        ({"noise": 1.5}, "noise"),
        ({"noise_kind": "rain"}, "noise_kind"),
        ({"normalisation": "group"}, "normalisation"),
        ({"initialisation": "zero"}, "initialisation"),
        ({"hidden": "conv", "tied": True}, "tied"),
        ({"tied": 1}, "tied"),
        ({"hidden": "conv", "pretrain_epochs": 1}, "pretrain_epochs"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 1, "normalisation": "batch"}, "batch_size"),
        ({"schedule": "sawtooth"}, "schedule"),
        ({"validation_fraction": 1}, "validation_fraction"),
        ({"mixture_components": 0}, "mixture_components"),
        ({"progress_folder": 3}, "progress_folder"),
        ({"device": "abacus"}, "device"),
    ],
)
def test_parameters_out_of_range_are_named(changes, named):
    with pytest.raises(ValueError, match=named):
        Autoencoder(**{**SMALL, **changes}).fit(DIGITS)


def test_pictures_of_another_size_than_those_of_fit_are_refused(model):
    with pytest.raises(ValueError, match="expected 8 x 8"):
        model.transform(np.zeros((1, 1, 9, 8)))
    with pytest.raises(ValueError, match="expected 1"):
        model.reconstruct(np.zeros((1, 3, 8, 8)))
    with pytest.raises(ValueError, match="at least 2"):
        Autoencoder(**SMALL).fit(DIGITS[:1])


@pytest.mark.parametrize(
    "codes", [np.zeros((2, 5)), np.zeros(4), np.full((1, 4), np.nan), np.zeros((0, 4)), "codes"]
)
def test_what_are_no_codes_is_refused(model, codes):
    with pytest.raises(ValueError, match="codes"):
        model.decode(codes)


@pytest.mark.parametrize("verb", ["sample", "decode", "interpolate", "corrupt"])
def test_verbs_need_fit(verb):
    arguments = {"sample": (1,), "decode": (np.zeros((1, 4)),), "interpolate": (DIGITS[0],) * 2}
    with pytest.raises(NotFittedError):
        getattr(Autoencoder(**SMALL), verb)(*arguments.get(verb, (DIGITS,)))
