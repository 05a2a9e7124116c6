import math

import numpy as np
import pytest
import torch

from textrep.engine.schedules import SCHEDULES, learning_rate_factor


def factors(schedule, n_steps, **settings):
    return np.array(
        [learning_rate_factor(schedule, step, n_steps, **settings) for step in range(n_steps)]
    )


def test_slanted_triangular_is_equation_3_of_howard_and_ruder():
    n_steps, cut_share, ratio = 400, 0.1, 32
    cut = math.floor(n_steps * cut_share)
    expected = []
    for t in range(n_steps):
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_share - 1))
        expected.append((1 + p * (ratio - 1)) / ratio)
    np.testing.assert_allclose(factors("slanted-triangular", n_steps), expected, rtol=1e-12)


@pytest.mark.parametrize("n_steps", [1, 2, 5, 11, 19, 21])
def test_slanted_triangular_stays_in_its_bounds_for_few_steps(n_steps):
    # With few steps the paper's formula would divide by a cut of 0 or fall below 1/32.
    found = factors("slanted-triangular", n_steps)
    assert found.min() >= 1 / 32
    assert found.max() <= 1


def test_inverse_square_root_is_that_of_the_transformer():
    d_model, warmup = 512, 40
    step = np.arange(1, 401)
    paper = d_model**-0.5 * np.minimum(step**-0.5, step * warmup**-1.5)
    found = factors("inverse-sqrt", 400, warmup=warmup)
    np.testing.assert_allclose(found, paper / paper.max(), rtol=1e-12)


def test_linear_rises_over_the_warmup_and_falls_to_nothing():
    found = factors("linear", 100, warmup=0.1)
    np.testing.assert_allclose(found[:10], np.arange(1, 11) / 10)
    np.testing.assert_allclose(found[10:], np.arange(90, 0, -1) / 90)


def test_cosine_equals_torchs():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], 1.0)
    peer = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    expected = []
    for _ in range(50):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        peer.step()
    np.testing.assert_allclose(factors("cosine", 50), expected, rtol=1e-5, atol=1e-7)


def test_one_cycle_begins_low_peaks_after_a_quarter_and_ends_near_nothing():
    found = factors("one-cycle", 1000)
    assert found[0] == pytest.approx(1 / 25)
    assert found.argmax() == 250
    assert found[250] == pytest.approx(1)
    assert found[-1] < 1e-4
    assert (np.diff(found[:251]) > 0).all()
    assert (np.diff(found[250:]) < 0).all()
    assert found[125] == pytest.approx((1 + 1 / 25) / 2)  # half-way up the cosine


def test_constant_linear_falls_in_its_second_half():
    found = factors("constant-linear", 8)
    np.testing.assert_allclose(found, [1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_constant_is_one_after_the_warmup():
    assert (factors("constant", 5) == 1).all()
    np.testing.assert_allclose(factors("constant", 5, warmup=3), [1 / 3, 2 / 3, 1, 1, 1])


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("n_steps", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("warmup", [0.0, 0.5, 3, 1000])
def test_factors_lie_between_nothing_and_one(schedule, n_steps, warmup):
    found = factors(schedule, n_steps, warmup=warmup)
    assert np.isfinite(found).all()
    assert (found > 0).all()
    assert (found <= 1).all()
    # A time budget can move the place on the schedule past the last step.
    assert 0 <= learning_rate_factor(schedule, n_steps + 2, n_steps, warmup) <= 1
