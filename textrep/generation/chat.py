"""`Chat`: a conversation with an instruction checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textrep.core.random import RandomState
from textrep.core.text import TextInputError
from textrep.embeddings.parameters import check_count
from textrep.engine.seeding import seed_of
from textrep.generation.pretrained_language_model import PretrainedLanguageModel
from textrep.generation.sampling import Sampler, row_generators
from textrep.preprocess.surrogates import without_surrogates

_MOST_FOR_ANSWERS = 0.5  # of what the model sees: the rest is for the conversation


class Chat:
    """Talk with a published model that was trained to answer.

    The model is shown the whole conversation each time, written with the chat template of its
    tokenizer. When that no longer fits, the oldest turns are let go.

    Parameters
    ----------
    model : PretrainedLanguageModel
        Fitted, with a chat template.
    system : str or None, default=None
        What the model is told before the conversation.
    temperature : float, default=0.7
        Below 1 the likely becomes likelier; 0 always takes the likeliest token.
    top_k : int or None, default=None
    top_p : float or None, default=None
    repetition_penalty : float, default=1.0
        See `textrep.generation.Sampler` for these.
    max_new_tokens : int, default=512
        Of an answer, which has room in half of what the model sees at most.
    random_state : int, Generator, RandomState or None, default=None

    Attributes
    ----------
    messages : list of dict
        The conversation as it is remembered: ``{"role": "user", "content": "..."}`` and so on.
    dropped_turns : int
        Turns that the last call of `reply` let go.

    Raises
    ------
    ValueError
        If the model has no chat template, or refuses the system's message.

    Notes
    -----
    Special tokens that are spelt out in a message are taken out of it: a text cannot end the turn
    that it is in.

    Examples
    --------
    With a folder that holds an instruction checkpoint::

        chat = Chat(PretrainedLanguageModel(checkpoint="smollm2-135m-instruct").fit())
        for piece in chat.reply("What is a word?"):
            print(piece, end="")
    """

    def __init__(
        self,
        model: PretrainedLanguageModel,
        *,
        system: str | None = None,
        temperature: float = 0.7,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        max_new_tokens: int = 512,
        random_state: RandomState = None,
    ) -> None:
        if not isinstance(model, PretrainedLanguageModel):
            raise ValueError(
                f"a {type(model).__name__} only continues texts; instruction checkpoints with a "
                "chat template can chat, as PretrainedLanguageModel loads them"
            )
        model._check_fitted()
        if not model.tokenizer_.chat_template:
            raise ValueError(
                f"{model.checkpoint_} has no chat template, so it was not trained to answer; "
                "instruction checkpoints have one, in their tokenizer_config.json or "
                "chat_template.jinja"
            )
        check_count("max_new_tokens", max_new_tokens, 1)
        self._model = model
        self._sampler = Sampler(
            temperature, top_k, top_p, repetition_penalty, banned=model._unwritten()
        )
        self._max_new_tokens = max_new_tokens
        self._generator = row_generators(seed_of(random_state, "chat"), 1)[0]
        self._special = _special_tokens(model.tokenizer_)
        self._system = [] if system is None else [_message("system", self._plain(system))]
        self.messages: list[dict[str, str]] = list(self._system)
        self.dropped_turns = 0
        self._ids([*self._system, _message("user", "")])  # refused now, not at the first turn

    def reset(self) -> None:
        """Forget the conversation; the system's message stays."""
        self.messages = list(self._system)
        self.dropped_turns = 0

    def reply(self, text: str) -> Iterator[str]:
        """Say something, and get an answer piece by piece.

        Parameters
        ----------
        text : str

        Returns
        -------
        iterator of str
            As far as it is read, the answer becomes part of the conversation.

        Raises
        ------
        TextInputError
            If `text` is no str.
        ValueError
            If it alone is longer than what the model sees.
        """
        if not isinstance(text, str):
            raise TextInputError(f"text must be a single str, got {text!r:.60}")
        said = self.messages
        if said and said[-1]["role"] == "user":  # its answer was never read
            said = said[:-1]
        messages, self.dropped_turns = self._fitting([*said, _message("user", self._plain(text))])
        ids = self._ids(messages)
        self.messages = messages
        room = self._model.module_.max_length - len(ids)
        return self._answer(messages, ids, min(self._max_new_tokens, room))

    def _answer(self, messages: list[dict[str, str]], ids: list[int], most: int) -> Iterator[str]:
        pieces: list[str] = []
        try:
            for piece in self._model.continue_tokens(ids, self._sampler, self._generator, most):
                pieces.append(piece)
                yield piece
        finally:
            # Spelt out letter by letter, a special token may be in it too.
            messages.append(_message("assistant", self._plain("".join(pieces))))

    def _fitting(self, messages: list[dict[str, str]]) -> tuple[list[dict[str, str]], int]:
        """The conversation with room for an answer, and how many turns had to go for it."""
        seen = self._model.module_.max_length
        room = max(1, min(self._max_new_tokens, int(_MOST_FOR_ANSWERS * seen)))
        system, turns = len(self._system), 0
        while len(messages) > system + 1 and len(self._ids(messages)) + room > seen:
            messages = [*messages[:system], *messages[system + 2 :]]
            turns += 1
        if (length := len(self._ids(messages))) >= seen:
            raise ValueError(
                f"the message is too long: with what is said before the conversation it has "
                f"{length:,} tokens, and the model sees {seen:,}"
            )
        return messages, turns

    def _ids(self, messages: list[dict[str, str]]) -> list[int]:
        """The conversation as the model reads it, up to where its answer begins."""
        try:
            return self._model.tokenizer_.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=True, return_dict=False
            )
        except Exception as error:  # templates are programs, and raise what they like
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ValueError(
                f"the chat template of {self._model.checkpoint_} refuses the conversation: "
                f"{lines[0]:.300}"
            ) from error

    def _plain(self, text: Any) -> str:
        """A message without what would be read as special tokens."""
        if not isinstance(text, str):
            raise TextInputError(f"a message must be a str, got {text!r:.60}")
        text = without_surrogates(text)
        while found := [token for token in self._special if token in text]:
            text = text.replace(found[0], "")
        return text


def _special_tokens(tokenizer: Any) -> list[str]:
    """All that the tokenizer reads as special, the longest first.

    The signs of the roles are often among its added tokens only, as those of Llama 3.
    """
    added = tokenizer.added_tokens_decoder.values()
    found = {*tokenizer.all_special_tokens, *(token.content for token in added if token.special)}
    return sorted(found - {""}, key=lambda token: (-len(token), token))


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
