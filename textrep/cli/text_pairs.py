"""What the commands of `textrep seq2seq` do besides calling the model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textrep.cli.incoming import STDIN, Wanted, read_pieces
from textrep.cli.neural_models import open_fitted
from textrep.cli.output import fail

if TYPE_CHECKING:
    from textrep.generation.seq2seq_learner import Seq2SeqLearner

MODELS = ("rnn", "transformer")
LEVELS = ("word", "character", "subword", "whitespace", "byte")
CELLS = ("gru", "lstm", "rnn")
ATTENTIONS = ("luong-general", "luong", "bahdanau", "none")
NORMS = ("pre", "post")

# What one of the models has and the other has not: parameter -> option.
_OWN = {
    "rnn": {
        "cell": "--cell",
        "attention": "--attention",
        "embedding_size": "--embedding-size",
    },
    "transformer": {
        "num_heads": "--heads",
        "inner_size": "--inner-size",
        "norm": "--norm",
        "average_last": "--average-last",
    },
}

# What readers of texts and labels call columns -> what they are here.
_ROLES = {"text": "source", "label": "target"}
_ROLE = re.compile(
    r"\b(text|label)(?==)|(?<=--)(text|label)\b|(?<=the )(text|label)(?= is |;)|(?<=it with )text"
)


def read_text_pairs(
    data: str, source: str | None, target: str | None, encoding: str | None, reverse: bool
) -> tuple[list[str], list[str]]:
    """Sources and targets of a table or a corpus.

    Parameters
    ----------
    data : str
        File, folder, archive or name of a corpus; of a corpus the training part.
    source, target : str or None
        Columns; of a table at least one, since which language is read can only be guessed.
    encoding : str or None
        None is UTF-8.
    reverse : bool
        Whether sources and targets change places.

    Returns
    -------
    list of str, list of str

    Raises
    ------
    typer.Exit
        When there are no pairs, or nothing says which columns they are in.
    DataError
        When the data cannot be read.
    """
    from textrep.data.cards import names

    if data == STDIN:
        fail("pairs are read from a file or a corpus; name one in place of -")
    if source is None and target is None and Path(data).is_file() and data not in names():
        fail(
            f"{data}: give --source and --target, the columns of what is read and of what is made "
            "of it: their headers, or positions from 0 in a table without headers"
        )
    sources: list[str] = []
    targets: list[str] = []
    for piece in _pieces(data, source, target, encoding):
        if piece.labels is None:
            fail(f"{data}: there is one text a row and nothing to make of it")
        sources += piece.texts
        targets += map(str, piece.labels)
    if not sources:
        fail(f"{data}: there are no pairs of texts in it")
    return (targets, sources) if reverse else (sources, targets)


def _pieces(
    data: str, source: str | None, target: str | None, encoding: str | None
) -> Iterator[Any]:
    from textrep.data import load_corpus
    from textrep.data.cards import names

    if data in names():
        corpus = load_corpus(data)
        return iter([corpus.part("train") if "train" in corpus.parts else corpus])
    return read_pieces(data, None, Wanted(source, target, (), encoding))


@contextmanager
def naming_columns() -> Iterator[None]:
    """Let errors about columns speak of sources and targets, as the options do.

    Raises
    ------
    DataError
        With these words.
    """
    from textrep.data import DataError

    try:
        yield
    except DataError as error:
        message = _ROLE.sub(lambda found: _ROLES[found[0]], str(error))
        message = message.replace("text and label", "source and target")
        raise DataError(message) from error


def new_seq2seq(model: str, own: dict[str, Any], **parameters: Any) -> Seq2SeqLearner:
    """An encoder-decoder that has learnt nothing yet.

    Parameters
    ----------
    model : {"rnn", "transformer"}
    own : dict of str to object
        Parameters that only one of the models has; None where the default is wanted.
    **parameters : object
        Those of both, likewise.

    Returns
    -------
    RNNSeq2Seq or TransformerSeq2Seq

    Raises
    ------
    typer.Exit
        When a parameter is of the other model.
    """
    from textrep.generation import RNNSeq2Seq, TransformerSeq2Seq

    given = {name: value for name, value in (own | parameters).items() if value is not None}
    for kind, options in _OWN.items():
        for name, option in options.items():
            if kind != model and name in given:
                fail(f"{option} is of --model {kind}, and a {model} has none; leave it out")
    if given.get("attention") == "none":
        given["attention"] = None
    return (RNNSeq2Seq if model == "rnn" else TransformerSeq2Seq)(**given)


def open_seq2seq(path: Path, device: str) -> Seq2SeqLearner:
    """A fitted encoder-decoder.

    Parameters
    ----------
    path : Path
        File that textrep saved.
    device : str
        Where it is to compute.

    Returns
    -------
    RNNSeq2Seq or TransformerSeq2Seq

    Raises
    ------
    typer.Exit
        When there is no such file, or it holds something else.
    """
    from textrep.generation.seq2seq_learner import Seq2SeqLearner

    return open_fitted(path, Seq2SeqLearner, "an encoder-decoder", "seq2seq fit").set_params(
        device=device, verbose=0
    )


def summary(model: Any, n_pairs: int, seconds: float) -> Iterator[str]:
    """What training came to, line by line.

    Parameters
    ----------
    model : fitted RNNSeq2Seq or TransformerSeq2Seq
    n_pairs : int
        That were read.
    seconds : float
        That fitting took.

    Yields
    ------
    str
    """
    n_weights = sum(weights.numel() for weights in model.module_.parameters())
    if hasattr(model, "cell"):
        kind = f"{model.cell}, attention {model.attention or 'none'}"
    else:
        n_decoder_layers = model.num_decoder_layers or model.num_layers
        kind = f"transformer, {model.num_layers} + {n_decoder_layers} layers"
    yield (
        f"{kind}: {n_weights:,} weights, "
        f"{len(model.source_codec_):,} units to read and {len(model.target_codec_):,} to write"
    )
    epochs = f"{model.n_epochs_} epoch{'s' if model.n_epochs_ != 1 else ''}"
    stopped = ", stopped early" if model.stopped_early_ else ""
    yield f"{n_pairs:,} pairs, {epochs} in {seconds:.1f} s{stopped}"
    for entry in model.history_:
        held = entry.get("validation_loss")
        rest = "" if held is None or held != held else f", of held-out pairs {held:.4f}"
        yield f"epoch {entry['epoch']:g}: loss {entry['loss']:.4f}{rest}"
