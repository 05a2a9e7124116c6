"""Write a tune: an LSTM learns melodies and goes on alone, as MIDI, as sound and as a page.

    python examples/tune.py --out tunes

It learns from the tunes that come with textrep. The page has a player and a piano roll for each
tune and opens in any browser, offline.
"""

from __future__ import annotations

from collections.abc import Sequence

from gallery import options

from textrep.music import (
    MelodyLSTM,
    load_music,
    music_page,
    synthesize,
    write_midi,
    write_wave,
)

RATE = 22_050  # samples a second


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn, write, play."""
    chosen = options(__doc__ or "", arguments)
    model = MelodyLSTM(
        hidden_size=48 if chosen.quick else 128,
        epochs=6 if chosen.quick else 25,
        learning_rate=0.01,
        transpose=True,
        device="cpu",
        random_state=0,
    )
    known, unknown = (load_music("tunes", part=part).pieces for part in ("train", "test"))
    model.fit(known)
    first, last = model.history_[0]["loss"], model.history_[-1]["loss"]
    print(f"{len(known)} tunes, nats a note: {first:.2f} at first, {last:.2f} when learnt")
    print(f"{len(unknown)} tunes that it has not read: {model.nats_per_note(unknown):.2f}")

    n_tunes, max_notes = (1, 16) if chosen.quick else (4, 60)
    melodies = model.sample(n_tunes, max_notes=max_notes, temperature=0.8, random_state=0)
    scores = model.to_scores(melodies, program=73)  # a flute, in General MIDI
    for number, score in enumerate(scores, start=1):
        write_midi(score, chosen.out / f"tune-{number}.mid")
        write_wave(chosen.out / f"tune-{number}.wav", synthesize(score, rate=RATE), RATE)
        print(f"tune {number}: {len(score.tracks[0].notes)} notes")
    page = chosen.out / "tunes.html"
    print(music_page(page, [(f"Tune {i}", score) for i, score in enumerate(scores, start=1)]))


if __name__ == "__main__":
    main()
