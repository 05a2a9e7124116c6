"""What the commands of `textrep encoder` do besides calling a model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from textrep.cli.incoming import STDIN, Wanted, read_pieces
from textrep.cli.output import fail

if TYPE_CHECKING:
    from textrep.data import Corpus

ARCHITECTURES = ("bert", "albert", "distilbert", "modernbert", "xlnet", "roberta", "electra")
SIZES = ("tiny", "mini", "small", "medium", "base")
PROBLEMS = ("classes", "regression")
POOLINGS = ("auto", "cls", "mean", "max")
INFERENCE = ("auto", "fp32", "bf16", "int8", "onnx", "onnx-int8")

# Parameters of a classifier -> what language models call them.
_OF_LANGUAGE_MODELS = {
    "checkpoint": "checkpoint_from",
    "training_checkpoint": "checkpoint",
}
# What is asked for -> its option, where that has another name.
_OPTIONS = {"training_checkpoint": "resume", "lowercase": "cased", "class_weight": "balanced"}


class Columns(NamedTuple):
    """Where texts and labels stand in a table; None where the reader finds them.

    Attributes
    ----------
    text : str or None
    pair : str or None
        Of the second text of each pair; None for single texts.
    label : str or None
    encoding : str or None
        None is UTF-8.
    """

    text: str | None
    pair: str | None
    label: str | None
    encoding: str | None

    def wanted(self, *, labels: bool) -> Wanted:
        """What is to be read of the data."""
        pair = () if self.pair is None else (self.pair,)
        return Wanted(self.text, self.label if labels else False, pair, self.encoding)

    def inputs(self, piece: Corpus) -> list[Any]:
        """Texts of a piece, or pairs of them.

        Raises
        ------
        typer.Exit
            When a second text is no text.
        """
        if self.pair is None:
            return list(piece.texts)
        (values,) = piece.columns.values()
        second = ["" if value is None else value for value in values]
        if any(not isinstance(value, str) for value in second):
            fail(f"--pair {self.pair}: this column holds numbers, and texts are expected")
        return list(zip(piece.texts, second, strict=True))


class Labelled(NamedTuple):
    """What is learnt from.

    Attributes
    ----------
    inputs : list of str or of pairs of str
    labels : list of str or None
    """

    inputs: list[Any]
    labels: list[str] | None


def read_labelled(data: str, columns: Columns, *, labels: bool) -> Labelled:
    """All texts of the data; of a corpus with parts, those to learn from.

    Parameters
    ----------
    data : str
        As for `read_pieces`.
    columns : Columns
    labels : bool
        Whether to look for labels.

    Returns
    -------
    Labelled
        Without labels where none were looked for, or there are none.

    Raises
    ------
    DataError
        When the data cannot be read.
    """
    pieces: Iterator[Corpus]
    if data == STDIN or columns.pair is not None:
        pieces = read_pieces(data, None, columns.wanted(labels=labels))
    else:
        from textrep.data import load_corpus

        found = load_corpus(
            data,
            text=columns.text,
            label=columns.label if labels else None,
            encoding=columns.encoding,
        )
        pieces = iter([found.part("train") if "train" in found.parts else found])
    inputs: list[Any] = []
    given: list[str] = []
    for piece in pieces:
        inputs += columns.inputs(piece)
        given += piece.labels or () if labels else ()
    return Labelled(inputs, given or None)


def read_more(data: str | None, encoding: str | None) -> list[str] | None:
    """Texts of the file of ``--pretrain-on``, or None."""
    if data is None:
        return None
    pieces = read_pieces(data, None, Wanted(encoding=encoding))
    return [text for piece in pieces for text in piece.texts]


def size_of(size: str | None) -> Any:
    """A size by its name, or ``LAYERSxWIDTH``.

    Raises
    ------
    typer.Exit

    Examples
    --------
    >>> size_of("tiny"), size_of("2x128")
    ('tiny', {'num_layers': 2, 'hidden_size': 128})
    """
    if size is None or size in SIZES:
        return size
    layers, times, width = size.partition("x")
    if not times or not layers.isdecimal() or not width.isdecimal():
        fail(
            f"--size is {size!r}; expected one of {', '.join(SIZES)}, or layers and width such as "
            "2x128"
        )
    return {"num_layers": int(layers), "hidden_size": int(width)}


def new_classifier(wanted: dict[str, Any]) -> Any:
    """A classifier, or model of quantities, that is to be fitted.

    Parameters
    ----------
    wanted : dict of str to object
        Parameters of `EncoderClassifier`; those that are None are as it has them.
    """
    from textrep.contextual import EncoderClassifier

    return EncoderClassifier(**{name: value for name, value in wanted.items() if value is not None})


def new_language_model(wanted: dict[str, Any]) -> Any:
    """A model that learns from texts without labels, which is to be fitted.

    Parameters
    ----------
    wanted : dict of str to object
        As for `new_classifier`.

    Raises
    ------
    typer.Exit
        When one of them is of no use without labels.
    """
    from textrep.contextual import MaskedLanguageModel, PermutationLanguageModel

    given = {name: value for name, value in wanted.items() if value is not None}
    permuting = given.get("architecture") == "xlnet"
    model = (PermutationLanguageModel if permuting else MaskedLanguageModel)()
    if permuting:
        given.pop("architecture")
    given = {_OF_LANGUAGE_MODELS.get(name, name): value for name, value in given.items()}
    known = model.get_params(deep=False)
    for name in given:
        if name not in known:
            option = _OPTIONS.get(name, name).replace("_", "-")
            fail(f"--{option} is for texts with labels; leave it out, or --unlabelled")
    return model.set_params(**given)


def open_encoder(path: Path, device: str) -> Any:
    """A fitted model with an encoder.

    Parameters
    ----------
    path : Path
        File that textrep saved.
    device : str

    Returns
    -------
    estimator with ``encoder_``

    Raises
    ------
    typer.Exit
        When there is no such file, or it holds something else.
    """
    import textrep
    from textrep.core.messages import printable

    name = printable(str(path))
    try:
        found = textrep.load(path)
    except textrep.PersistError as error:
        fail(error)
    except OSError as error:
        fail(f"{name}: cannot be read: {error.strerror or error}")
    if not hasattr(found, "encoder_"):
        state = "not fitted" if hasattr(type(found), "encoder_") else "no model with an encoder"
        fail(
            f"{name}: this {type(found).__name__} is {state}; give a file that `textrep encoder "
            "fit --save` made"
        )
    return found.set_params(device=device)


def open_classifier(path: Path, device: str) -> Any:
    """A fitted model that predicts.

    Raises
    ------
    typer.Exit
        When the file holds something else.
    """
    from textrep.core.messages import printable

    found = open_encoder(path, device)
    if not hasattr(found, "predict"):
        fail(
            f"{printable(str(path))}: this {type(found).__name__} has learnt from no labels and "
            "predicts none; fit one with labels"
        )
    return found


def embedder_of(model: Any, pooling: str) -> Any:
    """An embedder of the encoder of a model, pooling as asked."""
    from textrep.contextual import EncoderEmbedder

    length = model.encoder_.max_length or math.inf
    read = min(length, getattr(model, "max_length", length))
    embedder = EncoderEmbedder(
        checkpoint=model.encoder_,
        pooling=pooling,
        pretrain_epochs=0,
        max_length=int(min(read, 512)),
        device=model.device,
    )
    return embedder.fit(["."])


def summary(model: Any, n_texts: int, seconds: float) -> Iterator[str]:
    """What training came to, line by line.

    Parameters
    ----------
    model : fitted estimator with ``encoder_``
    n_texts : int
    seconds : float
        That fitting took.

    Yields
    ------
    str
    """
    encoder = model.encoder_
    yield (
        f"{encoder.architecture}: {encoder.n_layers} layers of {encoder.hidden_size:,} values, "
        f"{encoder.tokenizer.size:,} tokens known, {encoder.n_parameters:,} weights"
    )
    stopped = ", stopped early" if model.stopped_early_ else ""
    yield f"{n_texts:,} texts in {seconds:.1f} s{stopped}"
    for stage in dict.fromkeys(row.get("stage", "") for row in model.history_):
        rows = [row for row in model.history_ if row.get("stage", "") == stage]
        epochs = f"{len(rows)} epoch{'s' if len(rows) != 1 else ''}"
        line = f"{stage or 'training'}: {epochs}"
        for name, called in (("loss", "loss"), ("validation_loss", "validation loss")):
            known = [row[name] for row in rows if row.get(name) is not None]
            if known and math.isfinite(known[-1]):
                line += f", {called} {known[-1]:.4f}"
        yield line


def floats_of(labels: list[str]) -> list[float]:
    """Labels as numbers.

    Raises
    ------
    typer.Exit
        When one is none.
    """
    found = []
    for number, label in enumerate(labels, start=1):
        try:
            value = float(label)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            fail(f"--problem regression: label {number} is {label!r}, which is no number")
        found.append(value)
    return found
