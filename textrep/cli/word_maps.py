"""`--map` of the commands on word vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textrep.cli.output import fail
from textrep.cli.target import check_target

if TYPE_CHECKING:
    from textrep.embeddings import WordVectors

PROJECTIONS = ("pca", "tsne")


def check_map(target: Path | None, projection: str, others: dict[str, object]) -> None:
    """End the program if a map cannot be written, or is not asked for by those who describe it.

    Parameters
    ----------
    target : Path or None
        Of ``--map``.
    projection : str
        Of ``--projection``.
    others : dict of str to object
        Options that are only for a map, by name; those that are None were left out.

    Raises
    ------
    typer.Exit
    """
    if projection not in PROJECTIONS:
        fail(f"--projection is {projection!r}; expected {' or '.join(PROJECTIONS)}")
    if target is not None:
        check_target("--map", target, None)
        return
    for option, value in others.items():
        if value is not None:
            fail(f"{option} is for a map; give --map too")


def listed_words(words: str | None, file: Path | None) -> list[str]:
    """Words that are named on the command line, and those of a file.

    Parameters
    ----------
    words : str or None
        Separated by commas.
    file : Path or None
        UTF-8, a word on each line; blank lines are passed over.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        When the file cannot be read.

    Examples
    --------
    >>> listed_words("so, much,,text", None)
    ['so', 'much', 'text']
    """
    from textrep.data.readers.lines import read_line_texts

    given = [] if words is None else words.split(",")
    lines = [] if file is None else read_line_texts(file, blank="skip")
    return [word for word in map(str.strip, [*given, *lines]) if word]


def write_map(
    vectors: WordVectors,
    target: Path,
    projection: str,
    *,
    words: Sequence[str] | None = None,
    topn: int = 100,
    highlight: Sequence[str] = (),
    seed: int = 0,
) -> str:
    """Write a map, and say so.

    Parameters
    ----------
    vectors : WordVectors
    target : Path
    projection : {"pca", "tsne"}
    words, topn, highlight :
        As for `map_words`.
    seed : int, default=0

    Returns
    -------
    str
        A line about what was written.
    """
    from textrep.embeddings import map_words

    word_map = map_words(
        vectors, words, topn=topn, method=projection, highlight=highlight, random_state=seed
    )
    word_map.to_html(target)
    return f"Map of {len(word_map):,} words: {target}"
