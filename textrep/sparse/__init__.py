"""Document-term matrices: scikit-learn's vectorisers with the counting done by numba kernels, BM25
with its search, and log-count ratios.
"""

from textrep.sparse.bm25 import BM25Transformer
from textrep.sparse.bm25_vectorizer import BM25Vectorizer
from textrep.sparse.count import CountVectorizer
from textrep.sparse.fusing import FusedPipeline, fuse
from textrep.sparse.hashing import HashingVectorizer
from textrep.sparse.index import BM25Index
from textrep.sparse.log_count_ratio import NBSVM, LogCountRatio
from textrep.sparse.searching import search
from textrep.sparse.tfidf import TfidfVectorizer
from textrep.sparse.weighting import TfidfTransformer

__all__ = [
    "NBSVM",
    "BM25Index",
    "BM25Transformer",
    "BM25Vectorizer",
    "CountVectorizer",
    "FusedPipeline",
    "HashingVectorizer",
    "LogCountRatio",
    "TfidfTransformer",
    "TfidfVectorizer",
    "fuse",
    "search",
]
