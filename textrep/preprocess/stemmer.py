"""`Stemmer`: the words of texts -> their stems."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin

from textrep.core.persist import Persistent
from textrep.core.text import check_texts
from textrep.preprocess.stemming import check_language, words_stemmer
from textrep.preprocess.tokens import TOKEN_PATTERN, compile_pattern, replace_tokens
from textrep.preprocess.transformer import TextsToTexts


class Stemmer(TextsToTexts, Persistent, TransformerMixin, BaseEstimator):
    """Words -> stems, by Porter's and Snowball's rules.

    As a transformer it puts the stem in the place of every token of the texts and leaves all that
    stands between them. Beside a vectoriser it costs less as ``stemmer=``, which stems each
    distinct word once.

    Parameters
    ----------
    language : str, default="english"
        "arabic", "danish", "dutch", "english" (Porter 2), "finnish", "french", "german",
        "hungarian", "italian", "norwegian", "porter" (Porter's first for English, as published),
        "portuguese", "romanian", "russian", "spanish" or "swedish".
    token_pattern : str, default=r"(?u)\\b\\w\\w+\\b"
        Regular expression of what `transform` takes for a word, without capturing groups.

    Notes
    -----
    Stems are in lower case. Words of more than 200 characters are left as they are. The stemmers
    are NLTK's, but German follows the newer rules of Snowball 3, and French those for elisions and
    ``-oux``; `textrep.preprocess.stemming` lists what differs from Snowball 3. An instance may be
    used from many threads.

    References
    ----------
    M. F. Porter, "An algorithm for suffix stripping", Program 14 (1980).
    M. F. Porter, "Snowball: a language for stemming algorithms" (2001), https://snowballstem.org.

    Examples
    --------
    >>> from textrep.preprocess import Stemmer
    >>> Stemmer().transform(["He was running, and running late."])
    ['he was run, and run late.']
    >>> Stemmer(language="german").stem_words(["Häuser", "Hauses"])
    ['haus', 'haus']
    """

    def __init__(self, *, language: str = "english", token_pattern: str = TOKEN_PATTERN) -> None:
        self.language = language
        self.token_pattern = token_pattern

    def stem(self, word: str) -> str:
        """The stem of one word.

        Parameters
        ----------
        word : str

        Returns
        -------
        str
        """
        return self.stem_words([word])[0]

    def stem_words(self, words: list[str]) -> list[str]:
        """The stems of words; those of the latest hundred thousand are remembered.

        Parameters
        ----------
        words : list of str

        Returns
        -------
        list of str, of the same length
        """
        checked = check_texts(words, name="words", allow_empty=True)
        return words_stemmer(check_language(self.language))(checked)

    def transform(self, texts: Any) -> list[str]:
        """Texts with the stem in the place of every token.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)

        Returns
        -------
        list of str, length n_samples
        """
        stem_words = words_stemmer(check_language(self.language))
        pattern = compile_pattern(self.token_pattern)
        return replace_tokens(check_texts(texts, allow_empty=True), pattern, stem_words)

    def _check_parameters(self) -> None:
        check_language(self.language)
        compile_pattern(self.token_pattern)
