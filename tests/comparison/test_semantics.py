"""`LatentSemanticAnalysis` against an exact decomposition, and on data smaller than it asks for."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

import textrep
from textrep import LatentSemanticAnalysis


def weights(n_samples: int, n_features: int, rank: int = 50, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    left, right = rng.random((n_samples, rank)), rng.random((rank, n_features))
    return left @ (right * 2.0 ** -np.arange(rank)[:, None])


def test_it_is_the_truncated_singular_value_decomposition():
    X = weights(40, 30)
    analysis = LatentSemanticAnalysis(n_components=4, random_state=0)
    found = analysis.fit_transform(sp.csr_array(X))
    left, values, right = np.linalg.svd(X, full_matrices=False)
    np.testing.assert_allclose(analysis.singular_values_, values[:4], rtol=1e-3)
    # Vectors are unique but for their signs.
    exact = left[:, :4] * values[:4]
    signs = np.sign((analysis.components_ * right[:4]).sum(axis=1))
    np.testing.assert_allclose(found * signs, exact, atol=1e-3)
    assert found.dtype == np.float32


@pytest.mark.parametrize("shape", [(3, 30), (30, 3), (1, 5), (5, 1)])
def test_small_data_get_as_many_dimensions_as_they_have(shape):
    X = weights(*shape)
    found = LatentSemanticAnalysis(n_components=100, random_state=0).fit_transform(X)
    assert found.shape == (shape[0], min(shape))
    np.testing.assert_allclose(found @ found.T, X @ X.T, rtol=1e-3)


def test_rows_of_zeros_are_at_the_origin():
    X = sp.csr_array(([1.0, 2.0], ([0, 2], [1, 2])), shape=(4, 3))
    found = LatentSemanticAnalysis(n_components=2, random_state=0).fit_transform(X)
    np.testing.assert_array_equal(found[[1, 3]], 0.0)


def test_the_seed_decides():
    X = weights(50, 40)
    first, again = (
        LatentSemanticAnalysis(n_components=3, random_state=3).fit_transform(X) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_one_document_does_not_copy_the_components(tmp_path):
    X = sp.random_array((30, 20_000), density=0.01, format="csr", random_state=0)
    analysis = LatentSemanticAnalysis(n_components=20, random_state=0).fit(X)
    for model in (analysis, textrep.load(analysis.save(tmp_path / "model.textrep"))):
        model.transform(X[:1])
        tracemalloc.start()
        model.transform(X[:1])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < model.components_.nbytes / 2


def test_a_wrong_parameter_is_named():
    with pytest.raises(ValueError, match="'n_components' parameter of LatentSemanticAnalysis"):
        LatentSemanticAnalysis(n_components=0).fit([[1.0]])


def test_a_file_without_a_matrix_is_refused(tmp_path):
    analysis = LatentSemanticAnalysis(n_components=1, random_state=0).fit(weights(3, 3))
    analysis.components_ = np.ones(3, dtype=np.float32)
    path = analysis.save(tmp_path / "model.textrep")
    with pytest.raises(textrep.PersistError, match="components_ of LatentSemanticAnalysis"):
        textrep.load(path)
