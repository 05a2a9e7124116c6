"""Scores as tokens: their likelihood, and new ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import textrep
from textrep.engine.windows import WindowBatches
from textrep.music.score import PITCH, Score, Track
from textrep.music.transformer import MusicTransformer, music_transformer

QUICK = {
    "num_layers": 1,
    "num_heads": 2,
    "hidden_size": 16,
    "max_length": 32,
    "epochs": 2,
    "dropout": 0.0,
    "device": "cpu",
    "random_state": 0,
}


def tune(pitches, duration=480):
    return Score([Track([(duration * i, duration, pitch, 96) for i, pitch in enumerate(pitches)])])


def tunes(n, seed=0):
    rng = np.random.default_rng(seed)
    return [tune(rng.integers(55, 80, rng.integers(4, 16)).tolist()) for _ in range(n)]


@pytest.fixture(scope="module")
def fitted():
    data = tunes(8)
    return MusicTransformer(**QUICK).fit(data), data


def test_nats_are_of_tokens_and_ends(fitted):
    model, data = fitted
    n_tokens = sum(len(model.tokenizer_.encode(score)) + 1 for score in data)
    assert model.nats_per_token(data) == pytest.approx(
        -model.log_likelihoods(data).sum() / n_tokens
    )
    assert model.score(data) == -model.nats_per_token(data)


def test_a_score_costs_what_its_tokens_do_one_by_one(fitted):
    model, _ = fitted
    score = tune([60, 64, 67])
    tokens = [model._end, *model.tokenizer_.encode(score), model._end]
    total = 0.0
    for place in range(1, len(tokens)):
        with torch.no_grad():
            hidden = model.module_.hidden(torch.tensor([tokens[:place]]))[0, -1]
            total += float(torch.log_softmax(model.module_.scores(hidden), 0)[tokens[place]])
    assert len(tokens) <= QUICK["max_length"] + 1  # one window
    assert model.log_likelihoods([score])[0] == pytest.approx(total, rel=1e-4)


def test_a_window_begins_with_each_tune(monkeypatch):
    """Tunes are longer than windows: cut anywhere, hardly any window would begin one."""
    streams = []

    def cut(ids, **settings):
        streams.append((ids, settings["begins"]))
        return WindowBatches(ids, **settings)

    monkeypatch.setattr(music_transformer, "WindowBatches", cut)
    model = MusicTransformer(**QUICK | {"max_length": 8}).fit(tunes(5))
    ((ids, begins),) = streams
    assert begins.tolist() == np.flatnonzero(ids == model._end)[:-1].tolist()


def test_a_score_costs_the_same_alone_and_among_others(fitted):
    model, data = fitted
    alone = [float(model.log_likelihoods([score])[0]) for score in data]
    np.testing.assert_allclose(model.log_likelihoods(data), alone, rtol=1e-5)


def test_without_weights_all_tokens_are_as_likely(fitted):
    _, data = fitted
    model = MusicTransformer(**QUICK).fit(data[:2])
    with torch.no_grad():
        for parameter in model.module_.parameters():
            parameter.zero_()
    expected = np.log(model.tokenizer_.vocabulary_size + 1)
    assert model.nats_per_token(data) == pytest.approx(expected, rel=1e-5)


def test_it_learns_a_tune_by_heart():
    score = tune([60, 62, 64, 65])
    settings = QUICK | {"hidden_size": 32, "epochs": 150, "batch_size": 1}
    settings |= {"learning_rate": 0.01}
    model = MusicTransformer(**settings, weight_decay=0.0).fit([score] * 8)
    assert model.nats_per_token([score]) < 0.2
    for prompt in (None, tune([60, 62])):
        found = model.sample(1, max_tokens=40, temperature=0, prompt=prompt)[0]
        assert found.tracks[0].notes[:, PITCH].tolist() == [60, 62, 64, 65]
        assert found.end / found.ticks == 4


def test_a_score_is_the_same_whatever_others_are_written(fitted):
    model, _ = fitted
    few, many = (model.sample(n, max_tokens=12, random_state=1) for n in (1, 3))
    assert few[0] == many[0]
    assert all(isinstance(score, Score) for score in many)


def test_an_answer_begins_with_its_prompt(fitted):
    model, _ = fitted
    prompt = tune([60, 64, 67])
    found = model.sample(1, max_tokens=3, prompt=prompt, random_state=0)[0]
    assert found.tracks[0].notes[:3, PITCH].tolist() == [60, 64, 67]


def test_transposing_teaches_pitches_that_were_not_given():
    data = [tune([60, 64, 60, 64, 60, 64])] * 4
    settings = QUICK | {"epochs": 8, "learning_rate": 0.01}
    moved = [tune([62, 66, 62, 66, 62, 66])]
    plain = MusicTransformer(**settings).fit(data).nats_per_token(moved)
    assert MusicTransformer(**settings, transpose=2).fit(data).nats_per_token(moved) < plain - 0.5


def test_held_out_scores_end_training(fitted):
    _, data = fitted
    model = MusicTransformer(**QUICK, validation_fraction=0.25, patience=1).fit(data)
    assert all("validation_loss" in entry for entry in model.history_)
    with pytest.raises(ValueError, match="patience=1 needs pieces"):
        MusicTransformer(**QUICK, patience=1).fit(data)


def test_the_same_seed_gives_the_same_model(fitted):
    _, data = fitted
    first, again, other = (
        MusicTransformer(**QUICK | {"random_state": seed, "dropout": 0.2}).fit(data).score(data)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_saving_keeps_what_it_says(fitted, tmp_path):
    model, data = fitted
    loaded = textrep.load(model.save(tmp_path / "scores.textrep"))
    np.testing.assert_array_equal(loaded.log_likelihoods(data), model.log_likelihoods(data))
    assert loaded.sample(1, max_tokens=9, random_state=0) == model.sample(
        1, max_tokens=9, random_state=0
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("a file", "list of pieces"),
        (None, "None"),
        ([], "empty"),
        (tune([60]), "list of pieces"),
        ([tune([60]), [(60, 12)]], r"X\[1\] must be a Score, got list"),
        ([tune([60]), Score([])], r"X\[1\] has no notes"),
    ],
)
def test_wrong_scores_are_named(fitted, wrong, message):
    for refuse in (MusicTransformer(**QUICK).fit, fitted[0].score):
        with pytest.raises((TypeError, ValueError), match=message):
            refuse(wrong)


def test_settings_of_tokens_are_those_of_the_tokenizer(fitted):
    _, data = fitted
    plain = MusicTransformer(**QUICK, token_settings={"velocities": 0}).fit(data)
    assert not any(token.startswith("Velocity") for token in plain.tokenizer_.vocabulary)
    with pytest.raises(ValueError, match="token_settings"):
        MusicTransformer(**QUICK, token_settings={"speed": 3}).fit(data)


def test_scores_of_drums_alone_are_refused(fitted):
    drums = Score([Track([(0, 480, 38, 90)], is_drum=True)])
    with pytest.raises(ValueError, match=r"X\[1\] has notes of drums alone"):
        MusicTransformer(**QUICK).fit([tune([60]), drums])


@pytest.mark.parametrize(
    "wrong",
    [{"scheme": "abc"}, {"hidden_size": 15}, {"positions": "none"}, {"transpose": -1}],
)
def test_parameters_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MusicTransformer(**QUICK | wrong).fit(tunes(2))
