"""The built corpus on disk, so that it is built once for each set of package versions."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from textrep.core.files import atomic_write
from textrep.core.paths import cache_dir
from textrep.data.cards import Card
from textrep.data.corpus import Corpus
from textrep.data.docstrings.build import Docstrings, build, versions
from textrep.data.errors import DataError
from textrep.data.readers.files import open_file

# Raised whenever the rules of extraction or cleaning change, so that no cache outlives them.
RULES = 1


def load_docstrings(card: Card) -> Corpus:
    """Load the corpus from its cache, or build it and fill the cache.

    Parameters
    ----------
    card : Card
        With ``options["classes"]``: class to the paths it is made of.

    Returns
    -------
    Corpus
        Its `versions` name the packages it was read from.

    Raises
    ------
    DataError
        When the installation has too little documentation, as one without sources has.
    """
    classes = card.options["classes"]
    found = versions(classes)
    # A cache that cannot be read or written costs seconds; it is no reason to fail.
    path = None
    with contextlib.suppress(OSError):
        path = cache_dir() / f"docstrings-{_key(classes, found)}.json"
    documents = None if path is None else _read(path)
    if documents is None:
        documents = build(classes)
        _check_size(card, documents)
        if path is not None:
            with contextlib.suppress(OSError):
                _write(path, documents)
    return Corpus(
        card.name,
        documents.texts,
        documents.labels,
        source=", ".join(f"{package} {version}" for package, version in found.items()),
        versions=found,
    )


def _key(classes: Mapping[str, object], found: Mapping[str, str]) -> str:
    text = json.dumps([RULES, classes, found], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_size(card: Card, documents: Docstrings) -> None:
    size, classes = len(documents.texts), len(set(documents.labels))
    if size < card.expected["minimum_documents"] or classes < card.expected["minimum_classes"]:
        raise DataError(
            f"only {size} docstrings of {classes} subsystems found; corpus {card.name!r} is read "
            "from the .py files of Python's library, numpy, scipy, scikit-learn, nltk and numba: "
            "install them with their sources"
        )


def _read(path: Path) -> Docstrings | None:
    """What was written to the path, or None where there is nothing sound."""
    try:
        with open_file(path) as file:
            checksum, _, body = file.read().partition(b"\n")
    except (OSError, DataError):
        return None
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        return None
    try:
        documents = Docstrings(**json.loads(body))
    except (TypeError, ValueError):
        return None
    columns = (documents.texts, documents.labels)
    # The checksum tells of accidents; another program may have written the file whole.
    sound = all(isinstance(c, list) and all(isinstance(x, str) for x in c) for c in columns)
    return documents if sound and len(documents.texts) == len(documents.labels) else None


def _write(path: Path, documents: Docstrings) -> None:
    body = json.dumps({"texts": documents.texts, "labels": documents.labels}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
