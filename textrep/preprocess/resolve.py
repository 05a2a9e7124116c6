"""What a vectoriser's `stemmer=` and `spelling=` can be -> a function of lists of words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textrep.core.messages import shown, type_name

WordsFunction = Callable[[list[str]], list[str]]
"""Distinct words -> as many words, in the same order."""


def resolve_stemmer(value: Any) -> WordsFunction | None:
    """The function that a parameter `stemmer` stands for.

    Parameters
    ----------
    value : None, str, Stemmer, object with ``stem``, or callable
        The name of a language, a `Stemmer`, an object whose method ``stem_words`` takes a list of
        words or whose ``stem`` takes one, or a function from word to word.

    Returns
    -------
    callable or None
        A list of words -> a list of as many; None for None.

    Raises
    ------
    ValueError
        If `value` is nothing of these, or names no language that has a stemmer. The function
        raises it when what it calls answers with something other than a str.

    Examples
    --------
    >>> from textrep.preprocess import resolve_stemmer
    >>> resolve_stemmer("english")(["running", "flies"])
    ['run', 'fli']
    >>> resolve_stemmer(str.upper)(["much"])
    ['MUCH']
    """
    if value is None:
        return None
    if isinstance(value, str):
        from textrep.preprocess.stemming import check_language, words_stemmer

        return words_stemmer(check_language(value, "stemmer"))
    from textrep.preprocess.stemmer import Stemmer

    if isinstance(value, Stemmer):
        value._check_parameters()
    expected = (
        "the name of a language, a Stemmer, an object with a method stem, or a function from word "
        "to word"
    )
    return _resolve(value, "stemmer", ("stem_words", "stem"), expected)


def resolve_spelling(value: Any) -> WordsFunction | None:
    """The function that a parameter `spelling` stands for.

    Parameters
    ----------
    value : None, "english", SpellingCorrector, object with ``correct``, or callable
        "english" for the dictionary that comes with the library, a `SpellingCorrector` that is
        fitted or has a dictionary, an object whose method ``correct_words`` takes a list of words
        or whose ``correct`` takes one, or a function from word to word.

    Returns
    -------
    callable or None
        A list of words -> a list of as many; None for None.

    Raises
    ------
    ValueError
        If `value` is nothing of these, or a corrector without words. The function raises it when
        what it calls answers with something other than a str.

    Examples
    --------
    >>> from textrep.preprocess import resolve_spelling
    >>> resolve_spelling({"teh": "the"}.get)(["teh"])
    ['the']
    """
    if value is None:
        return None
    from textrep.preprocess.spelling import SpellingCorrector

    if isinstance(value, str):
        if value != "english":
            raise ValueError(
                f"spelling={shown(value)} is not a language with a dictionary; the library has "
                "one for 'english'. For another language fit a SpellingCorrector to texts in it."
            )
        value = SpellingCorrector(dictionary="english")
    if isinstance(value, SpellingCorrector):
        value._check_ready()
    expected = (
        "'english', a SpellingCorrector, an object with a method correct, or a function from word "
        "to word"
    )
    return _resolve(value, "spelling", ("correct_words", "correct"), expected)


def _resolve(value: Any, name: str, methods: tuple[str, str], expected: str) -> WordsFunction:
    if isinstance(value, type):
        raise ValueError(
            f"{name}={value.__name__} is a class; give an instance, {name}={value.__name__}()."
        )
    many, one = (getattr(value, method, None) for method in methods)
    if callable(many):
        return _checked(many, name)
    single = one if callable(one) else value
    if not callable(single):
        raise ValueError(f"{name}={shown(value)} ({type_name(value)}); expected {expected}.")
    return _checked(lambda words: [single(word) for word in words], name)


def _checked(function: Callable[[list[str]], Any], name: str) -> WordsFunction:
    """The same function, its answers checked: they become terms of a vocabulary."""

    def checked(words: list[str]) -> list[str]:
        answers = list(function(words))
        if len(answers) != len(words):
            raise ValueError(
                f"{name} gave {len(answers)} answers to {len(words)} words; expected one for each."
            )
        for word, answer in zip(words, answers, strict=True):
            if not isinstance(answer, str):
                raise ValueError(
                    f"{name} gave {shown(answer)} ({type_name(answer)}) for the word "
                    f"{shown(word)}; expected a str."
                )
        return answers

    return checked
