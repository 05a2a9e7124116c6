"""How code is completed: the likeliest line, or name, after what stands before the cursor."""

from __future__ import annotations

import functools
import keyword
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.generation.beam import beam_search
from textrep.generation.code.codec import CodeCodec
from textrep.generation.code.fill_in import prompt
from textrep.generation.code.mixture import CONTEXT, Mixture
from textrep.generation.code.unit_counts import FileCache
from textrep.generation.gpt_module import GPTModule
from textrep.layers.key_value_cache import KeyValueCache

_SIGNS = (CodeCodec.PAD, CodeCodec.UNK, CodeCodec.BOS, CodeCodec.PREFIX, CodeCodec.SUFFIX,
          CodeCodec.MIDDLE)  # fmt: skip
_SUFFIX_SHARE = 3  # the suffix has at most one part in so many of the window
_WIDE = 16  # hypotheses for a name, of which some are keywords


class Cursor(NamedTuple):
    """A place in a file, ready to be completed.

    Attributes
    ----------
    before : int32 array
        Tokens before it, without the piece that it is inside or behind.
    after : int32 array
    rest : bytes
        That piece: what is written begins with it, since units of it may go on behind the cursor.
    """

    before: NDArray[np.int32]
    after: NDArray[np.int32]
    rest: bytes


class Search:
    """Looks for likely completions.

    Parameters
    ----------
    module : GPTModule
        In evaluation mode, on the CPU.
    codec : CodeCodec
    mixture : Mixture
    make_cache : callable
        Takes tokens of a file and gives its `FileCache`.
    beam_width : int
    length_penalty : float
    """

    def __init__(
        self,
        module: GPTModule,
        codec: CodeCodec,
        mixture: Mixture,
        make_cache: Any,
        *,
        beam_width: int,
        length_penalty: float,
    ) -> None:
        self._module = module
        self._codec = codec
        self._mixture = mixture
        self._make_cache = make_cache
        self._beam_width = beam_width
        self._length_penalty = length_penalty
        units = codec.unit_bytes
        self._signs = _mask(len(units), _SIGNS)
        stops = [n for n, unit in enumerate(units) if unit[:1] in (b"\n", b"\r")]
        self._ends_line = _mask(len(units), [*stops, CodeCodec.EOS, CodeCodec.END])
        self._comments = np.array([unit.lstrip()[:1] == b"#" for unit in units])
        self._in_name = np.array([_is_word(unit[:1]) for unit in units])
        self._begins_name = self._in_name & ~np.array([unit[:1].isdigit() for unit in units])
        self._fitting = functools.lru_cache(maxsize=1024)(self._units_for)

    def cursor(self, prefix: str, suffix: str = "") -> Cursor:
        """A place between two texts."""
        pieces = self._codec.pieces(prefix[_last_line(prefix) :])
        rest = prefix[_last_line(prefix) :][pieces[-1][0] :] if pieces else ""
        if rest.strip(" \t") == "" and rest == prefix[_line_start(prefix) :]:
            rest = ""  # indentation is whole
        if rest.endswith("\n"):
            rest = ""
        before = prefix[: len(prefix) - len(rest)] if rest else prefix
        ids = self._codec.encode_all([before, suffix])
        return Cursor(ids[0], ids[1], rest.encode("utf-8", "replace"))

    def line(
        self, cursor: Cursor, longest: int, *, may_be_empty: bool, comments: bool = True
    ) -> str:
        """The likeliest text up to the end of the line.

        Parameters
        ----------
        cursor : Cursor
        longest : int
            Units at most.
        may_be_empty : bool
            Whether the line can end at once.
        comments : bool, default=True
            Whether it can begin with a comment.
        """
        rule = _LineRule(self._ends_line, may_be_empty, None if comments else self._comments)
        best = self._run(cursor, rule, longest, self._beam_width, 1)
        return best[0] if best else ""

    def name(self, cursor: Cursor, longest: int) -> str:
        """The likeliest identifier, or the rest of it where its beginning is there."""
        rule = _NameRule(self._in_name, self._begins_name)
        width = max(self._beam_width, _WIDE)
        begun = _name_at_end(cursor.rest.decode("utf-8", "replace"))
        for text in self._run(cursor, rule, longest, width, width):
            whole = begun + text
            if whole.isidentifier() and not keyword.iskeyword(whole):
                return text
        return ""

    def next_probabilities(self, cursor: Cursor) -> NDArray[np.float64]:
        """Probabilities (V,) of the unit after what stands before, the rest not heeded."""
        beams = self._start(cursor, 1)
        network, _ = self._read(torch.tensor([beams.last]), beams)
        return self._mixture.probabilities(network, beams.tails, beams.cache)[0]

    # ---- the search

    def _run(self, cursor: Cursor, rule: Any, longest: int, width: int, n_best: int) -> list[str]:
        beams = self._start(cursor, longest)
        found = beam_search(
            functools.partial(self._step, rule),
            beams,
            1,
            bos=beams.last,
            eos=CodeCodec.END,
            beam_width=width,
            max_length=longest,
            length_penalty=self._length_penalty,
            n_best=n_best,
        )[0]
        units = self._codec.unit_bytes
        texts = [b"".join(units[number] for number in hypothesis.ids) for hypothesis in found]
        n_rest = len(cursor.rest)
        return [t[n_rest:].decode("utf-8", "replace") for t in texts if t.startswith(cursor.rest)]

    @torch.inference_mode()
    def _start(self, cursor: Cursor, longest: int) -> _Beams:
        """The beam before its first step: all of the prompt is read but its last token."""
        ids = self._prompt(cursor, longest)
        cache = self._module.new_cache(1, len(ids) + longest)
        if len(ids) > 1:
            self._module.hidden(torch.from_numpy(ids[:-1].astype(np.int64))[None], cache)
        tail = cursor.before[-CONTEXT:].tolist()
        known = cursor.before
        if len(cursor.after):
            known = np.concatenate([known, [np.int32(CodeCodec.EOS)], cursor.after])
        return _Beams(cache, [tail], [b""], self._make_cache(known), cursor.rest, int(ids[-1]))

    def _prompt(self, cursor: Cursor, longest: int) -> NDArray[np.int32]:
        """What the network reads: as much as leaves room for what is written."""
        window = self._module.max_length
        room = max(window // 4, window - longest)
        if not len(cursor.after):
            whole = np.concatenate([[np.int32(CodeCodec.EOS)], cursor.before])
            return whole[-room:]
        suffix = cursor.after[: max(1, room // _SUFFIX_SHARE)]
        n_prefix = max(0, room - len(suffix) - 3)
        prefix = cursor.before[len(cursor.before) - min(n_prefix, len(cursor.before)) :]
        return prompt(prefix, suffix)

    @torch.inference_mode()
    def _read(self, tokens: torch.Tensor, beams: _Beams) -> tuple[NDArray[np.float64], None]:
        hidden = self._module.hidden(tokens[:, None], beams.keys)[:, 0]
        return self._module.scores(hidden).softmax(dim=-1).double().numpy(), None

    def _step(self, rule: Any, tokens: torch.Tensor, beams: _Beams) -> tuple[torch.Tensor, _Beams]:
        """Log-probabilities (N, V) of the next unit of each beam; `END` stands for all ends."""
        beams.take(tokens.tolist(), self._codec.unit_bytes)
        network, _ = self._read(tokens, beams)
        p = self._mixture.probabilities(network, beams.tails, beams.cache)
        p[:, self._signs] = 0.0
        for row, written in enumerate(beams.written):
            rest = beams.rest[len(written) :] if len(written) < len(beams.rest) else b""
            if rest:
                p[row, ~self._fitting(rest)] = 0.0
                p[row, self._ends_line] = 0.0
                rule.check_rest(p[row], rest, self._codec.unit_bytes)
            else:
                rule.end(p[row], written[len(beams.rest) :], beams.rest)
        with np.errstate(divide="ignore"):
            return torch.from_numpy(np.log(p)), beams

    def _units_for(self, rest: bytes) -> NDArray[np.bool_]:
        """Units that agree with what is to be written, as far as both go."""
        units = self._codec.unit_bytes
        return np.array([bool(u) and (u.startswith(rest) or rest.startswith(u)) for u in units])


class _Beams:
    """What goes with each beam from step to step."""

    def __init__(
        self,
        keys: KeyValueCache,
        tails: list[list[int]],
        written: list[bytes],
        cache: FileCache,
        rest: bytes,
        last: int,
    ) -> None:
        self.keys = keys
        self.tails = tails
        self.written = written
        self.cache = cache
        self.rest = rest
        self.last = last
        self._begun = False

    def take(self, tokens: list[int], units: list[bytes]) -> None:
        """One more unit of each beam; before the first step it is the prompt's last."""
        if self._begun:
            pairs = list(zip(self.tails, self.written, tokens, strict=True))
            self.tails = [[*tail[-CONTEXT:], token] for tail, _, token in pairs]
            self.written = [text + units[token] for _, text, token in pairs]
        self._begun = True

    def select(self, rows: torch.Tensor) -> Self:
        chosen = object.__new__(type(self))
        chosen.__dict__.update(self.__dict__)
        numbers = rows.tolist()
        chosen.keys = self.keys.select(rows)
        chosen.tails = [self.tails[row] for row in numbers]
        chosen.written = [self.written[row] for row in numbers]
        return chosen


class _LineRule:
    """A line ends before its line end, or with the file or the middle."""

    def __init__(
        self, ends: NDArray[np.bool_], may_be_empty: bool, never_first: NDArray[np.bool_] | None
    ) -> None:
        self._ends = ends
        self._may_be_empty = may_be_empty
        self._never_first = never_first

    def check_rest(self, p: NDArray[np.float64], rest: bytes, units: list[bytes]) -> None:
        """Whatever begins with the rest can be part of a line."""

    def end(self, p: NDArray[np.float64], written: bytes, rest: bytes) -> None:
        """Put the probability of all ends on one."""
        ended = p[self._ends].sum()
        p[self._ends] = 0.0
        if self._never_first is not None and not written.strip():
            p[self._never_first] = 0.0
        if self._may_be_empty or written.strip():
            p[CodeCodec.END] = ended


class _NameRule:
    """A name ends before the first unit that is none of it."""

    def __init__(self, inside: NDArray[np.bool_], begins: NDArray[np.bool_]) -> None:
        self._inside = inside
        self._begins = begins

    def check_rest(self, p: NDArray[np.float64], rest: bytes, units: list[bytes]) -> None:
        """A unit that goes on behind the rest goes on with a name."""
        for number in np.flatnonzero(p):
            more = units[number][len(rest) :][:1]
            if more and not _is_word(more):
                p[number] = 0.0

    def end(self, p: NDArray[np.float64], written: bytes, rest: bytes) -> None:
        """Put the probability of all ends on one; before the first character there is none."""
        begun = bool(written) or _is_word(rest[-1:])
        ended = p[~self._inside].sum()
        p[~(self._inside if begun else self._begins)] = 0.0
        if begun:
            p[CodeCodec.END] = ended


def _mask(size: int, numbers: Sequence[int]) -> NDArray[np.bool_]:
    found = np.zeros(size, dtype=bool)
    found[list(numbers)] = True
    return found


def _is_word(byte: bytes) -> bool:
    """Whether it can be part of a name: a letter, a digit, ``_``, or of a letter beyond ASCII."""
    return bool(byte) and (byte.isalnum() or byte == b"_" or byte >= b"\x80")


def _name_at_end(text: str) -> str:
    """The characters of a name that a text ends with.

    >>> _name_at_end("(self"), _name_at_end("self.")
    ('self', '')
    """
    return text[len(re.sub(r"\w+\Z", "", text)) :]


def _line_start(text: str) -> int:
    return text.rfind("\n") + 1


def _last_line(text: str) -> int:
    """Where the last line that is not empty begins, with the line end before it."""
    return max(0, text.rstrip("\n").rfind("\n"))
