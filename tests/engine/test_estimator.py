"""What estimators with a torch module share: saving, pickling, whose random numbers."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import textrep
from tests.engine.toys import Tagger, sentences, tagged_batches
from textrep.core import container
from textrep.core.container import PersistError
from textrep.engine.estimator import TorchEstimator, set_weights, weights_of
from textrep.engine.settings import TrainingSettings


class Tied(nn.Module):
    """A table that is there under two names, a buffer and a part without numbers."""

    def __init__(self, size):
        super().__init__()
        self.table = nn.Embedding(size, 3)
        self.output = nn.Linear(3, size)
        self.output.weight = self.table.weight
        self.register_buffer("seen", torch.zeros(2, dtype=torch.int64))
        self.empty = nn.Parameter(torch.zeros(0, 3))


class Toy(TorchEstimator):
    """Trains nothing of its module, but the toy task beside it."""

    def __init__(
        self, *, size=4, checkpoint=None, device="cpu", precision="auto", random_state=0, verbose=0
    ):
        self.size = size
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X=None, y=None):
        self.module_ = self._new_module()
        self.module_.seen += 5
        batches, held_out = tagged_batches(), tagged_batches(sentences(5, seed=1))
        self._train(Tagger(), batches, TrainingSettings(epochs=2), held_out)
        return self

    def _build(self):
        return Tied(self.size)


@pytest.fixture
def path(tmp_path, monkeypatch):
    # Files hold textrep's public classes only.
    monkeypatch.setattr(Toy, "__module__", "textrep.engine.estimator")
    monkeypatch.setattr(textrep.engine, "Toy", Toy, raising=False)
    return tmp_path / "toy.textrep"


def assert_same_module(first, second):
    for (name, ours), theirs in zip(
        first.state_dict().items(), second.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


def test_a_saved_estimator_has_the_same_module_and_history(path):
    fitted = Toy().fit()
    state = torch.get_rng_state()
    loaded = textrep.load(fitted.save(path))
    assert torch.equal(torch.get_rng_state(), state)
    assert_same_module(loaded.module_, fitted.module_)
    assert loaded.module_.output.weight is loaded.module_.table.weight
    assert not loaded.module_.training
    assert (loaded.history_, loaded.n_epochs_) == (fitted.history_, 2)
    assert loaded.stopped_early_ is False


def test_an_estimator_that_is_not_fitted_can_be_saved(path):
    assert not hasattr(textrep.load(Toy(size=7).save(path)), "module_")


def test_what_is_shared_is_saved_once(path):
    Toy().fit().save(path)
    arrays = container.read(path).arrays
    assert sorted(array.shape for array in arrays.values()) == [(0, 3), (2,), (4,), (4, 3)]


def test_pickles_and_copies_are_alike_and_keep_the_tie():
    fitted = Toy().fit()
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert_same_module(other.module_, fitted.module_)
        assert other.module_.output.weight is other.module_.table.weight
        assert other.module_.table.weight is not fitted.module_.table.weight


def changed(path, change):
    """The file again, whole, with other arrays."""
    contents = container.read(path)
    for name, array in contents.arrays.items():
        contents.arrays[name] = change(array)
    container.write(path, contents)


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array[:1] if array.shape == (4, 3) else array,
        lambda array: array.T.copy() if array.shape == (4, 3) else array,
        lambda array: array.astype(np.float64) if array.dtype == np.float32 else array,
        lambda array: array.astype(np.float32),
    ],
    ids=["cut", "turned", "longer", "no integer"],
)
def test_weights_that_do_not_fit_are_refused(change, path):
    Toy().fit().save(path)
    changed(path, change)
    with pytest.raises(PersistError, match=r"cannot load .*toy.textrep.*weight '.*' is not an arr"):
        textrep.load(path)


def test_a_file_whose_bytes_were_changed_is_refused(path):
    Toy().fit().save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(PersistError, match=r"toy\.textrep"):
        textrep.load(path)


@pytest.mark.parametrize("change", ["missing", "more", "none"])
def test_weights_of_another_module_are_refused(change):
    module = Tied(4)
    weights = weights_of(module)
    wrong = {
        "missing": {name: weights[name] for name in list(weights)[1:]},
        "more": {**weights, "further": np.zeros(1)},
        "none": [1.0],
    }[change]
    before = copy.deepcopy(module)
    with pytest.raises(PersistError, match="weights are"):
        set_weights(module, wrong)
    assert_same_module(module, before)


def test_the_first_weights_come_from_the_random_state_alone():
    torch.manual_seed(1)
    first = Toy(random_state=3)._new_module()
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert_same_module(first, Toy(random_state=3)._new_module())
    assert torch.equal(torch.get_rng_state(), state)
    other = Toy(random_state=4)._new_module()
    assert not torch.equal(first.table.weight, other.table.weight)


def test_a_checkpoint_needs_a_random_state(tmp_path):
    with pytest.raises(ValueError, match="checkpoint needs a random_state"):
        Toy(checkpoint=tmp_path / "training", random_state=None).fit()
    assert Toy(checkpoint=tmp_path / "training").fit().n_epochs_ == 2
