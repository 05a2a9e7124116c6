"""JSON Lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.data import DataError, load_corpus

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.fixture
def write(tmp_path):
    def write_file(content: str, name: str = "a.jsonl") -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write_file


def objects(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_text_and_label_are_found_by_their_keys(write, name):
    rows = [{"id": 1, "text": "so\nmuch", "label": " a "}, {"id": 2, "text": "", "label": "b"}]
    corpus = load_corpus(write(objects(*rows), name))
    assert (corpus.texts, corpus.labels) == (["so\nmuch", ""], ["a", "b"])
    assert corpus.notes == ("text is column 'text', label is column 'label'",)


def test_keys_are_taken_by_name_and_several_texts_are_joined(write):
    path = write(objects({"q": "who?", "a": "me", "ok": True}, {"ok": False, "a": "you", "q": "?"}))
    corpus = load_corpus(path, text=["q", "a"], label="ok")
    assert (corpus.texts, corpus.labels) == (["who?\nme", "?\nyou"], ["True", "False"])


def test_numbers_become_labels(write):
    rows = [{"text": "a", "label": 0}, {"text": "b", "label": 1.5}]
    assert load_corpus(write(objects(*rows))).labels == ["0", "1.5"]


def test_one_key_alone_is_the_text(write):
    corpus = load_corpus(write(objects({"content_body": "a"}, {"content_body": "b"})))
    assert (corpus.texts, corpus.labels) == (["a", "b"], None)


def test_labels_can_be_left_out(write):
    path = write(objects({"text": "a", "url": "x", "date": "y"}))
    assert load_corpus(path, label=False).labels is None
    with pytest.raises(DataError, match=r"column is the label; .*label=False .*'text', 'url'"):
        load_corpus(path)


def test_blank_lines_are_passed_over_and_counted(write):
    path = write('{"text": "a", "label": 1}\n\n \n{"text": 3, "label": 1}\n')
    with pytest.raises(DataError, match=r"line 4, column 'text': the text is 3, not a string"):
        load_corpus(path)


GOOD = '{"text": "a", "label": "x"}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD + "nonsense\n", "line 2, column 1: not valid JSON: Expecting value"),
        (GOOD + '{"text": "a"\n', "line 2, column 13: not valid JSON"),
        (GOOD + "[1, 2]\n", r"line 2: expected a JSON object.*found \[1, 2\]"),
        ('[{"text": "a"}]\n', "line 1: expected a JSON object"),
        (GOOD + '{"text": "b"}\n', r"line 2, column 'label': .* no such key; its keys are \['text"),
        (GOOD + '{"text": null, "label": "x"}\n', "line 2, column 'text': the text is null"),
        (GOOD + '{"text": ["b"], "label": "x"}\n', r"column 'text': the text is \['b'\], not a"),
        (GOOD + '{"text": "b", "label": null}\n', "line 2, column 'label': the label is missing"),
        (GOOD + '{"text": "b", "label": " "}\n', "line 2, column 'label': the label is missing"),
        (GOOD + '{"text": "b", "label": NaN}\n', "line 2, column 'label': the label is missing"),
        (
            GOOD + '{"text": "b", "label": {}}\n',
            "line 2, column 'label': the label is {}; expected",
        ),
        (GOOD + r'{"text": "b\ud800", "label": 1}' + "\n", "character 2 .* half a surrogate pair"),
        (GOOD + '{"text": "b", "label": ' + "[" * 99999 + "\n", "line 2: not valid JSON"),
        (GOOD + '{"text": "b", "label": ' + "1" * 9999 + "}\n", "line 2: not valid JSON"),
        ("\n \n", "the file holds no objects, only blank lines"),
        ("", "the file is empty"),
        ("{}\n", "line 1: the object has no keys"),
    ],
)
def test_errors_name_line_and_key(write, content, message):
    with pytest.raises(DataError, match=message) as error:
        load_corpus(write(content))
    assert "a.jsonl" in str(error.value)
    assert len(str(error.value)) < 600


def test_a_pair_of_surrogates_is_one_character(write):
    assert load_corpus(write(r'{"text": "\ud83d\ude00"}')).texts == ["\U0001f600"]


@given(st.lists(st.tuples(TEXT, TEXT.filter(str.strip)), min_size=1), st.booleans())
def test_what_json_wrote_is_read_back(tmp_path_factory, rows, ascii_only):
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    lines = (
        json.dumps({"text": text, "label": label}, ensure_ascii=ascii_only) for text, label in rows
    )
    path.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    corpus = load_corpus(path)
    assert list(zip(corpus.texts, corpus.labels, strict=True)) == [
        (text, label.strip()) for text, label in rows
    ]
