"""Linear attention: a fixed feature map in place of the softmax."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from textrep.layers.masks import Mask
from textrep.layers.mechanisms.blocks import key_mask
from textrep.layers.mechanisms.kernel import check_causal, kernel_attention
from textrep.layers.multi_head import Mechanism


class LinearAttention(Mechanism):
    r"""Weights :math:`\phi(q) \cdot \phi(k)` with :math:`\phi(x) = \mathrm{elu}(x) + 1`.

    Notes
    -----
    It is no approximation of softmax attention, and queries are not scaled. There are no weights
    to drop: dropout leaves out features of what is gathered.

    References
    ----------
    A. Katharopoulos et al.: Transformers are RNNs, ICML 2020, equations 5, 7 and 9.

    Examples
    --------
    >>> import torch
    >>> position = torch.arange(3.0).view(1, 1, 3, 1)
    >>> same = torch.zeros_like(position)  # all keys suit equally
    >>> LinearAttention()(same, same, position, causal=True).flatten().tolist()
    [0.0, 0.5, 1.0]
    """

    def forward(
        self,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        mask: Mask | None = None,
        causal: bool = False,
        dropout: float = 0.0,
    ) -> Tensor:
        """As for `Mechanism`; causal, queries and keys are at the same positions."""
        if causal:
            check_causal(queries, keys, "LinearAttention")
        keep = key_mask(mask, "LinearAttention")
        of_keys = _features(keys)
        if keep is not None:
            of_keys = of_keys * keep[:, None, :, None]
        found = kernel_attention(_features(queries), of_keys, values, causal=causal)
        return F.dropout(found, dropout).to(values.dtype) if dropout else found.to(values.dtype)


def _features(x: Tensor) -> Tensor:
    return F.elu(x.float()) + 1
