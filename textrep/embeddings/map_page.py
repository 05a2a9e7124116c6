"""A map of words as one HTML page that asks nothing of the network."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from textrep.embeddings.map_labels import PlacedName, place_names

if TYPE_CHECKING:
    from jinja2 import Template

    from textrep.embeddings.mapping import WordMap

WIDTH = 1000.0
LEFT, TOP, MARGIN_RIGHT, MARGIN_BOTTOM = 34.0, 10.0, 10.0, 34.0
"""Of the frame within the figure; the axes' titles stand left of it and below."""

_PADDING_X, _PADDING_Y = 60.0, 24.0
"""From the frame to the outermost points: room for their names."""

_SHORTEST, _TALLEST = 300.0, 720.0
"""Height of the frame: a map is as high as its points lie apart, within reason."""

_NO_BREAK = "\u00a0"


class Mark(NamedTuple):
    """A word on the page."""

    name: str
    x: float
    y: float
    label: PlacedName
    kind: str
    title: str


class Row(NamedTuple):
    """A word in the table below the map."""

    name: str
    times: str
    closest: str


class Frame(NamedTuple):
    """Where the figure is drawn."""

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float
    origin: tuple[float, float]


def render(word_map: WordMap) -> str:
    """The page of a map.

    Parameters
    ----------
    word_map : WordMap

    Returns
    -------
    str
        HTML without lone surrogates, so that it can be encoded.
    """
    names = word_map.names()
    points, frame = _laid_out(word_map)
    titles = [_title(name, word_map, i) for i, name in enumerate(names)]
    marked = [i for i, word in enumerate(word_map.words) if word in word_map.highlighted]
    bounds = (frame.left + 2, frame.top + 2, frame.right - 2, frame.bottom - 2)
    labels = place_names(points, names, bounds, marked)
    kinds = ["marked" if word in word_map.highlighted else "other" for word in word_map.words]
    places = points.round(1).tolist()
    marks = [
        Mark(name, x, y, label, kind, title)
        for name, (x, y), label, kind, title in zip(
            names, places, labels, kinds, titles, strict=True
        )
    ]
    # What is drawn last is drawn over the others.
    marks.sort(key=lambda mark: mark.kind == "marked")
    rows = [
        Row(name, "" if count is None else f"{count:,}", _closest(word_map, i))
        for i, (name, count) in enumerate(zip(names, word_map.counts, strict=True))
    ]
    return _template().render(
        map=word_map,
        frame=frame,
        marks=marks,
        rows=rows,
        counted=any(count is not None for count in word_map.counts),
        n_hidden=sum(not label.fits for label in labels),
        axes=word_map.axis_titles(),
    )


def _laid_out(word_map: WordMap) -> tuple[np.ndarray, Frame]:
    """The points in the figure (n, 2), and its frame."""
    low, high = word_map.points.min(axis=0), word_map.points.max(axis=0)
    spread = np.where(high > low, high - low, np.nan)
    right = WIDTH - MARGIN_RIGHT
    room_x = right - LEFT - 2 * _PADDING_X
    wanted = np.nan_to_num(room_x * spread[1] / spread[0] + 2 * _PADDING_Y, nan=_SHORTEST)
    height = float(np.clip(wanted, _SHORTEST, _TALLEST))
    scales = np.array([room_x, height - 2 * _PADDING_Y]) / spread
    if word_map.explained is not None:
        # A distance means the same in each direction; of t-SNE it means nothing anyway.
        scales[:] = np.fmin(*scales)
    flip = np.nan_to_num(scales, nan=1.0) * [1, -1]  # y grows downwards on a page
    middle = np.array([(LEFT + right) / 2, TOP + height / 2])
    centre = (low + high) / 2
    points = middle + (word_map.points - centre) * flip
    origin_x, origin_y = (middle - centre * flip).round(1).tolist()
    bottom = TOP + height
    frame = Frame(
        WIDTH, bottom + MARGIN_BOTTOM, LEFT, TOP, right, bottom, (origin_x, origin_y)
    )  # fmt: skip
    return points, frame


def _title(name: str, word_map: WordMap, i: int) -> str:
    """What is told of a word when it is pointed at."""
    count = word_map.counts[i]
    times = "" if count is None else f", {count:,} times in the text"
    return f"{name}{times}. Closest here: {_closest(word_map, i)}"


def _closest(word_map: WordMap, i: int) -> str:
    from textrep.core.messages import printable

    return ", ".join(
        f"{printable(word, 40)}{_NO_BREAK}{cosine:.2f}" for word, cosine in word_map.closest[i]
    )


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_PAGE)


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Map of {{ marks | length }} words</title>
<style>
:root {
  color-scheme: light;
  --paper: #ffffff; --panel: #f8fafc; --ink: #1b2330; --muted: #566172; --line: #d5dbe4;
  --accent: #0b5cad; --point: #8a97a8;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --paper: #12161c; --panel: #171c24; --ink: #e3e8ef; --muted: #a0acbc; --line: #303947;
    --accent: #74b9ff; --point: #7d8b9e;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans",
    sans-serif;
}
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 0.5rem; }
p { margin: 0 0 1rem; max-width: 52rem; }
figure { margin: 0; overflow-x: auto; }
figcaption, caption, .detail { color: var(--muted); font-size: 0.875rem; }
.chart { display: block; width: 100%; min-width: 40rem; height: auto; }
.chart text { font-size: 12px; fill: var(--ink); }
.chart .title { fill: var(--muted); }
.frame { fill: var(--panel); stroke: var(--line); }
.zero { stroke: var(--line); stroke-dasharray: 4 4; }
.dot { fill: var(--point); pointer-events: none; }
.dot.marked { fill: var(--accent); }
.word circle { fill: transparent; }
.word text { paint-order: stroke; stroke: var(--panel); stroke-width: 3px; \
stroke-linejoin: round; pointer-events: none; }
.word.marked text { fill: var(--accent); font-weight: 650; }
.word .hidden { visibility: hidden; }
.word:hover .hidden { visibility: visible; }
.word:hover circle { fill: var(--accent); fill-opacity: 0.3; }
.word:hover text { fill: var(--accent); }
details { margin-top: 1.5rem; }
summary { cursor: pointer; }
.scroll { overflow-x: auto; margin-top: 0.6rem; }
table { border-collapse: collapse; overflow-wrap: normal; font-size: 0.875rem; line-height: 1.35; }
caption { text-align: left; padding-bottom: 0.5rem; }
th, td { padding: 0.3rem 0.7rem 0.3rem 0; text-align: left; vertical-align: top; \
border-bottom: 1px solid var(--line); }
thead th { color: var(--muted); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 500; white-space: nowrap; }
.num { text-align: right; font-variant-numeric: tabular-nums; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
</style>
</head>
<body>
<main>
<h1>Map of {{ marks | length }} words</h1>
{% if map.method == "pca" %}
<p>Words that stand near each other have like vectors, as far as a plane can show it: the two \
directions in which these words differ most hold {{ "%.1f" | format(100 * map.explained[0] + 100 * \
map.explained[1]) }}&nbsp;% of their variance. Point at a word to see which are closest to it in \
all dimensions.</p>
{% else %}
<p>Words that stand together have like vectors. The map is made by t-SNE, which keeps neighbours \
together: distances between groups, and directions, mean nothing. Point at a word to see which are \
closest to it in all dimensions.</p>
{% endif %}
<figure>
<svg class="chart" viewBox="0 0 {{ frame.width | round(1) }} {{ frame.height | round(1) }}" \
role="img" aria-labelledby="map-title">
  <title id="map-title">Map of {{ marks | length }} words; the table below lists them</title>
  <rect class="frame" x="{{ frame.left }}" y="{{ frame.top }}" \
width="{{ (frame.right - frame.left) | round(1) }}" \
height="{{ (frame.bottom - frame.top) | round(1) }}" rx="4"/>
  {% if map.explained is not none %}
  <line class="zero" x1="{{ frame.left }}" x2="{{ frame.right }}" y1="{{ frame.origin[1] }}" \
y2="{{ frame.origin[1] }}"/>
  <line class="zero" x1="{{ frame.origin[0] }}" x2="{{ frame.origin[0] }}" y1="{{ frame.top }}" \
y2="{{ frame.bottom | round(1) }}"/>
  <text class="title" x="{{ (frame.left + frame.right) / 2 }}" \
y="{{ (frame.bottom + 22) | round(1) }}" text-anchor="middle">{{ axes[0] }}</text>
  <text class="title" transform="translate(20 {{ ((frame.top + frame.bottom) / 2) | round(1) }}) \
rotate(-90)" text-anchor="middle">{{ axes[1] }}</text>
  {% endif %}
  {% for mark in marks %}
  <g class="word {{ mark.kind }}"><title>{{ mark.title }}</title><circle \
cx="{{ mark.x }}" cy="{{ mark.y }}" r="9"/><text{% if not mark.label.fits %} class="hidden"\
{% endif %} x="{{ mark.label.x }}" y="{{ mark.label.y }}" text-anchor="{{ mark.label.anchor }}">\
{{ mark.name }}</text></g>
  {% endfor %}
  {# Over the names, so that none hides a dot. #}
  {% for mark in marks %}
  <circle class="dot {{ mark.kind }}" cx="{{ mark.x }}" cy="{{ mark.y }}" \
r="{{ 4 if mark.kind == "marked" else 3 }}"/>
  {% endfor %}
</svg>
{% if n_hidden %}
<figcaption>{{ n_hidden }} word{{ "s" if n_hidden != 1 }} without room for a name: point at the \
dots, or see the table.</figcaption>
{% endif %}
</figure>
<details>
<summary>All words, and the closest on the map</summary>
<div class="scroll" tabindex="0" role="region" aria-label="All words">
<table>
<caption>Cosines between vectors in all dimensions, 1 for the same direction</caption>
<thead><tr><th scope="col">word</th>{% if counted %}<th scope="col" class="num">count</th>\
{% endif %}<th scope="col">closest on the map</th></tr></thead>
<tbody>
{% for row in rows %}
<tr><th scope="row"><bdi>{{ row.name }}</bdi></th>{% if counted %}<td class="num">{{ row.times }}\
</td>{% endif %}<td>{{ row.closest }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
</details>
</main>
</body>
</html>
"""
