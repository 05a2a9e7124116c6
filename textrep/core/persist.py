"""Save a fitted estimator to one file, and load it again without running anything the file says.

Estimators of textrep write their parameters and fitted attributes as JSON and safetensors.
scikit-learn's pipelines and column transformers are taken apart, its other estimators are kept
as skops parts. Classes are found through the public names of textrep's rooms and a fixed list.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from textrep.core import container
from textrep.core.container import Contents, PersistError
from textrep.core.decoding import Decoder
from textrep.core.encoding import Encoder
from textrep.core.labels import check_classes
from textrep.core.messages import shown, type_name
from textrep.core.packaged import is_name, packaged_path

__all__ = ["PersistError", "Persistent", "load", "save"]

_ROOMS = frozenset(
    "core data preprocess sparse embeddings engine layers generation contextual image music "
    "comparison".split()
)

# scikit-learn's classes that may hold estimators of textrep -> their module.
_COMPOSITES = {
    "ColumnTransformer": "sklearn.compose",
    "FeatureUnion": "sklearn.pipeline",
    "Pipeline": "sklearn.pipeline",
}

# Beyond what skops trusts by itself: plain Python objects without code and without indices that
# compiled code follows unchecked. Never a prefix such as "numpy.", which would allow calls.
_TRUSTED_PARTS = [
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
]

# What the estimator is called in the folder of a saved comparison.
MODEL_FILE = "model.textrep"

# An output container chosen with set_output is part of how an estimator answers.
_OUTPUT_CONFIG = "_sklearn_output_config"


class Persistent:
    """Mixin for estimators that can be saved.

    A class whose fitted state is more than its public attributes overrides `_get_state` and
    `_set_state`. The latter checks what it is given, since a file can hold anything.

    Examples
    --------
    >>> import tempfile, textrep
    >>> textrep.CountVectorizer(min_df=2).save(tempfile.mkdtemp() + "/counts.textrep").name
    'counts.textrep'
    """

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save the estimator to one file.

        Parameters
        ----------
        path : str or path-like
            The file to make or replace; its folder must exist.

        Returns
        -------
        Path
            Where the file is.

        See Also
        --------
        textrep.load : Load it again.
        """
        return save(self, path)

    def _get_saved_params(self) -> dict[str, Any]:
        """The parameters as a file holds them."""
        return self.get_params(deep=False)  # type: ignore[attr-defined]

    def _get_state(self) -> dict[str, Any]:
        """What fitting has set: JSON values, arrays, estimators, lists of str."""
        return {
            name: value
            for name, value in vars(self).items()
            if name.endswith("_") and not name.startswith("_")
        }

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take back what `_get_state` gave; the parameters are set already."""
        vars(self).update(state)

    def _loading(self, n_bytes: int, n_arrays: int) -> AbstractContextManager[Any]:
        """A block around `_set_state`, of a file whose arrays have so many bytes."""
        return nullcontext()


def save(estimator: Any, path: str | os.PathLike[str]) -> Path:
    """Save an estimator, fitted or not, to one file.

    The file is a zip of JSON, safetensors and skops parts, never a pickle. It is replaced in
    one step: a crash or a full disk leaves the file that was there before.

    Parameters
    ----------
    estimator : estimator
        One of textrep's, a scikit-learn pipeline, feature union or column transformer with any
        of them inside, or another estimator of scikit-learn.
    path : str or path-like
        The file to make or replace; its folder must exist.

    Returns
    -------
    Path
        Where the file is.

    Raises
    ------
    PersistError
        If a parameter or attribute is of a kind that a file cannot hold safely, such as a
        function; the message names it.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, textrep
    >>> texts = ["so much text", "so little time"]
    >>> vectorizer = textrep.CountVectorizer().fit(texts)
    >>> path = textrep.save(vectorizer, tempfile.mkdtemp() + "/counts.textrep")
    >>> textrep.load(path).transform(["so so"]).toarray()
    array([[0, 0, 2, 0, 0]])
    """
    path = Path(path)
    writer = _Writer()
    try:
        tree = writer.node(estimator, type(estimator).__name__)
    except RecursionError:
        raise PersistError(
            f"cannot save {type(estimator).__name__}: an attribute holds itself"
        ) from None
    container.write(path, Contents(tree, writer.encoder.arrays, writer.parts))
    return path


def load(path: str | os.PathLike[str]) -> Any:
    """Load an estimator that `save` wrote.

    Nothing that the file says is executed, so files of others can be opened.

    Parameters
    ----------
    path : str or path-like
        A file that `save` wrote, or a folder that holds it as ``model.textrep``, as
        `textrep.comparison.save_model` makes; or the name of a model that comes with textrep, such
        as ``"textrep-static-en"``, where there is no file of that name.

    Returns
    -------
    estimator
        With the same parameters and the same fitted state.

    Raises
    ------
    TypeError
        If `path` is no path.
    PersistError
        If the file is damaged, of another or a newer format, or holds something that is not
        allowed in one.
    OSError
        If the file cannot be opened, or there is none and no model of that name.

    Examples
    --------
    >>> import tempfile, textrep
    >>> path = textrep.CountVectorizer(min_df=2).save(tempfile.mkdtemp() + "/counts.textrep")
    >>> textrep.load(path)
    CountVectorizer(min_df=2)
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            "path must be the file of a saved model, or the name of one that comes with textrep, "
            f"got {shown(path)} of type {type_name(path)}"
        )
    asked, path = path, Path(path)
    if is_name(asked) and not path.exists():
        path = packaged_path(path.name)
    if (inside := path / MODEL_FILE).is_file():
        path = inside
    contents = container.read(path)
    try:
        return _Reader(contents).estimator(contents.model)
    except PersistError as error:
        container.refuse(path, f"model.json: {error}", error)
    except Exception as error:
        # Whatever a malformed tree or state makes constructors raise is the file's fault.
        container.refuse(path, f"model.json: {type(error).__name__}: {error}", error)


class _Writer:
    """Walks an estimator and makes the tree of nodes."""

    def __init__(self) -> None:
        self.encoder = Encoder(self.node)
        self.parts: dict[str, bytes] = {}

    def node(self, estimator: Any, where: str) -> dict[str, Any]:
        kind = type(estimator)
        if isinstance(estimator, type):
            raise PersistError(f"{where} is the class {estimator.__name__}; save an instance")
        if isinstance(estimator, Persistent):
            return self._own(estimator, where)
        if kind.__name__ in _COMPOSITES and kind.__module__.startswith("sklearn."):
            return self._composite(estimator, where)
        if kind.__module__.startswith("sklearn.") and hasattr(estimator, "get_params"):
            return self._part(estimator, where)
        raise PersistError(
            f"{where} is of type {kind.__module__}.{kind.__qualname__}; only estimators of "
            "textrep and scikit-learn can be saved"
        )

    def _own(self, estimator: Any, where: str) -> dict[str, Any]:
        params = estimator._get_saved_params()
        state = dict(estimator._get_state())
        return {
            "kind": "textrep",
            "class": _public_name(type(estimator)),
            "params": self._mapping(params, where),
            "state": self._mapping(state, where),
            "output": self._mapping(getattr(estimator, _OUTPUT_CONFIG, {}), where),
        }

    def _composite(self, estimator: Any, where: str) -> dict[str, Any]:
        state = self._mapping(estimator.__getstate__(), where)
        return {"kind": "composite", "class": type(estimator).__name__, "state": state}

    def _part(self, estimator: Any, where: str) -> dict[str, Any]:
        try:
            # It imports all of scikit-learn, and with it whatever that finds installed.
            import skops.io

            data = skops.io.dumps(estimator)
            unknown = skops.io.get_untrusted_types(data=data)
        except Exception as error:
            # skops raises errors of many kinds for what it cannot take.
            raise PersistError(f"{where} cannot be saved by skops: {error}") from error
        if refused := sorted(set(unknown) - set(_TRUSTED_PARTS)):
            raise PersistError(
                f"{where} holds {', '.join(refused)}, which could not be loaded safely again. "
                "Save an estimator without it (of a search, best_estimator_), or pickle it for "
                "your own use"
            )
        name = container.part_name(len(self.parts))
        self.parts[name] = data
        return {"kind": "sklearn", "class": type(estimator).__name__, "member": name}

    def _mapping(self, values: dict[str, Any], where: str) -> dict[str, Any]:
        return {
            name: self.encoder.encode(value, f"{where}.{name}") for name, value in values.items()
        }


class _Reader:
    """Makes the estimators of a tree of nodes."""

    def __init__(self, contents: Contents) -> None:
        self._parts = contents.parts
        self._n_bytes = sum(array.nbytes for array in contents.arrays.values())
        self._n_arrays = len(contents.arrays)
        self._decoder = Decoder(contents.arrays, self.estimator)

    def estimator(self, node: Any) -> Any:
        makers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "textrep": self._own,
            "composite": self._composite,
            "sklearn": self._part,
        }
        kind = node.get("kind") if isinstance(node, dict) else None
        if kind not in makers:
            raise PersistError(f"unknown kind of estimator {kind!r}")
        return makers[kind](node)

    def _own(self, node: dict[str, Any]) -> Any:
        kind = _known_class(node["class"])
        params = self._mapping(node["params"])
        names = set(kind._get_param_names())
        if unknown := sorted(set(params) - names):
            raise PersistError(
                f"{node['class']} has no parameter {unknown[0]!r}; the file was written by "
                "another version of textrep"
            )
        estimator = kind(**params)
        state = self._mapping(node["state"])
        with estimator._loading(self._n_bytes, self._n_arrays):
            estimator._set_state(state)
        check_classes(vars(estimator).get("classes_"))
        if output := self._mapping(node["output"]):
            setattr(estimator, _OUTPUT_CONFIG, output)
        return estimator

    def _composite(self, node: dict[str, Any]) -> Any:
        name = node["class"]
        if name not in _COMPOSITES:
            raise PersistError(f"unknown class {name!r}")
        kind = getattr(importlib.import_module(_COMPOSITES[name]), name)
        estimator = kind.__new__(kind)
        estimator.__setstate__(self._mapping(node["state"]))
        return estimator

    def _part(self, node: dict[str, Any]) -> Any:
        member = node["member"]
        if member not in self._parts:
            raise PersistError(f"member {member!r} is missing")
        return _load_part(self._parts[member], member)

    def _mapping(self, nodes: Any) -> dict[str, Any]:
        if not isinstance(nodes, dict):
            raise PersistError(f"expected an object of names and values, got {nodes!r:.60}")
        return {name: self._decoder.decode(node) for name, node in nodes.items()}


def _load_part(data: bytes, member: str) -> Any:
    import io
    import zipfile

    import skops.io

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            swollen = sum(info.file_size for info in archive.infolist()) > len(data)
        # Written without compression, so a part that grows on reading is not one of ours.
        if swollen:
            raise PersistError("it claims more bytes than it has")
        estimator = skops.io.loads(data, trusted=_TRUSTED_PARTS)
    except Exception as error:
        raise PersistError(f"member {member!r} is refused: {error}") from error
    if not type(estimator).__module__.startswith("sklearn."):
        raise PersistError(f"member {member!r} holds no estimator of scikit-learn")
    return estimator


def _public_name(kind: type) -> str:
    """``textrep.<room>.<Class>``, the name that a file keeps even when modules move."""
    package, _, rest = kind.__module__.partition(".")
    room = rest.partition(".")[0]
    name = f"textrep.{room}.{kind.__name__}"
    if package != "textrep" or room not in _ROOMS or _known_class(name) is not kind:
        raise PersistError(
            f"{kind.__module__}.{kind.__qualname__} is not a public class of textrep, so a file "
            "that holds it could not be loaded. Save an instance of textrep's own class"
        )
    return name


def _known_class(name: Any) -> Any:
    """The class of a public name; nothing outside textrep's rooms is looked up."""
    parts = name.split(".") if isinstance(name, str) else []
    if len(parts) == 3 and parts[0] == "textrep" and parts[1] in _ROOMS:
        try:
            kind = getattr(importlib.import_module(f"textrep.{parts[1]}"), parts[2], None)
        except ModuleNotFoundError as error:
            raise PersistError(f"{name} needs a package that is not installed: {error}") from error
        if isinstance(kind, type) and issubclass(kind, Persistent) and kind is not Persistent:
            return kind
    raise PersistError(f"unknown class {name!r}")
