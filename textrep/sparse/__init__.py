"""Document-term matrices: scikit-learn's vectorisers with the counting done by numba kernels."""

from textrep.sparse.count import CountVectorizer
from textrep.sparse.hashing import HashingVectorizer
from textrep.sparse.tfidf import TfidfTransformer, TfidfVectorizer

__all__ = ["CountVectorizer", "HashingVectorizer", "TfidfTransformer", "TfidfVectorizer"]
