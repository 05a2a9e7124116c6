"""German stems by the rules of Snowball 3, which changed in every step since NLTK's.

Written from the description at https://snowballstem.org/algorithms/german/stemmer.html; the
names R1 and R2 are its own. R1 begins after the first consonant that follows a vowel, R2 after
the first such consonant in R1; a suffix goes only where it lies in the region that its rule names.
"""

from __future__ import annotations

import re

_VOWELS = "aeiouyäöü"
_REGION = re.compile(f"[{_VOWELS}][^{_VOWELS}]", re.DOTALL)
_BETWEEN_VOWELS = re.compile(f"(?<=[{_VOWELS}])[uy](?=[{_VOWELS}])")
_SPELLINGS = re.compile("ß|ae|oe|qu|ue")
_SPELLED = {"ß": "ss", "ae": "ä", "oe": "ö", "ue": "ü", "qu": "qu"}
_PLAIN = str.maketrans("UYäöü", "uyaou")
_LEAST_BEFORE_R1 = 3

# Longest suffixes first, so that the alternation finds the longest.
_ENDING = re.compile("(?:erinnen|erin|ern|em|er|en|es|e|lns|ln|s)\\Z")
_SECOND_ENDING = re.compile("(?:est|en|er|st|et)\\Z")
_DERIVATION = re.compile("(?:keit|heit|lich|isch|ung|end|ig|ik)\\Z")
_APOSTROPHE = re.compile("(?<=..)(?:'sch|'s|')\\Z", re.DOTALL)

_BEFORE_S = frozenset("bdfghklmnrt")
_BEFORE_ST = _BEFORE_S - {"r"}
_BEFORE_ET = frozenset("dfgklmnrstUzä")
_KEEPS_ET = ("geordn", "intern", "plan", "tick", "tr")


def stem(word: str) -> str:
    """The stem of a German word.

    Parameters
    ----------
    word : str

    Returns
    -------
    str
        In lower case, without umlauts and ``ß``.

    Examples
    --------
    >>> stem("aufeinanderfolgenden"), stem("Lehrerinnen"), stem("Muenchen"), stem("Straße")
    ('aufeinanderfolg', 'lehr', 'munch', 'strass')
    """
    word = word.lower()
    # One after the other: a letter put in capitals is no vowel to the next.
    word = _mark_consonants(word)
    word = _SPELLINGS.sub(lambda found: _SPELLED[found[0]], word)
    r1, r2 = _regions(word)
    word = _inflection(word, r1)
    word = _second_inflection(word, r1)
    word = _derived(word, r1, r2)
    return _APOSTROPHE.sub("", word).translate(_PLAIN)


def _mark_consonants(word: str) -> str:
    """Put ``u`` and ``y`` between vowels in capitals."""
    position = 0
    while found := _BETWEEN_VOWELS.search(word, position):
        start = found.start()
        word = f"{word[:start]}{found[0].upper()}{word[start + 1 :]}"
        position = start + 1
    return word


def _regions(word: str) -> tuple[int, int]:
    """Where R1 and R2 begin."""
    first = _REGION.search(word)
    if first is None:
        return len(word), len(word)
    second = _REGION.search(word, first.end())
    return max(first.end(), _LEAST_BEFORE_R1), second.end() if second else len(word)


def _inflection(word: str, r1: int) -> str:
    """Step 1: endings of nouns and adjectives."""
    found = _ENDING.search(word)
    if found is None:
        return word
    suffix, rest = found[0], word[: found.start()]
    if found.start() < r1:
        return word
    if suffix in ("ln", "lns"):
        return f"{rest}l"
    if suffix == "s" and rest[-1:] not in _BEFORE_S:
        return word
    if suffix == "em" and rest.endswith("syst"):
        return word
    if suffix in ("e", "en", "es") and rest.endswith("niss"):
        return rest[:-1]
    return rest


def _second_inflection(word: str, r1: int) -> str:
    """Step 2: endings of verbs and of comparison."""
    found = _SECOND_ENDING.search(word)
    if found is None or found.start() < r1:
        return word
    suffix, rest = found[0], word[: found.start()]
    if suffix == "st" and (rest[-1:] not in _BEFORE_ST or len(rest) < 4):
        return word
    if suffix == "et" and (rest[-1:] not in _BEFORE_ET or rest.endswith(_KEEPS_ET)):
        return word
    return rest


def _derived(word: str, r1: int, r2: int) -> str:
    """Step 3: suffixes that make one word of another."""
    found = _DERIVATION.search(word)
    if found is None or found.start() < r2:
        return word
    suffix, rest = found[0], word[: found.start()]
    if suffix in ("ig", "ik", "isch"):
        return word if rest.endswith("e") else rest
    if suffix in ("end", "ung"):
        before = rest[:-2]
        again = rest.endswith("ig") and len(before) >= r2 and not before.endswith("e")
        return before if again else rest
    if suffix in ("lich", "heit"):
        again = rest.endswith(("er", "en")) and len(rest) - 2 >= r1
        return rest[:-2] if again else rest
    for before in ("lich", "ig"):
        if rest.endswith(before):
            return rest[: -len(before)] if len(rest) - len(before) >= r2 else rest
    return rest
