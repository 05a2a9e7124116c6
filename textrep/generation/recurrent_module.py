"""`RecurrentLM`: the network of a recurrent language model, and what training minimises."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from textrep.embeddings.parameters import check_number
from textrep.engine.loss import LossSum
from textrep.engine.streams import StreamBatch
from textrep.engine.task import Task
from textrep.layers.dropout import LockedDropout, check_dropout, embed
from textrep.layers.output import AdaptiveOutput, SoftmaxOutput, TiedAdaptiveOutput
from textrep.layers.recurrent import (
    RecurrentStack,
    State,
    detach_state,
    dict_to_state,
    state_to_dict,
)

# Vectors of length 1, about: what 0.1 for the largest entry comes to with the 200 to 400 dimensions
# of Zaremba et al. (2014) and Merity et al. (2018).
_SQUARED_LENGTH = 1.0


@dataclass(frozen=True)
class Dropouts:
    """Shares of values that are dropped in training, each drawn once for a whole window.

    Attributes
    ----------
    embedding : of the words of the vocabulary, all their occurrences
    input : of the dimensions of word vectors
    hidden : of those between the layers
    output : of those of the last layer
    weight : of the weights from each layer's state to its next
    """

    embedding: float = 0.0
    input: float = 0.0
    hidden: float = 0.0
    output: float = 0.0
    weight: float = 0.0


class RecurrentLM(nn.Module):
    """Tokens -> states of recurrent layers -> probabilities of the next token.

    Parameters
    ----------
    vocabulary_size : int
    embedding_size, hidden_size : int
    num_layers : int, default=2
    cell : {"lstm", "gru", "rnn"}, default="lstm"
    tie_weights : bool, default=True
        Whether the output's weights are the word vectors (Press & Wolf 2017, Inan et al. 2017); the
        last layer then has `embedding_size` units.
    cutoffs : sequence of int, default=()
        Where the vocabulary, most frequent first, is cut for an adaptive softmax (Grave et al.
        2017); none for the full softmax.
    dropouts : Dropouts

    Attributes
    ----------
    embedding : torch.nn.Embedding
    stack : RecurrentStack
    output : SoftmaxOutput, AdaptiveOutput or TiedAdaptiveOutput

    References
    ----------
    S. Merity, N. S. Keskar, R. Socher: Regularizing and optimizing LSTM language models, ICLR 2018.

    Examples
    --------
    >>> module = RecurrentLM(50, 8, 16)
    >>> layers, state = module.forward_states(torch.tensor([[4, 5, 6]]))
    >>> [tuple(layer.shape) for layer in layers]
    [(1, 3, 16), (1, 3, 8)]
    >>> tuple(module.output.log_probs(layers[-1][0]).shape)
    (3, 50)
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        num_layers: int = 2,
        *,
        cell: str = "lstm",
        tie_weights: bool = True,
        cutoffs: tuple[int, ...] = (),
        dropouts: Dropouts | None = None,
    ) -> None:
        super().__init__()
        dropouts = Dropouts() if dropouts is None else dropouts
        last_size = embedding_size if tie_weights else hidden_size
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        largest = math.sqrt(3 * _SQUARED_LENGTH / embedding_size)  # of a uniform distribution
        nn.init.uniform_(self.embedding.weight, -largest, largest)
        check_dropout("embedding_dropout", dropouts.embedding)
        self.embedding_dropout = dropouts.embedding
        self.input_dropout = LockedDropout(dropouts.input)
        self.stack = RecurrentStack(
            embedding_size,
            hidden_size,
            cell=cell,
            num_layers=num_layers,
            dropout=dropouts.hidden,
            weight_dropout=dropouts.weight,
            output_size=last_size,
        )
        self.output_dropout = LockedDropout(dropouts.output)
        tied = self.embedding if tie_weights else None
        self.output: SoftmaxOutput | AdaptiveOutput | TiedAdaptiveOutput
        if not cutoffs:
            self.output = SoftmaxOutput(last_size, vocabulary_size, tied=tied)
        elif tied is None:
            self.output = AdaptiveOutput(last_size, vocabulary_size, list(cutoffs))
        else:
            self.output = TiedAdaptiveOutput(tied, list(cutoffs))

    def forward_states(
        self, ids: torch.Tensor, lengths: torch.Tensor | None = None, state: State | None = None
    ) -> tuple[list[torch.Tensor], State]:
        """Read tokens.

        Parameters
        ----------
        ids : int64 tensor (n_rows, n_steps)
        lengths : int64 tensor (n_rows,), optional
            Steps of each row that are no padding; needed where the state is.
        state : optional
            What an earlier call gave, to go on from there.

        Returns
        -------
        layers : list of float tensor (n_rows, n_steps, size)
            Outputs of each layer, those of the last one without dropout.
        state
        """
        vectors = embed(self.embedding, ids, self.embedding_dropout, self.training)  # (B, T, E)
        return self.stack(self.input_dropout(vectors), lengths, state)

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        """What a sampler chooses by, float tensor (..., vocabulary_size).

        Logits where the output has them, else logarithms of probabilities.

        Parameters
        ----------
        hidden : float tensor (..., size)
            Outputs of the last layer.
        """
        if isinstance(self.output, SoftmaxOutput):
            return self.output.logits(hidden).float()
        return self.output.log_probs(hidden)


class RecurrentLMTask(Task):
    r"""Next-token prediction by truncated back-propagation through time.

    The state of the streams goes on from window to window, but no gradient goes back over the edge
    of a window. Training minimises, per token,

    .. math::
        -\log p(x_{t+1} | x_{\le t}) + \alpha \cdot \mathrm{mean}(m \odot h_t)^2
        + \beta \cdot \mathrm{mean}(h_{t+1} - h_t)^2

    with the last layer's output h and its dropout mask m; in evaluation the first term alone. The
    measure ``nll`` is the first term always, so that no perplexity is taken from the others.

    Parameters
    ----------
    module : RecurrentLM
    activation_penalty : float, default=0.0
        :math:`\alpha`, which keeps activations small.
    slowness_penalty : float, default=0.0
        :math:`\beta`, which keeps them from changing fast.

    References
    ----------
    S. Merity, B. McCann, R. Socher: Revisiting activation regularization for language RNNs, 2017.
    """

    def __init__(
        self, module: RecurrentLM, activation_penalty: float = 0.0, slowness_penalty: float = 0.0
    ) -> None:
        super().__init__()
        check_number("activation_penalty", activation_penalty, least=0)
        check_number("slowness_penalty", slowness_penalty, least=0)
        self.module = module
        self.activation_penalty = activation_penalty
        self.slowness_penalty = slowness_penalty

    def loss(self, phase: str, batch: StreamBatch) -> LossSum:
        """Sums over the tokens of a window, and the state for the next one."""
        outputs, state = self.module.forward_states(batch.inputs, None, self._recall(batch))
        self.carried = state_to_dict(detach_state(state))
        hidden = outputs[-1]  # (B, T, H)
        dropped = self.module.output_dropout(hidden)
        nll = self.module.output.nll(dropped.flatten(0, 1), batch.targets.flatten()).sum()
        count = float(batch.targets.numel())
        total = nll + count * self._penalty(hidden, dropped) if self.training else nll
        return LossSum(total, count, {"nll": nll.detach()})

    def _penalty(self, hidden: torch.Tensor, dropped: torch.Tensor) -> torch.Tensor:
        penalty = hidden.new_zeros((), dtype=torch.float32)
        if self.activation_penalty:
            penalty = penalty + self.activation_penalty * dropped.float().square().mean()
        if self.slowness_penalty and hidden.shape[1] > 1:
            change = hidden[:, 1:].float() - hidden[:, :-1].float()
            penalty = penalty + self.slowness_penalty * change.square().mean()
        return penalty

    def _recall(self, batch: StreamBatch) -> State | None:
        if batch.first:
            return None
        device = batch.inputs.device
        return dict_to_state({name: part.to(device) for name, part in self.carried.items()})
