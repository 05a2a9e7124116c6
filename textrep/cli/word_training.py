"""What `textrep embed fit` does besides training: checks before it, files and a summary after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from textrep.cli.incoming import STDIN, Wanted, lines_file, read_pieces
from textrep.cli.output import fail
from textrep.cli.target import check_targets
from textrep.cli.word_maps import write_map

# Name on the command line -> estimator.
METHODS = {"word2vec": "Word2Vec", "fasttext": "FastText", "glove": "GloVe"}
ALGORITHMS = ("skipgram", "cbow")

_VECTOR_SUFFIXES = (".txt", ".vec", ".bin")


class Texts(NamedTuple):
    """Where texts are read from.

    Attributes
    ----------
    data : str
        As for `textrep.cli.incoming.read_pieces`.
    column : str or None
        Of a table, the column of the texts.
    encoding : str or None
        None is UTF-8.
    """

    data: str
    column: str | None
    encoding: str | None

    @property
    def is_stream(self) -> bool:
        """Whether they can be read only once."""
        return self.data == STDIN

    def source(self) -> Path | None:
        """The file or folder that holds them, where there is one."""
        from textrep.data.load import find_source

        return None if self.is_stream else find_source(self.data)

    def pieces(self) -> Iterator[Any]:
        """The texts, a thousand at a time."""
        wanted = Wanted(self.column, False, (), self.encoding)
        return (piece.texts for piece in read_pieces(self.data, None, wanted))

    def each(self) -> Iterator[str]:
        """The texts, one at a time."""
        return (text for piece in self.pieces() for text in piece)

    def to_learn_from(self) -> Path | Iterator[str]:
        """A file of lines as it is, which is read by many threads; anything else text by text."""
        plain = self.column is None and self.encoding is None
        path = lines_file(self.data) if plain else None
        return self.each() if path is None else path


class Kept(NamedTuple):
    """Files that are written after training; None for those that are not wanted."""

    save: Path | None
    export: Path | None
    map: Path | None

    def check(self, texts: Texts, checkpoint: Path | None) -> None:
        """End the program if one of them cannot be written: hours of work would be lost.

        Parameters
        ----------
        texts : Texts
            Must not be replaced.
        checkpoint : Path or None
            Written during training.
        """
        if not any(self):
            fail("give --save, --export or --map: nothing would be kept of the work")
        check_targets({**self._options(), "--checkpoint": checkpoint}, texts.source())
        if self.export is not None:
            suffix = Path(self.export.name.removesuffix(".gz")).suffix
            if suffix not in _VECTOR_SUFFIXES:
                fail(
                    f"--export {self.export}: end the name in {', '.join(_VECTOR_SUFFIXES[:-1])} "
                    f"or {_VECTOR_SUFFIXES[-1]}, which says how to write it"
                )

    def write(self, model: Any, projection: str, topn: int, seed: int) -> tuple[list[str], str]:
        """Write them; what cannot be written keeps no other from its file.

        Parameters
        ----------
        model : fitted WordEmbedder
        projection, topn, seed :
            Of the map.

        Returns
        -------
        written : list of str
            A line for each.
        faults : str
            What could not be written, empty if nothing.
        """
        from textrep.embeddings import write_vectors

        def save(path: Path) -> str:
            model.save(path)
            return f"Model: {path}"

        def export(path: Path) -> str:
            write_vectors(model.vectors_, path)
            return f"Vectors: {path}"

        def draw(path: Path) -> str:
            return write_map(model.vectors_, path, projection, topn=topn, seed=seed)

        written, faults = [], []
        steps: tuple[Callable[[Path], str], ...] = (save, export, draw)
        for step, (option, path) in zip(steps, self._options().items(), strict=True):
            if path is None:
                continue
            try:
                written.append(step(path))
            except OSError as error:
                faults.append(f"{option} {path}: cannot be written: {error.strerror or error}")
            except ValueError as error:
                faults.append(f"{option} {path}: {error}")
        return written, "; ".join(faults)

    def _options(self) -> dict[str, Path | None]:
        return {f"--{name}": path for name, path in self._asdict().items()}


def estimator(method: str, options: dict[str, tuple[str, Any]]) -> Any:
    """The estimator of a method with what was asked of it; the rest is as it thinks best.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    options : dict of str to (str, value)
        Option -> parameter and its value; None leaves the default of the method.

    Returns
    -------
    WordEmbedder
        Not fitted.
    """
    from textrep import embeddings

    model = getattr(embeddings, METHODS[method])()
    known = model.get_params()
    for option, (name, value) in options.items():
        if value is None:
            continue
        if name not in known:
            fail(f"{option} means nothing to {method}; leave it out")
        model.set_params(**{name: value})
    return model


def summary(method: str, model: Any, seconds: float) -> Iterator[str]:
    """What training came to, line by line.

    Parameters
    ----------
    method : str
    model : fitted WordEmbedder
    seconds : float
        That fitting took.

    Yields
    ------
    str
    """
    vectors, n_words = model.vectors_, int(model.n_words_trained_)
    yield (
        f"{method}: vectors of {len(vectors):,} words with {vectors.dim:,} dimensions, learnt from "
        f"{n_words:,} words"
    )
    epochs = f"{model.n_epochs_} epoch{'s' if model.n_epochs_ != 1 else ''}"
    rate = n_words * model.n_epochs_ / max(seconds, 1e-9)
    yield f"{epochs} in {seconds:.1f} s, reading included: {rate:,.0f} words/s"
    for number, loss in enumerate(model.loss_history_, start=1):
        yield f"epoch {number}: loss {loss:.4f}"
