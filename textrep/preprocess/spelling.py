"""`SpellingCorrector`: misspelt words -> the words that were meant."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from textrep.core.messages import shown
from textrep.core.persist import Persistent
from textrep.core.text import check_texts
from textrep.preprocess.dictionary import (
    LARGEST_DISTANCE,
    LONGEST_WORD,
    Dictionary,
    english_dictionary,
    is_word,
)
from textrep.preprocess.parameters import is_integer
from textrep.preprocess.tokens import TOKEN_PATTERN, compile_pattern, replace_tokens
from textrep.preprocess.transformer import tag_texts

_indexing = threading.Lock()


class SpellingCorrector(Persistent, TransformerMixin, BaseEstimator):
    """Misspelt words -> the words that were meant, by a dictionary of words and their counts.

    A word of the dictionary is never changed. For another, the known words within
    ``max_edit_distance`` slips are compared: how often each occurs, and how likely people are to
    make those slips. Case and all that stands between the words is kept.

    Parameters
    ----------
    dictionary : None, "english" or mapping of str to int, default=None
        None to learn the words from the texts given to `fit`; "english" for the 82,834 words that
        come with symspellpy; or words with their counts.
    max_edit_distance : int, default=2
        Letters inserted, left out, replaced or swapped with their neighbour that are put right at
        most: 1, 2 or 3. A word always keeps a letter.
    min_count : int, default=1
        Occurrences that make a word of the texts known. Raise it where the texts themselves are
        full of misspelt words.
    token_pattern : str, default=r"(?u)\\b\\w\\w+\\b"
        Regular expression of what is taken for a word, without capturing groups.

    Attributes
    ----------
    words_ : dict of str to int
        The known words in lower case, with their counts. Set by fitting, when `dictionary` is None.

    Notes
    -----
    Words with digits, with letters that no known word has, and of more than 60 characters are left
    as they are. An instance may be used from many threads.

    References
    ----------
    P. Norvig, "How to write a spelling corrector" (2007), https://norvig.com/spell-correct.html.
    W. Garbe, SymSpell (2012), https://github.com/wolfgarbe/SymSpell.
    M. D. Kernighan, K. W. Church and W. A. Gale, "A spelling correction program based on a noisy
    channel model", COLING (1990).

    Examples
    --------
    >>> from textrep.preprocess import SpellingCorrector
    >>> corrector = SpellingCorrector().fit(["So much text, so little time."])
    >>> corrector.transform(["Litle tmie, and MCUH text!"])
    ['Little time, and MUCH text!']
    >>> corrector.correct("texxt")
    'text'
    """

    def __init__(
        self,
        *,
        dictionary: Any = None,
        max_edit_distance: int = 2,
        min_count: int = 1,
        token_pattern: str = TOKEN_PATTERN,
    ) -> None:
        self.dictionary = dictionary
        self.max_edit_distance = max_edit_distance
        self.min_count = min_count
        self.token_pattern = token_pattern

    def fit(self, texts: Any, y: Any = None) -> Self:
        """Learn the words of texts, unless a dictionary was given.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)
        y : ignored

        Returns
        -------
        self
        """
        self._check_parameters()
        texts = check_texts(texts)
        if self.dictionary is not None:
            return self
        find = compile_pattern(self.token_pattern).findall
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(find(text.lower()))
        return self.fit_counts(counts)

    def fit_counts(self, counts: Mapping[str, int]) -> Self:
        """Learn words of which the counts are known already, such as a vectoriser's.

        Parameters
        ----------
        counts : mapping of str to int
            Word -> occurrences. What is no word (with digits, too long) is left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter has a wrong value, or no word remains.
        """
        self._check_parameters()
        words: Counter[str] = Counter()
        for word, count in counts.items():
            if is_word(lower := word.lower()):
                words[lower] += count
        known = {word: count for word, count in words.items() if count >= self.min_count}
        if not known:
            raise ValueError(
                "there is no word to learn: the texts have none that occurs "
                f"min_count={self.min_count} times or more. Lower min_count, or give more texts."
            )
        self._set_words(known)
        return self

    def correct(self, word: str) -> str:
        """The word that was probably meant.

        Parameters
        ----------
        word : str

        Returns
        -------
        str
            The word itself when it is known, or near no known word.
        """
        return self.correct_words([word])[0]

    def correct_words(self, words: list[str]) -> list[str]:
        """The words that were probably meant.

        Parameters
        ----------
        words : list of str

        Returns
        -------
        list of str, of the same length
        """
        words = check_texts(words, name="words", allow_empty=True)
        known = self._known()
        lower = [word.lower() for word in words]
        places = [i for i, word in enumerate(lower) if is_word(word)]
        corrected = list(words)
        for i, answer in zip(places, known.correct([lower[i] for i in places]), strict=True):
            if answer != lower[i]:
                corrected[i] = _in_case_of(words[i], answer)
        return corrected

    def transform(self, texts: Any) -> list[str]:
        """Texts with the misspelt words put right.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)

        Returns
        -------
        list of str, length n_samples
        """
        self._check_ready()
        pattern = compile_pattern(self.token_pattern)
        return replace_tokens(check_texts(texts, allow_empty=True), pattern, self.correct_words)

    def _check_parameters(self) -> None:
        distance, least = self.max_edit_distance, self.min_count
        if not is_integer(distance) or not 1 <= distance <= LARGEST_DISTANCE:
            raise ValueError(
                f"max_edit_distance={shown(distance)}; expected an int from 1 to "
                f"{LARGEST_DISTANCE}."
            )
        if not is_integer(least) or least < 1:
            raise ValueError(f"min_count={shown(least)}; expected an int of at least 1.")
        compile_pattern(self.token_pattern)
        dictionary = self.dictionary
        if isinstance(dictionary, Mapping):
            _check_words(dictionary, "dictionary")
        elif dictionary is not None and not _is_english(dictionary):
            raise ValueError(
                f"dictionary={shown(dictionary)}; expected None, 'english', or a mapping from "
                "words to counts."
            )

    def _check_ready(self) -> None:
        """Raise an error unless words are known."""
        self._check_parameters()
        if self.dictionary is None and not hasattr(self, "words_"):
            raise NotFittedError(
                "this SpellingCorrector knows no words: call fit with texts, or set "
                "dictionary='english'. (A clone, as cross-validation makes them, forgets what was "
                "fitted; SpellingCorrector(dictionary=fitted.words_) keeps it.)"
            )

    def _known(self) -> Dictionary:
        self._check_ready()
        distance = int(self.max_edit_distance)
        if _is_english(self.dictionary):
            return english_dictionary(distance)
        words = self.words_ if self.dictionary is None else self.dictionary
        # Made when first asked for: an index takes longer than the fit, and as much in a file.
        with _indexing:
            made_for, index = self.__dict__.get("_index", (None, None))
            if made_for is None or made_for[0] is not words or made_for[1] != distance:
                lower: Counter[str] = Counter()
                for word, count in words.items():
                    lower[word.lower()] += count
                index = Dictionary(lower, distance)
                self._index = ((words, distance), index)
            return index

    def _set_words(self, words: dict[str, int]) -> None:
        self.words_ = words
        self.__dict__.pop("_index", None)

    def _set_state(self, state: dict[str, Any]) -> None:
        if not state:
            return
        words = state.get("words_")
        if set(state) != {"words_"} or not isinstance(words, dict):
            raise ValueError("a corrector's state is its words")
        _check_words(words, "words_")
        self._set_words(words)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_index", None)
        return state

    def __sklearn_is_fitted__(self) -> bool:
        return self.dictionary is not None or hasattr(self, "words_")

    def __sklearn_tags__(self) -> Any:
        return tag_texts(super().__sklearn_tags__(), requires_fit=self.dictionary is None)


def _in_case_of(written: str, word: str) -> str:
    """A word in the case of what was written."""
    if len(written) > 1 and written.isupper():
        return word.upper()
    return word[0].upper() + word[1:] if written[0].isupper() else word


def _check_words(words: Mapping[Any, Any], name: str) -> None:
    if not words:
        raise ValueError(f"{name} is empty; expected words with their counts.")
    for word, count in words.items():
        if not isinstance(word, str) or not word or len(word) > LONGEST_WORD:
            raise ValueError(
                f"{name} has the word {shown(word)}; expected a str of 1 to {LONGEST_WORD} "
                "characters."
            )
        if not is_integer(count) or count < 1:
            raise ValueError(
                f"{name}[{shown(word)}] is {shown(count)}; expected an int of at least 1."
            )


def _is_english(dictionary: Any) -> bool:
    return isinstance(dictionary, str) and dictionary == "english"
