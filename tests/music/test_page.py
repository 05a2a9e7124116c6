"""The page with players."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from textrep.music import Score, Track, music_page
from textrep.music.midi import score_of

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
pytest.importorskip("symusic")
soundfile = pytest.importorskip("soundfile")

TUNE = Score([Track([(0, 240, 60, 90), (240, 240, 64, 90)])])
RATE = 4000


class Found(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def content(address: str) -> bytes:
    return base64.b64decode(address.partition("base64,")[2])


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    pieces = [("<b>Tune</b> & co", TUNE, 'by "nobody"'), ("A tone", wave)]
    return music_page(path, pieces, heading="<Heard>", rate=RATE).read_text("utf-8")


def test_each_piece_has_a_player_of_its_sound(page):
    players = Found(page).all("audio")
    assert len(players) == 2
    samples, rate = soundfile.read(io.BytesIO(content(players[1]["src"])))
    assert (len(samples), rate) == (RATE, RATE)
    assert np.abs(np.fft.rfft(samples)).argmax() == 440
    samples, _ = soundfile.read(io.BytesIO(content(players[0]["src"])))
    assert len(samples) >= 0.5 * RATE


def test_each_piece_has_a_picture(page):
    pictures = Found(page).all("img")
    assert [re.search(r"[a-z ]+$", each["alt"])[0].strip() for each in pictures] == [
        "piano roll", "spectrogram",
    ]  # fmt: skip
    for each in pictures:
        assert content(each["src"]).startswith(b"\x89PNG")


def test_a_score_can_be_had_as_midi(page):
    (link,) = Found(page).all("a")
    again = score_of(content(link["href"]))
    np.testing.assert_array_equal(again.tracks[0].notes, TUNE.tracks[0].notes)


def test_nothing_is_asked_of_the_network(page):
    addresses = [
        value
        for _, attributes in Found(page).tags
        for name, value in attributes.items()
        if name in ("src", "href")
    ]
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert "default-src 'none'" in page
    assert "<script" not in page


def test_titles_are_text_and_no_markup(page):
    assert "<b>" not in page
    text = "".join(Found(page).text)
    assert "<b>Tune</b> & co" in text
    assert 'by "nobody"' in text
    assert "<Heard>" in text


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([], "empty"),
        ("tune", "list of"),
        (TUNE, "list of"),
        ([TUNE], r"pieces\[0\] must be"),
        ([("a", TUNE), ("b", [np.nan])], r"pieces\[1\]"),
    ],
)
def test_what_cannot_be_shown_is_told(tmp_path, pieces, told):
    with pytest.raises(ValueError, match=told):
        music_page(tmp_path / "page.html", pieces, rate=RATE)
    assert not list(tmp_path.iterdir())
