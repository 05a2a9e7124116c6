import dataclasses
import random

import numpy as np
import pytest
import torch

from tests.engine.plain import decayed, plain_train
from tests.engine.toys import (
    Scripted,
    Tagger,
    one_batch,
    sentences,
    stream_batches,
    tagged_batches,
    weights,
)
from textrep.engine.batches import Share
from textrep.engine.evaluation import evaluate
from textrep.engine.loop import train
from textrep.engine.loss import LossSum
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import ParameterGroup

RATE = 0.05


def assert_same_weights(task, other, atol=1e-6):
    for (name, ours), theirs in zip(weights(task).items(), weights(other).values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol, err_msg=name)


def trained(settings, task=None, batches=None, **how):
    task = Tagger() if task is None else task
    batches = tagged_batches() if batches is None else batches
    outcome = train(task, batches, settings, device="cpu", **how)
    return task, outcome


OPTIMISERS = {
    "sgd": ({"optimizer": "sgd"}, lambda task: torch.optim.SGD(task.parameters(), RATE)),
    "momentum": (
        {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.01},
        lambda task: torch.optim.SGD(decayed(task, 0.01), RATE, momentum=0.9),
    ),
    "adam": (
        {"optimizer": "adam", "betas": (0.8, 0.9), "weight_decay": 0.01},
        lambda task: torch.optim.Adam(decayed(task, 0.01), RATE, betas=(0.8, 0.9)),
    ),
    "adamw": (
        {"weight_decay": 0.1, "epsilon": 1e-6},
        lambda task: torch.optim.AdamW(decayed(task, 0.1), RATE, eps=1e-6),
    ),
}


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("clip", [None, 0.1])
def test_training_equals_a_plain_loop(name, clip):
    changes, make = OPTIMISERS[name]
    settings = TrainingSettings(epochs=4, learning_rate=RATE, max_grad_norm=clip, **changes)
    ours, _ = trained(settings)
    plain = Tagger()
    plain_train(plain, tagged_batches(), make(plain), epochs=4, clip=clip)
    assert_same_weights(ours, plain)
    assert max(abs(value).max() for value in weights(ours).values()) > 0.1


def test_the_schedule_reaches_each_step():
    settings = TrainingSettings(epochs=3, learning_rate=RATE, optimizer="sgd", schedule="linear")
    ours, outcome = trained(settings)
    plain = Tagger()
    plain_train(
        plain,
        tagged_batches(),
        torch.optim.SGD(plain.parameters(), RATE),
        epochs=3,
        factor=lambda step: 1 - step / outcome.n_steps,
    )
    assert_same_weights(ours, plain)


@pytest.mark.parametrize("accumulate", [2, 3, 100])
def test_accumulated_batches_equal_one_batch_of_all_their_rows(accumulate):
    rows = sentences(24)
    settings = TrainingSettings(epochs=3, learning_rate=RATE, optimizer="sgd", momentum=0.9)
    settings = dataclasses.replace(settings, accumulate=accumulate)
    ours, outcome = trained(settings, batches=unbucketed(rows, 2))
    plain = Tagger()
    optimizer = torch.optim.SGD(plain.parameters(), RATE, momentum=0.9)
    losses = plain_train(plain, unbucketed(rows, 2 * min(accumulate, 12)), optimizer, epochs=3)
    assert outcome.n_steps == len(losses) == 3 * -(-12 // accumulate)
    assert_same_weights(ours, plain)


def test_a_mean_of_means_would_not_pass_as_accumulation():
    # Guards the test above: with these ragged rows the usual mistake is far outside its tolerance.
    rows = sentences(24)
    right, wrong = Tagger(), Tagger()
    plain_train(right, unbucketed(rows, 4), torch.optim.SGD(right.parameters(), RATE), epochs=3)
    optimizer = torch.optim.SGD(wrong.parameters(), RATE)
    batches = unbucketed(rows, 2)
    for epoch in range(3):
        plan = list(batches.plan(epoch))
        for first, second in zip(plan[::2], plan[1::2], strict=True):
            optimizer.zero_grad()
            for spec in (first, second):
                part = wrong.loss("train", batches.read(spec, Share()))
                (part.total / part.count / 2).backward()
            optimizer.step()
    with pytest.raises(AssertionError):
        assert_same_weights(right, wrong, atol=1e-4)


def unbucketed(rows, max_rows):
    """Batches in which two of b rows hold the same rows as one of 2b."""
    return tagged_batches(rows, max_rows=max_rows, bucket=False, shuffle=False)


# Randomness ---------------------------------------------------------------------------------------

DROPPING = TrainingSettings(epochs=2, learning_rate=RATE)


def test_the_seed_decides_the_weights():
    first, again, other = (
        trained(DROPPING, Tagger(dropout=0.5), seed=seed)[0] for seed in (1, 1, 2)
    )
    assert_same_weights(first, again, atol=0)
    with pytest.raises(AssertionError):
        assert_same_weights(first, other, atol=1e-4)


def test_global_random_numbers_are_neither_read_nor_moved():
    states = []
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        before = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())  # noqa: NPY002
        found.append(trained(DROPPING, Tagger(dropout=0.5), seed=5)[0])
        after = (torch.get_rng_state(), np.random.get_state()[1], random.getstate())  # noqa: NPY002
        states.append((before, after))
    for before, after in states:
        assert torch.equal(before[0], after[0])
        assert (before[1] == after[1]).all()
        assert before[2] == after[2]
    assert_same_weights(*found, atol=0)


class Nested(Tagger):
    """A task that trains another one, of another precision, inside its first step."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.inner = None

    def loss(self, phase, batch):
        if self.inner is None:
            object.__setattr__(self, "inner", Tagger(dropout=0.5))
            train(self.inner, tagged_batches(), DROPPING, device="cpu", precision="bf16", seed=1)
        return super().loss(phase, batch)


def test_precision_belongs_to_one_training_and_not_to_the_process():
    rounded, _ = trained(DROPPING, Tagger(dropout=0.5), seed=1, precision="bf16")
    exact, _ = trained(DROPPING, Tagger(dropout=0.5), seed=1, precision="fp32")
    again, _ = trained(DROPPING, Tagger(dropout=0.5), seed=1, precision="bf16")
    outer, _ = trained(DROPPING, Nested(dropout=0.5), seed=1, precision="fp32")
    assert_same_weights(rounded, again, atol=0)
    assert_same_weights(outer, exact, atol=0)
    assert_same_weights(outer.inner, rounded, atol=0)
    with pytest.raises(AssertionError):
        assert_same_weights(rounded, exact, atol=1e-5)
    assert all(value.dtype == np.float32 for value in weights(rounded).values())
    assert not torch.is_autocast_enabled("cpu")


# What is reported ---------------------------------------------------------------------------------


def test_history_gives_the_mean_loss_and_measures_of_each_epoch():
    settings = TrainingSettings(epochs=5, learning_rate=RATE)
    validation = tagged_batches(sentences(10, seed=9))
    _, outcome = trained(settings, validation=validation)
    assert [row["epoch"] for row in outcome.history] == sorted(r["epoch"] for r in outcome.history)
    assert outcome.n_epochs == 5
    last = outcome.history[-1]
    assert last["step"] == outcome.n_steps == 5 * len(list(tagged_batches().plan(0)))
    assert last["loss"] < outcome.history[0]["loss"]
    assert 0 <= last["correct"] <= 1
    assert last["seconds"] >= outcome.history[0]["seconds"] >= 0
    assert not outcome.stopped_early


def test_evaluation_is_the_mean_over_all_items():
    rows = sentences(17, seed=3)
    task = Tagger(dropout=0.9)
    found = evaluate(task, tagged_batches(rows, max_rows=3), device="cpu")
    whole = tagged_batches(rows, max_rows=100, shuffle=False)
    task.eval()
    expected = task.loss("train", whole.read(whole.plan(0)[0], Share()))
    assert found["loss"] == pytest.approx((expected.total / expected.count).item(), rel=1e-5)
    share = float(expected.measures["correct"] / expected.count)
    assert found["correct"] == pytest.approx(share, rel=1e-6)


def test_after_training_the_task_is_on_the_cpu_in_evaluation_mode():
    task, _ = trained(DROPPING)
    assert not task.training
    assert {value.device.type for value in task.parameters()} == {"cpu"}
    assert all(value.requires_grad for value in task.parameters())


def test_one_bar_is_shown_when_asked_for(capfd):
    trained(DROPPING)
    assert capfd.readouterr() == ("", "")
    trained(DROPPING, verbose=1, description="Reading")
    out, err = capfd.readouterr()
    assert out == ""
    assert "Reading" in err


# Groups of parameters -----------------------------------------------------------------------------


class Thawing(Tagger):
    """The embedding joins in the third epoch, at a tenth of the rate."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.seen = []

    def groups(self, phase):
        return [
            ParameterGroup(list(self.output.parameters()), name="output"),
            ParameterGroup(
                list(self.embedding.parameters()), name="words", lr_factor=0.1, from_epoch=2
            ),
        ]

    def begin_epoch(self, epoch):
        self.seen.append((epoch, weights(self)))


def test_a_frozen_group_waits_for_its_epoch():
    task, _ = trained(TrainingSettings(epochs=4, learning_rate=RATE), Thawing())
    assert [epoch for epoch, _ in task.seen] == [0, 1, 2, 3]
    words = [found["embedding.weight"] for _, found in task.seen]
    outputs = [found["output.weight"] for _, found in task.seen]
    assert (words[0] == words[2]).all()
    assert (words[2] != words[3]).any()
    assert (outputs[0] != outputs[1]).any()


def test_the_optimiser_keeps_its_state_when_a_group_thaws():
    # By hand: momentum of the output layer goes on as if nothing had happened to the embedding.
    settings = TrainingSettings(epochs=4, learning_rate=RATE, optimizer="sgd", momentum=0.9)
    task, _ = trained(settings, Thawing())
    plain = Tagger()
    optimizer = torch.optim.SGD(
        [
            {"params": list(plain.output.parameters())},
            {"params": list(plain.embedding.parameters()), "lr": 0.1 * RATE},
        ],
        RATE,
        momentum=0.9,
    )
    batches = tagged_batches()
    for epoch in range(4):
        plain.embedding.requires_grad_(epoch >= 2)
        for spec in batches.plan(epoch):
            optimizer.zero_grad()
            part = plain.loss("train", batches.read(spec, Share()))
            (part.total / part.count).backward()
            optimizer.step()
    assert_same_weights(task, plain)


class Decaying(Tagger):
    """Weight decay for matrices only."""

    def groups(self, phase):
        matrices = [value for value in self.parameters() if value.dim() > 1]
        others = [value for value in self.parameters() if value.dim() == 1]
        return [ParameterGroup(matrices), ParameterGroup(others, name="rest", weight_decay=0.0)]


def test_a_group_has_a_weight_decay_of_its_own():
    settings = TrainingSettings(epochs=3, learning_rate=RATE, weight_decay=0.5)
    task, _ = trained(settings, Decaying())
    plain = Tagger()
    groups = plain.parameters()
    matrices = [value for value in groups if value.dim() > 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices}, {"params": [plain.output.bias], "weight_decay": 0.0}],
        RATE,
        weight_decay=0.5,
    )
    plain_train(plain, tagged_batches(), optimizer, epochs=3)
    assert_same_weights(task, plain)


# Stopping -----------------------------------------------------------------------------------------


SCRIPTED = TrainingSettings(epochs=9, learning_rate=1.0, optimizer="sgd", patience=2)


def test_patience_counts_evaluations_without_a_better_loss():
    task = Scripted([5.0, 4.0, 4.5, 3.0, 3.1, 3.0, 1.0])
    _, outcome = trained(SCRIPTED, task, one_batch(), validation=one_batch())
    assert (outcome.stopped_early, outcome.out_of_time) == (True, False)
    assert outcome.n_epochs == 6
    # The best state is that after the fourth epoch of one step each.
    assert task.weight.item() == pytest.approx(-4.0)


def test_the_best_state_is_kept_when_all_epochs_are_run():
    task = Scripted([5.0, 2.0, 3.0])
    settings = dataclasses.replace(SCRIPTED, epochs=3, patience=None)
    _, outcome = trained(settings, task, one_batch(), validation=one_batch())
    assert not outcome.stopped_early
    assert task.weight.item() == pytest.approx(-2.0)
    assert [row["validation_loss"] for row in outcome.history] == pytest.approx([5.0, 2.0, 3.0])


def test_patience_without_validation_trains_all_epochs():
    task = Scripted([1.0])
    _, outcome = trained(SCRIPTED, task, one_batch())
    assert (outcome.n_epochs, outcome.stopped_early) == (9, False)
    assert task.weight.item() == pytest.approx(-9.0)


def test_several_evaluations_in_one_epoch():
    settings = TrainingSettings(epochs=2, learning_rate=RATE, evaluations_per_epoch=3)
    batches = tagged_batches(sentences(24), max_rows=2)
    _, outcome = trained(settings, batches=batches, validation=one_batch())
    assert [row["step"] for row in outcome.history] == [4, 8, 12, 16, 20, 24]


# Averages of weights ------------------------------------------------------------------------------


def test_averaged_weights_follow_their_formula():
    decay = 0.4
    task = Scripted([1.0])
    settings = TrainingSettings(epochs=9, learning_rate=1.0, optimizer="sgd", ema_decay=decay)
    trained(settings, task, one_batch())
    average = 0.0
    for step in range(9):
        # The weight is -(step + 1) by then; the average forgets faster at the start.
        kept = min(decay, (1 + step) / (10 + step))
        average = kept * average - (1 - kept) * (step + 1)
    assert task.weight.item() == pytest.approx(average, rel=1e-6)


def test_the_average_of_a_frozen_group_is_the_group_and_follows_once_it_thaws():
    class Noted(Thawing):
        def loss(self, phase, batch):
            if self.training:
                self.before = weights(self)
            return super().loss(phase, batch)

    settings = TrainingSettings(epochs=2, learning_rate=RATE, ema_decay=0.9)
    frozen, _ = trained(settings, Noted())
    first = weights(Tagger())
    np.testing.assert_array_equal(weights(frozen)["embedding.weight"], first["embedding.weight"])
    thawed, _ = trained(dataclasses.replace(settings, epochs=3), Noted())
    moved = abs(thawed.before["embedding.weight"] - first["embedding.weight"]).max()
    behind = abs(weights(thawed)["embedding.weight"] - first["embedding.weight"]).max()
    assert 0 < behind < moved


def test_validation_sees_the_averaged_weights():
    task = Scripted([1.0])
    seen = []
    settings = TrainingSettings(epochs=3, learning_rate=1.0, optimizer="sgd", ema_decay=0.9)
    script = task.loss

    def watched(phase, batch):
        if not task.training:
            seen.append(task.weight.item())
        return script(phase, batch)

    task.loss = watched
    trained(settings, task, one_batch(), validation=one_batch())
    assert len(seen) == 3
    assert all(-step < value < 0 for step, value in enumerate(seen, 1))


# What cannot be trained ---------------------------------------------------------------------------


class Broken(Tagger):
    def __init__(self, at):
        super().__init__()
        self.at, self.calls = at, 0

    def loss(self, phase, batch):
        self.calls += 1
        total, count, measures = super().loss(phase, batch)
        return LossSum(total * (float("nan") if self.calls == self.at else 1.0), count, measures)


def test_a_loss_that_is_no_number_ends_the_training():
    with pytest.raises(FloatingPointError, match="learning rate"):
        trained(TrainingSettings(epochs=3), Broken(at=3))


def test_nothing_to_train_on_is_an_error():
    with pytest.raises(ValueError, match="nothing to train on"):
        trained(TrainingSettings(), batches=tagged_batches([]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0), ("learning_rate", 0.0), ("learning_rate", float("nan")),
        ("optimizer", "lion"), ("schedule", "cubic"), ("accumulate", 0), ("momentum", 1.0),
        ("weight_decay", -1.0), ("ema_decay", 1.0), ("patience", 0), ("max_seconds", 0.0),
        ("max_grad_norm", 0.0), ("warmup", -0.1), ("evaluations_per_epoch", 0),
        ("betas", (0.9, 1.0)), ("epsilon", 0.0),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        TrainingSettings(**{name: value})


def test_streams_train_with_carried_state():
    from tests.engine.toys import NextWord

    task = NextWord(4)
    _, outcome = trained(TrainingSettings(epochs=12, learning_rate=0.03), task, stream_batches())
    assert outcome.history[-1]["loss"] < 0.8 * outcome.history[0]["loss"]
