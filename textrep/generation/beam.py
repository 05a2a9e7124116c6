"""The one beam search: the most probable continuations of each row, whatever model says what
follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, Self

import torch

from textrep.embeddings.parameters import check_count, check_number


class SearchState(Protocol):
    """What a model carries from step to step, one entry for each beam."""

    def select(self, rows: torch.Tensor) -> Self:
        """The state of some beams, in the order of `rows`, int64 (n,); a beam may be repeated."""


Step = Callable[[torch.Tensor, Any], tuple[torch.Tensor, Any]]
"""Last tokens, int64 (N,), and state -> log-probabilities of the next one (N, V), and state."""


class Hypothesis(NamedTuple):
    """One continuation that `beam_search` found.

    Attributes
    ----------
    ids : list of int
        The tokens generated, without `bos`, prompt and `eos`.
    log_prob : float
        Sum of the log-probabilities of its tokens, that of `eos` among them.
    score : float
        ``log_prob`` divided by the length penalty; what hypotheses are ranked by.
    finished : bool
        Whether it ended with `eos`; else it was cut at the longest length.
    """

    ids: list[int]
    log_prob: float
    score: float
    finished: bool


def length_penalty_of(length: float, alpha: float) -> float:
    r"""What the log-probability of so many tokens is divided by, :math:`((5 + L) / 6)^\alpha`.

    References
    ----------
    Y. Wu et al.: Google's Neural Machine Translation System, arXiv 1609.08144, equation 14.

    Examples
    --------
    >>> length_penalty_of(1, 0.6), length_penalty_of(7, 1.0)
    (1.0, 2.0)
    """
    return float(((5.0 + length) / 6.0) ** alpha)


def beam_search(
    step: Step,
    state: Any,
    n_rows: int,
    *,
    bos: int | torch.Tensor,
    eos: int,
    beam_width: int,
    max_length: int | Sequence[int],
    length_penalty: float,
    n_best: int | None = None,
    device: torch.device | str = "cpu",
) -> list[list[Hypothesis]]:
    """Find probable continuations of each row.

    At each step the `beam_width` best continuations of a row's beams go on; those among them that
    end with `eos` are finished and compete by their score from then on. A row ends when none of its
    beams can come to a score above that of its finished hypotheses, so a width of 1 is greedy
    search. Rows do not influence each other: of a batch, each gets what it would get alone.

    Parameters
    ----------
    step : callable
        ``step(tokens, state) -> (log_probs, state)``: the last tokens of N beams, int64 (N,), to
        the log-probabilities of their next ones, float (N, V). A token of ``-inf`` is never taken.
    state : object
        Of `n_rows` beams before the first step; its ``select(rows)`` gives that of some of them.
    n_rows : int
    bos : int or int64 tensor of shape (n_rows,)
        What the first step is given: one token for all rows, or the last one of each prompt.
    eos : int
        The token that ends a continuation.
    beam_width : int
        Beams of each row, at least 1.
    max_length : int or sequence of int, (n_rows,)
        Most tokens that are generated, `eos` included; at least 1. What has not ended by then is
        cut there, and competes as it is.
    length_penalty : float
        Exponent alpha of `length_penalty_of`, where the length is that of the generated tokens,
        `eos` included and the prompt not; 0 ranks by plain sums, larger values favour longer ones.
    n_best : int, optional
        How many hypotheses of a row are wanted; `beam_width` when left out. Fewer end sooner.
    device : torch.device or str, default="cpu"
        Where the tokens are that `step` is given.

    Returns
    -------
    list of list of Hypothesis
        For each row at most `n_best`, the best first; fewer only where there are no more, none
        where all continuations are impossible.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    A. Graves: Sequence Transduction with Recurrent Neural Networks, arXiv 1211.3711.

    Examples
    --------
    A model without memory, in which 2 ends a text and is as likely as not:

    >>> class Memoryless:
    ...     def select(self, rows):
    ...         return self
    >>> log_probs = torch.tensor([0.3, 0.2, 0.5]).log()
    >>> def step(tokens, state):
    ...     return log_probs.expand(len(tokens), 3), state
    >>> found = beam_search(
    ...     step, Memoryless(), 1, bos=0, eos=2, beam_width=2, max_length=3, length_penalty=0.0
    ... )
    >>> [(hypothesis.ids, round(hypothesis.log_prob, 2)) for hypothesis in found[0]]
    [([], -0.69), ([0], -1.9)]
    """
    check_count("beam_width", beam_width, 1)
    check_number("length_penalty", length_penalty, least=0.0)
    wanted = beam_width if n_best is None else n_best
    check_count("n_best", wanted, 1)
    if wanted > beam_width:
        raise ValueError(
            f"n_best must be at most beam_width, which is {beam_width}, got {wanted}; "
            "a wider beam finds more"
        )
    limits: list[Any]
    limits = list(max_length) if isinstance(max_length, Sequence) else [max_length] * n_rows
    if len(limits) != n_rows:
        raise ValueError(f"max_length has {len(limits)} lengths for {n_rows} rows; give one each")
    for limit in limits:
        check_count("max_length", limit, 1)
    searches = [_Row(limit, float(length_penalty), int(wanted)) for limit in limits]
    if isinstance(bos, torch.Tensor):
        tokens = bos.to(device=device, dtype=torch.int64)
    else:
        tokens = torch.full((n_rows,), int(bos), dtype=torch.int64, device=device)
    beams = _Beams(
        owners=torch.arange(n_rows, device=device),
        log_probs=torch.zeros(n_rows, dtype=torch.float64, device=device),
        ids=torch.empty((n_rows, 0), dtype=torch.int64, device=device),
    )
    while len(tokens):
        log_probs, state = step(tokens, state)
        parents, beams = _advance(beams, log_probs, searches, int(beam_width), int(eos))
        state = state.select(parents)
        tokens = beams.ids[:, -1]
    return [search.best() for search in searches]


class _Beams(NamedTuple):
    """The beams that go on, all of the same length; those of a row stand together.

    Attributes
    ----------
    owners : int64 tensor (N,)
        Row of each.
    log_probs : float64 tensor (N,)
    ids : int64 tensor (N, length)
    """

    owners: torch.Tensor
    log_probs: torch.Tensor
    ids: torch.Tensor


class _Row:
    """What is known of one row: the hypotheses that ended, best first."""

    def __init__(self, max_length: int, alpha: float, wanted: int) -> None:
        self.max_length = max_length
        self._alpha = alpha
        self._wanted = wanted
        self._ended: list[Hypothesis] = []

    def end(self, ids: list[int], log_prob: float, length: int, finished: bool) -> None:
        score = log_prob / length_penalty_of(length, self._alpha)
        self._ended.append(Hypothesis(ids, log_prob, score, finished))
        # Stable: of equal scores the one that was found first, whatever other rows do.
        self._ended.sort(key=lambda hypothesis: -hypothesis.score)
        del self._ended[self._wanted :]

    def can_win(self, log_prob: float) -> bool:
        """Whether a beam may still come among the best.

        Its sum only falls, and nothing divides it by more than the penalty of the longest length.
        """
        if len(self._ended) < self._wanted:
            return True
        bound = log_prob / length_penalty_of(self.max_length, self._alpha)
        return bound > self._ended[-1].score

    def best(self) -> list[Hypothesis]:
        return list(self._ended)


def _advance(
    beams: _Beams, log_probs: torch.Tensor, searches: list[_Row], beam_width: int, eos: int
) -> tuple[torch.Tensor, _Beams]:
    """One step of all rows: the beams that go on and, for each, the beam that it came from."""
    parents, tokens, sums = _best_continuations(beams, log_probs, beam_width)
    length = beams.ids.shape[1] + 1
    owners = beams.owners[parents]
    lists = [values.tolist() for values in (owners, parents, tokens, sums)]
    going: list[int] = []
    ids = None
    for place, (owner, parent, token, total) in enumerate(zip(*lists, strict=True)):
        search = searches[owner]
        ends = token == eos
        if ends or length == search.max_length:
            ids = beams.ids.tolist() if ids is None else ids
            search.end(ids[parent] + ([] if ends else [token]), total, length, ends)
        else:
            going.append(place)
    # Asked only now: what ended in this step counts for all beams of its row.
    going = [place for place in going if searches[lists[0][place]].can_win(lists[3][place])]
    kept = torch.tensor(going, dtype=torch.int64, device=owners.device)
    parents, tokens = parents[kept], tokens[kept]
    grown = torch.cat([beams.ids[parents], tokens.unsqueeze(1)], dim=1)
    return parents, _Beams(owners[kept], sums[kept], grown)


def _best_continuations(
    beams: _Beams, log_probs: torch.Tensor, beam_width: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The best `beam_width` continuations of each row: beam, token and sum, best of a row first."""
    # No continuation of a row is among its best that is not among the best of its beam.
    few = min(beam_width, log_probs.shape[1])
    gains, tokens = log_probs.topk(few, dim=1)  # (N, few)
    sums = beams.log_probs.unsqueeze(1) + gains.to(beams.log_probs)
    rows, places = torch.unique_consecutive(beams.owners, return_inverse=True)
    counts = torch.bincount(places, minlength=len(rows))
    starts = counts.cumsum(0) - counts
    slots = torch.arange(len(places), device=places.device) - starts[places]
    table = sums.new_full((len(rows), beam_width, few), -torch.inf)
    table[places, slots] = sums
    best, where = table.flatten(1).topk(min(beam_width, beam_width * few), dim=1)  # (rows, width)
    possible = best > -torch.inf
    parents = (starts.unsqueeze(1) + where // few)[possible]
    return parents, tokens[parents, (where % few)[possible]], best[possible]
