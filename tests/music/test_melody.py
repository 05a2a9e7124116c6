"""Melodies: out of scores, their likelihood, and new ones."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import textrep
from textrep.music.melody import MelodyLSTM, melody_of
from textrep.music.melody.melodies import DurationTable, check_melodies, score_of
from textrep.music.melody.module import MelodyModule, collate_melodies, transposed
from textrep.music.score import Score, Track

QUICK = {
    "embedding_size": 4,
    "hidden_size": 8,
    "epochs": 2,
    "batch_size": 4,
    "dropout": 0.0,
    "device": "cpu",
    "random_state": 0,
}

notes = st.tuples(st.integers(-1, 127), st.integers(1, 60))


def melodies(n, seed=0):
    rng = np.random.default_rng(seed)
    return [
        [
            (int(pitch), int(duration))
            for pitch, duration in zip(
                rng.choice([-1, 60, 62, 64, 65, 67], length),
                rng.choice([3, 6, 12], length),
                strict=True,
            )
        ]
        for length in rng.integers(2, 9, n)
    ]


@pytest.fixture(scope="module")
def fitted():
    data = melodies(12)
    return MelodyLSTM(**QUICK).fit(data), data


# ---- out of scores


def test_of_notes_that_sound_together_the_highest_is_the_melody():
    score = Score([Track([(0, 480, 60, 90), (0, 960, 72, 90), (480, 240, 64, 90)])])
    assert melody_of(score) == [(72, 24)]


def test_a_higher_note_ends_the_one_below_it():
    score = Score([Track([(0, 960, 60, 90), (480, 480, 67, 90)])])
    assert melody_of(score) == [(60, 12), (67, 12)]


def test_silence_is_a_rest_also_before_the_first_note():
    score = Score([Track([(240, 240, 60, 90), (960, 480, 62, 90)])])
    assert melody_of(score) == [(-1, 6), (60, 6), (-1, 12), (62, 12)]


def test_triplets_and_sixteenths_are_whole_steps():
    thirds = [(160 * i, 160, 60 + i, 90) for i in range(3)]
    sixteenths = [(480 + 120 * i, 120, 60 + i, 90) for i in range(4)]
    durations = [duration for _, duration in melody_of(Score([Track(thirds + sixteenths)]))]
    assert durations == [4, 4, 4, 3, 3, 3, 3]


def test_a_grace_note_lasts_a_step():
    assert melody_of(Score([Track([(0, 5, 60, 90), (480, 480, 62, 90)])]))[0] == (60, 1)


def test_the_melody_is_of_the_track_that_is_asked_for():
    score = Score([Track([(0, 480, 60, 90)]), Track([(0, 480, 48, 90)])])
    assert melody_of(score, -1) == [(48, 12)]
    with pytest.raises(ValueError, match="no track 2 in a score of 2"):
        melody_of(score, 2)


@given(st.lists(notes, min_size=1, max_size=20), st.integers(1, 24))
def test_a_score_has_the_melody_that_it_was_made_of(melody, resolution):
    merged = []  # rests that follow each other are one, and one at the end leaves no trace
    for pitch, duration in melody:
        if pitch == -1 and merged and merged[-1][0] == -1:
            merged[-1] = (-1, merged[-1][1] + duration)
        else:
            merged.append((pitch, duration))
    if merged[-1][0] == -1:
        merged.pop()
    if merged:
        assert melody_of(score_of(merged, resolution), resolution=resolution) == merged


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20), st.integers(50, 60)), min_size=1))
def test_a_melody_never_overlaps_and_ends_no_later_than_its_track(table):
    score = Score([Track([(40 * s, 40 * d, p, 90) for s, d, p in table])])
    found = melody_of(score)
    assert all(duration >= 1 for _, duration in found)
    assert sum(duration for _, duration in found) <= max(s + d for s, d, _ in table)
    first = min(s for s, _, _ in table)
    top = max(p for s, _, p in table if s == first)
    assert next(pitch for pitch, _ in found if pitch >= 0) == top


# ---- likelihoods


def tiny_module():
    torch.manual_seed(0)
    module = MelodyModule(3, embedding_size=3, hidden_size=6, num_layers=2, dropout=0.0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.5)
    return module.eval()


def nats_of(module, melody):
    """Pitches and durations (T,) of one melody by number."""
    pitches, durations = (np.array(column, dtype=np.int64) for column in zip(*melody, strict=True))
    with torch.no_grad():
        pitch, duration = module.nats(collate_melodies([(pitches, durations)], 3))
    return pitch[0], duration[0]


def test_a_note_costs_its_pitch_and_then_its_duration():
    module = tiny_module()
    total = 0.0
    for pitch, duration in itertools.product(range(129), range(3)):
        both = [table[1] for table in nats_of(module, [(60, 1), (pitch, duration)])]
        total += math.exp(-sum(both))
    end = nats_of(module, [(60, 1)])[0][1]  # or the melody ends there
    assert total + math.exp(-end) == pytest.approx(1, abs=1e-4)


def test_the_duration_depends_on_the_pitch_it_is_of():
    module = tiny_module()
    first, second = (nats_of(module, [(60, 1), (pitch, 2)])[1][1] for pitch in (60, 72))
    assert first != second


def test_a_note_never_sees_itself_or_later_ones():
    module = tiny_module()
    melody = [(60, 1), (62, 2), (64, 1), (65, 2)]
    changed = [*melody[:2], (70, 2), (50, 1)]
    for before, after in zip(nats_of(module, melody), nats_of(module, changed), strict=True):
        torch.testing.assert_close(before[:2], after[:2])
        assert abs(before[2] - after[2]) > 1e-4


def test_a_melody_costs_the_same_alone_and_among_longer_ones(fitted):
    model, data = fitted
    together = model.log_likelihoods(data)
    alone = [float(model.log_likelihoods([melody])[0]) for melody in data]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_nats_are_of_notes_and_ends(fitted):
    model, data = fitted
    expected = -model.log_likelihoods(data).sum() / sum(len(melody) + 1 for melody in data)
    assert model.nats_per_note(data) == pytest.approx(expected)
    assert model.score(data) == -model.nats_per_note(data)


def test_without_weights_all_notes_are_as_likely():
    model = MelodyLSTM(**QUICK).fit(melodies(4))
    with torch.no_grad():
        for parameter in model.module_.parameters():
            parameter.zero_()
    n_durations = len(model.durations_) + 1
    per_note = math.log(130) + math.log(n_durations)
    found = model.log_likelihoods([[(60, 3), (62, 6)]])[0]
    assert -found == pytest.approx(2 * per_note + math.log(130), rel=1e-5)


def test_rare_durations_are_one_class():
    table = DurationTable.of([np.array([[60, 12], [62, 12], [64, 5], [64, 7]])], 2)
    assert table.durations.tolist() == [12]
    assert table.numbers([5, 12, 7, 100]).tolist() == [0, 1, 0, 0]
    assert table.duration(1) == 12


def test_a_duration_that_was_never_seen_is_scored_and_never_written(fitted):
    model, _ = fitted
    assert np.isfinite(model.score([[(60, 999)]]))
    found = model.sample(5, max_notes=10, temperature=3.0, random_state=0)
    assert {d for melody in found for _, d in melody} <= set(model.durations_.tolist())


def test_scores_are_learnt_from_by_their_melodies():
    data = melodies(4)
    model = MelodyLSTM(**QUICK, melody_track=1, min_count=1)
    scores = [Score([Track([(0, 480, 30, 90)]), *score.tracks]) for score in map(score_of, data)]
    expected = [melody_of(score, 1) for score in scores]
    np.testing.assert_array_equal(
        model.fit(scores).log_likelihoods(scores), model.log_likelihoods(expected)
    )


def test_transposing_moves_pitches_and_nothing_else():
    rest, start, end = 128, 130, 129
    batch = collate_melodies(
        [(np.array([60, rest, 64]), np.array([1, 2, 1])), (np.array([0, 127]), np.array([1, 1]))], 3
    )
    torch.manual_seed(2)
    moved = transposed(batch)
    by = int(moved.next_pitches[0, 0]) - 60
    assert by != 0
    assert moved.next_pitches[0].tolist() == [60 + by, rest, 64 + by, end]
    assert moved.pitches[0].tolist() == [start, 60 + by, rest, 64 + by]
    assert moved.next_pitches[1].tolist() == batch.next_pitches[1].tolist()  # no room
    assert torch.equal(moved.next_durations, batch.next_durations)


# ---- writing


def test_it_learns_a_tune_by_heart():
    tune = [(60, 6), (62, 6), (-1, 12), (60, 12), (67, 6)]
    model = MelodyLSTM(
        **QUICK
        | {
            "embedding_size": 12,
            "hidden_size": 24,
            "epochs": 80,
            "batch_size": 2,
            "learning_rate": 0.01,
        }
    ).fit([tune] * 8)
    assert model.sample(1, temperature=0) == [tune]
    assert model.sample(1, temperature=0, prompt=tune[:2]) == [tune]
    assert model.nats_per_note([tune]) < 0.2


def test_samples_at_a_low_temperature_are_those_at_none(fitted):
    model, _ = fitted
    best = model.sample(1, max_notes=8, temperature=0)
    assert model.sample(1, max_notes=8, temperature=1e-6, random_state=0) == best


def test_a_sample_is_the_same_whatever_others_are_written(fitted):
    model, _ = fitted
    few, many = (model.sample(n, max_notes=12, random_state=2) for n in (1, 4))
    assert few[0] == many[0]
    assert len({tuple(melody) for melody in many}) > 1


def test_no_melody_is_empty(fitted):
    model, _ = fitted
    with torch.no_grad():
        model.module_.pitch_scores.bias[129] += 100  # the end, as soon as it may be
    try:
        assert [len(melody) for melody in model.sample(3, random_state=0)] == [1, 1, 1]
    finally:
        with torch.no_grad():
            model.module_.pitch_scores.bias[129] -= 100


def test_frequencies_of_first_pitches_are_their_probabilities(fitted):
    model, _ = fitted
    found = [melody[0][0] for melody in model.sample(2000, max_notes=1, random_state=0)]
    numbers = np.zeros(1, np.int64)
    with torch.no_grad():
        batch = collate_melodies([(numbers, numbers)], 1 + len(model.durations_))
        features, _ = model.module_.features(batch.pitches, batch.durations)
        logits = model.module_.pitch_scores(features)[0, 0, :129]
    expected = torch.softmax(logits, 0)
    for pitch in (60, 67):
        assert found.count(pitch) / 2000 == pytest.approx(float(expected[pitch]), abs=0.03)


def test_melodies_become_scores(fitted):
    model, _ = fitted
    score = model.to_scores([[(60, 12), (-1, 6), (62, 6)]], program=40)[0]
    assert score.tracks[0].notes[:, :3].tolist() == [[0, 480, 60], [720, 240, 62]]
    assert score.tracks[0].program == 40


# ---- attention


def test_attention_is_of_states_so_far(fitted, tmp_path):
    model, data = fitted
    melody = max(data, key=len)
    weights = model.attention(melody)
    assert weights.shape == (len(melody), len(melody))
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
    assert not np.triu(weights, 1).any()
    path = tmp_path / "attention.png"
    model.plot_attention(melody, path)
    assert path.read_bytes().startswith(b"\x89PNG")


# ---- what goes in


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("a tune", "list of pieces"),
        (None, "None"),
        ([], "empty"),
        (score_of([(60, 1)]), "list of pieces"),
        ([[]], r"X\[0\] has no note"),
        ([[(60, 1)], [60]], r"X\[1\] must be a list of \(pitch, duration\).*note 0 is 60"),
        ([[(60, 1), (60, 1.5)]], r"X\[0\] must hold whole numbers; note 1"),
        ([[(60, 1), (128, 1)]], r"X\[0\] has the note \(128, 1\) at 1"),
        ([[(60, 0)]], r"X\[0\] has the note \(60, 0\) at 0.*at least 1"),
        ([None], r"X\[0\]"),
        ([[(60, float("nan"))]], "whole numbers"),
        ([Score([])], r"X\[0\]: there is no track 0"),
        ([Score([Track([])])], r"X\[0\]: track 0 has no notes"),
    ],
)
def test_wrong_melodies_are_named(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_melodies(wrong)


@pytest.mark.parametrize(
    "wrong", [{"hidden_size": 0}, {"min_count": 0}, {"dropout": 1}, {"transpose": "yes"}]
)
def test_parameters_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MelodyLSTM(**QUICK | wrong).fit(melodies(3))


def test_the_same_seed_gives_the_same_model():
    data = melodies(6)
    first, again, other = (
        MelodyLSTM(**QUICK | {"random_state": seed, "dropout": 0.2}).fit(data).score(data)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_saving_keeps_what_it_says(fitted, tmp_path):
    model, data = fitted
    loaded = textrep.load(model.save(tmp_path / "melodies.textrep"))
    np.testing.assert_array_equal(loaded.log_likelihoods(data), model.log_likelihoods(data))
    assert loaded.sample(2, random_state=0) == model.sample(2, random_state=0)
