"""`SwitchTransformer`: learning with experts, what they are used for, and saved files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

import textrep
from textrep import GPT, SwitchTransformer
from textrep.engine.streams import StreamBatch
from textrep.generation.expert_plot import plot_expert_use
from textrep.generation.expert_use import expert_layers
from textrep.layers.experts import SwitchFeedForward
from textrep.layers.feed_forward import FeedForward

TEXTS = [
    "the cat sat on the mat, the dog did not.",
    "a dog is not a cat; the cat knows!",
    "",
    "the mat is on the floor and the dog is on the mat",
] * 3
TINY = {
    "level": "character",
    "n_experts": 3,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_size": 8,
    "max_length": 12,
    "epochs": 2,
    "device": "cpu",
    "random_state": 0,
}


def model_of(texts=TEXTS, **params):
    return SwitchTransformer(**{**TINY, **params}).fit(texts)


@pytest.fixture(scope="module")
def fitted():
    return model_of()


def test_texts_get_alone_what_they_get_in_a_batch(fitted):
    together = fitted.log_likelihoods(TEXTS[:4])
    alone = [fitted.log_likelihoods([text])[0] for text in TEXTS[:4]]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_cache_changes_no_text(fitted):
    prompts = ["the ca", "a", ""]
    found = fitted.generate(prompts, max_new_tokens=20, temperature=0)
    uncached = SwitchTransformer(**TINY, use_cache=False)
    uncached.__dict__.update(codec_=fitted.codec_, module_=fitted.module_)
    assert uncached.generate(prompts, max_new_tokens=20, temperature=0) == found
    assert fitted.generate(prompts[0], max_new_tokens=20, temperature=0) == found[0]


def test_a_saved_model_is_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "switch")
    loaded = textrep.load(tmp_path / "switch")
    np.testing.assert_array_equal(loaded.log_likelihoods(TEXTS), fitted.log_likelihoods(TEXTS))
    np.testing.assert_array_equal(loaded.expert_use(TEXTS), fitted.expert_use(TEXTS))


def test_one_expert_with_its_gate_of_one_learns_what_gpt_learns():
    settings = {**TINY, "dropout": 0.0, "epochs": 1}
    del settings["n_experts"]
    dense = GPT(**settings)
    sparse = SwitchTransformer(n_experts=1, capacity_factor=None, balance_weight=0.0, **settings)
    for model in (dense, sparse):
        model.codec_ = model._new_codec().fit(TEXTS, 0)
    from_dense, from_sparse = dense._build(), sparse._build()
    for ours, theirs in zip(from_sparse.stack.blocks, from_dense.stack.blocks, strict=True):
        with torch.no_grad():
            for name in ("up", "down"):
                linear = getattr(theirs.feed_forward, name)
                getattr(ours.feed_forward, name).copy_(linear.weight[None])
        ours.attention.load_state_dict(theirs.attention.state_dict())
    from_sparse.embedding.load_state_dict(from_dense.embedding.state_dict())
    from_sparse.positions.load_state_dict(from_dense.positions.state_dict())
    ids = torch.arange(20).view(2, 10) % 7 + 4
    batch = StreamBatch(ids[:, :-1], ids[:, 1:], True)
    tasks = dense._task(from_dense).train(), sparse._task(from_sparse).train()
    losses = [task.loss("train", batch).total for task in tasks]
    torch.testing.assert_close(*losses)
    for loss in losses:
        loss.backward()
    torch.testing.assert_close(
        from_dense.embedding.weight.grad, from_sparse.embedding.weight.grad, atol=1e-5, rtol=1e-4
    )


def test_penalties_of_all_layers_are_added_to_the_loss_of_each_token():
    model = SwitchTransformer(**TINY, dropout=0.0)
    model.codec_ = model._new_codec().fit(TEXTS, 0)
    task = model._task(model._build()).train()
    batch = StreamBatch(torch.full((2, 5), 6), torch.full((2, 5), 7), True)
    found = []
    for task.balance_weight, task.z_weight in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.25)):
        found.append(task.loss("train", batch))
    task.module.hidden(batch.inputs)
    routings = [layer.take_routing() for layer in expert_layers(task.module).values()]
    balance, z = (sum(float(getattr(r, name)) for r in routings) for name in ("balance", "z"))
    plain, balanced, small = (float(loss.total) for loss in found)
    assert plain == pytest.approx(float(found[0].measures["nll"]))
    assert balanced - plain == pytest.approx(10 * 0.5 * balance, rel=1e-4)
    assert small - plain == pytest.approx(10 * 0.25 * z, rel=1e-4)
    assert float(found[1].measures["balance"]) == pytest.approx(10 * balance / 2, rel=1e-4)


def test_validation_loss_has_no_penalty_and_history_says_how_balanced_experts_are():
    history = model_of(TEXTS * 3, validation_fraction=0.2).history_
    assert all(entry["validation_loss"] == entry["validation_nll"] for entry in history)
    assert all(entry["loss"] > entry["nll"] for entry in history)
    for name in ("balance", "validation_balance"):
        assert all(0.9 < entry[name] <= TINY["n_experts"] for entry in history)
    assert all(entry["validation_dropped"] == 0 for entry in history)


def test_tokens_are_dropped_in_training_alone():
    model = model_of(capacity_factor=0.3)
    assert model.history_[-1]["dropped"] > 0.3
    model.expert_use(TEXTS)
    model.log_likelihoods(TEXTS)
    routing = expert_layers(model.module_)[0].take_routing()
    assert float(routing.dropped) == 0


def test_expert_use_is_the_share_of_each_experts_tokens(fitted):
    use = fitted.expert_use(TEXTS)
    assert use.shape == (2, 3)
    assert use.dtype == np.float64
    np.testing.assert_allclose(use.sum(axis=1), 1)
    # Counted by hand, text by text and window by window.
    counts = np.zeros((2, 3))
    for text in TEXTS:
        ids = torch.tensor([fitted.codec_.EOS, *fitted.codec_.encode(text).tolist()])
        for window in ids.split(fitted.max_length):
            fitted.module_.hidden(window[None])
            for number, layer in enumerate(expert_layers(fitted.module_).values()):
                counts[number] += layer.take_routing().counts.numpy()
    np.testing.assert_allclose(use, counts / counts.sum(axis=1, keepdims=True))


def test_padding_moves_no_token_to_another_expert():
    sorting = {"attention": "lsh", "attention_settings": {"chunk_size": 2, "n_buckets": 4}}
    model = model_of(**sorting)
    groups = list(range(4))
    found = model.expert_use(TEXTS[:4], groups=groups)
    for group, text in zip(groups, TEXTS, strict=False):
        np.testing.assert_array_equal(found[group], model.expert_use([text]))


def test_expert_use_by_group_adds_up_to_that_of_all(fitted):
    groups = ["x", "y", "x", "y"] * 3
    use = fitted.expert_use(TEXTS, groups=groups)
    assert list(use) == ["x", "y"]
    lengths = {
        name: sum(len(t) + 1 for t, g in zip(TEXTS, groups, strict=True) if g == name)
        for name in use
    }
    together = sum(lengths[name] * use[name] for name in use) / sum(lengths.values())
    np.testing.assert_allclose(together, fitted.expert_use(TEXTS))
    for name in use:
        own = [t for t, g in zip(TEXTS, groups, strict=True) if g == name]
        np.testing.assert_allclose(use[name], fitted.expert_use(own))
    assert list(fitted.expert_use(TEXTS, groups=np.array(groups))) == ["x", "y"]


def test_experts_stand_in_every_other_layer():
    model = model_of(num_layers=4, expert_every=2, epochs=1)
    kinds = [type(block.feed_forward) for block in model.module_.stack.blocks]
    assert kinds == [FeedForward, SwitchFeedForward] * 2
    assert model.expert_layers_ == [1, 3]
    assert model.expert_use(TEXTS).shape == (2, 3)


def test_a_token_costs_what_it_costs_in_the_dense_model():
    dense = GPT(**{k: v for k, v in TINY.items() if k != "n_experts"}).fit(TEXTS)
    layers = expert_layers(model_of(epochs=1).module_)
    for block, number in zip(dense.module_.stack.blocks, layers, strict=True):
        assert layers[number].up.shape[1:] == block.feed_forward.up.weight.shape


def test_what_experts_are_told_is_stored():
    model = model_of(
        epochs=1, activation="swiglu", expert_dropout=0.4, jitter=0.01, capacity_factor=2.0,
        init_scale=1.0,
    )  # fmt: skip
    layer = expert_layers(model.module_)[0]
    assert (layer.activation, layer.dropout, layer.jitter) == ("swiglu", 0.4, 0.01)
    assert layer.capacity_factor == 2.0
    assert layer.eval_capacity_factor is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_experts": 0}, "n_experts must be an integer"),
        ({"expert_every": 3}, "expert_every must be at most num_layers=2"),
        ({"capacity_factor": -0.1}, "capacity_factor must be a finite number of at least 0"),
        ({"balance_weight": -1}, "balance_weight must be"),
        ({"z_weight": -1}, "z_weight must be"),
        ({"jitter": 1.5}, "jitter must be"),
        ({"expert_dropout": 1.0}, "expert_dropout must be"),
        ({"init_scale": 0}, "init_scale must be"),
        ({"hidden_size": 9}, "hidden_size must be a multiple"),
    ],
)
def test_parameters_out_of_range_are_refused_before_work(params, message):
    with pytest.raises(ValueError, match=message):
        SwitchTransformer(**{**TINY, **params}).fit(TEXTS)


def test_groups_that_do_not_fit_are_refused(fitted):
    with pytest.raises(ValueError, match="one entry for each of 2 texts, got 1"):
        fitted.expert_use(["a", "b"], groups=["x"])
    with pytest.raises(ValueError, match="groups must be a sequence"):
        fitted.expert_use(["a", "b"], groups="xy")
    with pytest.raises(NotFittedError):
        SwitchTransformer().expert_use(["a"])


def test_picture_shows_each_layer_and_group(fitted):
    axes = plot_expert_use(fitted.expert_use(TEXTS, groups=["$x", "y"] * 6))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "3"]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [r"layer 1, \$x", "layer 1, y", r"layer 2, \$x", "layer 2, y"]
    axes.figure.canvas.draw()
    single = plot_expert_use(fitted.expert_use(TEXTS))
    assert [label.get_text() for label in single.get_yticklabels()] == ["layer 1", "layer 2"]
    with pytest.raises(ValueError, match="at least one group"):
        plot_expert_use({})
    with pytest.raises(ValueError, match="several of one shape"):
        plot_expert_use({"a": [[1.0]], "b": [[0.5, 0.5]]})


def test_long_names_of_groups_leave_the_fields_their_width():
    def width(group):
        axes = plot_expert_use({group: np.full((2, 4), 0.25)})
        axes.figure.canvas.draw()
        return axes.get_window_extent().width

    assert width("a group with a long name") > 0.9 * width("a")
