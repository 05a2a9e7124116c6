"""`textrep embed`, in process and as a program."""

from __future__ import annotations

import csv
import gzip
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import textrep
from tests.cli.answers import refused
from textrep.cli.app import app
from textrep.cli.vector_files import writing_vectors
from textrep.embeddings import StaticEmbedder, Word2Vec, WordVectors, read_vectors, write_vectors

TEXTS = [
    "the king rules the old castle",
    "the queen rules the old castle",
    "a farmer ploughs the wide field",
    "a farmer sows the wide field",
] * 30
OPTIONS = ("--size", 8, "--min-count", 1, "--epochs", 2, "--threads", 1, "--quiet")


def call(*arguments: object, text: str | bytes | None = None):
    return CliRunner().invoke(app, ["embed", *map(str, arguments)], input=text)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "words.textrep"
    Word2Vec(vector_size=8, min_count=1, n_jobs=1, random_state=0).fit(TEXTS).save(path)
    return path


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    path = tmp_path_factory.mktemp("vectors") / "words.txt"
    matrix = np.array([[2, 1], [2, -1], [0, 1], [0, -1], [1, 0.1]], dtype=np.float32)
    return write_vectors(WordVectors(["king", "queen", "man", "woman", "[bold]"], matrix), path)


# ---- fit


@pytest.mark.parametrize(
    ("method", "kind", "options"),
    [
        ("word2vec", "Word2Vec", {"algorithm": "cbow", "negative": 3}),
        ("fasttext", "FastText", {"algorithm": "skipgram", "negative": 3}),
        ("glove", "GloVe", {}),
    ],
)
def test_fit_saves_what_the_estimator_learns_in_python(texts, tmp_path, method, kind, options):
    path = tmp_path / "words.textrep"
    asked = [word for name, value in options.items() for word in (f"--{name}", value)]
    answer = call("fit", texts, "--method", method, "--save", path, *OPTIONS, *asked)
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0].startswith(f"{method}: vectors of 12 words with 8 dimensions, learnt from 720")
    assert lines[1].startswith("2 epochs in ")
    assert [line.split(":")[0] for line in lines[2:]] == ["epoch 1", "epoch 2", "Model"]
    saved = textrep.load(path)
    expected = getattr(textrep.embeddings, kind)(
        vector_size=8, min_count=1, epochs=2, n_jobs=1, random_state=0, **options
    ).fit(TEXTS)
    assert saved.vectors_.words == expected.vectors_.words
    np.testing.assert_array_equal(saved.vectors_.dense(), expected.vectors_.dense())


def test_texts_of_any_form_give_the_same_vectors(texts, tmp_path):
    packed, table = tmp_path / "texts.txt.gz", tmp_path / "texts.csv"
    packed.write_bytes(gzip.compress(texts.read_bytes()))
    table.write_text("what,kind\n" + "".join(f"{text},x\n" for text in TEXTS))
    out = tmp_path / "words.vec"
    found = []
    for data, more in ((texts, ()), (packed, ()), (table, ("--text", "what")), ("-", ())):
        answer = call("fit", data, "--export", out, *OPTIONS, *more, text=texts.read_bytes())
        assert answer.exit_code == 0, answer.output
        found.append(out.read_bytes())
    assert len(set(found)) == 1


@pytest.mark.parametrize("name", ["words.txt", "words.bin", "words.vec", "words.txt.gz"])
def test_vectors_are_exported_for_other_programs(texts, tmp_path, name):
    answer = call("fit", texts, "--export", tmp_path / name, *OPTIONS)
    assert answer.exit_code == 0, answer.output
    assert len(read_vectors(tmp_path / name)) == 12


def test_fit_draws_the_most_frequent_content_words(texts, tmp_path):
    path = tmp_path / "map.html"
    answer = call("fit", texts, "--map", path, "--map-words", 4, *OPTIONS)
    assert answer.stdout.splitlines()[-1] == f"Map of 4 words: {path}"
    page = path.read_text()
    assert ">rules</text>" in page
    assert ">the</text>" not in page


def test_progress_goes_to_standard_error(texts, tmp_path):
    answer = call("fit", texts, "--save", tmp_path / "m", *OPTIONS[:-1])
    assert "Learning word vectors" in answer.stderr
    assert call("fit", texts, "--save", tmp_path / "m", *OPTIONS).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --save, --export or --map: nothing would be kept"),
        (["--save", "TEXTS"], "this is the file of the data, which it would replace"),
        (["--save", "no/such/model"], "--save no/such/model: the folder"),
        (["--map", "FOLDER"], "this is a folder; give the name of a file in it"),
        (["--export", "words.doc"], "--export words.doc: end the name in .txt, .vec or .bin"),
        (["--save", "same", "--map", "same"], "--save and --map name the same file"),
        (["--save", "m", "--method", "elmo"], "--method is 'elmo'; expected one of word2vec"),
        (["--save", "m", "--algorithm", "x"], "--algorithm is 'x'; expected one of skipgram"),
        (["--save", "m", "--pooling", "x"], "--pooling is 'x'; expected one of mean"),
        (["--save", "m", "--projection", "x"], "--projection is 'x'; expected pca or tsne"),
        (["--save", "m", "--map-words", "5"], "--map-words is for a map; give --map too"),
        (["--save", "m", "--method", "glove", "--negative", "3"], "--negative means nothing to g"),
        (["--save", "m", "--size", "0"], "vector_size must be an integer of at least 1, got 0"),
        (["--save", "m", "--min-count", "1000"], "lower min_count"),
        (["--save", "m", "--text", "what"], "a text on each line has no column 'what'"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(texts, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    places = {"TEXTS": texts, "FOLDER": tmp_path}
    answer = call("fit", texts, "--quiet", *(places.get(word, word) for word in arguments))
    refused(answer, message)
    assert list(tmp_path.iterdir()) == []


def test_texts_that_are_not_there_or_empty_are_one_line(tmp_path):
    refused(call("fit", tmp_path / "none.txt", "--save", tmp_path / "m"), "no such file")
    (tmp_path / "empty.txt").touch()
    refused(call("fit", tmp_path / "empty.txt", "--save", tmp_path / "m", "-q"), "empty")
    refused(call("fit", "-", "--save", tmp_path / "m", "-q", text=""), "X is empty")


def test_a_map_that_cannot_be_drawn_does_not_cost_the_model(tmp_path):
    data = tmp_path / "texts.txt"
    data.write_text("king the of\n" * 50)
    saved = tmp_path / "words.textrep"
    answer = call("fit", data, "--save", saved, "--map", tmp_path / "map.html", *OPTIONS)
    assert answer.exit_code == 2
    assert f"Model: {saved}" in answer.stdout
    assert "a map needs at least two words, got 1 content words" in answer.stderr
    assert "king" in textrep.load(saved).vectors_


def test_an_interrupt_ends_with_130(texts, tmp_path, monkeypatch):
    def interrupt(self, X, y=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(Word2Vec, "fit", interrupt)
    answer = call("fit", texts, "--save", tmp_path / "m", "-q")
    assert (answer.exit_code, answer.stderr) == (130, "textrep: stopped\n")


# ---- transform


@pytest.mark.parametrize("pooling", [None, "mean", "idf", "sif", "max"])
def test_vectors_are_those_of_the_model(texts, model, tmp_path, pooling):
    out = tmp_path / "vectors.npy"
    more = () if pooling is None else ("--pooling", pooling)
    answer = call("transform", texts, "--model", model, "--out", out, "-q", *more)
    assert answer.stdout == f"120 vectors of 8 numbers: {out}\n"
    expected = textrep.load(model).set_params(pooling=pooling or "mean").transform(TEXTS)
    found = np.load(out)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "idf", "sif", "max"])
def test_vectors_of_another_program_learn_the_pooling_from_the_texts(vectors, tmp_path, pooling):
    data, out = tmp_path / "texts.txt", tmp_path / "vectors.npy"
    lines = ["King and queen", "", "a man, the king", "man", "nobody"]
    data.write_text("\n".join(lines) + "\n")
    answer = call("transform", data, "--vectors", vectors, "--pooling", pooling, "--out", out, "-q")
    assert answer.exit_code == 0, answer.output
    assert answer.stderr.startswith("textrep: 2 of 5 texts became zeros, as those without any word")
    expected = StaticEmbedder(vectors=vectors, pooling=pooling).fit_transform(lines)
    np.testing.assert_allclose(np.load(out), expected, atol=1e-6)


def test_capitals_are_kept_where_that_is_asked_for(vectors):
    answer = call("transform", "-", "--vectors", vectors, "--no-lowercase", "-q", text="King\nking")
    assert answer.stdout == "0.0,0.0\n2.0,1.0\n"


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_tables_hold_the_same_numbers(texts, model, tmp_path, suffix):
    out = tmp_path / f"vectors.{suffix}"
    assert call("transform", texts, "--model", model, "--out", out, "-q").exit_code == 0
    if suffix == "parquet":
        table = pytest.importorskip("pyarrow.parquet").read_table(out)
        names, rows = table.column_names, np.column_stack([c.to_numpy() for c in table.columns])
    else:
        separator = "," if suffix == "csv" else "\t"
        names, *cells = csv.reader(io.StringIO(out.read_text()), delimiter=separator)
        rows = np.array(cells, dtype=np.float32)
    assert names == [f"word2vec{i}" for i in range(8)]
    np.testing.assert_array_equal(rows, textrep.load(model).transform(TEXTS))


@pytest.mark.parametrize("counts", [[], [0], [3, 0, 1100], [7] * 200])
def test_numpy_files_are_whole_whatever_comes(tmp_path, counts):
    random = np.random.default_rng(0)
    parts = [random.normal(size=(count, 3)).astype(np.float32) for count in counts]
    path = tmp_path / "vectors.npy"
    with writing_vectors(path, ["a", "b", "c"]) as write:
        for part in parts:
            write(part)
    expected = np.concatenate([np.empty((0, 3), dtype=np.float32), *parts])
    np.testing.assert_array_equal(np.load(path), expected)


def test_standard_input_is_answered_line_by_line(vectors):
    answer = call("transform", "-", "--vectors", vectors, "-q", text="king\n\nqueen man\n")
    assert answer.stdout == "2.0,1.0\n0.0,0.0\n1.0,0.0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.txt", "--model", "MODEL"], "none.txt: no such file or folder"),
        (["TEXTS", "--model", "MODEL", "--out", "v.doc"], "--out v.doc: end the name in .npy"),
        (["TEXTS", "--model", "MODEL", "--out", "no/v.npy"], "--out no/v.npy: the folder"),
        (["TEXTS", "--model", "MODEL", "--pooling", "sum"], "--pooling is 'sum'; expected one of"),
        (["-", "--vectors", "VECTORS", "--pooling", "sif"], "--pooling sif reads the texts twice"),
        (["TEXTS", "--model", "MODEL", "--vectors", "VECTORS"], "--model and --vectors: give one"),
    ],
)
def test_what_cannot_be_transformed_is_one_line(
    texts, model, vectors, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    places = {"TEXTS": texts, "MODEL": model, "VECTORS": vectors}
    answer = call("transform", "-q", *(places.get(word, word) for word in arguments), text="king")
    refused(answer, message)


def test_parquet_without_pyarrow_says_what_to_install(texts, model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = call("transform", texts, "--model", model, "--out", tmp_path / "v.parquet", "-q")
    refused(answer, "pip install 'textrep[parquet]'")


# ---- similar


def test_similar_lists_what_python_finds(model):
    answer = call("similar", "king", "--model", model, "--topn", 3)
    assert answer.exit_code == 0, answer.output
    header, *rows = (line.split() for line in answer.stdout.splitlines())
    assert header == ["word", "cosine"]
    expected = textrep.load(model).most_similar("king", topn=3)
    assert rows == [[word, f"{cosine:.3f}"] for word, cosine in expected]


def test_words_are_added_and_subtracted(vectors):
    answer = call("similar", "king", "woman", "--negative", "man", "--vectors", vectors)
    assert answer.stdout.splitlines()[1].split()[0] == "queen"
    answer = call("similar", "king", "--vectors", vectors, "--restrict-vocab", 2)
    assert [line.split()[0] for line in answer.stdout.splitlines()] == ["word", "queen"]


def test_markup_in_a_word_is_printed_as_it_is(vectors):
    assert "[bold]" in call("similar", "king", "--vectors", vectors).stdout


def test_a_map_shows_the_word_its_neighbours_and_others(vectors, tmp_path):
    page, words = tmp_path / "map.html", tmp_path / "words.txt"
    words.write_text("man\n\nking\n")
    more = ("--map", page, "--words", "woman, man", "--words-file", words)
    answer = call("similar", "king", "--vectors", vectors, "--topn", 1, *more)
    # The word, its neighbour [bold], woman and man.
    assert answer.stdout.splitlines()[-1] == f"Map of 4 words: {page}", answer.output
    source = page.read_text()
    assert source.count('<g class="word marked">') == 1
    assert source.count('<g class="word other">') == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["kng"], "the word 'kng' is not in the vocabulary; close ones: 'king'"),
        (["King"], "close ones: 'king'"),
        (["king", "--negative", "nobody"], "the word 'nobody' is not in the vocabulary"),
        ([""], "a word is empty"),
        (["king", "--negative", " "], "a word is empty"),
        (["a\udcffb"], "'a\\udcffb' is not in the vocabulary"),
        (["king", "--words", "man"], "--words is for a map; give --map too"),
        (["king", "--words-file", "w"], "--words-file is for a map; give --map too"),
        (["king", "--map", "no/map.html"], "--map no/map.html: the folder"),
        (["king", "--map", "map.html", "--words", "kng"], "the word 'kng' is not in the vocab"),
        (["king", "--map", "map.html", "--words-file", "none"], "none: cannot be read"),
        (["king", "--negative", "king"], "add up to zero"),
    ],
)
def test_what_has_no_neighbours_is_one_line(vectors, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    refused(call("similar", "--vectors", vectors, *arguments), message)
    assert list(tmp_path.iterdir()) == []


def test_a_single_word_has_no_map(tmp_path):
    alone = write_vectors(
        WordVectors(["so"], np.ones((1, 2), dtype=np.float32)), tmp_path / "v.txt"
    )
    answer = call("similar", "so", "--vectors", alone, "--map", tmp_path / "map.html")
    refused(answer, "a map needs at least two words, got 1 different words")


# ---- models


def test_what_is_no_model_of_word_vectors_is_refused(model, vectors, tmp_path):
    counts = textrep.CountVectorizer().fit(TEXTS).save(tmp_path / "counts.textrep")
    refused(call("similar", "king", "--model", counts), "this is a CountVectorizer, not a model of")
    unfitted = Word2Vec().save(tmp_path / "unfitted.textrep")
    refused(call("similar", "king", "--model", unfitted), "this Word2Vec is not fitted")
    refused(call("similar", "king", "--model", vectors), "--vectors takes files of word2vec")
    refused(call("similar", "king", "--vectors", model), "--model takes models of textrep")
    refused(call("similar", "king", "--model", ""), "--model is empty")
    refused(call("similar", "king", "--model", tmp_path / "none"), "No such file or directory")
    refused(call("similar", "king", "--vectors", tmp_path / "none"), "No such file or directory")
    refused(call("similar", "king", "--vectors", tmp_path), "Is a directory")


def test_without_model_or_vectors_the_one_that_comes_with_textrep_is_taken(model, monkeypatch):
    from textrep.core import packaged

    monkeypatch.setattr(packaged, "FOLDER", model.parent)
    answer = call("similar", "king")
    refused(answer, "no model of that name comes with textrep; those that do: 'words'; give --mo")
    model.with_name("textrep-static-en.textrep").write_bytes(model.read_bytes())
    assert call("similar", "king").stdout == call("similar", "king", "--model", model).stdout


def test_a_model_of_fasttext_answers_for_unseen_words(texts, tmp_path):
    path = tmp_path / "model.bin"
    model = textrep.FastText(vector_size=8, min_count=1, bucket=500, n_jobs=1, random_state=0)
    model.fit(TEXTS).save_fasttext(path)
    answer = call("similar", "kings", "--vectors", path, "--topn", 1)
    assert answer.stdout.splitlines()[1].split()[0] == model.most_similar("kings", topn=1)[0][0]


# ---- score


def test_scores_are_those_of_python(vectors, tmp_path):
    questions, pairs = tmp_path / "questions.txt", tmp_path / "pairs.txt"
    questions.write_text(": family\nman woman king queen\nman woman boy girl\n")
    pairs.write_text("king queen 8.6\nking man 6.1\nqueen man 1\na man 2\n")
    answer = call("score", "--vectors", vectors, "--analogies", questions, "--similarity", pairs)
    assert answer.exit_code == 0, answer.output
    assert [line.split() for line in answer.stdout.splitlines()] == [
        ["test", "score", "used", "unknown"],
        ["questions.txt", "100.0", "%", "1", "1"],
        ["family", "100.0", "%", "1", "1"],
        ["pairs.txt", "1.000", "3", "1"],
    ]


def test_a_test_of_unknown_words_only_ends_with_1(vectors, tmp_path):
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("a b 1\nc d 2\n")
    answer = call("score", "--vectors", vectors, "--similarity", pairs)
    assert answer.exit_code == 1
    assert answer.stdout.splitlines()[1].split() == ["pairs.txt", "-", "0", "2"]
    assert "pairs.txt: nothing is asked of words that have vectors" in answer.stderr


def test_tests_that_cannot_be_read_are_one_line(vectors, tmp_path):
    refused(call("score", "--vectors", vectors), "give --analogies or --similarity")
    none = tmp_path / "none.txt"
    refused(call("score", "--vectors", vectors, "--analogies", none), "No such file")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("king queen\n" * 2)
    refused(call("score", "--vectors", vectors, "--similarity", wrong), "wrong.txt, line 2: expect")
    refused(call("score", "--vectors", vectors, "--analogies", wrong), "line ': section' must")


# ---- the program


def test_help_needs_neither_numba_nor_gensim():
    code = (
        "import sys\nfrom textrep.cli import main\n"
        "sys.argv = ['textrep', 'embed', 'fit', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'sklearn', 'numba', 'gensim', 'matplotlib', 'jinja2'}\n"
        "print(heavy & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert answer.stdout.endswith("set()\n"), answer.stdout + answer.stderr
    assert "Learn word vectors from texts." in answer.stdout


def test_a_reader_that_goes_ends_the_program_without_a_word(vectors, tmp_path):
    data = tmp_path / "texts.txt"
    data.write_text("king queen\n" * 50_000)
    code = "import sys; from textrep.cli import main; sys.argv[0] = 'textrep'; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "embed", "transform", data, "--vectors", vectors, "-q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout.readline() == b"2.0,0.0\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


def test_warnings_are_lines_of_the_program(tmp_path):
    twice = tmp_path / "twice.txt"
    twice.write_text("so 1 0\nso 0 1\nmuch 1 1\n")
    answer = call("similar", "so", "--vectors", twice)
    assert answer.exit_code == 0
    assert answer.stderr.startswith("textrep: ")
    assert "Warning" not in answer.stderr
    assert answer.stderr.count("\n") == 1
