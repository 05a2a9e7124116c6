"""`textrep vectorize`: shards that together are the matrix of one machine, interrupted or not."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from typer.testing import CliRunner

import textrep
from tests.cli.answers import refused
from textrep.cli.app import app
from textrep.data.fetching.locking import release, try_lock
from textrep.sparse import BM25Vectorizer, CountVectorizer, HashingVectorizer, TfidfVectorizer
from textrep.sparse.sharded import (
    ShardError,
    files,
    fit_files,
    learning,
    read_manifest,
    read_shard,
    transform_files,
)

TEXTS = [f"text {i % 7} of {'cats' if i % 2 else 'dogs'} and word{i % 11}" for i in range(40)]
LABELS = ["cat" if i % 2 else "dog" for i in range(40)]
BLOCK = 200  # bytes, so that a file of ten texts has two blocks


def call(*arguments: object):
    return CliRunner().invoke(app, ["vectorize", *map(str, arguments), "--quiet"])


@pytest.fixture
def data(tmp_path):
    """A folder with the texts in four files of different formats, in alphabetical order."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [json.dumps({"text": t, "kind": k}) for t, k in zip(TEXTS, LABELS, strict=True)]
    (folder / "1.jsonl").write_text("\n".join(rows[:10]) + "\n")
    (folder / "2.jsonl.gz").write_bytes(gzip.compress("\n".join(rows[10:20]).encode()))
    table = "".join(f"{t},{k}\n" for t, k in zip(TEXTS[20:30], LABELS[20:30], strict=True))
    (folder / "3.csv").write_text("text,kind\n" + table)
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"text": TEXTS[30:], "kind": LABELS[30:]}), folder / "4.parquet")
    return folder


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    return path


def matrix(folder):
    shards = [read_shard(folder / shard["file"]) for shard in read_manifest(folder)["shards"]]
    return sp.vstack([X for X, _ in shards]), [labels for _, labels in shards]


def assert_complete(folder, vectorizer, texts=TEXTS):
    """The folder holds what one machine learns and answers."""
    wanted = vectorizer.fit(texts)
    expected = wanted.transform(texts)
    found, _ = matrix(folder)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert (found != expected).nnz == 0
    model = textrep.load(folder / "model.textrep")
    assert (model.transform(texts) != expected).nnz == 0
    if hasattr(wanted, "vocabulary_"):
        assert list(model.vocabulary_.items()) == list(wanted.vocabulary_.items())
    manifest = read_manifest(folder)
    assert manifest["state"] == "finished"
    assert (manifest["rows"], manifest["entries"]) == (len(texts), expected.nnz)
    for shard in manifest["shards"]:
        data = (folder / shard["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == shard["sha256"]


# ---- what is written


@pytest.mark.parametrize(
    ("options", "vectorizer"),
    [
        ((), TfidfVectorizer()),
        (
            ("--method", "counts", "--ngram-range", 1, 2, "--min-df", 3, "--max-df", 0.8),
            CountVectorizer(ngram_range=(1, 2), min_df=3, max_df=0.8),
        ),
        (
            ("--method", "hashing", "--n-features", 64, "--set", "norm=l1"),
            HashingVectorizer(n_features=64, norm="l1"),
        ),
        (
            ("--method", "bm25", "--stop-words", "english", "--max-features", 5),
            BM25Vectorizer(stop_words="english", max_features=5),
        ),
        (("--analyzer", "char_wb", "--set", "sublinear_tf=true"),
         TfidfVectorizer(analyzer="char_wb", sublinear_tf=True)),
    ],
)  # fmt: skip
def test_files_of_all_formats_give_the_matrix_of_one_machine(data, tmp_path, options, vectorizer):
    out = tmp_path / "out"
    answer = call("fit", f"{data}/*", "--out", out, *options)
    assert answer.exit_code == 0, answer.output
    assert_complete(out, vectorizer)
    assert answer.stdout.startswith("40 texts, ")
    assert f"4 shards in {out}" in answer.stdout


@pytest.mark.parametrize("form", ["npz", "parquet"])
def test_labels_are_kept_beside_their_rows(data, tmp_path, form):
    out = tmp_path / "out"
    answer = call("fit", f"{data}/*", "--out", out, "--format", form, "--label-column", "kind")
    assert answer.exit_code == 0, answer.output
    assert_complete(out, TfidfVectorizer())
    _, labels = matrix(out)
    assert [label for some in labels for label in some] == LABELS


def test_shards_are_read_by_scipy_and_by_readers_of_parquet(lines, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for form in ("npz", "parquet"):
        fit_files(CountVectorizer(), [lines], tmp_path / form, form=form, block_bytes=BLOCK)
    expected = CountVectorizer().fit(TEXTS).transform(TEXTS)
    npz = sorted((tmp_path / "npz" / "shards").iterdir())
    assert len(npz) > 3
    assert (sp.vstack([sp.load_npz(path) for path in npz]) != expected).nnz == 0
    rows = parquet.read_table(tmp_path / "parquet" / "shards").to_pylist()
    for row, X in zip(rows, expected, strict=True):
        assert row["indices"] == X.indices.tolist()
        assert row["values"] == X.data.tolist()


def test_the_manifest_says_what_the_shards_are_made_of(lines, tmp_path):
    out = tmp_path / "out"
    manifest = fit_files(CountVectorizer(min_df=2), [lines], out, block_bytes=BLOCK)
    assert manifest == json.loads((out / "manifest.json").read_text())
    assert manifest["settings"]["vectorizer.min_df"] == 2
    assert manifest["schema"] == {
        "n_features": len(CountVectorizer(min_df=2).fit(TEXTS).vocabulary_),
        "dtype": "int64",
        "labels": False,
    }
    data = lines.read_bytes()
    pieces = [data[block["begin"] : block["end"]] for block in manifest["inputs"]]
    assert b"".join(pieces) == data
    assert manifest["checksums"] == [hashlib.sha256(piece).hexdigest() for piece in pieces]
    assert manifest["versions"]["textrep"] == textrep.__version__
    assert sorted(path.name for path in out.iterdir()) == [
        "manifest.json",
        "model.textrep",
        "shards",
    ]


def test_blocks_without_a_term_are_no_error_while_others_have_some(tmp_path):
    path = tmp_path / "lines.txt"
    texts = ["a", "b"] * 40 + ["so much text"]
    path.write_text("\n".join(texts))
    fit_files(TfidfVectorizer(), [path], tmp_path / "out", block_bytes=20)
    assert_complete(tmp_path / "out", TfidfVectorizer(), texts)
    with pytest.raises(ValueError, match="empty vocabulary"):
        fit_files(TfidfVectorizer(stop_words=["so", "much", "text"]), [path], tmp_path / "none")


def test_transform_writes_the_matrix_of_other_files(data, lines, tmp_path):
    model = TfidfVectorizer(min_df=2).fit(TEXTS[:20]).save(tmp_path / "model.textrep")
    answer = call("transform", model, f"{data}/*.csv", lines, "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.output
    found, _ = matrix(tmp_path / "out")
    expected = TfidfVectorizer(min_df=2).fit(TEXTS[:20]).transform([*TEXTS[20:30], *TEXTS])
    assert (found != expected).nnz == 0


# ---- interruptions


def interrupt_after(monkeypatch, module, task: str, n_calls: int) -> None:
    real, done = getattr(module, task), []

    def interrupted(*arguments):
        if len(done) == n_calls:
            raise KeyboardInterrupt
        done.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(module, task, interrupted)


@pytest.mark.parametrize(
    ("module", "task", "n_calls"),
    [(learning, "learn_block", 3), (learning, "merge_learnt", 1), (files, "write_block", 4)],
)
def test_an_interrupted_run_goes_on_where_it_was(
    lines, tmp_path, monkeypatch, module, task, n_calls
):
    monkeypatch.setattr(learning, "MERGED_AT_ONCE", 3)
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        interrupt_after(patch, module, task, n_calls)
        with pytest.raises(KeyboardInterrupt):
            fit_files(TfidfVectorizer(min_df=2), [lines], out, block_bytes=BLOCK)
    assert read_manifest(out)["state"] == "begun"
    done = {path: path.stat().st_mtime_ns for path in out.glob("*/part-*")}
    assert done
    fit_files(TfidfVectorizer(min_df=2), [lines], out, block_bytes=BLOCK)
    assert_complete(out, TfidfVectorizer(min_df=2))
    shards = [path for path in done if path.parent.name == "shards"]
    assert len(shards) == (n_calls if task == "write_block" else 0)
    assert all(path.stat().st_mtime_ns == done[path] for path in shards)


DYING = """
import os, signal, sys
from textrep.sparse import TfidfVectorizer
from textrep.sparse.sharded import files

write = files.write_block

def dying(work, number, block):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(work, number, block)

files.write_block = dying
files.fit_files(TfidfVectorizer(), [sys.argv[1]], sys.argv[2], block_bytes=int(sys.argv[3]))
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(lines, tmp_path):
    out = tmp_path / "out"
    died = subprocess.run(
        [sys.executable, "-c", DYING, lines, out, str(BLOCK)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert died.returncode == -signal.SIGKILL
    first = sorted((out / "shards").iterdir())
    assert len(first) == 2
    before = [path.stat().st_mtime_ns for path in first]
    fit_files(TfidfVectorizer(), [lines], out, block_bytes=BLOCK)
    assert_complete(out, TfidfVectorizer())
    assert [path.stat().st_mtime_ns for path in first] == before


def test_a_finished_folder_is_left_as_it_is(lines, tmp_path, monkeypatch):
    out = tmp_path / "out"
    first = fit_files(TfidfVectorizer(), [lines], out)
    interrupt_after(monkeypatch, files, "write_block", 0)
    assert fit_files(TfidfVectorizer(), [lines], out) == first


# ---- what is refused


def test_a_folder_begun_with_other_settings_is_refused(data, tmp_path):
    out = tmp_path / "out"
    assert call("fit", f"{data}/*", "--out", out).exit_code == 0
    same = ("fit", f"{data}/*", "--out", out)
    refused(call(*same, "--min-df", 2), "was begun with vectorizer.min_df=1, and now")
    refused(call(*same, "--format", "parquet"), "was begun with form='npz'")
    refused(call(*same, "--method", "bm25"), "was begun with vectorizer")
    refused(call("fit", f"{data}/*.csv", "--out", out), "was begun with other files")
    model = out / "model.textrep"
    refused(call("transform", model, f"{data}/*", "--out", out), "was begun with model=None")
    os.utime(data / "3.csv", ns=(0, 0))
    refused(call(*same), "3.csv: new, gone or changed")


def test_a_file_that_changes_under_way_is_refused(lines, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        interrupt_after(patch, files, "write_block", 1)
        with pytest.raises(KeyboardInterrupt):
            fit_files(TfidfVectorizer(), [lines], out, block_bytes=BLOCK)
    times = lines.stat()
    lines.write_bytes(lines.read_bytes().replace(b"word10", b"word99"))
    os.utime(lines, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(ShardError, match="was changed after it had been learnt from"):
        fit_files(TfidfVectorizer(), [lines], out, block_bytes=BLOCK)


def test_other_folders_and_files_are_refused_in_one_line(data, lines, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").touch()
    refused(call("fit", lines, "--out", other), "holds files and no manifest.json")
    refused(call("fit", lines, "--out", tmp_path / "no" / "out"), "No such file or directory")
    refused(call("fit", f"{data}/*.pdf", "--out", tmp_path / "out"), "no file matches")
    refused(call("fit", tmp_path / "none.csv", "--out", tmp_path / "out"), "none.csv: cannot be")
    refused(call("fit", lines, "--out", tmp_path / "out", "--min-df", "few"), "--min-df is 'few'")
    refused(
        call("fit", lines, "--out", tmp_path / "out", "--n-features", 8),
        "TfidfVectorizer has no such parameter",
    )
    assert not (tmp_path / "out").exists()
    twice = lines.parent / "data" / ".." / lines.name
    refused(call("fit", lines, twice, "--out", tmp_path / "out"), "given twice")


def test_a_model_of_another_kind_is_refused(lines, tmp_path):
    model = textrep.TfidfTransformer().fit([[1, 2]]).save(tmp_path / "model.textrep")
    with pytest.raises(ShardError, match="TfidfTransformer makes no document-term matrix"):
        transform_files(model, [lines], tmp_path / "out")


def test_two_runs_do_not_write_to_one_folder(lines, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    lock = try_lock(out / ".lock")
    with pytest.raises(ShardError, match="another process writes to this folder"):
        fit_files(TfidfVectorizer(), [lines], out)
    release(out / ".lock", lock)
    fit_files(TfidfVectorizer(), [lines], out)


def test_scheduler_and_workers_are_not_both_given(lines, tmp_path):
    with pytest.raises(ShardError, match="give one of them"):
        fit_files(
            CountVectorizer(), [lines], tmp_path / "out", scheduler="tcp://127.0.0.1:1", workers=2
        )


def test_a_dtype_and_a_range_are_settings_that_stay_the_same(lines, tmp_path):
    vectorizer = CountVectorizer(dtype=np.float32, ngram_range=(1, 2))
    first = fit_files(vectorizer, [lines], tmp_path / "out")
    assert first["settings"]["vectorizer.dtype"] == "float32"
    assert fit_files(vectorizer, [lines], tmp_path / "out") == first
