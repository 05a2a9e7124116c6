"""HTML to text, beside the parser of the standard library."""

from __future__ import annotations

import html
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.preprocess.markup import text_of_html


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a<br />b<br>c<BR/>d", "a\nb\nc\nd"),
        ("<p>one</p><p>two</p>", "\none\n\ntwo\n"),
        ("so <b>m</b>uch", "so much"),
        ("<B>loud</B>er", "louder"),
        ("<a href=\"x>y\" title='a>b'>link</a>", "link"),
        ("<a title=don't>link</a>", "link"),
        ("<td>1</td><td>2</td>", "\n1\n\n2\n"),
        ("x<!-- a <b> comment --->y", "xy"),
        ("x<!---->y", "xy"),
        ("a<script>if (x < 3) { '</b>' }</script>b", "a\nb"),
        ("a<STYLE type='text/css'>p > b {}</style >b", "a\nb"),
        ("<!DOCTYPE html><?xml version='1.0'?>text", "\n\ntext"),
        ("&lt;b&gt; &amp;amp; caf&eacute; &#233; &#x1F642; &nbsp;", "<b> &amp; café é 🙂 \xa0"),
        ("AT&T; R&D &unknown; 100% & more", "AT&T; R&D &unknown; 100% & more"),
    ],
)
def test_markup_goes_and_text_stays(markup, text):
    assert text_of_html(markup) == text


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "1<2 and 3>2",
        "i <3 you",
        "x <- y -> z",
        "<",
        "a <",
        "an open <b",
        "an open <a href='x",
        "x <!-- never closed",
        "<>",
        "</>",
        "a <= b",
        "<\ud800>",
    ],
)
def test_text_that_is_no_markup_survives(text):
    assert text_of_html(text) == text


def test_what_is_never_closed_hides_nothing():
    assert text_of_html("a <script> b") == "a \n b"
    assert text_of_html("a <script> b </style> c <style> d </script> e").split() == ["a", "e"]


class Peer(HTMLParser):
    def __init__(self):
        super().__init__()
        self.pieces = []
        self.hidden = 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style")

    def handle_data(self, text):
        if not self.hidden:
            self.pieces.append(text)


def words_of_peer(markup):
    peer = Peer()
    peer.feed(markup)
    peer.close()
    return "".join(peer.pieces).split()


TEXT = st.text(alphabet="abé文 .,-'\"&=/!").map(html.escape)
NAMES = st.sampled_from(["b", "i", "span", "a", "em"])
ATTRIBUTES = st.sampled_from(["", " class=x", ' title="a > b"', " id='y'", " hidden"])


def element(children):
    built = st.builds(
        lambda name, attributes, inner: f"<{name}{attributes}>{''.join(inner)}</{name}>",
        NAMES,
        ATTRIBUTES,
        st.lists(children, max_size=3),
    )
    hidden = st.sampled_from(
        ["<!-- a comment -->", "<script>var a = 'b';</script>", "<style>p {}</style>", "<wbr>"]
    )
    return st.one_of(built, hidden.map(lambda markup: f" {markup} "))


@given(st.lists(st.recursive(TEXT, element), max_size=4).map("".join))
def test_well_formed_html_has_the_words_that_the_standard_parser_finds(markup):
    assert text_of_html(markup).split() == words_of_peer(markup)


@given(st.text(alphabet="<>/!-?abrscript \"'&;#=x3\n"))
def test_any_text_is_taken_and_text_without_markup_is_kept(text):
    answer = text_of_html(text)
    assert isinstance(answer, str)
    if "<" not in text:
        assert answer == html.unescape(text)


@pytest.mark.parametrize(
    "piece",
    ["<", "<a ", "<!--", "<script>", "<style>", "<a '", '<a "', "</", "<!a", "&", "&#", "<a b='>"],
)
def test_steps_grow_with_the_length_of_broken_markup_not_its_square(piece):
    def steps(repeats):
        count = 0

        def tracer(frame, event, argument):
            nonlocal count
            count += 1

        sys.setprofile(tracer)
        try:
            text_of_html(piece * repeats)
        finally:
            sys.setprofile(None)
        return count

    assert steps(2000) <= 2.5 * steps(1000) + 100


def test_broken_markup_of_a_megabyte_is_done_with():
    # A search that starts over at every opening would take hours.
    for piece in ("<!--", "<script>", "<a '", '<a "x', "<!a", "<style><script>"):
        assert isinstance(text_of_html(piece * (2**20 // len(piece))), str)
