"""What commands answer, held against what is expected of all of them."""

from __future__ import annotations

from typing import Any


def refused(answer: Any, message: str, code: int = 2) -> None:
    """Hold that a command printed nothing but one line of error with a message in it."""
    assert answer.exit_code == code, answer.output
    assert answer.stdout == ""
    assert answer.stderr.startswith("textrep: ")
    assert answer.stderr.count("\n") == 1
    assert message in answer.stderr
