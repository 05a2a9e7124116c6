from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrep.core.paths import data_dir
from textrep.music import from_abc, load_music, to_abc
from textrep.music.abc.chords import chord_pitches
from textrep.music.abc.keys import read_key
from textrep.music.score import Score, Track

CAROLS = [1, 2, 7, 8, 13]
HEAD = "X:1\nT:tune\nM:4/4\nL:1/4\nK:C\n"
LETTERS = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B", 1: "C#", 3: "D#", 6: "F#",
           8: "G#", 10: "A#"}  # fmt: skip


def pitches(music: str, head: str = HEAD) -> list[int]:
    return from_abc(head + music)[0].tracks[0].notes[:, 2].tolist()


def lengths(music: str, head: str = HEAD) -> list[Fraction]:
    """Of the notes, in quarters."""
    notes = from_abc(head + music)[0].tracks[0].notes
    return [Fraction(int(duration), 480) for duration in notes[:, 1]]


def names(music: str, head: str = HEAD) -> str:
    return " ".join(LETTERS[pitch % 12] for pitch in pitches(music, head))


# ---- notes


def test_octaves_and_accidentals():
    assert pitches("C, C c c' ^c _B, =f ^^F __B") == [48, 60, 72, 84, 73, 58, 77, 67, 69]


def test_lengths_multiply_the_unit():
    quarters = ["1", "2", "3/2", "1/2", "1/4", "1/2", "3/4"]
    assert lengths("C C2 C3/2 C/ C// C/2 C3/4") == [Fraction(each) for each in quarters]


@pytest.mark.parametrize(("meter", "unit"), [("2/4", 16), ("3/4", 8), ("6/8", 8), ("none", 8)])
def test_the_unit_depends_on_the_meter_where_no_field_gives_it(meter, unit):
    assert lengths("C", f"X:1\nM:{meter}\nK:C\n") == [Fraction(4, unit)]


def test_an_accidental_holds_to_the_end_of_the_bar_in_all_octaves():
    assert names("^F F f|F") == "F# F# F# F"


def test_a_tie_carries_an_accidental_over_the_bar_line():
    notes = from_abc(HEAD + "^F2-|F F")[0].tracks[0].notes
    assert notes[:, 1:3].tolist() == [[3 * 480, 66], [480, 65]]


def test_a_tie_to_another_pitch_is_a_slur():
    assert lengths("C-D") == [1, 1]


def test_tied_chords_hold_the_notes_that_go_on():
    notes = from_abc(HEAD + "[CE-G-]2 [EG]")[0].tracks[0].notes
    assert {tuple(note) for note in notes[:, [1, 2]].tolist()} == {
        (960, 60),
        (1440, 64),
        (1440, 67),
    }


@pytest.mark.parametrize(
    ("rhythm", "expected"),
    [("C>D", "3/2 1/2"), ("C<D", "1/2 3/2"), ("C>>D", "7/4 1/4"), ("C2<D2", "1 3")],
)
def test_broken_rhythm(rhythm, expected):
    assert lengths(rhythm) == [Fraction(each) for each in expected.split()]


@pytest.mark.parametrize(
    ("tuplet", "expected"),
    [("(3CDE F", "2/3 2/3 2/3 1"), ("(2CD E", "3/2 3/2 1"), ("(3:2:2CD E", "2/3 2/3 1"),
     ("(5CDEFG", "2/5 2/5 2/5 2/5 2/5"), ("(3::4CDEF G", "2/3 2/3 2/3 2/3 1")],
)  # fmt: skip
def test_tuplets(tuplet, expected):
    assert lengths(tuplet) == [Fraction(each) for each in expected.split()]


def test_thirds_of_ticks_do_not_add_up():
    (score,) = from_abc("X:1\nL:1/4\nK:C\n" + "(3C/D/E/" * 100, ticks=100)
    assert score.end == 100 * 100


def test_rests_and_bars_of_rest():
    notes = from_abc(HEAD + "z C z2|Z2|x/D")[0].tracks[0].notes
    assert notes[:, 0].tolist() == [480, 12 * 480 + 240]


def test_grace_notes_decorations_words_and_slurs_are_passed_over():
    music = '{gf}C !trill!D ~E (F .G) uA |"^slowly"B c\\\nw: la la\n% comment\nd % more'
    assert names(music) == "C D E F G A B C D"


def test_a_line_that_begins_with_a_note_and_a_repeat_is_music():
    assert names("C D\nE:|") == "C D E C D E"


# ---- keys


@pytest.mark.parametrize(
    ("key", "sharps"),
    [("C", 0), ("G", 1), ("Bb", -2), ("F#m", 3), ("Ddor", 0), ("D mix", 1), ("E phrygian", 0),
     ("F lydian", 0), ("B locrian", 0), ("Am", 0), ("A min", 0), ("Cb", -7), ("none", 0)],
)  # fmt: skip
def test_keys_and_modes(key, sharps):
    assert read_key(key).sharps == sharps


def test_a_mode_has_the_notes_of_its_major_key():
    assert read_key("A dor").accidentals == read_key("G").accidentals


def test_keys_may_have_accidentals_of_their_own():
    assert names("F C B", "X:1\nL:1/4\nK:D exp ^f _B\n") == "F# C A#"


def test_the_key_changes_within_a_line():
    assert names("F [K:G] F") == "F F#"


# ---- repeats and parts


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("|:C D:|E|", "C D C D E"),
        ("C D:|E|", "C D C D E"),
        ("|:C:|D:|E", "C C D D E"),
        ("|:C::D:|E", "C C D D E"),
        ("|:C:||:D:|", "C C D D"),
        ("|:C|1 D:|2 E||F", "C D C E F"),
        ("|:C|[1D:|[2E:|F", "C D C E F"),
        ("|:C|[1,2 D:|[3 E||F", "C D C D C E F"),
        ("|:C|[1-3 D:|[4 E|]", "C D C D C D C E"),
        ("|:C|[1 D:|E", "C D C E"),
        ("|:C||D:|", "C D C D"),
        ("|::C::|D", "C C C D"),
        ("|:C|1D:|2E||:F:|", "C D C E F F"),
    ],
)
def test_repeats_and_endings(music, played):
    assert names(music) == played


@pytest.mark.parametrize(
    ("order", "played"),
    [("AB", "C D"), ("AAB", "C C D"), ("A2B", "C C D"), ("(AB)2A", "C D C D C"), ("B.A", "D C")],
)
def test_parts_are_played_in_their_order(order, played):
    assert names("P:A\nC|\nP:B\nD|", f"X:1\nP:{order}\nL:1/4\nK:C\n") == played


def test_a_repeat_in_a_part_goes_back_to_its_begin():
    assert names("P:A\nC|\nP:B\nD:|", "X:1\nL:1/4\nK:C\n") == "C D D"


def test_a_repeat_returns_to_the_key_and_meter_that_it_began_in():
    (score,) = from_abc("X:1\nM:2/4\nL:1/4\nK:C\n|:F F|[K:G][M:3/4]F F F:|")
    assert score.key_signatures == ((0, 0, 0), (960, 1, 0), (2400, 0, 0), (3360, 1, 0))
    assert score.time_signatures == ((0, 2, 4), (960, 3, 4), (2400, 2, 4), (3360, 3, 4))
    assert score.tracks[0].notes[:, 2].tolist() == [65, 65, 66, 66, 66] * 2


def test_repeats_that_grow_beyond_all_bounds_are_refused():
    with pytest.raises(ValueError, match=r"too long|more than 1,000,000"):
        from_abc("X:1\nP:" + "(" * 9 + "A9" + ")9" * 9 + "\nL:1/4\nK:C\nP:A\nC D E F\n")


def test_a_part_that_is_played_any_number_of_times_takes_no_memory():
    with pytest.raises(ValueError, match="the order of parts 'A99999999999' is too long"):
        from_abc("X:1\nP:A99999999999\nK:C\nP:A\nC\nP:B\nD\n")


@pytest.mark.parametrize(
    "music", ["|: C [999999999 D :|", "|: C " + ":" * 100 + "|", "[999999999 :|"]
)
def test_a_repeat_without_end_is_refused(music):
    with pytest.raises(ValueError, match=r"a repeat is played [\d,]+ times; expected at most 99"):
        from_abc(HEAD + music)


@pytest.mark.parametrize("music", ["C99999999999999999999", "z9999999999 C", "Z999999999 C"])
def test_a_tune_that_goes_on_for_ever_is_refused(music):
    with pytest.raises(ValueError, match=r"goes on after tick 2,147,483,647"):
        from_abc(HEAD + music)


# ---- chords and voices


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [("C", (48, 52, 55)), ("Am", (57, 60, 64)), ("G7", (55, 59, 62, 65)), ("Bb", (58, 62, 65)),
     ("F#dim", (54, 57, 60)), ("D/f+", (42, 50, 54, 57)), ("C/c", (48, 52, 55)),
     ("(E7)", (52, 56, 59, 62)), ("fine", None), ("", None)],
)  # fmt: skip
def test_chord_symbols(symbol, expected):
    assert chord_pitches(symbol) == expected


def test_chords_sound_until_the_next_one_on_a_track_of_their_own():
    (score,) = from_abc(HEAD + '"C"C D|"G7"E F "_text"G')
    melody, chords = score.tracks
    assert {(n[0], n[1]) for n in chords.notes.tolist()} == {(0, 960), (960, 1440)}
    assert (melody.name, chords.name, len(chords.notes)) == ("melody", "chords", 7)


def test_voices_are_tracks():
    (score,) = from_abc(HEAD + "V:1\nC D\nV:2\nE, F,\n[V:1] E [V:2] G,")
    assert [track.notes[:, 2].tolist() for track in score.tracks] == [[60, 62, 64], [52, 53, 55]]


def test_tempos_are_in_quarters():
    (score,) = from_abc("X:1\nQ:3/8=80\nL:1/8\nK:C\nCDE[Q:1/4=90]C")
    assert score.tempos == ((0, 120.0), (720, 90.0))


# ---- texts


def test_a_text_holds_many_tunes_and_prose_between_them():
    text = "L:1/4\n\nX:1\nT:one\nK:C\nC\n\nSome words: not music!\n\nX:2\nT:two\nK:D\nF\n"
    assert [(s.name, s.tracks[0].notes[0].tolist()) for s in from_abc(text)] == [
        ("one", [0, 480, 60, 90]),
        ("two", [0, 480, 66, 90]),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEAD + "C D\nE ; F", r"tune X:1, line 7: column 3: '; F' is no ABC music"),
        ("X:3\nK:Q\nC", r"tune X:3, line 2: no key 'Q'"),
        ("X:3\nM:4\nK:C\nC", r"tune X:3, line 2: no meter '4'"),
        ("X:3\nL:0\nK:C\nC", r"tune X:3, line 2: L: is '0'"),
        ("X:3\nT:no key\n", r"tune X:3 has no K:"),
        (HEAD + "C0", r"line 6: column 1: a note has the length 0"),
        (HEAD + "C,,,,,,,", r"line 6: column 1: .* outside of MIDI"),
        (HEAD + "[Cz", "no ABC music|holds something|^$"),
        (HEAD + ">C", r"column 1: '>' stands before the first note"),
        (HEAD + "C & D", "laid over"),
        (
            "X:3\nQ:1/4=" + "9" * 400 + "\nK:C\nC",
            "line 2: the tempo .* and at most 60,000,000",
        ),
        ("X:3\nQ:" + "9" * 400 + "/1=1\nK:C\nC", "line 2: the tempo .* must be more than 0"),
        ("X:3\nQ:1/4=0\nK:C\nC", "line 2: the tempo '1/4=0' must be more than 0"),
        ("X:3\nL:1/" + "1" * 4000 + "x\nK:C\nC", "line 2: L: is"),
        ("", "no tune"),
        ("no abc at all", "no tune|no field"),
        ("X:1\nP:AC\nK:C\nP:A\nC", "names 'C'"),
    ],
)
def test_what_is_no_abc_is_refused_with_the_place(text, reason):
    if text.endswith("[Cz"):  # a bracket that is not closed, as the Nottingham tunes have one
        assert pitches("[Cz") == [60]
        return
    with pytest.raises(ValueError, match=reason):
        from_abc(text)


@pytest.mark.parametrize("text", [None, 3, b"X:1", ["X:1"]])
def test_only_strings_are_read(text):
    with pytest.raises(TypeError, match="string of ABC"):
        from_abc(text)


@settings(deadline=None, max_examples=200)
@given(st.text("CDEcz|:[]()12345/<>-^_=\"'&,.{}!~ \nKVPX%", max_size=40))
def test_any_text_is_read_or_refused_by_a_value_error(music):
    with contextlib.suppress(ValueError):
        assert len(from_abc(HEAD + music)) >= 1


# ---- writing


@st.composite
def melodies(draw) -> Score:
    ticks = draw(st.sampled_from([1, 7, 12, 480]))
    at, notes = 0, []
    for _ in range(draw(st.integers(1, 12))):
        at += draw(st.sampled_from([0, 0, ticks, draw(st.integers(0, 5 * ticks))]))
        duration = draw(st.integers(1, 6 * ticks))
        notes.append((at, duration, draw(st.integers(0, 127)), 90))
        at += duration

    def events(*values):
        return st.lists(st.tuples(st.integers(0, 8 * ticks), *values), max_size=2).map(sorted)

    return Score(
        [Track(notes)],
        ticks,
        draw(events(st.integers(10, 400).map(float))),
        draw(events(st.integers(1, 13), st.sampled_from([1, 2, 4, 8, 16]))),
        draw(events(st.integers(-7, 7), st.integers(0, 1))),
        draw(st.text(max_size=5)),
    )


@settings(deadline=None, max_examples=80)
@given(melodies())
def test_a_melody_that_was_written_is_read_the_same(score):
    (read,) = from_abc(to_abc(score), ticks=score.ticks)
    assert read.tracks[0].notes.tolist() == score.tracks[0].notes.tolist()


def test_bars_are_those_of_the_time_signatures():
    notes = [(i * 480, 480, 60, 90) for i in range(10)]
    text = to_abc(Score([Track(notes)], time_signatures=[(0, 3, 4), (6 * 480, 2, 4)]))
    assert text.splitlines()[-1] == "C2 C2 C2|C2 C2 C2|[M:2/4]C2 C2|C2 C2|]"


def test_signs_follow_the_key():
    notes = [(i * 480, 480, pitch, 90) for i, pitch in enumerate([66, 65, 66, 63])]
    for sharps, bar in ((1, "F2 =F2 ^F2 ^D2"), (-3, "_G2 F2 _G2 E2")):
        text = to_abc(Score([Track(notes)], key_signatures=[(0, sharps, 0)]))
        assert text.splitlines()[-1] == f"{bar}|]"


def test_notes_that_sound_together_are_no_melody():
    with pytest.raises(ValueError, match="at tick 240 a note begins while another"):
        to_abc(Score([Track([(0, 480, 60, 90), (240, 480, 64, 90)])]))


@pytest.mark.parametrize("score", [Score([]), Score([Track([(0, 1, 38, 90)], is_drum=True)])])
def test_a_score_without_a_melody_is_refused(score):
    with pytest.raises(ValueError, match="no track with notes"):
        to_abc(score)


def nottingham() -> Path:
    try:
        folder = Path(data_dir() or "", "nottingham")
    except OSError:
        pytest.skip("needs the data folder")
    if not (folder / "ABC_cleaned").is_dir():
        pytest.skip("needs nottingham in the data folder")
    return folder


@pytest.mark.slow
def test_every_tune_of_nottingham_is_read():
    files = sorted((nottingham() / "ABC_cleaned").glob("*.abc"))
    assert sum(len(from_abc(path.read_text())) for path in files) == 1034


def test_carols_are_those_of_the_midi_files():
    folder = nottingham()
    scores = {score.name: score for score in load_music("nottingham").pieces}
    tunes = from_abc((folder / "ABC_cleaned" / "xmas.abc").read_text())
    same = [
        number
        for number, tune in enumerate(tunes, start=1)
        if onsets(tune) == onsets(scores[f"MIDI/xmas{number}"])
    ]
    # In the files of the others a sign holds for one note, or " -" is no tie.
    assert same == CAROLS


def onsets(score: Score) -> list[tuple[Fraction, int]]:
    """Quarters from the first note of the melody, and pitches: the MIDI files pad the upbeat."""
    notes = score.tracks[0].notes
    return [(Fraction(int(at - notes[0, 0]), score.ticks), int(pitch)) for at, _, pitch, _ in notes]
