"""Documents of a named corpus: which of its files are read, and how, as its card says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from textrep.core.messages import shown
from textrep.data.cards import Card, CardFile
from textrep.data.errors import DataError
from textrep.data.readers.folders import no_part
from textrep.data.readers.further import no_columns
from textrep.data.readers.jsonl import open_jsonl
from textrep.data.readers.labelled import open_aligned, open_lines, open_table
from textrep.data.readers.parquet import open_parquet
from textrep.data.readers.paths import Asked, Decisions, Item, Stream, open_folders, open_table_file
from textrep.data.readers.reading import Reading
from textrep.data.readers.source import file_source
from textrep.data.store import locate

_OPENERS: dict[str, Callable[..., Reading]] = {
    "table": open_table,
    "lines": open_lines,
    "jsonl": open_jsonl,
    "parquet": open_parquet,
}
_OPTIONS: dict[str, set[str]] = {
    "folders": {"encoding", "classes"},
    "table": {"encoding", "delimiter", "quoting", "header", "text", "label"},
    "lines": {"encoding", "blank"},
    "jsonl": {"encoding", "text", "label"},
    "parquet": {"text", "label"},
}


class _Files(NamedTuple):
    """A file of texts, the file of their labels or None, and the part that they are."""

    texts: CardFile
    labels: CardFile | None
    part: str | None


def open_card(card: Card, asked: Asked) -> Stream:
    """Read a named corpus.

    Parameters
    ----------
    card : Card
        Of the corpus.
    asked : Asked
        What is wanted of it; only files that are needed for `split` are looked for.

    Returns
    -------
    Stream

    Raises
    ------
    DataError
        When the corpus holds no texts or not the part that is asked for, a file is not here, or a
        setting means nothing to it; and, as the documents are read, whatever its reader refuses.
    """
    if asked.text is not None or asked.label is not None:
        raise DataError(
            f"text and label are for tables; where those of corpus {card.name!r} are, its card says"
        )
    if card.reader == "docstrings":
        return _docstrings(card, asked)
    if card.reader == "files":
        raise DataError(
            f"corpus {card.name!r} is not one of labelled or running texts: {card.title}, for "
            f"{card.task}; 'textrep data fetch {card.name}' gets its files"
        )
    options = _options(card, asked)
    chosen = _chosen(card, asked.split)
    # All are looked for before the first is read: what is missing is said at once.
    paths = {file: locate(card, file) for each in chosen for file in each[:2] if file is not None}
    stream = Stream(iter(()), source=_common([paths[each.texts] for each in chosen]))
    if card.reader == "folders":
        stream.items = _folders(chosen, paths, asked, options)
    else:
        stream.items = _rows(card, chosen, paths, asked, options, stream.decisions)
    return stream


def _docstrings(card: Card, asked: Asked) -> Stream:
    if asked.encoding is not None:
        raise DataError(
            f"encoding is for files, and corpus {card.name!r} is built from Python sources, "
            "which state their own; leave it out"
        )
    if asked.split is not None:
        raise no_part(asked.split, card.name, ())
    no_columns(asked.columns, f"corpus {card.name!r}")
    # Imported here: building a corpus is a job of its own that readers of files never need.
    from textrep.data.docstrings.cache import load_docstrings

    corpus = load_docstrings(card)
    labels = corpus.labels or ()
    items = ((text, label, None, ()) for text, label in zip(corpus.texts, labels, strict=True))
    return Stream(items, Decisions(list(corpus.notes)), corpus.source, corpus.versions)


def _options(card: Card, asked: Asked) -> dict[str, Any]:
    options = dict(card.options)
    if unknown := sorted(options.keys() - _OPTIONS[card.reader]):
        raise DataError(
            f"the card of corpus {card.name!r} has the option {shown(unknown[0])}, which the "
            f"reader {card.reader!r} does not know"
        )
    if asked.encoding is not None:
        if card.reader == "parquet":
            raise DataError(f"encoding is for text files, and {card.name!r} is Parquet")
        options["encoding"] = asked.encoding
    # A card says which column holds the labels, or there are none.
    if card.reader in ("table", "jsonl", "parquet"):
        options.setdefault("label", False)
        options["columns"] = asked.columns
    else:
        no_columns(asked.columns, f"corpus {card.name!r}")
    return options


def _chosen(card: Card, split: str | None) -> list[_Files]:
    """Files of texts with those of their labels, of one part or of all."""
    labels = [file for file in card.files if file.role == "labels"]
    texts = [file for file in card.files if file.role == "texts"]
    splits = {file.split for file in texts}
    if not texts or ("" in splits and len(splits) > 1):
        raise DataError(f"the card of corpus {card.name!r} does not say which part each file is")
    if split is not None and splits != {""}:
        if split not in splits:
            raise no_part(split, card.name, splits)
        texts = [file for file in texts if file.split == split]
    chosen = []
    for file in texts:
        own = next((other for other in labels if other.split == file.split), None)
        if own is not None:
            labels.remove(own)
        chosen.append(_Files(file, own, file.split or None))
    if len({each.labels is None for each in chosen}) > 1:
        raise DataError(f"the card of corpus {card.name!r} gives labels to some of its files only")
    return chosen


def _folders(
    chosen: list[_Files], paths: Mapping[CardFile, Path], asked: Asked, options: dict[str, Any]
) -> Iterator[Item]:
    classes = options.get("classes")
    for file, _, part in chosen:
        # A part that a file is cannot be found inside it.
        own = Asked(
            split=None if part else asked.split,
            encoding=options.get("encoding"),
            in_order=asked.in_order,
        )
        for text, label, inner, values in open_folders(paths[file], own, classes).items:
            yield text, label, (part or inner) if asked.split is None else None, values


def _rows(
    card: Card,
    chosen: list[_Files],
    paths: Mapping[CardFile, Path],
    asked: Asked,
    options: dict[str, Any],
    decisions: Decisions,
) -> Iterator[Item]:
    for file, labels, part in chosen:
        if part is None and asked.split is not None:
            raise no_part(asked.split, card.name, ())
        own = part if asked.split is None else None
        with open_table_file(paths[file]) as source:
            if labels is None:
                reading = _OPENERS[card.reader](source, **options)
            else:
                no_columns(asked.columns, f"corpus {card.name!r}")
                encoding = options.get("encoding", "utf-8")
                reading = open_aligned(source, file_source(paths[labels]), encoding=encoding)
            for text, label, values in decisions.take(
                reading, source.where, asked.columns is not True
            ):
                yield text, label, own, values


def _common(paths: list[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else os.path.commonpath(paths)
