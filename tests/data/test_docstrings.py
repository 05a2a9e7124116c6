"""The corpus that is built from installed packages."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.data import DataError, load_card, load_corpus
from textrep.data.docstrings import build as build_module
from textrep.data.docstrings import cache
from textrep.data.docstrings.build import Docstrings, build, label_words, versions
from textrep.data.docstrings.dedupe import distinct
from textrep.data.docstrings.extract import docstrings, source_files
from textrep.data.docstrings.prose import clean

NUMPYDOC = """
    rotate(image, angle[, axes]) -> image

    Turn an image about its centre.

    The spline of order `order` fills what ``image[i, j]`` leaves open, see [1]_
    and https://example.org/x.

    Parameters
    ----------
    image : array_like of shape (n, 2)
        What is turned.
    angle : float, default=0.5
        How far, in degrees.

    Returns
    -------
    rotated : ndarray
        The turned image.

    See Also
    --------
    shift : Moves an image.

    Notes
    -----
    Corners are lost. For example::

        lost = corners(image)

    .. math:: x = y^2

    .. note:: Slow.
       It takes time.

    References
    ----------
    .. [1] Somebody, "Something", 1999.

    Examples
    --------
    >>> rotate(1, 2)
    3
    """


def test_only_sentences_of_a_numpydoc_docstring_stay():
    assert clean(NUMPYDOC) == (
        "Turn an image about its centre. The spline of order fills what leaves open, see and "
        "What is turned. How far, in degrees. The turned image. Corners are lost. For example: "
        "It takes time."
    )


@pytest.mark.parametrize(
    ("docstring", "prose"),
    [
        ("Join.\n\n:param sep: what stands between\n:type sep: str\n", "Join. what stands between"),
        ("Use `np.sort`, SomeClass, snake_case, f(x) and 3 more.", "Use, and more."),
        ("Sort.\n\nArgs:\n    key: what to compare\n", "Sort. what to compare"),
        ("A table:\n\n=== ===\na   b\n=== ===\n", "A table:"),
        ("Run it.\n\n>>> 1 + 1\n2\n\nThen stop.", "Run it. Then stop."),
        ("Café owners don't re-open.", "Café owners don't re-open."),
        ("", ""),
    ],
)
def test_markup_and_code_are_left_out(docstring, prose):
    assert clean(docstring) == prose


def test_hidden_words_are_left_out_alone_and_in_compounds():
    assert clean("Stats for a stats-like thing.", frozenset({"stats"})) == "for a thing."


@given(st.text(max_size=300) | st.text("ab :`.>-=[]{}\n*|", max_size=120))
def test_any_text_can_be_cleaned(text):
    words = clean(text, frozenset({"a"})).lower().split()
    assert not any(word.strip(".,;:!?") == "a" for word in words)


def test_docstrings_are_read_without_running_the_source(tmp_path):
    file = tmp_path / "mod.py"
    file.write_text(
        '"""Module."""\nraise SystemExit\nif x:\n    class A:\n        """Class."""\n'
        '        async def f(self):\n            """Method."""\n'
        'add_newdoc("m", "f", ("g", """Attached."""))\nx = """No docstring."""\n'
        'try:\n    pass\nexcept E:\n    def h():\n        """Handler."""\n'
    )
    assert [text for text in docstrings(file) if len(text) > 1] == [
        "Module.",
        "Class.",
        "Method.",
        "Attached.",
        "Handler.",
    ]


def test_a_file_that_does_not_parse_has_no_docstrings(tmp_path):
    for content in (b"def (", b"\0", b"# coding: klingon\n"):
        (tmp_path / "bad.py").write_bytes(content)
        assert list(docstrings(tmp_path / "bad.py")) == []


def test_tests_are_not_sources(tmp_path):
    for name in ("b.py", "a.pyi", "c.txt", "sub/d.py", "tests/e.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    assert [file.name for file in source_files(tmp_path)] == ["a.pyi", "b.py", "d.py"]
    assert [file.name for file in source_files(tmp_path / "b")] == ["b.py"]
    assert list(source_files(tmp_path / "none")) == []


def test_near_duplicates_are_dropped_and_relatives_are_kept():
    long = "the quick brown fox jumps over the lazy dog and runs far away into the deep dark wood"
    texts = [long, long.upper() + "!", long.replace("wood", "forest"), "quite another thing", "x"]
    assert distinct(texts) == [0, 3, 4]
    assert distinct([long, long.replace("fox", "cat").replace("dog", "cow")]) == [0, 1]


def test_packages_are_found_without_being_imported(tmp_path, monkeypatch):
    package = tmp_path / "boobytrap"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    words = "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima".split()
    functions = [
        f'def f{i}():\n    """{" ".join(words[i:] + words[:i])} boobytrap says traps."""\n'
        for i in range(len(words))
    ]
    (package / "traps.py").write_text("\n".join(functions))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(build_module, "MIN_WORDS", 10)
    monkeypatch.setattr(build_module, "MIN_CLASS_SIZE", 1)
    found = build({"boobytrap.traps": ["boobytrap/traps"], "none": ["not_installed/x"]})
    assert "boobytrap" not in sys.modules
    assert set(found.labels) == {"boobytrap.traps"}
    assert "trap" not in " ".join(found.texts)


def test_versions_name_only_what_is_installed():
    assert set(versions({"a": ["python/ast", "numpy/lib"], "b": ["not_installed/x"]})) == {
        "numpy",
        "python",
    }


@pytest.fixture
def built(monkeypatch, tmp_path):
    """Counts the builds of a tiny corpus, cached in a folder of the test's own."""
    calls = []

    def tiny(classes):
        calls.append(classes)
        return Docstrings([f"text {i}" for i in range(4000)], [str(i % 10) for i in range(4000)])

    monkeypatch.setattr(cache, "build", tiny)
    monkeypatch.setenv("TEXTREP_CACHE", str(tmp_path / "cache"))
    return calls


def test_the_corpus_is_built_once(built, tmp_path):
    first, second = load_corpus("docstrings"), load_corpus("docstrings")
    assert len(built) == 1
    assert first == second
    assert first.versions["python"] == sys.version.split()[0]
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".json"]


@pytest.mark.parametrize(
    "damage", [lambda old: old[:-9], lambda old: old[:99] + b"x", lambda _: b""]
)
def test_a_damaged_cache_is_built_anew(built, tmp_path, damage):
    first = load_corpus("docstrings")
    (path,) = (tmp_path / "cache").iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert load_corpus("docstrings") == first
    assert len(built) == 2
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"texts": 3}',
        b'{"texts": ["a"], "labels": []}',
        b'{"texts": [1], "labels": ["a"]}',
        b'{"texts": "a", "labels": "b"}',
        b"\xff",
    ],
)
def test_a_cache_that_another_program_wrote_is_built_anew(built, tmp_path, body):
    first = load_corpus("docstrings")
    (path,) = (tmp_path / "cache").iterdir()
    path.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    assert load_corpus("docstrings") == first
    assert len(built) == 2


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_in_the_cache_is_not_opened(built, tmp_path, make):
    first = load_corpus("docstrings")
    (path,) = (tmp_path / "cache").iterdir()
    path.unlink()
    make(path)
    assert load_corpus("docstrings") == first


def test_without_a_place_for_the_cache_the_corpus_is_built(built, monkeypatch):
    monkeypatch.setenv("TEXTREP_CACHE", "~nobody-of-that-name/cache")
    assert len(load_corpus("docstrings")) == len(load_corpus("docstrings")) == 4000
    assert len(built) == 2


def test_two_that_build_at_once_leave_one_sound_cache(built, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        corpora = list(pool.map(load_corpus, ["docstrings"] * 8))
    assert all(corpus == corpora[0] for corpus in corpora)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    calls = len(built)
    assert load_corpus("docstrings") == corpora[0]
    assert len(built) == calls


def test_other_versions_are_another_cache(built, monkeypatch):
    load_corpus("docstrings")
    monkeypatch.setattr(cache, "versions", lambda classes: {"python": "9.9"})
    assert load_corpus("docstrings").versions == {"python": "9.9"}
    assert len(built) == 2


def test_a_cache_that_cannot_be_written_is_no_error(built, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TEXTREP_CACHE", str(tmp_path / "file" / "cache"))
    assert len(load_corpus("docstrings")) == 4000


def test_an_installation_without_sources_is_told_so(built, monkeypatch):
    monkeypatch.setattr(cache, "build", lambda classes: Docstrings(["one"], ["a"]))
    with pytest.raises(DataError, match="only 1 docstrings of 1 subsystems found"):
        load_corpus("docstrings")


@pytest.mark.slow
def test_the_corpus_of_this_installation_keeps_its_promises():
    corpus = load_corpus("docstrings")
    sizes = corpus.counts()["all"]
    assert len(corpus) >= 4000
    assert len(sizes) >= 10
    assert min(sizes.values()) >= 40
    assert max(sizes.values()) < 0.15 * len(corpus)
    assert all(text.count(" ") >= 19 for text in corpus.texts)
    hidden = label_words(load_card("docstrings").options["classes"])
    present = {word.strip('.,;:!?"').lower() for text in corpus.texts for word in text.split()}
    assert not present & hidden
    assert len(set(map(str.lower, corpus.texts))) == len(corpus)
    assert json.dumps(corpus.texts)
