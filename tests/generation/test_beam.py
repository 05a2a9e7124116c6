"""The beam search against all continuations, written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from textrep.generation.beam import beam_search, length_penalty_of

V, EOS, BOS = 4, 3, 0


class Prefixes:
    """A state that remembers what each beam was given, and which table it reads."""

    def __init__(self, tables, given=None):
        self.tables = tables
        self.given = [()] * len(tables) if given is None else given

    def select(self, rows):
        rows = rows.tolist()
        return Prefixes([self.tables[row] for row in rows], [self.given[row] for row in rows])


def table_of(seed, depth=5, sharpness=1.5):
    """Log-probabilities that depend on everything before, drawn for each prefix."""
    random = np.random.default_rng(seed)
    table = {}
    for length in range(depth):
        for prefix in itertools.product(range(V), repeat=length):
            logits = torch.tensor(random.normal(scale=sharpness, size=V))
            table[prefix] = logits.log_softmax(0)
    return table


def step(tokens, state):
    given = [(*seen, token) for seen, token in zip(state.given, tokens.tolist(), strict=True)]
    # The first token given is what the search starts from, no part of the prefix.
    rows = [table[seen[1:]] for table, seen in zip(state.tables, given, strict=True)]
    return torch.stack(rows), Prefixes(state.tables, given)


def search(seeds, **options):
    chosen = {"beam_width": 3, "max_length": 5, "length_penalty": 0.6, **options}
    state = Prefixes([table_of(seed) for seed in seeds])
    return beam_search(step, state, len(seeds), bos=BOS, eos=EOS, **chosen)


def everything(table, max_length, alpha):
    """(score, log_prob, ids) of every continuation that ends or is cut, best first."""
    found = []
    inner = [token for token in range(V) if token != EOS]
    for length in range(max_length):
        for ids in itertools.product(inner, repeat=length):
            total = sum(float(table[ids[:at]][token]) for at, token in enumerate(ids))
            total += float(table[ids][EOS])
            found.append((total / ((5 + length + 1) / 6) ** alpha, total, list(ids)))
    for ids in itertools.product(inner, repeat=max_length):
        total = sum(float(table[ids[:at]][token]) for at, token in enumerate(ids))
        found.append((total / ((5 + max_length) / 6) ** alpha, total, list(ids)))
    return sorted(found, reverse=True)


def greedy(table, max_length):
    ids = []
    while len(ids) < max_length:
        token = int(table[tuple(ids)].argmax())
        if token == EOS:
            break
        ids.append(token)
    return ids


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("max_length", [1, 2, 4])
def test_a_beam_as_wide_as_everything_finds_the_best_of_everything(alpha, max_length):
    for seed in range(5):
        width = V**max_length
        found = search([seed], beam_width=width, max_length=max_length, length_penalty=alpha)[0]
        expected = everything(table_of(seed), max_length, alpha)
        assert [hypothesis.ids for hypothesis in found] == [ids for *_, ids in expected[:width]]
        np.testing.assert_allclose([h.score for h in found], [row[0] for row in expected[:width]])
        np.testing.assert_allclose(
            [h.log_prob for h in found], [row[1] for row in expected[:width]]
        )


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_five_tokens_deep_the_best_of_everything_is_found_too(alpha):
    found = search([7], beam_width=V**5, length_penalty=alpha, n_best=4)[0]
    expected = everything(table_of(7), 5, alpha)
    assert [hypothesis.ids for hypothesis in found] == [ids for *_, ids in expected[:4]]


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_beam_of_one_is_greedy_search(alpha):
    for seed in range(20):
        (found,) = search([seed], beam_width=1, length_penalty=alpha)[0]
        assert found.ids == greedy(table_of(seed), 5)


@pytest.mark.parametrize("beam_width", [1, 2, 5])
def test_a_batch_gives_each_row_what_it_gets_alone(beam_width):
    seeds = list(range(12))
    lengths = [1 + seed % 5 for seed in seeds]
    together = search(seeds, beam_width=beam_width, max_length=lengths)
    for seed, length, found in zip(seeds, lengths, together, strict=True):
        assert found == search([seed], beam_width=beam_width, max_length=length)[0]
    assert search(seeds[::-1], beam_width=beam_width, max_length=lengths[::-1]) == together[::-1]


def test_fewer_of_the_best_are_the_first_of_more():
    for seed in range(20):
        more = search([seed], beam_width=4)[0]
        assert search([seed], beam_width=4, n_best=1)[0] == more[:1]
        assert [h.score for h in more] == sorted((h.score for h in more), reverse=True)


def test_what_is_finished_stays_while_other_beams_go_on():
    # Ending at once has 0.4; the beams that go on never come near.
    ends = torch.tensor([0.3, 0.2, 0.1, 0.4]).log()
    on = torch.tensor([0.25, 0.25, 0.25, 0.25]).log()
    tables = [{prefix: on if prefix else ends for prefix in table_of(0)}]
    (found,) = beam_search(
        step,
        Prefixes(tables),
        1,
        bos=BOS,
        eos=EOS,
        beam_width=2,
        max_length=4,
        length_penalty=0.0,
        n_best=1,
    )[0]
    assert (found.ids, found.finished) == ([], True)
    assert found.log_prob == pytest.approx(np.log(0.4))


def test_a_row_stops_once_none_of_its_beams_can_win():
    calls = []

    def counting(tokens, state):
        calls.append(len(tokens))
        return step(tokens, state)

    sure = torch.tensor([0.01, 0.01, 0.01, 0.97]).log()
    tables = [dict.fromkeys(table_of(0), sure)]
    beam_search(
        counting,
        Prefixes(tables),
        1,
        bos=BOS,
        eos=EOS,
        beam_width=3,
        max_length=5,
        length_penalty=0.0,
        n_best=1,
    )
    assert calls == [1]


def test_the_penalty_counts_generated_tokens_and_not_the_prompt():
    prompts = torch.tensor([1, 2])
    seen = []

    def watching(tokens, state):
        seen.append(tokens.tolist())
        return step(tokens, state)

    found = beam_search(
        watching,
        Prefixes([table_of(0), table_of(1)]),
        2,
        bos=prompts,
        eos=EOS,
        beam_width=1,
        max_length=5,
        length_penalty=1.0,
    )
    assert seen[0] == [1, 2]
    for (hypothesis,) in found:
        length = len(hypothesis.ids) + hypothesis.finished
        assert hypothesis.score == pytest.approx(hypothesis.log_prob / ((5 + length) / 6))


def test_impossible_tokens_are_never_taken_and_nothing_possible_is_no_hypothesis():
    never = torch.full((V,), -torch.inf)
    one = never.clone()
    one[1] = 0.0
    (found,) = beam_search(
        step,
        Prefixes([dict.fromkeys(table_of(0), one)]),
        1,
        bos=BOS,
        eos=EOS,
        beam_width=3,
        max_length=4,
        length_penalty=0.0,
    )
    assert [hypothesis.ids for hypothesis in found] == [[1, 1, 1, 1]]
    assert not found[0].finished
    (none,) = beam_search(
        step,
        Prefixes([dict.fromkeys(table_of(0), never)]),
        1,
        bos=BOS,
        eos=EOS,
        beam_width=3,
        max_length=4,
        length_penalty=0.0,
    )
    assert none == []


def test_no_rows_give_no_hypotheses():
    assert search([]) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_width": 0}, "beam_width must be an integer of at least 1, got 0"),
        ({"max_length": 0}, "max_length must be an integer of at least 1, got 0"),
        ({"max_length": [2]}, "max_length has 1 lengths for 2 rows"),
        ({"length_penalty": -1.0}, "length_penalty must be a finite number of at least 0"),
        ({"n_best": 4}, "n_best must be at most beam_width, which is 3, got 4"),
    ],
)
def test_parameters_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        search([0, 1], **options)


def test_the_penalty_is_that_of_gnmt():
    assert length_penalty_of(1, 0.6) == 1.0
    assert length_penalty_of(13, 0.5) == pytest.approx(3**0.5)
    assert length_penalty_of(13, 0.0) == 1.0
