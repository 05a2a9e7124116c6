"""What remembers the answers to words."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from textrep.preprocess.memo import WordMemo


def test_a_word_is_asked_once():
    asked = []

    def function(word):
        asked.append(word)
        return word.upper()

    memo = WordMemo(function)
    for _ in range(3):
        assert memo(["so", "much", "so"]) == ["SO", "MUCH", "SO"]
    assert asked == ["so", "much"]


@given(st.lists(st.lists(st.text(max_size=2))), st.integers(0, 5))
def test_answers_are_the_functions_own_whatever_is_remembered(batches, size):
    memo = WordMemo(str.swapcase, size)
    for words in batches:
        assert memo(words) == [word.swapcase() for word in words]
        assert len(memo._answers) <= size


def test_one_thread_at_a_time_asks_the_function():
    inside = threading.Lock()

    def function(word):
        assert inside.acquire(blocking=False)
        threading.Event().wait(0.0001)
        inside.release()
        return word

    memo = WordMemo(function, size=20)
    words = [str(number) for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda k: memo(words[k:]), range(12)):
            assert answer == words[len(words) - len(answer) :]
