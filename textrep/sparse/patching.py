"""`patch_sklearn`: code that uses scikit-learn's vectorisers gets textrep's without an edit."""

from __future__ import annotations

import contextlib
import copyreg
import inspect
import logging
import sys
import threading
import types
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from textrep.sparse import originals
from textrep.sparse.originals import MODULE, ORIGINALS, OURS, UNPATCHED

logger = logging.getLogger("textrep")

_lock = threading.RLock()
_patched: dict[str, list[tuple[types.ModuleType, str]]] = {}
"""Patched names, each with the places where ours stands for the original."""

_sheltered: list[tuple[types.ModuleType, str]] = []
"""Names of textrep's own modules that lead to `UNPATCHED` while anything is patched."""


def patch_sklearn(names: str | Iterable[str] | None = None, *, verbose: bool = True) -> None:
    """Put textrep's vectorisers in the place of scikit-learn's.

    After it, ``from sklearn.feature_extraction.text import TfidfVectorizer`` gives
    `textrep.TfidfVectorizer`, which takes the same parameters and gives the same answers. Call it
    before the code that is to use them is imported: what other modules took from scikit-learn
    before stays scikit-learn's. Names that the script or notebook itself (``__main__``) and
    scikit-learn's own modules took before are replaced too. Calling it again does nothing.

    Ours are subclasses of scikit-learn's, so ``isinstance`` with an original stays true, and what
    is pickled meanwhile loads without the patch, where textrep is installed. Pickles of
    scikit-learn's vectorisers load as ours while they are patched. Worker processes, whatever
    started them, are not patched themselves, but run the estimators that they are sent.

    Parameters
    ----------
    names : str, iterable of str or None, default=None
        Some of "CountVectorizer", "TfidfVectorizer", "TfidfTransformer" and "HashingVectorizer";
        None for all four.
    verbose : bool, default=True
        Whether to say so through the logger "textrep", when there was something to do.

    Raises
    ------
    ValueError
        When there is no drop-in of such a name.

    See Also
    --------
    unpatch_sklearn, is_patched, patched_sklearn

    Examples
    --------
    >>> import textrep
    >>> from textrep.sparse.patching import patch_sklearn, unpatch_sklearn
    >>> patch_sklearn(verbose=False)
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> CountVectorizer is textrep.CountVectorizer
    True
    >>> unpatch_sklearn()
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> CountVectorizer is textrep.CountVectorizer
    False
    """
    chosen = _checked(names)
    with _lock:
        fresh = [name for name in chosen if name not in _patched]
        if not fresh:
            return
        if not _patched:
            _shelter()
        for name in fresh:
            _patched[name] = _replace(name)
            _teach_pickles(name)
    if verbose:
        announce(fresh)


def announce(names: Iterable[str]) -> None:
    """Log which names are textrep's now."""
    logger.warning("textrep: scikit-learn's %s replaced by textrep's", ", ".join(names))


def unpatch_sklearn(names: str | Iterable[str] | None = None) -> None:
    """Undo `patch_sklearn`.

    Estimators that were made meanwhile stay textrep's and go on working, and so do the names that
    modules imported meanwhile have taken.

    Parameters
    ----------
    names : str, iterable of str or None, default=None
        As for `patch_sklearn`. Names that are not patched are left alone.

    Raises
    ------
    ValueError
        When there is no drop-in of such a name.
    """
    with _lock:
        for name in _checked(names):
            for module, attribute in _patched.pop(name, ()):
                # what somebody else has put there since is theirs
                if vars(module).get(attribute) is OURS[name]:
                    setattr(module, attribute, ORIGINALS[name])
            _forget_pickles(name)
        if not _patched:
            while _sheltered:
                setattr(*_sheltered.pop(), MODULE)


def patched_names() -> list[str]:
    """The names that are patched."""
    return list(_patched)


def is_patched(name: str | None = None) -> bool:
    """Whether `patch_sklearn` is in force.

    Parameters
    ----------
    name : str or None, default=None
        The class asked for; None for any.

    Returns
    -------
    patched : bool

    Raises
    ------
    ValueError
        When there is no drop-in of such a name.
    """
    return bool(_patched) if name is None else _checked(name)[0] in _patched


@contextlib.contextmanager
def patched_sklearn(names: str | Iterable[str] | None = None) -> Iterator[None]:
    """`patch_sklearn` for the length of a ``with`` statement; what was patched before stays so.

    Parameters
    ----------
    names : str, iterable of str or None, default=None
        As for `patch_sklearn`.

    Examples
    --------
    >>> import textrep
    >>> from textrep.sparse.patching import is_patched, patched_sklearn
    >>> with patched_sklearn():
    ...     from sklearn.feature_extraction.text import TfidfTransformer
    >>> TfidfTransformer is textrep.TfidfTransformer
    True
    >>> is_patched()
    False
    """
    with _lock:
        fresh = [name for name in _checked(names) if name not in _patched]
        patch_sklearn(fresh, verbose=False)
    try:
        yield
    finally:
        unpatch_sklearn(fresh)


def _checked(names: str | Iterable[str] | None) -> list[str]:
    if names is None:
        return list(OURS)
    chosen = [names] if isinstance(names, str) else list(names)
    for name in chosen:
        if name not in OURS:
            raise ValueError(f"names has {name!r}; textrep has drop-ins for {', '.join(OURS)}")
    return chosen


def _modules(package: str) -> list[types.ModuleType]:
    """The modules of a package that are loaded."""
    return [
        module
        for name, module in list(sys.modules.items())
        if (name == package or name.startswith(f"{package}."))
        and isinstance(module, types.ModuleType)
    ]


def _replace(name: str) -> list[tuple[types.ModuleType, str]]:
    """Let ours stand wherever scikit-learn and the script hold the original."""
    places = []
    for module in [*_modules("sklearn"), *_modules("__main__")]:
        for attribute, value in list(vars(module).items()):
            if value is ORIGINALS[name]:
                setattr(module, attribute, OURS[name])
                places.append((module, attribute))
    return places


def _shelter() -> None:
    """Let textrep's own modules see scikit-learn's own classes: a drop-in that looks its parent up
    by name would find itself.
    """
    know_both = (sys.modules[__name__], originals)
    for module in _modules("textrep"):
        if module in know_both:
            continue
        for attribute, value in list(vars(module).items()):
            if value is MODULE:
                setattr(module, attribute, UNPATCHED)
                _sheltered.append((module, attribute))


# ---- pickles: they name classes, and find what stands there


def _teach_pickles(name: str) -> None:
    """Let ours read what an original has written, and originals be written while ours stand where
    pickle looks for them.
    """
    OURS[name].__setstate__ = _set_foreign_state
    copyreg.pickle(ORIGINALS[name], _reduce_original)


def _forget_pickles(name: str) -> None:
    if "__setstate__" in vars(OURS[name]):
        del OURS[name].__setstate__
    copyreg.dispatch_table.pop(ORIGINALS[name], None)


def _reduce_original(estimator: Any) -> tuple[Any, ...]:
    return _new_original, (type(estimator).__name__,), estimator.__getstate__()


def _new_original(name: str) -> Any:
    kind = ORIGINALS[name]
    return kind.__new__(kind)


def _set_foreign_state(estimator: Any, state: dict[str, Any]) -> None:
    """``__setstate__`` of ours that takes the state of scikit-learn's class too."""
    version = state.get("_sklearn_version")  # which ours do not write
    if version is None:
        vars(estimator).update(state)
        return
    if version != sklearn.__version__:
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=type(estimator).__name__,
                current_sklearn_version=sklearn.__version__,
                original_sklearn_version=version,
            ),
            stacklevel=2,
        )
    parameters = inspect.signature(type(estimator).__init__).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    vocabulary = state.get("vocabulary_")
    taken = {name: value for name, value in state.items() if name != "_sklearn_version"}
    taken.pop("vocabulary_", None)
    vars(estimator).update(defaults | taken)
    if vocabulary is not None:
        estimator.vocabulary_ = vocabulary
