"""Losses of distillation: temperature, padding, closed forms."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from textrep.contextual.distillation.losses import (
    cosine_distance,
    soft_divergence,
    standardised_distance,
)
from textrep.contextual.distillation.masked_counts import mask_by_counts, masking_weights
from textrep.contextual.distillation.relations import relation_divergence, relation_heads_for


def draw(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape)).float()


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_soft_divergence_is_torchs_batchmean_times_n_and_t_squared(temperature):
    student, teacher = draw(6, 5), draw(6, 5, seed=1)
    peer = torch.nn.KLDivLoss(reduction="batchmean")(
        functional.log_softmax(student / temperature, dim=-1),
        functional.softmax(teacher / temperature, dim=-1),
    )
    found = soft_divergence(student, teacher, temperature)
    torch.testing.assert_close(found, peer * 6 * temperature**2)


def test_gradients_do_not_shrink_with_the_temperature():
    """Of small scores their ratio at T=1 and T=4 is 1; without T squared it would be 16."""
    teacher = 0.02 * draw(50, 10, seed=1)
    norms = {}
    for temperature in (1.0, 4.0):
        student = (0.02 * draw(50, 10)).requires_grad_()
        soft_divergence(student, teacher, temperature).backward()
        norms[temperature] = float(student.grad.norm())
    assert norms[1.0] / norms[4.0] == pytest.approx(1.0, abs=0.02)


def test_the_loss_is_zero_where_student_and_teacher_are_one():
    scores = draw(4, 3)
    assert float(soft_divergence(scores, scores, 2.0)) == pytest.approx(0.0, abs=1e-6)
    assert float(cosine_distance(scores, 2 * scores)) == pytest.approx(0.0, abs=1e-5)
    assert float(standardised_distance(scores, 2 * scores + 1)) == pytest.approx(0.0, abs=1e-3)


def test_cosine_distance_is_torchs_cosine_embedding_loss():
    student, teacher = draw(7, 5), draw(7, 5, seed=1)
    peer = torch.nn.CosineEmbeddingLoss()(student, teacher, torch.ones(7))
    torch.testing.assert_close(cosine_distance(student, teacher), 7 * peer)


def test_standardised_distance_is_two_less_twice_the_correlation():
    student, teacher = draw(4, 64), draw(4, 64, seed=1)
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(student.numpy(), teacher.numpy(), strict=True)]
    expected = sum(2 - 2 * value for value in r)
    assert float(standardised_distance(student, teacher)) == pytest.approx(expected, abs=1e-3)


def by_hand(student, teacher, lengths, n_heads):
    """Row by row, head by head, with numpy's exponentials."""
    total = 0.0
    for s, t, n in zip(student.numpy(), teacher.numpy(), lengths, strict=True):
        for head in range(n_heads):
            both = []
            for x in (s, t):
                size = x.shape[1] // n_heads
                part = x[:n, head * size : (head + 1) * size].astype(np.float64)
                scores = np.exp(part @ part.T / np.sqrt(size))
                both.append(scores / scores.sum(axis=1, keepdims=True))
            total += (both[1] * np.log(both[1] / both[0])).sum() / n_heads
    return total


def test_relations_are_those_computed_by_hand_whatever_the_widths():
    student, teacher = draw(3, 5, 4), draw(3, 5, 8, seed=1)
    lengths = [5, 2, 1]
    found = float(relation_divergence(student, teacher, torch.tensor(lengths), 2))
    assert found == pytest.approx(by_hand(student, teacher, lengths, 2), rel=1e-5)


def test_padding_has_no_part_in_relations_nor_a_gradient():
    lengths = torch.tensor([4, 2])
    teacher = draw(2, 4, 8, seed=1)
    student = draw(2, 4, 4).requires_grad_()
    first = relation_divergence(student, teacher, lengths, 2)
    first.backward()
    assert not student.grad[1, 2:].any()
    assert torch.isfinite(student.grad).all()
    assert student.grad[1, :2].any()
    with torch.no_grad():
        changed, other = student.clone(), teacher.clone()
        changed[1, 2:], other[1, 2:] = 9.0, -9.0
        torch.testing.assert_close(relation_divergence(changed, other, lengths, 2), first.detach())


def test_relations_of_identical_vectors_are_at_zero():
    vectors = draw(2, 4, 8)
    found = relation_divergence(vectors, vectors.clone(), torch.tensor([4, 3]), 4)
    assert float(found) == pytest.approx(0.0, abs=1e-6)


def test_relation_heads_divide_both_sizes():
    assert relation_heads_for(768, 768) == 48
    assert relation_heads_for(6, 9) == 1
    with pytest.raises(ValueError, match="relation_heads must divide the hidden sizes 8 and 12"):
        relation_heads_for(8, 12, 8)


# ---- masking by counts


def test_masking_weights_are_counts_to_the_minus_seven_tenths():
    rows = [np.array([0, 5, 5, 5, 6]), np.array([0, 5, 7])]
    weights = masking_weights(rows, 9, [0, 1])
    expected = [0, 0, 1, 1, 1, 4**-0.7, 1, 1, 1]
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


@pytest.fixture(scope="module")
def masked():
    """A large batch, masked: ids before, after, chosen, lengths."""
    rng = np.random.default_rng(0)
    ids = torch.from_numpy(np.where(rng.random((400, 50)) < 0.5, 5, 6)).long()
    ids[:, 0] = 1
    lengths = torch.from_numpy(rng.integers(20, 51, size=400)).long()
    weights = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        seen, chosen = mask_by_counts(ids, lengths, weights, 2)
    return ids, seen, chosen, lengths


def test_fifteen_per_cent_of_the_real_tokens_are_hidden_and_no_special_one(masked):
    ids, seen, chosen, lengths = masked
    assert int(chosen.sum()) == int(np.ceil(0.15 * int(lengths.sum())))
    assert not chosen[:, 0].any()
    padding = torch.arange(50) >= lengths[:, None]
    assert not chosen[padding].any()
    assert torch.equal(seen[~chosen], ids[~chosen])


def test_eight_of_ten_become_the_mask_and_one_stays(masked):
    ids, seen, chosen, _ = masked
    hidden = seen[chosen]
    n = len(hidden)
    assert abs(int((hidden == 2).sum()) / n - (0.8 + 0.1 / 10)) < 0.02
    stays = float((hidden == ids[chosen]).float().mean())
    assert abs(stays - (0.1 + 0.1 / 10)) < 0.015


def test_tokens_are_drawn_in_proportion_to_their_weights(masked):
    ids, _, chosen, lengths = masked
    real = torch.arange(50) < lengths[:, None]
    share = {i: float(chosen[(ids == i) & real].float().mean()) for i in (5, 6)}
    assert share[5] / share[6] == pytest.approx(2.0, rel=0.1)


def test_a_batch_of_nothing_but_special_tokens_is_left_alone():
    ids = torch.ones(2, 3, dtype=torch.int64)
    seen, chosen = mask_by_counts(ids, torch.tensor([3, 2]), torch.tensor([0.0, 0.0, 1.0]), 2)
    assert torch.equal(seen, ids)
    assert not chosen.any()
