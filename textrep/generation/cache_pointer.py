"""`NeuralCache`: words that stood lately are likelier, by how alike the states before them are."""

from __future__ import annotations

import math

import torch

from textrep.embeddings.parameters import check_count, check_number


class NeuralCache:
    r"""The continuous cache of Grave et al.: a memory of the last states and the words after them.

    With the states :math:`h_i` and the words :math:`x_{i+1}` of the last `size` steps,

    .. math::
        p(x) = (1 - \lambda) p_\mathrm{model}(x)
        + \lambda \frac{\sum_i 1[x_{i+1} = x] \exp(\theta h_t \cdot h_i)}
        {\sum_i \exp(\theta h_t \cdot h_i)}

    While nothing is remembered, the model's probability stands alone.

    Parameters
    ----------
    size : int
        Steps that are remembered.
    theta : float
        How much likeness counts; 0 counts words.
    share : float
        :math:`\lambda`, at least 0 and below 1.

    References
    ----------
    E. Grave, A. Joulin, N. Usunier: Improving neural language models with a continuous cache, ICLR
    2017.

    Examples
    --------
    >>> cache = NeuralCache(size=10, theta=0.0, share=0.5)
    >>> nll = torch.full((3,), math.log(4.0))  # the model gives every word one quarter
    >>> mixed = cache.mix(nll, torch.zeros(3, 2), torch.tensor([7, 7, 8]))
    >>> [round(p, 4) for p in mixed.neg().exp().tolist()]  # 1/4; 1/8 + 1/2; 1/8
    [0.25, 0.625, 0.125]
    """

    def __init__(self, size: int, theta: float, share: float) -> None:
        check_count("cache_size", size, 1)
        check_number("cache_theta", theta, least=0)
        check_number("cache_lambda", share, least=0, most=0.999)
        self.size = size
        self.theta = theta
        self.share = share
        self._states: torch.Tensor | None = None
        self._words: torch.Tensor | None = None

    def mix(self, nll: torch.Tensor, states: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Mix the next steps of a text with what is remembered, and remember them.

        Parameters
        ----------
        nll : float tensor (n_steps,)
            Negative log-likelihoods of the words by the model.
        states : float tensor (n_steps, size)
            From which the words were predicted.
        words : int64 tensor (n_steps,)

        Returns
        -------
        float tensor (n_steps,)
            Negative log-likelihoods.
        """
        if self._states is None or self._words is None:
            self._states, self._words = states[:0].float(), words[:0]
        keys = torch.cat([self._states, states.float()])  # (M + T, D)
        after = torch.cat([self._words, words])
        step = torch.arange(len(self._words), len(after), device=words.device)[:, None]
        place = torch.arange(len(after), device=words.device)
        seen = (place < step) & (place >= step - self.size)  # (T, M + T)
        likeness = self.theta * (states.float() @ keys.T)
        weights = likeness.masked_fill(~seen, torch.finfo(likeness.dtype).min).softmax(dim=1)
        remembered = (weights * (seen & (after == words[:, None]))).sum(dim=1)  # (T,)
        mixed = torch.logaddexp(
            math.log(1 - self.share) - nll.float(), (self.share * remembered).log()
        )
        self._states, self._words = keys[-self.size :], after[-self.size :]
        return torch.where(seen.any(dim=1), -mixed, nll.float())
