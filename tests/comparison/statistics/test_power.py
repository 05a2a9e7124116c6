"""The smallest difference that the test documents can show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.comparison.statistics import detectable_difference
from textrep.comparison.statistics.paired import mcnemar_of_counts


@pytest.mark.parametrize(
    ("n", "discordance", "level"), [(500, 0.1, 0.05), (2000, 0.1, 0.05), (2000, 0.3, 0.05 / 78)]
)
def test_a_difference_of_that_size_is_shown_about_four_times_out_of_five(n, discordance, level):
    difference = detectable_difference(n, discordance, level=level)
    cells = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    only_a, only_b, _ = np.random.default_rng(0).multinomial(n, cells, size=4000).T
    shown = (mcnemar_of_counts(only_a, only_b) <= level).mean()
    # The exact test takes a little more than the normal approximation says.
    assert 0.74 < shown < 0.83


def test_a_comparison_of_many_needs_a_larger_difference():
    alone = detectable_difference(1000, 0.2)
    among = detectable_difference(1000, 0.2, n_comparisons=78)
    assert among == detectable_difference(1000, 0.2, level=0.05 / 78) > alone


@given(n=st.integers(1, 100_000), discordance=st.floats(0, 1))
def test_more_documents_never_show_less(n, discordance):
    fewer, more = (detectable_difference(size, discordance) for size in (n, 4 * n))
    assert 0 < more <= fewer <= 1
    assert more < fewer or fewer == 1


def test_two_rungs_that_agree_on_every_document_could_differ_by_what_all_the_rest_is():
    # All discordant documents go one way: (z_0.975 + z_0.8)^2 = 7.85 of them are needed, a little
    # fewer because shares near 1 vary less.
    assert 0.07 < detectable_difference(100, 0.0) < 0.0785


def test_one_document_shows_nothing():
    assert detectable_difference(1, 1.0) == 1.0
