"""A trained classifier as a file of fastText, and as the values that a file of textrep holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrep.core.messages import shown
from textrep.core.persist import PersistError
from textrep.embeddings.formats.errors import VectorFileError
from textrep.embeddings.formats.fasttext_bin import FastTextFile, read_fasttext, write_fasttext
from textrep.embeddings.kernels.simd import padded
from textrep.embeddings.label_tree import LOSSES, Labels
from textrep.embeddings.neighbours import blocks
from textrep.embeddings.supervised import Features, SupervisedModel

WHITE_SPACE_TOKENS = r"[^ \n\r\t\v\f\0]+"
"""What lies between fastText's white space (``Dictionary::readWord``), as a token pattern."""


@dataclass
class _AllRows:
    """The input matrix with a row for every bucket, made as it is written."""

    model: SupervisedModel

    @property
    def shape(self) -> tuple[int, int]:
        features = self.model.features
        return len(features.words) + _buckets_written(features), self.model.dim

    def __getitem__(self, rows: slice) -> np.ndarray:
        features = self.model.features
        n_words = len(features.words)
        first, last, _ = rows.indices(self.shape[0])
        block = np.zeros((last - first, self.model.dim), dtype=np.float32)
        words = np.arange(first, min(last, n_words))
        begin, end = np.searchsorted(features.buckets, [first - n_words, last - n_words])
        places = np.concatenate([words, features.buckets[begin:end].astype(np.int64) + n_words])
        numbers = np.concatenate([words, np.arange(n_words + begin, n_words + end)])
        block[places - first] = self.model.inputs[numbers, : self.model.dim]
        return block


def _buckets_written(features: Features) -> int:
    """fastText has no buckets where there are no n-grams (``Args::parseArgs``)."""
    return features.bucket if features.word_ngrams > 1 or features.max_n else 0


def write_model(
    path: str | os.PathLike[str],
    model: SupervisedModel,
    labels: list[str],
    prefix: str,
    epochs: int,
    min_count: int,
) -> None:
    """Write a model that fastText loads; ``labels`` are those of its classes, as text."""
    features, order = model.features, model.labels.order
    for word in features.words:
        if word.startswith(prefix):
            raise VectorFileError(
                f"the word {shown(word)} looks like a label, with which fastText would mistake it; "
                "give another label_prefix",
                path=path,
            )
    named = [prefix + labels[c] for c in order.tolist()]
    if len(set(named)) < len(named):
        raise VectorFileError("two labels are the same as text", path=path)
    output = model.outputs[:, : model.dim]
    write_fasttext(
        path,
        FastTextFile(
            dim=model.dim,
            words=features.words,
            counts=features.counts,
            labels=named,
            label_counts=model.labels.counts[order],
            input=_AllRows(model),
            # The rows of a tree are its inner nodes, not classes.
            output=output if model.labels.loss == "hs" else output[order],
            n_tokens=int(features.counts.sum()),
            epoch=epochs,
            min_count=min_count,
            word_ngrams=features.word_ngrams,
            loss=model.labels.loss,
            model="supervised",
            bucket=_buckets_written(features),
            minn=features.min_n if features.max_n else 0,
            maxn=features.max_n,
        ),
    )


def read_model(
    path: str | os.PathLike[str], prefix: str
) -> tuple[SupervisedModel, np.ndarray, FastTextFile]:
    """Read a model of fastText: the model, its classes in order, and the file for its arguments."""
    file = read_fasttext(path)
    if not file.supervised:
        raise VectorFileError(
            f"it is a {file.model} model, which knows no labels; load it with "
            "textrep.FastText.load_fasttext",
            path=path,
        )
    if not file.bucket and (file.word_ngrams > 1 or file.maxn):
        raise VectorFileError("it has n-grams, but no buckets for them", path=path)
    if len(file.labels) < 2:
        raise VectorFileError("a classifier needs two labels or more", path=path)
    names = np.array([name.removeprefix(prefix) for name in file.labels])
    classes, first_at, number = np.unique(names, return_index=True, return_inverse=True)
    if len(classes) < len(names):
        raise VectorFileError(f"two labels are the same without {shown(prefix)}", path=path)
    loss = "ova" if file.loss == "ns" else file.loss  # its negatives matter to training alone
    n_words = len(file.words)
    buckets = _rows_in_use(file.input, n_words, file.bucket)
    features = Features(
        file.words, file.counts, buckets, file.bucket, max(1, file.word_ngrams), file.minn,
        file.maxn,
    )  # fmt: skip
    inputs = np.zeros((features.n_rows, padded(file.dim)), dtype=np.float32)
    rows = np.concatenate([np.arange(n_words), buckets.astype(np.int64) + n_words])
    for first, last in blocks(len(rows), file.dim):
        inputs[first:last, : file.dim] = file.input[rows[first:last]]
    outputs = np.zeros((len(classes), padded(file.dim)), dtype=np.float32)
    outputs[:, : file.dim] = file.output if loss == "hs" else file.output[first_at]
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise VectorFileError("the matrices hold NaN or infinite values", path=path)
    labels = Labels(loss, file.label_counts[first_at], number.astype(np.int64))
    return SupervisedModel(features, labels, file.dim, inputs, outputs), classes, file


def _rows_in_use(matrix: Any, n_words: int, bucket: int) -> np.ndarray:
    """The buckets whose rows are not all zeros, int32."""
    used = np.zeros(bucket, dtype=bool)
    for first, last in blocks(bucket, matrix.shape[1]):
        used[first:last] = np.any(matrix[n_words + first : n_words + last], axis=1)
    return np.flatnonzero(used).astype(np.int32)


def model_to_state(model: SupervisedModel) -> dict[str, Any]:
    """What `model_from_state` makes the model of again."""
    features, labels = model.features, model.labels
    return {
        "words": features.words,
        "counts": features.counts,
        "buckets": features.buckets,
        "ngrams": [features.bucket, features.word_ngrams, features.min_n, features.max_n],
        "loss": labels.loss,
        "class_counts": labels.counts,
        "class_order": labels.order,
        "inputs": np.ascontiguousarray(model.inputs[:, : model.dim]),
        "outputs": np.ascontiguousarray(model.outputs[:, : model.dim]),
    }


def model_from_state(state: dict[str, Any], classes: Any) -> SupervisedModel:
    """The model of a file, which can hold anything: kernels follow its numbers unchecked."""
    words, numbers = state["words"], state["ngrams"]
    _require(isinstance(classes, np.ndarray) and classes.ndim == 1, "classes_")
    _require(isinstance(words, list) and all(isinstance(w, str) for w in words), "words")
    _require(len(set(words)) == len(words), "words")
    _require(isinstance(numbers, list) and len(numbers) == 4, "ngrams")
    _require(all(type(n) is int and 0 <= n < 2**31 for n in numbers), "ngrams")
    bucket, word_ngrams, min_n, max_n = numbers
    _require(word_ngrams >= 1 and (bucket >= 1 or (word_ngrams == 1 and not max_n)), "ngrams")
    n_words, n_classes = len(words), len(classes)
    counts = _vector(state, "counts", np.int64, n_words)
    buckets = _vector(state, "buckets", np.int32, None)
    _require(bool((np.diff(buckets) > 0).all()), "buckets")
    _require(bool(((buckets >= 0) & (buckets < bucket)).all()), "buckets")
    loss = state["loss"]
    _require(loss in LOSSES and n_classes > 1, "loss")
    class_counts = _vector(state, "class_counts", np.int64, n_classes)
    _require(bool((class_counts >= 0).all()), "class_counts")
    order = _vector(state, "class_order", np.int64, n_classes)
    _require(bool((np.sort(order) == np.arange(n_classes)).all()), "class_order")
    inputs = _matrix(state, "inputs", n_words + len(buckets))
    outputs = _matrix(state, "outputs", n_classes)
    dim = inputs.shape[1]
    _require(outputs.shape[1] == dim, "outputs")
    return SupervisedModel(
        Features(words, counts, buckets, bucket, word_ngrams, min_n, max_n),
        Labels(loss, class_counts, order),
        dim,
        _padded_rows(inputs),
        _padded_rows(outputs),
    )


def _padded_rows(matrix: np.ndarray) -> np.ndarray:
    rows = np.zeros((len(matrix), padded(matrix.shape[1])), dtype=np.float32)
    rows[:, : matrix.shape[1]] = matrix
    return rows


def _require(sound: bool, name: str) -> None:
    if not sound:
        raise PersistError(f"{name} of the FastTextClassifier is not what it has to be")


def _vector(state: dict[str, Any], name: str, kind: Any, size: int | None) -> np.ndarray:
    value = state[name]
    _require(isinstance(value, np.ndarray) and value.dtype == kind and value.ndim == 1, name)
    _require(size is None or len(value) == size, name)
    return np.asarray(value)


def _matrix(state: dict[str, Any], name: str, n_rows: int) -> np.ndarray:
    value = state[name]
    _require(isinstance(value, np.ndarray) and value.dtype == np.float32, name)
    _require(value.ndim == 2 and len(value) == n_rows and value.shape[1] > 0, name)
    _require(bool(np.isfinite(value).all()), name)
    return np.asarray(value)
