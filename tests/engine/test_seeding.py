import numpy as np
import pytest
import torch

from textrep.engine.seeding import seed_of, torch_seed


def test_a_seed_belongs_to_its_name():
    assert seed_of(3, "dropout") == seed_of(3, "dropout")
    assert len({seed_of(3, "dropout"), seed_of(3, "weights"), seed_of(4, "dropout")}) == 3


def test_no_seed_takes_fresh_entropy():
    assert seed_of(None, "dropout") != seed_of(None, "dropout")


def test_seeds_are_taken_by_torch_and_numpy():
    for random_state in range(50):
        seed = seed_of(random_state, "x")
        assert 0 <= seed < 2**63
        torch.Generator().manual_seed(seed)
        np.random.default_rng(seed)


def test_inside_numbers_come_from_the_seed_and_outside_nothing_moves():
    torch.manual_seed(0)
    expected = torch.rand(4)
    torch.manual_seed(0)
    with torch_seed(7):
        first = torch.rand(3)
        with torch_seed(8):
            inner = torch.rand(3)
        second = torch.rand(3)
    assert torch.equal(torch.rand(4), expected)
    with torch_seed(7):
        assert torch.equal(torch.cat([first, second]), torch.rand(6))
    with torch_seed(8):
        assert torch.equal(inner, torch.rand(3))


def test_an_error_inside_puts_the_global_state_back():
    before = torch.get_rng_state()

    def fail():
        with torch_seed(1):
            torch.rand(2)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.equal(torch.get_rng_state(), before)
