"""Which layers of its teacher a student starts from, and how they are copied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

_LAYER = re.compile(r"\b(layers?)\.(\d+)\.")

# BERT's layer under DistilBERT's names.
_BERT_PART = {
    "attention.q_lin": "attention.self.query",
    "attention.k_lin": "attention.self.key",
    "attention.v_lin": "attention.self.value",
    "attention.out_lin": "attention.output.dense",
    "sa_layer_norm": "attention.output.LayerNorm",
    "ffn.lin1": "intermediate.dense",
    "ffn.lin2": "output.dense",
    "output_layer_norm": "output.LayerNorm",
}
_DISTIL_LAYER = re.compile(r"transformer\.layer\.(\d+)\.(.+)\.(weight|bias)$")

TOKEN_TYPES = "embeddings.token_type_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"


def evenly_spaced_layers(n_teacher: int, n_student: int) -> list[int]:
    """The teacher's layers that a student's layers start from.

    From the first to the last at even distances, rounded. For twelve and six these are DistilBERT's
    (its paper says "one layer out of two"; its code takes these).

    Parameters
    ----------
    n_teacher, n_student : int
        Layers of both, at least 1; the student has no more than the teacher.

    Returns
    -------
    list of int, length n_student
        Numbers from 0. A single layer starts from the first one.

    Raises
    ------
    ValueError
        If the student has more layers, or none.

    Examples
    --------
    >>> evenly_spaced_layers(12, 6)
    [0, 2, 4, 7, 9, 11]
    >>> evenly_spaced_layers(6, 3), evenly_spaced_layers(4, 1)
    ([0, 3, 5], [0])
    """
    if not 1 <= n_student <= n_teacher:
        raise ValueError(
            f"a student must have from 1 to {n_teacher} layers, as many as its teacher, "
            f"got {n_student}"
        )
    gaps = max(1, n_student - 1)
    return [(2 * i * (n_teacher - 1) + gaps) // (2 * gaps) for i in range(n_student)]


def matched_layers(n_teacher: int, n_student: int) -> list[int]:
    """The hidden states that each of a student's is held to.

    Parameters
    ----------
    n_teacher, n_student : int
        Layers of both.

    Returns
    -------
    list of int, length n_student + 1
        From 0, the embeddings, to n_teacher, the last layer.

    Examples
    --------
    >>> matched_layers(12, 6)
    [0, 2, 4, 6, 8, 10, 12]
    """
    return [(2 * i * n_teacher + n_student) // (2 * n_student) for i in range(n_student + 1)]


def can_start_from(teacher: Any, student: Any) -> bool:
    """Whether a student's layers can be copies of the teacher's.

    Parameters
    ----------
    teacher, student : config of transformers
        The sizes must be equal and the student not deeper, and the architectures the same or BERT
        and DistilBERT.
    """
    pair = (teacher.model_type, student.model_type)
    return (
        (pair[0] == pair[1] or pair == ("bert", "distilbert"))
        and teacher.hidden_size == student.hidden_size
        and inner_size_of(teacher) == inner_size_of(student)
        and student.num_hidden_layers <= teacher.num_hidden_layers
    )


def inner_size_of(config: Any) -> int:
    """Values inside a feed-forward layer, whatever an architecture calls it."""
    for name in ("intermediate_size", "hidden_dim", "d_inner"):
        if isinstance(size := getattr(config, name, None), int):
            return size
    raise ValueError(f"{type(config).__name__} does not say how large its inner layers are")


def copy_layers(
    teacher: nn.Module,
    student: nn.Module,
    layers: Sequence[int],
    *,
    fold_token_types: bool,
) -> list[str]:
    """Start a student from its teacher: embeddings, and some of the layers.

    Parameters
    ----------
    teacher, student : nn.Module
        Encoders of transformers without heads, of the same architecture, or BERT and DistilBERT.
    layers : sequence of int
        The teacher's layer for each of the student's, see `evenly_spaced_layers`.
    fold_token_types : bool
        DistilBERT has no vectors of token types. True adds the one of the first type to those of
        all positions, so that the student's embeddings of a single text are the teacher's; False
        drops it, as DistilBERT's authors did. (Positions and not words, which also score words.)

    Returns
    -------
    list of str
        The student's parameters that are copies now; what only the student has is left as it is.

    Examples
    --------
    >>> from textrep.contextual.encoders import Encoder, EncoderTokenizer
    >>> tokenizer = EncoderTokenizer.train(["so much text"] * 3, vocab_size=40)
    >>> shapes = {"bert": 3, "distilbert": 2}
    >>> teacher, student = (
    ...     Encoder.new(name, {"num_layers": n, "hidden_size": 8}, tokenizer, max_length=16).module
    ...     for name, n in shapes.items()
    ... )
    >>> len(copy_layers(teacher, student, [0, 2], fold_token_types=True))
    36
    """
    given, own = teacher.state_dict(), student.state_dict()
    distils = "transformer.layer.0.attention.q_lin.weight" in own
    copied = {}
    for name, tensor in own.items():
        source = given.get(_source(name, layers, distils))
        if source is not None and (fitting := _fitted_to(source, tensor)) is not None:
            copied[name] = fitting
    if fold_token_types and distils and TOKEN_TYPES in given and POSITIONS in copied:
        copied[POSITIONS] = copied[POSITIONS] + given[TOKEN_TYPES][0]
    student.load_state_dict(copied, strict=False)
    return list(copied)


def _source(name: str, layers: Sequence[int], distils: bool) -> str:
    """The teacher's name of a parameter of the student."""
    if not distils or name.startswith("embeddings."):
        return _LAYER.sub(lambda found: f"{found[1]}.{layers[int(found[2])]}.", name)
    if (found := _DISTIL_LAYER.match(name)) is None:
        return ""
    number, part, kind = found.groups()
    part = _BERT_PART.get(part, "")
    return f"encoder.layer.{layers[int(number)]}.{part}.{kind}"


def _fitted_to(source: Tensor, wanted: Tensor) -> Tensor | None:
    """The source in the shape wanted: fewer positions are the first ones."""
    if source.shape[1:] != wanted.shape[1:] or len(source) < len(wanted):
        return None
    return source[: len(wanted)].detach().clone()


_HEADS = {
    "bert": (
        "cls.predictions.transform.dense",
        "cls.predictions.transform.LayerNorm",
        "cls.predictions.decoder",
    ),
    "distilbert": ("vocab_transform", "vocab_layer_norm", "vocab_projector"),
}
"""What scores words: the dense layer, the norm, and what has the bias; by transformers' names."""


def copy_vocabulary_head(teacher: Any, student: Any) -> bool:
    """Start what scores words from the teacher's; the vectors of words are the embeddings'.

    Parameters
    ----------
    teacher, student : masked language models of transformers
        Of the same architecture, or BERT and DistilBERT.

    Returns
    -------
    bool
        Whether there is such a head of the same shape; nothing is copied otherwise.
    """
    pair = (teacher.config.model_type, student.config.model_type)
    if pair[0] == pair[1]:
        names = {name: name for name in _head_names(student)}
    elif pair == ("bert", "distilbert"):
        names = {
            f"{own}.{part}": f"{given}.{part}"
            for given, own in zip(_HEADS["bert"], _HEADS["distilbert"], strict=True)
            for part in ("weight", "bias")
        }
        names.pop("vocab_projector.weight")
    else:
        return False
    given, own = dict(teacher.named_parameters()), dict(student.named_parameters())
    # BERT's bias is there under two names, of which one may be left out.
    aliases = {"cls.predictions.decoder.bias": "cls.predictions.bias"}
    sources = {
        name: given.get(source, given.get(aliases.get(source, "")))
        for name, source in names.items()
    }
    if any(source is None or source.shape != own[name].shape for name, source in sources.items()):
        return False
    with torch.no_grad():
        for name, source in sources.items():
            own[name].copy_(source)
    return True


def _head_names(model: Any) -> list[str]:
    """Parameters that are no part of the encoder; what is tied to it is not among them."""
    prefix = f"{model.base_model_prefix}."
    return [name for name, _ in model.named_parameters() if not name.startswith(prefix)]
