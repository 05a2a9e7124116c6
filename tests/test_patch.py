"""``python -m textrep.patch``: a script runs as it would without, with textrep's vectorisers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import pytest

SCRIPT = '''
"""Somebody's script."""
import sys
from multiprocessing import Pool

from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

import helper

texts = ["the best of times", "the worst of times", "the age of wisdom", "naïve Ünïcöde"] * 4
labels = ["good", "bad", "good", "bad"] * 4


def analyze(text):
    return text.split()[:2]


if __name__ == "__main__":
    print(sys.argv[1:], __doc__, helper.VALUE)
    pipeline = Pipeline(
        [("counts", CountVectorizer()), ("tfidf", TfidfTransformer()),
         ("model", LogisticRegression())]
    )
    search = GridSearchCV(pipeline, {"counts__ngram_range": [(1, 1), (1, 2)]}, cv=2, n_jobs=2)
    print(search.fit(texts, labels).best_params_, search.best_score_)
    print(cross_val_score(pipeline, texts, labels, cv=2))
    vectorizer = TfidfVectorizer(analyzer=analyze, sublinear_tf=True).fit(texts)
    print(vectorizer.get_feature_names_out(), vectorizer.transform(texts[:2]).toarray().round(6))
    print(isinstance(vectorizer, CountVectorizer), vectorizer.idf_.round(6))
    with Pool(1) as pool:
        print(pool.map(analyze, texts[:2]))
'''

LIGHT = """
import sys
from sklearn.feature_extraction.text import TfidfVectorizer
import helper
print(__name__, sys.argv[1:], helper.VALUE, TfidfVectorizer().fit(["so so much"]).vocabulary_)
if "which" in sys.argv:
    print(TfidfVectorizer.__module__)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "light.py").write_text(LIGHT)
    (tmp_path / "helper.py").write_text("VALUE = 'from beside the script'\n")
    return tmp_path


def python(*arguments, cwd, checkout, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(checkout)} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_users_script_prints_the_same(folder, tmp_path_factory, checkout):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    script = os.path.relpath(folder / "script.py", elsewhere)
    alone = python(script, "-m", "--names", "x y", cwd=elsewhere, checkout=checkout)
    patched = python(
        "-m", "textrep.patch", script, "-m", "--names", "x y", cwd=elsewhere, checkout=checkout
    )
    assert alone.returncode == 0, alone.stderr
    assert patched.stdout == alone.stdout, patched.stderr
    assert patched.returncode == 0
    assert "scikit-learn's CountVectorizer, TfidfVectorizer" in patched.stderr
    assert "replaced by textrep's" in patched.stderr


@pytest.mark.parametrize(
    ("options", "module"),
    [
        ([], "textrep.sparse.tfidf"),
        (["--names", "TfidfVectorizer,CountVectorizer"], "textrep.sparse.tfidf"),
        (["--names", "CountVectorizer"], "sklearn.feature_extraction.text"),
    ],
)
def test_the_names_asked_for_are_patched(folder, checkout, options, module):
    run = python("-m", "textrep.patch", "-q", *options, "light.py", "which",
                 cwd=folder, checkout=checkout)  # fmt: skip
    assert run.stdout.splitlines()[-1] == module, run.stderr
    assert "replaced" not in run.stderr


def test_a_module_runs_as_with_python_m(folder, checkout):
    alone = python("-m", "light", "some", "words", cwd=folder, checkout=checkout)
    patched = python("-m", "textrep.patch", "-q", "-m", "light", "some", "words",
                     cwd=folder, checkout=checkout)  # fmt: skip
    assert patched.stdout == alone.stdout, patched.stderr
    assert alone.returncode == patched.returncode == 0


def test_a_folder_with_a_main_runs(tmp_path, checkout):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("import part; print(part.VALUE, __name__)")
    (tmp_path / "app" / "part.py").write_text("VALUE = 3")
    run = python("-m", "textrep.patch", "-q", "app", cwd=tmp_path, checkout=checkout)
    assert run.stdout == "3 __main__\n", run.stderr


def test_an_archive_with_a_main_runs(tmp_path, checkout):
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", "import part, sys; print(part.VALUE, __name__, sys.argv)")
        archive.writestr("part.py", "VALUE = 3")
    alone = python("app.pyz", "a", cwd=tmp_path, checkout=checkout)
    run = python("-m", "textrep.patch", "-q", "app.pyz", "a", cwd=tmp_path, checkout=checkout)
    assert run.stdout == alone.stdout == "3 __main__ ['app.pyz', 'a']\n", run.stderr


WORLD = """
import sys
main = sys.modules["__main__"]
print(__name__, __file__, __spec__, __package__, sys.argv, main.__dict__ is globals())
print(sys.path[0])
print(sorted(set(globals()) - {"__warningregistry__"}))
"""


def test_the_script_finds_the_world_as_python_makes_it(tmp_path, checkout):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "world.py").write_text(WORLD)
    (tmp_path / "link.py").symlink_to(tmp_path / "here" / "world.py")
    for path in ("here/world.py", "link.py"):
        alone = python(path, "-q", "a", cwd=tmp_path, checkout=checkout)
        patched = python("-m", "textrep.patch", path, "-q", "a", cwd=tmp_path, checkout=checkout)
        assert patched.stdout == alone.stdout


ENDINGS = {
    "exit code": "import sys; sys.exit(7)",
    "exit message": "import sys; sys.exit('that is all')",
    "exception": "def f():\n    raise KeyError('x')\nf()",
    "chained": "try:\n    1 / 0\nexcept Exception as e:\n    raise OSError('no') from e",
    "own hook": "import sys\nsys.excepthook = lambda *e: print('mine', e[0], e[2].tb_lineno)\n1/0",
    "syntax": "x = (",
    "interrupt": "raise KeyboardInterrupt",
    "encoding": "# -*- coding: latin-1 -*-\nprint('x')",
    "atexit": "import atexit\nVALUE = 3\natexit.register(lambda: print(VALUE))",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_script_ends_as_it_would(tmp_path, checkout, ending):
    (tmp_path / "script.py").write_text(ENDINGS[ending])
    alone = python("script.py", cwd=tmp_path, checkout=checkout)
    patched = python("-m", "textrep.patch", "-q", "script.py", cwd=tmp_path, checkout=checkout)
    assert (patched.returncode, patched.stdout) == (alone.returncode, alone.stdout)
    assert patched.stderr == alone.stderr
    assert "textrep" not in patched.stderr


REFUSED = {
    "no file": (["missing.py"], 2, "can't open file 'missing.py': [Errno 2] No such file"),
    "no module": (["-m", "no_such_module"], 1, "no module named no_such_module"),
    "no package": (["-m", "no_such_package.module"], 1, "module 'no_such_package.module'"),
    "folder": (["folder"], 1, "can't find '__main__' module in 'folder'"),
    "package": (["-m", "folder"], 1, "no module named folder.__main__; 'folder' is a package"),
    "name": (["--names", "DictVectorizer", "x.py"], 2, "names has 'DictVectorizer'"),
    "nothing": ([], 2, "the following arguments are required: target"),
}
REFUSING = """
import contextlib, io, json, sys
from textrep.patch import main, unpatch_sklearn
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
            code = None
        except SystemExit as end:
            code = end.code
    unpatch_sklearn()
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory, checkout):
    """What is said to each, in one process: its start takes longer than all of them."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "folder").mkdir()
    (folder / "folder" / "__init__.py").touch()
    asked = json.dumps([arguments for arguments, _, _ in REFUSED.values()])
    run = python("-c", REFUSING, asked, cwd=folder, checkout=checkout)
    assert run.returncode == 0, run.stderr
    return dict(zip(REFUSED, map(json.loads, run.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_run_is_said_in_one_line(refusals, name):
    _, expected, message = REFUSED[name]
    code, out, err = refusals[name]
    assert code == expected
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err
    assert "replaced by" not in err
    assert out == ""


def test_help_says_how_to_use_it(tmp_path, checkout):
    run = python("-m", "textrep.patch", "--help", cwd=tmp_path, checkout=checkout)
    assert run.returncode == 0
    assert "python -m textrep.patch" in run.stdout
