import numpy as np
import pytest

from textrep.core.random import stream, streams


def draws(generator):
    return generator.integers(2**63, size=8).tolist()


def test_one_seed_gives_the_same_numbers_again():
    assert draws(stream(7, "weights")) == draws(stream(7, "weights"))


def test_numbers_of_a_stream_do_not_change_when_another_joins():
    alone = draws(streams(7, ["weights"])["weights"])
    joined = streams(7, ["dropout", "weights"])
    assert draws(joined["weights"]) == alone
    assert draws(joined["dropout"]) != alone


def test_paths_of_names_differ_from_their_parts():
    seen = [stream(0), stream(0, "a"), stream(0, "b"), stream(0, "a", "b"), stream(0, "ab")]
    assert len({tuple(draws(generator)) for generator in seen}) == len(seen)


def test_streams_of_neighbouring_seeds_are_uncorrelated():
    first = stream(0, "x").standard_normal(100_000)
    second = stream(1, "x").standard_normal(100_000)
    # Five standard errors of a correlation of nothing.
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(100_000)


def test_none_takes_fresh_entropy():
    assert draws(stream(None, "x")) != draws(stream(None, "x"))


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_a_generator_is_advanced_and_reproducible(make):
    generator = make(3)
    first, second = draws(stream(generator, "x")), draws(stream(generator, "x"))
    assert first != second
    assert draws(stream(make(3), "x")) == first


@pytest.mark.parametrize("random_state", [None, 0, 2**100, np.int64(5)])
def test_global_seeds_are_neither_read_nor_set(random_state):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    stream(random_state, "x").random(10)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    assert before["state"]["pos"] == after["state"]["pos"]
    assert (before["state"]["key"] == after["state"]["key"]).all()


def test_wrong_seeds_are_named():
    with pytest.raises(ValueError, match="random_state must be 0 or greater, got -1"):
        stream(-1, "x")
    for wrong in ("0", 1.5, True, np.random):
        with pytest.raises(TypeError, match="random_state must be None, an int"):
            stream(wrong, "x")


def test_repeated_names_are_refused():
    with pytest.raises(ValueError, match="names repeats 'a'"):
        streams(0, ["a", "b", "a"])
