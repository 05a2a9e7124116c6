import subprocess
import sys
import types

import pytest

import textrep
from textrep.core.lazy import attach

HEAVY = "numba sklearn scipy gensim torch transformers pandas polars pyarrow rich typer".split()


def run(code):
    """What a fresh process prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_import_textrep_pulls_in_nothing_heavy():
    code = f"import sys, textrep; print([m for m in {HEAVY} if m in sys.modules])"
    assert run(code) == "[]"


def test_every_public_name_resolves_and_is_listed():
    assert sorted(textrep.__all__) == sorted([*textrep._names, "__version__"])
    for name in textrep.__all__:
        assert getattr(textrep, name) is not None
        assert name in dir(textrep)


def test_public_names_of_core_resolve():
    import textrep.core

    assert textrep.core.__all__ == textrep.core._names
    for name in textrep.core.__all__:
        assert callable(getattr(textrep.core, name))


def test_rooms_are_attributes_without_an_import():
    code = "import textrep; print(textrep.sparse.CountVectorizer.__name__)"
    assert run(code) == "CountVectorizer"


def test_unknown_name_raises_attribute_error_naming_it():
    with pytest.raises(AttributeError, match="module 'textrep' has no attribute 'CountVectoriser'"):
        textrep.CountVectoriser  # noqa: B018


def test_a_name_is_bound_at_first_use(monkeypatch):
    package = types.ModuleType("collections_view")
    monkeypatch.setitem(sys.modules, "collections_view", package)
    submodule = types.ModuleType("collections_view.inner")
    submodule.answer = 42
    monkeypatch.setitem(sys.modules, "collections_view.inner", submodule)
    hook, listing, names = attach("collections_view", {"answer": "inner"})
    assert "answer" not in vars(package)
    assert hook("answer") == 42
    assert vars(package)["answer"] == 42
    assert names == ["answer"]
    assert "answer" in listing()
