"""`TextCleaner`: raw texts -> texts without what a task has no use for."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin

from textrep.core.messages import shown
from textrep.core.persist import Persistent
from textrep.core.text import check_texts
from textrep.preprocess.characters import strip_accents_ascii, strip_accents_unicode
from textrep.preprocess.markup import text_of_html
from textrep.preprocess.parameters import check_choice
from textrep.preprocess.shortcut import short_cut
from textrep.preprocess.steps import (
    Step,
    remove_words,
    replace_category,
    replace_digits,
    replace_emails,
    replace_urls,
)
from textrep.preprocess.stopwords import stop_words as words_of
from textrep.preprocess.transformer import TextsToTexts


class TextCleaner(TextsToTexts, Persistent, TransformerMixin, BaseEstimator):
    """Texts -> texts without markup, case, accents, punctuation, whatever is switched on.

    The steps are taken in the order of the parameters, whichever are on; what one puts in its place
    goes through those after it. Where a parameter is None (or False) its step is left out; where it
    is a str to put in place of something, ``""`` removes that and ``" "`` keeps the words around
    it apart.

    Parameters
    ----------
    html : bool, default=False
        Whether to strip tags, comments, scripts and styles, and decode entities. ``<br />`` and
        other tags that end a word become a line break; ``a < b`` is text, as is markup that is
        never closed.
    normalize : {None, "NFC", "NFKC", "NFD", "NFKD"}, default=None
        Unicode's normal form to bring texts to.
    urls : str or None, default=None
        What to put in the place of each address that begins with http, https, ftp or www.
    emails : str or None, default=None
        What to put in the place of each e-mail address.
    case : {None, "lower", "fold"}, default="lower"
        "lower" for Unicode's lower case, "fold" for its case folding (``ß`` becomes ``ss``).
    strip_accents : {None, "ascii", "unicode"}, default=None
        As in scikit-learn's vectorisers: "unicode" takes accents off any letter, "ascii" also
        removes what then is not ASCII.
    stop_words : None, str or iterable of str, default=None
        Words to remove, whatever their case: "english" for scikit-learn's list, another language's
        name for NLTK's (see `stop_words`), or a list. They go through `normalize`, `case` and
        `strip_accents` as the texts do.
    punctuation : str or None, default=None
        What to put in the place of each run of punctuation (Unicode's categories P*, among them
        ``.,:;!?'"()[]{}-_/\\@#%&*``).
    symbols : str or None, default=None
        What to put in the place of each run of symbols (Unicode's categories S*: ``$+<=>^`|~``,
        other currencies, arrows, emoji).
    digits : str or None, default=None
        What to put in the place of each run of decimal digits of any script.
    whitespace : bool, default=True
        Whether to make one space of each run of white space, and strip both ends.

    Notes
    -----
    It learns nothing, so that `transform` needs no `fit`. Halves of surrogate pairs are kept.

    Examples
    --------
    >>> from textrep.preprocess import TextCleaner
    >>> cleaner = TextCleaner(html=True, stop_words="english", punctuation=" ", digits="0")
    >>> cleaner.transform(["<p>This is SO <b>much</b> text:<br />1,200 words!</p>"])
    ['text 0 0 words']
    """

    def __init__(
        self,
        *,
        html: bool = False,
        normalize: str | None = None,
        urls: str | None = None,
        emails: str | None = None,
        case: str | None = "lower",
        strip_accents: str | None = None,
        stop_words: Any = None,
        punctuation: str | None = None,
        symbols: str | None = None,
        digits: str | None = None,
        whitespace: bool = True,
    ) -> None:
        self.html = html
        self.normalize = normalize
        self.urls = urls
        self.emails = emails
        self.case = case
        self.strip_accents = strip_accents
        self.stop_words = stop_words
        self.punctuation = punctuation
        self.symbols = symbols
        self.digits = digits
        self.whitespace = whitespace

    def transform(self, texts: Any) -> list[str]:
        """The texts, cleaned.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)

        Returns
        -------
        list of str, length n_samples
        """
        steps = self._steps()
        cleaned = check_texts(texts, allow_empty=True)
        for step in steps:
            cleaned = list(map(step, cleaned))
        return cleaned

    def _check_parameters(self) -> None:
        self._steps()

    def _steps(self) -> list[Step]:
        """The steps that are on, in their order."""
        for name in ("html", "whitespace"):
            check_choice(name, getattr(self, name), (False, True))
        letters = [self._normalizer(), self._caser(), self._stripper()]
        unwanted = self._unwanted([step for step in letters if step])
        steps = [
            text_of_html if self.html else None,
            self._normalizer(),
            self._replacer("urls", replace_urls),
            self._replacer("emails", replace_emails),
            self._caser(),
            self._stripper(),
            self._last(unwanted),
        ]
        return [step for step in steps if step is not None]

    def _last(self, unwanted: set[str]) -> Step:
        """The steps from stop words to white space as one."""
        steps = [
            remove_words(unwanted) if unwanted else None,
            self._replacer("punctuation", partial(replace_category, "P")),
            self._replacer("symbols", partial(replace_category, "S")),
            self._replacer("digits", replace_digits),
            _collapse if self.whitespace else None,
        ]
        chosen = [step for step in steps if step is not None]

        def last(text: str) -> str:
            for step in chosen:
                text = step(text)
            return text

        # In upper case no word would be found to be a stop word.
        if not self.whitespace or (unwanted and self.case is None):
            return last
        return short_cut(
            last,
            stop_words=unwanted,
            punctuation=self.punctuation,
            symbols=self.symbols,
            digits=self.digits,
        )

    def _normalizer(self) -> Step | None:
        form: Any = self.normalize
        check_choice("normalize", form, (None, "NFC", "NFKC", "NFD", "NFKD"))
        return None if form is None else lambda text: unicodedata.normalize(form, text)

    def _caser(self) -> Step | None:
        check_choice("case", self.case, (None, "lower", "fold"))
        return {None: None, "lower": str.lower, "fold": str.casefold}[self.case]

    def _stripper(self) -> Step | None:
        check_choice("strip_accents", self.strip_accents, (None, "ascii", "unicode"))
        return {None: None, "ascii": strip_accents_ascii, "unicode": strip_accents_unicode}[
            self.strip_accents
        ]

    def _replacer(self, name: str, make: Callable[[str], Step]) -> Step | None:
        """A step that puts the value of a parameter in the place of something."""
        value = getattr(self, name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ValueError(
                f"{name}={shown(value)}; expected None to keep them, or a str to put in their "
                "place: '' to remove them, ' ' to keep the words around them apart."
            )
        return make(value)

    def _unwanted(self, letters: list[Step]) -> set[str]:
        """The stop words, brought to the form that texts have when they are looked for."""
        if self.stop_words is None:
            return set()
        if isinstance(self.stop_words, Iterator):
            # It would be empty the second time.
            raise ValueError(
                f"stop_words={shown(self.stop_words)} can be read only once; give a list of it."
            )
        unwanted = set()
        for word in words_of(self.stop_words):
            for step in letters:
                word = step(word)
            unwanted.add(word.lower())
        return unwanted


def _collapse(text: str) -> str:
    return " ".join(text.split())
