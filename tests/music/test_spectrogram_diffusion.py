"""Sounds out of noise, by way of pictures of them."""

from __future__ import annotations

import numpy as np
import pytest

import textrep
from tests.image.stable_diffusion import random_stable_diffusion
from textrep import DataError
from textrep.image import Diffusion
from textrep.image.text_to_image import TextToImage
from textrep.music import Score, SpectrogramDiffusion, Track
from textrep.music.sound import mel_spectrogram, spectral_convergence, stft
from textrep.music.spectrogram_diffusion import (
    riffusion_sounds,
    riffusion_spectrogram,
    sound_clips,
)

SMALL = {
    "seconds": 0.128,
    "n_mels": 16,
    "n_fft": 512,
    "hop": 128,
    "n_iter": 8,
    "space": "pixel",
    "channels": (8,),
    "blocks": 1,
    "num_heads": 2,
    "n_steps": 100,
    "epochs": 2,
    "batch_size": 16,
    "device": "cpu",
    "random_state": 0,
}
N_SAMPLES = 2048
HIGH = np.arange(48) % 2 == 1
LABELS = np.where(HIGH, "high", "low")


def tones():
    """Low and high ones, of other phases and loudness each."""
    rng = np.random.default_rng(0)
    time = np.arange(N_SAMPLES) / 16000
    phases = rng.uniform(0, 2 * np.pi, (48, 1))
    loudness = rng.uniform(0.3, 0.6, (48, 1))
    hertz = np.where(HIGH, 3000.0, 400.0)[:, None]
    return (loudness * np.sin(2 * np.pi * hertz * time + phases)).astype(np.float32)


WAVES = tones()


@pytest.fixture(scope="module")
def model():
    return SpectrogramDiffusion(**SMALL).fit(WAVES, LABELS)


def heard_as_high(waves):
    """Whether there is more above 1500 Hz than below."""
    spectra = np.abs(np.fft.rfft(waves)) ** 2
    border = round(1500 * waves.shape[-1] / 16000)
    return spectra[:, border:].sum(axis=1) > spectra[:, :border].sum(axis=1)


def test_a_sound_of_the_class_that_is_asked_for_is_heard():
    settings = {**SMALL, "epochs": 90, "learning_rate": 5e-3, "channels": (8, 16)}
    model = SpectrogramDiffusion(**settings, ema_decay=0.9).fit(WAVES, LABELS)
    asked = np.array(["low"] * 10 + ["high"] * 10)
    made = model.sample(20, labels=asked, steps=10, random_state=0)
    assert made.shape == (20, N_SAMPLES)
    assert (heard_as_high(made) == (asked == "high")).mean() >= 0.9
    assert 0.1 < np.sqrt((made**2).mean()) / np.sqrt((WAVES**2).mean()) < 3


def test_it_is_a_diffusion_of_spectrograms(model):
    spectrogram = model.spectrogram()
    pictures = spectrogram.encode(WAVES)
    assert pictures.shape == (48, 1, 16, 16)
    names = set(Diffusion().get_params()) & set(SMALL)
    plain = Diffusion(**{name: SMALL[name] for name in names}).fit(pictures, LABELS)
    expected = plain.sample(3, labels="low", steps=4, random_state=0)
    found = model.sample_images(3, labels="low", steps=4, random_state=0)
    np.testing.assert_array_equal(found, expected)
    waves = model.sample(3, labels="low", steps=4, random_state=0)
    np.testing.assert_array_equal(waves, spectrogram.decode(expected))
    assert model.score(WAVES, LABELS) == plain.score(pictures, LABELS)
    np.testing.assert_array_equal(model.transform(WAVES), plain.transform(pictures))


def test_sounds_in_codes_of_an_autoencoder_are_learnt_too():
    settings = {**SMALL, "space": "latent", "coder_channels": 4, "coder_epochs": 1, "epochs": 1}
    model = SpectrogramDiffusion(**settings).fit(WAVES)
    assert model.classes_ is None
    assert model.sample(2, steps=3, random_state=0).shape == (2, N_SAMPLES)
    assert {entry["stage"] for entry in model.history_} == {"autoencoder", "diffusion"}


def test_without_noise_a_sound_is_what_its_spectrogram_keeps_of_it(model):
    found = model.reconstruct(WAVES[:2], strength=0)
    spectrogram = model.spectrogram()
    expected = spectrogram.decode(spectrogram.encode(WAVES[:2]))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_way_between_sounds_has_both_ends_and_steps(model):
    way = model.interpolate(WAVES[0], WAVES[1], steps=3)
    assert way.shape == (3, N_SAMPLES)
    assert np.isfinite(way).all()


def test_noise_of_sounds_makes_sounds(model):
    noise = model.encode(WAVES[:3], steps=5)
    assert noise.shape == (3, 16 * 16)
    assert model.decode(noise, steps=5).shape == (3, N_SAMPLES)


def test_saving_and_seeds_keep_sounds_to_the_bit(model, tmp_path):
    made = model.sample(2, labels="high", steps=3, random_state=0)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.sample(2, labels="high", steps=3, random_state=0), made)
    again = SpectrogramDiffusion(**SMALL).fit(WAVES, LABELS)
    np.testing.assert_array_equal(again.sample(2, labels="high", steps=3, random_state=0), made)


def test_lengths_are_cut_or_filled_with_silence(model):
    longer = [np.concatenate([wave, wave]) for wave in WAVES[:3]]
    np.testing.assert_array_equal(model.transform(longer), model.transform(WAVES[:3]))
    shorter, filled = WAVES[:3, :1500], WAVES[:3].copy()
    filled[:, 1500:] = 0
    np.testing.assert_array_equal(model.transform(shorter), model.transform(filled))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("a.wav", "list of sounds, got 'a.wav'; put one sound into a list"),
        (None, "got None"),
        (WAVES[0], "one sound of 2048 samples; put it into a list"),
        ([], "empty"),
        ([WAVES[0], [0.0, np.nan]], r"X\[1\]\[1\] is nan"),
        ([WAVES[0], np.zeros((2, 9))], r"X\[1\] must be \(samples,\)"),
        ([WAVES[0], np.zeros(9, np.int16)], r"X\[1\] is int16"),
    ],
    ids=["str", "None", "one", "nothing", "NaN", "table", "int"],
)
def test_what_are_no_sounds_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        SpectrogramDiffusion(**SMALL).fit(X)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seconds": 0}, "seconds"),
        ({"hop": 500}, "hop must be at most half"),
        ({"space": "latent", "latent_factor": 32}, "latent_factor"),
        ({"rate": 0}, "rate"),
    ],
)
def test_parameters_out_of_range_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        SpectrogramDiffusion(**{**SMALL, **changed}).fit(WAVES)


# ---- sounds to learn from


def scales(n=3):
    notes = [[(i * 240, 240, 60 + k + 2 * i, 90) for i in range(8)] for k in range(n)]
    return [Score([Track(part)], name=str(k)) for k, part in enumerate(notes)]


def test_clips_are_pieces_of_their_scores():
    from textrep.music import synthesize

    scores = scales(1)
    waves, labels = sound_clips({"pipe": (scores, 73)}, n=3, seconds=0.5, rate=8000, random_state=0)
    assert waves.shape == (3, 4000)
    assert labels.tolist() == ["pipe"] * 3
    whole = synthesize(Score([Track(scores[0].tracks[0].notes, program=73)]), rate=8000)
    for wave in waves:
        assert any(
            np.array_equal(whole[start : start + 4000], wave)
            for start in range(len(whole) - 4000 + 1)
        )


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_each_class_has_as_many_clips_as_asked_for(n):
    waves, labels = sound_clips(
        {"a": (scales(3), 0), "b": (scales(2), 19)}, n=n, seconds=0.1, rate=4000, random_state=0
    )
    assert len(waves) == 2 * n
    assert labels.tolist() == ["a"] * n + ["b"] * n


def test_clips_are_the_same_for_a_seed():
    settings = {"n": 3, "seconds": 0.2, "rate": 4000}
    one, two, other = (
        sound_clips({"a": (scales(), 0)}, random_state=seed, **settings)[0] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_short_scores_are_followed_by_silence():
    waves, _ = sound_clips({"a": (scales(1), 73)}, n=1, seconds=5, rate=4000)
    assert waves[0, :8000].any()
    assert not waves[0, 9500:].any()


def test_classes_without_scores_are_refused():
    with pytest.raises(ValueError, match=r"kinds\['a'\] has no scores"):
        sound_clips({"a": ([], 0)})
    with pytest.raises(ValueError, match="program of 'a'"):
        sound_clips({"a": (scales(), 128)})
    with pytest.raises(ValueError, match="mapping"):
        sound_clips(scales())


# ---- Riffusion


def riffusion_picture(wave):
    """What riffusion/util/image_util.py draws of mel magnitudes, of their definition."""
    mel = mel_spectrogram(
        wave, rate=44100, n_fft=17640, hop=441, window=4410, n_mels=64, high=10000
    )[:, :-1]
    levels = np.floor(255 - 255 * (mel / mel.max()) ** 0.25) / 255
    return np.repeat(levels[::-1][None], 3, axis=0).astype(np.float32)


def test_a_picture_of_riffusion_is_the_sound_it_was_drawn_of():
    time = np.arange(44100) / 44100
    wave = 0.4 * np.sin(2 * np.pi * 600 * time) * np.exp(-2 * time)
    (found,) = riffusion_sounds(riffusion_picture(wave)[None])
    assert found.shape == (44100,)
    assert np.abs(found).max() == pytest.approx(1.0)
    spectrum = np.abs(np.fft.rfft(found))
    assert spectrum.argmax() == pytest.approx(600, abs=15)  # a band is 30 Hz wide there
    loud = np.abs(stft(wave, n_fft=4096, hop=1024)).sum(axis=0)
    heard = np.abs(stft(found, n_fft=4096, hop=1024)).sum(axis=0)
    assert spectral_convergence(loud / loud.sum(), heard / heard.sum()) < 0.15


def test_a_white_picture_is_silence():
    assert not riffusion_sounds(np.ones((1, 3, 16, 8), np.float32)).any()


def test_parameters_are_those_of_riffusion():
    found = riffusion_spectrogram()
    assert (found.rate, found.n_mels, found.hop, found.window, found.n_fft) == (
        44100, 512, 441, 4410, 17640,
    )  # fmt: skip
    assert (found.low, found.high, found.scale, found.power) == (0, 10000, "htk", 0.25)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A Stable Diffusion with random weights, as Riffusion is published."""
    pytest.importorskip("diffusers")
    pytest.importorskip("transformers")
    return random_stable_diffusion(tmp_path_factory.mktemp("riffusion"), side=8)


@pytest.mark.slow
def test_a_published_folder_makes_sounds_of_what_it_draws(folder, tmp_path):
    model = SpectrogramDiffusion.from_pretrained(folder, device="cpu")
    settings = {"steps": 2, "guidance": 7.0, "random_state": 0}
    drawn = TextToImage.from_pretrained(folder, device="cpu").sample(["jazz", "bells"], **settings)
    settings.pop("guidance")  # which is 7 unless another one is asked for
    np.testing.assert_array_equal(
        model.sample_images(2, labels=["jazz", "bells"], **settings), drawn
    )
    waves = model.sample(2, labels=["jazz", "bells"], **settings)
    assert waves.shape == (2, 16 * 441)
    np.testing.assert_array_equal(waves, riffusion_sounds(drawn))
    assert model.rate == 44100
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.sample(2, labels=["jazz", "bells"], **settings), waves)
    with pytest.raises(ValueError, match="draws sounds, and does nothing else"):
        model.transform(WAVES)
    with pytest.raises(ValueError, match="labels is missing"):
        model.sample(2)
    with pytest.raises(ValueError, match="one text or 2 of them, got 3"):
        model.sample(2, labels=["a", "b", "c"])


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no model_index\.json"):
        SpectrogramDiffusion.from_pretrained(tmp_path)
