import io
import re
import sys

import pytest

from textrep.core import progress as module
from textrep.core.progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def use_terminal(monkeypatch):
    # Called by the test itself: pytest exchanges sys.stderr after fixtures are set up.
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return screen


def test_items_pass_through_in_order_and_are_counted(capsys):
    bar = progress(iter("abc"), description="letters", unit="letters")
    assert list(bar) == ["a", "b", "c"]
    assert bar.count == 3
    assert capsys.readouterr().out == ""


def test_without_a_terminal_one_plain_line_tells_the_end(capsys):
    for _ in progress(range(3), description="fitting", unit="rungs"):
        pass
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert re.fullmatch(r"fitting: 3/3 rungs in \d+\.\d s", lines[0])


def test_without_a_terminal_a_long_job_tells_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(module, "_LINE_SECONDS", 0.0)
    with progress(total=9, description="reading", unit="lines") as bar:
        bar.update(5)
        bar.update(4, description="sorting")
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("reading: 5/9 lines in")
    assert last.startswith("sorting: 9/9 lines in")


def test_verbose_0_writes_nothing(capsys):
    assert list(progress([1, 2], verbose=0)) == [1, 2]
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_count_rate_and_description(monkeypatch):
    terminal = use_terminal(monkeypatch)
    with progress(total=2000, description="[fitting]", unit="docs") as bar:
        bar.update(2000)
    shown = terminal.getvalue()
    assert "[fitting]" in shown
    assert "2000/2000" in shown
    assert "docs/s" in shown


def test_bars_inside_each_other_share_the_terminal(monkeypatch):
    terminal = use_terminal(monkeypatch)
    for _ in progress(range(2), description="outer"):
        for _ in progress(range(3), description="inner"):
            pass
    assert "outer" in terminal.getvalue()
    assert "inner" in terminal.getvalue()
    assert module._Display._shown is None


def test_an_error_closes_the_bar(monkeypatch):
    use_terminal(monkeypatch)
    with pytest.raises(KeyboardInterrupt), progress(total=3):
        raise KeyboardInterrupt
    assert module._Display._shown is None


def test_a_process_without_standard_error_still_works(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert list(progress([1])) == [1]


def test_iterating_over_nothing_is_explained():
    with pytest.raises(TypeError, match="given no iterable"):
        next(iter(progress(total=3)))


def test_rates_stay_readable():
    assert [module._rate(speed) for speed in (0.01234, 12.34, 1234567.8)] == [
        "0.0123",
        "12.3",
        "1,234,568",
    ]


def test_a_stream_that_cannot_be_written_to_does_not_end_the_job(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    assert list(progress([1, 2], description="job")) == [1, 2]


def test_a_description_cannot_reach_the_terminal(capsys):
    assert list(progress([1], description="\x1b[2Jjob\n")) == [1]
    assert capsys.readouterr().err.startswith(r"\x1b[2Jjob\n: 1/1 it in ")
