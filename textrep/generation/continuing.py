"""Token after token: how a recurrent language model continues prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.engine.batches import pad
from textrep.engine.device import autocast
from textrep.generation.recurrent_module import RecurrentLM
from textrep.generation.sampling import Sampler
from textrep.generation.token_by_token import TokenByToken
from textrep.layers.recurrent import State, select_state
from textrep.preprocess.codec import TextCodec
from textrep.preprocess.tokenizer_codec import TokenizerCodec

_REPLACEMENT = "\ufffd"  # what bytes are shown as that are no character, or not yet
_CONTEXT = 16  # tokens of a prompt that decide how the first one after it is written


class Continuation(TokenByToken):
    """Prompts of differing length, continued side by side.

    The prompts are read with padding on the right, which nothing looks at; each row then goes on
    from its own last token.

    Parameters
    ----------
    module : RecurrentLM
        On the device, in evaluation mode.
    prompts : sequence of integer arrays
        Tokens of each row.
    sampler : Sampler
    generators : sequence of torch.Generator
        One a row.
    eos : int
        Read before each prompt; a row that draws it has ended.
    precision : {"fp32", "bf16"}
    """

    def __init__(
        self,
        module: RecurrentLM,
        prompts: Sequence[NDArray[np.integer]],
        sampler: Sampler,
        generators: Sequence[torch.Generator],
        *,
        eos: int,
        precision: str,
    ) -> None:
        self._module = module
        self._device = module.embedding.weight.device
        super().__init__(prompts, sampler, generators, eos)
        self._precision = precision

    def _begin(self, max_new_tokens: int) -> tuple[torch.Tensor, State]:
        return self._read_prompts()

    def _go_on(
        self, tokens: list[int], going: list[int], state: State
    ) -> tuple[torch.Tensor, State]:
        return self._advance(tokens, going, state)

    # Inference mode is of the thread: it must not be on while a caller has what was yielded.

    @torch.inference_mode()
    def _read_prompts(self) -> tuple[torch.Tensor, State]:
        """Scores (B, V) of what comes first after each prompt, and the states there."""
        ids = pad([np.array(text) for text in self._texts])
        lengths = torch.tensor([len(text) for text in self._texts])
        with autocast(self._device, self._precision):
            layers, state = self._module.forward_states(ids.to(self._device), lengths)
            last = layers[-1][torch.arange(len(ids)), lengths - 1]  # (B, H)
            return self._module.scores(last), state

    @torch.inference_mode()
    def _advance(
        self, tokens: list[int], going: list[int], state: State
    ) -> tuple[torch.Tensor, State]:
        """One step of the rows that go on."""
        ids = torch.tensor(tokens, device=self._device)[:, None]  # (B, 1)
        state = select_state(state, torch.tensor(going, device=self._device))
        with autocast(self._device, self._precision):
            layers, state = self._module.forward_states(ids, None, state)
            return self._module.scores(layers[-1][:, 0]), state


class TextPieces:
    """The text that tokens stand for, as they come.

    Parameters
    ----------
    codec : TextCodec or TokenizerCodec
    prompt : integer array
        Tokens before the first; they are no part of the text, but a word after a word has a space
        before it.

    Examples
    --------
    >>> codec = TextCodec().fit(["So much, so little"])
    >>> pieces = TextPieces(codec, codec.encode("So"))
    >>> [pieces.push(token) for token in codec.encode("much, so").tolist()]
    [' much', ',', ' so']
    """

    def __init__(self, codec: TextCodec | TokenizerCodec, prompt: NDArray[np.integer]) -> None:
        self._codec = codec
        self._joined = not codec.concatenates
        self._in_bytes = codec.level not in ("word", "whitespace")
        self._before: list[int] = prompt[-_CONTEXT:].tolist() if self._joined else []
        self._held: list[int] = []

    def push(self, token: int) -> str:
        """The text of one more token; empty while bytes of a character are missing."""
        self._held.append(token)
        text = self._text()
        if self._in_bytes and text.endswith(_REPLACEMENT):
            return ""
        return self._release(text)

    def finish(self) -> str:
        """What has been held back, when no token follows."""
        return self._release(self._text())

    def _text(self) -> str:
        start = len(self._codec.decode(self._before))
        return self._codec.decode([*self._before, *self._held])[start:]

    def _release(self, text: str) -> str:
        if self._joined and self._held:
            self._before = self._held
        self._held = []
        return text


def whole_text(
    codec: TextCodec | TokenizerCodec, prompt: NDArray[np.integer], tokens: Sequence[int]
) -> str:
    """The text of all tokens after a prompt."""
    pieces = TextPieces(codec, prompt)
    return "".join([*(pieces.push(token) for token in tokens), pieces.finish()])
