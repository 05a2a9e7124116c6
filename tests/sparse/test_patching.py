"""What `patch_sklearn` replaces, what it leaves alone, and that nothing stays behind."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest
from sklearn import datasets
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_extraction import text as module
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import all_estimators

import textrep
from textrep import sparse as ours
from textrep.sparse.fusing import fuse
from textrep.sparse.patching import is_patched, patch_sklearn, patched_sklearn, unpatch_sklearn

NAMES = ("CountVectorizer", "TfidfVectorizer", "TfidfTransformer", "HashingVectorizer")
SCIKIT_LEARNS = {name: getattr(module, name) for name in NAMES}
TEXTS = ["the best of times", "the worst of times", "the age of wisdom", "we had everything"] * 3
LABELS = ["a", "b", "a", "b"] * 3


def public(module):
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}


@pytest.fixture(autouse=True)
def _nothing_stays_patched():
    before = public(module)
    yield
    unpatch_sklearn()
    assert public(module) == before
    assert textrep.sparse.tfidf.sklearn_text is module


def test_names_are_replaced_and_given_back():
    assert not is_patched()
    patch_sklearn(verbose=False)
    for name in NAMES:
        assert getattr(module, name) is getattr(ours, name)
        assert is_patched(name)
    unpatch_sklearn()
    for name in NAMES:
        assert getattr(module, name) is SCIKIT_LEARNS[name]
    assert not is_patched()


def test_patching_twice_is_patching_once(caplog):
    with caplog.at_level(logging.WARNING, logger="textrep"):
        patch_sklearn()
        patch_sklearn()
    assert [record.message for record in caplog.records] == [
        f"textrep: scikit-learn's {', '.join(NAMES)} replaced by textrep's"
    ]
    unpatch_sklearn()
    unpatch_sklearn()
    assert module.CountVectorizer is SCIKIT_LEARNS["CountVectorizer"]


def test_only_the_names_asked_for_are_replaced():
    patch_sklearn("TfidfVectorizer", verbose=False)
    patch_sklearn(["CountVectorizer"], verbose=False)
    assert [is_patched(name) for name in NAMES] == [True, True, False, False]
    assert module.TfidfTransformer is SCIKIT_LEARNS["TfidfTransformer"]
    assert module.TfidfVectorizer().fit(TEXTS).idf_.shape == (10,)
    unpatch_sklearn(["TfidfVectorizer"])
    assert module.TfidfVectorizer is SCIKIT_LEARNS["TfidfVectorizer"]
    assert module.CountVectorizer is ours.CountVectorizer


@pytest.mark.parametrize("function", [patch_sklearn, unpatch_sklearn, is_patched])
def test_a_name_without_a_drop_in_is_refused(function):
    with pytest.raises(ValueError, match="names has 'DictVectorizer'; textrep has drop-ins for"):
        function("DictVectorizer")
    assert not is_patched()


def test_the_context_manager_leaves_what_was_patched_before():
    patch_sklearn("CountVectorizer", verbose=False)
    with patched_sklearn():
        assert module.HashingVectorizer is ours.HashingVectorizer
    assert module.HashingVectorizer is SCIKIT_LEARNS["HashingVectorizer"]
    assert module.CountVectorizer is ours.CountVectorizer
    with pytest.raises(KeyError), patched_sklearn("TfidfVectorizer"):
        raise KeyError
    assert module.TfidfVectorizer is SCIKIT_LEARNS["TfidfVectorizer"]


def test_the_script_and_scikit_learn_itself_are_reached_others_keep_theirs(monkeypatch):
    script, library = types.ModuleType("__main__"), types.ModuleType("some_library")
    for importer in (script, library):
        importer.Vectorizer = SCIKIT_LEARNS["TfidfVectorizer"]
        monkeypatch.setitem(sys.modules, importer.__name__, importer)
    with patched_sklearn():
        assert script.Vectorizer is ours.TfidfVectorizer
        assert library.Vectorizer is SCIKIT_LEARNS["TfidfVectorizer"]
        assert datasets._twenty_newsgroups.CountVectorizer is ours.CountVectorizer
    assert script.Vectorizer is SCIKIT_LEARNS["TfidfVectorizer"]
    assert datasets._twenty_newsgroups.CountVectorizer is SCIKIT_LEARNS["CountVectorizer"]


def test_what_somebody_else_put_there_meanwhile_is_left():
    class Mine(ours.CountVectorizer):
        pass

    patch_sklearn(verbose=False)
    module.CountVectorizer = Mine
    unpatch_sklearn()
    assert module.CountVectorizer is Mine
    module.CountVectorizer = SCIKIT_LEARNS["CountVectorizer"]


def test_ours_are_instances_of_the_originals():
    with patched_sklearn():
        for name, original in SCIKIT_LEARNS.items():
            assert issubclass(getattr(module, name), original)
            assert isinstance(getattr(module, name)(), original)
            assert isinstance(getattr(module, name)(), getattr(module, name))


@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern'")
def test_ours_find_scikit_learns_code_not_themselves():
    # each of these goes through code of scikit-learn's class, some of it looked up by name
    texts = [text.split() for text in TEXTS]
    with patched_sklearn():
        got = [use(module, texts) for use in USES]
    wanted = [use(module, texts) for use in USES]
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15)


def set_idf(module, texts):
    vectorizer = module.TfidfVectorizer(vocabulary=["times", "age"])
    vectorizer.idf_ = np.array([1.0, 2.0])
    return vectorizer.transform(["age times times"]).toarray()


USES = [
    lambda module, texts: module.TfidfVectorizer().fit(TEXTS).idf_,
    lambda module, texts: module.TfidfVectorizer(analyzer=set).fit_transform(texts).toarray(),
    lambda module, texts: (
        module.CountVectorizer(tokenizer=str.split).fit_transform(TEXTS).toarray()
    ),
    lambda module, texts: module.CountVectorizer(dtype=np.uint8).fit_transform(TEXTS).toarray(),
    lambda module, texts: (
        module.HashingVectorizer(n_features=8, tokenizer=str.split).transform(TEXTS).toarray()
    ),
    lambda module, texts: module.TfidfTransformer().fit_transform(np.eye(3)).toarray(),
    set_idf,
]


def test_scikit_learns_own_vectorizer_goes_on_working_beside_the_patch():
    original = SCIKIT_LEARNS["TfidfVectorizer"]
    wanted = original().fit_transform(TEXTS)
    with patched_sklearn():
        got = original().fit_transform(TEXTS)
    np.testing.assert_array_equal(got.toarray(), wanted.toarray())


def test_subclasses_made_under_the_patch_work_with_and_without_it():
    with patched_sklearn():

        class Stemming(module.CountVectorizer):
            def build_analyzer(self):
                analyze = super().build_analyzer()
                return lambda text: [word[:3] for word in analyze(text)]

        assert "wor" in Stemming().fit(TEXTS).vocabulary_
    assert "wor" in Stemming().fit(TEXTS).vocabulary_


def test_cloning_and_fusing_work_under_the_patch():
    with patched_sklearn():
        pipeline = make_pipeline(module.TfidfVectorizer(), LogisticRegression())
        fused = fuse(clone(pipeline).fit(TEXTS, LABELS))
        original = make_pipeline(SCIKIT_LEARNS["TfidfVectorizer"](), LogisticRegression())
        other = fuse(original.fit(TEXTS, LABELS))
    np.testing.assert_allclose(fused.predict_proba(TEXTS), other.predict_proba(TEXTS))


# ---- pickles


@pytest.mark.parametrize("name", NAMES)
def test_pickles_of_either_side_load_on_the_other(name):
    counts = np.array([[1, 0, 2], [0, 1, 1]])
    data = counts if name == "TfidfTransformer" else TEXTS
    wanted = SCIKIT_LEARNS[name]().fit(data).transform(data).toarray()
    before = pickle.dumps(SCIKIT_LEARNS[name]().fit(data))
    with patched_sklearn():
        kept = SCIKIT_LEARNS[name]().fit(data)  # of a module that was imported before the patch
        meanwhile = pickle.dumps(getattr(module, name)().fit(data))
        by_name = pickle.dumps(kept)
        copies = [copy.deepcopy(kept), copy.copy(kept), pickle.loads(by_name), clone(kept)]
        assert {type(one) for one in copies} == {SCIKIT_LEARNS[name]}
        adopted = pickle.loads(before)
        assert type(adopted) is getattr(ours, name)
        assert adopted.get_params() == getattr(ours, name)().get_params()
        assert type(pickle.loads(pickle.dumps(adopted))) is getattr(ours, name)
        np.testing.assert_array_equal(adopted.transform(data).toarray(), wanted)
    for pickled, kind in [
        (meanwhile, getattr(ours, name)),
        (by_name, SCIKIT_LEARNS[name]),
        (before, SCIKIT_LEARNS[name]),
    ]:
        loaded = pickle.loads(pickled)
        assert type(loaded) is kind
        np.testing.assert_array_equal(loaded.transform(data).toarray(), wanted)
    np.testing.assert_array_equal(adopted.transform(data).toarray(), wanted)


def test_a_pickle_keeps_its_vocabulary_and_parameters():
    vectorizer = SCIKIT_LEARNS["CountVectorizer"](max_features=5, ngram_range=(1, 2)).fit(TEXTS)
    pickled = pickle.dumps(vectorizer)
    with patched_sklearn():
        loaded = pickle.loads(pickled)
    assert loaded.vocabulary_ == vectorizer.vocabulary_
    assert loaded.get_params().items() >= vectorizer.get_params().items()
    assert fuse(
        make_pipeline(loaded, LogisticRegression()).fit(TEXTS, LABELS)
    ).predict(TEXTS).tolist() == LABELS  # fmt: skip


def test_a_pickle_of_another_scikit_learn_warns_as_it_does_there():
    pickled = pickle.dumps(SCIKIT_LEARNS["HashingVectorizer"]())
    version = __import__("sklearn").__version__
    other = pickled.replace(version.encode(), b"9" * len(version))
    assert other != pickled
    with patched_sklearn(), pytest.warns(InconsistentVersionWarning, match="HashingVectorizer"):
        pickle.loads(other)


def test_grid_search_in_worker_processes():
    with patched_sklearn(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (module.TfidfVectorizer, SCIKIT_LEARNS["TfidfVectorizer"]):
            pipeline = make_pipeline(kind(), LogisticRegression())
            search = GridSearchCV(
                pipeline, {"tfidfvectorizer__use_idf": [True, False]}, cv=2, n_jobs=2
            )
            search.fit(TEXTS, LABELS)
            assert type(search.best_estimator_[0]) is kind


def test_scikit_learns_list_of_estimators_holds_the_same_names():
    wanted = [name for name, _ in all_estimators()]
    with patched_sklearn():
        found = all_estimators()
    assert [name for name, _ in found] == wanted
    assert dict(found)["CountVectorizer"] is ours.CountVectorizer


def test_an_untouched_interpreter_is_patched_before_anything_is_imported():
    script = (
        "from textrep.sparse.patching import patch_sklearn; patch_sklearn()\n"
        "from sklearn.feature_extraction.text import TfidfVectorizer\n"
        "print(TfidfVectorizer.__module__, TfidfVectorizer().fit(['so much']).idf_)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert run.stdout == "textrep.sparse.tfidf [1. 1.]\n", run.stderr
    assert "replaced by textrep's" in run.stderr
