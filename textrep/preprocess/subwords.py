"""`SubwordTokenizer`: texts -> pieces of words, learnt from texts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from textrep.core.messages import printable, shown
from textrep.core.persist import Persistent
from textrep.core.text import check_texts
from textrep.preprocess.parameters import check_choice, is_integer
from textrep.preprocess.subword_training import MODELS, Settings, require_tokenizers, train
from textrep.preprocess.surrogates import refuse_surrogates
from textrep.preprocess.tokenizer_files import check_numbers
from textrep.preprocess.transformer import tag_texts

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class SubwordTokenizer(Persistent, TransformerMixin, BaseEstimator):
    """Texts -> pieces of words, by byte-level BPE, WordPiece or a unigram language model.

    `tokenize` gives the pieces of one text and is what scikit-learn's vectorisers want as
    ``tokenizer=``; `transform` gives texts in which a space stands between the pieces.

    Parameters
    ----------
    model : {"bpe", "wordpiece", "unigram"}, default="bpe"
        "bpe" merges pairs of bytes, as GPT-2 does: no text is unknown, and `decode` gives back
        exactly what `encode` was given. "wordpiece" is BERT's: words are cut at white space and
        punctuation; the pieces after the first begin with ``##``. "unigram" is SentencePiece's:
        ``▁`` stands for a space.
    vocab_size : int, default=8000
        Tokens at most; texts with few different pairs give fewer.
    min_frequency : int, default=2
        Occurrences of a pair that make it worth a token of its own; "unigram" has no use for it.
    lowercase : bool, default=False
        Whether texts are put in lower case first.
    special_tokens : tuple of str, default=()
        Tokens that take the first numbers, such as ``("[PAD]", "[CLS]")``, after the unknown token
        of the model (``[UNK]`` or ``<unk>``). Texts that spell them out are cut like any other; for
        "wordpiece" this takes a token with punctuation, such as its brackets.

    Attributes
    ----------
    tokenizer_ : tokenizers.Tokenizer
        The fitted tokenizer of the tokenizers library.
    vocabulary_ : dict of str to int
        Token -> number, by number. Made anew each time it is read.

    Notes
    -----
    The same texts and parameters give the same tokenizer. "wordpiece" makes one unknown token of a
    word with an unknown character or of more than 100 characters.

    References
    ----------
    R. Sennrich, B. Haddow and A. Birch, "Neural machine translation of rare words with subword
    units", ACL (2016).
    M. Schuster and K. Nakajima, "Japanese and Korean voice search", ICASSP (2012).
    T. Kudo, "Subword regularization", ACL (2018).

    Examples
    --------
    >>> from textrep.preprocess import SubwordTokenizer
    >>> texts = ["low lower lowest", "new newer newest"]
    >>> tokenizer = SubwordTokenizer(model="wordpiece", vocab_size=30).fit(texts)
    >>> tokenizer.transform(["lowest newer"])
    ['lo ##west ne ##wer']
    >>> tokenizer.decode(tokenizer.encode("lowest newer"))
    'lowest newer'
    """

    def __init__(
        self,
        *,
        model: str = "bpe",
        vocab_size: int = 8000,
        min_frequency: int = 2,
        lowercase: bool = False,
        special_tokens: tuple[str, ...] = (),
    ) -> None:
        self.model = model
        self.vocab_size = vocab_size
        self.min_frequency = min_frequency
        self.lowercase = lowercase
        self.special_tokens = special_tokens

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read a ``tokenizer.json`` of the tokenizers library, as Hugging Face models have it.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        SubwordTokenizer
            Fitted. Its parameters say of which kind and size the tokenizer is. Padding and
            truncation that the file asks for are switched off.

        Raises
        ------
        ValueError
            If the file holds no tokenizer, or one of another kind than `model` can be.
        OSError
            If it cannot be read.
        """
        path = Path(path)
        name = printable(str(path))
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"{name} is not a tokenizer.json: it is not text in UTF-8.") from None
        try:
            tokenizer = read_tokenizer(text)
        except ValueError as error:
            raise ValueError(f"{name} is not a tokenizer.json: {error}.") from None
        model = type(tokenizer.model).__name__.lower()
        if model not in MODELS:
            raise ValueError(
                f"{name} holds a tokenizer of kind {model!r}; expected one of {', '.join(MODELS)}."
            )
        made = cls(model=model, vocab_size=tokenizer.get_vocab_size())
        made.tokenizer_ = tokenizer
        return made

    @property
    def vocabulary_(self) -> dict[str, int]:
        if "tokenizer_" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'vocabulary_'")
        return dict(sorted(self.tokenizer_.get_vocab().items(), key=lambda item: item[1]))

    def fit(self, texts: Any, y: Any = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter has a wrong value, such as a `vocab_size` without room for the
            characters of the texts.
        """
        settings = self._settings()
        texts = check_texts(texts)
        refuse_surrogates(texts)
        self.tokenizer_ = _ready(train(texts, settings))
        return self

    def transform(self, texts: Any) -> list[str]:
        """Texts with a space between the pieces.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)

        Returns
        -------
        list of str, length n_samples
        """
        return [" ".join(tokens) for tokens in self.tokenize_texts(texts)]

    def tokenize(self, text: str) -> list[str]:
        """The pieces of one text.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of str
        """
        return self.tokenize_texts([text])[0]

    def tokenize_texts(self, texts: Any) -> list[list[str]]:
        """The pieces of each text.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)

        Returns
        -------
        list of list of str, length n_samples
        """
        return [encoding.tokens for encoding in self._encodings(texts)]

    def encode(self, text: str) -> list[int]:
        """The numbers of the pieces of one text.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of int
        """
        return self._encodings([text])[0].ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text that numbers stand for, special tokens included.

        Parameters
        ----------
        ids : iterable of int

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If there is no token of a number.
        """
        tokenizer = self._fitted()
        numbers = [int(number) for number in ids]
        for place, number in enumerate(numbers):
            if not 0 <= number < 2**32 or tokenizer.id_to_token(number) is None:
                raise ValueError(
                    f"ids[{place}] is {number}; expected the number of one of the "
                    f"{tokenizer.get_vocab_size()} tokens."
                )
        return tokenizer.decode(numbers, skip_special_tokens=False)

    def _encodings(self, texts: Any) -> list[Any]:
        tokenizer = self._fitted()
        texts = check_texts(texts, allow_empty=True)
        refuse_surrogates(texts)
        return tokenizer.encode_batch(texts, add_special_tokens=False)

    def _fitted(self) -> Tokenizer:
        if "tokenizer_" not in self.__dict__:
            raise NotFittedError(
                "this SubwordTokenizer has no vocabulary yet: call fit with texts, or make it with "
                "SubwordTokenizer.from_file."
            )
        return self.tokenizer_

    def _settings(self) -> Settings:
        check_choice("model", self.model, MODELS)
        check_choice("lowercase", self.lowercase, (False, True))
        for name in ("vocab_size", "min_frequency"):
            value = getattr(self, name)
            if not is_integer(value) or value < 1:
                raise ValueError(f"{name}={shown(value)}; expected an int of at least 1.")
        specials = self.special_tokens
        if not isinstance(specials, list | tuple) or not all(
            isinstance(token, str) and token for token in specials
        ):
            raise ValueError(
                f"special_tokens={shown(specials)}; expected a tuple of str, none of them empty."
            )
        refuse_surrogates(list(specials), "special_tokens")
        return Settings(
            self.model,
            int(self.vocab_size),
            int(self.min_frequency),
            self.lowercase,
            tuple(dict.fromkeys(specials)),
        )

    def _get_state(self) -> dict[str, Any]:
        return {"tokenizer": self.tokenizer_.to_str()} if "tokenizer_" in self.__dict__ else {}

    def _set_state(self, state: dict[str, Any]) -> None:
        if not state:
            return
        if set(state) != {"tokenizer"} or not isinstance(state["tokenizer"], str):
            raise ValueError("the state of a SubwordTokenizer is the JSON of its tokenizer")
        self.tokenizer_ = read_tokenizer(state["tokenizer"])

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        # A pickled Tokenizer forgets some of its settings.
        if "tokenizer_" in state:
            state["tokenizer_"] = self.tokenizer_.to_str()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if isinstance(self.__dict__.get("tokenizer_"), str):
            self.tokenizer_ = read_tokenizer(self.__dict__["tokenizer_"])

    def __sklearn_tags__(self) -> Any:
        return tag_texts(super().__sklearn_tags__(), requires_fit=True)


def read_tokenizer(text: str) -> Tokenizer:
    """A tokenizer from its JSON, which may be anything; a ValueError says what is wrong."""
    require_tokenizers()
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(text)
        _ready(tokenizer).encode("a")  # some models are found out only when they are used
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # The library's own errors are of type Exception; its panics are not even that.
        raise ValueError(f"the tokenizers library refuses it ({error})") from None
    check_numbers(tokenizer)
    return tokenizer


def _ready(tokenizer: Tokenizer) -> Tokenizer:
    """Switch off what would make tokens of anything but a text's own characters."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return tokenizer
