"""A new student: its shape, and the layers of its teacher that it starts from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from textrep.contextual.distillation.student import (
    can_start_from,
    copy_layers,
    evenly_spaced_layers,
    inner_size_of,
)
from textrep.contextual.encoder_classifier.answers import EncoderAnswers
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.shapes import ARCHITECTURES, shape_of
from textrep.core.messages import shown
from textrep.preprocess.parameters import check_choice

DISTILLED = {"bert": "distilbert"}
"""What a student of an architecture is where nothing is said; of any other it is the same one."""

_SIZES = ("num_layers", "hidden_size", "num_heads", "inner_size")

# What a student of the same architecture has from its teacher beside the sizes.
_ALIKE = (
    "hidden_act", "hidden_activation", "layer_norm_eps", "norm_eps", "activation", "ff_activation",
    "type_vocab_size", "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout",
    "attention_dropout", "local_attention",
)  # fmt: skip


class StudentShape(NamedTuple):
    """An architecture and a size, as `Encoder.new` takes them."""

    architecture: str
    size: dict[str, int]


class NewStudent(NamedTuple):
    """A student before it has learnt anything.

    Attributes
    ----------
    encoder : Encoder
    shape : StudentShape
    layers : list of int
        The teacher's layers that its own are copies of; empty where they are random.
    """

    encoder: Encoder
    shape: StudentShape
    layers: list[int]


def student_shape(teacher: Encoder, student: Any) -> StudentShape:
    """What kind of student is asked for.

    Parameters
    ----------
    teacher : Encoder
    student : None, str, mapping or EncoderClassifier
        None for half the layers of the teacher, all else alike, and DistilBERT for BERT; an
        architecture; sizes (``num_layers``, ``hidden_size``, ``num_heads``, ``inner_size``), with
        an ``architecture`` where wanted; or a classifier that has both. What is left out is as with
        None.

    Returns
    -------
    StudentShape

    Raises
    ------
    ValueError
        If it is something else.
    """
    config = teacher.config
    wanted: dict[str, Any] = dict(student) if isinstance(student, Mapping) else {}
    if isinstance(student, str):
        wanted = {"architecture": student}
    elif isinstance(student, EncoderAnswers):
        own: Any = student
        sizes = shape_of(own.size, own.architecture)._asdict()
        wanted = {"architecture": own.architecture, **sizes}
    elif student is not None and not wanted:
        raise ValueError(
            "student must be None, an architecture, a dict of sizes or an EncoderClassifier, got "
            f"{shown(student)}"
        )
    architecture = wanted.pop("architecture", None)
    if architecture is None:
        architecture = DISTILLED.get(teacher.architecture, teacher.architecture)
    check_choice("student's architecture", architecture, ARCHITECTURES)
    if unknown := sorted(set(wanted) - set(_SIZES)):
        raise ValueError(
            f"student has the key {unknown[0]!r}; there are architecture, {', '.join(_SIZES)}"
        )
    same = wanted.get("hidden_size", teacher.hidden_size) == teacher.hidden_size
    size = {
        "num_layers": -(-teacher.n_layers // 2),
        "hidden_size": teacher.hidden_size,
    }
    if same:
        size["num_heads"] = int(config.num_attention_heads)
        if (architecture == "modernbert") == (teacher.architecture == "modernbert"):
            size["inner_size"] = inner_size_of(config)
    shape = shape_of({**size, **wanted}, architecture)
    return StudentShape(architecture, shape._asdict())


def new_student(
    teacher: Encoder, student: Any, *, initialise: bool, fold_token_types: bool, seed: int
) -> NewStudent:
    """An encoder of the shape asked for, which reads what its teacher reads.

    Parameters
    ----------
    teacher : Encoder
    student : None, str, mapping or EncoderClassifier
        See `student_shape`.
    initialise : bool
        Whether its layers are copies where the sizes allow it; see `can_start_from`.
    fold_token_types : bool
        See `copy_layers`.
    seed : int
        Of random weights.

    Returns
    -------
    NewStudent
    """
    shape = student_shape(teacher, student)
    encoder = Encoder.new(
        shape.architecture,
        shape.size,
        teacher.tokenizer,
        max_length=teacher.max_length,
        seed=seed,
        **_changes(teacher, shape),
    )
    layers: list[int] = []
    if initialise and can_start_from(teacher.config, encoder.config):
        layers = evenly_spaced_layers(teacher.n_layers, encoder.n_layers)
        copy_layers(teacher.module, encoder.module, layers, fold_token_types=fold_token_types)
    return NewStudent(encoder, shape, layers)


def _changes(teacher: Encoder, shape: StudentShape) -> dict[str, Any]:
    """Values of the student's configuration that are the teacher's."""
    config = teacher.config
    if shape.architecture == "distilbert" and teacher.architecture == "bert":
        return {
            "activation": config.hidden_act,
            "dropout": config.hidden_dropout_prob,
            "attention_dropout": config.attention_probs_dropout_prob,
        }
    if shape.architecture != teacher.architecture:
        return {}
    names = list(_ALIKE)
    if shape.size["hidden_size"] == teacher.hidden_size:
        names.append("embedding_size")
    own = config.to_dict()
    return {name: own[name] for name in names if name in own}
