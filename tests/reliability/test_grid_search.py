"""A grid search in two processes or threads finds what it finds in one."""

import joblib
import numpy as np
import pytest
import torch
from joblib.externals.loky import get_reusable_executor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import textrep
from tests.estimators import LABELS, PUBLIC_ESTIMATORS, TEXTS
from textrep.sparse.threads import available_cores, wanted_threads

N_JOBS = 2


@pytest.fixture(scope="module", autouse=True)
def _no_processes_are_left():
    yield
    get_reusable_executor().shutdown(wait=True)


def counted():
    pipeline = make_pipeline(textrep.TfidfVectorizer(), LogisticRegression())
    return pipeline, {"tfidfvectorizer__ngram_range": [(1, 1), (1, 2)]}


def network():
    found = next(e for e in PUBLIC_ESTIMATORS if e.estimator is textrep.RNNClassifier)
    return found.make().set_params(dropout=0.3), {"hidden_size": [4, 8]}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("make", [counted, network])
def test_the_scores_are_those_of_one_job(make, backend):
    estimator, grid = make()
    alone = GridSearchCV(estimator, grid, cv=2, n_jobs=1).fit(TEXTS, LABELS)
    before = torch.get_rng_state()
    with joblib.parallel_config(backend=backend):
        both = GridSearchCV(estimator, grid, cv=2, n_jobs=N_JOBS).fit(TEXTS, LABELS)
    assert torch.equal(torch.get_rng_state(), before)
    assert both.best_params_ == alone.best_params_
    for name, scores in alone.cv_results_.items():
        if "test_score" in name:
            np.testing.assert_array_equal(both.cv_results_[name], scores, err_msg=name)


@pytest.mark.slow
def test_processes_of_joblib_share_the_cores():
    own = joblib.Parallel(n_jobs=N_JOBS, backend="loky")(
        joblib.delayed(wanted_threads)(n_jobs) for n_jobs in (None, -1, 3)
    )
    share = max(1, joblib.cpu_count() // N_JOBS)
    assert own == [share, share, 3]


@pytest.mark.parametrize(
    ("told", "expected"), [("1", 1), ("100000", None), ("", None), ("x", None)]
)
def test_numba_s_variable_bounds_the_threads(told, expected, monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", told)
    assert wanted_threads(None) == (expected or available_cores())
