from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrep.music.score import Score, Track
from textrep.music.tokens import SCHEMES, MusicTokenizer, from_tokens, to_tokens

pytest.importorskip("miditok")

STEP = 40  # ticks: twelve to a quarter
VELOCITIES = (31, 63, 95, 127)


@st.composite
def on_the_grid(draw, longest: int = 90) -> Score:
    onsets = st.tuples(st.integers(0, 150), st.integers(30, 100))
    places = draw(st.lists(onsets, min_size=1, max_size=12, unique=True))
    notes = [
        (
            step * STEP,
            draw(st.integers(1, longest)) * STEP,
            pitch,
            draw(st.sampled_from(VELOCITIES)),
        )
        for step, pitch in places
    ]
    return Score([Track(notes)], time_signatures=[(0, 4, 4)])


TOKENIZERS = {
    (scheme, programs): MusicTokenizer(scheme=scheme, programs=programs)
    for scheme in SCHEMES
    for programs in (False, True)
}


@settings(deadline=None, max_examples=20)
@given(on_the_grid(), st.sampled_from(["remi", "tsd"]), st.booleans())
def test_what_is_on_the_grid_comes_back_exactly(score, scheme, programs):
    tokenizer = TOKENIZERS[scheme, programs]
    assert tokenizer.decode(tokenizer.encode(score)) == score


@settings(deadline=None, max_examples=20)
@given(on_the_grid(longest=1))
def test_note_offs_give_short_notes_back(score):
    tokenizer = TOKENIZERS["midilike", False]
    assert tokenizer.decode(tokenizer.encode(score)).tracks == score.tracks


def test_the_tokens_are_those_of_miditok():
    import miditok
    import symusic

    own = MusicTokenizer(velocities=8, resolution=4, longest=4)
    config = miditok.TokenizerConfig(
        pitch_range=(0, 127), beat_res={(0, 4): 4}, num_velocities=8, special_tokens=[],
        time_signature_range={2: [2, 3], 4: [1, 2, 3, 4, 5, 6, 7], 8: [3, 5, 6, 7, 9, 12]},
        use_time_signatures=True,
    )  # fmt: skip
    track = symusic.Track()
    track.notes.append(symusic.Note(0, 480, 60, 90))
    score = symusic.Score(480)
    score.tracks.append(track)
    (expected,) = miditok.REMI(config).encode(score)
    assert own.tokens(Score([Track([(0, 480, 60, 90)])])) == expected.tokens


def test_each_bar_is_said_once():
    notes = [(bar * 1920, 480, 60, 95) for bar in range(6)]
    assert to_tokens(Score([Track(notes)])).count("Bar_None") == 6


@pytest.mark.parametrize("scheme", SCHEMES)
def test_changes_of_the_time_signature_come_back_where_they_were(scheme):
    signatures = ((0, 4, 4), (2 * 1920, 3, 4), (2 * 1920 + 2 * 1440, 6, 8))
    notes = [(i * 480, 240, 60, 95) for i in range(24)]
    score = Score([Track(notes)], time_signatures=signatures)
    read = from_tokens(to_tokens(score, scheme), scheme)
    assert read.time_signatures == signatures
    assert read.tracks == score.tracks


def test_tempos_come_back_to_the_nearest():
    score = Score([Track([(0, 480, 60, 95)])], tempos=[(0, 90.0)])
    ((tick, tempo),) = from_tokens(to_tokens(score, tempos=True), tempos=True).tempos
    assert (tick, tempo) == (0, pytest.approx(90, abs=(250 - 40) / 31 / 2))


def test_instruments_come_back_where_they_are_said():
    tracks = [Track([(0, 480, 60, 95)], 40), Track([(0, 480, 38, 95)], is_drum=True)]
    read = from_tokens(to_tokens(Score(tracks), programs=True), programs=True)
    assert {(t.program, t.is_drum) for t in read.tracks} == {(40, False), (0, True)}


def test_else_tracks_become_one_without_drums():
    tracks = [
        Track([(0, 480, 60, 95)], 40),
        Track([(0, 480, 64, 95)], 41),
        Track([(0, 480, 38, 95)], is_drum=True),
    ]
    (track,) = from_tokens(to_tokens(Score(tracks))).tracks
    assert track.notes[:, 2].tolist() == [60, 64]


@pytest.mark.parametrize("key", TOKENIZERS)
def test_tokens_in_any_order_are_read(key):
    tokenizer = TOKENIZERS[key]
    rng = random.Random(0)
    for _ in range(30):
        ids = [rng.randrange(tokenizer.vocabulary_size) for _ in range(rng.randrange(40))]
        assert isinstance(tokenizer.decode(ids), Score)


def test_a_score_without_notes_has_no_tokens():
    assert MusicTokenizer().encode(Score([])) == []


def test_a_state_is_json_and_gives_the_same_tokens_again():
    tokenizer = MusicTokenizer(scheme="tsd", velocities=4)
    score = Score([Track([(0, 480, 60, 95)])])
    again = MusicTokenizer.from_state(json.loads(json.dumps(tokenizer.to_state())))
    assert again.encode(score) == tokenizer.encode(score)


def test_numbers_are_those_of_the_state_whatever_the_order_in_miditok():
    state = MusicTokenizer(velocities=4).to_state()
    state["vocabulary"] = state["vocabulary"][::-1]
    again = MusicTokenizer.from_state(state)
    score = Score([Track([(0, 480, 60, 95)])])
    assert [again.vocabulary[i] for i in again.encode(score)] == again.tokens(score)
    assert again.decode(again.encode(score)).tracks == score.tracks


def test_a_state_with_other_tokens_is_refused():
    state = MusicTokenizer(velocities=4).to_state()
    state["vocabulary"] = state["vocabulary"][1:]
    with pytest.raises(ValueError, match="another version of miditok"):
        MusicTokenizer.from_state(state)


def test_a_vocabulary_that_names_a_token_twice_is_refused():
    state = MusicTokenizer().to_state()
    state["vocabulary"].append(state["vocabulary"][0])
    with pytest.raises(ValueError, match="another version of miditok"):
        MusicTokenizer.from_state(state)


@pytest.mark.parametrize("state", [None, [], {}, {"scheme": "remi"}, "remi"])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(ValueError, match="the state of a tokenizer of music is damaged"):
        MusicTokenizer.from_state(state)


@pytest.mark.parametrize("vocabulary", [None, "Bar_None", [1], {"Bar_None": 0}])
def test_what_is_no_vocabulary_is_refused(vocabulary):
    state = {**MusicTokenizer().to_state(), "vocabulary": vocabulary}
    with pytest.raises(ValueError, match="the state of a tokenizer of music is damaged"):
        MusicTokenizer.from_state(state)


@pytest.mark.parametrize("number", [-1, 10**6, 1.5, "Bar_None", None, True])
def test_a_number_without_a_token_is_refused(number):
    with pytest.raises(ValueError, match=r"ids\[1\]"):
        MusicTokenizer().decode([0, number])


@pytest.mark.parametrize(
    ("tokens", "reason"), [(["Bar_None", "Bar"], r"tokens\[1\] is 'Bar'"), ("Bar_None", "a list")]
)
def test_what_is_no_token_is_refused(tokens, reason):
    with pytest.raises(ValueError, match=reason):
        from_tokens(tokens)


@pytest.mark.parametrize(
    "wrong", [{"scheme": "octuple"}, {"resolution": 0}, {"longest": 0}, {"velocities": -1}]
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MusicTokenizer(**wrong)
