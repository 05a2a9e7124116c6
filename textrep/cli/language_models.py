"""What the commands of `textrep lm` do besides calling the model."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from textrep.cli.neural_models import open_fitted
from textrep.cli.output import fail
from textrep.cli.target import check_targets
from textrep.cli.word_training import Texts

if TYPE_CHECKING:
    from textrep.generation.language_model import LanguageModel

LEVELS = ("word", "character", "subword", "whitespace", "byte")
CELLS = ("lstm", "gru", "rnn")

MODELS = {"rnn": "RNNLanguageModel", "gpt": "GPT", "switch": "SwitchTransformer"}
"""What `textrep lm fit --model` can be, and the class it stands for."""

_OPTIONS = {"num_layers": "layers", "num_heads": "heads", "n_experts": "experts"}
"""Parameters whose option is called otherwise."""

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make a terminal show others in another order."""

_HEADER = "units,log_likelihood,perplexity,bits_per_character\n"


def check_kept(
    save: Path | None, checkpoint: Path | None, curve: Path | None, *texts: Texts
) -> None:
    """End the program if one of its files cannot be written: hours of work would be lost.

    Parameters
    ----------
    save, checkpoint, curve : Path or None
        Of the options with these names.
    *texts : Texts
        Must not be replaced.

    Raises
    ------
    typer.Exit
    ValueError
        When the curve's name is not that of a picture.
    """
    from textrep.engine.history_plot import check_picture_name

    if save is None:
        fail("give --save: nothing would be kept of the work")
    named = {"--save": save, "--checkpoint": checkpoint, "--curve": curve}
    check_targets(named, *(each.source() for each in texts))
    if curve is not None:
        try:
            check_picture_name(curve)
        except (ModuleNotFoundError, ValueError) as error:
            fail(f"--curve: {error}")


def texts_of(texts: Texts, whole: bool) -> list[str]:
    """All texts, or all lines as one text.

    Parameters
    ----------
    texts : Texts
    whole : bool

    Returns
    -------
    list of str
    """
    found = list(texts.each())
    return ["\n".join(found)] if whole and found else found


def new_language_model(kind: str, wanted: dict[str, Any]) -> Any:
    """A language model that is to be fitted.

    Parameters
    ----------
    kind : str
        One of `MODELS`.
    wanted : dict of str to object
        Parameters, of which those that are None are as the model has them.

    Returns
    -------
    LanguageModel

    Raises
    ------
    typer.Exit
        When a model of that kind has no such parameter.
    """
    from textrep import generation

    model = getattr(generation, MODELS[kind])()
    given = {name: value for name, value in wanted.items() if value is not None}
    for name in given:
        if name not in model.get_params(deep=False):
            fail(f"--{_OPTIONS.get(name, name).replace('_', '-')} is not for --model {kind}")
    return model.set_params(**given)


def open_language_model(path: Path, device: str) -> LanguageModel:
    """A fitted language model.

    Parameters
    ----------
    path : Path
        File that textrep saved.
    device : str
        Where it is to compute.

    Returns
    -------
    LanguageModel

    Raises
    ------
    typer.Exit
        When there is no such file, or it holds something else.
    """
    from textrep.generation.language_model import LanguageModel

    found = open_fitted(path, LanguageModel, "a language model", "lm fit")
    return _quiet_on(found, device)


def _quiet_on(model: LanguageModel, device: str) -> LanguageModel:
    known = model.get_params(deep=False)
    wanted = {"device": device, "verbose": 0}
    return model.set_params(**{name: value for name, value in wanted.items() if name in known})


def open_model_or_checkpoint(
    model: Path | None, checkpoint: str | None, device: str
) -> LanguageModel:
    """A language model that textrep saved, or one that others have published.

    Parameters
    ----------
    model : Path or None
        File that textrep saved.
    checkpoint : str or None
        Folder or name of a published model. One of the two.
    device : str

    Returns
    -------
    LanguageModel
        Fitted.

    Raises
    ------
    typer.Exit
        When both are given or neither is, or a file holds something else.
    """
    if model is not None and checkpoint is not None:
        fail("MODEL and --checkpoint: give one of them")
    if model is not None:
        return open_language_model(model, device)
    if checkpoint is None:
        fail("give MODEL, a file that `textrep lm fit --save` made, or --checkpoint")
    from textrep.generation import PretrainedLanguageModel

    return PretrainedLanguageModel(checkpoint=checkpoint, device=device).fit()


def summary(model: Any, seconds: float) -> Iterator[str]:
    """What training came to, line by line.

    Parameters
    ----------
    model : fitted LanguageModel
    seconds : float
        That fitting took.

    Yields
    ------
    str
    """
    n_parameters = sum(weights.numel() for weights in model.module_.parameters())
    units = {"whitespace": "word"}.get(model.level, model.level) + "s"
    layers = "1 layer" if model.num_layers == 1 else f"{model.num_layers} layers"
    yield (
        f"{_kind(model)} of {units}: {layers} of {model.hidden_size:,} units, "
        f"{len(model.codec_):,} of them known, {n_parameters:,} weights"
    )
    epochs = f"{model.n_epochs_} epoch{'s' if model.n_epochs_ != 1 else ''}"
    stopped = ", stopped early" if model.stopped_early_ else ""
    yield f"{epochs} in {seconds:.1f} s{stopped}"
    losses = [row["validation_loss"] for row in model.history_ if _known(row)]
    if losses:
        yield f"validation perplexity {math.exp(min(losses)):.2f}"


def _kind(model: Any) -> str:
    return getattr(model, "cell", None) or next(
        kind for kind, name in MODELS.items() if name == type(model).__name__
    )


def _known(row: dict[str, Any]) -> bool:
    loss = row.get("validation_loss")
    return loss is not None and math.isfinite(loss)


def printable_text(text: str) -> str:
    """A text of a model with its lines as they are, but without what a terminal would obey.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> print(printable_text("so\\tmuch\\ntext\\x1b[2J"))
    so  much
    text\\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(ascii(c)[1:-1] if _is_obeyed(c) else c for c in text)


def _is_obeyed(character: str) -> bool:
    # Not all that is no print: scripts need joiners, and French spaces that do not break.
    if character in "\n\t":
        return False
    return character in _TURNING or unicodedata.category(character) in ("Cc", "Cs")


class Score(NamedTuple):
    """How likely texts are.

    Attributes
    ----------
    n_units : int
        Words, characters or subwords, ends of texts included.
    n_characters : int
    log_likelihood : float
        Of all of it, in nats.
    """

    n_units: int
    n_characters: int
    log_likelihood: float

    @property
    def perplexity(self) -> float:
        """Of a unit."""
        return _exponential(-self.log_likelihood / self.n_units)

    @property
    def bits_per_character(self) -> float:
        """NaN where there are no characters."""
        if not self.n_characters:
            return math.nan
        return -self.log_likelihood / math.log(2) / self.n_characters


class ScoreWriter:
    """Scores texts piece by piece.

    Parameters
    ----------
    model : fitted LanguageModel
    quiet : bool
        Whether to show no progress.
    """

    def __init__(self, model: LanguageModel, quiet: bool) -> None:
        self._model = model
        self._quiet = quiet

    def total(self, pieces: Iterator[list[str]]) -> list[str]:
        """Lines about all texts together, each of which begins anew."""
        n_texts, total = 0, Score(0, 0, 0.0)
        for scores in self._scores(pieces):
            n_texts += len(scores)
            total = Score(*map(sum, zip(total, *scores, strict=True)))
        if not n_texts:
            fail("there are no texts in the data to be scored")
        return _lines(n_texts, total)

    def continuous(self, texts: list[str]) -> list[str]:
        """Lines about all texts together, read as one."""
        if not texts:
            fail("there are no texts in the data to be scored")
        mean = self._model.score(texts, continuous=True)
        n_units = sum(self._units(texts))
        return _lines(len(texts), Score(n_units, sum(map(len, texts)), mean * n_units))

    def per_text(self, pieces: Iterator[list[str]]) -> Iterator[str]:
        """A header, and then a line for each text, piece by piece."""
        yield _HEADER
        for scores in self._scores(pieces):
            yield "".join(map(_csv_line, scores))

    def _scores(self, pieces: Iterator[list[str]]) -> Iterator[list[Score]]:
        from textrep.core.progress import Progress, progress

        bar: Progress[object] = progress(
            description="scoring", verbose=0 if self._quiet else 1, unit="texts"
        )
        with bar:
            for piece in pieces:
                texts = list(piece)
                likelihoods = self._model.log_likelihoods(texts).tolist()
                yield [
                    Score(n_units, len(text), likelihood)
                    for n_units, text, likelihood in zip(
                        self._units(texts), texts, likelihoods, strict=True
                    )
                ]
                bar.update(len(texts))

    def _units(self, texts: list[str]) -> list[int]:
        # Each text has an end, which is predicted too.
        return [len(ids) + 1 for ids in self._model.codec_.encode_all(texts)]


def _lines(n_texts: int, total: Score) -> list[str]:
    texts = "1 text" if n_texts == 1 else f"{n_texts:,} texts"
    bits = "-" if math.isnan(total.bits_per_character) else f"{total.bits_per_character:.4f}"
    return [
        f"{texts} with {total.n_units:,} units and {total.n_characters:,} characters",
        f"log-likelihood {total.log_likelihood / total.n_units:.4f} a unit",
        f"perplexity {total.perplexity:.2f}",
        f"bits per character {bits}",
    ]


def _csv_line(score: Score) -> str:
    bits = "" if math.isnan(score.bits_per_character) else f"{score.bits_per_character:.6g}"
    return f"{score.n_units},{score.log_likelihood:.6g},{score.perplexity:.6g},{bits}\n"


def _exponential(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
