"""Pictures of texts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import textrep
from tests.image.stable_diffusion import random_stable_diffusion
from textrep import DataError
from textrep.image import TextToImage
from textrep.image.latent import normal_noise
from textrep.image.text_to_image import TextCondition
from textrep.layers import BlockShape

SMALL = {
    "space": "pixel",
    "text_size": 8,
    "text_layers": 1,
    "text_heads": 2,
    "channels": [8],
    "blocks": 1,
    "num_heads": 2,
    "n_steps": 100,
    "epochs": 2,
    "batch_size": 32,
    "device": "cpu",
    "random_state": 0,
}
LIGHT = np.arange(64) % 2 == 1
CAPTIONS = [f"a {'light' if light else 'dark'} picture" for light in LIGHT]
PICTURES = np.clip(
    np.where(LIGHT, 0.8, 0.2)[:, None, None, None]
    + 0.05 * np.random.default_rng(0).normal(size=(64, 1, 8, 8)),
    0,
    1,
).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return TextToImage(**SMALL).fit(PICTURES, CAPTIONS)


def test_it_learns_what_words_look_like():
    settings = {**SMALL, "epochs": 60, "learning_rate": 1e-2, "ema_decay": 0.9}
    model = TextToImage(**settings).fit(PICTURES, CAPTIONS)
    drawn = model.sample(["a dark picture", "LIGHT"], n=4, steps=10, random_state=0)
    assert drawn.shape == (8, 1, 8, 8)
    assert drawn[:4].mean() < 0.4
    assert drawn[4:].mean() > 0.6


def test_a_text_is_its_tokens_and_its_end(model):
    words = model.codec_.words
    ids = model._ids(["a dark picture", "Dark", "a dark dark dark picture", ""])
    assert [[words[i] for i in row] for row in ids] == [
        ["a", "dark", "picture", "<eos>"],
        ["dark", "<eos>", "<pad>", "<pad>"],
        ["a", "dark", "dark", "<eos>"],
        ["<eos>", "<pad>", "<pad>", "<pad>"],
    ]
    assert model._nothing().tolist() == ids[3].tolist()


def test_padding_tells_nothing():
    condition = TextCondition(9, 6, BlockShape(size=8, n_heads=2, inner_size=16), 1, 12).eval()
    short, long = torch.tensor([[5, 6, 3]]), torch.tensor([[5, 6, 3, 0, 0, 0]])
    told, memory, _ = condition(short)
    told_too, memory_too, mask = condition(long)
    torch.testing.assert_close(told, told_too)
    torch.testing.assert_close(memory, memory_too[:, :3])
    assert mask.keep.tolist() == [[True] * 3 + [False] * 3]


def test_the_network_sees_tokens_by_attention_without_their_padding(model):
    denoiser = model.module_.denoiser
    torch.nn.init.normal_(denoiser.network.exit.weight)
    x, shares = torch.randn(1, 1, 8, 8), torch.tensor([0.5])
    ids = torch.from_numpy(model._ids(["light"]))
    with torch.no_grad():
        told, memory, mask = denoiser.condition(ids)
        one = denoiser.network(x, shares, told, memory, mask)
        changed = memory.clone()
        changed[:, 2:] += 1.0  # padding
        torch.testing.assert_close(denoiser.network(x, shares, told, changed, mask), one)
        changed[:, 0] += 1.0
        assert not torch.allclose(denoiser.network(x, shares, told, changed, mask), one)


def test_a_prompt_has_the_same_picture_alone_and_among_others(model):
    prompts = ["a dark picture", "light", "unheard-of words"]
    together = model.sample(prompts, steps=4, random_state=5)
    alone = model.sample(prompts[:1], steps=4, random_state=5)
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


def test_saving_and_seeds_keep_pictures_to_the_bit(model, tmp_path):
    drawn = model.sample(["light"], n=2, steps=3, random_state=0)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.sample(["light"], n=2, steps=3, random_state=0), drawn)
    again = TextToImage(**SMALL).fit(PICTURES, CAPTIONS)
    other = TextToImage(**SMALL).fit(PICTURES, CAPTIONS)
    settings = {"steps": 3, "method": "ddpm", "random_state": 0}
    np.testing.assert_array_equal(
        again.sample(["light"], **settings), other.sample(["light"], **settings)
    )


def test_score_compares_captions(model):
    assert model.score(PICTURES[:8], CAPTIONS[:8]) < 0
    assert np.isfinite(model.score(PICTURES[:8]))
    with pytest.raises(ValueError, match="8 pictures, but y has 7 captions"):
        model.score(PICTURES[:8], CAPTIONS[:7])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "a caption for each picture"),
        (CAPTIONS[:3], "64 pictures, but y has 3 captions"),
        ("a caption", "single str"),
        ([*CAPTIONS[:-1], 3], "63"),
    ],
)
def test_what_is_no_list_of_captions_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        TextToImage(**SMALL).fit(PICTURES, y)


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"text_heads": 3}, "multiple of text_heads=3"), ({"max_length": 0}, "max_length")],
)
def test_parameters_out_of_range_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        TextToImage(**{**SMALL, **changed}).fit(PICTURES, CAPTIONS)


def test_prompts_are_a_list(model):
    with pytest.raises(ValueError, match="single str"):
        model.sample("a dark picture")


# ---- published models


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A Stable Diffusion with random weights."""
    pytest.importorskip("diffusers")
    pytest.importorskip("transformers")
    return random_stable_diffusion(tmp_path_factory.mktemp("stable-diffusion"))


@pytest.mark.slow
def test_a_published_folder_draws_what_diffusers_draws(folder, tmp_path):
    from diffusers import StableDiffusionPipeline

    model = TextToImage.from_pretrained(folder, device="cpu")
    found = model.sample(["a cat", "dog"], n=3, steps=2, guidance=7.5, random_state=0)
    theirs = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    theirs.set_progress_bar_config(disable=True)
    noise = torch.from_numpy(normal_noise(6, (4, 4, 4), 0))
    expected = theirs(
        ["a cat"] * 3 + ["dog"] * 3,
        num_inference_steps=2,
        guidance_scale=7.5,
        latents=noise,
        output_type="np",
    ).images
    np.testing.assert_allclose(found, expected.transpose(0, 3, 1, 2), atol=1e-4)
    assert found.shape == (6, 3, 8, 8)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    again = loaded.sample(["a cat", "dog"], n=3, steps=2, guidance=7.5, random_state=0)
    np.testing.assert_array_equal(again, found)
    with pytest.raises(ValueError, match="draws pictures, and does nothing else"):
        model.transform(PICTURES)


@pytest.mark.slow
def test_weights_that_are_pickled_are_not_read(folder, tmp_path):
    import shutil

    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    (weights,) = (copied / "unet").glob("*.safetensors")
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(DataError, match="cannot be read"):
        TextToImage.from_pretrained(copied)


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no model_index\.json"):
        TextToImage.from_pretrained(tmp_path)
    (tmp_path / "model_index.json").write_text("[")
    with pytest.raises(DataError, match="damaged"):
        TextToImage.from_pretrained(tmp_path)
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(DataError, match="FluxPipeline"):
        TextToImage.from_pretrained(tmp_path)


@pytest.mark.parametrize("folder", [None, 3, ""])
def test_what_is_no_folder_is_refused(folder):
    with pytest.raises(ValueError, match="folder must be the path of a folder, got"):
        TextToImage.from_pretrained(folder)
