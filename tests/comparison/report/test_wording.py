"""How the report writes numbers, labels and texts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.comparison.report.wording import (
    data_size,
    duration,
    elided,
    label_text,
    legible,
    number,
    quoted,
)

# Lone surrogates included.
ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@given(ANY_TEXT)
def test_whatever_a_text_holds_its_quotation_is_one_line_that_can_be_encoded(text):
    shown = quoted(text)
    shown.encode("utf-8")
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs")]
    assert len(shown.splitlines()) <= 1


@given(ANY_TEXT)
def test_legible_text_without_odd_characters_stays_as_it_is(text):
    if all(unicodedata.category(c)[0] in "LMNPSZ" for c in text):
        assert legible(text) == text


@given(ANY_TEXT, st.integers(2, 50))
def test_an_elided_text_keeps_both_ends_and_says_that_it_was_cut(text, limit):
    shown = elided(text, limit)
    if len(text) <= limit:
        assert shown == text
    else:
        start, cut, end = shown.partition("…") if "…" not in text else (shown, "…", "")
        assert cut
        assert text.startswith(start) or "…" in text
        assert text.endswith(end)
        assert len(shown) == limit + 1


def test_overrides_of_the_direction_of_writing_are_made_visible():
    assert legible("a\u202eb") == "a\\u202eb"


def test_joiners_that_scripts_need_are_kept():
    assert legible("क्\u200dष") == "क्\u200dष"


@given(st.floats(1e-6, 1e12))
def test_a_number_is_shown_to_three_digits(value):
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=0.00501)


@pytest.mark.parametrize(
    ("value", "expected"), [(9.996, "10.0"), (0.0, "0"), (999_600.0, "1,000,000"), (12.0, "12.0")]
)
def test_numbers_at_the_border_of_a_power_of_ten(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize(
    ("n_bytes", "expected"), [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (5.5e15, "5,500 TB")]
)
def test_sizes_in_decimal_units(n_bytes, expected):
    assert data_size(n_bytes).replace("\u00a0", " ") == expected


@pytest.mark.parametrize(("seconds", "expected"), [(59.99, "60.0 s"), (3599.9, "1 h 0 min")])
def test_durations(seconds, expected):
    assert duration(seconds).replace("\u00a0", " ") == expected


def test_an_empty_label_has_a_name():
    assert label_text("") == label_text("  ") == "(empty)"
