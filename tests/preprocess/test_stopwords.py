"""Lists of stop words."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from textrep.preprocess import stop_words


def test_english_is_what_the_vectorisers_leave_out():
    assert stop_words("english") == CountVectorizer(stop_words="english").get_stop_words()


@pytest.mark.parametrize(
    "words", [["le", "la"], ("le", "la"), {"le", "la"}, np.array(["le", "la"]), iter(["le", "la"])]
)
def test_any_iterable_of_words_is_a_list(words):
    assert stop_words(words) == {"le", "la"}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (None, "None"),
        (3, "3"),
        (b"english", "english"),
        ({"le": 1}, "le"),
        (["le", 3], r"stop_words\[1\] is 3"),
        (["le", None], r"stop_words\[1\] is None"),
    ],
)
def test_what_is_no_list_is_refused(wrong, named):
    with pytest.raises(ValueError, match=named):
        stop_words(wrong)


def in_a_fresh_process(code, nltk_data):
    # NLTK remembers the data it has found.
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NLTK_DATA": str(nltk_data), "HOME": str(nltk_data)},
        capture_output=True,
        text=True,
    )


def test_another_language_is_read_from_the_data_of_nltk(tmp_path, checkout):
    folder = tmp_path / "corpora" / "stopwords"
    folder.mkdir(parents=True)
    (folder / "french").write_text("été\nla\n", "utf-8")
    code = f"""
import sys; sys.path.insert(0, {str(checkout)!r})
from textrep.preprocess import stop_words
print(ascii(sorted(stop_words("french"))))
try:
    stop_words("klingon")
except ValueError as error:
    print(error)
"""
    answer = in_a_fresh_process(code, tmp_path)
    assert answer.stdout.splitlines()[0] == r"['la', '\xe9t\xe9']", answer.stderr
    assert "known are english, french" in answer.stdout


def test_missing_data_is_an_error_with_the_command_that_gets_it(tmp_path, checkout):
    code = f"""
import sys; sys.path.insert(0, {str(checkout)!r})
import nltk
nltk.data.path[:] = []
from textrep.preprocess import stop_words
try:
    stop_words("french")
except LookupError as error:
    print(error)
"""
    answer = in_a_fresh_process(code, tmp_path)
    assert "python -m nltk.downloader stopwords" in answer.stdout, answer.stderr
    assert "\n" not in answer.stdout.strip()
