"""Where the special tokens of an encoder stand around one text or two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown

SPECIALS = {
    "pad": ("[PAD]", "<pad>"),
    "cls": ("[CLS]", "<cls>", "<s>"),
    "sep": ("[SEP]", "<sep>", "</s>"),
    "mask": ("[MASK]", "<mask>"),
    "unk": ("[UNK]", "<unk>"),
}
"""The special tokens of encoders, and what they are usually called."""

LAYOUTS = ("bert", "roberta", "xlnet")
"""``[CLS] a [SEP] b [SEP]``, ``<s> a </s></s> b </s>`` and ``a <sep> b <sep> <cls>``."""

_N_SPECIAL = {"bert": (2, 3), "roberta": (2, 4), "xlnet": (2, 3)}


def n_special(layout: str, pair: bool) -> int:
    """How many special tokens stand around one text, or around two.

    >>> n_special("bert", pair=False), n_special("roberta", pair=True)
    (2, 4)
    """
    return _N_SPECIAL[layout][pair]


def template(layout: str, pair: bool) -> list[tuple[str, int]]:
    """The parts of a row in their order, each with its token type.

    Parameters
    ----------
    layout : {"bert", "roberta", "xlnet"}
    pair : bool

    Returns
    -------
    list of (str, int)
        Of "cls", "sep", "a" (the first text) and "b" (the second).

    Examples
    --------
    >>> template("bert", pair=True)
    [('cls', 0), ('a', 0), ('sep', 0), ('b', 1), ('sep', 1)]
    """
    if layout == "xlnet":
        second = [("b", 1), ("sep", 1)] if pair else []
        return [("a", 0), ("sep", 0), *second, ("cls", 2)]
    if layout == "roberta":  # its types are all 0
        second = [("sep", 0), ("b", 0), ("sep", 0)] if pair else []
    else:
        second = [("b", 1), ("sep", 1)] if pair else []
    return [("cls", 0), ("a", 0), ("sep", 0), *second]


def cut_longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of two texts are kept where there is room for so many of both.

    The longer one is cut until both are of one length, then both are: what HF's tokenizers call
    ``longest_first``.

    >>> cut_longest_first(10, 3, 8), cut_longest_first(10, 9, 9), cut_longest_first(2, 3, 9)
    ((5, 3), (5, 4), (2, 3))
    """
    if first + second <= room:
        return first, second
    shorter = min(min(first, second), room // 2)
    longer = room - shorter
    return (longer, shorter) if first > second else (shorter, longer)


def laid_out(
    layout: str,
    numbers: dict[str, int],
    first: NDArray[np.int32],
    second: NDArray[np.int32] | None,
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Ids and types of a row, special tokens and all.

    Parameters
    ----------
    layout : str
    numbers : dict of str to int
        Ids of "cls" and "sep".
    first : int32 array
    second : int32 array or None

    Returns
    -------
    ids : int32 array (n,)
    types : int8 array (n,)
    """
    ids, types = [], []
    for name, kind in template(layout, second is not None):
        if name in ("a", "b"):
            part = first if name == "a" else second
            assert part is not None
        else:
            part = np.array([numbers[name]], dtype=np.int32)
        ids.append(part)
        types.append(np.full(len(part), kind, dtype=np.int8))
    return np.concatenate(ids).astype(np.int32, copy=False), np.concatenate(types)


def layout_of(tokenizer: Any, name: str) -> str:
    """The layout of a fast tokenizer of transformers, found out by asking it for a pair.

    Raises
    ------
    ValueError
        If it is none of `LAYOUTS`.
    """
    marks = {tokenizer.cls_token_id: "C", tokenizer.sep_token_id: "S"}
    ids = tokenizer("a", "a")["input_ids"]
    pattern = ""
    for number in ids:
        mark = marks.get(number, "a")
        if mark != "a" or not pattern.endswith("a"):
            pattern += mark
    known = {"CaSaS": "bert", "CaSSaS": "roberta", "aSaSC": "xlnet"}
    if pattern not in known:
        raise ValueError(
            f"{name} puts special tokens around a pair of texts in a way that is not known: "
            f"{shown(tokenizer.convert_ids_to_tokens(ids))}"
        )
    return known[pattern]
