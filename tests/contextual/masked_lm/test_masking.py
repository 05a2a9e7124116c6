"""What is hidden, how often, and what stands in its place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from tests.contextual.encoders.toys import TEXTS, tokenizer_for
from textrep.contextual.encoders import EncoderTokenizer
from textrep.contextual.masked_lm import mask_tokens, masking_tables
from textrep.contextual.masked_lm.masking import word_numbers
from textrep.preprocess import SubwordTokenizer

IGNORED = -100


def table(tokenizer, n_rows=2000, width=22, seed=0):
    """Rows of random tokens between special ones, with padding of differing length."""
    rng = np.random.default_rng(seed)
    ids = np.full((n_rows, width), tokenizer.pad_id)
    lengths = rng.integers(4, width + 1, n_rows)
    for row, n in zip(ids, lengths, strict=True):
        row[:n] = rng.choice(tokenizer.ordinary_ids, n)
        row[0], row[n - 1] = tokenizer.cls_id, tokenizer.sep_id
    real = np.arange(width) < lengths[:, None]
    return torch.from_numpy(ids), torch.from_numpy(real)


def masked(tokenizer, ids, real, *, seed=0, probability=0.15, whole_words=False):
    return mask_tokens(
        ids,
        real,
        tokenizer,
        probability=probability,
        random=torch.Generator().manual_seed(seed),
        whole_words=whole_words,
    )


def test_four_fifths_become_the_mask_one_tenth_another_and_one_tenth_stay():
    tokenizer = tokenizer_for("bert")
    ids, real = table(tokenizer)
    inputs, targets = masked(tokenizer, ids, real, probability=0.5)
    chosen = targets != IGNORED
    n = int(chosen.sum())
    hidden = (inputs[chosen] == tokenizer.mask_id).float().mean()
    same = (inputs[chosen] == ids[chosen]).float().mean()
    # A token that is drawn may be the one that was there.
    again = 0.1 / len(tokenizer.ordinary_ids)
    bound = 4 * 0.5 / n**0.5
    assert abs(hidden - 0.8) < bound
    assert abs(same - (0.1 + again)) < bound
    assert abs((1 - hidden - same) - (0.1 - again)) < bound


def test_the_share_is_what_was_asked_for():
    tokenizer = tokenizer_for("bert")
    ids, real = table(tokenizer, width=60)
    may = real & ~torch.isin(ids, torch.from_numpy(tokenizer.special_ids))
    for probability in (0.15, 0.4):
        targets = masked(tokenizer, ids, real, probability=probability)[1]
        share = (targets != IGNORED)[may].float().mean()
        assert abs(share - probability) < 0.01


def test_special_tokens_and_padding_are_never_chosen_nor_put_in():
    tokenizer = tokenizer_for("bert")
    ids, real = table(tokenizer)
    inputs, targets = masked(tokenizer, ids, real, probability=1.0)
    special = torch.isin(ids, torch.from_numpy(tokenizer.special_ids))
    assert (targets[special | ~real] == IGNORED).all()
    assert (inputs[special | ~real] == ids[special | ~real]).all()
    assert (targets[~special & real] == ids[~special & real]).all()
    put_in = inputs[~special & real]
    forbidden = np.setdiff1d(tokenizer.special_ids, [tokenizer.mask_id])
    assert not torch.isin(put_in, torch.from_numpy(forbidden)).any()


def test_what_is_put_in_comes_from_all_of_the_vocabulary():
    tokenizer = tokenizer_for("bert")
    ids, real = table(tokenizer)
    inputs, targets = masked(tokenizer, ids, real, probability=1.0)
    drawn = inputs[(targets != IGNORED) & (inputs != tokenizer.mask_id) & (inputs != ids)]
    counts = np.bincount(drawn.numpy(), minlength=tokenizer.size)[tokenizer.ordinary_ids]
    assert (counts > 0).all()
    assert counts.max() < 3 * counts.mean()


def test_what_is_not_chosen_stays():
    tokenizer = tokenizer_for("albert")
    ids, real = table(tokenizer)
    inputs, targets = masked(tokenizer, ids, real)
    assert (inputs == ids)[targets == IGNORED].all()


def test_each_row_has_something_to_learn_and_rows_without_tokens_have_nothing():
    tokenizer = tokenizer_for("bert")
    ids, real = table(tokenizer)
    ids[0, 1:] = tokenizer.unk_id
    targets = masked(tokenizer, ids, real, probability=1e-9)[1]
    n_chosen = (targets != IGNORED).sum(dim=1)
    assert n_chosen[0] == 0
    assert (n_chosen[1:] == 1).all()


def test_other_tokens_are_hidden_each_time_and_the_same_from_one_seed():
    tokenizer = tokenizer_for("bert")
    ids, real = table(tokenizer, n_rows=50)
    first, same, other = (masked(tokenizer, ids, real, seed=s)[1] for s in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def hyphened():
    """A WordPiece that cuts words to pieces."""
    subwords = SubwordTokenizer(
        model="wordpiece", vocab_size=62, special_tokens=("[PAD]", "[CLS]", "[SEP]", "[MASK]")
    )
    return EncoderTokenizer(subwords.fit(TEXTS))


@pytest.mark.parametrize("kind", ["wordpiece", "unigram", "bpe"])
def test_pieces_of_a_word_are_hidden_together(kind):
    tokenizer = {"wordpiece": hyphened, "unigram": lambda: tokenizer_for("albert")}.get(
        kind, lambda: tokenizer_for("roberta")
    )()
    rows = tokenizer.rows(["bananas jumping about lazily, overmuch fruitless"] * 200, max_length=60)
    ids = torch.from_numpy(np.stack([row.ids for row in rows])).long()
    targets = masked(tokenizer, ids, ids >= 0, probability=0.3, whole_words=True)[1]
    may = ~torch.isin(ids, torch.from_numpy(tokenizer.special_ids))
    # The words, told from the text and not by our own tables.
    marks = {"wordpiece": "##", "unigram": "▁", "bpe": "Ġ"}
    words = []
    for i in ids[0].tolist():
        token = tokenizer.tokens[i]
        goes_on = token.startswith("##") if kind == "wordpiece" else marks[kind] not in token
        special = i in tokenizer.special_ids
        after_special = not words or words[-1][1]
        new = special or after_special or not goes_on
        words.append(((words[-1][0] + new) if words else 0, special))
    numbers = torch.tensor([number for number, _ in words])
    chosen = targets != IGNORED
    assert max(np.bincount(numbers.numpy())) > 1
    for number in numbers.unique():
        of_word = may[0] & (numbers == number)
        if of_word.any():
            assert (chosen[:, of_word].all(dim=1) == chosen[:, of_word].any(dim=1)).all()
    assert abs(chosen[:, may[0]].float().mean() - 0.3) < 0.05
    ours = word_numbers(ids[:1], masking_tables(tokenizer))[0]
    assert torch.equal(ours[may[0]].diff() > 0, numbers[may[0]].diff() > 0)
