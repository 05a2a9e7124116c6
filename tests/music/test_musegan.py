"""Phrases of several tracks from four inputs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import textrep
from textrep.image.gan import gradient_penalty
from textrep.image.gan.task import CRITIC, GENERATOR, Game, GANTask, Players
from textrep.music import MuseGAN
from textrep.music.musegan import (
    INPUTS,
    PhraseCritic,
    PhraseGenerator,
    phrases,
    phrases_to_voices,
    variation,
)
from textrep.music.musegan.inputs import divided, flat_size, flattened
from textrep.music.musegan.varying import agreement_features

SMALL = {
    "latent_size": 4,
    "n_tracks": 2,
    "n_bars": 2,
    "steps_per_bar": 4,
    "n_pitches": 12,
    "lowest_pitch": 60,
    "channels": 8,
    "critic_channels": 8,
    "epochs": 2,
    "batch_size": 8,
    "device": "cpu",
    "random_state": 0,
}
SHAPE = (2, 2, 4, 12)


def held_bars(n, random_state=0):
    """Phrases whose tracks hold one of two pitches a bar: 0 and 4 in the first, 7 and 9 else."""
    rng = np.random.default_rng(random_state)
    found = np.zeros((n, *SHAPE), bool)
    for phrase in found:
        for bar in range(2):
            for track, pitches in enumerate(((0, 4), (7, 9))):
                phrase[track, bar, :, rng.choice(pitches)] = True
    return found


@pytest.fixture(scope="module")
def model():
    return MuseGAN(**SMALL).fit(held_bars(32))


@pytest.fixture(scope="module")
def trained():
    """A model that has learnt a little."""
    settings = {**SMALL, "epochs": 60, "learning_rate": 5e-3, "batch_size": 16}
    return MuseGAN(**settings).fit(held_bars(64))


def generator_of(**changed):
    shape = {"n_tracks": 2, "n_bars": 2, "n_steps": 4, "n_pitches": 12}
    settings = {"latent_size": 4, "channels": 8, "monophonic": True, **shape, **changed}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PhraseGenerator(**settings).eval()


def critic_of(channels=8):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PhraseCritic(n_tracks=2, n_bars=2, n_steps=4, n_pitches=12, channels=channels)


# ---- learning


def test_it_learns_which_pitches_tracks_hold(trained):
    made = trained.sample(64, random_state=1)
    assert made[:, 0].any(axis=(0, 1, 2)).nonzero()[0].tolist() == [0, 4]
    assert made[:, 1].any(axis=(0, 1, 2)).nonzero()[0].tolist() == [7, 9]
    held = (made[..., 1:, :] == made[..., :-1, :]).all(axis=-1)
    assert held.mean() > 0.6  # pitches that were drawn anew at each step would be half of the time


def test_bars_differ_and_phrases_do(trained):
    made = trained.sample(64, random_state=1)
    assert len({phrase.tobytes() for phrase in made}) > 4
    assert (made[:, :, 0] != made[:, :, 1]).any()


def test_score_tells_learnt_from_unlearnt(trained, model):
    data = held_bars(64, 1)
    noise = np.random.default_rng(0).random((64, *SHAPE)).argsort(axis=-1) == 0
    assert trained.score(data) > model.score(data)
    assert trained.score(data) > trained.score(noise)


def test_agreement_is_counted_step_by_step():
    rolls = np.random.default_rng(0).random((3, 2, 2, 4, 12)) < 0.1
    features = agreement_features(rolls).astype(np.float64)
    found = features @ features.T / features.shape[1]
    for i in range(3):
        for j in range(3):
            a, b = rolls[i].reshape(2, 8, 12), rolls[j].reshape(2, 8, 12)
            pitches = (a & b).sum() / 16
            names = (a.any(axis=0) & b.any(axis=0)).sum() / 8
            changes = [(x[:, 1:] != x[:, :-1]).any(axis=-1) for x in (a, b)]
            rhythm = (changes[0] & changes[1]).sum() / 14
            assert found[i, j] == pytest.approx(pitches + names + rhythm, rel=1e-5)


def test_history_tells_of_both_players(model):
    assert {"critic_loss", "generator_loss", "critic_wasserstein", "critic_penalty"} <= set(
        model.history_[0]
    )


# ---- the game


def test_the_penalty_is_that_of_each_phrase_by_itself():
    critic, (real, fake) = critic_of(), 2.0 * torch.rand(2, 5, *SHAPE) - 1.0
    share = torch.rand(5, 1, 1, 1, 1)
    together = gradient_penalty(critic, real, fake, share)
    for i in range(5):
        (alone,) = gradient_penalty(critic, real[i : i + 1], fake[i : i + 1], share[i : i + 1])
        torch.testing.assert_close(together[i], alone)


def test_the_penalty_of_a_linear_critic_is_known():
    # The gradient of <w, x> is w, whose norm is held to 1.
    weights = torch.full(SHAPE, 3.0 / np.sqrt(np.prod(SHAPE)))
    real, fake = torch.rand(2, 4, *SHAPE)
    held = gradient_penalty(lambda x: (weights * x).sum((1, 2, 3, 4)), real, fake)
    torch.testing.assert_close(held, torch.full((4,), (3.0 - 1.0) ** 2))


def test_neither_player_learns_in_the_others_turn():
    players = Players(generator_of(), critic_of())
    task = GANTask(players, Game("wgan-gp", flat_size(4, 2)))
    batch = torch.from_numpy(held_bars(4))
    task.loss(CRITIC, batch).total.backward()
    assert all(p.grad is None for p in players.generator.parameters())
    players.zero_grad()
    task.loss(GENERATOR, batch).total.backward()
    assert all(p.grad is None or not p.grad.any() for p in players.critic.parameters())
    assert any(p.grad is not None and p.grad.any() for p in players.generator.parameters())


def test_all_weights_of_the_generator_are_reached():
    generator, critic = generator_of(), critic_of()
    critic(generator(torch.randn(3, flat_size(4, 2)))).sum().backward()
    # Of the silence's logits too: the others' softmaxes depend on it.
    assert all(p.grad is not None and p.grad.any() for p in generator.parameters())


def test_a_phrase_is_scored_alone_as_among_others():
    critic, made = critic_of(), 2.0 * torch.rand(6, *SHAPE) - 1.0
    torch.testing.assert_close(critic(made)[2:3], critic(made[2:3]))


def test_the_critic_sees_the_order_of_bars_and_tracks():
    critic, phrase = critic_of(), 2.0 * torch.rand(1, *SHAPE) - 1.0
    score = critic(phrase)
    for axis in (1, 2, 3, 4):
        assert not torch.allclose(critic(phrase.flip(axis)), score)


@pytest.mark.parametrize(("bars", "steps"), [(1, 2), (1, 3), (2, 12), (3, 16), (4, 1)])
def test_any_length_has_a_generator_and_a_critic(bars, steps):
    made = generator_of(n_bars=bars, n_steps=steps)(torch.randn(2, flat_size(4, 2)))
    assert made.shape == (2, 2, bars, steps, 12)
    critic = PhraseCritic(n_tracks=2, n_bars=bars, n_steps=steps, n_pitches=12, channels=4)
    assert critic(made).shape == (2,)


# ---- what inputs reach


@pytest.mark.parametrize(
    ("name", "index", "reached"),
    [
        ("chords", (), [[1, 1], [1, 1]]),  # tracks x bars
        ("style", (), [[1, 1], [1, 1]]),
        ("melody", (0,), [[1, 1], [0, 0]]),
        ("groove", (1,), [[0, 0], [1, 1]]),
    ],
)
def test_an_input_reaches_its_tracks_and_all_bars(name, index, reached):
    generator = generator_of()
    inputs = {key: np.zeros((1, 2, 4) if key in ("melody", "groove") else (1, 4), "f4")
              for key in INPUTS}  # fmt: skip
    before = generator.logits(torch.from_numpy(flattened(inputs)))
    inputs[name][(0, *index)] += 1.0
    after = generator.logits(torch.from_numpy(flattened(inputs)))
    changed = (before != after).any(dim=-1).any(dim=-1)[0]
    assert changed.int().tolist() == reached


@pytest.mark.parametrize(("name", "differ"), [("style", False), ("groove", False),
                                              ("chords", True), ("melody", True)])  # fmt: skip
def test_chords_and_melody_make_bars_differ_and_the_others_do_not(name, differ):
    generator = generator_of()
    for network in (generator.chords, *generator.melodies):
        if name in ("style", "groove"):
            torch.nn.init.zeros_(network.layers[-1].weight)
            torch.nn.init.zeros_(network.layers[-1].bias)
    bars = generator.logits(torch.randn(3, flat_size(4, 2))).unbind(dim=2)
    assert torch.allclose(*bars) is not differ


def test_inputs_are_laid_out_as_they_are_divided():
    inputs = MuseGAN(**SMALL).latents(3, random_state=0)
    parts = divided(torch.from_numpy(flattened(inputs)), 4, 2)
    for name, part in zip(INPUTS, parts, strict=True):
        np.testing.assert_array_equal(part.numpy(), inputs[name])


# ---- verbs


def test_what_is_fixed_stays_and_the_rest_is_drawn_as_before(model):
    inputs = model.latents(5, random_state=3)
    fixed = model.sample(5, style=inputs["style"], groove=inputs["groove"], random_state=3)
    np.testing.assert_array_equal(fixed, model.sample(5, random_state=3))
    np.testing.assert_array_equal(fixed, model.decode(inputs))
    one = model.sample(5, style=inputs["style"][2], random_state=3)
    np.testing.assert_array_equal(one[2], fixed[2])


def test_the_first_phrases_are_the_same_for_any_n(model):
    np.testing.assert_array_equal(
        model.sample(300, random_state=0)[:3], model.sample(3, random_state=0)
    )


@pytest.mark.parametrize("name", INPUTS)
def test_the_effect_of_an_input_is_what_changes_with_it_alone(trained, name):
    made = trained.effect(name, 6, random_state=0)
    inputs = trained.latents(6, random_state=0)
    first = {key: values[0] for key, values in inputs.items() if key != name}
    expected = trained.sample(6, **first, **{name: inputs[name]})
    np.testing.assert_array_equal(made, expected)


def test_interpolation_begins_and_ends_with_its_ends(model):
    a, b = (model.latents(1, random_state=seed) for seed in (1, 2))
    way = model.interpolate(a, b, steps=5)
    assert way.shape == (5, *SHAPE)
    np.testing.assert_array_equal(way[[0, -1]], np.concatenate([model.decode(a), model.decode(b)]))


def test_the_middle_of_the_way_is_as_long_as_its_ends(model):
    # A straight line between noises passes where none is ever drawn.
    seen = {}
    own = MuseGAN(**SMALL).fit(held_bars(8))
    own._draw = lambda latents: seen.setdefault("way", latents)
    own.interpolate(*(own.latents(1, random_state=seed) for seed in (1, 2)), steps=3)
    vectors = seen["way"].reshape(3, -1, 4)
    lengths = np.linalg.norm(vectors, axis=-1)
    assert (lengths[1] >= 0.999 * lengths[[0, 2]].min(axis=0)).all()


def test_a_monophonic_track_has_one_pitch_or_none(model):
    assert model.monophonic_
    assert model.sample(50, random_state=0).sum(axis=-1).max() <= 1


def test_chords_within_a_track_are_learnt_where_there_are_any():
    rolls = held_bars(32)
    rolls[:, 1, :, :, 11] = True
    made = MuseGAN(**{**SMALL, "epochs": 40, "learning_rate": 5e-3}).fit(rolls)
    assert not made.monophonic_
    assert made.sample(20, random_state=0)[:, 1].sum(axis=-1).mean() > 1.3


def test_silence_can_be_learnt():
    rolls = held_bars(32)
    rolls[:, 1] = False
    made = MuseGAN(**{**SMALL, "epochs": 40, "learning_rate": 5e-3}).fit(rolls)
    assert made.sample(20, random_state=0)[:, 1].mean(axis=(0, 1, 2)).sum() < 0.2


def test_saving_and_seeds_keep_phrases_to_the_bit(model, tmp_path):
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    expected = model.sample(9, random_state=0)
    np.testing.assert_array_equal(loaded.sample(9, random_state=0), expected)
    again = MuseGAN(**SMALL).fit(held_bars(32))
    np.testing.assert_array_equal(again.sample(9, random_state=0), expected)


def test_training_goes_on_where_it_was_interrupted(tmp_path, model):
    settings = {**SMALL, "epochs": 4, "checkpoint": str(tmp_path / "state")}
    interrupted = MuseGAN(**settings, max_seconds=1e-3).fit(held_bars(32))
    assert interrupted.n_epochs_ < 4
    resumed = MuseGAN(**settings).fit(held_bars(32))
    straight = MuseGAN(**{**SMALL, "epochs": 4}).fit(held_bars(32))
    np.testing.assert_array_equal(
        resumed.sample(9, random_state=0), straight.sample(9, random_state=0)
    )


# ---- phrases


def test_voices_are_cut_into_phrases_and_put_together_again():
    rng = np.random.default_rng(0)
    pieces = [rng.integers(40, 80, (steps, 4)).astype(np.int16) for steps in (70, 31, 64)]
    pieces[0][5, 2] = -1
    rolls = phrases(pieces)
    assert rolls.shape == (4, 4, 2, 16, 48)
    expected = [pieces[0][:32], pieces[0][32:64], pieces[2][:32], pieces[2][32:]]
    for found, piece in zip(phrases_to_voices(rolls), expected, strict=True):
        np.testing.assert_array_equal(found, piece)


def test_a_roll_says_which_pitch_sounds_where():
    piece = np.full((32, 4), 60)
    piece[17, 1] = 65
    (roll,) = phrases([piece], lowest_pitch=48, n_pitches=24)
    assert roll.sum() == 32 * 4
    assert roll[1, 1, 1, 65 - 48]
    assert roll[1, 1, 2, 60 - 48]


def test_phrases_overlap_where_the_hop_is_smaller():
    piece = np.arange(64)[:, None] % 40 + 40
    rolls = phrases([piece], hop=1)
    assert len(rolls) == 3
    np.testing.assert_array_equal(rolls[0][:, 1], rolls[1][:, 0])


def test_of_several_pitches_the_highest_is_the_voice():
    rolls = np.zeros((1, 1, 1, 1, 12), bool)
    rolls[..., [2, 7]] = True
    assert phrases_to_voices(rolls, 60)[0].tolist() == [[67]]


def test_pitches_outside_are_named():
    piece = np.full((32, 4), 60)
    piece[3, 2] = 20
    with pytest.raises(ValueError, match=r"voices\[1\] has the pitch 20 at step 3, voice 2"):
        phrases([np.full((32, 4), 60), piece])


def test_pieces_that_are_too_short_are_refused():
    with pytest.raises(ValueError, match="as long as a phrase, 32 steps"):
        phrases([np.full((31, 4), 60)])


def test_variation_tells_harmony_from_rhythm_and_octaves():
    rolls = np.zeros((2, 1, 1, 4, 24), bool)
    rolls[0, 0, 0, :, 0] = True
    rolls[1, 0, 0, :, 12] = True  # an octave higher: the same name
    found = variation(rolls)
    assert (found.steps, found.names, found.rhythm) == (1.0, 0.0, 0.0)
    rolls[1, 0, 0, 2:] = False
    rolls[1, 0, 0, 2:, 5] = True
    found = variation(rolls)
    assert (found.steps, found.names) == (1.0, 0.5)
    assert found.rhythm == pytest.approx(1 / 3)


# ---- what is refused


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_pitches": 40}, "whole octaves"),
        ({"lowest_pitch": 100, "n_pitches": 48}, "n_pitches must be at most 28"),
        ({"latent_size": 0}, "latent_size"),
        ({"penalty": -1.0}, "penalty"),
        ({"betas": 0.5}, "betas"),
    ],
)
def test_parameters_out_of_range_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        MuseGAN(**{**SMALL, **changed}).fit(held_bars(8))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 2, 2, 4, 11)), r"X\[0\] must be \(tracks, bars, steps, pitches\)"),
        ([*held_bars(2), np.zeros((2, 4))], r"X\[2\] must be"),
        (np.full((2, *SHAPE), np.nan), r"X\[0\] holds a number that is not finite"),
        (np.full((2, *SHAPE), -1.0), "holds -1.0"),
        (held_bars(1), "one phrase"),
        ([np.full((8, 3), 60)] * 2, "3 voices, expected n_tracks=2"),
    ],
)
def test_other_phrases_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        MuseGAN(**SMALL).fit(X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.sample(3, style=np.zeros(5)), r"style must be \(3, 4\), or \(4,\) for all"),
        (lambda m: m.sample(3, groove=np.full((2, 4), np.inf)), "not finite"),
        (lambda m: m.effect("tempo"), "input_name must be 'chords' or"),
        (lambda m: m.decode({"style": np.zeros(4)}), "a dict of chords"),
    ],
)
def test_other_inputs_are_refused(model, call, message):
    with pytest.raises(ValueError, match=message):
        call(model)


def test_chorales_fit_into_the_usual_compass():
    data = os.environ.get("TEXTREP_DATA")
    path = Path(data or "", "jsb_chorales", "Jsb16thSeparated.json")
    if not data or not path.is_file():
        pytest.skip("the chorales are not there: set TEXTREP_DATA")
    parts = json.loads(path.read_text())
    pieces = [np.array(piece, np.int16) for piece in parts["train"]]
    rolls = phrases(pieces)
    assert rolls.shape == (1665, 4, 2, 16, 48)
    assert rolls.sum(axis=-1).max() == 1
