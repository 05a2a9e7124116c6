"""Chords one after another: likelihoods, what they depend on, and new pieces."""

from __future__ import annotations

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import textrep
from textrep.music.chorale import ChoraleModel, pitch_marginal, pitch_markov
from textrep.music.chorale.frames import (
    Compass,
    channels_of_rolls,
    channels_of_voices,
    check_rolls,
    check_voices,
    rolls_of_channels,
    voices_of_channels,
)
from textrep.music.chorale.module import ChoraleModule, chord_choices, voice_choices, voice_order
from textrep.music.chorale.task import transposed, window_batches

QUICK = {
    "hidden_size": 8,
    "epochs": 2,
    "batch_size": 2,
    "dropout": 0.0,
    "device": "cpu",
    "random_state": 0,
}


def chorales(n, seed=0, steps=(5, 12)):
    """Voices that move about a chord."""
    rng = np.random.default_rng(seed)
    pieces = []
    for _ in range(n):
        length = int(rng.integers(*steps))
        pieces.append(
            (np.array([67, 64, 60, 48]) + rng.integers(-2, 3, (length, 4))).astype(np.int16)
        )
    return pieces


def rolls(n, seed=0):
    found = []
    for voices in chorales(n, seed):
        roll = np.zeros((len(voices), 88), bool)
        for step, pitches in enumerate(voices):
            roll[step, pitches - 21] = True
        found.append(roll)
    return found


def tiny_module(n_channels=1, n_pitches=4, *, voices=False, ordered=True, seed=0):
    torch.manual_seed(seed)
    module = ChoraleModule(
        n_channels,
        n_pitches,
        voices=voices,
        ordered=ordered,
        hidden_size=6,
        num_layers=2,
        dropout=0.0,
        bar=3,
    )
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.7)
    return module.eval()


@pytest.fixture(scope="module", params=["roll", "voices"])
def fitted(request):
    data = chorales(6) if request.param == "voices" else rolls(6)
    return ChoraleModel(frames=request.param, **QUICK).fit(data), data


# ---- likelihoods


def nats(module, frames):
    """Of each frame of one piece (T, C, P)."""
    before = torch.zeros(1, 1, *frames.shape[1:])
    rows = torch.cat([before, frames[None]], dim=1)
    with torch.no_grad():
        return module.frame_nats(rows, torch.tensor([0]), torch.tensor([len(frames)]))[0]


@pytest.mark.parametrize("ordered", [True, False])
def test_the_probabilities_of_all_chords_sum_to_one_after_any_past(ordered):
    module = tiny_module(ordered=ordered)
    past = torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 0]])[:, None]
    chords = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)))
    found = [nats(module, torch.cat([past, chord[None, None]]))[-1] for chord in chords]
    assert sum(math.exp(-value) for value in found) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("ordered", [True, False])
def test_the_probabilities_of_all_frames_of_voices_sum_to_one(ordered):
    module = tiny_module(3, 2, voices=True, ordered=ordered)
    columns = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # a rest, and two pitches
    past = torch.stack([columns[1], columns[0], columns[2]])[None]
    total = 0.0
    for voices in itertools.product(columns, repeat=3):
        frame = torch.stack(voices)[None]
        total += math.exp(-nats(module, torch.cat([past, frame]))[-1])
    assert total == pytest.approx(1, abs=1e-5)


def test_without_weights_independent_pitches_cost_log_two_each():
    model = ChoraleModel(outputs="independent", **QUICK).fit(rolls(3))
    with torch.no_grad():
        for parameter in model.module_.parameters():
            parameter.zero_()
    assert model.nats_per_frame(rolls(3)) == pytest.approx(model.n_pitches_ * math.log(2))


def test_without_weights_voices_cost_the_logarithm_of_what_they_choose_from():
    model = ChoraleModel(frames="voices", **QUICK).fit(chorales(3))
    with torch.no_grad():
        for parameter in model.module_.parameters():
            parameter.zero_()
    assert model.nats_per_frame(chorales(3)) == pytest.approx(
        4 * math.log(model.n_pitches_ + 1), rel=1e-6
    )


def test_a_piece_costs_the_same_alone_and_among_longer_ones(fitted):
    model, data = fitted
    together = model.frame_log_likelihoods(data)
    for piece, values in zip(data, together, strict=True):
        assert len(values) == len(piece)
        np.testing.assert_allclose(model.frame_log_likelihoods([piece])[0], values, atol=1e-5)


def test_a_long_piece_costs_what_it_does_at_once():
    module = tiny_module()
    rng = torch.Generator().manual_seed(0)
    frames = (torch.rand(300, 1, 4, generator=rng) < 0.3).float()
    model = ChoraleModel(**QUICK).fit(rolls(2))
    model.module_, model.lowest_, model.n_pitches_ = module, 0, 4
    roll = np.zeros((300, 88), bool)
    roll[:, :4] = frames[:, 0].numpy() > 0
    np.testing.assert_allclose(
        -model.frame_log_likelihoods([roll])[0], nats(module, frames).numpy(), rtol=1e-4
    )


def test_a_frame_never_sees_itself_or_what_comes_later(fitted):
    model, data = fitted
    piece = max(data, key=len)
    changed = piece.copy()
    changed[4:] = piece[3]
    before = model.frame_log_likelihoods([piece])[0]
    after = model.frame_log_likelihoods([changed])[0]
    np.testing.assert_allclose(after[:4], before[:4], atol=1e-6)
    assert abs(after[4] - before[4]) > 1e-4


def test_a_note_never_sees_those_above_it():
    module = tiny_module()
    features = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        low = module.choice_nats(features, torch.tensor([[[1.0, 0, 1, 0]]]))[1]
        high = module.choice_nats(features, torch.tensor([[[1.0, 0, 0, 1]]]))[1]
    assert low[0] == high[0]
    assert low[1] != high[1]


def test_a_voice_sees_only_those_chosen_before_it():
    module = tiny_module(4, 3, voices=True)
    features = torch.randn(1, 3, 6, generator=torch.Generator().manual_seed(1))
    frame = torch.zeros(1, 4, 3)
    frame[0, :, 0] = 1
    other = frame.clone()
    other[0, 3] = torch.tensor([0.0, 0.0, 1.0])  # the bass comes second
    with torch.no_grad():
        first, second = (module.choice_nats(features, each)[1] for each in (frame, other))
    assert first[0] == second[0]
    assert (first[1:] != second[1:]).all()


def test_independent_voices_see_no_other_of_their_frame():
    module = tiny_module(4, 3, voices=True, ordered=False)
    features = torch.randn(1, 3, 6, generator=torch.Generator().manual_seed(1))
    frame = torch.zeros(1, 4, 3)
    other = frame.clone()
    other[0, 0, 1] = 1
    with torch.no_grad():
        first, second = (module.choice_nats(features, each)[1] for each in (frame, other))
    assert first[0] != second[0]
    assert (first[1:] == second[1:]).all()


def test_without_places_a_transposed_piece_costs_the_same():
    module = tiny_module(1, 12)
    with torch.no_grad():
        module.place.zero_()
        module.from_place.zero_()
        module.other_score.weight.zero_()  # where a chord ends, pitches outside count too
    frames = torch.zeros(3, 1, 12)
    for step, chord in enumerate([[4, 6], [3, 7], [4, 5]]):
        frames[step, 0, chord] = 1
    features = module.remember(frames[None], torch.tensor([0]))[0]
    moved = module.remember(frames.roll(2, dims=2)[None], torch.tensor([0]))[0]
    torch.testing.assert_close(features[:, :, :-2], moved[:, :, 2:])


def test_averages_are_over_frames_or_over_pieces(fitted):
    model, data = fitted
    found = model.frame_log_likelihoods(data)
    assert model.nats_per_frame(data) == pytest.approx(
        -sum(values.sum() for values in found) / sum(map(len, data))
    )
    assert model.nats_per_frame(data, average="pieces") == pytest.approx(
        -sum(values.sum() / len(values) for values in found) / len(data)
    )
    assert model.score(data) == -model.nats_per_frame(data)
    np.testing.assert_allclose(model.log_likelihoods(data), [values.sum() for values in found])


# ---- choices


@given(arrays(bool, st.tuples(st.integers(1, 5), st.just(1), st.integers(1, 6))))
def test_the_choices_of_chords_are_their_notes_from_below_and_an_end(frames):
    frame, slots, chosen, targets = chord_choices(torch.tensor(frames).float())
    place = 0
    for number, chord in enumerate(frames[:, 0]):
        expected = [*np.flatnonzero(chord).tolist(), len(chord)]
        for slot, target in enumerate(expected):
            assert (int(frame[place]), int(slots[place])) == (number, slot)
            assert int(targets[place]) == target
            assert np.flatnonzero(chosen[place, 0].numpy()).tolist() == expected[:slot]
            place += 1
    assert place == len(targets)


def test_the_choices_of_voices_are_soprano_bass_alto_and_tenor():
    pitches = [2, 1, -1, 0]
    frame = torch.zeros(1, 4, 3)
    for voice, pitch in enumerate(pitches):
        if pitch >= 0:
            frame[0, voice, pitch] = 1
    _, slots, chosen, targets = voice_choices(frame)
    assert slots.tolist() == voice_order(4) == [0, 3, 1, 2]
    assert targets.tolist() == [2, 0, 1, 3]
    assert chosen.sum((1, 2)).tolist() == [0, 1, 2, 3]


# ---- learning


@pytest.mark.parametrize("outputs", ["ordered", "independent"])
@pytest.mark.parametrize("frames", ["roll", "voices"])
def test_it_learns_what_always_follows(frames, outputs):
    voices = np.tile(np.array([[67, 64, 60, 48], [65, 62, 59, -1]], dtype=np.int16), (4, 1))
    roll = np.zeros((8, 88), bool)
    roll[::2, [27, 39, 43]] = roll[1::2, [38, 41]] = True
    data = [voices if frames == "voices" else roll] * 4
    model = ChoraleModel(
        frames=frames,
        outputs=outputs,
        hidden_size=12,
        dropout=0.0,
        epochs=40,
        batch_size=1,
        learning_rate=0.02,
        device="cpu",
        random_state=0,
    ).fit(data)
    assert model.nats_per_frame(data) < 0.1
    np.testing.assert_array_equal(model.sample(1, steps=8, temperature=0)[0], data[0])


def test_chords_that_depend_on_each_other_need_ordered_outputs():
    rng = np.random.default_rng(0)
    pieces = []
    for _ in range(8):
        roll = np.zeros((16, 88), bool)
        both = rng.random(16) < 0.5
        roll[both, 40] = roll[both, 44] = True
        roll[~both, 42] = roll[~both, 47] = True
        pieces.append(roll)
    settings_ = QUICK | {"epochs": 40, "learning_rate": 0.02}
    ordered = ChoraleModel(**settings_).fit(pieces).nats_per_frame(pieces)
    independent = ChoraleModel(outputs="independent", **settings_).fit(pieces)
    assert ordered < math.log(2) * 1.3
    assert independent.nats_per_frame(pieces) > 1.5 * ordered


def test_the_same_seed_gives_the_same_model_and_other_seeds_another():
    data = rolls(3)
    first, again, other = (
        ChoraleModel(**QUICK | {"random_state": seed, "dropout": 0.2}).fit(data).score(data)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_windows_hold_each_frame_once_and_the_frame_before():
    piece = np.arange(1, 8, dtype=np.uint8).reshape(7, 1, 1)
    batches = window_batches([piece], window=3, batch_size=1, shuffle=False)
    found = {}
    for spec in batches.plan(0):
        batch = batches.read(spec, textrep.engine.batches.Share())
        found[int(batch.starts[0])] = batch.frames[0, :, 0, 0].tolist()
    assert found == {0: [0, 1, 2, 3], 3: [3, 4, 5, 6], 6: [6, 7]}


@given(st.integers(0, 2**31 - 1))
@settings(max_examples=30, deadline=None)
def test_transposing_moves_all_notes_alike_and_loses_none(seed):
    frames = torch.zeros(3, 2, 1, 12)
    frames[0, :, 0, [0, 3]] = frames[1, :, 0, [5, 11]] = 1
    torch.manual_seed(seed)
    moved = transposed(frames)
    for before, after in zip(frames, moved, strict=True):
        old, new = (each.nonzero() for each in (before, after))
        assert len(old) == len(new)
        if len(old):
            by = (new - old)[:, 2]
            assert len(set(by.tolist())) == 1
            assert abs(int(by[0])) <= 6
    if moved[0].any():
        assert int(moved[0].nonzero()[:, 2].min()) >= 0


def test_held_out_pieces_end_training():
    data = rolls(6)
    model = ChoraleModel(**QUICK | {"epochs": 3}, validation_fraction=0.3, patience=1).fit(data)
    assert all("validation_loss" in entry for entry in model.history_)
    with pytest.raises(ValueError, match="patience=1 needs pieces"):
        ChoraleModel(**QUICK, patience=1).fit(data)


# ---- writing


def test_samples_are_pieces_like_those_of_fit(fitted):
    model, data = fitted
    found = model.sample(2, steps=5, random_state=0)
    assert [piece.shape for piece in found] == [(5, data[0].shape[1])] * 2
    assert found[0].dtype == data[0].dtype
    assert np.isfinite(model.log_likelihoods(found)).all()


def test_a_sample_is_the_same_whatever_others_are_written(fitted):
    model, _ = fitted
    few, many = (model.sample(n, steps=4, random_state=3) for n in (1, 3))
    np.testing.assert_array_equal(few[0], many[0])
    assert not np.array_equal(many[0], many[1])


def test_a_sample_begins_with_its_prompt_and_depends_on_it(fitted):
    model, data = fitted
    found = model.sample(1, steps=3, prompt=data[0], temperature=0)[0]
    np.testing.assert_array_equal(found[: len(data[0])], data[0])
    assert len(found) == len(data[0]) + 3
    # What is likeliest of each choice is no less likely than another choice there.
    other = found.copy()
    other[-1] = data[1][0]
    new = -model.frame_log_likelihoods([found])[0][-1]
    assert new <= -model.frame_log_likelihoods([other])[0][-1] + 1e-5


def test_frequencies_of_samples_are_the_probabilities():
    module = tiny_module()
    model = ChoraleModel(**QUICK).fit(rolls(2))
    model.module_, model.lowest_, model.n_pitches_ = module, 0, 4
    drawn = np.concatenate(model.sample(4000, steps=1, random_state=0))[:, :4]
    numbers = drawn @ np.array([8, 4, 2, 1])
    for number, chord in enumerate(itertools.product([0.0, 1.0], repeat=4)):
        expected = math.exp(-nats(module, torch.tensor([[chord]]))[0])
        assert (numbers == number).mean() == pytest.approx(expected, abs=0.03)


def test_harmonising_keeps_the_soprano():
    model = ChoraleModel(frames="voices", **QUICK).fit(chorales(4))
    soprano = np.array([67, 66, -1, 68])
    found = model.harmonise(soprano)
    np.testing.assert_array_equal(found[:, 0], soprano)
    assert found.shape == (4, 4)
    np.testing.assert_array_equal(found, model.harmonise(soprano.tolist()))
    drawn = [model.harmonise(soprano, temperature=1.0, random_state=seed) for seed in (0, 1)]
    assert not np.array_equal(*drawn)
    with pytest.raises(ValueError, match=r"soprano\[0\] has the pitch 120 in frame 1"):
        model.harmonise([67, 120])


def test_a_roll_has_no_soprano(fitted):
    model, _ = fitted
    if model.frames == "roll":
        with pytest.raises(ValueError, match="voices"):
            model.harmonise([60])


# ---- what goes in


@given(
    arrays(np.int16, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.integers(-1, 19))
)
def test_voices_are_what_their_channels_say(voices):
    compass = Compass(0, 20)
    channels = channels_of_voices([voices], compass)[0]
    np.testing.assert_array_equal(voices_of_channels(channels, compass), voices)


@given(arrays(bool, st.tuples(st.integers(1, 6), st.just(88))))
def test_rolls_are_what_their_channel_says(roll):
    compass = Compass(0, 88)
    channels = channels_of_rolls([roll], compass)[0]
    np.testing.assert_array_equal(rolls_of_channels(channels, compass, 88), roll)


def test_rolls_with_onsets_sound_where_they_are_not_zero():
    roll = np.zeros((2, 128), np.uint8)
    roll[0, 60], roll[1, 60] = 2, 1
    assert check_rolls([roll])[0][:, 60].all()


@pytest.mark.parametrize(
    ("check", "wrong", "message"),
    [
        (check_rolls, "a file", "list of pieces"),
        (check_rolls, None, "None"),
        (check_rolls, [], "empty"),
        (check_rolls, np.zeros((3, 88)), "single piece"),
        (check_rolls, [np.zeros((0, 88))], r"X\[0\] has no frame"),
        (check_rolls, [np.zeros((3, 50))], r"X\[0\].*\(3, 50\)"),
        (check_rolls, [np.zeros((3, 88)), np.full((3, 88), np.nan)], r"X\[1\].*frame 0"),
        (check_rolls, [np.full((3, 88), 7)], r"X\[0\] has the value 7 in frame 0"),
        (check_rolls, [np.zeros((3, 88)), np.zeros((3, 128))], r"X\[1\] has 128 pitches"),
        (check_rolls, [[["a"]]], r"X\[0\] must be an array of numbers"),
        (check_voices, [np.zeros((3, 88), bool)], "boolean"),
        (check_voices, [np.array([[60], [128]])], r"X\[0\] has the pitch 128 in frame 1"),
        (check_voices, [np.array([[60.5]])], r"60\.5"),
        (check_voices, [np.zeros((3, 4)), np.zeros((3, 3))], r"X\[1\] has 3 voices"),
    ],
)
def test_wrong_pieces_are_named(check, wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check(wrong)


def test_a_pitch_that_the_model_does_not_know_is_named():
    model = ChoraleModel(**QUICK).fit(rolls(2))
    roll = np.zeros((3, 88), bool)
    roll[2, 80] = True
    with pytest.raises(ValueError, match=r"X\[0\] has the pitch 101 in frame 2"):
        model.score([roll])


def test_pieces_without_notes_cannot_be_learnt():
    with pytest.raises(ValueError, match="no note"):
        ChoraleModel(**QUICK).fit([np.zeros((3, 88))])


@pytest.mark.parametrize(
    "wrong",
    [{"frames": "bars"}, {"outputs": "any"}, {"bar": 0}, {"dropout": 1}, {"transpose": 1}],
)
def test_parameters_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ChoraleModel(**QUICK | wrong).fit(rolls(2))


# ---- baselines


def test_the_marginal_of_a_pitch_that_sounds_half_of_the_time():
    roll = np.zeros((4, 88), bool)
    roll[:2, 0] = True
    silent = -87 * math.log(1 - 0.5 / 5)
    assert pitch_marginal([roll], [roll]) == pytest.approx(math.log(2) + silent)


def test_the_markov_chain_of_a_pitch_by_hand():
    roll = np.zeros((4, 88), bool)
    roll[[0, 1, 3], 0] = True  # held once, left once, begun once
    silent = -87 * math.log(1 - 0.5 / 4)
    held, left, begun = 1.5 / 3, 1.5 / 3, 1.5 / 2
    expected = -(math.log(held) + math.log(left) + math.log(begun)) / 3 + silent
    assert pitch_markov([roll], [roll]) == pytest.approx(expected)
    first = pitch_marginal([roll], [roll[:1]])
    assert pitch_markov([roll], [roll], first_frames=True) == pytest.approx(
        (3 * expected + first) / 4
    )


@pytest.mark.parametrize(
    ("name", "marginal", "markov"),
    [
        ("JSB_Chorales", 11.06, 10.49),
        ("Nottingham", 10.25, 5.15),
        ("Piano_midi", 11.05, 8.26),
    ],
)
def test_baselines_of_real_data(name, marginal, markov):
    path = Path(os.environ.get("TEXTREP_DATA", "")) / "polyphonic" / f"{name}.mat"
    if not path.is_file():
        pytest.skip("needs TEXTREP_DATA with the polyphonic data")
    data = scipy.io.loadmat(path)
    train, test = ([*data[part][0]] for part in ("traindata", "testdata"))
    assert pitch_marginal(train, test) == pytest.approx(marginal, abs=0.006)
    assert pitch_markov(train, test) == pytest.approx(markov, abs=0.006)


def test_baselines_refuse_rolls_of_two_widths():
    with pytest.raises(ValueError, match="128 pitches and train of 88"):
        pitch_marginal([np.zeros((1, 88))], [np.zeros((1, 128))])


def test_saving_keeps_what_it_says(fitted, tmp_path):
    model, data = fitted
    loaded = textrep.load(model.save(tmp_path / "chorales.textrep"))
    np.testing.assert_array_equal(loaded.log_likelihoods(data), model.log_likelihoods(data))
    np.testing.assert_array_equal(
        loaded.sample(1, steps=3, random_state=0)[0], model.sample(1, steps=3, random_state=0)[0]
    )
