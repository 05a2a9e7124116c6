"""How hard the words of documents are to predict from their topics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import LatentDirichletAllocation


def completion_perplexity(model: LatentDirichletAllocation, documents: Any) -> float:
    """Perplexity of every second term of documents, given the others.

    Parameters
    ----------
    model : LatentDirichletAllocation
        Fitted.
    documents : sparse CSR matrix (n_samples, n_features) of counts, not all of them 0
        The first, third, ... entry of each row are predicted from the second, fourth, ...

    Returns
    -------
    float
        Exponential of the mean negative log-likelihood of a word.

    References
    ----------
    H. M. Wallach et al.: Evaluation methods for topic models, ICML 2009, section 5.1 (document
    completion).

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> counts = sp.csr_array([[1.0, 1.0]])
    >>> model = LatentDirichletAllocation(1, random_state=0).fit(counts)
    >>> round(completion_perplexity(model, counts), 2)  # two terms, each as likely
    2.0
    """
    first = np.repeat(documents.indptr[:-1], np.diff(documents.indptr))
    predicted = (np.arange(documents.nnz) - first) % 2 == 0
    observed = documents.copy()
    observed.data[predicted] = 0.0
    observed.eliminate_zeros()
    topics = model.transform(observed)
    terms = term_shares(model.components_)
    likelihood, total = 0.0, 0.0
    for row, (start, end) in enumerate(
        zip(documents.indptr[:-1], documents.indptr[1:], strict=True)
    ):
        counts = documents.data[start:end:2]
        likelihood += counts @ np.log(topics[row] @ terms[:, documents.indices[start:end:2]])
        total += counts.sum()
    return float(np.exp(-likelihood / total))


def term_shares(components: NDArray[Any]) -> NDArray[Any]:
    """Distribution of terms in each topic.

    Parameters
    ----------
    components : ndarray of shape (n_topics, n_features)
        Pseudo-counts.

    Returns
    -------
    ndarray of shape (n_topics, n_features)
        Each row sums to 1.

    Examples
    --------
    >>> term_shares(np.array([[1.0, 3.0]]))
    array([[0.25, 0.75]])
    """
    return components / components.sum(axis=1, keepdims=True)
