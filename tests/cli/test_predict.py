"""`textrep predict`, in process and as a program."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.comparison.toy_results import KINDS, LABELS, PRICES, TEXTS, make_result
from textrep.cli import incoming
from textrep.cli.app import app
from textrep.comparison import load_model, save_model

PROGRAM = "import sys; from textrep.cli import main; sys.argv[0] = 'textrep'; main()"
# Neither split at by lines nor by columns.
PLAIN = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(make_result(), tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(scope="module")
def with_columns(tmp_path_factory):
    return save_model(make_result(columns=True), tmp_path_factory.mktemp("models") / "model")


def call(*arguments: object, text: str | bytes | None = None):
    return CliRunner().invoke(app, ["predict", *map(str, arguments)], input=text)


def start(*arguments: object, **options) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "predict", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        **options,
    )


def objects(answer) -> list[dict]:
    assert answer.exit_code == 0, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_each_line_of_standard_input_gets_its_answer(model):
    found = objects(call(model, "-", "-q", text="free prize\n\n  \nsee you"))
    expected = load_model(model).predict_proba(["free prize", "", "  ", "see you"])
    assert [each["prediction"] for each in found] == ["spam", "ham", "ham", "ham"]
    assert [each["probability"] for each in found] == pytest.approx(expected.max(axis=1), abs=1e-6)


def test_a_table_json_lines_and_a_text_a_line_give_the_same(model, tmp_path):
    with (tmp_path / "texts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text", "n"], *([text, 1] for text in TEXTS)])
    lines = "".join(json.dumps({"n": 1, "text": text}) + "\n" for text in TEXTS)
    (tmp_path / "texts.jsonl").write_text(lines)
    (tmp_path / "texts.tsv").write_text("text\tn\n" + "".join(f"{text}\t1\n" for text in TEXTS))
    (tmp_path / "texts.log").write_text("\n".join(TEXTS))
    expected = call(model, tmp_path / "texts.log", "-q").stdout
    assert expected.count("\n") == len(TEXTS)
    for name in ("texts.csv", "texts.jsonl", "texts.tsv"):
        assert call(model, tmp_path / name, "-q").stdout == expected, name
        suffix = name.removeprefix("texts.")
        raw = (tmp_path / name).read_bytes()
        assert call(model, "-", "--input-format", suffix, "-q", text=raw).stdout == expected
    # The format that is asked for outweighs the suffix.
    (tmp_path / "texts.log").write_text(lines)
    answer = call(model, tmp_path / "texts.log", "--input-format", "jsonl", "-q")
    assert answer.stdout == expected


def test_a_folder_of_documents_is_read_too(model, tmp_path):
    for name, text in (("spam", "free prize"), ("ham", "see you at home")):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "1.txt").write_text(text)
    answer = call(model, tmp_path / "data", "--score", "-q")
    assert [each["prediction"] for each in objects(answer)] == ["ham", "spam"]
    assert answer.stderr == "accuracy 1.000 of the 2 answered (100.0% of all)\n"


def test_labels_keep_their_type(tmp_path):
    labels = [label == "spam" for label in LABELS]
    model = save_model(make_result(labels), tmp_path / "model")
    found = objects(call(model, "-", "--probabilities", "-q", text="free prize"))
    assert found[0]["prediction"] is True
    assert list(found[0]["probabilities"]) == ["False", "True"]


def test_probabilities_and_words_are_given_when_asked_for(model):
    found = objects(call(model, "-", "--explain", "--words", 1, "-q", text="free lunch\n\n"))
    expected = load_model(model).explain(["free lunch"], 1)[0]
    assert [list(each) for each in found] == [["prediction", "probability", "words"]] * 2
    assert found[0]["words"] == [[word, pytest.approx(effect)] for word, effect in expected]
    assert found[1]["words"] == []
    found = objects(call(model, "-", "--probabilities", "-q", text="free lunch"))
    table = load_model(model).predict_proba(["free lunch"])[0]
    assert found[0]["probabilities"] == pytest.approx(
        dict(zip(["ham", "spam"], table, strict=True)), abs=1e-6
    )


def test_tables_and_bare_labels_are_written_too(model):
    text = "free prize\nsee you at home\n"
    answer = call(model, "-", "--format", "csv", "--probabilities", "--explain", "-q", text=text)
    rows = list(csv.reader(io.StringIO(answer.stdout)))
    assert rows[0] == [
        *("prediction", "probability"),
        *("probability of ham", "probability of spam", "words"),
    ]
    assert [row[0] for row in rows[1:]] == ["spam", "ham"]
    assert float(rows[1][2]) + float(rows[1][3]) == pytest.approx(1, abs=2e-6)
    assert rows[1][4].startswith("free:+")
    answer = call(model, "-", "--format", "tsv", "-q", text=text)
    assert answer.stdout.splitlines()[0] == "prediction\tprobability"
    assert call(model, "-", "--format", "labels", "-q", text=text).stdout == "spam\nham\n"


def test_a_class_that_a_format_cannot_hold_is_refused_before_the_work(tmp_path):
    labels = ["a\tb" if label == "spam" else "c" for label in LABELS]
    model = save_model(make_result(labels), tmp_path / "model")
    answer = call(model, "-", "--format", "tsv", text="free prize")
    assert answer.exit_code == 2
    assert answer.stderr == (
        "textrep: --format tsv: class 'a\\tb' holds a tab or a line end; use jsonl or csv\n"
    )
    assert call(model, "-", "--format", "labels", "-q", text="free").stdout == "a\tb\n"


def test_abstaining_leaves_exactly_those_below_the_threshold_blank(model):
    table = load_model(model).predict_proba(TEXTS).max(axis=1)
    for threshold in np.unique(table).tolist():
        answer = call(model, "-", "--abstain", threshold, "-q", text="\n".join(TEXTS))
        blank = [each["prediction"] is None for each in objects(answer)]
        assert blank == (table < threshold).tolist()
        assert answer.stderr == f"24 texts, {sum(blank)} left blank\n"
    answer = call(model, "-", "--abstain", 1, "--format", "labels", "-q", text="free prize")
    assert answer.stdout == "\n"


@pytest.mark.parametrize("threshold", ["1.5", "-0.1", "nan"])
def test_a_threshold_that_is_no_probability_is_refused(model, threshold):
    answer = call(model, "-", f"--abstain={threshold}", text="free prize")
    assert answer.exit_code == 2
    assert "expected a probability from 0 to 1" in answer.stderr


def test_the_score_counts_what_was_answered(model, tmp_path):
    texts = ["free prize", "see you at home", "free home", "nothing known"]
    labels = ["spam", "spam", "ham", "ham"]
    lines = [json.dumps({"text": t, "gold": g}) for t, g in zip(texts, labels, strict=True)]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines))
    table = load_model(model).predict_proba(texts)
    predicted = np.array(["ham", "spam"])[table.argmax(axis=1)]
    threshold = float(np.sort(table.max(axis=1))[2])
    answered = table.max(axis=1) >= threshold
    answer = call(
        *(model, tmp_path / "texts.jsonl", "--text", "text", "--label", "gold"),
        *("--score", "--abstain", threshold, "-q"),
    )
    accuracy = (predicted == labels)[answered].mean()
    assert answer.stderr.splitlines() == [
        "4 texts, 2 left blank",
        f"accuracy {accuracy:.3f} of the 2 answered (50.0% of all)",
    ]


def test_a_score_without_labels_says_what_is_missing(model, tmp_path):
    answer = call(model, "-", "--score", "-q", text="free prize")
    assert answer.exit_code == 2
    assert "the data have no labels; name their column with --label" in answer.stderr
    (tmp_path / "texts.csv").write_text("text,label\nfree prize,1\nsee you,0\n")
    answer = call(model, tmp_path / "texts.csv", "--score", "-q")
    assert answer.exit_code == 2
    assert "none of the labels in the data is a class of the model" in answer.stderr


def test_a_table_whose_labels_are_still_missing_is_predicted(model, tmp_path):
    (tmp_path / "texts.csv").write_text("text,label\nfree prize,\nsee you at home,\n")
    found = objects(call(model, tmp_path / "texts.csv", "-q"))
    assert [each["prediction"] for each in found] == ["spam", "ham"]


def test_columns_that_the_model_needs_are_read(with_columns, tmp_path):
    rows = [
        f"{text},{price},{kind}\n" for text, price, kind in zip(TEXTS, PRICES, KINDS, strict=True)
    ]
    (tmp_path / "texts.csv").write_text("message,price,kind\n" + "".join(rows))
    found = objects(call(with_columns, tmp_path / "texts.csv", "--text", "message", "-q"))
    expected = load_model(with_columns).predict_proba(
        TEXTS, columns={"price": PRICES, "kind": KINDS}
    )
    assert [each["probability"] for each in found] == pytest.approx(expected.max(axis=1), abs=1e-6)


def test_a_column_that_is_missing_or_wrong_is_named(with_columns, tmp_path):
    (tmp_path / "texts.csv").write_text("message,kind\nfree prize,ad\nsee you,chat\n")
    answer = call(with_columns, tmp_path / "texts.csv", "--text", "message", "-q")
    assert answer.exit_code == 2
    assert "price" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    answer = call(with_columns, "-", "-q", text="free prize")
    assert answer.exit_code == 2
    assert "a text on each line has no column 'price'; let the name" in answer.stderr
    table = "message,price,kind\nfree prize,1,ad\nsee you,cheap,chat\n"
    answer = call(with_columns, "-", "--input-format", "csv", "--text", "message", "-q", text=table)
    assert answer.exit_code == 2
    assert "'price': row 2 is 'cheap', which is no number" in answer.stderr
    assert "texts 1 to 2, counted from the first of them" in answer.stderr


def test_nothing_in_gives_nothing_out(model, tmp_path):
    answer = call(model, "-", text="")
    assert (answer.exit_code, answer.stdout) == (0, "")
    # A file that is empty is more likely a mistake.
    (tmp_path / "texts.txt").write_text("")
    answer = call(model, tmp_path / "texts.txt")
    assert answer.exit_code == 2
    assert answer.stderr.splitlines()[-1].endswith("texts.txt: the file is empty")


@pytest.mark.parametrize(
    ("raw", "form", "message"),
    [
        (
            b"free prize\nsee \xff you\n",
            "lines",
            "standard input, line 2, column 5: byte 0xff is not valid",
        ),
        (b'{"text": "a"}\n{"text": "\\ud800"}\n', "jsonl", "half a surrogate pair"),
        (b'{"text": "a"}\n{"text": \n', "jsonl", "standard input, line 2"),
        (b"text,n\na,1\nb\n", "csv", "standard input, line 3"),
        (b"a\0b\n", "lines", "a NUL byte"),
    ],
)
def test_broken_input_is_one_line_that_says_where(model, raw, form, message):
    answer = call(model, "-", "--input-format", form, "-q", text=raw)
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_another_encoding_can_be_named(model):
    text = "frée prize\n".encode("latin-1")
    assert call(model, "-", "-q", text=text).exit_code == 2
    assert len(objects(call(model, "-", "--encoding", "latin-1", "-q", text=text))) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "xml"], "--format is 'xml'; expected one of jsonl, csv, tsv, labels"),
        (["--input-format", "xml"], "--input-format is 'xml'; expected one of lines, jsonl"),
        (["--encoding", "utf-9"], "utf-9"),
        (["--output", "."], "this is a folder"),
        (["--words", "0"], "--words"),
        (["--text", "body"], "no column 'body'; let the name of a table end in .csv"),
    ],
)
def test_settings_that_cannot_be_are_refused(model, arguments, message):
    answer = call(model, "-", "-q", *arguments, text="free prize")
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert answer.stdout == ""


def test_data_that_are_not_there_are_named(model, tmp_path):
    for arguments in ([], ["--input-format", "csv"]):
        answer = call(model, tmp_path / "missing.csv", *arguments)
        assert answer.exit_code == 2
        assert "no such file or folder" in answer.stderr
    answer = call(model, tmp_path, "--input-format", "csv")
    assert "--input-format is for a plain file or standard input" in answer.stderr


def test_a_folder_that_holds_no_model_is_refused(tmp_path):
    answer = call(tmp_path, "-", text="free prize")
    assert answer.exit_code == 2
    assert "not the folder of a saved model" in answer.stderr
    assert call(tmp_path / "none", "-", text="free").stderr.startswith("textrep: ")


def test_the_output_replaces_no_data_and_no_model(model, tmp_path):
    data = tmp_path / "texts.txt"
    data.write_text("free prize\n")
    answer = call(model, data, "--output", data)
    assert answer.exit_code == 2
    assert "this is the file of the data" in answer.stderr
    answer = call(model, data, "--output", model / "card.json")
    assert answer.exit_code == 2
    assert "inside the folder of the model" in answer.stderr
    assert call(model, data, "--output", tmp_path / "out.jsonl", "-q").stdout == ""
    assert json.loads((tmp_path / "out.jsonl").read_text())["prediction"] == "spam"


def test_an_error_half_way_keeps_the_file_that_was_there(model, tmp_path, monkeypatch):
    monkeypatch.setattr(incoming, "PIECE", 1)
    out = tmp_path / "out.jsonl"
    out.write_text("earlier\n")
    raw = b"free prize\nsee \xff\n"
    assert call(model, "-", "--output", out, "-q", text=raw).exit_code == 2
    assert out.read_text() == "earlier\n"
    # On standard output there stands what came before.
    assert call(model, "-", "-q", text=raw).stdout.count("\n") <= 1


def test_pieces_are_put_together_in_their_order(model, tmp_path, monkeypatch):
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS))
    expected = call(model, tmp_path / "texts.txt", "-q").stdout
    monkeypatch.setattr(incoming, "PIECE", 5)
    assert call(model, tmp_path / "texts.txt", "-q").stdout == expected
    assert call(model, "-", "-q", text="\n".join(TEXTS)).stdout == expected


@given(texts=st.lists(PLAIN.filter(str.strip), min_size=1, max_size=4))
def test_json_lines_of_any_texts_are_answered_one_by_one(model, texts):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    answer = call(model, "-", "--input-format", "jsonl", "--explain", "-q", text=lines)
    found = objects(answer)
    table = load_model(model).predict_proba(texts)
    assert [each["probability"] for each in found] == pytest.approx(table.max(axis=1), abs=1e-6)


def test_a_line_is_answered_before_the_next_one_comes(model):
    process = start(model, "-", "-q", "--format", "labels")
    assert process.stdin is not None
    assert process.stdout is not None
    for text, label in (("free prize", b"spam\n"), ("see you at home", b"ham\n")):
        process.stdin.write(text.encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == label
    process.stdin.close()
    assert process.wait() == 0


def test_a_reader_that_has_gone_ends_it_without_a_word(model, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("free prize\n" * 20_000)
    process = start(model, path, "-q")
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["prediction"] == "spam"
    process.stdout.close()
    assert process.wait() == 1
    assert process.stderr.read() == b""


def test_ctrl_c_ends_it_in_one_line(model):
    process = start(model, "-", "-q", "--format", "labels")
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(b"free prize\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"spam\n"
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert process.stderr.read() == b"textrep: stopped\n"
