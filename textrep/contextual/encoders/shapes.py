"""Shapes of encoders: which architectures there are, and sizes by name."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from textrep.contextual.encoders.tokens import EncoderTokenizer
from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice, check_count
from textrep.layers.dropout import check_dropout

ARCHITECTURES = ("bert", "albert", "distilbert", "modernbert", "xlnet", "roberta", "electra")
"""What `make_config` knows; any other encoder can be loaded from a checkpoint."""

SIZES = {
    "tiny": (2, 128),
    "mini": (4, 256),
    "small": (4, 512),
    "medium": (8, 512),
    "base": (12, 768),
}
"""Name -> layers and hidden size, as of the small published BERTs (Turc et al., 2019)."""

_HEAD = 64  # features of a head, in all of them
_INNER = 4  # times the hidden size
_MODERN_INNER = 1.5  # ModernBERT's feed-forward layers are gated, which takes half as much again
_ALBERT_EMBEDDING = 128
_BASE_HIDDEN, _BASE_DEVIATION = 768, 0.02  # of BERT-base's first weights
_RATE_NORMS_FIRST, _RATE_NORMS_LAST = 0.5, 0.125  # over the hidden size
_DEFAULT_KEYS = {"num_layers", "hidden_size", "num_heads", "inner_size"}


class Shape(NamedTuple):
    """Layers, features, heads and inner features of an encoder."""

    num_layers: int
    hidden_size: int
    num_heads: int
    inner_size: int


def shape_of(size: Any, architecture: str = "bert") -> Shape:
    """What a size stands for.

    Parameters
    ----------
    size : str or dict
        One of `SIZES`, or ``{"num_layers": ..., "hidden_size": ...}`` with "num_heads" (a 64th of
        the hidden size) and "inner_size" (4 times it; 1.5 times it of ModernBERT) where wanted.
    architecture : str, default="bert"

    Returns
    -------
    Shape

    Raises
    ------
    ValueError
        If it is neither, or the heads do not divide the features.

    Examples
    --------
    >>> shape_of("mini")
    Shape(num_layers=4, hidden_size=256, num_heads=4, inner_size=1024)
    >>> shape_of({"num_layers": 1, "hidden_size": 16, "num_heads": 2}).inner_size
    64
    """
    if isinstance(size, dict):
        if not {"num_layers", "hidden_size"} <= set(size) <= _DEFAULT_KEYS:
            raise ValueError(
                "size must have num_layers and hidden_size, and may have num_heads and inner_size, "
                f"got {shown(size)}"
            )
        num_layers, hidden_size = size["num_layers"], size["hidden_size"]
    else:
        check_choice("size", size, tuple(SIZES))
        num_layers, hidden_size = SIZES[size]
        size = {}
    check_count("num_layers", num_layers, 1)
    check_count("hidden_size", hidden_size, 1)
    inner = _MODERN_INNER if architecture == "modernbert" else _INNER
    num_heads = size.get("num_heads", max(1, hidden_size // _HEAD))
    inner_size = size.get("inner_size", int(inner * hidden_size))
    check_count("num_heads", num_heads, 1)
    check_count("inner_size", inner_size, 1)
    if hidden_size % num_heads:
        raise ValueError(
            f"hidden_size must be a multiple of num_heads={num_heads}, got {hidden_size}"
        )
    return Shape(int(num_layers), int(hidden_size), int(num_heads), int(inner_size))


def first_deviation(hidden_size: int) -> float:
    """Standard deviation of first weights: BERT-base's 0.02, and as much in a sum of fewer values.

    >>> first_deviation(768), round(first_deviation(128), 3)
    (0.02, 0.049)
    """
    return _BASE_DEVIATION * math.sqrt(_BASE_HIDDEN / hidden_size)


def pretraining_rate(architecture: str, hidden_size: int) -> float:
    """Learning rate for a new encoder, the less the wider it is.

    Those that norm the input of a layer bear four times the rate of those that norm its output.

    >>> pretraining_rate("modernbert", 128), pretraining_rate("bert", 128)
    (0.00390625, 0.0009765625)
    """
    return (_RATE_NORMS_FIRST if architecture == "modernbert" else _RATE_NORMS_LAST) / hidden_size


def make_config(
    architecture: str,
    size: Any,
    tokenizer: EncoderTokenizer,
    *,
    max_length: int = 512,
    dropout: float = 0.1,
    **changes: Any,
) -> Any:
    """The configuration, of transformers, of an encoder of some size.

    Parameters
    ----------
    architecture : str
        One of `ARCHITECTURES`.
    size : str or dict
        See `shape_of`.
    tokenizer : EncoderTokenizer
        Whose numbers it reads.
    max_length : int, default=512
        Tokens that it can read at once, special ones included.
    dropout : float, default=0.1
        Of everything that is dropped in training; ModernBERT has none on embeddings.
    **changes
        Further values of the configuration, by the names that transformers has for them.

    Returns
    -------
    transformers.PreTrainedConfig

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> tokenizer = EncoderTokenizer.train(["so much text"] * 3, vocab_size=40)
    >>> config = make_config("distilbert", "tiny", tokenizer, max_length=32)
    >>> config.n_layers, config.dim, config.max_position_embeddings
    (2, 128, 32)
    """
    check_choice("architecture", architecture, ARCHITECTURES)
    check_dropout("dropout", dropout)
    tokenizer.check_length(max_length)
    shape = shape_of(size, architecture)
    values = _OF_ARCHITECTURE[architecture](shape, tokenizer, int(max_length), float(dropout))
    values["vocab_size"] = tokenizer.size
    values["pad_token_id"] = tokenizer.pad_id
    values["initializer_range"] = first_deviation(shape.hidden_size)
    values.update(changes)
    from transformers import CONFIG_MAPPING

    return CONFIG_MAPPING[architecture](**values)


def _of_bert(
    shape: Shape, tokenizer: EncoderTokenizer, max_length: int, dropout: float
) -> dict[str, Any]:
    return {
        "num_hidden_layers": shape.num_layers,
        "hidden_size": shape.hidden_size,
        "num_attention_heads": shape.num_heads,
        "intermediate_size": shape.inner_size,
        "max_position_embeddings": max_length,
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
    }


def _of_albert(
    shape: Shape, tokenizer: EncoderTokenizer, max_length: int, dropout: float
) -> dict[str, Any]:
    values = _of_bert(shape, tokenizer, max_length, dropout)
    return {
        **values,
        "embedding_size": min(_ALBERT_EMBEDDING, shape.hidden_size),
        "bos_token_id": tokenizer.cls_id,
        "eos_token_id": tokenizer.sep_id,
        "classifier_dropout_prob": dropout,
    }


def _of_electra(
    shape: Shape, tokenizer: EncoderTokenizer, max_length: int, dropout: float
) -> dict[str, Any]:
    values = _of_bert(shape, tokenizer, max_length, dropout)
    return {**values, "embedding_size": shape.hidden_size}


def _of_roberta(
    shape: Shape, tokenizer: EncoderTokenizer, max_length: int, dropout: float
) -> dict[str, Any]:
    values = _of_bert(shape, tokenizer, max_length, dropout)
    return {
        **values,
        # Positions are counted from the number of the padding on.
        "max_position_embeddings": max_length + tokenizer.pad_id + 1,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
        "bos_token_id": tokenizer.cls_id,
        "eos_token_id": tokenizer.sep_id,
    }


def _of_distilbert(
    shape: Shape, tokenizer: EncoderTokenizer, max_length: int, dropout: float
) -> dict[str, Any]:
    return {
        "n_layers": shape.num_layers,
        "dim": shape.hidden_size,
        "n_heads": shape.num_heads,
        "hidden_dim": shape.inner_size,
        "max_position_embeddings": max_length,
        "dropout": dropout,
        "attention_dropout": dropout,
        "seq_classif_dropout": dropout,
    }


def _of_modernbert(
    shape: Shape, tokenizer: EncoderTokenizer, max_length: int, dropout: float
) -> dict[str, Any]:
    return {
        "num_hidden_layers": shape.num_layers,
        "hidden_size": shape.hidden_size,
        "num_attention_heads": shape.num_heads,
        "intermediate_size": shape.inner_size,
        "max_position_embeddings": max_length,
        "attention_dropout": dropout,
        "mlp_dropout": dropout,
        "classifier_dropout": dropout,
        "cls_token_id": tokenizer.cls_id,
        "sep_token_id": tokenizer.sep_id,
        "bos_token_id": tokenizer.cls_id,
        "eos_token_id": tokenizer.sep_id,
    }


def _of_xlnet(
    shape: Shape, tokenizer: EncoderTokenizer, max_length: int, dropout: float
) -> dict[str, Any]:
    # Its positions are relative: max_length is the encoder's alone.
    return {
        "n_layer": shape.num_layers,
        "d_model": shape.hidden_size,
        "n_head": shape.num_heads,
        "d_inner": shape.inner_size,
        "dropout": dropout,
        "summary_last_dropout": dropout,
        "mem_len": None,
        "use_mems_eval": False,
        "bos_token_id": tokenizer.cls_id,
        "eos_token_id": tokenizer.sep_id,
    }


_OF_ARCHITECTURE = {
    "bert": _of_bert,
    "albert": _of_albert,
    "electra": _of_electra,
    "roberta": _of_roberta,
    "distilbert": _of_distilbert,
    "modernbert": _of_modernbert,
    "xlnet": _of_xlnet,
}
