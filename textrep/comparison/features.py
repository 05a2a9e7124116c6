"""Pipelines of texts made into pipelines of tables: texts, numbers and categories together."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from textrep.comparison.errors import ComparisonError
from textrep.comparison.quantile_bins import QuantileBins

_STEP = "features"
_TEXT = "text"
# Categories of fewer documents are taken together, as one that was never seen is: an identifier
# would be learnt by heart.
_MIN_FREQUENCY = 2
# Of a matrix that is fuller, the indices take more room than the zeros.
_SPARSE_DENSITY = 0.5


def with_columns(pipeline: Pipeline, n_numeric: int, n_categorical: int) -> Pipeline:
    """Make a pipeline from texts to labels one from tables to labels.

    Parameters
    ----------
    pipeline : Pipeline
        From a list of texts to labels; it is not changed. One that looks at nothing, a
        `DummyClassifier` alone, stays what it is.
    n_numeric, n_categorical : int
        How many columns of numbers (float, NaN where one is missing) and of categories (str) follow
        that of the texts.

    Returns
    -------
    Pipeline
        Unfitted, from an array of shape (n_samples, 1 + n_numeric + n_categorical) of object to
        labels. Its step ``"features"`` is a `ColumnTransformer`; the last step is that of
        `pipeline`. The features of the further columns are 0 or 1, one for each range of a number
        (`QuantileBins`) and each category. After fitting, the method `get_feature_names_out` of
        ``pipeline[:-1]`` takes ``["text", "price", ...]`` and calls them by these names.

    Raises
    ------
    ComparisonError
        When the pipeline is a classifier of texts without a step of features of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.svm import LinearSVC
    >>> from textrep import TfidfVectorizer
    >>> texts = Pipeline([("tfidf", TfidfVectorizer()), ("classifier", LinearSVC())])
    >>> rows = [["a pen", 1.5, "tool"], ["blue ink", 4.0, "supply"]] * 2
    >>> table = np.array(rows, dtype=object)
    >>> pipeline = with_columns(texts, n_numeric=1, n_categorical=1).fit(table, list("xyxy"))
    >>> pipeline[:-1].get_feature_names_out(["text", "price", "kind"])[-3:].tolist()
    ['numeric__price>=4', 'categorical__kind_supply', 'categorical__kind_tool']
    """
    pipeline = clone(pipeline)
    *front, last = pipeline.steps
    if not front:
        if isinstance(last[1], DummyClassifier):
            return pipeline
        raise ComparisonError(
            f"{type(last[1]).__name__} reads texts alone; leave it out, or numeric and categorical"
        )
    parts: list[tuple[str, Any, int | list[int]]] = [(_TEXT, Pipeline(front), 0)]
    if n_numeric:
        parts.append(("numeric", QuantileBins(), list(range(1, 1 + n_numeric))))
    if n_categorical:
        first = 1 + n_numeric
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=_MIN_FREQUENCY)
        parts.append(("categorical", encoder, list(range(first, first + n_categorical))))
    features = ColumnTransformer(parts, sparse_threshold=_SPARSE_DENSITY)
    return Pipeline([(_STEP, features), last])


def text_steps(pipeline: Pipeline) -> Pipeline:
    """The steps that texts alone go through, of a fitted pipeline with or without columns.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted; it may come from `with_columns`.

    Returns
    -------
    Pipeline
    """
    features = pipeline.steps[0][1]
    if isinstance(features, ColumnTransformer) and "text" in features.named_transformers_:
        return features.named_transformers_["text"]
    return pipeline


def inner_name(parameter: str, last: str = "classifier") -> str:
    """Name of a parameter of a pipeline of texts inside the pipeline of tables made of it.

    Parameters
    ----------
    parameter : str
        Such as ``"counts__min_df"``.
    last : str, default="classifier"
        Name of the last step, which stays where it is.

    Returns
    -------
    str

    Examples
    --------
    >>> inner_name("counts__min_df"), inner_name("classifier__C")
    ('features__text__counts__min_df', 'classifier__C')
    """
    if parameter.partition("__")[0] == last:
        return parameter
    return f"{_STEP}__{_TEXT}__{parameter}"
