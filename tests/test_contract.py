"""What every public estimator keeps, whatever it computes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

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
of_pictures = [entry for entry in PUBLIC_ESTIMATORS if entry.pictures_in]
of_music = [entry for entry in PUBLIC_ESTIMATORS if entry.pieces is not None]
of_counts_or_texts = [e for e in PUBLIC_ESTIMATORS if not e.pictures_in and e.pieces is None]
every_text_estimator = over([entry for entry in of_counts_or_texts if not entry.counts_in])
every_picture_estimator = over(of_pictures)
every_music_estimator = over(of_music)
every_counts_or_text_estimator = over(of_counts_or_texts)
every_transformer = over([entry for entry in PUBLIC_ESTIMATORS if entry.verb == "transform"])


def dense(answer):
    return answer.toarray() if scipy.sparse.issparse(answer) else np.asarray(answer)


def answer_of(estimator, entry, data):
    """What a fitted estimator makes of data."""
    return getattr(estimator, entry.verb)(data)


def fitted(entry, data=None):
    data = entry.data() if data is None else data
    n_samples = data.shape[0] if entry.counts_in else len(data)
    return entry.make().fit(data, entry.labels[:n_samples])


def assert_same(first, second):
    assert type(first) is type(second)
    if isinstance(first, list):
        assert first == second
        return
    assert first.dtype == second.dtype
    np.testing.assert_array_equal(dense(first), dense(second))


def pipeline_of(entry: Entry) -> Pipeline:
    steps = [("estimator", entry.make())]
    if entry.counts_in:
        steps.insert(0, ("count", textrep.CountVectorizer()))
    if entry.texts_out and entry.verb == "transform":
        steps.append(("count", textrep.CountVectorizer()))
    if entry.verb == "transform" and not entry.pictures_out:
        steps.append(("classify", LogisticRegression()))
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
    copied = clone(estimator).get_params()
    assert entry.nested or copied == estimator.get_params()
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
    assert estimator.fit(entry.data(), entry.labels) is estimator
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
            answer_of(estimator, entry, entry.data())
    else:
        assert entry.fitted == ()
        answer_of(estimator, entry, entry.data())


@every
def test_fitting_leaves_parameters_and_data_alone(entry):
    estimator, data = entry.make(), entry.data()
    parameters, untouched = copy.deepcopy(estimator.get_params()), copy.deepcopy(data)
    answer_of(estimator.fit(data, entry.labels), entry, data)
    if not entry.nested:
        assert estimator.get_params() == parameters
    if entry.counts_in or entry.pictures_in:
        assert_same(data, untouched)
    else:
        np.testing.assert_equal(data, untouched)


@every
def test_fitting_again_forgets_what_was(entry):
    data = entry.data()
    again = fitted(entry, data[:6]).fit(data, entry.labels)
    assert_same(answer_of(again, entry, data), answer_of(fitted(entry), entry, data))
    if entry.verb == "transform":
        assert_same(
            again.fit_transform(data, entry.labels), entry.make().fit_transform(data, entry.labels)
        )


@every_transformer
def test_fit_transform_agrees_with_fit_then_transform(entry):
    data = entry.data()
    together = entry.make().fit_transform(data, entry.labels)
    apart = fitted(entry).transform(data)
    if entry.texts_out:
        assert together == apart
        return
    # Rows may be summed in another order, as in scikit-learn.
    np.testing.assert_array_almost_equal_nulp(dense(together), dense(apart), nulp=4)


@every_text_estimator
@pytest.mark.parametrize("container", [tuple, iter, np.array, pd.Series, pl.Series, pa.array])
def test_texts_come_in_any_container(entry, container):
    estimator = entry.make().fit(container(TEXTS), entry.labels)
    answer = answer_of(estimator, entry, container(TEXTS))
    assert (len(answer) if entry.texts_out else answer.shape[0]) == len(TEXTS)
    assert_same(answer, answer_of(fitted(entry), entry, TEXTS))


@every
def test_it_works_in_a_pipeline_and_in_cross_validation(entry):
    pipeline, data = pipeline_of(entry), entry.pipeline_data()
    if hasattr(pipeline, "predict"):
        answers = pipeline.fit(data, entry.labels).predict(data)
        given = [tag for row in answers for tag in row] if entry.tagged else answers
        assert set(given) <= set(LABELS)
    scores = cross_val_score(pipeline, data, entry.labels, cv=2, error_score="raise")
    assert scores.shape == (2,)


@every
def test_it_works_in_a_grid_search(entry):
    name, values = next(iter(entry.grid.items()))
    search = GridSearchCV(
        pipeline_of(entry), {f"estimator__{name}": values}, cv=2, error_score="raise"
    )
    search.fit(entry.pipeline_data(), entry.labels)
    assert search.best_params_[f"estimator__{name}"] in values


@every
@pytest.mark.parametrize("is_fitted", [False, True])
def test_pickle_keeps_parameters_and_answers(entry, is_fitted):
    check_copy(entry, is_fitted, lambda estimator: pickle.loads(pickle.dumps(estimator)))


@every
@pytest.mark.parametrize("is_fitted", [False, True])
def test_save_and_load_keep_parameters_and_answers(entry, is_fitted, tmp_path):
    path = tmp_path / "model.textrep"
    check_copy(entry, is_fitted, lambda estimator: textrep.load(estimator.save(path)))


@every
def test_a_loaded_pipeline_gives_the_same_answers(entry, tmp_path):
    data = entry.pipeline_data()
    pipeline = pipeline_of(entry).fit(data, entry.labels)
    loaded = textrep.load(textrep.save(pipeline, tmp_path / "model.textrep"))
    if not hasattr(pipeline, "predict"):
        assert loaded.score(data) == pipeline.score(data)
    for verb in ("predict", "predict_proba"):
        if hasattr(pipeline, verb):
            assert_same(getattr(loaded, verb)(data), getattr(pipeline, verb)(data))


def check_copy(entry, is_fitted, copy_of):
    estimator = fitted(entry) if is_fitted else entry.make()
    other = copy_of(estimator)
    assert type(other) is type(estimator)
    if entry.nested:
        assert repr(other) == repr(estimator)
    else:
        assert other.get_params() == estimator.get_params()
    if not is_fitted:
        assert not any(hasattr(other, name) for name in entry.fitted)
        other.fit(entry.data(), entry.labels)
        estimator.fit(entry.data(), entry.labels)
    for name in entry.fitted:
        if not entry.nested:
            np.testing.assert_equal(getattr(other, name), getattr(estimator, name))
    assert_same(answer_of(other, entry, entry.data()), answer_of(estimator, entry, entry.data()))


# What goes in, and a pattern of what the message must name: the position, or the fix.
WRONG_INPUTS = {
    "str": ("a single text", ""),
    "None": (None, ""),
    "table": (np.array([["a text", "another"], ["and", "more"]]), "column"),
    "None inside": (["a text", None], r"\b1\b"),
    "NaN inside": (["a text", np.nan], r"\b1\b"),
    "number inside": (["a text", 3], r"\b1\b"),
}


# As for texts.
WRONG_PICTURES = {
    "str": ("a folder", "single"),
    "None": (None, "None"),
    "table": (np.zeros((3, 64)), "reshape"),
    "nothing": ([], "empty"),
    "NaN inside": (np.stack([np.zeros((8, 8)), np.full((8, 8), np.nan)]), r"\[1\]"),
    "out of range": (np.stack([np.zeros((8, 8)), np.full((8, 8), 255.0)]), r"\[1\].*255"),
    "no picture inside": ([np.zeros((8, 8)), 3], r"\[1\]"),
    "another size inside": ([np.zeros((8, 8)), np.zeros((9, 9))], r"\[1\]"),
}


@every_picture_estimator
@pytest.mark.parametrize("method", ["fit", "fit_transform", "transform", "predict"])
@pytest.mark.parametrize(("wrong", "named"), WRONG_PICTURES.values(), ids=list(WRONG_PICTURES))
def test_wrong_pictures_are_refused_with_a_clear_message(entry, method, wrong, named):
    estimator = entry.make()
    if not hasattr(estimator, method):
        pytest.skip(f"{type(estimator).__name__} has no {method}")
    if method in ("transform", "predict"):
        estimator = fitted(entry)
    error = error_of(estimator, method, wrong)
    assert isinstance(error, ValueError)
    assert re.search(named, str(error))


# As for texts.
WRONG_PIECES = {
    "str": ("a file", "single|one"),
    "None": (None, "None"),
    "nothing": ([], "empty|no piece"),
    "a number inside": ([3], r"\b0\b"),
    "None inside": ([None], r"\b0\b"),
}


@every_music_estimator
@pytest.mark.parametrize(("wrong", "named"), WRONG_PIECES.values(), ids=list(WRONG_PIECES))
def test_wrong_pieces_are_refused_with_a_clear_message(entry, wrong, named):
    error = error_of(entry.make(), "fit", wrong)
    assert isinstance(error, TypeError | ValueError)
    assert re.search(named, str(error))


@every_counts_or_text_estimator
@pytest.mark.parametrize("method", ["fit", "fit_transform", "transform", "predict"])
@pytest.mark.parametrize(("wrong", "named"), WRONG_INPUTS.values(), ids=list(WRONG_INPUTS))
def test_wrong_input_is_refused_with_a_clear_message(entry, method, wrong, named):
    estimator = entry.make()
    if not hasattr(estimator, method):
        pytest.skip(f"{type(estimator).__name__} has no {method}")
    if method in ("transform", "predict"):
        estimator = fitted(entry)
    error = error_of(estimator, method, wrong)
    expected = peer_error(entry, method, wrong)
    # scikit-learn has no message for some: it fails with AttributeError on the way.
    if entry.peer() is None or isinstance(expected, AttributeError):
        assert isinstance(error, textrep.TextInputError)
        assert re.search(named, str(error))
    else:
        assert type(error) is type(expected)
        assert str(error) == str(expected)


def peer_error(entry, method, wrong):
    peer = entry.peer()
    if peer is None:
        return None
    if method in ("transform", "predict"):
        peer.fit(entry.data())
    return error_of(peer, "transform" if method == "predict" else method, wrong)


def error_of(estimator, method, wrong):
    labels = [LABELS[: len(wrong) if isinstance(wrong, list) else 1]] if "fit" in method else []
    try:
        getattr(estimator, method)(wrong, *labels)
    except Exception as error:
        return error
    return None


@every_text_estimator
def test_a_single_str_is_named_in_the_message(entry):
    message = "string object received|is a single str"
    with pytest.raises(ValueError, match=message):
        entry.make().fit("a single text", entry.labels)


@every
def test_threads_that_share_a_fitted_estimator_get_the_same_answers(entry):
    estimator, data = fitted(entry), entry.data()
    # From a copy, so that what is made on first use is made by all threads at once.
    fresh = pickle.loads(pickle.dumps(estimator))
    expected = answer_of(estimator, entry, data)
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda _: answer_of(fresh, entry, data), range(16)):
            assert_same(answer, expected)


@every
def test_repr_shows_the_class_and_the_changed_parameters(entry):
    shown = repr(entry.make())
    assert shown.startswith(f"{entry.estimator.__name__}(")
    assert all(f"{name}=" in shown for name in entry.params)
    assert entry.nested or all(f"={value!r}" in shown for value in entry.params.values())
    assert entry.make()._repr_html_()


@every
def test_tags_tell_what_goes_in(entry):
    tags = get_tags(entry.make())
    if entry.nested:
        assert tags == get_tags(next(iter(entry.params.values())))
    elif entry.drop_in_for is not None:
        # That hashing needs no fit, which the last line holds, scikit-learn says from 1.8 on.
        assert tags == replace(get_tags(entry.peer()), requires_fit=tags.requires_fit)
    else:
        no_texts = entry.counts_in or entry.pictures_in or entry.pieces is not None
        assert tags.input_tags.string != no_texts
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
