"""HTML -> the text that it shows, whatever state the markup is in."""

from __future__ import annotations

import html
import re

# Elements that stand within a word or line; all others end one.
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rb rp "
    "rt ruby s samp small span strike strong sub sup time tt u var wbr".split()
)

# A tag ends before the next "<", so that no text can make the search start over and over. A ">"
# in quotes does not end it, unless a quote is left open.
_TAG = re.compile(
    r"""</?([a-zA-Z][^\s/<>]*)(?:(?:[^<>"']|"[^"<]*"|'[^'<]*')*+>|[^<>]*>)""",
)
_DECLARATION = re.compile(r"<(?:!|\?)[a-zA-Z\[][^<>]*>")
_HIDDEN = re.compile(r"<(script|style)\b[^<>]*>", re.IGNORECASE)
_HIDDEN_ENDS = {
    name: re.compile(rf"</{name}\b[^<>]*>", re.IGNORECASE) for name in ("script", "style")
}


def text_of_html(markup: str) -> str:
    """The text of HTML: without tags, comments, scripts and styles, its entities decoded.

    Parameters
    ----------
    markup : str
        HTML or plain text, in which ``a < b`` is no tag.

    Returns
    -------
    str
        A line break stands in the place of each tag that ends a word, such as ``<br />`` or
        ``</p>``; tags within a line, such as ``<b>``, leave no trace. What is opened and never
        closed (a comment, a tag at the end) is text.

    Examples
    --------
    >>> text_of_html("<p>So <b>m</b>uch<br />text &amp; 1 < 2</p>")
    '\\nSo much\\ntext & 1 < 2\\n'
    """
    if "<" in markup:
        if "<!--" in markup:
            markup = _without_comments(markup)
        markup = _without_hidden(markup)
        markup = _DECLARATION.sub("\n", markup)
        markup = _TAG.sub(_in_place_of, markup)
    # Last: what was written as an entity is text, not markup.
    return html.unescape(markup) if "&" in markup else markup


def _in_place_of(tag: re.Match[str]) -> str:
    return "" if tag[1].lower() in _INLINE else "\n"


def _without_comments(markup: str) -> str:
    pieces, place = [], 0
    while (start := markup.find("<!--", place)) >= 0:
        end = markup.find("-->", start + len("<!--"))
        if end < 0:
            break
        pieces.append(markup[place:start])
        place = end + len("-->")
    return "".join([*pieces, markup[place:]])


def _without_hidden(markup: str) -> str:
    pieces, place = [], 0
    open_ended: set[str] = set()  # looked for once, and not found
    for opening in _HIDDEN.finditer(markup):
        name = opening[1].lower()
        if opening.start() < place or name in open_ended:
            continue
        closing = _HIDDEN_ENDS[name].search(markup, opening.end())
        if closing is None:
            open_ended.add(name)
            continue
        pieces += [markup[place : opening.start()], "\n"]
        place = closing.end()
    return "".join([*pieces, markup[place:]])
