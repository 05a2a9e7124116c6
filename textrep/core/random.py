"""Independent random streams with names, all from one seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

RandomState: TypeAlias = "int | np.random.Generator | np.random.RandomState | None"

_ENTROPY_WORDS = 4  # 128 bits, the pool size of numpy's SeedSequence
_KEY_WORDS = 4


def streams(random_state: RandomState, names: Iterable[str]) -> dict[str, np.random.Generator]:
    """One generator for each name, independent of each other and of the order of the names.

    Adding a stream to a model leaves the numbers of its other streams as they were.

    Parameters
    ----------
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        None takes fresh entropy from the system. A generator is advanced by one draw, so
        that calling again with the same one gives other streams. Global seeds are neither
        read nor set.
    names : iterable of str
        What the streams are for, without repeats.

    Returns
    -------
    dict of str to numpy.random.Generator

    Raises
    ------
    TypeError
        If `random_state` is of another type.
    ValueError
        If `random_state` is negative or a name is repeated.

    Examples
    --------
    >>> both = streams(0, ["weights", "shuffle"])
    >>> alone = streams(0, ["shuffle"])
    >>> both["shuffle"].integers(1000) == alone["shuffle"].integers(1000)
    np.True_
    """
    wanted = list(names)
    if repeated := sorted({name for name in wanted if wanted.count(name) > 1}):
        raise ValueError(f"names repeats {', '.join(map(repr, repeated))}; name each stream once")
    entropy = _entropy(random_state)
    return {name: _generator(entropy, [name]) for name in wanted}


def stream(random_state: RandomState, *names: str) -> np.random.Generator:
    """The generator for one name, or for a path of names.

    Parameters
    ----------
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        As for `streams`.
    *names : str
        What the stream is for, from the general to the particular.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    TypeError
        If `random_state` is of another type.
    ValueError
        If `random_state` is negative.

    Examples
    --------
    >>> draws = stream(0, "epoch", "3").random(2)
    >>> (draws == stream(0, "epoch", "3").random(2)).all()
    np.True_
    """
    return _generator(_entropy(random_state), names)


def _entropy(random_state: RandomState) -> int | list[int]:
    if random_state is None:
        seed = np.random.SeedSequence().entropy
        assert isinstance(seed, int)
        return seed
    if isinstance(random_state, np.random.Generator):
        return random_state.integers(2**32, size=_ENTROPY_WORDS).tolist()
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(2**32, size=_ENTROPY_WORDS, dtype=np.int64).tolist()
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if random_state < 0:
            raise ValueError(f"random_state must be 0 or greater, got {random_state}")
        return int(random_state)
    raise TypeError(
        "random_state must be None, an int, a numpy Generator or a numpy RandomState, "
        f"got {random_state!r}"
    )


def _generator(entropy: int | list[int], names: Iterable[str]) -> np.random.Generator:
    key: list[int] = []
    for name in names:
        digest = hashlib.blake2b(name.encode("utf-8"), digest_size=4 * _KEY_WORDS).digest()
        key.extend(np.frombuffer(digest, dtype="<u4").tolist())
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=tuple(key)))
