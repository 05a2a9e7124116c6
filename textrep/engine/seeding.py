"""torch's random numbers from a seed of one's own; the global state stays as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from textrep.core.locks import SharedLock
from textrep.core.random import RandomState, stream

_SEED_BITS = 63

# The generator is one for all threads: two that draw from it at once would each get some of the
# numbers of the other.
_generators = SharedLock()


def seed_of(random_state: RandomState, name: str) -> int:
    """A seed for one purpose.

    Parameters
    ----------
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        As for `textrep.core.random.streams`: None takes fresh entropy.
    name : str
        What it is for; other names give independent seeds.

    Returns
    -------
    int
        Of 63 bits.

    Examples
    --------
    >>> seed_of(0, "weights") == seed_of(0, "weights") != seed_of(0, "dropout")
    True
    """
    return int(stream(random_state, name).integers(2**_SEED_BITS))


@contextlib.contextmanager
def torch_seed(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Draw torch's random numbers from a seed inside; outside, the global state is untouched.

    Modules draw their first weights and their dropout from torch's global generator, which is
    therefore lent to them: to one thread at a time, so that models which are trained in several
    threads, as by joblib's, are trained one after the other, and as they are alone.

    Parameters
    ----------
    seed : int
    device : torch.device, optional
        A GPU whose generator is lent too.

    Examples
    --------
    >>> with torch_seed(0):
    ...     first = torch.rand(2)
    >>> with torch_seed(0):
    ...     bool((first == torch.rand(2)).all())
    True
    """
    with own_random(device):
        torch.default_generator.manual_seed(seed)
        if device is not None and device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device is not None and device.type == "mps":
            torch.mps.manual_seed(seed)
        yield


@contextlib.contextmanager
def own_random(device: torch.device | None = None) -> Iterator[None]:
    """Put torch's random state back on leaving; other threads wait meanwhile to have it."""
    with _generators:
        state = get_state(device)
        try:
            yield
        finally:
            set_state(state, device)


def get_state(device: torch.device | None) -> dict[str, torch.Tensor]:
    """The state of torch's generators, uint8 tensors."""
    state = {"cpu": torch.get_rng_state()}
    if device is not None and device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device is not None and device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_state(state: dict[str, torch.Tensor], device: torch.device | None) -> None:
    """Put torch's generators into a state that `get_state` gave, as far as the device has them."""
    torch.set_rng_state(state["cpu"])
    if device is not None and device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device is not None and device.type == "mps" and "mps" in state:
        torch.mps.set_rng_state(state["mps"])
