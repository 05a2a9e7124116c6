"""Parameters of `ElmoEmbedder`: out of range, each gets an error that names it."""

from __future__ import annotations

from typing import Any

from textrep.contextual.elmo_mixing import POOLINGS, check_mix
from textrep.contextual.word_inputs import as_embedder
from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice, check_count, check_number, check_pattern
from textrep.layers.dropout import check_dropout

_COUNTS = {
    "hidden_size": 1,
    "num_layers": 1,
    "character_size": 1,
    "highway_layers": 0,
    "max_word_length": 1,
    "max_length": 1,
    "max_vocabulary": 1,
    "min_count": 1,
    "batch_tokens": 1,
}
"""Name -> the least that it may be. What training takes is checked by its settings."""

MOST = 2**31 - 1


def check_parameters(elmo: Any) -> None:
    """Refuse parameters that are out of their range, before anything is read.

    Parameters
    ----------
    elmo : ElmoEmbedder

    Raises
    ------
    ValueError
        Its message names the parameter, its value and what is allowed.

    Examples
    --------
    >>> from textrep.contextual import ElmoEmbedder
    >>> check_parameters(ElmoEmbedder(num_layers=0))
    Traceback (most recent call last):
    ...
    ValueError: num_layers must be an integer of at least 1, got 0
    """
    for name, least in _COUNTS.items():
        check_count(name, getattr(elmo, name), least, MOST)
    if type(elmo.lowercase) is not bool:
        raise ValueError(f"lowercase must be True or False, got {shown(elmo.lowercase)}")
    check_dropout("dropout", elmo.dropout)
    check_number("validation_fraction", elmo.validation_fraction, least=0, most=0.9)
    check_choice("pooling", elmo.pooling, POOLINGS)
    check_mix(elmo.mix, elmo.num_layers + 1)
    as_embedder(elmo.embeddings)
    _check_filters(elmo.filters, elmo.max_word_length)
    _check_cutoffs(elmo.cutoffs)
    check_pattern(elmo.token_pattern)


def _check_filters(filters: Any, max_word_length: int) -> None:
    if not isinstance(filters, list | tuple) or not len(filters):
        raise ValueError(f"filters must hold pairs of width and number, got {shown(filters)}")
    for pair in filters:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"filters must hold pairs of width and number, got {shown(pair)}")
        # The marks at both ends of a word are characters, too.
        check_count("the width of filters", pair[0], 1, max_word_length + 2)
        check_count("the number of filters", pair[1], 1, MOST)


def _check_cutoffs(cutoffs: Any) -> None:
    if not isinstance(cutoffs, list | tuple):
        raise ValueError(f"cutoffs must be a tuple of integers, got {shown(cutoffs)}")
    for cutoff in cutoffs:
        check_count("each of cutoffs", cutoff, 1, MOST)
    if list(cutoffs) != sorted(set(cutoffs)):
        raise ValueError(f"cutoffs must rise, got {shown(cutoffs)}")
