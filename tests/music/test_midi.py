from __future__ import annotations

import io
import os
import random
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.music.midi_bytes import END, chunk, meta, midi, off, on, tempo
from textrep.core.paths import data_dir
from textrep.data.errors import DataError
from textrep.music.midi import (
    midi_of,
    read_midi,
    read_midi_folder,
    score_of,
    without_nested,
    write_midi,
)
from textrep.music.score import Score, Track

pytest.importorskip("symusic")

NOTE = [(0, on(60)), (480, off(60))]


def notes(*events: tuple[int, bytes]) -> list[list[int]]:
    """Notes of the only track of a file with these events."""
    (track,) = score_of(midi(events)).tracks
    return track.notes.tolist()


# ---- what is read


def test_overlapping_notes_of_a_pitch_end_in_the_order_in_which_they_began():
    assert notes((0, on(60)), (240, on(60, 80)), (240, off(60)), (480, off(60))) == [
        [0, 480, 60, 90],
        [240, 720, 60, 80],
    ]


def test_a_note_on_without_velocity_ends_a_note():
    assert notes((0, on(60)), (240, on(60, 0))) == [[0, 240, 60, 90]]


def test_running_status_repeats_the_kind_of_event():
    events = [(0, on(60)), (240, bytes([60, 0])), (0, bytes([61, 80])), (10, bytes([61, 0]))]
    assert notes(*events) == [[0, 240, 60, 90], [240, 10, 61, 80]]


def test_a_note_that_never_ends_is_dropped():
    assert notes((0, on(60)), (240, on(62)), (240, off(62))) == [[240, 240, 62, 90]]


def test_a_note_of_no_length_lasts_a_tick():
    assert notes((5, on(38)), (0, off(38))) == [[5, 1, 38, 90]]


def test_a_repeated_note_begins_where_the_one_before_ends():
    events = [(0, on(60)), (480, on(60)), (0, off(60)), (480, off(60))]
    assert notes(*events) == [[0, 480, 60, 90], [480, 480, 60, 90]]


def test_the_tempo_map_is_global():
    score = score_of(
        midi([(0, tempo(500_000)), (480, tempo(1_000_000))], [(480, on(60)), (480, off(60))])
    )
    assert score.tempos == ((0, 120.0), (480, 60.0))
    assert score.seconds == pytest.approx(0.5 + 1.0)


def test_a_tempo_of_no_time_is_dropped():
    assert score_of(midi([(0, tempo(0)), *NOTE])).tempos == ()


def test_the_slowest_tempo_of_midi_is_read():
    assert score_of(midi([(0, tempo(2**24 - 1)), *NOTE])).tempos == ((0, 60e6 / (2**24 - 1)),)


def test_time_and_key_signatures_are_read():
    score = score_of(
        midi([(0, meta(0x58, b"\x06\x03\x18\x08")), (7, meta(0x59, b"\xfd\x01")), *NOTE])
    )
    assert (score.time_signatures, score.key_signatures) == (((0, 6, 8),), ((7, -3, 1),))


def test_events_that_every_track_states_are_kept_once():
    track = [(0, meta(0x58, b"\x03\x02\x18\x08")), *NOTE]
    assert score_of(midi(track, track)).time_signatures == ((0, 3, 4),)


def test_channels_of_format_0_become_tracks():
    events = [(0, bytes([0xC1, 73])), (0, on(72, channel=1)), (0, on(38, channel=9)),
              (9, off(72, 1)), (0, off(38, 9))]  # fmt: skip
    score = score_of(midi(events, form=0))
    assert [(t.program, t.is_drum, t.notes.tolist()) for t in score.tracks] == [
        (73, False, [[0, 9, 72, 90]]),
        (0, True, [[0, 9, 38, 90]]),
    ]


def test_a_change_of_program_begins_another_track():
    events = [(0, bytes([0xC0, 5])), *NOTE, (0, bytes([0xC0, 6])), (0, on(62)), (9, off(62))]
    assert [t.program for t in score_of(midi(events)).tracks] == [5, 6]


def test_tracks_keep_their_order():
    tracks = [[(0, meta(3, name)), *NOTE] for name in (b"z", b"a", b"m")]
    assert [t.name for t in score_of(midi(*tracks)).tracks] == ["z", "a", "m"]


@pytest.mark.parametrize(("data", "name"), [("Flöte".encode(), "Flöte"), (b"b\xe9z", "b�z")])
def test_names_are_utf8_and_others_do_not_stop_it(data, name):
    assert score_of(midi([(0, meta(3, data)), *NOTE])).tracks[0].name == name


def test_chunks_of_other_kinds_and_bytes_after_the_last_track_are_passed_over():
    data = midi(NOTE)
    with_more = data[:14] + b"XFIH\x00\x00\x00\x02ab" + data[14:] + b"\x00\x00"
    assert score_of(with_more).n_notes == 1


# ---- what is refused


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"hello, this is a text", "no MIDI file"),
        (b"MThd\x00\x00", "cut off within its header"),
        (midi(NOTE)[:-6], "cut off within track 1"),
        (midi(NOTE, NOTE)[: len(midi(NOTE))], "holds 1 of its 2 tracks"),
        (midi(NOTE, division=0), "0 ticks"),
        (midi(NOTE, division=0xE728), "SMPTE"),
        (midi(NOTE, form=2), "format 2"),
        (midi([(0, bytes([60, 90]))]), "track 1 has data where an event must begin, at byte 22"),
        (midi([(0, bytes([0x90, 0xC8, 90]))]), "data above 127"),
        (midi([(0, b"\xf4")]), "no MIDI file may hold"),
        (midi([(0, meta(0x51, b"\x01"))]), "wrong length"),
        (midi([(2**27, on(60))] * 20), "32 bits"),
        (midi()[:10] + b"\x00\x01\x01\xe0" + chunk([(0, on(60)[:2])], end=b""), "within an event"),
    ],
)
def test_what_is_no_whole_midi_file_is_refused_with_the_reason(tmp_path, data, reason):
    path = tmp_path / "tune.mid"
    path.write_bytes(data)
    with pytest.raises(DataError, match=reason) as caught:
        read_midi(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_a_pipe_and_nothing_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.mid")
    for path, reason in [
        (tmp_path, "folder"),
        (tmp_path / "pipe.mid", "pipe"),
        (tmp_path / "no", "No such file"),
    ]:
        with pytest.raises(DataError, match=reason):
            read_midi(path)


def test_broken_bytes_never_end_the_process():
    # symusic alone reads past the end of about one in a hundred of these.
    base = midi(
        [(0, meta(3, b"A")), (0, b"\xf0\x03\x01\x02\xf7"), *NOTE, (0, tempo(500_001))], NOTE
    )
    rng = random.Random(0)
    outcomes = set()
    for _ in range(2000):
        data = bytearray(base)
        for _ in range(rng.choice((1, 3, 9))):
            data[rng.randrange(len(data))] = rng.choice((0, 0xFF, 0xF0, 0x80, rng.randrange(256)))
        try:
            outcomes.add(type(score_of(bytes(data[: rng.choice((len(data), 40))]))))
        except DataError:
            outcomes.add(DataError)
    assert outcomes == {Score, DataError}


# ---- round trips


@st.composite
def scores(draw, *, overlaps: bool = True) -> Score:
    time = st.integers(0, 40)
    note = st.tuples(time, st.integers(1, 30), st.integers(60, 63), st.integers(1, 127))
    tracks = st.builds(
        Track,
        st.lists(note, min_size=1, max_size=12),
        program=st.integers(0, 127),
        is_drum=st.booleans(),
        name=st.text(max_size=4),
    )

    def events(*values):
        listed = st.lists(st.tuples(time, *values), max_size=3, unique=True)
        return listed.map(lambda found: sorted(found, key=lambda event: event[0]))

    return Score(
        draw(st.lists(tracks, max_size=18)),
        draw(st.integers(1, 2**15 - 1)),
        draw(events(st.integers(1, 2**24 - 1).map(lambda each: 60e6 / each))),
        draw(events(st.integers(1, 255), st.sampled_from([1, 2, 4, 8, 128]))),
        draw(events(st.integers(-7, 7), st.integers(0, 1))),
    )


@settings(deadline=None, max_examples=60)
@given(scores())
def test_what_was_written_is_read_again_exactly(score):
    plain = score.with_tracks(
        [Track(without_nested(t.notes), t.program, t.is_drum, t.name) for t in score.tracks]
    )
    assert score_of(midi_of(score)) == plain


@settings(deadline=None, max_examples=60)
@given(scores())
def test_only_notes_that_would_end_before_an_earlier_one_are_touched(score):
    for track in score.tracks:
        kept = without_nested(track.notes)
        for i, (start, duration, pitch, _) in enumerate(track.notes.tolist()):
            later = [n for n in track.notes[i + 1 :].tolist() if n[2] == pitch and n[0] > start]
            following = min((n[0] for n in later), default=None)
            assert kept[i, 1] in (duration, None if following is None else following - start)
            if all(n[0] + n[1] >= start + duration for n in later):
                # Cut only by what was cut itself after it.
                assert kept[i, 1] == duration or (kept != track.notes)[i + 1 :].any()


def test_of_nested_notes_the_earlier_ends_where_the_later_begins():
    score = Score([Track([(0, 960, 60, 90), (240, 120, 60, 80)])])
    assert score_of(midi_of(score)).tracks[0].notes.tolist() == [
        [0, 240, 60, 90],
        [240, 120, 60, 80],
    ]


def test_tracks_without_notes_are_not_written_but_what_belongs_to_all_is():
    score = Score([Track([], program=7)], tempos=[(0, 60.0)])
    assert score_of(midi_of(score)) == Score([], tempos=[(0, 60.0)])


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (Score([Track([(2**31, 1, 60, 90)])]), "goes on after tick"),
        (Score([], ticks=2**15), "32,768 ticks"),
        (Score([], tempos=[(0, 1.0)]), "tempo at tick 0 is 1 quarter"),
        (Score([], tempos=[(0, 0.0)]), "tempo at tick 0 is 0"),
        (Score([], time_signatures=[(0, 4, 3)]), "4/3"),
        (Score([], key_signatures=[(0, 8, 0)]), "8 sharps"),
        (Score([Track([(0, 1, 60, 90)], program=128)]), "program 128"),
    ],
)
def test_what_midi_cannot_say_is_refused(tmp_path, score, reason):
    with pytest.raises(ValueError, match=reason):
        write_midi(score, tmp_path / "tune.mid")
    assert not list(tmp_path.iterdir())


# ---- folders


def test_broken_files_are_named_and_the_others_read(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "good.MID").write_bytes(midi(NOTE))
    (tmp_path / "bad.mid").write_bytes(midi(NOTE)[:-3])
    (tmp_path / "readme.txt").write_text("no music")
    with pytest.warns(UserWarning, match=r"1 file could not be read; bad\.mid: .*cut off"):
        found, failures = read_midi_folder(tmp_path)
    assert [score.name for score in found] == ["sub/good"]
    assert [path for path, _ in failures] == ["bad.mid"]
    with pytest.raises(DataError, match="cut off"):
        read_midi_folder(tmp_path, on_error="raise")


def test_an_archive_is_read_without_unpacking_it(tmp_path):
    path = tmp_path / "tunes.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("b.mid", "a.mid"):
            info = tarfile.TarInfo(f"MIDI/{name}")
            info.size = len(midi(NOTE))
            archive.addfile(info, io.BytesIO(midi(NOTE)))
    found, failures = read_midi_folder(path)
    assert [score.name for score in found] == ["MIDI/a", "MIDI/b"]
    assert not failures


def test_all_files_of_nottingham_come_back_the_same():
    try:
        archive = Path(data_dir() or "", "nottingham", "nottingham-midi.tar.gz")
    except OSError:
        pytest.skip("needs the data folder")
    if not archive.is_file():
        pytest.skip("needs nottingham/nottingham-midi.tar.gz in the data folder")
    found, failures = read_midi_folder(archive)
    assert (len(found), failures) == (1034 + 1034 + 1021, [])
    assert all(score_of(midi_of(score)) == score for score in found[::10])


def test_symusic_reads_the_same_notes_of_what_is_written():
    import symusic

    score = Score([Track([(0, 480, 60, 90), (480, 240, 64, 80)], program=73, name="flute")])
    (track,) = symusic.Score.from_midi(midi_of(score)).tracks
    assert [(n.time, n.duration, n.pitch, n.velocity) for n in track.notes] == [
        tuple(note) for note in score.tracks[0].notes.tolist()
    ]
    assert (track.program, track.name) == (73, "flute")


def test_the_end_of_a_track_ends_it():
    data = midi()[:10] + b"\x00\x01\x01\xe0" + chunk(NOTE, end=END + b"\x00\x90\x40")
    assert score_of(data).n_notes == 1


def test_notes_are_whole_numbers_of_64_bits():
    assert score_of(midi(NOTE)).tracks[0].notes.dtype == np.int64
