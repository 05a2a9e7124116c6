"""Texts to document vectors, piece by piece, for `textrep embed transform`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from textrep.cli.output import fail, writing
from textrep.cli.target import check_target
from textrep.cli.word_training import Texts

if TYPE_CHECKING:
    import numpy as np

    from textrep.embeddings import WordEmbedder, WordVectors

POOLINGS = ("mean", "idf", "sif", "max")

# Poolings that are learnt from documents.
_LEARNT = ("idf", "sif")


def check_out(out: Path | None, texts: Texts) -> None:
    """End the program if vectors cannot be written to a file.

    Parameters
    ----------
    out : Path or None
        None is standard output.
    texts : Texts
        Must not be replaced.
    """
    from textrep.cli.vector_files import VectorOutputError, check_suffix

    if out is None:
        return
    try:
        check_suffix(out)
    except VectorOutputError as error:
        fail(f"--out {out}: {error}")
    check_target("--out", out, texts.source())


def static_embedder(
    vectors: WordVectors, pooling: str, lowercase: bool, texts: Texts
) -> WordEmbedder:
    """An embedder of given vectors that knows what the pooling has to know of the texts.

    Parameters
    ----------
    vectors : WordVectors
    pooling : str
        One of `POOLINGS`.
    lowercase : bool
        Whether texts are lower-cased.
    texts : Texts
        Read now where the pooling is learnt.

    Returns
    -------
    WordEmbedder
        Fitted.
    """
    from textrep.embeddings import StaticEmbedder

    embedder = StaticEmbedder(vectors=vectors, pooling=pooling, lowercase=lowercase)
    if pooling not in _LEARNT:
        return embedder.fit([""])  # mean and maximum have nothing to learn
    if texts.is_stream:
        fail(f"--pooling {pooling} reads the texts twice; give a file, or a model that was trained")
    return embedder.fit(texts.each())


def write_document_vectors(
    embedder: WordEmbedder, pieces: Iterator[Any], out: Path | None, quiet: bool
) -> tuple[int, int]:
    """Write the vectors of texts, piece by piece.

    Parameters
    ----------
    embedder : WordEmbedder
        Fitted.
    pieces : iterator of sequences of str
    out : Path or None
        None is standard output, as lines of numbers with commas between.
    quiet : bool
        Whether no progress is shown.

    Returns
    -------
    count, zeros : int
        Texts, and those of them whose vectors are zeros.
    """
    from textrep.cli.vector_files import table_row, writing_vectors
    from textrep.core.progress import Progress, progress

    def to_stdout(rows: np.ndarray) -> None:
        with writing():
            typer.echo(b"".join(map(table_row, rows)), nl=False)

    def write_all(write: Any) -> tuple[int, int]:
        count = zeros = 0
        bar: Progress[object] = progress(
            description="Making vectors", verbose=0 if quiet else 1, unit="texts"
        )
        with bar:
            for piece in pieces:
                rows = embedder.transform(piece)
                write(rows)
                count += len(rows)
                zeros += int((~rows.any(axis=1)).sum())
                bar.update(len(rows))
        return count, zeros

    if out is None:
        return write_all(to_stdout)
    with writing_vectors(out, embedder.get_feature_names_out().tolist()) as write:
        return write_all(write)
