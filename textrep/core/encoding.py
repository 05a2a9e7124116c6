"""Values of parameters and fitted attributes -> JSON and named arrays.

JSON's own values stand for themselves. Everything else is an object with the key ``"$"``, which
names its kind; large data lies in arrays. `textrep.core.decoding` is the way back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from textrep.core.container import PersistError
from textrep.core.kinds import DTYPE_TEXT, NUMPY_TYPES, PYTHON_TYPES, SPARSE_PARTS, TAG

# Lists and dicts of at least so many entries are packed into arrays where their items allow.
_PACKED_LENGTH = 32
_JSON_INTEGER_LIMIT = 2**53  # beyond, readers other than Python's round
_SAFETENSORS_DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()
)


class Encoder:
    """Turns values into JSON, collecting arrays on the way.

    Parameters
    ----------
    encode_estimator : callable
        Called with an estimator and the place where it was found; gives a JSON object.

    Attributes
    ----------
    arrays : dict of str to ndarray
        What the JSON refers to by name.

    Examples
    --------
    >>> encoder = Encoder(encode_estimator=None)
    >>> encoder.encode((1, "a"), where="ngram_range")
    {'$': 'tuple', 'items': [1, 'a']}
    """

    def __init__(self, encode_estimator: Callable[[Any, str], dict[str, Any]] | None) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self._encode_estimator = encode_estimator

    def encode(self, value: Any, where: str) -> Any:
        """Encode one value.

        Parameters
        ----------
        value : object
            A value of a parameter or an attribute.
        where : str
            Its place, for messages.

        Returns
        -------
        JSON value

        Raises
        ------
        PersistError
            If the value is of a kind that a model file cannot hold.
        """
        if (method := _ENCODERS.get(type(value))) is not None:
            return method(self, value, where)
        if isinstance(value, np.ndarray):
            return self._array(value, where)
        if isinstance(value, np.generic):
            return self._scalar(value, where)
        if isinstance(value, np.dtype):
            return {TAG: "dtype", "text": _dtype_text(value, where)}
        if isinstance(value, type):
            return _encode_type(value, where)
        if hasattr(value, "get_params") and hasattr(value, "fit") and self._encode_estimator:
            return {TAG: "estimator", "node": self._encode_estimator(value, where)}
        if type(value).__module__.startswith("scipy.sparse"):
            return self._sparse(value, where)
        raise PersistError(_unsupported(value, where))

    def _plain(self, value: Any, where: str) -> Any:
        return value

    def _integer(self, value: int, where: str) -> Any:
        if abs(value) <= _JSON_INTEGER_LIMIT:
            return value
        return {TAG: "int", "hex": hex(value)}

    def _float(self, value: float, where: str) -> Any:
        return value if math.isfinite(value) else {TAG: "float", "text": repr(value)}

    def _text(self, value: str, where: str) -> Any:
        # Two lone surrogates in a row would come back from JSON as one character.
        if _has_surrogates(value):
            return {TAG: "text", "hex": value.encode("utf-8", "surrogatepass").hex()}
        return value

    def _bytes(self, value: bytes, where: str) -> Any:
        return {TAG: "bytes", "hex": value.hex()}

    def _list(self, value: list[Any], where: str) -> Any:
        if len(value) >= _PACKED_LENGTH and all(type(item) is str for item in value):
            return {TAG: "texts", **self._pack_texts(value)}
        return [self.encode(item, f"{where}[{i}]") for i, item in enumerate(value)]

    def _items(self, value: Any, where: str) -> Any:
        items = value
        if isinstance(value, set | frozenset):
            # Sets have no order; a fixed one makes equal models equal files.
            items = sorted(value, key=lambda item: (type(item).__name__, repr(item)))
        return {
            TAG: type(value).__name__,
            "items": [self.encode(item, f"{where}[{i}]") for i, item in enumerate(items)],
        }

    def _dict(self, value: dict[Any, Any], where: str) -> Any:
        if len(value) >= _PACKED_LENGTH and (packed := self._pack_vocabulary(value)) is not None:
            return packed
        simple = all(type(key) is str and not _has_surrogates(key) for key in value)
        if simple and TAG not in value:
            return {key: self.encode(item, f"{where}[{key!r}]") for key, item in value.items()}
        pairs = [
            [self.encode(key, f"a key of {where}"), self.encode(item, f"{where}[{key!r}]")]
            for key, item in value.items()
        ]
        return {TAG: "dict", "pairs": pairs}

    def _pack_vocabulary(self, value: dict[Any, Any]) -> dict[str, Any] | None:
        if not all(type(key) is str for key in value):
            return None
        kinds = {type(item) for item in value.values()}
        if kinds == {int}:
            if max(map(abs, value.values())) >= 2**63:
                return None
        elif kinds != {np.int64}:
            return None
        ids = self._store(np.fromiter(value.values(), dtype=np.int64, count=len(value)))
        return {
            TAG: "vocabulary",
            "ids": ids,
            "python": kinds == {int},
            **self._pack_texts(list(value)),
        }

    def _pack_texts(self, texts: list[str]) -> dict[str, str]:
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([len(data) for data in encoded], dtype=np.int64)
        return {
            "utf8": self._store(np.frombuffer(b"".join(encoded), dtype=np.uint8)),
            "ends": self._store(ends),
        }

    def _slice(self, value: slice, where: str) -> Any:
        bounds = (value.start, value.stop, value.step)
        return {TAG: "slice", "items": [self.encode(bound, where) for bound in bounds]}

    def _range(self, value: range, where: str) -> Any:
        return {TAG: "range", "items": [value.start, value.stop, value.step]}

    def _array(self, value: np.ndarray, where: str) -> Any:
        if isinstance(value, np.ma.MaskedArray):
            raise PersistError(_unsupported(value, where))
        value = np.asarray(value)
        if value.dtype == object:
            return {
                TAG: "objects",
                "shape": list(value.shape),
                "items": [self.encode(x, f"{where}[{i}]") for i, x in enumerate(value.ravel())],
            }
        # Kept in Fortran's order where it was so: sums over it round in the same way again.
        fortran = value.flags.f_contiguous and not value.flags.c_contiguous
        stored = np.asarray(value.T if fortran else value, order="C")
        node: dict[str, Any] = {TAG: "array", "order": "F" if fortran else "C"}
        if value.dtype.name not in _SAFETENSORS_DTYPES or not value.dtype.isnative:
            node.update(dtype=_dtype_text(value.dtype, where), shape=list(stored.shape))
            stored = np.frombuffer(stored.tobytes(), dtype=np.uint8)
        return {**node, "name": self._store(stored)}

    def _scalar(self, value: np.generic, where: str) -> Any:
        return {
            TAG: "scalar",
            "dtype": _dtype_text(value.dtype, where),
            "hex": np.asarray(value).tobytes().hex(),
        }

    def _sparse(self, value: Any, where: str) -> Any:
        names = SPARSE_PARTS.get(value.format)
        if names is None:
            raise PersistError(f"{_unsupported(value, where)} Convert it with .tocsr().")
        return {
            TAG: "sparse",
            "format": value.format,
            "array": type(value).__name__.endswith("_array"),
            "shape": list(value.shape),
            "parts": [self._array(getattr(value, name), where) for name in names],
        }

    def _generator(self, value: np.random.Generator, where: str) -> Any:
        state = value.bit_generator.state
        return {TAG: "generator", "state": self.encode(dict(state), where)}

    def _random_state(self, value: np.random.RandomState, where: str) -> Any:
        return {
            TAG: "random_state",
            "state": self.encode(dict(value.get_state(legacy=False)), where),
        }

    def _store(self, array: np.ndarray) -> str:
        name = f"a{len(self.arrays)}"
        self.arrays[name] = array
        return name


_ENCODERS: dict[type, Callable[[Encoder, Any, str], Any]] = {
    type(None): Encoder._plain,
    bool: Encoder._plain,
    int: Encoder._integer,
    float: Encoder._float,
    str: Encoder._text,
    bytes: Encoder._bytes,
    list: Encoder._list,
    tuple: Encoder._items,
    set: Encoder._items,
    frozenset: Encoder._items,
    dict: Encoder._dict,
    slice: Encoder._slice,
    range: Encoder._range,
    np.random.Generator: Encoder._generator,
    np.random.RandomState: Encoder._random_state,
}


def _has_surrogates(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _encode_type(value: type, where: str) -> dict[str, Any]:
    for tag, known in (("python_type", PYTHON_TYPES), ("numpy_type", NUMPY_TYPES)):
        if known.get(value.__name__) is value:
            return {TAG: tag, "name": value.__name__}
    raise PersistError(_unsupported(value, where))


def _dtype_text(dtype: np.dtype, where: str) -> str:
    if not DTYPE_TEXT.fullmatch(dtype.str):
        raise PersistError(
            f"{where} has dtype {dtype}, which a model file cannot hold. "
            "Use numbers, strings or dates."
        )
    return dtype.str


def _unsupported(value: Any, where: str) -> str:
    kind = type(value)
    if callable(value):
        return (
            f"{where} is {value!r}, and a model file holds no code: opening one must be safe. "
            "Set the parameter to a value that is not a function or class, or pickle the "
            "estimator for your own use."
        )
    return (
        f"{where} is of type {kind.__module__}.{kind.__qualname__}, which a model file cannot "
        "hold. Numbers, strings, lists, tuples, sets, dicts, arrays and estimators can be saved."
    )
