"""A recurrent language model in plain torch, token by token, to compare with."""

from __future__ import annotations

import itertools

import torch
from torch import nn

CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}


class PlainLM:
    """The same weights in torch's single cells, one text and one token at a time."""

    def __init__(self, module, cell="lstm"):
        self.embedding = module.embedding.weight.detach()
        self.module = module
        self.is_lstm = cell == "lstm"
        self.cells = [self.copied(layer[0], CELLS[cell]) for layer in module.stack.layers]

    @staticmethod
    def copied(direction, kind):
        weights = dict(direction.named_parameters())
        size, input_size = weights["weight_hh"].shape[1], weights["weight_ih"].shape[1]
        cell = kind(input_size, size)
        cell.load_state_dict(weights)
        return cell

    def start(self):
        def zeros(cell):
            return torch.zeros(cell.hidden_size)

        if self.is_lstm:
            return [(zeros(cell), zeros(cell)) for cell in self.cells]
        return [zeros(cell) for cell in self.cells]

    @torch.no_grad()
    def step(self, token, state):
        """Log-probabilities of what follows a token, and the state after it."""
        x, after = self.embedding[token], []
        for cell, before in zip(self.cells, state, strict=True):
            found = cell(x, before)
            after.append(found)
            x = found[0] if self.is_lstm else found
        logits = self.module.output.weight.detach() @ x + self.module.output.bias.detach()
        return torch.log_softmax(logits.double(), dim=0), after

    def log_likelihood(self, ids, state=None):
        """Of all tokens after the first."""
        state, total = state or self.start(), 0.0
        for token, following in itertools.pairwise(ids):
            log_probs, state = self.step(int(token), state)
            total += float(log_probs[int(following)])
        return total

    def greedy(self, ids, n, eos, never):
        """What is likeliest, time and again."""
        state, found = self.start(), []
        for token in ids:
            log_probs, state = self.step(int(token), state)
        while len(found) < n:
            log_probs[list(never)] = -1e9
            token = int(log_probs.argmax())
            if token == eos:
                break
            found.append(token)
            log_probs, state = self.step(token, state)
        return found
