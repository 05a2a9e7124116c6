"""Pipelines of texts made into pipelines of tables: texts, numbers and categories together."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

from textrep.comparison.columns import (
    categorical_column,
    check_apart,
    columns_of,
    numeric_column,
)
from textrep.comparison.errors import ComparisonError

__all__ = [
    "categorical_column",
    "check_apart",
    "columns_of",
    "inner_name",
    "numeric_column",
    "with_columns",
]

_STEP = "features"
_TEXT = "text"


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
        `pipeline`. Features of the further columns lie between 0 and 1, as those of texts of unit
        length do. After fitting, ``[:-1].get_feature_names_out(["text", "price", ...])`` calls them
        by the names of the columns.

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
    >>> table = np.array([["a pen", 1.5, "tool"], ["blue ink", 4.0, "supply"]], dtype=object)
    >>> pipeline = with_columns(texts, n_numeric=1, n_categorical=1).fit(table, ["x", "y"])
    >>> pipeline[:-1].get_feature_names_out(["text", "price", "kind"])[-3:].tolist()
    ['numeric__price', 'categorical__kind_supply', 'categorical__kind_tool']
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
        parts.append(("numeric", _numbers(), list(range(1, 1 + n_numeric))))
    if n_categorical:
        first = 1 + n_numeric
        parts.append(("categorical", _categories(), list(range(first, first + n_categorical))))
    # Sparse as soon as one part is: most features are words.
    features = ColumnTransformer(parts, sparse_threshold=1.0)
    return Pipeline([(_STEP, features), last])


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


def _numbers() -> Pipeline:
    # A column that has no value in one fold stays: the width is that of the table.
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return Pipeline([("impute", imputer), ("scale", MinMaxScaler(clip=True))])


def _categories() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore")
