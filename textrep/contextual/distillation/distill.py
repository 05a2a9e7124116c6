"""`distill`: a small, fast student of a large encoder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textrep.contextual.distillation.classifier_student import distil_classifier
from textrep.contextual.distillation.language_student import distil_encoder, distil_language_model
from textrep.contextual.distillation.recipe import BETTER, PUBLISHED, TRANSFER_RATE, Recipe
from textrep.contextual.encoder_classifier.answers import EncoderAnswers
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.masked_lm.heads import MaskedLanguageModule
from textrep.core.messages import shown, type_name
from textrep.core.persist import load
from textrep.core.random import RandomState


def distill(
    teacher: Any,
    texts: Any,
    labels: Any = None,
    *,
    student: Any = None,
    recipe: str = BETTER,
    unlabelled: Any = None,
    language_model: Any = None,
    initialise: bool = True,
    fold_token_types: bool | None = None,
    relations: bool = True,
    relation_heads: int | None = None,
    teacher_layer: int = -1,
    hidden_states: bool = True,
    soft_labels: bool | None = None,
    temperature: float = 2.0,
    hard_share: float = 0.3,
    transfer_epochs: int | str = "auto",
    epochs: int | str = "auto",
    batch_size: int = 32,
    learning_rate: float | str = "auto",
    transfer_learning_rate: float = TRANSFER_RATE,
    max_seconds: float | None = None,
    device: str = "auto",
    precision: str = "auto",
    random_state: RandomState = None,
    verbose: int = 0,
) -> Any:
    """Teach a smaller encoder what a fitted one knows.

    The teacher is left as it is. The student is an estimator of its own kind that is used and saved
    like any other.

    Parameters
    ----------
    teacher : fitted EncoderClassifier or MaskedLanguageModel, Encoder, or path
        Of a path, the saved estimator, or the published masked language model in the folder. Of a
        `DistilledClassifier` its student. What has an ``encoder_`` but is no classifier of texts
        and does not score words is taken as an `Encoder`.
    texts : iterable of str, or of pairs of str as the teacher's
    labels : as for the teacher's `fit`, or None, default=None
        Of the texts; of a classifier only. Without them its answers alone are learnt.
    student : None, str, dict or EncoderClassifier, default=None
        Its shape. None for half the layers of the teacher, all else alike; of BERT that is
        DistilBERT. An architecture, or a dict of ``architecture``, ``num_layers``, ``hidden_size``,
        ``num_heads`` and ``inner_size``, as many as should be other; of an unfitted
        `EncoderClassifier` its architecture and size, and for a classifier ``dropout`` and
        ``batch_tokens``.
    recipe : {"better", "published"}, default="better"
        "published" is DistilBERT's, see Notes.
    unlabelled : like texts, or None, default=None
        Further texts, for both stages.
    language_model : fitted MaskedLanguageModel or None, default=None
        For a classifier and the published recipe: the model that the classifier was made of, whose
        student is then fine-tuned.
    initialise : bool, default=True
        Whether layers start as copies of some of the teacher's (`evenly_spaced_layers`), where
        hidden and inner sizes are equal.
    fold_token_types : bool or None, default=None
        Whether DistilBERT, which has no token types, gets the vector of the first one added to
        those of positions; None for True, but for the published recipe False.
    relations : bool, default=True
        Whether attention relations are transferred.
    relation_heads : int or None, default=None
        Parts that vectors are cut into for that; None for parts of 16 values.
    teacher_layer : int, default=-1
        Whose relations are transferred, to the student's last layer.
    hidden_states : bool, default=True
        Whether hidden states are transferred.
    soft_labels : bool or None, default=None
        Whether the task is learnt from the teacher's answers; None for True, but for the published
        recipe False: DistilBERT was fine-tuned on labels alone, but for SQuAD in a second step.
    temperature : float, default=2.0
        Of soft labels, and of the probabilities of words.
    hard_share : float, default=0.3
        What labels count beside the teacher's answers, which count the rest.
    transfer_epochs : int or "auto", default="auto"
        Times that texts are read in the first stage; "auto" is as many as make 600 batches, from 1
        to 20. 0 leaves it out.
    epochs : int or "auto", default="auto"
        Times that texts are read in the stage of the task; "auto" is as many as make 900 batches,
        from 3 to 30.
    batch_size : int, default=32
        Texts in a batch.
    learning_rate : float or "auto", default="auto"
        Of the task; "auto" is 5e-5 for students as wide as BERT-base, 1e-3 at 128 features.
    transfer_learning_rate : float, default=5e-4
        Of the first stage of the better recipe.
    max_seconds : float or None, default=None
        Time for all of it, half of it at most for the first stage.
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar for each stage.

    Returns
    -------
    EncoderClassifier, MaskedLanguageModel or EncoderEmbedder
        Fitted; the latter of an `Encoder`. `DistillationReport.of` tells sizes and agreement. A
        classifier that has learnt soft labels has its teacher's ``temperature_`` too.

    Raises
    ------
    TypeError
        If the teacher is something else.
    ValueError
        If it is not fitted, or a parameter is out of its range or does not fit it.
    TextInputError
        If the texts are none.

    Notes
    -----
    "better" has two stages. In the first one the student's attention relations (which tokens
    resemble which as queries, keys and values) are held to those of a layer of the teacher, which
    works for any two widths, and the hidden states of all its layers to the teacher's. In the
    second one it learns the task from the teacher's softened answers, which are computed anew for
    each batch and without dropout. Each can be switched off.

    "published" trains a masked language model on the texts by three losses: 5 times the divergence
    of all words' probabilities at temperature 2, 2 times the cross entropy of hidden words, and
    one less the cosine of the last hidden states; words are hidden in proportion to their counts
    to the power of -0.7. Of 12 layers the student has 6, from the layers 0, 2, 4, 7, 9 and 11. Then
    it is fine-tuned on the labels.

    Of a masked language model, the better recipe's first stage comes before the published one's
    losses.

    References
    ----------
    V. Sanh et al.: DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter,
    2019.

    W. Wang et al.: MiniLMv2: Multi-head self-attention relation distillation for compressing
    pretrained transformers, Findings of ACL 2021.

    X. Jiao et al.: TinyBERT: Distilling BERT for natural language understanding, Findings of EMNLP
    2020 (hidden states, and two stages).

    Examples
    --------
    >>> from textrep import EncoderClassifier, distill
    >>> texts = ["a good film", "so good", "a bad film", "so bad"] * 6
    >>> labels = ["pos", "pos", "neg", "neg"] * 6
    >>> common = {"epochs": 12, "learning_rate": 0.01, "device": "cpu", "random_state": 0}
    >>> teacher = EncoderClassifier(size={"num_layers": 2, "hidden_size": 16}, vocab_size=40,
    ...                             pretrain_epochs=0, max_length=8, **common).fit(texts, labels)
    >>> student = distill(teacher, texts, labels, transfer_epochs=1, **common)
    >>> student.predict(["a good one"]).tolist(), student.encoder_.n_layers
    (['pos'], 1)
    """
    asked = Recipe(
        recipe=recipe,
        initialise=initialise,
        fold_token_types=fold_token_types,
        relations=relations,
        relation_heads=relation_heads,
        teacher_layer=teacher_layer,
        hidden_states=hidden_states,
        soft_labels=soft_labels,
        temperature=temperature,
        hard_share=hard_share,
        transfer_epochs=transfer_epochs,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        transfer_learning_rate=transfer_learning_rate,
        max_seconds=max_seconds,
        device=device,
        precision=precision,
        random_state=random_state,
        verbose=verbose,
    )
    teacher = read_teacher(teacher)
    # Read more than once, which what comes one by one cannot be.
    texts, labels, unlabelled = (
        list(given) if isinstance(given, Iterator) else given
        for given in (texts, labels, unlabelled)
    )
    if isinstance(teacher, EncoderAnswers):
        model = None
        if recipe == PUBLISHED:
            model = _read_language_model(language_model, teacher)
        return distil_classifier(
            teacher,
            texts,
            labels,
            student=student,
            unlabelled=unlabelled,
            language_model=model,
            recipe=asked,
        )
    if labels is not None:
        raise ValueError(
            f"labels are for a classifier, and the teacher is {type_name(teacher)}; leave them "
            "None, or fit an EncoderClassifier first"
        )
    if isinstance(getattr(teacher, "module_", None), MaskedLanguageModule):
        return distil_language_model(teacher, texts, unlabelled, student=student, recipe=asked)
    if recipe == PUBLISHED:
        raise ValueError(
            "recipe='published' needs a teacher that scores words, a MaskedLanguageModel; of an "
            "encoder alone take recipe='better'"
        )
    encoder = teacher if isinstance(teacher, Encoder) else teacher.encoder_
    return distil_encoder(encoder, texts, unlabelled, student=student, recipe=asked)


def read_teacher(teacher: Any, name: str = "the teacher") -> Any:
    """A fitted teacher, as it is given; messages call it by a name.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If it is not fitted.
    """
    if isinstance(teacher, str | os.PathLike):
        if Path(teacher).is_file():
            teacher = load(teacher)
        else:
            from textrep.contextual.masked_lm.masked_language_model import MaskedLanguageModel

            return MaskedLanguageModel.from_pretrained(teacher)
    if isinstance(teacher, Encoder):
        return teacher
    if isinstance(student := getattr(teacher, "student_", None), EncoderAnswers):
        return student
    if isinstance(getattr(teacher, "encoder_", None), Encoder):
        return teacher
    if hasattr(type(teacher), "encoder_") or hasattr(teacher, "checkpoint"):
        raise ValueError(f"{name}, {type_name(teacher)}, is not fitted; fit it first")
    raise TypeError(
        "teacher must be a fitted EncoderClassifier or MaskedLanguageModel, an Encoder, or the "
        f"path of one, got {shown(teacher)} ({type_name(teacher)})"
    )


def _read_language_model(language_model: Any, teacher: Any) -> Any:
    """What scores words, for a classifier by the published recipe."""
    if language_model is None:
        raise ValueError(
            "recipe='published' teaches a student to score words before the task: give "
            "language_model, the MaskedLanguageModel that the classifier was made of, or take "
            "recipe='better'"
        )
    model = read_teacher(language_model, "language_model")
    if not isinstance(getattr(model, "module_", None), MaskedLanguageModule):
        raise TypeError(
            f"language_model must be a fitted MaskedLanguageModel, got {shown(language_model)}"
        )
    if model.encoder_.tokenizer.state() != teacher.encoder_.tokenizer.state():
        raise ValueError(
            "language_model cuts texts into other tokens than the teacher; give the one that the "
            "teacher was made of"
        )
    return model
