"""The first weights of recurrent language models."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textrep.generation.first_weights import prime
from textrep.generation.recurrent_module import RecurrentLM

N_WORDS = 12


@pytest.mark.parametrize("tie_weights", [False, True])
@pytest.mark.parametrize("cutoffs", [(), (6, 9)])
def test_a_new_language_model_begins_with_the_frequencies_of_the_words(cutoffs, tie_weights):
    torch.manual_seed(0)
    module = RecurrentLM(N_WORDS, 5, 16, cutoffs=cutoffs, tie_weights=tie_weights)
    ids = np.random.default_rng(0).integers(N_WORDS, size=1000) ** 2 // N_WORDS
    prime(module, ids)
    shares = (np.bincount(ids, minlength=N_WORDS) + 1) / (1000 + N_WORDS)
    size = module.stack.output_size
    probabilities = module.output.log_probs(torch.zeros(1, size))[0].exp().detach().numpy()
    known = cutoffs[0] if cutoffs else N_WORDS
    np.testing.assert_allclose(probabilities[:known], shares[:known], rtol=1e-5)
    np.testing.assert_allclose(probabilities[known:].sum(), shares[known:].sum(), rtol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_recurrent_weights_begin_orthogonal(cell):
    module = RecurrentLM(N_WORDS, 6, 6, cell=cell)
    prime(module, np.arange(N_WORDS))
    gate = module.stack.layers[0][0].weight_hh[:6]
    torch.testing.assert_close(gate @ gate.T, torch.eye(6), atol=1e-5, rtol=0)
