"""Which tokens are hidden from an encoder, and what stands in their place."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from textrep.contextual.denoising import MASKED, REPLACED
from textrep.contextual.encoders.tokens import EncoderTokenizer

IGNORED = -100
"""The target where none is: the number that torch's cross entropy leaves out."""

_NEVER = 2.0  # more than any draw


class MaskingTables(NamedTuple):
    """What masking has to know of a tokenizer, on one device.

    Attributes
    ----------
    special : bool tensor (size,)
        Tokens that are neither hidden nor put in place of others.
    starts : bool tensor (size,)
        Tokens that begin a word.
    ordinary : int64 tensor (n,)
        All that are not special.
    mask : int
        Number of the mask token.
    """

    special: Tensor
    starts: Tensor
    ordinary: Tensor
    mask: int

    def to(self, device: torch.device) -> MaskingTables:
        """The tables on another device."""
        special, starts, ordinary = (table.to(device) for table in self[:3])
        return MaskingTables(special, starts, ordinary, self.mask)


def masking_tables(tokenizer: EncoderTokenizer) -> MaskingTables:
    """The tables of a tokenizer, on the CPU.

    Examples
    --------
    >>> tokenizer = EncoderTokenizer.train(["so much text"] * 3, vocab_size=40)
    >>> masking_tables(tokenizer).special.nonzero()[:, 0].tolist() == tokenizer.special_ids.tolist()
    True
    """
    special = np.zeros(tokenizer.size, dtype=bool)
    special[tokenizer.special_ids] = True
    starts = tokenizer.starts
    ordinary = torch.from_numpy(tokenizer.ordinary_ids)
    return MaskingTables(
        torch.from_numpy(special), torch.from_numpy(starts), ordinary, tokenizer.mask_id
    )


def mask_tokens(
    ids: Tensor,
    real: Tensor,
    tokenizer: EncoderTokenizer | MaskingTables,
    *,
    probability: float,
    random: torch.Generator | None = None,
    whole_words: bool = False,
) -> tuple[Tensor, Tensor]:
    """Hide some tokens of each row, other ones each time.

    Of those that are chosen, 80 % become the mask token, 10 % another token drawn from the
    vocabulary, and 10 % stay as they are, so that an encoder can trust no token that it sees.
    Special tokens and padding are never chosen, nor put in place of another.

    Parameters
    ----------
    ids : int64 tensor (B, T)
    real : bool tensor (B, T)
        False at padding.
    tokenizer : EncoderTokenizer or MaskingTables
        The latter on the device of `ids`.
    probability : float
        That a token, or a word, is chosen. At least one of each row is, if there is one.
    random : torch.Generator or None, default=None
        On the device of `ids`; None draws from torch's own numbers.
    whole_words : bool, default=False
        Whether all pieces of a word are chosen, or none. What becomes of each is drawn by itself,
        as in BERT's own code.

    Returns
    -------
    inputs : int64 tensor (B, T)
        What the encoder is to see.
    targets : int64 tensor (B, T)
        The token that was there, where one was chosen; -100 elsewhere.

    References
    ----------
    J. Devlin et al.: BERT: Pre-training of deep bidirectional transformers for language
    understanding, NAACL 2019, section 3.1 and appendix A.1.

    Examples
    --------
    >>> tokenizer = EncoderTokenizer.train(["so much text, so little time"] * 3, vocab_size=60)
    >>> ids = torch.from_numpy(tokenizer.rows(["so much text"], max_length=8)[0].ids).long()[None]
    >>> random = torch.Generator().manual_seed(0)
    >>> inputs, targets = mask_tokens(ids, ids >= 0, tokenizer, probability=1.0, random=random)
    >>> (targets[0, 1:-1] == ids[0, 1:-1]).all().item(), targets[0, [0, -1]].tolist()
    (True, [-100, -100])
    """
    tables = masking_tables(tokenizer) if isinstance(tokenizer, EncoderTokenizer) else tokenizer
    may = real & ~tables.special[ids]
    draw = torch.rand(ids.shape, generator=random, device=ids.device)
    if whole_words:
        draw = draw.gather(1, word_numbers(ids, tables))  # one for each word
    draw = draw.masked_fill(~may, _NEVER)
    least = draw.amin(dim=1, keepdim=True)
    chosen = may & ((draw < probability) | (draw == least))
    inputs = replace_chosen(ids, chosen, tables, random=random)
    return inputs, ids.masked_fill(~chosen, IGNORED)


def word_numbers(ids: Tensor, tables: MaskingTables) -> Tensor:
    """Number of the word that each token is of, counted from 0 in each row, int64 (B, T)."""
    starts = tables.starts[ids]
    after = tables.special[ids[:, :-1]]
    starts = torch.cat([torch.ones_like(starts[:, :1]), starts[:, 1:] | after], dim=1)
    return starts.cumsum(dim=1) - 1


def replace_chosen(
    ids: Tensor, chosen: Tensor, tables: MaskingTables, *, random: torch.Generator | None = None
) -> Tensor:
    """What an encoder sees where tokens are chosen to be predicted; see `mask_tokens`.

    Parameters
    ----------
    ids : int64 tensor (B, T)
    chosen : bool tensor (B, T)
    tables : MaskingTables
    random : torch.Generator or None, default=None

    Returns
    -------
    int64 tensor (B, T)
    """
    given: dict[str, Any] = {"generator": random, "device": ids.device}
    fate = torch.rand(ids.shape, **given)
    others = tables.ordinary[torch.randint(len(tables.ordinary), ids.shape, **given)]
    seen = ids.masked_fill(chosen & (fate < MASKED), tables.mask)
    # A draw of its own: 10 % of those chosen are half of what the mask has left over.
    replaced = chosen & (fate >= MASKED) & (fate < MASKED + REPLACED)
    return torch.where(replaced, others, seen)
