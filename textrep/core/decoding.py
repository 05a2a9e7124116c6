"""JSON and named arrays -> values: the way back from `textrep.core.encoding`.

Decoding makes values of the known kinds and nothing else: no name in a file is imported or
called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from textrep.core.container import PersistError
from textrep.core.kinds import (
    BIT_GENERATORS,
    DTYPE_TEXT,
    NUMPY_TYPES,
    PYTHON_TYPES,
    SPARSE_PARTS,
    TAG,
)


class Decoder:
    """Turns what `Encoder` made back into values.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The arrays that the JSON refers to.
    decode_estimator : callable
        Called with what `Encoder`'s callback made; gives the estimator.

    Examples
    --------
    >>> Decoder({}, decode_estimator=None).decode({"$": "tuple", "items": [1, "a"]})
    (1, 'a')
    """

    def __init__(
        self,
        arrays: dict[str, np.ndarray],
        decode_estimator: Callable[[Any], Any] | None,
    ) -> None:
        self._arrays = arrays
        self._decode_estimator = decode_estimator

    def decode(self, node: Any) -> Any:
        """Decode one value.

        Parameters
        ----------
        node : JSON value

        Returns
        -------
        object

        Raises
        ------
        PersistError
            If the node is of no known kind. Other malformed nodes raise what their parts raise.
        """
        if isinstance(node, list):
            return [self.decode(item) for item in node]
        if not isinstance(node, dict):
            return node
        if TAG not in node:
            return {key: self.decode(item) for key, item in node.items()}
        method = _DECODERS.get(node[TAG]) if isinstance(node[TAG], str) else None
        if method is None:
            raise PersistError(f"unknown kind of value {node[TAG]!r}")
        return method(self, node)

    def _integer(self, node: dict[str, Any]) -> int:
        return int(node["hex"], 16)

    def _float(self, node: dict[str, Any]) -> float:
        return float(node["text"])

    def _text(self, node: dict[str, Any]) -> str:
        return bytes.fromhex(node["hex"]).decode("utf-8", "surrogatepass")

    def _bytes(self, node: dict[str, Any]) -> bytes:
        return bytes.fromhex(node["hex"])

    def _texts(self, node: dict[str, Any]) -> list[str]:
        ends = self._arrays[node["ends"]].astype(np.int64).tolist()
        data = self._arrays[node["utf8"]].tobytes()
        starts = [0, *ends[:-1]]
        if any(end < start for start, end in zip(starts, ends, strict=True)):
            raise PersistError("the ends of packed texts are not in order")
        if (ends[-1] if ends else 0) != len(data):
            raise PersistError("the ends of packed texts do not match their bytes")
        return [
            data[start:end].decode("utf-8", "surrogatepass")
            for start, end in zip(starts, ends, strict=True)
        ]

    def _vocabulary(self, node: dict[str, Any]) -> dict[str, Any]:
        ids = self._arrays[node["ids"]]
        if ids.dtype != np.int64 or ids.ndim != 1:
            raise PersistError("the ids of a vocabulary are not whole numbers in one row")
        return dict(zip(self._texts(node), ids.tolist() if node["python"] else ids, strict=True))

    def _tuple(self, node: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self._items(node))

    def _set(self, node: dict[str, Any]) -> set[Any]:
        return set(self._items(node))

    def _frozenset(self, node: dict[str, Any]) -> frozenset[Any]:
        return frozenset(self._items(node))

    def _slice(self, node: dict[str, Any]) -> slice:
        return slice(*self._items(node))

    def _range(self, node: dict[str, Any]) -> range:
        return range(*self._items(node))

    def _items(self, node: dict[str, Any]) -> list[Any]:
        return [self.decode(item) for item in node["items"]]

    def _dict(self, node: dict[str, Any]) -> dict[Any, Any]:
        return {self.decode(key): self.decode(item) for key, item in node["pairs"]}

    def _array(self, node: dict[str, Any]) -> np.ndarray:
        array = self._arrays[node["name"]]
        if "dtype" in node:
            dtype = _dtype_from_text(node["dtype"])
            array = np.frombuffer(bytearray(array.tobytes()), dtype=dtype).reshape(node["shape"])
        return array.T if node["order"] == "F" else array

    def _objects(self, node: dict[str, Any]) -> np.ndarray:
        items = self._items(node)
        array = np.empty(len(items), dtype=object)
        for position, item in enumerate(items):
            array[position] = item
        return array.reshape(node["shape"])

    def _scalar(self, node: dict[str, Any]) -> np.generic:
        dtype = _dtype_from_text(node["dtype"])
        # Not through frombuffer: an empty string has no bytes.
        array = np.ndarray((1,), dtype=dtype, buffer=bytes.fromhex(node["hex"]) or b"\0")
        return array[0]

    def _dtype(self, node: dict[str, Any]) -> np.dtype:
        return _dtype_from_text(node["text"])

    def _python_type(self, node: dict[str, Any]) -> type:
        return PYTHON_TYPES[node["name"]]

    def _numpy_type(self, node: dict[str, Any]) -> type:
        return NUMPY_TYPES[node["name"]]

    def _sparse(self, node: dict[str, Any]) -> Any:
        import scipy.sparse

        form = node["format"]
        if form not in SPARSE_PARTS:
            raise PersistError(f"unknown sparse format {form!r}")
        kind = getattr(scipy.sparse, f"{form}_{'array' if node['array'] else 'matrix'}")
        parts = [self._array(part) for part in node["parts"]]
        content = (parts[0], (parts[1], parts[2])) if form == "coo" else tuple(parts)
        matrix = kind(content, shape=tuple(node["shape"]))
        if form != "coo":
            # Compiled code trusts the indices.
            matrix.check_format(full_check=True)
        return matrix

    def _generator(self, node: dict[str, Any]) -> np.random.Generator:
        state = self.decode(node["state"])
        bits = BIT_GENERATORS[state["bit_generator"]]()
        bits.state = state
        return np.random.Generator(bits)

    def _random_state(self, node: dict[str, Any]) -> np.random.RandomState:
        state = self.decode(node["state"])
        random_state = np.random.RandomState(BIT_GENERATORS[state["bit_generator"]]())
        random_state.set_state(state)
        return random_state

    def _estimator(self, node: dict[str, Any]) -> Any:
        if self._decode_estimator is None:
            raise PersistError("an estimator stands where none can be")
        return self._decode_estimator(node["node"])


_DECODERS: dict[str, Callable[[Decoder, dict[str, Any]], Any]] = {
    "array": Decoder._array,
    "bytes": Decoder._bytes,
    "dict": Decoder._dict,
    "dtype": Decoder._dtype,
    "estimator": Decoder._estimator,
    "float": Decoder._float,
    "frozenset": Decoder._frozenset,
    "generator": Decoder._generator,
    "int": Decoder._integer,
    "numpy_type": Decoder._numpy_type,
    "objects": Decoder._objects,
    "python_type": Decoder._python_type,
    "random_state": Decoder._random_state,
    "range": Decoder._range,
    "scalar": Decoder._scalar,
    "set": Decoder._set,
    "slice": Decoder._slice,
    "sparse": Decoder._sparse,
    "text": Decoder._text,
    "texts": Decoder._texts,
    "tuple": Decoder._tuple,
    "vocabulary": Decoder._vocabulary,
}


def _dtype_from_text(text: str) -> np.dtype:
    if not DTYPE_TEXT.fullmatch(text):
        raise PersistError(f"unknown dtype {text!r}")
    return np.dtype(text)
