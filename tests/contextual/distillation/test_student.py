"""What a student starts from, how large it is, and what is transferred to it."""

import pytest
import torch
from transformers import (
    AlbertConfig,
    AlbertModel,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
)

from textrep.contextual.distillation.relations import ProjectionTap
from textrep.contextual.distillation.student import (
    can_start_from,
    copy_layers,
    evenly_spaced_layers,
    matched_layers,
)
from textrep.contextual.distillation.transfer import TransferTask
from textrep.contextual.encoders import Encoder, EncoderTokenizer

TEXTS = ["the sea is cold and deep", "a good film", "the film is good and cold and deep"] * 2


def bert(n_layers=4, **changes):
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16, **changes}
    config = BertConfig(vocab_size=40, num_hidden_layers=n_layers, **sizes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BertModel(config, add_pooling_layer=False).eval()


def distilbert(n_layers=2, **changes):
    sizes = {"dim": 8, "n_heads": 2, "hidden_dim": 16, **changes}
    return DistilBertModel(DistilBertConfig(vocab_size=40, n_layers=n_layers, **sizes)).eval()


def encoder_of(architecture, n_layers, hidden_size=8, seed=0):
    vocab_size = 300 if architecture == "roberta" else 60
    tokenizer = EncoderTokenizer.train(TEXTS, architecture=architecture, vocab_size=vocab_size)
    size = {"num_layers": n_layers, "hidden_size": hidden_size, "num_heads": 2, "inner_size": 16}
    return Encoder.new(architecture, size, tokenizer, max_length=16, seed=seed)


def batch_of(encoder, texts=TEXTS):
    return encoder.collate(encoder.rows(texts))


def count_hooks(module):
    return sum(len(part._forward_hooks) for part in module.modules())


# ---- layers


def test_the_published_layers_of_twelve_are_0_2_4_7_9_11():
    assert evenly_spaced_layers(12, 6) == [0, 2, 4, 7, 9, 11]


@pytest.mark.parametrize("n_teacher", range(1, 25))
def test_layers_ascend_from_the_first_to_the_last(n_teacher):
    for n_student in range(1, n_teacher + 1):
        layers = evenly_spaced_layers(n_teacher, n_student)
        assert len(layers) == n_student
        assert layers == sorted(set(layers))
        assert layers[0] == 0
        if n_student > 1:
            assert layers[-1] == n_teacher - 1
        matched = matched_layers(n_teacher, n_student)
        assert (matched[0], matched[-1]) == (0, n_teacher)


@pytest.mark.parametrize("n_student", [0, 5])
def test_a_student_is_no_deeper_than_its_teacher(n_student):
    with pytest.raises(ValueError, match="from 1 to 4 layers"):
        evenly_spaced_layers(4, n_student)


def test_copied_layers_compute_what_the_teachers_compute():
    teacher, student = bert(), distilbert()
    names = copy_layers(teacher, student, [0, 3], fold_token_types=True)
    assert set(names) == set(student.state_dict())
    vectors = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    for own, source in ((0, 0), (1, 3)):
        expected = teacher.encoder.layer[source](vectors)
        found = student.transformer.layer[own](vectors)
        found, expected = (x[0] if isinstance(x, tuple) else x for x in (found, expected))
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_with_token_types_folded_in_the_embeddings_are_the_teachers():
    teacher, student = bert(), distilbert()
    ids = torch.tensor([[3, 4, 5]])
    copy_layers(teacher, student, [0, 3], fold_token_types=True)
    torch.testing.assert_close(student.embeddings(ids), teacher.embeddings(ids))
    copy_layers(teacher, student, [0, 3], fold_token_types=False)
    assert not torch.allclose(student.embeddings(ids), teacher.embeddings(ids), atol=1e-4)
    torch.testing.assert_close(
        student.embeddings.position_embeddings.weight, teacher.embeddings.position_embeddings.weight
    )


def test_a_copy_of_all_layers_computes_the_same():
    teacher, student = bert(3), distilbert(3)
    copy_layers(teacher, student, [0, 1, 2], fold_token_types=True)
    ids = torch.tensor([[3, 4, 5, 6]])
    expected, found = (m(input_ids=ids).last_hidden_state for m in (teacher, student))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_students_of_the_same_architecture_are_copied_by_name():
    config = ModernBertConfig(
        vocab_size=40, hidden_size=8, num_attention_heads=2, intermediate_size=16,
        num_hidden_layers=4, pad_token_id=0, cls_token_id=1, sep_token_id=2, bos_token_id=1,
        eos_token_id=2,
    )  # fmt: skip
    small = ModernBertConfig(**{**config.to_dict(), "num_hidden_layers": 2, "layer_types": None})
    teacher, student = ModernBertModel(config), ModernBertModel(small)
    copy_layers(teacher, student, [0, 3], fold_token_types=False)
    torch.testing.assert_close(student.layers[1].mlp.Wi.weight, teacher.layers[3].mlp.Wi.weight)
    torch.testing.assert_close(
        student.embeddings.tok_embeddings.weight, teacher.embeddings.tok_embeddings.weight
    )


def test_only_networks_of_equal_sizes_start_from_each_other():
    assert can_start_from(bert().config, distilbert().config)
    assert not can_start_from(bert().config, distilbert(dim=4).config)
    assert not can_start_from(bert().config, distilbert(hidden_dim=8).config)
    assert not can_start_from(bert(1).config, distilbert(2).config)
    assert not can_start_from(distilbert().config, bert().config)


def test_the_real_shapes_have_109_and_67_million_parameters():
    with torch.device("meta"):
        teacher = BertForSequenceClassification(BertConfig(num_labels=2))
        student = DistilBertForSequenceClassification(DistilBertConfig(num_labels=2))
    sizes = [sum(p.numel() for p in model.parameters()) for model in (teacher, student)]
    assert [round(size / 1e6, 1) for size in sizes] == [109.5, 67.0]


# ---- relations of real networks


@pytest.mark.parametrize("architecture", ["bert", "albert", "distilbert", "modernbert", "roberta"])
def test_the_projections_of_a_layer_are_read(architecture):
    encoder = encoder_of(architecture, 3)
    batch = batch_of(encoder)
    encoder.hidden(batch, layers="all")  # transformers leaves hooks of its own
    before = count_hooks(encoder.module)
    for layer in (0, -1):
        tap = ProjectionTap(encoder.module, 3, layer)
        with torch.no_grad(), tap.reading() as found:
            states = encoder.hidden(batch, layers="all")
        for part in found():
            assert part.shape == states[0].shape
        if architecture in ("bert", "roberta"):
            query = encoder.module.encoder.layer[layer].attention.self.query
            torch.testing.assert_close(found().queries, query(states[:-1][layer]))
        if architecture == "distilbert":
            value = encoder.module.transformer.layer[layer].attention.v_lin
            torch.testing.assert_close(found().values, value(states[:-1][layer]))
    assert count_hooks(encoder.module) == before


def test_albert_shares_one_module_among_its_layers():
    model = AlbertModel(
        AlbertConfig(vocab_size=40, embedding_size=4, hidden_size=8, num_attention_heads=2,
                     intermediate_size=16, num_hidden_layers=3)
    ).eval()  # fmt: skip
    ids = torch.tensor([[3, 4, 5]])
    found = []
    for layer in range(3):
        with torch.no_grad(), ProjectionTap(model, 3, layer).reading() as read:
            model(input_ids=ids)
        found.append(read().keys)
    assert not torch.allclose(found[0], found[1])
    assert not torch.allclose(found[1], found[2])


def test_xlnet_and_layers_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="relations=False"):
        ProjectionTap(encoder_of("xlnet", 2).module, 2)
    with pytest.raises(ValueError, match="below the 3 layers"):
        ProjectionTap(encoder_of("bert", 3).module, 3, 3)


# ---- transfer


def test_a_student_that_is_its_teacher_has_nothing_to_learn():
    teacher = encoder_of("bert", 3)
    task = TransferTask(teacher.copy(), teacher).eval()
    with torch.no_grad():
        loss = task.loss("train", batch_of(teacher))
    assert float(loss.total) == pytest.approx(0.0, abs=1e-4)
    assert int(loss.count) == int(batch_of(teacher).lengths.sum())


@pytest.mark.parametrize("hidden_size", [8, 4])
def test_padding_does_not_change_the_loss(hidden_size):
    teacher, student = encoder_of("bert", 4), encoder_of("distilbert", 2, hidden_size, seed=1)
    task = TransferTask(student, teacher).eval()
    together = task.loss("train", batch_of(teacher))
    apart = [task.loss("train", batch_of(teacher, [text])) for text in TEXTS]
    total = sum(float(loss.total.detach()) for loss in apart)
    assert float(together.total.detach()) == pytest.approx(total, rel=1e-4)
    assert int(together.count) == sum(int(loss.count) for loss in apart)


def test_the_teacher_is_no_part_of_the_task():
    teacher, student = encoder_of("bert", 4), encoder_of("distilbert", 2, 4, seed=1)
    teacher.module.train()
    task = TransferTask(student, teacher)
    own = {id(p) for p in task.parameters()}
    assert not own & {id(p) for p in teacher.module.parameters()}
    task.train()
    with task.teacher.lent():
        first, second = (
            task.loss("train", batch_of(teacher)).measures["relations"] for _ in range(2)
        )
        task.loss("train", batch_of(teacher)).total.backward()
        assert not teacher.module.training
    assert first != second  # the student has dropout
    assert teacher.module.training
    assert all(p.grad is None for p in teacher.module.parameters())


def test_what_is_switched_off_is_not_computed():
    teacher, student = encoder_of("bert", 4), encoder_of("distilbert", 2, seed=1)
    batch = batch_of(teacher)
    assert set(TransferTask(student, teacher, relations=False).loss("train", batch).measures) == {
        "hidden"
    }
    only = TransferTask(student, teacher, hidden_states=False, teacher_layer=1)
    assert set(only.loss("train", batch).measures) == {"relations"}
    with pytest.raises(ValueError, match="nothing to transfer"):
        TransferTask(student, teacher, relations=False, hidden_states=False)
