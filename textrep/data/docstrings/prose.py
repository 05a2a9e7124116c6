"""From a docstring to its English prose.

A docstring mixes prose with signatures, parameter names and types, doctests, code and markup. Only
the sentences are wanted: what is left over would give a document's package away by its notation
rather than by what it says.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache

# numpydoc sections that hold no sentences of their own.
_DROPPED_SECTIONS = frozenset(
    {"examples", "example", "references", "see also", "citation", "usage"}
)
# numpydoc sections made of `name : type` lines with the sentences indented below them.
_ITEM_SECTIONS = frozenset(
    {
        *("parameters", "parameter", "other parameters", "args", "arguments", "keyword arguments"),
        *("returns", "return", "yields", "receives", "raises", "warns", "attributes", "methods"),
    }
)
# Directives whose indented body is prose; the body of any other directive is dropped.
_PROSE_DIRECTIVES = frozenset({"note", "warning", "tip", "important", "caution", "admonition"})

_UNDERLINE = re.compile(r"[-=~^*]{3,}\s*$")
_GOOGLE_SECTION = re.compile(
    r"(args|arguments|returns?|raises|yields|attributes|examples?):\s*$", re.IGNORECASE
)
_DIRECTIVE = re.compile(r"\.\.\s+(?:([\w-]+)::|\[|_|\|)?")
_FIELD = re.compile(r"\s*[:@](?:type|rtype|returntype)\b|\s*\w+ *= *\S*$")
_FIELD_NAME = re.compile(
    r"^[ \t]*[:@][a-z]+(?:[ \t]+[^:\n]{1,60})?:[ \t]*|^\s*[-*+o][ \t]+", re.MULTILINE
)
_SIGNATURE = re.compile(r"\s*[\w.]+\([^)]*\)?[^.]{0,80}$")
_TABLE = re.compile(r"\s*(?:[=+|-]{2,}[\s=+|-]*$|\|.*\||\+[-=+]+)")
_ITEM = re.compile(r"\s*[\w.*, ()'\"`-]{1,60}\s*(?:--|:|=>?)\s+")

_MARKUP = re.compile(
    r"""``.*?``                        # literals
      | :[\w:+-]+:`[^`]*`              # roles
      | `[^`]*`_{0,2}                  # names and links
      | \$[^$]*\$                      # formulas
      | \[[^\]\s]{1,30}\]_             # citations
      | %\([^)]*\)s                    # templates
      | \{[^}]*\}
      | <[^<>\s][^<>]*>                # tags, objects, mail addresses
      | \w+://\S+ | www\.\S+ | \S+@\S+
      | \|[^|\n]{1,40}\|               # substitutions
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*$")
_CAMEL = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]|^[A-Z][a-z]+[A-Z]")
_EDGE = "\"'“”‘’*([,;:.!?)]"
_SENTENCE_END = re.compile(r"[.!?,;:]+$")

# A line with a larger share of these than prose ever has is code, a formula or a table.
_SYMBOLS = re.compile(r"[()\[\]{}=<>_+*/|\\^%$#@~&]")
_MAX_SYMBOL_SHARE = 0.10


def clean(docstring: str, hidden: AbstractSet[str] = frozenset()) -> str:
    r"""Return the English sentences of a docstring.

    Parameters
    ----------
    docstring : str
        The text as it stands in the source.
    hidden : set of str, default=frozenset()
        Lower-case words to leave out, such as those of the label.

    Returns
    -------
    str
        Words and their punctuation, separated by single spaces; may be empty.

    Examples
    --------
    >>> clean('''Sort a list in place.
    ...
    ...     Parameters
    ...     ----------
    ...     key : callable
    ...         Gives what is compared, see `sorted`.
    ...
    ...     Examples
    ...     --------
    ...     >>> [3, 1].sort()
    ...     ''', hidden={"list"})
    'Sort a in place. Gives what is compared, see.'
    """
    lines = _without_code(inspect.cleandoc(docstring).splitlines())
    text = "\n".join(_sentences(list(lines)))
    text = _MARKUP.sub(" ", _FIELD_NAME.sub("", text))
    return " ".join(_words(text, hidden))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _without_code(lines: list[str]) -> Iterator[str]:
    """Drop doctests, directives and the indented blocks that follow a double colon."""
    block: int | None = None  # indentation of the line that opened a block of code
    doctest = False
    for line in lines:
        stripped = line.strip()
        if not stripped:
            doctest = False
            yield ""
            continue
        if block is not None:
            if _indent(line) > block:
                continue
            block = None
        if doctest or stripped.startswith((">>>", "$ ", "% ")):
            doctest = True
            continue
        if stripped.startswith(".."):
            directive = _DIRECTIVE.match(stripped)
            name = directive.group(1) if directive else None
            if name not in _PROSE_DIRECTIVES:
                block = _indent(line)
            continue
        if stripped.endswith("::"):
            block = _indent(line)
            line = line.rstrip().removesuffix("::") + ":"
        yield line


def _sentences(lines: list[str]) -> Iterator[str]:
    """Keep the lines that read as prose, section by section."""
    section = ""
    for i, line in enumerate(lines):
        following = lines[i + 1] if i + 1 < len(lines) else ""
        if not line.strip():
            yield ""
        elif _UNDERLINE.match(line.strip()):
            continue
        elif following.strip() and _UNDERLINE.match(following.strip()):
            section = line.strip().lower()
        elif _GOOGLE_SECTION.match(line.strip()):
            section = line.strip().lower().rstrip(":")
        elif section in _DROPPED_SECTIONS:
            continue
        elif section in _ITEM_SECTIONS and _indent(line) == 0:
            yield ""
        elif _reads_as_prose(line):
            yield _ITEM.sub("", line, count=1) if _starts_item(line) else line


def _starts_item(line: str) -> bool:
    """Whether a line opens with a name and a mark: `axis : the one to sort along`."""
    match = _ITEM.match(line)
    return match is not None and len(match.group().split()) <= 3


def _reads_as_prose(line: str) -> bool:
    stripped = line.strip()
    # An arrow belongs to a signature, a gap to a table.
    if "->" in stripped or "   " in stripped:
        return False
    if _TABLE.match(stripped) or _FIELD.match(stripped) or _SIGNATURE.match(stripped):
        return False
    if not _SYMBOLS.search(stripped):
        return True
    bare = _MARKUP.sub(" ", stripped).strip()
    return len(_SYMBOLS.findall(bare)) <= _MAX_SYMBOL_SHARE * max(len(bare), 1)


def _words(text: str, hidden: AbstractSet[str]) -> Iterator[str]:
    """Words of a text with their punctuation, without identifiers, numbers and `hidden`."""
    pending = ""
    for token in text.split():
        word, mark = _word_and_mark(token)
        if word and hidden.isdisjoint(word.lower().split("-")):
            if pending:
                yield pending
            pending = word + mark
        elif mark and pending and pending[-1].isalpha():
            # The word went but the sentence still ends here.
            pending += mark
    if pending:
        yield pending


@lru_cache(maxsize=1 << 16)  # a corpus holds the same tokens over and over
def _word_and_mark(token: str) -> tuple[str, str]:
    """The word in a token, empty for an identifier or a number, and the mark behind it."""
    core = token.strip(_EDGE)
    end = _SENTENCE_END.search(token)
    word = core if _WORD.match(core) and not _CAMEL.search(core) else ""
    return word, end.group()[0] if end else ""
