"""What encoder-decoders do once they have learnt, whatever they are made of."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.core.container import PersistError
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_count
from textrep.engine.device import choose_device
from textrep.engine.estimator import TorchEstimator
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.generation.attention_plot import Attention, plot_attention
from textrep.generation.beam import Hypothesis
from textrep.generation.encoder_decoder import EncoderDecoder
from textrep.generation.seq2seq_task import pair_nll
from textrep.generation.text_pairs import (
    EOS,
    Rows,
    collate_pairs,
    costs_of,
    ended,
    read_pairs,
)
from textrep.generation.translating import attention_of, write_targets
from textrep.preprocess.codec import SPECIALS, TextCodec, join_words

_CODECS = ("source_codec_", "target_codec_")
_SPACE = "▁"  # how a space inside a subword is shown


class Candidate(NamedTuple):
    """One text that an encoder-decoder made.

    Attributes
    ----------
    text : str
    log_prob : float
        Logarithm of its probability, in nats, with its end.
    score : float
        That divided by the length penalty, by which texts are ranked.
    """

    text: str
    log_prob: float
    score: float


class Seq2SeqModel(TorchEstimator):
    """Base of the encoder-decoders: writing, scoring, attention, saving.

    A subclass has the parameters named below, and `fit`, which sets the codecs and the module.
    """

    beam_width: int
    length_penalty: float
    level: str
    max_length: int
    replace_unknown: bool
    shared_vocabulary: bool

    module_: EncoderDecoder
    source_codec_: TextCodec
    target_codec_: TextCodec
    _last: tuple[Rows, Rows]

    # ---- writing

    def predict(self, X: Any, *, beam_width: int | None = None) -> list[str]:
        """The most probable target of each source that beam search finds.

        Parameters
        ----------
        X : iterable of str, of length n_samples
        beam_width : int, optional
            In place of the parameter; 1 is greedy.

        Returns
        -------
        list of str, length n_samples
            What is made of a text does not depend on the others.
        """
        texts, rows = self._sources(X)
        found = self._search(rows, beam_width, 1)
        written = [np.array(best[0].ids if best else [], dtype=np.int32) for best in found]
        self._last = rows, ended(written)
        if not self._replaces:
            return [self.target_codec_.decode(ids) for ids in written]
        return self._without_unknown(texts, rows, written)

    def generate(
        self, X: Any, *, num_return_sequences: int = 1, beam_width: int | None = None
    ) -> list[list[Candidate]]:
        """Several targets of each source; unknown words are not replaced in them.

        Parameters
        ----------
        X : iterable of str, of length n_samples
        num_return_sequences : int, default=1
            For each at most; no more than there are beams.
        beam_width : int, optional
            In place of the parameter.

        Returns
        -------
        list of list of Candidate
            For each source, the best first.
        """
        _, rows = self._sources(X)
        decode = self.target_codec_.decode
        return [
            [Candidate(decode(each.ids), each.log_prob, each.score) for each in best]
            for best in self._search(rows, beam_width, num_return_sequences)
        ]

    def _sources(self, X: Any, name: str = "X") -> tuple[list[str], Rows]:
        self._check_fitted()
        texts = check_texts(X, name=name, allow_empty=True)
        return texts, ended(self.source_codec_.encode_all(texts), self.max_length)

    def _search(self, rows: Rows, beam_width: int | None, n_best: int) -> list[list[Hypothesis]]:
        width = self.beam_width if beam_width is None else beam_width
        check_count("beam_width", width, 1)
        check_count("num_return_sequences", n_best, 1)
        if n_best > width:
            raise ValueError(
                f"num_return_sequences must be at most beam_width, which is {width}, got {n_best}"
            )
        device = choose_device(self.device)
        with lent_to(self.module_, device) as module:
            return write_targets(
                module,
                rows,
                beam_width=width,
                n_best=n_best,
                length_penalty=self.length_penalty,
                max_length=self.max_length,
                with_unknown=self._replaces,
                device=device,
                precision=self.precision,
            )

    # ---- unknown words

    @property
    def _replaces(self) -> bool:
        """Whether the source's words take the place of unknown ones."""
        return bool(self.replace_unknown) and self._attends and self.level != "subword"

    def _without_unknown(self, texts: list[str], rows: Rows, written: Rows) -> list[str]:
        """Texts of numbers, an unknown word of which is the source's that got most attention."""
        unknown = [place for place, ids in enumerate(written) if TextCodec.UNK in ids]
        answers = [self.target_codec_.decode(ids) for ids in written]
        found = self._weights([rows[i] for i in unknown], ended([written[i] for i in unknown]))
        for place, weights in zip(unknown, found, strict=True):
            units = self.source_codec_.tokens(texts[place])
            if not units:
                continue
            # The end sign of the source, its last unit, is no word that could be copied.
            best = self._table(weights)[:, :-1].argmax(axis=1)
            words = [
                units[best[at]] if number == TextCodec.UNK else self.target_codec_.words[number]
                for at, number in enumerate(written[place].tolist())
            ]
            answers[place] = self._join(words)
        return answers

    def _join(self, words: list[str]) -> str:
        if self.level == "word":
            return join_words(words)
        return ("" if self.level == "character" else " ").join(words)

    # ---- attention

    @property
    def _attends(self) -> bool:
        """Whether the decoder looks back at the source."""
        return True

    @property
    def attention_(self) -> list[NDArray[np.float32]]:
        """What the units that the last `predict` wrote looked at, (..., n_target, n_source) each.

        Worked out when it is asked for.
        """
        if not self._attends or "_last" not in self.__dict__:
            reason = "predict was not called yet" if self._attends else "attention=None"
            raise AttributeError(f"there is no attention_: {reason}")
        return self._weights(*self._last)

    def attend(self, source: str, target: str | None = None) -> Attention:
        """Which units of a source each unit of a target looks at.

        Parameters
        ----------
        source : str
        target : str, optional
            As if the model had written it; else what `predict` makes of the source.

        Returns
        -------
        Attention
            Units of both, with their end signs, and weights (n_target, n_source).

        Raises
        ------
        ValueError
            If the model has no attention.
        """
        found = self._attend(source, target)
        return found._replace(weights=self._table(found.weights))

    def _attend(self, source: str, target: str | None) -> Attention:
        """`attend`, with all the weights that there are."""
        self._check_fitted()
        if not self._attends:
            raise ValueError("attention=None: this model looks at nothing; fit one with attention")
        _, rows = self._sources([source], "source")
        if target is None:
            best = self._search(rows, None, 1)[0]
            ids = [np.array(best[0].ids if best else [], dtype=np.int32)]
        else:
            ids = self.target_codec_.encode_all(check_texts([target], name="target"))
        targets = ended(ids)
        (weights,) = self._weights(rows, targets)
        source_units = _shown(self.source_codec_, rows[0], source)
        return Attention(source_units, _shown(self.target_codec_, targets[0], target), weights)

    def _table(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """The one table (n_target, n_source) that stands for all the weights."""
        return weights

    def plot_attention(self, source: str, target: str | None = None, *, ax: Any = None) -> Any:
        """Draw what `attend` finds.

        Parameters
        ----------
        source : str
        target : str, optional
        ax : matplotlib.axes.Axes, optional
            Where to draw; else a new figure of fitting size.

        Returns
        -------
        matplotlib.axes.Axes
        """
        return plot_attention(self.attend(source, target), ax)

    def _weights(self, sources: Rows, targets: Rows) -> list[NDArray[np.float32]]:
        device = choose_device(self.device)
        with lent_to(self.module_, device) as module:
            return attention_of(module, sources, targets, device=device, precision=self.precision)

    # ---- likelihood

    def log_likelihoods(self, X: Any, y: Any) -> NDArray[np.float64]:
        """Logarithm of the probability of each target, given its source.

        Parameters
        ----------
        X, y : iterables of str, of length n_samples

        Returns
        -------
        float64 ndarray (n_samples,)
            In nats; the end of the text is part of it. Unknown units count as the sign that stands
            for all of them.
        """
        return self._log_likelihoods(X, y)[0]

    def score(self, X: Any, y: Any) -> float:
        """Mean log-likelihood of the targets' units, in nats; greater is better.

        Parameters
        ----------
        X, y : iterables of str, of length n_samples

        Returns
        -------
        float
            Its negative is the logarithm of the perplexity.
        """
        found, n_units = self._log_likelihoods(X, y)
        return float(found.sum() / n_units)

    def _log_likelihoods(self, X: Any, y: Any) -> tuple[NDArray[np.float64], int]:
        self._check_fitted()
        texts, answers = read_pairs(X, y)
        sources = ended(self.source_codec_.encode_all(texts), self.max_length)
        targets = ended(self.target_codec_.encode_all(answers))
        device = choose_device(self.device)
        with lent_to(self.module_, device) as module:
            found = apply_in_batches(
                partial(pair_nll, module),
                costs_of(sources, targets),
                partial(collate_pairs, sources, targets),
                device=device,
                precision=self.precision,
            )
        return -np.array([float(nll) for nll in found]), sum(len(row) for row in targets)

    # ---- saving

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_last", None)  # texts that were read, which are no part of the model
        return state

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        for name in _CODECS:
            if name in state:
                state[name] = state[name].state()
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        try:
            for name in _CODECS:
                if name in state:
                    state[name] = TextCodec.from_state(state[name])
        except ValueError as error:
            raise PersistError(f"a codec is damaged: {error}") from error
        if self.shared_vocabulary and _CODECS[0] in state:
            state[_CODECS[1]] = state[_CODECS[0]]
        super()._set_state(state)


def _shown(codec: TextCodec, row: NDArray[np.int32], text: str | None) -> list[str]:
    """The units of a row that ends with the end sign, as a reader wants them."""
    ids = row[:-1].tolist()
    if codec.level == "subword":
        units = [codec.decode([number]).replace(" ", _SPACE) for number in ids]
    elif text is not None:
        units = codec.tokens(text)[: len(ids)]  # unknown words too
    else:
        units = [codec.words[number] for number in ids]
    return [*units, SPECIALS[EOS]]
