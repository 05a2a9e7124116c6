"""Scores made audible."""

from __future__ import annotations

import numpy as np
import pytest

from tests.music.soundfonts import sine_soundfont
from textrep.music import Score, Track
from textrep.music.synthesizer import pitch_hertz, synthesize
from textrep.music.timbres import DRUMS, TIMBRES, timbre_of

RATE = 22050
FAMILIES = range(0, 128, 8)


def one(pitch=69, start=0, duration=960, velocity=100, **track):
    return Score([Track([(start, duration, pitch, velocity)], **track)])


def spectrum(wave):
    return np.abs(np.fft.rfft(wave * np.hanning(len(wave))))


def peaks_in_hertz(wave, rate=RATE):
    """Frequencies that are loud and louder than their neighbours."""
    found = spectrum(wave)
    inside = found[1:-1]
    top = (inside > found[:-2]) & (inside > found[2:]) & (inside > 0.02 * found.max())
    return (np.flatnonzero(top) + 1) * rate / len(wave)


@pytest.mark.parametrize("program", FAMILIES)
@pytest.mark.parametrize(("pitch", "hertz"), [(69, 440.0), (60, 261.6256), (45, 110.0)])
def test_a_note_has_its_frequency_and_multiples_of_it(program, pitch, hertz):
    wave = synthesize(one(pitch, program=program), rate=RATE)[2000:20000]
    found = peaks_in_hertz(wave)
    a_bin = RATE / len(wave)
    assert found[0] == pytest.approx(hertz, abs=a_bin)
    assert np.abs(found / hertz - np.round(found / hertz)).max() * hertz < 1.5 * a_bin


def test_a4_has_440_hertz_and_an_octave_is_twice_that():
    assert pitch_hertz(69) == 440
    assert pitch_hertz(81) == 880


@pytest.mark.parametrize("program", FAMILIES)
def test_a_note_sounds_in_its_time_alone(program):
    # From 0.5 to 1.0 seconds, and a release of at most 0.12.
    wave = synthesize(one(start=480, duration=480, program=program), rate=RATE)
    inside = wave[RATE // 2 : RATE]
    assert not wave[: RATE // 2].any()
    assert not wave[round(1.13 * RATE) :].any()
    assert (inside**2).sum() > 0.9 * (wave**2).sum()


@pytest.mark.parametrize("program", [0, 24])
def test_what_is_struck_or_plucked_dies_away(program):
    wave = synthesize(one(duration=1920, program=program), rate=RATE)
    first, last = np.abs(wave[: RATE // 2]).max(), np.abs(wave[3 * RATE // 2 : 2 * RATE]).max()
    assert last < 0.5 * first


@pytest.mark.parametrize("program", [16, 40, 73])
def test_what_is_blown_or_bowed_is_held(program):
    wave = synthesize(one(duration=1920, program=program), rate=RATE)
    first, last = (np.abs(wave[a : a + RATE // 4]).max() for a in (RATE // 2, 7 * RATE // 4))
    assert last == pytest.approx(first, rel=0.05)


def test_velocity_is_loudness():
    loud, quiet = (synthesize(one(velocity=v), peak=None) for v in (127, 32))
    np.testing.assert_allclose(quiet * 127 / 32, loud, atol=1e-5)


def test_two_notes_are_the_sum_of_both():
    notes = [(0, 960, 60, 90), (240, 720, 64, 70)]
    both = synthesize(Score([Track(notes)]), peak=None)
    apart = [synthesize(Score([Track([note])]), peak=None) for note in notes]
    np.testing.assert_allclose(both, apart[0] + apart[1], atol=1e-6)


def test_two_tracks_are_the_sum_of_both():
    tracks = [Track([(0, 960, 60, 90)], program=19), Track([(0, 960, 38, 90)], is_drum=True)]
    both = synthesize(Score(tracks), peak=None)
    apart = [synthesize(Score([track]), peak=None) for track in tracks]
    np.testing.assert_allclose(both, apart[0] + apart[1], atol=1e-6)


def test_notes_follow_the_tempo():
    # A quarter note at 120 takes half a second; from there on at 60 a whole one.
    notes = [(0, 480, 60, 90), (480, 480, 72, 90), (960, 480, 64, 90)]
    score = Score([Track(notes, program=16)], tempos=[(0, 120.0), (480, 60.0)])
    wave = synthesize(score, rate=8000)
    assert len(wave) == 8000 * 2.5 + 2400
    for start, end, hertz in ((0.1, 0.4, 261.6), (0.6, 1.4, 523.3), (1.6, 2.4, 329.6)):
        piece = wave[round(start * 8000) : round(end * 8000)]
        assert peaks_in_hertz(piece, 8000)[0] == pytest.approx(hertz, abs=8000 / len(piece))


@pytest.mark.parametrize("program", FAMILIES)
def test_nothing_is_folded_back_from_beyond_half_the_rate(program):
    rate, hertz = 8000, pitch_hertz(95)  # of 1976 Hz samples hold one partial at this rate
    wave = synthesize(one(95, duration=1920, program=program), rate=rate)[1000:15000]
    found = spectrum(wave)
    frequencies = np.arange(len(found)) * rate / len(wave)
    folded = np.abs(frequencies - hertz) > 40
    assert found[folded].max() < 2e-3 * found.max()


def test_a_note_beyond_what_samples_can_hold_is_silent():
    assert not synthesize(one(108), rate=8000).any()  # 4186 Hz


@pytest.mark.parametrize("n", [1, 40])
def test_nothing_is_clipped_however_much_plays(n):
    notes = [(0, 960, 30 + i, 127) for i in range(n)]
    wave = synthesize(Score([Track(notes)]))
    assert np.abs(wave).max() == pytest.approx(0.9, abs=1e-6)
    assert np.abs(synthesize(Score([Track(notes)]), peak=0.3)).max() == pytest.approx(0.3, abs=1e-6)


def test_no_note_is_louder_than_it_may_be():
    for program in FAMILIES:
        for pitch in (30, 60, 90):
            wave = synthesize(one(pitch, velocity=127, program=program), peak=None)
            assert 0.05 < np.abs(wave).max() <= 0.2


def test_notes_begin_and_end_without_a_click():
    for program in FAMILIES:
        wave = synthesize(one(45, program=program), peak=1.0)
        assert abs(wave[0]) < 1e-6
        steepest = np.abs(np.diff(wave[RATE // 4 : 3 * RATE // 4])).max()
        end = slice(RATE - 200, RATE + 4000)
        assert np.abs(np.diff(wave[end])).max() < 1.2 * steepest


def test_a_score_without_notes_is_silence():
    for score in (Score([]), Score([Track([])])):
        wave = synthesize(score, rate=RATE)
        assert len(wave) == round(0.3 * RATE)
        assert not wave.any()


def test_it_sounds_the_same_each_time():
    score = Score([Track([(0, 480, 38, 90)], is_drum=True), Track([(0, 480, 60, 90)])])
    np.testing.assert_array_equal(synthesize(score), synthesize(score))


@pytest.mark.parametrize("pitch", [key for key in DRUMS if key is not None] + [80])
def test_drums_are_bursts(pitch):
    wave = synthesize(one(pitch, duration=1, is_drum=True))
    assert np.isfinite(wave).all()
    halves = [np.abs(half).sum() for half in np.array_split(wave, 2)]
    assert halves[0] > 2 * halves[1]


def test_a_bass_drum_is_lower_than_a_hi_hat():
    def centre(pitch):
        found = spectrum(synthesize(one(pitch, duration=480, is_drum=True))) ** 2
        return (found * np.arange(len(found))).sum() / found.sum()

    assert centre(36) < 0.3 * centre(42)


def test_partials_of_each_timbre_sum_to_one():
    for timbre in TIMBRES.values():
        assert sum(timbre.partials) == pytest.approx(1)
    assert timbre_of(127) in TIMBRES.values()


@pytest.mark.parametrize(
    ("score", "settings", "message"),
    [
        ("a score", {}, "must be a Score, got 'a score'"),
        (None, {}, "must be a Score"),
        (one(), {"rate": 0}, "rate"),
        (one(), {"peak": 2.0}, "peak"),
    ],
)
def test_what_cannot_be_played_is_refused(score, settings, message):
    with pytest.raises(ValueError, match=message):
        synthesize(score, **settings)


# ---- soundfonts


@pytest.fixture
def soundfont(tmp_path):
    pytest.importorskip("symusic")
    path = tmp_path / "sine.sf2"
    path.write_bytes(sine_soundfont())
    return path


def test_a_soundfont_plays_the_score(soundfont):
    score = one(81, start=480, duration=960)
    wave = synthesize(score, rate=RATE, soundfont=soundfont)
    assert wave.shape == synthesize(score, rate=RATE).shape
    assert np.abs(wave).max() == pytest.approx(0.9, abs=1e-6)
    piece = wave[round(0.6 * RATE) : round(1.4 * RATE)]
    loudest = spectrum(piece).argmax() * RATE / len(piece)
    assert loudest == pytest.approx(880, abs=2 * RATE / len(piece))
    assert np.abs(wave[: round(0.49 * RATE)]).max() < 1e-3


def test_a_score_without_notes_is_silence_there_too(soundfont):
    assert not synthesize(Score([]), soundfont=soundfont).any()


def test_what_is_no_soundfont_is_refused(tmp_path):
    pytest.importorskip("symusic")
    with pytest.raises(FileNotFoundError, match="no file"):
        synthesize(one(), soundfont=tmp_path / "none.sf2")
    with pytest.raises(ValueError, match="a folder"):
        synthesize(one(), soundfont=tmp_path)
    (tmp_path / "text.sf2").write_text("not a soundfont")
    with pytest.raises(ValueError, match=r"text\.sf2 is no soundfont"):
        synthesize(one(), soundfont=tmp_path / "text.sf2")
