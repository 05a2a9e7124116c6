"""Questions made of plain sentences by rules: a synthetic task of which every answer is known.

"Tom was born in Boston." becomes "Where was Tom born?", "I like tea." becomes "Do you like tea?".
The rules move the auxiliary before the subject, put in *do* where there is none, turn who speaks
into who is asked, and ask for the time or place that a sentence ends with.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_WORDS = 14
FEWEST_WORDS = 3

_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_PLAIN = re.compile(r"[A-Za-z' ]+\.")

_AUXILIARIES = frozenset(
    "am is are was were can could will would should must may might isn't aren't wasn't weren't "
    "can't couldn't won't wouldn't shouldn't".split()
)
_HAVE = frozenset(("have", "has", "had", "haven't", "hasn't", "hadn't"))
_PARTICIPLES = frozenset(
    "been gone done seen lost come become taken made left found met quit read heard known written "
    "bought forgotten broken eaten given had got begun grown told said".split()
)
_ADVERBS = frozenset(("not", "never", "already", "always", "just", "often", "only"))
_PRONOUNS = frozenset(("i", "we", "he", "she", "it", "they", "this", "that"))
_NAMES = frozenset(("Tom", "Mary", "John"))
_DETERMINERS = frozenset(("the", "my", "his", "her", "our", "their", "this", "that"))
_ASKED = {
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "we": "you",
    "us": "you",
    "our": "your",
    "ours": "yours",
    "ourselves": "yourselves",
}
_AGREES = {"am": "are", "was": "were", "wasn't": "weren't"}  # with "you" for "I"
_CONTRACTED = {"'m": "am", "'re": "are", "'ll": "will", "'ve": "have"}

_TIMES = frozenset(("yesterday", "today", "tomorrow", "tonight", "now", "soon"))
_DAYS = frozenset(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday October December June May".split()
)
_PERIODS = frozenset("night week month year summer winter Monday Sunday".split())
_PLACES = frozenset(
    "garden house room kitchen park library hospital school station office table desk car box "
    "city town country street river sea lake village hotel world building bus train bed wall "
    "floor door window roof corner store shop restaurant church airport beach yard forest".split()
)
_PREPOSITIONS = frozenset(("in", "at", "on", "near", "behind", "under"))

_IRREGULAR = """
begin began, break broke, bring brought, buy bought, catch caught, choose chose, come came,
drink drank, drive drove, eat ate, fall fell, feel felt, find found, forget forgot, get got,
give gave, go went, grow grew, have had, hear heard, hold held, keep kept, know knew, leave left,
lend lent, lose lost, make made, mean meant, meet met, pay paid, ride rode, run ran, say said,
see saw, sell sold, send sent, sing sang, sit sat, sleep slept, speak spoke, spend spent,
stand stood, swim swam, take took, teach taught, tell told, think thought,
understand understood, wake woke, wear wore, win won, write wrote
"""
_REGULAR = """
agree answer arrive ask believe call change clean close cook cry dance enjoy explain finish hate
help hope invite laugh learn like listen live look love miss need open play prefer promise
remember repair smile smoke start stay stop study talk travel try turn use visit
wait walk want wash watch wish work
""".split()


def _past(verb: str) -> str:
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2] not in "aeo":
        return f"{verb[:-1]}ied"
    return f"{verb}ped" if verb == "stop" else f"{verb}ed"


def _third(verb: str) -> str:
    if verb == "have":
        return "has"
    if verb.endswith("y") and verb[-2] not in "aeou":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("s", "sh", "ch", "o")) else f"{verb}s"


_PAST = {
    **{past: verb for verb, past in (pair.split() for pair in _IRREGULAR.split(","))},
    **{_past(verb): verb for verb in _REGULAR},
}
_BASES = frozenset(_PAST.values())
_THIRD = {_third(verb): verb for verb in _BASES}


class _Clause(NamedTuple):
    """A sentence taken apart: subject, what goes before it, and the rest."""

    subject: list[str]
    auxiliary: str
    rest: list[str]


def question_of(sentence: str) -> str | None:
    """The question that a sentence answers, where the rules know one.

    Parameters
    ----------
    sentence : str
        English, one clause.

    Returns
    -------
    str or None

    Examples
    --------
    >>> question_of("Tom was born in Boston.")
    'Where was Tom born?'
    >>> question_of("I like tea.")
    'Do you like tea?'
    >>> question_of("She went home yesterday.")
    'When did she go home?'
    >>> question_of("Come in!") is None
    True
    """
    words = _words(sentence)
    clause = None if words is None else _clause(words)
    if clause is None or not clause.rest:
        return None
    asked, rest = _asked_for(clause.rest)
    if not rest and asked == "When":
        return None
    auxiliary = clause.auxiliary
    if [word.lower() for word in clause.subject] == ["i"]:
        auxiliary = _AGREES.get(auxiliary, auxiliary)
    others = [_ASKED.get(word.lower(), word) for word in (*clause.subject, *rest)]
    others[0] = others[0] if others[0] in _NAMES else _lowered(others[0])
    start = [asked, auxiliary] if asked else [auxiliary]
    question = " ".join([*start, *others])
    return f"{question[0].upper()}{question[1:]}?"


def _words(sentence: str) -> list[str] | None:
    """The words without the full stop, contractions written out; None for what is not asked of."""
    if not _PLAIN.fullmatch(sentence):
        return None
    words = _TOKEN.findall(sentence[:-1])
    lowered = {word.lower() for word in words}
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS or lowered & {"you", "your", "yours"}:
        return None
    # A second clause would have a second subject.
    if (
        lowered & {"that", "if", "because", "when", "who", "what", "and", "but"}
        and words[0].lower() != "that"
    ):
        return None
    for ending, whole in _CONTRACTED.items():
        if words[0].endswith(ending):
            return [words[0][: -len(ending)], whole, *words[1:]]
    if words[0].endswith("'s") and not _is_participle(words[1]):
        return [words[0][:-2], "is", *words[1:]]
    return words


def _clause(words: list[str]) -> _Clause | None:
    first = words[0]
    alone = first.lower() in _PRONOUNS - {"this", "that"} or first in _NAMES or first == "There"
    pointing = first in ("This", "That") and words[1] in _AUXILIARIES | _HAVE | _verbs()
    if alone or pointing:
        size = 1
    elif first.lower() in _DETERMINERS and len(words) > FEWEST_WORDS:
        size = 2
    else:
        return None
    subject, verb, rest = words[:size], words[size], words[size + 1 :]
    if verb in _AUXILIARIES or (verb in _HAVE and _is_perfect(rest)):
        return _Clause(subject, verb, rest)
    if first == "There":
        return None
    if verb in _PAST and verb not in _BASES:
        return _Clause(subject, "did", [_PAST[verb], *rest])
    plural = first.lower() in ("i", "we", "they")
    if plural and verb in _BASES:
        return _Clause(subject, "do", [verb, *rest])
    if not plural and verb in _THIRD:
        return _Clause(subject, "does", [_THIRD[verb], *rest])
    return None


def _verbs() -> set[str]:
    return {*_PAST, *_BASES, *_THIRD}


def _is_perfect(rest: list[str]) -> bool:
    """Whether what follows *have* makes it an auxiliary, as in "have never been"."""
    words = [word for word in rest if word not in _ADVERBS]
    return bool(words) and _is_participle(words[0])


def _is_participle(word: str) -> bool:
    return word.endswith("ed") or word in _PARTICIPLES


def _asked_for(rest: list[str]) -> tuple[str | None, list[str]]:
    """The question word for what a sentence ends with, and the sentence without it."""
    if rest[-1] in _TIMES:
        return "When", rest[:-1]
    if len(rest) > 1 and rest[-2] in ("last", "next", "every") and rest[-1] in _PERIODS:
        return "When", rest[:-2]
    if len(rest) > 1 and rest[-2] in ("on", "in") and rest[-1] in _DAYS:
        return "When", rest[:-2]
    if len(rest) > 1 and rest[-2] == "in" and rest[-1][0].isupper():
        return "Where", rest[:-2]
    if len(rest) > 2 and rest[-3] in _PREPOSITIONS and rest[-2] in ("the", "a", "his", "her"):
        return ("Where", rest[:-3]) if rest[-1] in _PLACES else (None, rest)
    return None, rest


def _lowered(word: str) -> str:
    return word[0].lower() + word[1:]
