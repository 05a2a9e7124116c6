"""Answers that are kept: shared, damaged, and on full disks."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading

import pytest

from tests.comparison.llm.conftest import TEXTS
from textrep.comparison.llm.cache import FILE, AnswerCache, request_key
from textrep.comparison.llm.reply import Reply
from textrep.comparison.llm.tokens import Tokens

REPLIES = [
    Reply("spam", Tokens(12, 1), 0.25),
    Reply(None, Tokens(12, 0), 0.25),
    Reply("ün\x00\U0001f600", None, 0.25),
]


@pytest.mark.parametrize("reply", REPLIES, ids=["answer", "refusal", "uncounted"])
def test_what_is_kept_comes_back(tmp_path, reply):
    with AnswerCache(tmp_path) as cache:
        cache.put("key", reply)
    with AnswerCache(tmp_path) as cache:
        assert cache.get("key") == reply
        assert cache.get("other") is None


def test_whatever_changes_the_request_changes_its_key():
    request = {"model": "m", "temperature": 0.0, "messages": [{"role": "user", "content": "x"}]}
    keys = {
        request_key("http://localhost", request),
        request_key("http://127.0.0.1", request),
        request_key("http://localhost", {**request, "model": "n"}),
        request_key("http://localhost", {**request, "temperature": 0.1}),
        request_key("http://localhost", {**request, "seed": 1}),
        request_key("http://localhost", {**request, "messages": []}),
    }
    assert len(keys) == 6
    assert request_key("http://localhost", dict(reversed(request.items()))) in keys


def test_neither_texts_nor_keys_are_in_the_file(make, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    make(examples_per_class=1).predict(["a private document"])
    content = (tmp_path / "cache" / FILE).read_bytes()
    assert b"sk-very-secret" not in content
    assert b"private document" not in content
    assert b"short text" not in content


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(make, model, tmp_path, content):
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / FILE).write_bytes(content)
    with pytest.warns(UserWarning, match=f"is damaged .* it is now {FILE}.damaged-1"):
        assert make().predict(TEXTS).tolist() == ["a", "b"]
    assert (folder / f"{FILE}.damaged-1").read_bytes() == content
    make().predict(TEXTS)
    assert len(model.requests) == 2


def test_a_file_of_which_sqlite_speaks_in_no_utf8_is_set_aside(make, tmp_path):
    make().predict(TEXTS)
    path = tmp_path / "cache" / FILE
    content = path.read_bytes()
    # Of the row that describes the table: its name is in what SQLite says of the broken rest.
    changed = content.replace(b"tableanswersanswers", b"table\xffnswersanswers")
    assert changed != content
    path.write_bytes(changed.replace(b"CREATE TABLE", b"CREATE TABEL"))
    with pytest.warns(UserWarning, match="is damaged .*can't decode byte 0xff"):
        assert make().predict(TEXTS).tolist() == ["a", "b"]


def test_a_file_with_another_table_is_set_aside(make, tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    with sqlite3.connect(folder / FILE) as other:
        other.execute("CREATE TABLE answers (question TEXT)")
    other.close()
    with pytest.warns(UserWarning, match="is damaged"):
        make().predict(TEXTS)


def test_rows_that_nobody_kept_like_this_are_asked_for_again(make, model, tmp_path):
    make().predict(TEXTS)
    rows = ["content = x'00ff'", "prompt_tokens = -1", "seconds = 'soon'", "prompt_tokens = 'many'"]
    for row in rows:
        with sqlite3.connect(tmp_path / "cache" / FILE) as other:
            other.execute(f"UPDATE answers SET {row}")
        other.close()
        model.requests.clear()
        assert make().predict(TEXTS).tolist() == ["a", "b"]
        assert len(model.requests) == 2


def test_without_a_place_for_the_cache_the_answers_still_count(make, model, tmp_path):
    (tmp_path / "cache").write_text("a file, no folder")
    classifier = make(price_in=1.0)
    with pytest.warns(UserWarning, match="answers cannot be kept in .*name another folder"):
        assert classifier.predict(TEXTS).tolist() == ["a", "b"]
    assert classifier.cost_ > 0


def test_a_full_disk_costs_the_cache_and_nothing_else(make, monkeypatch):
    class Full(sqlite3.Connection):
        def execute(self, statement, *rest):
            if statement.startswith("INSERT"):
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(statement, *rest)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, factory=Full, **k))
    with pytest.warns(UserWarning, match="disk is full") as caught:
        assert make().predict(TEXTS).tolist() == ["a", "b"]
    assert len(caught) == 1


def test_threads_share_one_cache(tmp_path):
    with AnswerCache(tmp_path) as cache:

        def keep(start):
            for i in range(start, start + 50):
                cache.put(str(i), Reply(str(i), None, 0.0))

        threads = [threading.Thread(target=keep, args=(100 * i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(
            cache.get(str(100 * i + j)) == Reply(str(100 * i + j), None, 0.0)
            for i in range(4)
            for j in range(50)
        )


def test_processes_share_one_file(tmp_path, checkout):
    program = (
        "import pathlib, sys\n"
        "from textrep.comparison.llm.cache import AnswerCache\n"
        "from textrep.comparison.llm.reply import Reply\n"
        "with AnswerCache(pathlib.Path(sys.argv[1])) as cache:\n"
        "    for i in range(40):\n"
        "        cache.put(sys.argv[2] + str(i), Reply('spam', None, 0.0))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name], cwd=checkout)
        for name in "ab"
    ]
    assert [process.wait() for process in running] == [0, 0]
    with AnswerCache(tmp_path) as cache:
        assert all(cache.get(f"{name}{i}") is not None for name in "ab" for i in range(40))
