"""What words, matrices, counts and scales have to be, and the messages where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from textrep.core.messages import shown, type_name


def check_word(word: Any) -> None:
    """Refuse what is not a str."""
    if not isinstance(word, str):
        raise TypeError(f"a word must be a str, got {shown(word)} of type {type_name(word)}")


def refuse_str(words: Any, name: str) -> None:
    """Refuse a single str where a sequence of them is meant."""
    if isinstance(words, str | bytes):
        raise TypeError(f"{name} must be a sequence of str, got the single {shown(words)}")


def checked_words(words: Any) -> list[str]:
    """The words as a list of distinct str."""
    refuse_str(words, "words")
    kept = words if isinstance(words, list) else list(words)
    for row, word in enumerate(kept):
        if not isinstance(word, str):
            raise TypeError(
                f"words must be str, got {shown(word)} of type {type_name(word)} at position {row}"
            )
    if len(set(kept)) < len(kept):
        seen: set[str] = set()
        twice = next(word for word in kept if word in seen or seen.add(word))  # type: ignore[func-returns-value]
        raise ValueError(f"the word {shown(twice)} occurs more than once in words")
    return kept


def checked_matrix(matrix: Any, n_words: int, scale: Any) -> Any:
    """The matrix with a row for each word: float32, or int8 that has a scale."""
    kept = matrix if hasattr(matrix, "shape") and hasattr(matrix, "dtype") else np.asarray(matrix)
    if len(kept.shape) != 2 or kept.shape[0] != n_words or kept.shape[1] < 1:
        raise ValueError(
            f"matrix must have a row for each of the {n_words} words and at least one column, got "
            f"shape {tuple(kept.shape)}"
        )
    kind = np.dtype(kept.dtype)
    if kind == np.int8 and scale is None:
        raise ValueError("a matrix of int8 needs the scale of each row; give scale")
    if kind != np.int8 and scale is not None:
        raise ValueError(f"scale is for a matrix of int8, got one of {kind.name}")
    if kind == np.float32 or kind == np.int8:
        return kept
    if kind.kind != "f":
        raise TypeError(f"matrix must be float32, or int8 with a scale, got {kind.name}")
    return np.asarray(kept, dtype=np.float32)


def checked_scale(scale: Any, n_words: int) -> np.ndarray:
    """The scale of each row as float32 (n_words,)."""
    kept = np.asarray(scale, dtype=np.float32)
    if kept.shape != (n_words,) or not (np.isfinite(kept) & (kept >= 0)).all():
        raise ValueError(
            f"scale must be a number of 0 or more for each of the {n_words} words, got "
            f"{shown(scale)}"
        )
    return kept


def checked_counts(counts: Any, n_words: int) -> np.ndarray:
    """The counts as int64 (n_words,)."""
    kept = np.asarray(counts)
    if kept.shape != (n_words,) or (n_words and kept.dtype.kind not in "iu") or (kept < 0).any():
        raise ValueError(
            f"counts must be a number of 0 or more for each of the {n_words} words, got "
            f"{shown(counts)}"
        )
    return kept.astype(np.int64, copy=False)
