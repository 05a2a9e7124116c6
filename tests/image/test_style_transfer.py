"""`StyleTransfer`: its losses, its networks, and the pictures that come of it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch import nn

import textrep
from textrep.engine import torch_seed
from textrep.image import StyleTransfer
from textrep.image.style_transfer import (
    VGG,
    Objective,
    gram,
    read_vgg,
    save_vgg,
    small_vgg,
    total_variation,
)
from textrep.image.style_transfer.colours import with_colours_of
from textrep.image.style_transfer.hooked import Hooked
from textrep.image.style_transfer.losses import LossWeights, distance
from textrep.image.style_transfer.optimising import by_adam, by_lbfgs
from textrep.image.style_transfer.vgg import balance, folded


@pytest.fixture(autouse=True)
def seeded():
    with torch_seed(0):
        yield


def blocks(seed, n):
    """Squares of random colours, n to a side of 16 pixels."""
    colours = np.random.default_rng(seed).random((1, 3, n, n), dtype=np.float32)
    return colours.repeat(16 // n, axis=2).repeat(16 // n, axis=3)


@pytest.fixture(scope="module")
def scene():
    return blocks(0, 4)


@pytest.fixture(scope="module")
def painting():
    return blocks(1, 8)


# ---- losses


def test_gram_by_loops():
    features = torch.randn(2, 3, 4, 5)
    expected = torch.zeros(2, 3, 3)
    for n in range(2):
        for i in range(3):
            for j in range(3):
                expected[n, i, j] = (features[n, i] * features[n, j]).sum() / (3 * 4 * 5)
    torch.testing.assert_close(gram(features), expected)


def test_gram_knows_no_places_and_does_not_grow_with_the_picture():
    features = torch.randn(1, 3, 4, 6)
    shuffled = features.flatten(2)[:, :, torch.randperm(24)].view(1, 3, 4, 6)
    torch.testing.assert_close(gram(shuffled), gram(features))
    torch.testing.assert_close(gram(features.repeat(1, 1, 2, 3)), gram(features))


def test_variation_by_loops():
    picture = torch.rand(1, 2, 3, 4)
    down = [
        abs(picture[0, c, i + 1, j] - picture[0, c, i, j])
        for c in range(2) for i in range(2) for j in range(4)
    ]  # fmt: skip
    across = [
        abs(picture[0, c, i, j + 1] - picture[0, c, i, j])
        for c in range(2) for i in range(3) for j in range(3)
    ]  # fmt: skip
    expected = torch.stack(down).mean() + torch.stack(across).mean()
    torch.testing.assert_close(total_variation(picture), expected[None])
    assert total_variation(torch.ones(1, 3, 4, 4)).item() == 0


def objective(content, style, *, network=None, weights=(1.0, 1.0, 0.0)):
    network = network or VGG([[4, 4], [6]]).requires_grad_(False)
    seen = network(style, ["relu1_1", "relu2_1"])
    grams = {name: gram(value)[0] for name, value in seen.items()}
    return Objective(network, content, ["relu1_2"], grams, LossWeights(*weights))


def test_a_picture_has_no_distance_from_itself():
    picture, other = torch.rand(2, 1, 3, 16, 16)
    both = objective(picture, picture).losses(picture)
    assert both["content"] < 1e-10
    assert both["style"] < 1e-10
    assert objective(other, picture).losses(picture)["content"] > 1e-3
    assert objective(picture, other).losses(picture)["style"] > 1e-6


def test_losses_are_shares_that_do_not_depend_on_the_scale_of_a_network():
    content, style, picture = torch.rand(3, 1, 3, 16, 16)
    network = VGG([[4, 4], [6]])
    with torch.no_grad():
        for layer in network.convolutions.values():
            layer.bias.zero_()
    before = objective(content, style, network=network).losses(picture)
    with torch.no_grad():
        network.convolutions["1_1"].weight.mul_(7.0)
    after = objective(content, style, network=network).losses(picture)
    for name in before:
        torch.testing.assert_close(before[name], after[name], rtol=1e-4, atol=1e-6)
    assert distance(torch.zeros(1, 3), torch.ones(1, 3)).item() == pytest.approx(1.0)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_content_alone_is_found_again_from_noise(optimizer):
    content, noise = torch.rand(2, 1, 3, 16, 16)
    wanted = objective(content, content, weights=(1.0, 0.0, 0.0))
    told = []
    if optimizer == "lbfgs":
        made = by_lbfgs(wanted, noise, 25, told.append)
    else:
        made = by_adam(wanted, noise, 40, told.append, learning_rate=0.05)
    before, after = (wanted.losses(picture)["content"].item() for picture in (noise, made))
    assert after < 0.1 * before
    assert 0 <= made.min() <= made.max() <= 1
    assert len(told) > 5


# ---- networks


class Torchvisions(nn.Module):
    """VGG-16 as torchvision builds it, in another width."""

    def __init__(self, width, batch_norm):
        super().__init__()
        layers, given = [], 3
        for kind in "11M22M444M888M888M":
            if kind == "M":
                layers.append(nn.MaxPool2d(2, 2))
                continue
            channels = width * int(kind)
            layers.append(nn.Conv2d(given, channels, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            layers.append(nn.ReLU(inplace=True))
            given = channels
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(given, 5)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_of_torchvision_are_read(tmp_path, batch_norm, suffix):
    network = Torchvisions(2, batch_norm)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 2)
                layer.weight.uniform_(0.5, 2)
                layer.bias.normal_()
    path = tmp_path / f"vgg16{suffix}"
    if suffix == ".pth":
        torch.save(network.state_dict(), path)
    else:
        from safetensors.torch import save_file

        save_file(network.state_dict(), path)
    read = read_vgg(path, pooling="max")
    pictures = torch.rand(2, 3, 32, 32)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    expected = network.eval().features[:-1]((pictures - mean) / deviation)
    found = read(pictures, ["relu5_3"])["relu5_3"]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_files_that_hold_no_network_are_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("executed",))

    path = tmp_path / "weights.pth"
    torch.save({"features.0.weight": Evil()}, path)
    with pytest.raises(ValueError, match="no file of tensors alone"):
        read_vgg(path)
    torch.save({"features.0.weight": torch.zeros(4, 3, 3, 3)}, path)
    with pytest.raises(ValueError, match="1 convolutions"):
        read_vgg(path)
    torch.save({0: torch.zeros(3)}, path)
    with pytest.raises(ValueError, match="no table of tensors by name"):
        read_vgg(path)
    torch.save({"mean": torch.zeros(3), "convolutions.1_1.bias": torch.tensor(1.0)}, path)
    with pytest.raises(ValueError, match="holds no VGG network"):
        read_vgg(path)
    (tmp_path / "w.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match="no safetensors file"):
        read_vgg(tmp_path / "w.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no file of weights"):
        read_vgg(tmp_path / "missing.pth")


def test_batch_normalisation_is_folded_away():
    network = VGG([[4, 4], [6]], batch_norm=True)
    for _ in range(3):
        network.train()(torch.rand(8, 3, 8, 8), ["relu2_1"])
    network.eval()
    pictures = torch.rand(2, 3, 8, 8)
    plain = folded(network)
    assert not plain.norms
    torch.testing.assert_close(
        plain(pictures, ["relu2_1"])["relu2_1"], network(pictures, ["relu2_1"])["relu2_1"]
    )


def test_balanced_layers_have_a_mean_of_one_and_the_same_directions():
    network, pictures = VGG([[4, 4], [6]]), torch.rand(4, 3, 8, 8)
    with torch.no_grad():
        for layer in network.convolutions.values():
            layer.bias.zero_()
    rectifiers = [name for name in network.names if name.startswith("relu")]
    before = network(pictures, rectifiers)
    balance(network, pictures)
    after = network(pictures, rectifiers)
    for name in rectifiers:
        assert after[name].mean().item() == pytest.approx(1.0, rel=1e-4)
        factor = before[name].mean()
        torch.testing.assert_close(after[name] * factor, before[name], rtol=1e-3, atol=1e-5)


def test_the_network_that_comes_with_textrep_is_small_and_balanced(tmp_path):
    network = small_vgg()
    assert sum(p.numel() for p in network.parameters()) == 145_936
    assert network.blocks == [[16, 16], [32, 32], [64, 64], [64, 64]]
    seen = network(torch.rand(1, 3, 16, 16), network.names)
    assert seen["relu4_2"].shape == (1, 64, 2, 2)
    assert (seen["relu4_2"] > 0).any()
    save_vgg(tmp_path / "again.safetensors", network)
    again = read_vgg(tmp_path / "again.safetensors")
    for name, value in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)


def test_layers_before_rectifiers_in_place_are_kept_as_they_were():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 1))
    pictures = torch.rand(1, 3, 8, 8)
    found = Hooked(network)(pictures, ["0", "1"])
    assert found["0"].min() < 0
    torch.testing.assert_close(found["0"], network[0](pictures))
    torch.testing.assert_close(found["1"], network[0](pictures).relu())
    assert not network[0]._forward_hooks  # nobody else's network is changed


class Flat(nn.Module):
    """Ends in a vector, and has a layer that nothing goes through."""

    def __init__(self):
        super().__init__()
        self.convolution, self.flat, self.unused = nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Identity()

    def forward(self, x):
        return self.flat(self.convolution(x))


@pytest.mark.parametrize(
    ("layer", "message"), [("flat", "gives no features"), ("unused", "takes no part")]
)
@pytest.mark.parametrize("of", ["content_layers", "style_layers"])
def test_layers_that_give_no_maps_or_are_not_used_are_named(painting, layer, message, of):
    layers = {"content_layers": ["convolution"], "style_layers": ["convolution"], of: [layer]}
    with pytest.raises(ValueError, match=f"'{layer}' {message}"):
        StyleTransfer(features=Flat(), **layers, device="cpu").fit(painting)


# ---- the estimator


def test_style_falls_while_the_scene_is_kept(scene, painting):
    model = StyleTransfer(steps=15, device="cpu").fit(painting)
    made = model.transform(scene)
    assert made.shape == scene.shape
    assert made.dtype == np.float32
    assert 0 <= made.min() <= made.max() <= 1
    before, after = model.losses(scene, scene), model.losses(made, scene)
    assert after["style"] < 0.3 * before["style"]
    assert after["content"] < model.losses(painting, scene)["content"]
    assert after["total"] < before["total"]
    assert model.score(scene) == pytest.approx(-after["total"], rel=1e-4)


def test_the_style_of_a_picture_against_itself_is_zero(painting):
    model = StyleTransfer(device="cpu").fit(painting)
    assert model.losses(painting, painting)["style"] < 1e-9


def test_each_scene_has_the_answer_that_it_has_alone(scene, painting):
    model = StyleTransfer(steps=3, start="noise", random_state=0, device="cpu").fit(painting)
    two = np.concatenate([scene, scene[:, ::-1]])
    made = model.transform(two)
    np.testing.assert_allclose(model.transform(two[1:]), made[1:], atol=1e-5)
    np.testing.assert_array_equal(model.transform(two), made)


def test_strokes_are_laid_out_at_smaller_sizes_first(painting):
    model = StyleTransfer(steps=1, halvings=2, device="cpu").fit(painting)
    assert model._sizes(150, 131) == [(37, 32), (75, 65), (150, 131)]
    assert model._sizes(100, 63) == [(100, 63)]
    scene = blocks(0, 4).repeat(4, axis=2).repeat(4, axis=3)
    sizes = []
    plain = Objective.losses

    def seen(self, picture):
        sizes.append(tuple(picture.shape[2:]))
        return plain(self, picture)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objective, "losses", seen)
        assert model.transform(scene).shape == scene.shape
    assert list(dict.fromkeys(sizes)) == [(32, 32), (64, 64)]


def test_scenes_may_be_grey_and_of_another_size_and_are_not_changed(painting):
    grey = np.random.default_rng(0).random((2, 1, 9, 20), dtype=np.float32)
    before = grey.copy()
    made = StyleTransfer(steps=2, device="cpu").stylise(grey, painting)
    assert made.shape == grey.shape
    np.testing.assert_array_equal(grey, before)


def test_colours_can_be_kept(scene, painting):
    model = StyleTransfer(steps=5, preserve_colours=True, device="cpu").fit(painting)
    made = model.transform(scene)
    free = ((made > 1e-6) & (made < 1 - 1e-6)).all(axis=1)[0]  # what was cut has lost some
    assert free.mean() > 0.2
    chroma = np.array([[0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    found, wanted = (np.einsum("dc,chw->dhw", chroma, x[0]) for x in (made, scene))
    np.testing.assert_allclose(found[:, free], wanted[:, free], atol=1e-5)
    np.testing.assert_allclose(with_colours_of(scene, scene), scene, atol=1e-5)


def test_a_module_of_ones_own_can_see(scene, painting):
    network = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace=True))
    params = {"steps": 4, "device": "cpu", "content_layers": ["0"], "style_layers": ["1"]}
    model = StyleTransfer(features=network, **params).fit(painting)
    assert (
        model.losses(model.transform(scene), scene)["style"] < (model.losses(scene, scene)["style"])
    )
    with pytest.raises(ValueError, match="content_layers and style_layers are needed"):
        StyleTransfer(features=network).fit(painting)


def test_saving_keeps_a_network_that_was_read_from_a_file(scene, painting, tmp_path):
    file = tmp_path / "vgg.safetensors"
    save_vgg(file, VGG([[4, 4], [6]]))
    model = StyleTransfer(features=file, steps=3, device="cpu").fit(painting)
    assert model.style_layers_ == ["relu1_1", "relu2_1"]
    assert model.content_layers_ == ["relu1_2"]
    expected = model.transform(scene)
    model.save(tmp_path / "style.textrep")
    file.unlink()
    for again in (textrep.load(tmp_path / "style.textrep"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.transform(scene), expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"features": 3}, "features must be"),
        ({"optimizer": "sgd"}, "optimizer must be"),
        ({"start": "style"}, "start must be"),
        ({"steps": 0}, "steps"),
        ({"halvings": -1}, "halvings"),
        ({"style_weight": -1}, "style_weight"),
        ({"style_weight": 0, "content_weight": 0}, "nothing to do"),
        ({"content_layers": ["relu9_1"]}, "'relu9_1', which is no layer"),
        ({"style_layers": "relu1_1"}, "must be a list"),
        ({"style_layers": 3}, "must be a list"),
        ({"preserve_colours": 1.5}, "preserve_colours"),
    ],
)
def test_what_is_out_of_range_is_named(painting, params, message):
    with pytest.raises(ValueError, match=message):
        StyleTransfer(**params, device="cpu").fit(painting)


def test_pictures_too_small_or_of_other_channels_are_refused(painting):
    with pytest.raises(ValueError, match="at least 8 each way and 1 or 3 channels"):
        StyleTransfer(device="cpu").fit(np.zeros((1, 2, 9, 9)))
    with pytest.raises(ValueError, match="at least 8 each way"):
        StyleTransfer(device="cpu").fit(painting).transform(np.zeros((1, 3, 7, 9)))


def test_a_deep_network_needs_larger_pictures(painting, tmp_path):
    save_vgg(tmp_path / "deep.safetensors", VGG([[2]] * 6))
    model = StyleTransfer(features=tmp_path / "deep.safetensors", steps=1, device="cpu")
    with pytest.raises(ValueError, match="at least 32 each way"):
        model.fit(painting)
