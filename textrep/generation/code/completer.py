"""`CodeCompleter`: learns from Python files how they go on, and completes lines and names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textrep.core.container import PersistError
from textrep.core.random import RandomState, stream
from textrep.core.text import TextInputError, check_texts
from textrep.embeddings.parameters import check_count, check_number
from textrep.engine.estimator import set_weights, weights_of
from textrep.engine.seeding import seed_of, torch_seed
from textrep.engine.windows import WindowBatches
from textrep.generation.code.codec import CodeCodec
from textrep.generation.code.context_index import MOST_TOKENS
from textrep.generation.code.fill_in import FillInBatches
from textrep.generation.code.mixture import (
    Gate,
    Mixture,
    gate_examples,
    mixture_log_likelihoods,
)
from textrep.generation.code.search import Search
from textrep.generation.code.sources import place_of, read_sources, standard_library
from textrep.generation.code.unit_counts import FileCache, KneserNey
from textrep.generation.gpt import GPT
from textrep.generation.token_stream import join_rows

STANDARD_LIBRARY = object()
"""What `fit` learns from when it is given nothing."""

_LONGEST_LINE = 64  # units
_LONGEST_NAME = 16
_GATE_EXAMPLES = 20_000


class CodeCompleter(GPT):
    """Learn from Python source how it goes on; complete lines and names.

    Three parts say what comes next, and a gate says how much each is believed where:

    - a `GPT` on units of code, which also learns to fill in the middle, from windows in which what
      comes after is read before;
    - counts of the training files: modified Kneser-Ney over units;
    - a cache of the file at hand: what followed the same units earlier in it, and, where there is
      one, in the text after the cursor.

    The gate is trained on files that the others have not seen.

    Parameters
    ----------
    vocab_size : int, default=6000
        Units at most, from 264 to 65,534; see `textrep.generation.code.codec.CodeCodec`.
    min_count : int, default=2
        Occurrences that a pair must have to become a unit.
    num_layers : int, default=3
    num_heads : int, default=4
    hidden_size : int, default=192
    dropout : float, default=0.0
    max_length : int, default=256
        Units that the network sees.
    fill_in_rate : float, default=0.2
        Share of the windows that are learnt from as prefix, suffix and middle, or suffix, prefix
        and middle.
    order : int, default=7
        Units of the longest n-grams that are counted.
    cache_discount : float, default=0.4
        What the cache takes from each count for what did not come yet.
    gate_fraction : float, default=0.1
        Share of the files, by a hash of their texts, that only the gate learns from, where `fit` is
        not given others. Where none is left, the three are believed alike.
    beam_width : int, default=6
        Completions that are followed side by side.
    length_penalty : float, default=0.0
        Of the beam search; greater values favour longer lines.
    epochs : int, default=2
    max_steps : int or None, default=None
        Batches to learn from, in place of `epochs`.
    batch_size : int, default=8
    learning_rate : float, default=3e-3
    weight_decay : float, default=0.1
    max_seconds : float or None, default=None
        Time for training the network; the learning rate falls in it.
    checkpoint : path or None, default=None
        A file that keeps the state of training, as for `GPT`.
    device : str, default="auto"
        Where to train; completions are searched for on the CPU.
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    codec_ : CodeCodec
    module_ : GPTModule
    counts_ : KneserNey
    gate_ : Gate
    n_files_ : int
        Files that were learnt from.
    skipped_ : list of str
        Names of files that are no text in the encoding they name.
    history_, n_epochs_, stopped_early_, out_of_time_
        See `GPT`.

    Notes
    -----
    `score`, `perplexity` and `log_likelihoods` are of the mixture, each file by itself, with what
    stands earlier in it in the cache; `generate`, `stream` and `sample` are of the network alone.

    References
    ----------
    M. Bavarian et al.: Efficient training of language models to fill in the middle, 2022.

    Z. Tu, Z. Su, P. Devanbu: On the localness of software, FSE 2014.

    V. Hellendoorn, P. Devanbu: Are deep neural networks the best choice for modeling source code?,
    FSE 2017.

    Examples
    --------
    >>> from textrep import CodeCompleter
    >>> files = ["def area(self):\\n    return self.width * self.height\\n"] * 20
    >>> model = CodeCompleter(vocab_size=300, num_layers=1, num_heads=2, hidden_size=8,
    ...                       max_length=16, epochs=1, device="cpu", random_state=0)
    >>> model.fit(files, validation=files[:2]).next_line("def area(self):\\n")
    '    return self.width * self.height'
    >>> model.complete("def area(self):\\n    return self.wid")
    'th * self.height'
    """

    # What a GPT has besides, as it is here.
    level = "subword"
    lowercase = False
    max_vocabulary = None
    token_pattern = None
    tokenizer = None
    inner_size = None
    activation = "relu"
    norm = "pre"
    norm_kind = "rms"
    positions = "rotary"
    attention = "full"
    attention_settings = None
    bias = False
    tie_weights = True
    output_bias = False
    schedule = "cosine"
    warmup = 0.05
    betas = (0.9, 0.99)
    max_grad_norm = 1.0
    ema_decay = None
    validation_fraction = 0.0
    patience = None
    use_cache = True

    codec_: CodeCodec  # type: ignore[assignment]  # it has what a TextCodec has
    counts_: KneserNey
    gate_: Gate
    n_files_: int
    skipped_: list[str]

    def __init__(
        self,
        *,
        vocab_size: int = 6000,
        min_count: int = 2,
        num_layers: int = 3,
        num_heads: int = 4,
        hidden_size: int = 192,
        dropout: float = 0.0,
        max_length: int = 256,
        fill_in_rate: float = 0.2,
        order: int = 7,
        cache_discount: float = 0.4,
        gate_fraction: float = 0.1,
        beam_width: int = 6,
        length_penalty: float = 0.0,
        epochs: int = 2,
        max_steps: int | None = None,
        batch_size: int = 8,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.1,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.vocab_size = vocab_size
        self.min_count = min_count
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_size = hidden_size
        self.dropout = dropout
        self.max_length = max_length
        self.fill_in_rate = fill_in_rate
        self.order = order
        self.cache_discount = cache_discount
        self.gate_fraction = gate_fraction
        self.beam_width = beam_width
        self.length_penalty = length_penalty
        self.epochs = epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def fit(self, X: Any = STANDARD_LIBRARY, y: Any = None, *, validation: Any = None) -> Self:
        """Learn from files.

        Parameters
        ----------
        X : iterable of str, or path, default=STANDARD_LIBRARY
            Texts of files; or a folder, whose files ``*.py`` are read, or one file; the standard
            library of the running interpreter when left out.
        y : ignored
        validation : iterable of str, optional
            Texts of files that the gate learns from, in place of some of `X`.

        Returns
        -------
        self

        Raises
        ------
        TextInputError
            If `X` holds something else.
        OSError
            If a folder or file cannot be read.
        ValueError
            If a parameter is out of its range, or there is nothing to learn.
        """
        self._check_parameters()
        texts, skipped = _read(X)
        if validation is None:
            held_out = [text for text in texts if place_of(text) < self.gate_fraction]
            texts = [text for text in texts if place_of(text) >= self.gate_fraction] or texts
        else:
            held_out = check_texts(validation, name="validation")
        codec = self._new_codec().fit(texts)
        for name in ("counts_", "gate_"):
            self.__dict__.pop(name, None)
        self._learn(codec, join_rows(codec.encode_all(texts), codec.EOS), None)
        self.skipped_, self.n_files_ = skipped, len(texts)
        self._fit_gate(codec.encode_all(held_out) if held_out else [])
        return self

    def _learn(
        self, codec: Any, stream: NDArray[np.int32], held_out: NDArray[np.int32] | None
    ) -> Self:
        """Learn from tokens."""
        self.__dict__.pop("module_", None)  # interrupted, it must not stay beside another codec
        self.codec_ = codec
        module: Any = self._new_module()
        windows = WindowBatches(
            stream,
            n_rows=self.batch_size,
            window=self.max_length,
            seed=seed_of(self.random_state, "windows"),
            n_steps=self.max_steps,
        )
        seed = seed_of(self.random_state, "filling in")
        self._train(
            self._task(module),
            FillInBatches(windows, self.fill_in_rate, seed=seed),
            self._settings(windows.n_epochs or self.epochs),
            identity=self._identity(stream, held_out),
        )
        self.module_ = module.eval()
        self.counts_ = KneserNey(stream, len(codec), self.order)
        return self

    def _fit_gate(self, rows: Sequence[NDArray[np.int32]]) -> None:
        with torch_seed(seed_of(self.random_state, "gate")):
            self.gate_ = gate = Gate().eval()  # interrupted, all are believed alike
            rows = [row for row in rows if len(row)]
            if rows:
                features, likelihoods = gate_examples(
                    self.module_,
                    Mixture(self.counts_, gate),
                    rows,
                    self.codec_.EOS,
                    _GATE_EXAMPLES,
                    stream(self.random_state, "places for the gate"),
                    self._new_file_cache,
                )
                if len(features):
                    gate.learn(features, likelihoods, device=self.device)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._new_codec()
        check_count("vocab_size", self.vocab_size, 1, MOST_TOKENS)
        check_count("order", self.order, 2)
        check_number("fill_in_rate", self.fill_in_rate, least=0, most=1)
        check_number("gate_fraction", self.gate_fraction, least=0, most=0.5)
        check_number("cache_discount", self.cache_discount, above=0, most=1)
        check_count("beam_width", self.beam_width, 1)
        check_number("length_penalty", self.length_penalty, least=0)

    def _new_codec(self) -> CodeCodec:
        min_count: Any = self.min_count
        return CodeCodec(vocab_size=self.vocab_size, min_count=min_count)

    def _new_file_cache(self, ids: NDArray[np.integer]) -> FileCache:
        return FileCache(ids, len(self.codec_), discount=self.cache_discount)

    # ---- completing

    def complete(self, prefix: str, suffix: str = "", *, max_lines: int = 1) -> str:
        """What is to be written between two texts.

        Parameters
        ----------
        prefix : str
            The file up to the cursor. A name that it ends with is gone on with.
        suffix : str, default=""
            The file from there on.
        max_lines : int, default=1
            Lines to write at most, that of the cursor among them.

        Returns
        -------
        str
            Without the line end behind it. Empty if the line seems to be complete.
        """
        check_count("max_lines", max_lines, 1)
        prefix, suffix = _check_text("prefix", prefix), _check_text("suffix", suffix)
        search = self._search()
        written = ""
        for number in range(max_lines):
            cursor = search.cursor(prefix + written, suffix)
            in_line = number == 0 and not prefix.endswith("\n") and bool(prefix)
            line = search.line(cursor, _LONGEST_LINE, may_be_empty=in_line)
            written += line
            if number + 1 == max_lines or self._is_end(search, prefix + written, suffix):
                break
            written += "\n"
        return written

    def _is_end(self, search: Search, prefix: str, suffix: str) -> bool:
        """Whether nothing more is to be written: the end is likelier than another line."""
        p = search.next_probabilities(search.cursor(prefix + "\n", suffix)._replace(
            before=self.codec_.encode(prefix)))  # fmt: skip
        ends = p[self.codec_.END] + p[self.codec_.EOS]
        goes_on = sum(p[n] for n, unit in enumerate(self.codec_.unit_bytes) if unit[:1] == b"\n")
        return bool(ends > goes_on)

    def next_line(self, prefix: str, *, comments: bool = True) -> str:
        """The line after some lines.

        Parameters
        ----------
        prefix : str
            All that stands before it; a line end is added where there is none.
        comments : bool, default=True
            Whether it can be a comment and nothing else.

        Returns
        -------
        str
            With its indentation, without its end; not empty.
        """
        prefix = _check_text("prefix", prefix)
        if prefix and not prefix.endswith("\n"):
            prefix += "\n"
        search = self._search()
        cursor = search.cursor(prefix)
        return search.line(cursor, _LONGEST_LINE, may_be_empty=False, comments=comments)

    def complete_name(self, prefix: str) -> str:
        """The identifier that comes next, or the rest of one that `prefix` ends with.

        Parameters
        ----------
        prefix : str

        Returns
        -------
        str
            No keyword. Empty if none is found.
        """
        search = self._search()
        return search.name(search.cursor(_check_text("prefix", prefix)), _LONGEST_NAME)

    def _search(self) -> Search:
        self._check_fitted()
        return Search(
            self.module_,
            self.codec_,
            self._mixture(),
            self._new_file_cache,
            beam_width=self.beam_width,
            length_penalty=self.length_penalty,
        )

    def _mixture(self) -> Mixture:
        return Mixture(self.counts_, self.gate_)

    # ---- how likely files are

    def _of_texts(self, rows: list[NDArray[np.int32]]) -> NDArray[np.float64]:
        eos = self.codec_.EOS
        mixture = self._mixture()
        return np.array([
            mixture_log_likelihoods(
                self.module_, mixture, np.append(row, np.int32(eos)), eos, self._new_file_cache
            ).sum()
            for row in rows
        ])  # fmt: skip

    def _of_stream(self, rows: list[NDArray[np.int32]]) -> NDArray[np.float64]:
        ids = join_rows(rows, self.codec_.EOS)[1:]
        return mixture_log_likelihoods(
            self.module_, self._mixture(), ids, self.codec_.EOS, self._new_file_cache
        )

    # ---- saving

    def _get_saved_params(self) -> dict[str, Any]:
        params = super()._get_saved_params()
        return {name: params[name] for name in self.get_params(deep=False)}

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "counts_" in state:
            state["counts"] = np.asarray(state.pop("counts_").ids)
        if "gate_" in state:
            state["gate"] = weights_of(state.pop("gate_"))
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        codec, counts, gate = (state.pop(name, None) for name in ("codec", "counts", "gate"))
        if codec is not None:
            self.codec_ = CodeCodec.from_state(codec)
        super()._set_state(state)
        if codec is None:
            return
        if not isinstance(counts, np.ndarray) or counts.ndim != 1 or counts.dtype != np.uint16:
            raise PersistError("the counts of a CodeCompleter are the numbers of its units")
        if len(counts) < 2 or counts.max() >= len(self.codec_):
            raise PersistError("the counts of a CodeCompleter are of units that it does not have")
        self.counts_ = KneserNey(counts, len(self.codec_), self.order)
        self.gate_ = Gate().eval()
        set_weights(self.gate_, gate)


def _read(X: Any) -> tuple[list[str], list[str]]:
    """Texts of files, and names of those that could not be read."""
    if X is STANDARD_LIBRARY:
        found = standard_library()
    elif isinstance(X, os.PathLike):
        found = read_sources(X)
    else:
        return check_texts(X), []
    return [file.text for file in found.files], found.skipped


def _check_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TextInputError(f"{name} must be a str, got {value!r:.60}")
    return value
