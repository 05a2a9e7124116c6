"""Lists of stop words: scikit-learn's for English, NLTK's for other languages, or one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textrep.core.messages import shown


def stop_words(language: str | Iterable[str]) -> frozenset[str]:
    """The stop words of a language, or a list of one's own, checked.

    Parameters
    ----------
    language : str or iterable of str
        ``"english"`` for the list of scikit-learn's vectorisers. The name of another language for
        the list in NLTK's corpus of stop words, whose data must be installed
        (``python -m nltk.downloader stopwords``). Or the words themselves: any iterable of str.

    Returns
    -------
    frozenset of str

    Raises
    ------
    ValueError
        If the language is not known, or something in the iterable is not a str.
    LookupError
        If NLTK's data is not installed.

    Examples
    --------
    >>> from textrep.preprocess import stop_words
    >>> len(stop_words("english"))
    318
    >>> sorted(stop_words(["le", "la"]))
    ['la', 'le']
    """
    if isinstance(language, str):
        return _of_language(language)
    expected = 'expected the name of a language, such as "english", or an iterable of str.'
    if isinstance(language, bytes | Mapping):
        raise ValueError(f"stop_words={shown(language)} is of no use here; {expected}")
    try:
        words = list(language)
    except TypeError:
        raise ValueError(f"stop_words={shown(language)} is of no use here; {expected}") from None
    for position, word in enumerate(words):
        if not isinstance(word, str):
            raise ValueError(f"stop_words[{position}] is {shown(word)}; expected a str.")
    return frozenset(words)


def _of_language(language: str) -> frozenset[str]:
    if language == "english":
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return ENGLISH_STOP_WORDS
    from nltk.corpus import stopwords

    try:
        known = sorted({"english", *stopwords.fileids()})
    except LookupError:
        raise LookupError(
            f"stop_words={shown(language)}: only the list for 'english' comes with textrep; those "
            "of other languages are in NLTK's data, which is not installed. Install it with: "
            "python -m nltk.downloader stopwords. Or give a list of words."
        ) from None
    if language not in known:
        raise ValueError(
            f"stop_words={shown(language)} is not the name of a language with a list; known are "
            f"{', '.join(known)}. For a list of your own give a list of str, not a single str."
        )
    return frozenset(stopwords.words(language))
