"""What is tagged as an entity, and how well entities are found: the measure of CoNLL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from textrep.contextual.tagging.sentences import check_same_words, read_tags
from textrep.core.messages import shown

OUTSIDE = "O"
_MARKS = frozenset("BIES")
_NO_TYPE = "_"
"""What the type of a bare ``B`` or ``I`` is called, as seqeval does."""


class Entity(NamedTuple):
    """A run of words that is one entity.

    Attributes
    ----------
    type : str
        Such as ``"PER"``.
    start, stop : int
        Its words are ``words[start:stop]``.
    """

    type: str
    start: int
    stop: int


class TypeScores(NamedTuple):
    """How well the entities of one type are found.

    Attributes
    ----------
    precision : float
        Share of the entities predicted that are right; 0 where there are none.
    recall : float
        Share of the true entities that are predicted; 0 where there are none.
    f1 : float
        Harmonic mean of both.
    support : int
        True entities.
    """

    precision: float
    recall: float
    f1: float
    support: int


class EntityScores(NamedTuple):
    """How well entities are found.

    Attributes
    ----------
    precision, recall, f1 : float
        Over the entities of all types together (micro average).
    support : int
        True entities.
    by_type : dict of str to TypeScores
        By name.
    """

    precision: float
    recall: float
    f1: float
    support: int
    by_type: dict[str, TypeScores]


def split_tag(tag: str) -> tuple[str, str]:
    """The mark of a tag, ``B``, ``I``, ``E``, ``S`` or ``O``, and the type behind it.

    Raises
    ------
    ValueError
        If it is no such tag.

    Examples
    --------
    >>> split_tag("B-PER"), split_tag("O"), split_tag("I")
    (('B', 'PER'), ('O', ''), ('I', '_'))
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    mark, hyphen, kind = tag.partition("-")
    if mark in _MARKS and bool(kind) == bool(hyphen):
        return mark, kind or _NO_TYPE
    raise ValueError(
        f"{shown(tag)} is no tag of an entity; expected 'O', or 'B', 'I', 'E' or 'S' with a type, "
        "such as 'B-PER'"
    )


def is_entity_tag(tag: str) -> bool:
    """Whether `split_tag` takes a tag."""
    try:
        split_tag(tag)
    except ValueError:
        return False
    return True


def entities(tags: Sequence[str]) -> list[Entity]:
    """The entities of one sentence, whatever scheme its tags follow.

    An entity begins at ``B`` and ``S``, and where ``I`` or ``E`` goes on with nothing of its type;
    it ends after ``E`` and ``S``, and before anything that does not go on with it. So the tags of
    IOB1, IOB2, IOE and IOBES all read right, and those of a tagger that breaks the rules read as
    the script of CoNLL reads them.

    Parameters
    ----------
    tags : sequence of str

    Returns
    -------
    list of Entity
        From left to right.

    Raises
    ------
    ValueError
        If one is no tag of an entity.

    Examples
    --------
    >>> entities(["B-PER", "I-PER", "O", "I-LOC"])
    [Entity(type='PER', start=0, stop=2), Entity(type='LOC', start=3, stop=4)]
    """
    found = []
    before, kind_before, start = OUTSIDE, "", 0
    for place, tag in enumerate([*tags, OUTSIDE]):
        mark, kind = split_tag(tag)
        begins = mark != OUTSIDE and (mark in "BS" or before in "OES" or kind != kind_before)
        if before != OUTSIDE and (mark == OUTSIDE or begins):
            found.append(Entity(kind_before, start, place))
        if begins:
            start = place
        before, kind_before = mark, kind
    return found


def entity_scores(true: Any, predicted: Any) -> EntityScores:
    """Precision, recall and F1 of predicted entities; one counts if its words and type are right.

    The figures are those of the script of CoNLL and of seqeval's default.

    Parameters
    ----------
    true, predicted : iterable of lists of str, of length n_sentences
        A tag for each word.

    Returns
    -------
    EntityScores

    Raises
    ------
    ValueError
        If they are not tags of the same sentences.

    References
    ----------
    E. Tjong Kim Sang, F. De Meulder: Introduction to the CoNLL-2003 shared task:
    language-independent named entity recognition, CoNLL 2003.

    Examples
    --------
    >>> true = [["B-PER", "I-PER", "O"], ["B-LOC"]]
    >>> scores = entity_scores(true, [["B-PER", "O", "O"], ["B-LOC"]])
    >>> scores.precision, scores.recall, scores.by_type["PER"].f1
    (0.5, 0.5, 0.0)
    """
    right, wrong = read_tags(true, "true"), read_tags(predicted, "predicted")
    check_same_words(right, wrong, ("true", "predicted"))
    n_true: Counter[str] = Counter()
    n_predicted: Counter[str] = Counter()
    n_correct: Counter[str] = Counter()
    for one, other in zip(right, wrong, strict=True):
        wanted, found = entities(one), entities(other)
        n_true.update(_types(wanted))
        n_predicted.update(_types(found))
        n_correct.update(_types(set(wanted) & set(found)))
    by_type = {
        kind: _scores(n_correct[kind], n_predicted[kind], n_true[kind])
        for kind in sorted({*n_true, *n_predicted})
    }
    overall = _scores(n_correct.total(), n_predicted.total(), n_true.total())
    return EntityScores(*overall, by_type)


def _types(found: Iterable[Entity]) -> Iterable[str]:
    return (entity.type for entity in found)


def _scores(n_correct: int, n_predicted: int, n_true: int) -> TypeScores:
    return TypeScores(
        n_correct / n_predicted if n_predicted else 0.0,
        n_correct / n_true if n_true else 0.0,
        2 * n_correct / (n_predicted + n_true) if n_predicted + n_true else 0.0,
        n_true,
    )
