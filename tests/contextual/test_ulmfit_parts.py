"""The parts of ULMFiT: rates of layers, unfreezing, the schedule, the head, the vocabulary."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from textrep.contextual.classification import labelled_batches
from textrep.contextual.ulmfit_language_model import (
    copy_weights,
    extend_vocabulary,
    set_word_vectors,
)
from textrep.contextual.ulmfit_module import RowNorm, UlmfitModule, set_dropouts
from textrep.contextual.ulmfit_stages import CLASSIFIER, FINE_TUNING, PRETRAINING, TimeLimit
from textrep.contextual.ulmfit_tasks import FineTuningTask, UlmfitTask
from textrep.engine import Share, TrainingSettings, train
from textrep.engine.schedules import learning_rate_factor
from textrep.generation.recurrent_module import Dropouts, RecurrentLM
from textrep.generation.rnn_language_model import RNNLanguageModel
from textrep.preprocess.codec import TextCodec

N_WORDS = 12


def new_module(n_layers=2, pooled_layers="last", pooling="concat", **how):
    torch.manual_seed(0)
    encoder = RecurrentLM(N_WORDS, 5, 6, n_layers, **how)
    return UlmfitModule(encoder, 3, dropout=0.0, pooled_layers=pooled_layers, pooling=pooling)


def some_rows(n=8):
    rng = np.random.default_rng(0)
    rows = [rng.integers(4, N_WORDS, size=length) for length in rng.integers(1, 7, size=n)]
    return rows, rng.integers(3, size=n)


def new_task(**how):
    return UlmfitTask(
        new_module(), np.ones(3), **{"lr_decay": 2.6, "unfreeze_gradually": True, **how}
    )


# ---- rates and unfreezing


def test_rates_fall_downwards_by_the_factor_of_the_paper():
    groups = new_task().groups("train")
    assert [group.name for group in groups] == ["embedding", "layer 0", "layer 1", "head"]
    factors = [group.lr_factor for group in groups]
    np.testing.assert_allclose(factors, [2.6**-3, 2.6**-2, 2.6**-1, 1.0])
    for lower, upper in itertools.pairwise(factors):
        assert lower == pytest.approx(upper / 2.6)


def test_layers_are_unfrozen_from_the_last_one_an_epoch():
    assert [group.from_epoch for group in new_task().groups("train")] == [3, 2, 1, 0]
    at_once = new_task(unfreeze_gradually=False).groups("train")
    assert [group.from_epoch for group in at_once] == [0, 0, 0, 0]


def test_every_parameter_belongs_to_one_group():
    task = new_task()
    numbers = [id(p) for group in task.groups("train") for p in group.parameters]
    assert sorted(numbers) == sorted(id(p) for p in task.parameters())


@pytest.mark.parametrize("tied", [True, False])
def test_tied_word_vectors_are_fine_tuned_with_the_output(tied):
    task = FineTuningTask(RecurrentLM(N_WORDS, 5, 5, tie_weights=tied), 2.0)
    groups = {group.name: group for group in task.groups("train")}
    vectors = task.module.embedding.weight
    home = groups["output" if tied else "embedding"]
    assert any(parameter is vectors for parameter in home.parameters)
    numbers = [id(p) for group in groups.values() for p in group.parameters]
    assert sorted(numbers) == sorted(id(p) for p in task.parameters())
    assert home.lr_factor == (1.0 if tied else 2.0**-3)


class Watched(UlmfitTask):
    """Notes the weights of each group at the beginning of each epoch."""

    def begin_epoch(self, epoch):
        self.__dict__.setdefault("seen", []).append(
            [torch.cat([p.detach().flatten() for p in g.parameters]) for g in self.groups("train")]
        )


def test_a_frozen_layer_stays_as_it_is_until_its_epoch():
    task = Watched(new_module(), np.ones(3), lr_decay=2.6, unfreeze_gradually=True)
    rows, labels = some_rows()
    batches = labelled_batches(rows, labels, np.arange(len(rows)), max_rows=4)
    train(task, batches, TrainingSettings(epochs=5, learning_rate=0.01), device="cpu")
    for place, group in enumerate(task.groups("train")):
        for epoch in range(4):
            same = torch.equal(task.seen[epoch][place], task.seen[epoch + 1][place])
            assert same == (epoch < group.from_epoch), (group.name, epoch)


def test_unfreezing_is_that_of_one_plain_loop_with_one_optimiser():
    """So no state of Adam is lost when a layer joins, and each has its own rate."""
    rows, labels = some_rows()
    batches = labelled_batches(rows, labels, np.arange(len(rows)), max_rows=4, seed=3)
    task, plain = new_task(), new_module()
    # Behind a norm some gradients are 0 but for rounding; so large an epsilon keeps them small.
    settings = TrainingSettings(
        epochs=5, learning_rate=0.01, schedule="slanted-triangular", epsilon=1e-4
    )
    train(task, batches, settings, device="cpu")

    levels = [plain.encoder.embedding, *plain.encoder.stack.layers, plain.head]
    optimizer = torch.optim.AdamW(
        [{"params": level.parameters()} for level in levels], weight_decay=0, eps=1e-4
    )
    n_steps = 5 * len(batches.plan(0))
    step = 0
    plain.train()
    for epoch in range(5):
        for place, level in enumerate(levels):
            level.requires_grad_(3 - place <= epoch)
        for spec in batches.plan(epoch):
            batch = batches.read(spec, Share())
            for place, group in enumerate(optimizer.param_groups):
                group["lr"] = 0.01 * stlr(step, n_steps) / 2.6 ** (3 - place)
            optimizer.zero_grad()
            functional.cross_entropy(plain(batch.ids, batch.lengths), batch.labels).backward()
            optimizer.step()
            step += 1
    for own, expected in zip(task.module.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(own, expected.detach(), atol=1e-5, rtol=1e-4)


def stlr(t, n_steps, cut_frac=0.1, ratio=32):
    """Howard and Ruder (2018), equation 3."""
    cut = max(1, math.floor(n_steps * cut_frac))
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_frac - 1))
    return (1 + p * (ratio - 1)) / ratio


def test_the_schedule_is_the_slanted_triangle_of_the_paper():
    own = [learning_rate_factor("slanted-triangular", t, 200) for t in range(200)]
    np.testing.assert_allclose(own, [stlr(t, 200) for t in range(200)], atol=1e-12)


# ---- the classifier's network


@pytest.mark.parametrize("pooling", ["concat", "mean"])
@pytest.mark.parametrize("pooled_layers", ["last", "all"])
def test_pooling_is_last_largest_and_mean_of_the_real_steps(pooled_layers, pooling):
    module = new_module(pooled_layers=pooled_layers, pooling=pooling).eval()
    width = module.head[0].num_features
    module.head = torch.nn.Identity()
    rows, _ = some_rows()
    for row in rows:
        ids = torch.from_numpy(row)[None]
        padded = torch.cat([ids, torch.full((1, 5), 9)], dim=1)
        pooled = module(padded, torch.tensor([len(row)]))[0]
        layers = module.encoder.forward_states(ids)[0]
        if pooled_layers == "all":
            layers = [module.encoder.embedding(ids), *layers]
        expected = torch.cat(
            [
                part
                for outputs in (layers if pooled_layers == "all" else layers[-1:])
                for part in (outputs[0, -1], outputs[0].amax(0), outputs[0].mean(0))[
                    0 if pooling == "concat" else 2 :
                ]
            ]
        )
        torch.testing.assert_close(pooled, expected, atol=1e-6, rtol=1e-5)
        assert len(pooled) == width


def test_the_output_layer_of_the_language_model_is_left_out():
    names = [name for name, _ in new_module(cutoffs=(4,)).named_parameters()]
    assert not any("output" in name for name in names)


def test_a_batch_of_one_row_is_normalised_by_running_statistics():
    norm = RowNorm(3)
    norm(torch.randn(16, 3))
    row = torch.randn(1, 3)
    in_training = norm.train()(row)
    torch.testing.assert_close(in_training, norm.eval()(row))


def test_batches_of_more_rows_are_normalised_as_torch_does():
    own, torchs = RowNorm(3), torch.nn.BatchNorm1d(3)
    rows = torch.randn(5, 3)
    torch.testing.assert_close(own(rows), torchs(rows))
    torch.testing.assert_close(own.running_var, torchs.running_var)


def test_dropouts_of_the_encoder_can_be_changed():
    module = RecurrentLM(N_WORDS, 5, 6, dropouts=Dropouts(0.1, 0.2, 0.3, 0.4, 0.5))
    set_dropouts(module, Dropouts())
    ids = torch.from_numpy(np.arange(4, 10))[None]
    trained, evaluated = (module.train(mode).forward_states(ids)[0][-1] for mode in (True, False))
    assert torch.equal(trained, evaluated)


# ---- the language model


def fitted_model(**how):
    texts = ["a good film", "a bad film", "so it was , and so it is"] * 4
    settings = {
        "embedding_size": 5, "hidden_size": 6, "epochs": 1, "window": 6, "batch_size": 2,
        "min_count": 1, "device": "cpu", "random_state": 0, **how,
    }  # fmt: skip
    return RNNLanguageModel(**settings).fit(texts)


@pytest.mark.parametrize(
    "how", [{}, {"tie_weights": False}, {"cutoffs": (5, 8), "hidden_size": 16}]
)
def test_new_words_get_the_mean_and_old_ones_stay(how):
    model = fitted_model(**how)
    n_old = len(model.codec_)
    extended = extend_vocabulary(
        model, ["a grand film", "grand , grand"], min_count=1, max_vocabulary=None
    )
    assert extended.codec_.words == [*model.codec_.words, "grand"]
    old, new = model.module_.embedding.weight, extended.module_.embedding.weight
    assert torch.equal(new[:n_old], old)
    torch.testing.assert_close(new[n_old], old.mean(0))
    ids = torch.from_numpy(model.codec_.encode("a good film").astype(np.int64))[None]
    assert torch.equal(
        model.module_.forward_states(ids)[0][-1], extended.module_.forward_states(ids)[0][-1]
    )
    assert not extended.module_.training
    assert math.isfinite(extended.score(["a grand film"]))


def test_new_words_have_to_be_frequent_and_may_be_few():
    texts = ["grand grand grand", "great great", "tiny"]
    words = [
        extend_vocabulary(fitted_model(), texts, **how).codec_.words[-3:]
        for how in (
            {"min_count": 2, "max_vocabulary": None},
            {"min_count": 1, "max_vocabulary": 1},
        )
    ]
    assert words[0][-2:] == ["grand", "great"]
    assert words[1][-1] == "grand"
    unchanged = extend_vocabulary(fitted_model(), ["grand"], min_count=2, max_vocabulary=None)
    assert unchanged.codec_.words == fitted_model().codec_.words


def test_characters_need_no_new_words():
    model = fitted_model(level="character")
    extended = extend_vocabulary(model, ["ÄÖÜ"], min_count=1, max_vocabulary=None)
    assert extended.codec_.words == model.codec_.words
    assert extended is not model


def test_weights_without_a_partner_are_left_out():
    source, target = torch.nn.Linear(3, 2), torch.nn.Linear(3, 4, bias=False)
    copy_weights(source, target)
    assert torch.equal(target.weight[:2], source.weight)
    torch.testing.assert_close(target.weight[2], source.weight.mean(0))


def test_word_vectors_begin_as_those_of_skipgram():
    texts = [" ".join(np.random.default_rng(i).choice(list("abcd"), 20)) for i in range(20)]
    texts += [" ".join(np.random.default_rng(i).choice(list("wxyz"), 20)) for i in range(20)]
    codec = TextCodec().fit(texts)
    module = RecurrentLM(len(codec), 8, 6)
    rest = module.embedding.weight[:4].detach().clone()
    set_word_vectors(module, codec, codec.encode_all(texts), epochs=40, seed=0)
    weight = module.embedding.weight.detach()
    assert torch.equal(weight[:4], rest)
    assert float(weight[4:].std()) == pytest.approx(1.0, abs=0.05)
    cosine = functional.cosine_similarity
    a, b, w = (weight[codec.words.index(word)] for word in "abw")
    assert cosine(a, b, dim=0) > cosine(a, w, dim=0)


# ---- time


def test_stages_share_the_time_and_what_is_left_over_goes_on(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("textrep.contextual.ulmfit_stages.time.monotonic", lambda: now[0])
    limit = TimeLimit(100, [PRETRAINING, FINE_TUNING, CLASSIFIER])
    assert limit.of(PRETRAINING) == pytest.approx(65)
    now[0] = 30
    assert limit.of(FINE_TUNING) == pytest.approx(70 * 0.05 / 0.35)
    now[0] = 40
    assert limit.of(CLASSIFIER) == pytest.approx(60)
    now[0] = 200
    assert limit.of(CLASSIFIER) > 0
    assert TimeLimit(None, [CLASSIFIER]).of(CLASSIFIER) is None
