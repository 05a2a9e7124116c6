"""Words in the plane: which, where, and the page that shows them."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.embeddings import OneHotEmbedder, StaticEmbedder, WordMap, WordVectors, map_words
from textrep.embeddings.map_labels import LINE_HEIGHT, place_names
from textrep.embeddings.subword_vectors import NgramTable, SubwordVectors
from textrep.embeddings.subwords import subwords_of

ODD = ["<script>alert(1)</script>", "a\ud800b", "日本語", "مرحبا", "\"&amp;'", "x" * 300, "$a_b$"]


def word_vectors(n_words=40, dim=8, seed=0, words=None, counts=None):
    matrix = np.random.default_rng(seed).normal(size=(n_words, dim)).astype(np.float32)
    return WordVectors(
        words or [f"word{chr(97 + i)}" for i in range(n_words)], matrix, counts=counts
    )


def two_groups(n=10):
    """Words around two directions, even ones around the first."""
    random = np.random.default_rng(0)
    matrix = 0.1 * random.normal(size=(2 * n, 6))
    matrix[::2, 0] += 1
    matrix[1::2, 1] += 1
    return WordVectors([f"w{chr(97 + i)}" for i in range(2 * n)], matrix.astype(np.float32))


# ---- places


def test_pca_is_the_singular_value_decomposition_of_centred_unit_vectors():
    vectors = word_vectors()
    word_map = map_words(vectors, vectors.words)
    units = vectors.matrix.astype(float)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    centred = units - units.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(word_map.points), np.abs(left[:, :2] * values[:2]), atol=1e-6)
    np.testing.assert_allclose(word_map.explained, (values**2 / (values**2).sum())[:2], rtol=1e-6)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_groups_of_like_words_are_apart(method):
    vectors = two_groups()
    points = map_words(vectors, vectors.words, method=method).points
    distances = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    assert (nearest % 2 == np.arange(20) % 2).all()


def test_the_same_seed_gives_the_same_map_and_no_global_seed_is_touched():
    vectors = two_groups()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one, two = (map_words(vectors, vectors.words, method="tsne", random_state=3) for _ in range(2))
    np.testing.assert_array_equal(one.points, two.points)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize(("n_words", "dim"), [(2, 5), (2, 1), (3, 2), (5, 1)])
def test_few_words_and_few_dimensions_have_a_map(method, n_words, dim):
    vectors = word_vectors(n_words, dim)
    word_map = map_words(vectors, vectors.words, method=method)
    assert word_map.points.shape == (n_words, 2)
    assert np.isfinite(word_map.points).all()


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_words_that_are_all_alike_are_in_one_place(method, value, tmp_path):
    vectors = WordVectors(["so", "much"], np.full((2, 3), value, dtype=np.float32))
    word_map = map_words(vectors, ["so", "much"], method=method)
    assert not word_map.points.any()
    assert word_map.to_html(tmp_path / "map.html").exists()


def test_closest_words_are_those_of_all_dimensions():
    vectors = word_vectors(12)
    word_map = map_words(vectors, vectors.words)
    for word, closest in zip(word_map.words, word_map.closest, strict=True):
        expected = vectors.most_similar(word, topn=5)
        assert [other for other, _ in closest] == [other for other, _ in expected]
        np.testing.assert_allclose([c for _, c in closest], [c for _, c in expected], atol=1e-6)


# ---- which words


def test_without_words_the_most_frequent_content_words_are_taken():
    words = ["the", "king", "of", "1066", "x", "The", "queen", "castle", "sword"]
    vectors = word_vectors(9, words=words, counts=range(90, 0, -10))
    word_map = map_words(vectors, topn=3)
    assert word_map.words == ["king", "queen", "castle"]
    assert word_map.counts == [80, 30, 20]


def test_repeated_words_count_once_and_highlighted_ones_are_marked():
    vectors = word_vectors(5)
    word_map = map_words(vectors, ["worda", "wordb", "worda"], highlight=["wordb", "worde"])
    assert word_map.words == ["worda", "wordb"]
    assert word_map.highlighted == {"wordb"}
    assert len(word_map) == 2


def test_an_embedder_and_its_vectors_give_the_same_map():
    vectors = word_vectors(6)
    embedder = StaticEmbedder(vectors=vectors).fit(["worda wordb"])
    expected = map_words(vectors, vectors.words).points
    np.testing.assert_array_equal(map_words(embedder, vectors.words).points, expected)


def test_one_hot_vectors_are_all_as_far_from_each_other():
    embedder = OneHotEmbedder(min_count=1).fit(["so much text", "so little time"])
    word_map = map_words(embedder, embedder.vectors_.words)
    assert {cosine for closest in word_map.closest for _, cosine in closest} == {0.0}
    # Five words span four directions, which differ alike.
    assert word_map.explained == pytest.approx((0.25, 0.25))


def test_unseen_words_have_a_place_where_vectors_know_their_parts():
    found = subwords_of(["king", "ring"], min_n=2, max_n=3, bucket=1000)
    buckets = np.unique(found.buckets)
    rows = np.random.default_rng(0).normal(size=(len(buckets), 4)).astype(np.float32)
    table = NgramTable(2, 3, 1000, buckets, rows)
    matrix = np.eye(2, 4, dtype=np.float32)
    vectors = SubwordVectors(["king", "ring"], matrix, ngrams=table, counts=[5, 2])
    word_map = map_words(vectors, ["king", "ring", "kings"])
    assert word_map.counts == [5, 2, None]
    assert word_map.closest[2][0][1] == pytest.approx(
        max(vectors.similarity("kings", other) for other in ("king", "ring")), abs=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"words": ["worda"]}, ValueError, "at least two words, got 1 different words"),
        ({"words": ["worda", "worda"]}, ValueError, "at least two words, got 1"),
        ({"words": []}, ValueError, "at least two words, got 0"),
        ({"topn": 1}, ValueError, "at least two words, got 1 content words"),
        ({"topn": 0}, ValueError, "topn must be an integer of at least 1"),
        ({"words": "worda"}, TypeError, "words must be a sequence of str"),
        ({"words": ["worda", None]}, TypeError, "a word must be a str, got None"),
        ({"words": ["worda", "wordd", "wrodb"]}, KeyError, "'wrodb' is not in the vocabulary"),
        ({"words": ["worda", ""]}, KeyError, "'' is not in the vocabulary"),
        ({"words": map(str, range(2001))}, ValueError, "2,001 words cannot be read"),
        ({"method": "umap"}, ValueError, "method must be 'pca' or 'tsne', got 'umap'"),
        ({"highlight": "worda"}, TypeError, "highlight must be a sequence of str"),
        ({"random_state": -1, "method": "tsne"}, ValueError, "-1"),
    ],
)
def test_bad_input_gets_a_clear_error(arguments, error, message):
    with pytest.raises(error, match=message):
        map_words(word_vectors(5), **arguments)


def test_what_is_no_vectors_is_refused():
    with pytest.raises(TypeError, match="vectors must be WordVectors or a fitted embedder"):
        map_words({"a": 1})
    with pytest.raises(ValueError, match="is not fitted yet"):
        map_words(StaticEmbedder())
    broken = np.ones((2, 2), dtype=np.float32)
    broken[1, 0] = np.nan
    with pytest.raises(ValueError, match="the vector of 'b' has NaN"):
        map_words(WordVectors(["a", "b"], broken), ["a", "b"])


# ---- names beside points


@given(
    st.lists(st.tuples(st.floats(0, 300), st.floats(0, 200)), min_size=1, max_size=40),
    st.integers(0, 12),
)
def test_names_that_fit_cover_no_other_and_stay_inside(points, length):
    names = ["n" * (1 + length)] * len(points)
    placed = place_names(np.array(points), names, (0, 0, 300, 200))
    width = 7.3 * len(names[0])
    boxes = []
    for name in placed:
        if name.fits:
            left = name.x - {"start": 0, "middle": width / 2, "end": width}[name.anchor]
            boxes.append((left, name.y + 3 - LINE_HEIGHT, left + width, name.y + 3))
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert min(left, top) > -0.2
        assert right < 300.2
        assert bottom < 200.2
        for other_left, other_top, other_right, other_bottom in boxes[:i]:
            aside = left >= other_right - 0.2 or other_left >= right - 0.2
            assert aside or top >= other_bottom - 0.2 or other_top >= bottom - 0.2


def test_names_of_the_first_get_their_place_in_a_crowd():
    points = np.tile([150.0, 100.0], (60, 1))
    placed = place_names(points, ["name"] * 60, (0, 0, 300, 200), first=[59])
    assert placed[59].fits
    assert not all(name.fits for name in placed)


# ---- the page


class Page(HTMLParser):
    """Tags and the text of titles."""

    def __init__(self, source):
        super().__init__()
        self.tags = []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def figure_of(source):
    return ElementTree.fromstring(re.search(r"<svg.*?</svg>", source, re.DOTALL).group())


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_every_word_is_on_the_page_as_it_is_written(method, tmp_path):
    vectors = word_vectors(len(ODD), words=ODD, counts=range(7, 0, -1))
    word_map = map_words(vectors, ODD, method=method, highlight=ODD[:1])
    source = word_map.to_html(tmp_path / "map.html").read_text("utf-8")
    figure = figure_of(source)
    words = figure.findall("g")
    # A highlighted word is drawn last, over the others.
    names = [*word_map.names()[1:], word_map.names()[0]]
    assert [group.find("text").text for group in words] == names
    assert words[-1].get("class") == "word marked"
    assert "<script>alert(1)</script>, 7 times in the text" in words[-1].find("title").text
    assert word_map.names()[1] == "a\\ud800b"


def test_the_page_runs_no_script_and_asks_nothing_of_the_network(tmp_path):
    vectors = word_vectors(len(ODD), words=ODD)
    source = map_words(vectors, ODD).to_html(tmp_path / "map.html").read_text("utf-8")
    page = Page(source)
    assert not {"script", "img", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    addresses = [a.get(name) for _, a in page.tags for name in ("src", "href") if a.get(name)]
    assert addresses == ["data:,"]
    assert "url(" not in source
    assert "@import" not in source
    policy = next(a["content"] for tag, a in page.tags if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in source


def test_a_pca_has_one_scale_and_says_how_much_it_shows(tmp_path):
    vectors = word_vectors(30)
    word_map = map_words(vectors, vectors.words)
    source = word_map.to_html(tmp_path / "map.html").read_text("utf-8")
    for share in word_map.explained:
        assert f"{100 * share:.1f} % of the variance" in source
    circles = figure_of(source).findall("circle")
    drawn = np.array([[float(c.get("cx")), float(c.get("cy"))] for c in circles])
    scale = np.ptp(drawn, axis=0) / np.ptp(word_map.points, axis=0)
    assert scale[0] == pytest.approx(scale[1], rel=1e-3)
    # Upwards is up.
    assert word_map.points[:, 1].argmax() == drawn[:, 1].argmin()
    centre = figure_of(source).findall("line")
    assert float(centre[0].get("y1")) == pytest.approx(drawn[:, 1].mean(), abs=0.2)


def test_points_stay_within_the_frame(tmp_path):
    vectors = word_vectors(40)
    for method in ("pca", "tsne"):
        path = map_words(vectors, vectors.words, method=method).to_html(tmp_path / "map.html")
        figure = figure_of(path.read_text("utf-8"))
        frame = {name: float(value) for name, value in figure.find("rect").items() if name in "xy"}
        width, height = (float(figure.find("rect").get(name)) for name in ("width", "height"))
        for circle in figure.findall("circle"):
            assert frame["x"] < float(circle.get("cx")) < frame["x"] + width
            assert frame["y"] < float(circle.get("cy")) < frame["y"] + height


def test_a_map_that_cannot_be_written_leaves_the_file_that_was_there(tmp_path):
    word_map = map_words(word_vectors(5), ["worda", "wordb"])
    with pytest.raises(OSError, match="does not exist"):
        word_map.to_html(tmp_path / "no" / "map.html")
    with pytest.raises(IsADirectoryError):
        word_map.to_html(tmp_path)


# ---- matplotlib


def test_matplotlib_draws_every_word():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib.figure import Figure

    vectors = word_vectors(len(ODD), words=ODD)
    word_map = map_words(vectors, ODD, highlight=ODD[:1])
    ax = Figure().subplots()
    assert word_map.plot(ax) is ax
    assert [text.get_text() for text in ax.texts] == word_map.names()
    drawn = np.vstack([part.get_offsets() for part in ax.collections])
    assert len(drawn) == len(ODD)
    assert "% of the variance" in ax.get_xlabel()


def test_without_matplotlib_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ModuleNotFoundError, match="pip install matplotlib"):
        map_words(word_vectors(5), ["worda", "wordb"]).plot()


def test_a_map_says_what_it_is():
    vectors = word_vectors(5)
    assert isinstance(map_words(vectors, vectors.words), WordMap)
    assert repr(map_words(vectors, vectors.words, method="tsne")) == "<WordMap: 5 words, tsne>"
