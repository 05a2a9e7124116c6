"""What an encoder says of words: alone, and on average over the places where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.contextual.encoders.batches import tokens_read_at_once
from textrep.contextual.encoders.encoder import Encoder, EncoderBatch
from textrep.contextual.encoders.layouts import n_special, template
from textrep.contextual.encoders.tokens import EncoderRow, EncoderTokenizer
from textrep.core.progress import Progress, progress
from textrep.engine.device import choose_device
from textrep.engine.inference import apply_in_batches, lent_to

NO_WORD = -1


class CutTexts(NamedTuple):
    """Texts as pieces that know their words.

    Attributes
    ----------
    words : list of str
        The distinct words, in the order in which they were met.
    counts : int64 ndarray (n_words,)
    pieces : list of int32 ndarray
        Of each text.
    word_of : list of int64 ndarray
        The number of the word of each piece, `NO_WORD` for what is none.
    shares : list of float32 ndarray
        Of each piece in its word: one divided by the pieces of the word.
    """

    words: list[str]
    counts: NDArray[np.int64]
    pieces: list[NDArray[np.int32]]
    word_of: list[NDArray[np.int64]]
    shares: list[NDArray[np.float32]]


def cut_texts(
    texts: Sequence[str], tokenizer: EncoderTokenizer, *, token_pattern: str, lowercase: bool
) -> CutTexts:
    """Cut texts into words, and each word, and what is between words, into pieces.

    A word has the same pieces wherever it stands, so that each distinct one is cut once.

    Parameters
    ----------
    texts : sequence of str
    tokenizer : EncoderTokenizer
    token_pattern : str
        Of a word.
    lowercase : bool
        Whether words are counted in lower case.

    Returns
    -------
    CutTexts
    """
    parts, kinds = _parts_of_texts(texts, re.compile(token_pattern))
    number_of: dict[str, int] = {}
    distinct: dict[tuple[str, bool], int] = {}
    rows = [
        [distinct.setdefault(part, len(distinct)) for part in zip(own, words, strict=True)]
        for own, words in zip(parts, kinds, strict=True)
    ]
    cut = tokenizer.pieces([part for part, _ in distinct])
    word = np.array(
        [
            number_of.setdefault(part.lower() if lowercase else part, len(number_of))
            if is_word
            else NO_WORD
            for part, is_word in distinct
        ],
        dtype=np.int64,
    )
    counts = np.zeros(len(number_of), dtype=np.int64)
    pieces, word_of, shares = [], [], []
    none = np.zeros(0, dtype=np.int32)
    sizes = np.array([len(own) for own in cut], dtype=np.int64)
    for row in rows:
        chosen = np.array(row, dtype=np.int64)
        own, n_pieces = word[chosen], sizes[chosen]
        pieces.append(np.concatenate([none, *(cut[i] for i in row)]))
        word_of.append(np.repeat(own, n_pieces))
        shares.append(np.repeat(1 / np.maximum(n_pieces, 1), n_pieces).astype(np.float32))
        np.add.at(counts, own[own != NO_WORD], 1)
    return CutTexts(list(number_of), counts, pieces, word_of, shares)


def _parts_of_texts(
    texts: Sequence[str], pattern: re.Pattern[str]
) -> tuple[list[list[str]], list[list[bool]]]:
    """Words and what is between them, without white space around it, and which are words."""
    parts: list[list[str]] = []
    kinds: list[list[bool]] = []
    group = min(1, pattern.groups)
    for text in texts:
        own: list[str] = []
        words: list[bool] = []
        end = 0
        for found in pattern.finditer(text):
            start = found.start(group)
            if between := text[end:start].strip():
                own.append(between)
                words.append(False)
            if found[group]:
                own.append(found[group])
                words.append(True)
            end = found.end(group)
        if rest := text[end:].strip():
            own.append(rest)
            words.append(False)
        parts.append(own)
        kinds.append(words)
    return parts, kinds


@dataclass
class Sums:
    """Vectors added up by word.

    Attributes
    ----------
    totals : float64 ndarray (n_words, D)
    counts : float64 ndarray (n_words,)
        Places; a word that a cut goes through counts in part.
    """

    totals: NDArray[np.float64]
    counts: NDArray[np.float64]


class _WordBatch(NamedTuple):
    encoder: EncoderBatch
    word_of: Tensor  # (B, T) int64
    weight: Tensor  # (B, T) float32, of each piece in its word


def sum_by_word(
    encoder: Encoder,
    pieces: Sequence[NDArray[np.int32]],
    word_of: Sequence[NDArray[np.int64]],
    shares: Sequence[NDArray[np.float32]],
    n_words: int,
    *,
    layers: int | str,
    device: str,
    precision: str,
    verbose: int,
    description: str,
) -> Sums:
    """Run texts through an encoder and add up what it makes of each word.

    The vector of a word at a place is the mean of those of its pieces there.

    Parameters
    ----------
    encoder : Encoder
    pieces, word_of, shares : sequences of arrays
        Of each text; see `CutTexts`. One longer than the encoder reads at once is read in parts.
    n_words : int
    layers : int or "all"
        Which hidden states: of a layer, or the mean of all layers above the embeddings.
    device, precision, verbose, description
        See `textrep.engine.train`.

    Returns
    -------
    Sums
    """
    parts = list(_parts(encoder, pieces, word_of, shares))
    lengths = np.array([len(row.ids) for row, *_ in parts], dtype=np.int64)
    found = Sums(np.zeros((n_words, encoder.hidden_size)), np.zeros(n_words))
    bar: Progress[Any] = progress(
        total=float(lengths.sum()), description=description, verbose=verbose, unit="tokens"
    )

    def collate(numbers: NDArray[np.int64]) -> _WordBatch:
        taken = [parts[i] for i in numbers.tolist()]
        batch = encoder.collate([row for row, *_ in taken])
        word = np.full(batch.ids.shape, NO_WORD, dtype=np.int64)
        weight = np.zeros(word.shape, dtype=np.float32)
        for i, (_, start, own, part) in enumerate(taken):
            word[i, start : start + len(own)] = own
            weight[i, start : start + len(own)] = part
        return _WordBatch(batch, torch.from_numpy(word), torch.from_numpy(weight))

    def add(batch: _WordBatch) -> list[int]:
        hidden = chosen_layers(encoder, batch.encoder, layers)
        there = batch.word_of >= 0
        vectors = hidden[there].float() * batch.weight[there][:, None]
        numbers = batch.word_of[there].cpu().numpy()
        own, first = np.unique(numbers, return_inverse=True)
        sums = torch.zeros(len(own), vectors.shape[1], device=vectors.device)
        sums.index_add_(0, torch.from_numpy(first).to(vectors.device), vectors)
        found.totals[own] += sums.cpu().numpy()
        found.counts[own] += np.bincount(first, batch.weight[there].cpu().numpy())
        bar.update(int(batch.encoder.lengths.sum()))
        return [0] * len(batch.encoder.lengths)

    chosen = choose_device(device)
    with bar, lent_to(encoder.module, chosen):
        apply_in_batches(
            add,
            lengths,
            collate,
            device=chosen,
            precision=precision,
            max_tokens=tokens_read_at_once(chosen),
        )
    return found


def chosen_layers(encoder: Encoder, batch: EncoderBatch, layers: int | str) -> Tensor:
    """Hidden states (B, T, D) of a layer, or the mean of all but the embeddings."""
    if layers == -1:
        return encoder.hidden(batch)
    states = encoder.hidden(batch, layers="all")
    if layers == "all":
        return torch.stack([state.float() for state in states[1:]]).mean(dim=0)
    return states[layers]


def _parts(
    encoder: Encoder,
    pieces: Sequence[NDArray[np.int32]],
    word_of: Sequence[NDArray[np.int64]],
    shares: Sequence[NDArray[np.float32]],
) -> Iterator[tuple[EncoderRow, int, NDArray[np.int64], NDArray[np.float32]]]:
    """Parts of texts that the encoder can read: the row, where the pieces begin in it, their words
    and their shares.
    """
    tokenizer = encoder.tokenizer
    room = encoder.max_length - n_special(tokenizer.layout, pair=False)
    start = template(tokenizer.layout, pair=False).index(("a", 0))
    for own, words, part in zip(pieces, word_of, shares, strict=True):
        for i in range(0, len(own), room):
            cut = slice(i, i + room)
            yield tokenizer.row(own[cut]), start, words[cut], part[cut]
