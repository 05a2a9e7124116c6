"""Build the corpus `docstrings` from the packages that are installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import sysconfig
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from textrep.data.docstrings.dedupe import distinct
from textrep.data.docstrings.extract import docstrings, source_files
from textrep.data.docstrings.prose import clean

# Shorter ones say too little to tell one subsystem from another.
MIN_WORDS = 20
# A class of fewer documents cannot be split, learnt and tested in earnest.
MIN_CLASS_SIZE = 40

# The name of a distribution where it differs from that of the package.
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


@dataclass(frozen=True)
class Docstrings:
    """Documents with the subsystem each belongs to.

    Attributes
    ----------
    texts, labels : list of str
        One entry a document, sorted by class and then by source file.
    """

    texts: list[str]
    labels: list[str]


def versions(classes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Versions of the packages that the classes are read from.

    Parameters
    ----------
    classes : mapping of str to sequence of str
        Class to the paths ``package/module`` it is made of.

    Returns
    -------
    dict of str to str
        Package to version, sorted by name; a package that is not installed is absent.

    Examples
    --------
    >>> sorted(versions({"sorting": ["python/heapq"], "nothing": ["no_such_package/x"]}))
    ['python']
    """
    packages = {path.partition("/")[0] for paths in classes.values() for path in paths}
    found = {}
    for package in sorted(packages):
        if package == "python":
            found[package] = platform.python_version()
            continue
        try:
            found[package] = importlib.metadata.version(_DISTRIBUTIONS.get(package, package))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def build(classes: Mapping[str, Sequence[str]]) -> Docstrings:
    """Read, clean and weed the docstrings of the given subsystems.

    Parameters
    ----------
    classes : mapping of str to sequence of str
        Class to the paths ``package/module`` it is made of; ``python`` is the standard library.

    Returns
    -------
    Docstrings
        Without duplicates, near duplicates and documents of fewer than 20 words; a class that
        comes to fewer than 40 documents is left out.

    Examples
    --------
    >>> corpus = build({"numbers": ["python/_pydecimal", "python/fractions", "python/statistics"]})
    >>> set(corpus.labels), len(corpus.texts) > 100
    ({'numbers'}, True)
    """
    hidden = label_words(classes)
    texts: list[str] = []
    labels: list[str] = []
    for label, paths in classes.items():
        for path in paths:
            for text in _documents(path, hidden):
                texts.append(text)
                labels.append(label)
    kept = distinct(texts)
    sizes = Counter(labels[i] for i in kept)
    kept = [i for i in kept if sizes[labels[i]] >= MIN_CLASS_SIZE]
    return Docstrings([texts[i] for i in kept], [labels[i] for i in kept])


def label_words(classes: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Words that would give a class away: of the class names and of the packages.

    Parameters
    ----------
    classes : mapping of str to sequence of str
        Class to the paths it is made of.

    Returns
    -------
    frozenset of str
        Lower case, singular and plural.

    Examples
    --------
    >>> sorted(label_words({"sklearn.tag": ["sklearn/tree"]}))
    ['scikit', 'scikits', 'sklearn', 'sklearns', 'tag', 'tags']
    """
    packages = {path.partition("/")[0] for paths in classes.values() for path in paths}
    words = {word for label in classes for word in re.findall(r"[a-z]+", label.lower())}
    # "scikit" rather than "learn", which is a word in its own right.
    words |= packages | {_DISTRIBUTIONS.get(name, name).partition("-")[0] for name in packages}
    plurals = {word + "s" for word in words if not word.endswith("s")}
    singulars = {word[:-1] for word in words if word.endswith("s")}
    return frozenset(words | plurals | singulars)


def _documents(path: str, hidden: frozenset[str]) -> Iterator[str]:
    folder = _folder(path)
    if folder is None:
        return
    for file in source_files(folder):
        for docstring in docstrings(file):
            if len(docstring.split()) < MIN_WORDS:
                continue  # cleaning, the dear part, only takes words away
            text = clean(docstring, hidden)
            if text.count(" ") + 1 >= MIN_WORDS:
                yield text


def _folder(path: str) -> Path | None:
    """Where `package/module` lies, found without importing the package."""
    package, _, inside = path.partition("/")
    if package == "python":
        return Path(sysconfig.get_path("stdlib")) / inside
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / inside
