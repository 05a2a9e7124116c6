"""The logistic function and its loss, sixteen at a time."""

from __future__ import annotations

import numpy as np

from textrep.embeddings.kernels.simd import (
    add,
    div,
    fma,
    load,
    maximum,
    minimum,
    mul,
    nearest,
    scale_by_power_of_two,
    splat,
    store,
    sub,
    total,
)
from textrep.sparse.kernels.memory import always_inline

F = np.float32
_FARTHEST = F(80.0)  # exp(-80) is still a normal float32
_LOG2_E = F(1.4426950408889634)
_LN_2_HIGH = F(0.693359375)  # ln 2 in two parts, so that n * ln 2 loses nothing (Cephes, expf)
_LN_2_LOW = F(-2.12194440e-4)


@always_inline
def exp_of_minus(x):
    """exp(-x) for x from 0 to 80, to 2 units in the last place: 2**n times a Taylor series."""
    y = sub(splat(F(0.0)), minimum(x, splat(_FARTHEST)))
    n = nearest(mul(y, splat(_LOG2_E)))
    r = fma(n, splat(-_LN_2_HIGH), y)
    r = fma(n, splat(-_LN_2_LOW), r)  # at most ln(2) / 2
    p = splat(F(1.0 / 5040.0))
    p = fma(p, r, splat(F(1.0 / 720.0)))
    p = fma(p, r, splat(F(1.0 / 120.0)))
    p = fma(p, r, splat(F(1.0 / 24.0)))
    p = fma(p, r, splat(F(1.0 / 6.0)))
    p = fma(p, r, splat(F(0.5)))
    p = fma(p, r, splat(F(1.0)))
    p = fma(p, r, splat(F(1.0)))
    return scale_by_power_of_two(p, n)


@always_inline
def log_1_plus(e):
    """log(1 + e) for e from 0 to 1: 2 artanh(e / (2 + e)), whose argument is at most 1 / 3."""
    s = div(e, add(splat(F(2.0)), e))
    t = mul(s, s)
    p = splat(F(2.0 / 13.0))
    p = fma(p, t, splat(F(2.0 / 11.0)))
    p = fma(p, t, splat(F(2.0 / 9.0)))
    p = fma(p, t, splat(F(2.0 / 7.0)))
    p = fma(p, t, splat(F(2.0 / 5.0)))
    p = fma(p, t, splat(F(2.0 / 3.0)))
    p = fma(p, t, splat(F(2.0)))
    return mul(p, s)


@always_inline
def logistic_steps(scores, sign, n, rate):
    """Scores of pairs -> the steps down the gradient of their logistic loss, in place.

    Parameters
    ----------
    scores : float32 (n,), n a multiple of 16; u . v of each pair, and then rate * d/d(u . v) of
        log sigma(sign * u . v)
    sign : float32 (n,), 1 for a pair that was seen, -1 for one that was drawn, 0 for padding
    n : int
    rate : float32, the learning rate

    Returns
    -------
    float32
        The loss, the sum of -log sigma(sign * u . v); NaN where a score is NaN or infinite.
    """
    zero = splat(F(0.0))
    one = splat(F(1.0))
    half = splat(F(0.5))
    speed = splat(F(rate))
    loss = zero
    at = 0
    while at < n:
        s = load(sign, at)
        y = sub(zero, mul(s, load(scores, at)))  # how wrong; the loss is log(1 + exp(y))
        away = maximum(y, sub(zero, y))
        e = exp_of_minus(away)
        share = div(one, add(one, e))  # sigma(|y|)
        counts = mul(s, s)
        twice = add(y, away)  # 2 max(y, 0), but NaN where y is: `maximum` alone would hide it
        loss = fma(counts, fma(half, twice, log_1_plus(e)), loss)
        # sigma(y) = share for y > 0, else 1 - share; without a branch.
        positive = minimum(mul(twice, splat(F(1e30))), one)
        sigma = fma(positive, sub(add(share, share), one), sub(one, share))
        store(scores, at, mul(mul(s, speed), sigma))
        at += 16
    return total(loss)
