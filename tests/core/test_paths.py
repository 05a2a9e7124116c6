from pathlib import Path

import pytest

from textrep.core import paths


def test_corpora_of_the_checkout_are_found(checkout):
    assert paths.corpora_dir() == checkout / "corpora"


def test_corpora_inside_the_package_win(tmp_path, monkeypatch):
    package = tmp_path / "textrep"
    (package / "core").mkdir(parents=True)
    (package / "corpora").mkdir()
    (tmp_path / "corpora").mkdir()
    monkeypatch.setattr(paths, "__file__", str(package / "core" / "paths.py"))
    assert paths.corpora_dir() == package / "corpora"


def test_missing_corpora_are_reported_with_both_places(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "__file__", str(tmp_path / "textrep" / "core" / "paths.py"))
    with pytest.raises(FileNotFoundError, match="reinstall textrep"):
        paths.corpora_dir()


def test_cache_follows_its_variable_then_xdg_then_home(monkeypatch, tmp_path):
    monkeypatch.setenv("TEXTREP_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    assert paths.cache_dir() == tmp_path / "own"
    monkeypatch.delenv("TEXTREP_CACHE")
    assert paths.cache_dir() == tmp_path / "shared" / "textrep"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert paths.cache_dir() == Path.home() / ".cache" / "textrep"


def test_data_folder_is_none_where_the_variable_is_unset_or_empty(monkeypatch):
    monkeypatch.delenv("TEXTREP_DATA", raising=False)
    assert paths.data_dir() is None
    monkeypatch.setenv("TEXTREP_DATA", "")
    assert paths.data_dir() is None
    monkeypatch.setenv("TEXTREP_DATA", "~/sets")
    assert paths.data_dir() == Path.home() / "sets"


def no_home(monkeypatch):
    def unknown(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", unknown)


def test_without_a_home_the_cache_asks_for_its_variable(monkeypatch):
    monkeypatch.delenv("TEXTREP_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    no_home(monkeypatch)
    with pytest.raises(FileNotFoundError, match="no home folder; set TEXTREP_CACHE"):
        paths.cache_dir()


@pytest.mark.parametrize(
    ("variable", "read"), [("TEXTREP_CACHE", paths.cache_dir), ("TEXTREP_DATA", paths.data_dir)]
)
def test_a_tilde_that_stands_for_nothing_is_named_with_its_variable(monkeypatch, variable, read):
    monkeypatch.setenv(variable, "~nobody-of-that-name/x")
    with pytest.raises(FileNotFoundError, match=f"{variable}='~nobody-of-that-name/x': ~ stands"):
        read()
