"""What a student is held to: the teacher's probabilities and the teacher's vectors.

Sums over items, as the loop divides by how many items there are. None looks at padding: the caller
picks the real tokens.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def soft_divergence(
    student: Tensor, teacher: Tensor, temperature: float, *, reduction: str = "sum"
) -> Tensor:
    """Kullback-Leibler divergence of softened probabilities, times the temperature squared.

    Dividing by T makes the gradients smaller by T squared; multiplied by it, soft and hard labels
    weigh alike whatever the temperature.

    Parameters
    ----------
    student, teacher : Tensor, shape (N, K)
        Scores of K classes, or of all words.
    temperature : float
        T, above 0.
    reduction : {"sum", "none"}, default="sum"

    Returns
    -------
    Tensor, scalar, or (N,) without reduction
        T^2 times KL(softmax(teacher / T) || softmax(student / T)), in nats, summed over N.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean: Distilling the knowledge in a neural network, 2015, section 2.

    Examples
    --------
    >>> import torch
    >>> student, teacher = torch.zeros(1, 2), torch.tensor([[0.0, 1.0986123]])
    >>> round(float(soft_divergence(student, teacher, 1.0)), 4)  # of (1/4, 3/4) from (1/2, 1/2)
    0.1308
    """
    own = functional.log_softmax(student.float() / temperature, dim=-1)
    wanted = functional.log_softmax(teacher.float() / temperature, dim=-1)
    each = functional.kl_div(own, wanted, reduction="none", log_target=True).sum(dim=-1)
    return (each.sum() if reduction == "sum" else each) * temperature**2


def cosine_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Sum of one less the cosine between the vectors of student and teacher.

    Parameters
    ----------
    student, teacher : Tensor, shape (N, D)

    Returns
    -------
    Tensor, scalar
        From 0 to 2 N.

    Examples
    --------
    >>> import torch
    >>> float(cosine_distance(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0]])))
    0.0
    """
    return (1 - functional.cosine_similarity(student.float(), teacher.float(), dim=-1)).sum()


def standardised_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of vectors whose values have mean 0 and variance 1, summed over N.

    The raw values of some layers are many times as large as those of others and of other
    networks; without this, one of them makes up the whole loss.

    Parameters
    ----------
    student, teacher : Tensor, shape (N, D)

    Returns
    -------
    Tensor, scalar
        Of each vector, 2 - 2 r with the correlation r of both.

    Examples
    --------
    >>> import torch
    >>> vectors = torch.tensor([[1.0, 2.0, 4.0]])
    >>> round(float(standardised_distance(5 * vectors + 3, vectors)), 4)
    0.0
    """
    size = student.shape[-1:]
    own = functional.layer_norm(student.float(), size)
    wanted = functional.layer_norm(teacher.float(), size)
    return (own - wanted).square().mean(dim=-1).sum()
