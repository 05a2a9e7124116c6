"""Check: words that give the label away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.health.copies import normalised
from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import counted, percent
from textrep.core.messages import printable, shown

# Language does not do this: on the corpora with cards no single word is in nine tenths of the texts
# of a class and in hardly any other.
_RECALL = 0.9
_PRECISION = 0.98
# A class may well be named in the texts about it, but then in others too.
_RECALL_OF_NAME = 0.5
# Fewer texts share a word by chance.
_FEWEST = 10
# Of each class the first are named; they mostly come from one header.
_NAMED_WORDS = 3


def check_tokens(material: Material) -> list[Finding]:
    """Find words that are in nearly all texts of a class and in hardly any other.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
        One for each class that is given away.
    """
    held = np.flatnonzero(material.parts >= 0)
    counted_terms = _document_terms([material.task.texts[i] for i in held.tolist()])
    if counted_terms is None:
        return []
    matrix, terms = counted_terms
    codes = material.codes[held]
    findings = []
    frequencies = np.bincount(matrix.indices, minlength=matrix.shape[1])
    for code in np.unique(codes):
        of_class = codes == code
        n_class = int(np.count_nonzero(of_class))
        if n_class < _FEWEST or n_class == len(codes):
            continue
        within = np.bincount(matrix[of_class].indices, minlength=matrix.shape[1])
        label = material.task.labels[held[of_class][:1]].tolist()[0]
        given_away = _telling(within, frequencies, n_class, terms, label)
        if len(given_away):
            findings.append(_finding(material, label, given_away, terms, within, n_class))
    return findings


def _document_terms(texts: list[str]) -> tuple[Any, NDArray[Any]] | None:
    from textrep.sparse import CountVectorizer

    vectorizer = CountVectorizer(binary=True, token_pattern=r"(?u)\b\w+\b", min_df=1)
    try:
        matrix = vectorizer.fit_transform(texts)
    except ValueError:  # not a word in them
        return None
    return matrix, vectorizer.get_feature_names_out()


def _telling(
    within: NDArray[np.intp],
    frequencies: NDArray[np.intp],
    n_class: int,
    terms: NDArray[Any],
    label: Any,
) -> NDArray[np.intp]:
    """Columns of the words that give a class away, the most frequent first."""
    precision = within / np.maximum(frequencies, 1)
    recall = within / n_class
    telling = (precision >= _PRECISION) & (recall >= _RECALL)
    is_name = terms == normalised(str(label))
    telling |= is_name & (precision >= _PRECISION) & (recall >= _RECALL_OF_NAME)
    found = np.flatnonzero(telling)
    return found[np.argsort(-within[found], kind="stable")]


def _finding(
    material: Material,
    label: Any,
    columns: NDArray[np.intp],
    terms: NDArray[Any],
    within: NDArray[np.intp],
    n_class: int,
) -> Finding:
    words = ", ".join(f"'{printable(str(term))}'" for term in terms[columns[:_NAMED_WORDS]])
    more = f" and {len(columns) - _NAMED_WORDS:,} more" if len(columns) > _NAMED_WORDS else ""
    share = within[columns[0]] / n_class
    return Finding(
        "leaking-word",
        "warning",
        f"{'A single word gives' if len(columns) == 1 else counted(len(columns), 'word') + ' give'}"
        f" class {shown(label)} away: {words}{more}; the first is in {percent(share)} of its "
        "texts and in hardly any other.",
        f"Whatever the methods understand of the texts, {percent(share)} of the class are "
        "recognised by that word, which texts met later may lack.",
        "If it comes from how the texts were collected, such as a header, take it out of them.",
    )
