"""A small language model that learns from labelled texts to answer prompts of labelled texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.contextual.classification import hold_out
from textrep.contextual.few_shot_template import Template
from textrep.core.random import RandomState, stream
from textrep.engine.loss import LossSum
from textrep.engine.streams import StreamBatch
from textrep.generation.gpt import GPT
from textrep.generation.gpt_module import GPTModule, GPTTask
from textrep.generation.token_stream import join_rows
from textrep.preprocess.codec import TextCodec

MODEL: dict[str, Any] = {
    "level": "word",
    "num_layers": 2,
    "num_heads": 4,
    "hidden_size": 96,
    "positions": "alibi",
    "output_bias": True,
    "dropout": 0.2,
    "learning_rate": 3e-3,
    "weight_decay": 0.1,
}
"""Parameters of the `GPT`.

With ALiBi, labels look at the text beside them from the first step on; with positions that have to
be learnt, 125 steps on a planted task left half of the answers wrong, in place of 3 %.
"""

_MAX_VOCABULARY = 10_000
_MIN_COUNT = 2
_LABEL_WEIGHT = 10.0  # of the loss of a label: it is one token among some twenty of a text
_WORD_SHARE = 0.25  # of the other tokens that are predicted: the softmax takes most of the time
_HELD_OUT = 0.1
_SHORTEST_WINDOW, _LONGEST_WINDOW = 32, 512
_LENGTHS_BELOW = 0.9  # share of the texts that prompts of this window are long enough for
_BATCH_TOKENS, _FEWEST_ROWS = 1024, 4
_STREAM_TOKENS = 4096  # at least, so that the cuts of its windows differ
_PASSES = 3  # orders of the texts that an epoch goes through, at least
_READINGS = 15  # of each text in all, unless that are too few steps
_FEWEST_STEPS = 80
_SMALL_BATCH_TOKENS = 256  # where there are few texts


@dataclass(frozen=True)
class LabelledTexts:
    """Texts, the words of their labels, and how both are written.

    Attributes
    ----------
    template : Template
    separator : str
        Between two texts of a document.
    texts : list of str
    words : list of str
        Of the label of each text.
    n_examples : int
        Before the last text of a document.
    """

    template: Template
    separator: str
    texts: list[str]
    words: list[str]
    n_examples: int

    def part(self, chosen: Sequence[int] | NDArray[np.int64]) -> LabelledTexts:
        """Some of the texts."""
        return LabelledTexts(
            self.template,
            self.separator,
            [self.texts[i] for i in chosen],
            [self.words[i] for i in chosen],
            self.n_examples,
        )

    def examples(self) -> list[str]:
        """Each text with its label."""
        pairs = zip(self.texts, self.words, strict=True)
        return [self.template.example(*pair) for pair in pairs]


def episodes(data: LabelledTexts, n_passes: int, random: np.random.Generator) -> list[str]:
    """Documents that look like prompts with their answers.

    Parameters
    ----------
    data : LabelledTexts
    n_passes : int
        Times that each text is used, in another order each time.
    random : numpy.random.Generator

    Returns
    -------
    list of str
        Of `n_examples` + 1 texts with their labels, the last of a pass of fewer.

    Examples
    --------
    >>> template = Template.read("{text} = {label}")
    >>> data = LabelledTexts(template, "; ", ["one", "two", "six"], ["1", "2", "6"], 1)
    >>> episodes(data, 1, np.random.default_rng(0))
    ['six = 6; one = 1', 'two = 2']
    """
    examples = data.examples()
    size = data.n_examples + 1
    documents = []
    for _ in range(n_passes):
        order = random.permutation(len(examples)).tolist()
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            documents.append(data.separator.join(examples[i] for i in chosen))
    return documents


class EpisodeTask(GPTTask):
    """Next-token prediction in which the first token of a label counts more.

    Parameters
    ----------
    module : GPTModule
    cue : sequence of int
        Tokens that stand before a label; none weighs all tokens alike.
    weight : float
        Of the token after them, where another one weighs 1.
    word_share : float, default=1.0
        Of the other tokens that a training step predicts, drawn anew each time; where all are
        predicted, to compare epochs, they weigh as little.
    """

    def __init__(
        self, module: GPTModule, cue: Sequence[int], weight: float, word_share: float = 1.0
    ) -> None:
        super().__init__(module)
        self._cue = tuple(cue)
        self._weight = weight
        self._word_share = word_share

    def loss(self, phase: str, batch: StreamBatch) -> LossSum:
        """Weighted sum of the negative log-likelihoods, in nats, and the sum of the weights."""
        hidden = self.module.hidden(batch.inputs)
        chosen = batch.targets >= 0  # (B, T)
        is_label = self._after_cue(batch.inputs)
        word_weight = self._word_share
        if self.training and self._word_share < 1:
            drawn = torch.rand(is_label.shape, device=is_label.device) < self._word_share
            chosen = chosen & (is_label | drawn)
            word_weight = 1.0
        nll = self.module.output.nll(hidden[chosen], batch.targets[chosen])
        weights = torch.where(is_label[chosen], self._weight, word_weight)
        return LossSum((nll * weights).sum(), float(weights.sum()))

    def _after_cue(self, inputs: torch.Tensor) -> torch.Tensor:
        """Whether a label follows each place, bool (B, T)."""
        found = torch.zeros_like(inputs, dtype=torch.bool)
        if not self._cue or len(self._cue) > inputs.shape[1]:
            return found
        windows = inputs.unfold(1, len(self._cue), 1)  # (B, T', n_cue)
        cue = torch.tensor(self._cue, device=inputs.device)
        found[:, len(self._cue) - 1 :] = (windows == cue).all(dim=2)
        return found


class _EpisodeGPT(GPT):
    """A GPT that is trained by `EpisodeTask`."""

    def _task(self, module: GPTModule) -> GPTTask:
        return EpisodeTask(module, self._cue, _LABEL_WEIGHT, _WORD_SHARE)


def train_on_episodes(
    data: LabelledTexts,
    group: NDArray[np.int64],
    *,
    max_steps: int | None,
    max_seconds: float | None,
    device: str,
    random_state: RandomState,
    verbose: int,
) -> GPT:
    """A small GPT that has learnt from labelled texts.

    Its documents are several texts with their labels, in an order of their own each time, as in the
    prompts that it is to answer. A tenth of the texts, if these are 20 at least, tells which epoch
    was best.

    Parameters
    ----------
    data : LabelledTexts
    group : int64 array (n_samples,)
        Number of the class of each text.
    max_steps : int or None
        Batches; None for as many as make `_READINGS` of each text, `_FEWEST_STEPS` at least.
    max_seconds : float or None
    device : str
    random_state : int, Generator, RandomState or None
    verbose : int

    Returns
    -------
    GPT
        Fitted.

    Raises
    ------
    ValueError
        If no text has a word.
    """
    codec = _learn_words(data)
    random = stream(random_state, "episodes")
    learnt, held_out = hold_out(group, _HELD_OUT, random)
    lengths = np.array([len(row) for row in codec.encode_all(data.examples())])
    n_tokens = int(lengths[learnt].sum())
    n_passes = max(_PASSES, math.ceil(_STREAM_TOKENS / n_tokens))
    window = _window(lengths, data.n_examples)
    batch_tokens = _BATCH_TOKENS if n_passes == _PASSES else _SMALL_BATCH_TOKENS
    n_rows = max(_FEWEST_ROWS, batch_tokens // window)
    n_steps = max(_FEWEST_STEPS, math.ceil(_READINGS * n_tokens / (n_rows * window)))
    model = _EpisodeGPT(
        **MODEL,
        lowercase=codec.lowercase,
        max_length=window,
        batch_size=n_rows,
        max_steps=max_steps or n_steps,
        max_seconds=max_seconds,
        device=device,
        random_state=int(random.integers(2**31)),
        verbose=verbose,
    )
    model._cue = codec.encode(data.template.cue).tolist()
    model._check_parameters()
    validation = None
    if len(held_out):
        validation = _stream(codec, data.part(held_out), 1, random)
    model._learn(codec, _stream(codec, data.part(learnt), n_passes, random), validation)
    return _plain(model)


def _learn_words(data: LabelledTexts) -> TextCodec:
    """The words of the texts that are not too rare, and all those of frame and labels."""
    words = set(data.words)
    codec = TextCodec(
        level=MODEL["level"],
        lowercase=len({word.lower() for word in words}) == len(words),
        max_vocabulary=_MAX_VOCABULARY,
        min_count=_MIN_COUNT,
    )
    if not any(codec.tokens(text) for text in data.texts):
        raise ValueError("there are no words in X to learn from")
    examples = data.examples()
    frame = [data.template.example("", word) + data.separator for word in sorted(words)]
    # As often as there are texts: no frequent word takes the place of a label.
    return codec.fit([*examples, *frame * max(_MIN_COUNT, len(examples) // len(frame))])


def _window(lengths: NDArray[np.int64], n_examples: int) -> int:
    """Tokens that most prompts have, in eights."""
    wanted = (n_examples + 1) * (float(np.quantile(lengths, _LENGTHS_BELOW)) + 1)
    return 8 * math.ceil(min(_LONGEST_WINDOW, max(_SHORTEST_WINDOW, wanted)) / 8)


def _stream(
    codec: TextCodec, data: LabelledTexts, n_passes: int, random: np.random.Generator
) -> NDArray[np.int32]:
    return join_rows(codec.encode_all(episodes(data, n_passes, random)), codec.EOS)


def _plain(model: _EpisodeGPT) -> GPT:
    """The same model without its way of training, which no file needs to know."""
    plain = GPT(**model.get_params(deep=False))
    for name, value in vars(model).items():
        if name.endswith("_"):
            setattr(plain, name, value)
    return plain
