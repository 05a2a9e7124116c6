"""`TransformerSeq2Seq`: what goes wrong in Transformers, and that it does not here."""

from __future__ import annotations

import os
import pickle
import signal
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone

import textrep
from textrep import TransformerSeq2Seq
from textrep.engine.batches import LengthBatches, Share
from textrep.generation.seq2seq_task import Seq2SeqTask
from textrep.generation.text_pairs import collate_pairs, costs_of

SMALL = {
    "level": "whitespace",
    "num_layers": 1,
    "hidden_size": 16,
    "num_heads": 2,
    "inner_size": 32,
    "dropout": 0.0,
    "device": "cpu",
    "random_state": 0,
}
LEARNING = {
    "num_layers": 2,
    "hidden_size": 32,
    "num_heads": 4,
    "inner_size": 64,
    "epochs": 16,
    "batch_tokens": 160,
    "learning_rate": 0.006,
    "schedule": "one-cycle",
    "warmup": 0.2,
    "average_last": 2,
    "label_smoothing": 0.0,
}


def rows_of_letters(n, seed=0, most=4):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(list("abcdef"), random.integers(1, most + 1))) for _ in range(n)]


def reversed_rows(rows):
    return [" ".join(row.split()[::-1]) for row in rows]


def small(**options):
    return TransformerSeq2Seq(**{**SMALL, "epochs": 1, **options})


@pytest.fixture(scope="module")
def copier():
    rows = rows_of_letters(800)
    return TransformerSeq2Seq(**{**SMALL, **LEARNING}).fit(rows, rows)


@pytest.fixture(scope="module")
def pairs():
    rows = rows_of_letters(40)
    return rows, reversed_rows(rows)


def test_copying_is_learnt_to_the_last_letter_greedily_too(copier):
    unseen = rows_of_letters(100, seed=1)
    assert copier.predict(unseen) == unseen
    assert copier.predict(unseen, beam_width=1) == unseen


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"norm": "post", "activation": "swiglu"},
        {"shared_vocabulary": False, "num_decoder_layers": 2},
    ],
)
def test_a_text_gets_the_same_alone_and_in_a_batch(pairs, options):
    rows, targets = pairs
    model = small(epochs=3, **options).fit(rows, targets)
    together = model.generate(rows, num_return_sequences=2, beam_width=3)
    likely = model.log_likelihoods(rows, targets)
    for number in (0, 5, 17):
        alone = model.generate([rows[number]], num_return_sequences=2, beam_width=3)[0]
        assert [c.text for c in alone] == [c.text for c in together[number]]
        np.testing.assert_allclose(
            [c.log_prob for c in alone], [c.log_prob for c in together[number]], atol=1e-4
        )
        own = model.log_likelihoods([rows[number]], [targets[number]])
        np.testing.assert_allclose(own, likely[number], atol=1e-4)
    turned = model.predict(rows[::-1], beam_width=3)
    assert turned == [best[0].text for best in together][::-1]


def test_a_beam_of_one_takes_the_likeliest_word_each_time(copier):
    row = "c a f b"
    module = copier.module_
    ids = torch.tensor([[*copier.source_codec_.encode(row).tolist(), copier.source_codec_.EOS]])
    written = [copier.target_codec_.BOS]
    with torch.inference_mode():
        state = module.encode(ids, torch.tensor([ids.shape[1]]))
        while written[-1] != copier.target_codec_.EOS:
            features = module.features(torch.tensor([written]), state)[:, -1]
            written.append(int(module.output.logits(features).argmax()))
    assert copier.target_codec_.decode(written) == copier.predict([row], beam_width=1)[0]


def test_log_likelihoods_are_those_of_the_search(copier):
    rows = rows_of_letters(5, seed=3)
    for row, (best, *_) in zip(rows, copier.generate(rows), strict=True):
        (found,) = copier.log_likelihoods([row], [best.text])
        assert found == pytest.approx(best.log_prob, abs=1e-4)


# ---- attention


def test_attention_has_every_layer_and_head(copier, pairs):
    copier.predict(pairs[0])
    for row, weights in zip(pairs[0], copier.attention_, strict=True):
        assert weights.shape[:2] == (2, 4)
        assert weights.shape[3] == len(row.split()) + 1
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)


def test_attend_chooses_layer_and_head_and_else_the_mean_of_the_last(copier):
    copier.predict(["a b c"])
    (tables,) = copier.attention_
    looked = copier.attend("a b c")
    assert looked.source == looked.target == ["a", "b", "c", "<eos>"]
    np.testing.assert_allclose(looked.weights, tables[-1].mean(axis=0), atol=1e-6)
    found = copier.attend("a b c", "a b c", layer=0, head=2).weights
    np.testing.assert_allclose(found, tables[0, 2], atol=1e-6)
    for options, message in (({"layer": 2}, "layer must be an integer from -2 to 1, got 2"),
                             ({"head": 4}, "head must be an integer from -4 to 3, got 4"),
                             ({"head": "all"}, "got 'all'")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            copier.attend("a b", **options)


def test_plots_show_the_mean_or_every_head(copier):
    axes = copier.plot_attention("a b", layer=0, head=1)
    np.testing.assert_allclose(
        axes.images[0].get_array(), copier.attend("a b", layer=0, head=1).weights, atol=1e-6
    )
    figure = copier.plot_heads("a b", layer=0)
    assert [ax.get_title() for ax in figure.axes] == [f"head {n}" for n in range(4)]
    for number, ax in enumerate(figure.axes):
        expected = copier.attend("a b", layer=0, head=number).weights
        np.testing.assert_allclose(ax.images[0].get_array(), expected, atol=1e-6)
        assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "<eos>"]


def test_unknown_words_are_copied_from_the_source_where_wanted(pairs, monkeypatch):
    model = small(level="word", replace_unknown=True, num_heads=2).fit(*pairs)
    heads = np.array([[[0.9, 0.1, 0.0]], [[0.0, 0.8, 0.2]]])  # of two words and the end sign
    other = np.array([[[1.0, 0.0, 0.0]], [[1.0, 0.0, 0.0]]])
    monkeypatch.setattr(type(model), "_weights", lambda *_: [np.stack([other, heads])])
    texts, rows = model._sources(["x y"])
    # 0.45 of the mean of the last layer's heads lie on both: the first of equals; then the other.
    assert model._without_unknown(texts, rows, [np.array([model.target_codec_.UNK])]) == ["x"]
    heads[1, 0] = [0.0, 1.0, 0.0]
    assert model._without_unknown(texts, rows, [np.array([model.target_codec_.UNK])]) == ["y"]


# ---- what it is made of


def test_the_defaults_are_those_of_the_paper():
    params = TransformerSeq2Seq().get_params()
    paper = {"num_layers": 6, "hidden_size": 512, "num_heads": 8, "inner_size": 2048,
             "activation": "relu", "dropout": 0.1, "label_smoothing": 0.1, "betas": (0.9, 0.98),
             "schedule": "inverse-sqrt", "warmup": 4000, "average_last": 5, "beam_width": 4,
             "length_penalty": 0.6, "shared_vocabulary": True, "tie_weights": True}  # fmt: skip
    assert {name: params[name] for name in paper} == paper
    settings = TransformerSeq2Seq()._settings(False)
    assert (settings.betas, settings.epsilon) == ((0.9, 0.98), 1e-9)
    # Equation 3 at its highest.
    assert settings.learning_rate == pytest.approx(512**-0.5 * 4000**-0.5, rel=0.01)


def test_batches_have_no_more_units_than_asked_for_and_less_padding():
    random = np.random.default_rng(0)
    lengths = random.integers(4, 12, 600)
    others = lengths + random.integers(-3, 4, 600)
    sources, targets = ([" ".join("a" * n) for n in side] for side in (lengths, others))
    model = small(batch_tokens=256)
    model._fit_codecs(sources, targets)

    def padding(batches):
        tables = [
            (batch.sources.ids, batch.targets)
            for batch in (batches.read(spec, Share()) for spec in batches.plan(0))
        ]
        for read, written in tables:
            assert read.numel() + written.numel() <= 256 or batches is by_sum
        return sum(int((table == 0).sum()) for pair in tables for table in pair)

    batches, (read, written) = model._batches(sources, targets, shuffle=True)
    by_sum = LengthBatches(
        costs_of(read, written), partial(collate_pairs, read, written), max_tokens=256
    )
    assert padding(batches) < 0.75 * padding(by_sum)


def test_warmup_is_cut_to_a_quarter_of_few_steps():
    model = TransformerSeq2Seq()
    settings = model._settings(False)
    assert model._for_steps(settings, 16_000).warmup == 4000
    assert model._for_steps(settings, 15_999).warmup == 0.25
    share = TransformerSeq2Seq(warmup=0.5)
    assert share._for_steps(share._settings(False), 10).warmup == 0.5


def test_one_table_serves_both_sides_and_the_output_after_fit_save_load_clone_and_pickle(
    pairs, tmp_path
):
    model = small().fit(*pairs)
    loaded = textrep.load(model.save(tmp_path / "m.textrep"))
    again = clone(model).fit(*pairs)
    for each in (model, loaded, pickle.loads(pickle.dumps(model)), again):
        module = each.module_
        assert module.output.weight.data_ptr() == module.target_embedding.weight.data_ptr()
        assert module.source_embedding is None
        assert each.source_codec_ is each.target_codec_
        assert each.predict(pairs[0]) == model.predict(pairs[0])
        np.testing.assert_array_equal(each.log_likelihoods(*pairs), model.log_likelihoods(*pairs))
    apart = small(tie_weights=False, shared_vocabulary=False).fit(*pairs)
    tables = (apart.module_.output.weight, apart.module_.target_embedding.weight,
              apart.module_.source_embedding.weight)  # fmt: skip
    assert len({table.data_ptr() for table in tables}) == 3
    assert apart.source_codec_ is not apart.target_codec_


def test_what_was_fitted_ends_with_the_mean_of_the_last_epochs(pairs, monkeypatch):
    model = small(epochs=6, average_last=3)
    ends = []
    begin = Seq2SeqTask.begin_epoch

    def noted(task, epoch):
        if epoch:
            ends.append({k: v.detach().clone() for k, v in task.module.named_parameters()})
        begin(task, epoch)

    monkeypatch.setattr(Seq2SeqTask, "begin_epoch", noted)
    model.fit(*pairs)
    last = small(epochs=6, average_last=None).fit(*pairs).module_
    for name, found in model.module_.named_parameters():
        three = [ends[3][name], ends[4][name], last.get_parameter(name)]
        torch.testing.assert_close(found.data, torch.stack(three).mean(0), atol=1e-6, rtol=1e-5)


def test_interrupted_training_is_taken_up_to_the_bit(pairs, tmp_path, monkeypatch):
    options = {"epochs": 6, "batch_tokens": 64, "dropout": 0.2, "attention_dropout": 0.1,
               "average_last": 2, "validation_fraction": 0.25}  # fmt: skip
    whole = small(**options).fit(*pairs)
    calls = []
    loss = Seq2SeqTask.loss

    def stopping(task, phase, batch):
        calls.append(1)
        if len(calls) == 33:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(task, phase, batch)

    monkeypatch.setattr(Seq2SeqTask, "loss", stopping)
    resumed = small(checkpoint=tmp_path / "training", **options)
    with pytest.raises(KeyboardInterrupt):
        resumed.fit(*pairs)
    assert (tmp_path / "training").exists()
    resumed.fit(*pairs)
    for name, values in whole.module_.state_dict().items():
        np.testing.assert_array_equal(values.numpy(), resumed.module_.state_dict()[name].numpy())
    assert len(resumed.history_) == len(whole.history_)


@pytest.mark.parametrize("level", ["word", "character", "subword", "whitespace"])
def test_every_level_reads_and_writes_any_text(level):
    texts = ["So much text.", "", "Ähnlich naïve 文字", "so little time"]
    model = small(level=level, epochs=2, vocab_size=300).fit(texts, texts[::-1])
    answers = model.predict(
        [*texts, "\udc80 half a pair", "something else entirely", "long " * 300]
    )
    assert all(type(answer) is str for answer in answers)
    assert model.predict([]) == []
    looked = model.attend("unseen words", "so much")
    assert looked.weights.shape == (len(looked.target), len(looked.source))


def test_sources_longer_than_max_length_are_cut(pairs):
    model = small(max_length=2).fit(*pairs)
    assert model.generate(["a b"]) == model.generate(["a b c d e"])
    # What is scored may be longer than what is ever written.
    assert np.isfinite(model.log_likelihoods(["a b"], ["a b " * 50])).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 15, "num_heads": 1}, "hidden_size must be even"),
        ({"hidden_size": 18, "num_heads": 4}, "a multiple of num_heads=4, got 18"),
        ({"num_heads": 0}, "num_heads must be"),
        ({"num_layers": 0}, "num_layers must be"),
        ({"num_decoder_layers": 0}, "num_decoder_layers must be"),
        ({"inner_size": 0}, "inner_size must be"),
        ({"activation": "tanh"}, "activation must be"),
        ({"norm": "none"}, "norm must be"),
        ({"attention_dropout": 1.0}, "attention_dropout must be"),
        ({"betas": 0.9}, "betas must be two numbers"),
        ({"average_last": 0}, "average_last must be"),
        ({"warmup": -1}, "warmup must be"),
        ({"beam_width": 0}, "beam_width must be"),
        ({"patience": 2}, "patience=2 needs pairs to watch"),
    ],
)
def test_parameters_out_of_range_are_named(pairs, options, message):
    with pytest.raises(ValueError, match=message):
        small(**options).fit(*pairs)
