"""A network from a file takes no more than its weights account for while it is built."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from textrep.core.container import PersistError
from textrep.engine.building import Building
from textrep.engine.estimator import weights_of

MAKERS = {
    "empty": lambda n: torch.empty(n),
    "zeros": lambda n: torch.zeros(n, n),
    "ones": lambda n: torch.ones((n, 2)),
    "full": lambda n: torch.full((n,), 0.5),
    "rand": lambda n: torch.rand(n),
    "randn": lambda n: torch.randn(n, generator=torch.Generator()),
    "arange": lambda n: torch.arange(0, n, 1),
    "eye": lambda n: torch.eye(n),
    "randperm": lambda n: torch.randperm(n),
    "Linear": lambda n: nn.Linear(n, n),
    "Embedding": lambda n: nn.Embedding(n, 8),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_too_large_is_refused_before_it_is_made(make):
    with Building(weight_bytes=1000, n_arrays=2):
        make(10)
        with pytest.raises(PersistError, match=r"with a tensor of [\d,]+ bytes|that no memory"):
            make(10**10)


def test_what_the_weights_account_for_is_built_as_ever():
    torch.manual_seed(0)
    expected = weights_of(nn.TransformerEncoderLayer(8, 2, 16))
    torch.manual_seed(0)
    with Building(weight_bytes=sum(array.nbytes for array in expected.values()), n_arrays=12):
        found = weights_of(nn.TransformerEncoderLayer(8, 2, 16))
    assert found.keys() == expected.keys()
    assert all((found[name] == array).all() for name, array in expected.items())


def test_any_number_of_small_tensors_is_too_many():
    with (
        Building(weight_bytes=10**6, n_arrays=1),
        pytest.raises(PersistError, match="far more tensors than the 1 that are in the file"),
    ):
        nn.Sequential(*(nn.Linear(1, 1) for _ in range(10**9)))
