"""`LanguageModel`: what all language models share: scores of texts, and writing."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textrep.core.random import RandomState
from textrep.core.text import TextInputError, check_texts
from textrep.embeddings.parameters import check_count
from textrep.engine.device import choose_device
from textrep.engine.estimator import TorchEstimator
from textrep.engine.inference import lent_to
from textrep.engine.seeding import seed_of
from textrep.generation.continuing import TextPieces, whole_text
from textrep.generation.sampling import Sampler, row_generators
from textrep.generation.token_stream import read_texts
from textrep.preprocess.codec import TextCodec
from textrep.preprocess.tokenizer_codec import TokenizerCodec, codec_from_state

_ROWS_AT_ONCE = 256  # texts that are generated side by side


class Steps(Protocol):
    """Rows that are continued side by side, see `textrep.generation.continuing.Continuation`."""

    def steps(self, max_new_tokens: int) -> Iterator[list[tuple[int, int]]]:
        """Rows that go on, and the token that each of them goes on with, step by step."""


class LanguageModel(TorchEstimator):
    """Base of the estimators that say what comes next in texts.

    A subclass has, beside what `TorchEstimator` asks for, a `fit` that sets `codec_` and `module_`,
    and the three methods that follow.

    Attributes
    ----------
    codec_ : TextCodec or TokenizerCodec
    """

    codec_: TextCodec | TokenizerCodec

    def _of_texts(self, rows: list[NDArray[np.int32]]) -> NDArray[np.float64]:
        """Log-likelihood of each text and its end, (n_texts,), given its tokens."""
        raise NotImplementedError

    def _of_stream(self, rows: list[NDArray[np.int32]]) -> NDArray[np.float64]:
        """Log-likelihood of all tokens and ends, (n_tokens,), of texts that are read as one."""
        raise NotImplementedError

    def _of_continuations(
        self, prompts: list[NDArray[np.int32]], continuations: list[NDArray[np.int32]]
    ) -> NDArray[np.float64]:
        """Log-likelihood of each continuation of its prompt, (n,), without an end."""
        raise NotImplementedError

    def _continuation(
        self,
        module: nn.Module,
        rows: list[NDArray[np.int32]],
        sampler: Sampler,
        generators: Sequence[torch.Generator],
    ) -> Steps:
        """Prompts, ready to be continued by a module that is on the device."""
        raise NotImplementedError

    def _unwritten(self) -> list[int]:
        """What a generated text does not hold."""
        codec = self.codec_
        numbers = getattr(codec, "unwritten", (codec.PAD, codec.UNK, codec.BOS))
        return [number for number in numbers if number is not None and number != codec.EOS]

    def _lent_module(self) -> contextlib.AbstractContextManager[nn.Module]:
        """The module on the device inside, in evaluation mode."""
        return lent_to(self.module_, choose_device(self.device))

    def _own_module(self) -> nn.Module:
        """The module on the device for as long as a caller takes."""
        device = choose_device(self.device)
        if device.type == "cpu":
            return self.module_
        return copy.deepcopy(self.module_).to(device)  # lent, it would be missed by other calls

    # ---- how likely texts are

    def log_likelihoods(self, X: Any) -> NDArray[np.float64]:
        """Log-likelihood of each text, and of its end.

        Parameters
        ----------
        X : iterable of str, or pathlib.Path

        Returns
        -------
        float64 ndarray (n_samples,)
            In nats.
        """
        self._check_fitted()
        return self._of_texts(self.codec_.encode_all(read_texts(X, "X")))

    def log_likelihoods_of_continuations(
        self, prompts: Any, continuations: Any
    ) -> NDArray[np.float64]:
        """How likely texts are to go on in given ways.

        A space between prompt and continuation belongs to the continuation. Both are cut into
        tokens apart; by a tokenizer that begins each text with a space of its own, as that of
        Llama 2 does, together, where the tokens of the prompt stay the same.

        Parameters
        ----------
        prompts : iterable of str, of length n_samples
            Beginnings of texts; of one that is longer than what the model sees, only the end is
            read.
        continuations : iterable of str, of length n_samples
            What follows each. The end of the text is not counted.

        Returns
        -------
        float64 ndarray (n_samples,)
            In nats, summed over the tokens of the continuation; 0 where it has none.

        Raises
        ------
        TextInputError
            If either holds something else than texts.
        ValueError
            If there are not as many of one as of the other.
        """
        self._check_fitted()
        before = check_texts(prompts, name="prompts", allow_empty=True)
        after = check_texts(continuations, name="continuations", allow_empty=True)
        if len(before) != len(after):
            raise ValueError(
                f"continuations must be as many as prompts, {len(before)}, got {len(after)}"
            )
        return self._of_continuations(*self._cut(before, after))

    def _cut(
        self, prompts: Sequence[str], continuations: Sequence[str]
    ) -> tuple[list[NDArray[np.int32]], list[NDArray[np.int32]]]:
        """The tokens of prompts, and of what follows each."""
        codec = self.codec_
        before, after = codec.encode_all(prompts), codec.encode_all(continuations)
        if codec.concatenates or isinstance(codec, TextCodec):
            return before, after
        whole = codec.encode_all([a + b for a, b in zip(prompts, continuations, strict=True)])
        for place, (first, both) in enumerate(zip(before, whole, strict=True)):
            if len(both) > len(first) and np.array_equal(both[: len(first)], first):
                after[place] = both[len(first) :]
        return before, after

    def score(self, X: Any, y: Any = None, *, continuous: bool = False) -> float:
        """Mean log-likelihood of a token, ends of texts included; greater is better.

        Parameters
        ----------
        X : iterable of str, or pathlib.Path
        y : ignored
        continuous : bool, default=False
            Whether the texts are read as one, each with those before it in mind, and with the cache
            of `cache_size`.

        Returns
        -------
        float
            In nats.
        """
        total, n_tokens, _ = self._totals(X, continuous)
        return total / n_tokens

    def perplexity(self, X: Any, *, continuous: bool = False) -> float:
        """Between so many equally likely tokens the model would be as unsure.

        Parameters
        ----------
        X : iterable of str, or pathlib.Path
        continuous : bool, default=False
            As for `score`.

        Returns
        -------
        float
            The exponential of ``-score``.
        """
        loss = -self.score(X, continuous=continuous)
        try:
            return math.exp(loss)
        except OverflowError:
            return math.inf

    def bits_per_character(self, X: Any, *, continuous: bool = False) -> float:
        """What a character costs, at any level, if the model encodes the texts.

        Parameters
        ----------
        X : iterable of str, or pathlib.Path
        continuous : bool, default=False
            As for `score`.

        Returns
        -------
        float
            All of the texts and their ends in bits, by the characters of the texts.

        Raises
        ------
        ValueError
            If the texts have no characters.
        """
        total, _, n_characters = self._totals(X, continuous)
        if not n_characters:
            raise ValueError("bits per character of texts without characters are not defined")
        return -total / math.log(2) / n_characters

    def _totals(self, X: Any, continuous: bool) -> tuple[float, int, int]:
        """Log-likelihood, tokens and characters of all texts."""
        self._check_fitted()
        texts = read_texts(X, "X")
        rows = self.codec_.encode_all(texts)
        found = self._of_stream(rows) if continuous else self._of_texts(rows)
        return math.fsum(found), sum(map(len, rows)) + len(rows), sum(map(len, texts))

    # ---- writing

    def generate(
        self,
        prompt: Any = "",
        *,
        max_new_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        num_return_sequences: int = 1,
        random_state: RandomState = None,
    ) -> Any:
        """Continue prompts.

        Parameters
        ----------
        prompt : str, or iterable of str, default=""
            Beginnings of texts; ``""`` for a text from nothing.
        max_new_tokens : int, default=100
            Of each text; fewer where the text ends before.
        temperature : float, default=1.0
            Below 1 the likely becomes likelier; 0 always takes the likeliest token.
        top_k : int or None, default=None
            Only so many of the likeliest tokens can come next.
        top_p : float or None, default=None
            Only the likeliest tokens with this probability together can.
        repetition_penalty : float, default=1.0
            Above 1, tokens that stood before become less likely. See `Sampler` for all of these.
        num_return_sequences : int, default=1
            Texts for each prompt.
        random_state : int, Generator, RandomState or None, default=None
            None writes another text each time. Rows have streams of their own: the texts are the
            same for a longest length that is shorter, or with further prompts after them.

        Returns
        -------
        str, list of str, or list of lists of str
            What follows the prompt, without it, with a space first where one belongs. A list
            for several prompts; in it, or alone for one prompt, a list for several sequences.
        """
        self._check_fitted()
        check_count("num_return_sequences", num_return_sequences, 1)
        check_count("max_new_tokens", max_new_tokens, 1)
        sampler = Sampler(temperature, top_k, top_p, repetition_penalty, banned=self._unwritten())
        single = isinstance(prompt, str)
        prompts = check_texts([prompt] if single else prompt, name="prompt", allow_empty=True)
        rows = [row for row in self.codec_.encode_all(prompts) for _ in range(num_return_sequences)]
        texts = self._continue_all(rows, sampler, max_new_tokens, random_state)
        if num_return_sequences == 1:
            return texts[0] if single else texts
        starts = range(0, len(texts), num_return_sequences)
        lists = [texts[start : start + num_return_sequences] for start in starts]
        return lists[0] if single else lists

    def _continue_all(
        self,
        rows: list[NDArray[np.int32]],
        sampler: Sampler,
        max_new_tokens: int,
        random_state: RandomState,
    ) -> list[str]:
        generators = row_generators(seed_of(random_state, "generation"), len(rows))
        tokens: list[list[int]] = [[] for _ in rows]
        with self._lent_module() as module:
            for first in range(0, len(rows), _ROWS_AT_ONCE):
                part = slice(first, first + _ROWS_AT_ONCE)
                continuation = self._continuation(module, rows[part], sampler, generators[part])
                for step in continuation.steps(max_new_tokens):
                    for row, token in step:
                        tokens[first + row].append(token)
        return [whole_text(self.codec_, *pair) for pair in zip(rows, tokens, strict=True)]

    def stream(
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        random_state: RandomState = None,
    ) -> Iterator[str]:
        """Continue one prompt, piece by piece.

        Parameters
        ----------
        prompt : str, default=""
        max_new_tokens, temperature, top_k, top_p, repetition_penalty, random_state
            As for `generate`.

        Returns
        -------
        iterator of str
            Their join is what `generate` gives.
        """
        self._check_fitted()
        check_count("max_new_tokens", max_new_tokens, 1)
        sampler = Sampler(temperature, top_k, top_p, repetition_penalty, banned=self._unwritten())
        if not isinstance(prompt, str):
            raise TextInputError(f"prompt must be a single str here, got {prompt!r:.60}")
        generators = row_generators(seed_of(random_state, "generation"), 1)
        return self._pieces(self.codec_.encode(prompt), sampler, generators, max_new_tokens)

    def _pieces(
        self,
        row: NDArray[np.int32],
        sampler: Sampler,
        generators: list[torch.Generator],
        max_new_tokens: int,
    ) -> Iterator[str]:
        continuation = self._continuation(self._own_module(), [row], sampler, generators)
        pieces = TextPieces(self.codec_, row)
        for step in continuation.steps(max_new_tokens):
            if piece := pieces.push(step[0][1]):
                yield piece
        if piece := pieces.finish():
            yield piece

    def sample(self, n: int = 1, **how: Any) -> list[str]:
        """Write texts from nothing.

        Parameters
        ----------
        n : int, default=1
        **how
            As for `generate`: `max_new_tokens`, `temperature`, ...

        Returns
        -------
        list of str, length n
        """
        check_count("n", n, 1)
        return self.generate([""] * int(n), **how)

    # ---- saving

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "codec_" in state:
            state["codec"] = state.pop("codec_").state()
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "codec" in state:
            self.codec_ = codec_from_state(state.pop("codec"))
        super()._set_state(state)
