"""What every public estimator keeps, whatever it computes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

import textrep
from tests.estimators import LABELS, PUBLIC_ESTIMATORS, TEXTS, Entry


def over(entries):
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.estimator.__name__)


every = over(PUBLIC_ESTIMATORS)
every_text_estimator = over([entry for entry in PUBLIC_ESTIMATORS if not entry.counts_in])


def dense(answer):
    return answer.toarray() if scipy.sparse.issparse(answer) else np.asarray(answer)


def assert_same(first, second):
    assert scipy.sparse.issparse(first) == scipy.sparse.issparse(second)
    assert first.dtype == second.dtype
    np.testing.assert_array_equal(dense(first), dense(second))


def pipeline_of(entry: Entry) -> Pipeline:
    steps = [("estimator", entry.make()), ("classify", LogisticRegression())]
    if entry.counts_in:
        steps.insert(0, ("count", textrep.CountVectorizer()))
    return Pipeline(steps)


def test_every_public_estimator_is_here():
    public = {getattr(textrep, name) for name in textrep.__all__}
    estimators = {
        kind for kind in public if isinstance(kind, type) and issubclass(kind, BaseEstimator)
    }
    assert {entry.estimator for entry in PUBLIC_ESTIMATORS} == estimators


@every
def test_the_constructor_takes_keywords_only_and_stores_them_untouched(entry):
    parameters = inspect.signature(entry.estimator).parameters
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    anything = {name: object() for name in parameters}
    estimator = entry.estimator(**anything)
    assert all(getattr(estimator, name) is value for name, value in anything.items())
    assert set(vars(estimator)) == set(anything)


@every
def test_defaults_are_immutable(entry):
    for parameter in inspect.signature(entry.estimator).parameters.values():
        assert not isinstance(parameter.default, list | dict | set), parameter.name


@every
def test_clone_get_params_and_set_params_agree(entry):
    estimator = entry.make()
    assert clone(estimator).get_params() == estimator.get_params()
    name, values = next(iter(entry.grid.items()))
    for value in values:
        assert estimator.set_params(**{name: value}) is estimator
        assert estimator.get_params()[name] == value
    with pytest.raises(ValueError, match="no_such_parameter"):
        estimator.set_params(no_such_parameter=1)


@every
def test_fit_returns_self_and_sets_its_attributes(entry):
    estimator = entry.make()
    before = [name for name in entry.fitted if hasattr(estimator, name)]
    assert before == []
    assert estimator.fit(entry.data(), LABELS) is estimator
    for name in entry.fitted:
        assert name.endswith("_")
        assert hasattr(estimator, name)
    check_is_fitted(estimator)
    # A clone is an estimator that has not been fitted.
    assert not any(hasattr(clone(estimator), name) for name in entry.fitted)


@every
def test_an_estimator_that_is_not_fitted_says_so(entry):
    estimator = entry.make()
    if get_tags(estimator).requires_fit:
        with pytest.raises(NotFittedError):
            estimator.transform(entry.data())
    else:
        assert entry.fitted == ()
        estimator.transform(entry.data())


@every
def test_fitting_leaves_parameters_and_data_alone(entry):
    estimator, data = entry.make(), entry.data()
    parameters, untouched = copy.deepcopy(estimator.get_params()), copy.deepcopy(data)
    estimator.fit(data).transform(data)
    assert estimator.get_params() == parameters
    if entry.counts_in:
        assert_same(data, untouched)
    else:
        assert data == untouched


@every
def test_fitting_again_forgets_what_was(entry):
    data = entry.data()
    estimator = entry.make().fit(data[:6])
    assert_same(estimator.fit(data).transform(data), entry.make().fit(data).transform(data))
    assert_same(estimator.fit_transform(data), entry.make().fit_transform(data))


@every
def test_fit_transform_agrees_with_fit_then_transform(entry):
    data = entry.data()
    together, apart = entry.make().fit_transform(data), entry.make().fit(data).transform(data)
    # Rows may be summed in another order, as in scikit-learn.
    np.testing.assert_array_almost_equal_nulp(dense(together), dense(apart), nulp=4)


@every_text_estimator
@pytest.mark.parametrize("container", [tuple, iter, np.array, pd.Series, pl.Series, pa.array])
def test_texts_come_in_any_container(entry, container):
    estimator = entry.make().fit(container(TEXTS))
    answer = estimator.transform(container(TEXTS))
    assert answer.shape[0] == len(TEXTS)
    assert_same(answer, entry.make().fit(TEXTS).transform(TEXTS))


@every
def test_it_works_in_a_pipeline_and_in_cross_validation(entry):
    pipeline = pipeline_of(entry)
    assert set(pipeline.fit(TEXTS, LABELS).predict(TEXTS)) <= set(LABELS)
    scores = cross_val_score(pipeline, TEXTS, LABELS, cv=2, error_score="raise")
    assert scores.shape == (2,)


@every
def test_it_works_in_a_grid_search(entry):
    name, values = next(iter(entry.grid.items()))
    search = GridSearchCV(
        pipeline_of(entry), {f"estimator__{name}": values}, cv=2, error_score="raise"
    )
    search.fit(TEXTS, LABELS)
    assert search.best_params_[f"estimator__{name}"] in values


@every
@pytest.mark.parametrize("fitted", [False, True])
def test_pickle_keeps_parameters_and_answers(entry, fitted):
    check_copy(entry, fitted, lambda estimator: pickle.loads(pickle.dumps(estimator)))


@every
@pytest.mark.parametrize("fitted", [False, True])
def test_save_and_load_keep_parameters_and_answers(entry, fitted, tmp_path):
    path = tmp_path / "model.textrep"
    check_copy(entry, fitted, lambda estimator: textrep.load(estimator.save(path)))


@every
def test_a_loaded_pipeline_gives_the_same_answers(entry, tmp_path):
    pipeline = pipeline_of(entry).fit(TEXTS, LABELS)
    loaded = textrep.load(textrep.save(pipeline, tmp_path / "model.textrep"))
    assert_same(loaded.predict_proba(TEXTS), pipeline.predict_proba(TEXTS))


def check_copy(entry, fitted, copy_of):
    estimator = entry.make()
    if fitted:
        estimator.fit(entry.data())
    other = copy_of(estimator)
    assert type(other) is type(estimator)
    assert other.get_params() == estimator.get_params()
    if not fitted:
        assert not any(hasattr(other, name) for name in entry.fitted)
        other.fit(entry.data())
        estimator.fit(entry.data())
    for name in entry.fitted:
        np.testing.assert_equal(getattr(other, name), getattr(estimator, name))
    assert_same(other.transform(entry.data()), estimator.transform(entry.data()))


# What goes in, and a pattern of what the message must name: the position, or the fix.
WRONG_INPUTS = {
    "str": ("a single text", ""),
    "None": (None, ""),
    "table": (np.array([["a text", "another"], ["and", "more"]]), "column"),
    "None inside": (["a text", None], r"\b1\b"),
    "NaN inside": (["a text", np.nan], r"\b1\b"),
    "number inside": (["a text", 3], r"\b1\b"),
}


@every
@pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
@pytest.mark.parametrize(("wrong", "named"), WRONG_INPUTS.values(), ids=list(WRONG_INPUTS))
def test_wrong_input_is_refused_with_a_clear_message(entry, method, wrong, named):
    estimator = entry.make()
    if method == "transform":
        estimator.fit(entry.data())
    error = error_of(estimator, method, wrong)
    expected = peer_error(entry, method, wrong)
    # scikit-learn has no message for some: it fails with AttributeError on the way.
    if entry.drop_in_for is None or isinstance(expected, AttributeError):
        assert isinstance(error, textrep.TextInputError)
        assert re.search(named, str(error))
    else:
        assert type(error) is type(expected)
        assert str(error) == str(expected)


def peer_error(entry, method, wrong):
    if entry.drop_in_for is None:
        return None
    peer = entry.drop_in_for(**entry.params)
    if method == "transform":
        peer.fit(entry.data())
    return error_of(peer, method, wrong)


def error_of(estimator, method, wrong):
    try:
        getattr(estimator, method)(wrong)
    except Exception as error:
        return error
    return None


@every_text_estimator
def test_a_single_str_is_named_in_the_message(entry):
    message = "string object received" if entry.drop_in_for else "is a single str"
    with pytest.raises(ValueError, match=message):
        entry.make().fit_transform("a single text")


@every
def test_threads_that_share_a_fitted_estimator_get_the_same_answers(entry):
    estimator, data = entry.make().fit(entry.data()), entry.data()
    # From a copy, so that what is made on first use is made by all threads at once.
    fresh = pickle.loads(pickle.dumps(estimator))
    expected = estimator.transform(data)
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda _: fresh.transform(data), range(16)):
            assert_same(answer, expected)


@every
def test_repr_shows_the_class_and_the_changed_parameters(entry):
    shown = repr(entry.make())
    assert shown.startswith(f"{entry.estimator.__name__}(")
    assert all(f"{name}={value!r}" in shown for name, value in entry.params.items())
    assert entry.make()._repr_html_()


@every
def test_tags_tell_what_goes_in(entry):
    tags = get_tags(entry.make())
    if entry.drop_in_for is not None:
        assert tags == get_tags(entry.drop_in_for(**entry.params))
    else:
        assert tags.input_tags.string
    assert tags.requires_fit == bool(entry.fitted)


@every
def test_the_documentation_covers_every_parameter_and_has_an_example(entry):
    documentation = inspect.getdoc(entry.estimator)
    assert "Examples\n--------" in documentation
    covered = documentation
    if entry.drop_in_for is not None:
        covered += inspect.getdoc(entry.drop_in_for)
    for name in inspect.signature(entry.estimator).parameters:
        assert f"{name} : " in covered, name
