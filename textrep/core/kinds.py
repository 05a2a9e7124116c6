"""What the values in a model file can be, shared by encoding and decoding."""

from __future__ import annotations

import re

import numpy as np

TAG = "$"
"""Key of the JSON objects that stand for a value of another kind; names the kind."""

DTYPE_TEXT = re.compile(r"[<>|=][biufcmMSU]\d{1,9}(\[[0-9A-Za-z]{1,12}\])?")
PYTHON_TYPES = {t.__name__: t for t in (bool, bytes, dict, float, int, list, object, str, tuple)}
NUMPY_TYPES = {
    t.__name__: t
    for t in (
        *(np.bool_, np.str_, np.bytes_, np.object_, np.datetime64, np.timedelta64),
        *(np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64),
        *(np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128),
    )
}
BIT_GENERATORS = {
    t.__name__: t
    for t in (
        np.random.MT19937,
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.Philox,
        np.random.SFC64,
    )
}
SPARSE_PARTS = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "coo": ("data", "row", "col"),
}
