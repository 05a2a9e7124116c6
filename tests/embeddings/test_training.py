"""Epochs over chunks: order, losses, stops, interruption and resume."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from textrep.core import container
from textrep.core.container import PersistError
from textrep.embeddings import checkpoint as checkpoint_module
from textrep.embeddings.checkpoint import Checkpoint, Place
from textrep.embeddings.training import train_epochs


def train(work, sizes, **options):
    defaults = {"epochs": 2, "threads": 1, "verbose": 0, "description": "training"}
    return train_epochs(work, sizes, **{**defaults, **options})


def test_every_chunk_is_worked_on_in_every_epoch_in_order():
    seen = []

    def work(epoch, chunk):
        seen.append((epoch, chunk))
        return 1.0, 1

    train(work, [3, 1, 2], epochs=2)
    assert seen == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_the_loss_of_an_epoch_is_the_mean_over_all_its_terms():
    outcome = train(lambda epoch, chunk: (10.0 * (chunk + 1) / (epoch + 1), chunk + 1), [1, 1, 1])
    assert outcome.losses == [10.0, 5.0]
    assert (outcome.n_epochs, outcome.stopped_early) == (2, False)


def test_threads_share_the_chunks_and_each_is_done_once():
    lock, seen = threading.Lock(), []

    def work(epoch, chunk):
        with lock:
            seen.append((epoch, chunk))
        return 1.0, 1

    train(work, [1] * 50, threads=4)
    assert sorted(seen) == [(e, c) for e in range(2) for c in range(50)]


def test_training_stops_when_the_loss_falls_too_little():
    losses = [4.0, 2.0, 1.99, 1.0, 0.5]
    outcome = train(lambda epoch, chunk: (losses[epoch], 1), [1], epochs=5, tol=0.01)
    assert outcome.losses == [4.0, 2.0, 1.99]
    assert outcome.stopped_early


def test_training_that_always_gains_enough_is_not_stopped():
    outcome = train(lambda epoch, chunk: (2.0**-epoch, 1), [1], epochs=5, tol=0.4)
    assert (outcome.n_epochs, outcome.stopped_early) == (5, False)


def test_no_time_trains_nothing():
    outcome = train(lambda epoch, chunk: (1.0, 1), [1, 1], max_seconds=0)
    assert outcome.stopped_early
    assert outcome.losses == []


def test_an_error_in_a_thread_is_passed_on():
    def work(epoch, chunk):
        if chunk == 2:
            raise ZeroDivisionError("chunk 2")
        return 1.0, 1

    with pytest.raises(ZeroDivisionError, match="chunk 2"):
        train(work, [1] * 5, threads=2)


def test_a_loss_that_is_not_finite_names_the_learning_rate():
    with pytest.raises(FloatingPointError, match="epoch 1 is nan: the learning rate alpha"):
        train(lambda epoch, chunk: (float("nan"), 1), [1])


class Toy:
    """Adds the number of each chunk to an array, and can be interrupted."""

    def __init__(self, path, stop_at=None, identity="a"):
        self.total = np.zeros(3)
        self.stop_at = stop_at
        self.n_calls = 0
        self.checkpoint = Checkpoint(path, {"total": self.total}, {"name": identity})

    def work(self, epoch, chunk):
        if (epoch, chunk) == self.stop_at:
            raise KeyboardInterrupt
        self.n_calls += 1
        self.total[:] = self.total * 1.5 + epoch * 10 + chunk
        return float(chunk), 1.0

    def train(self):
        return train(self.work, [1] * 4, epochs=3, checkpoint=self.checkpoint)


def test_interrupted_training_goes_on_to_the_same_result(tmp_path):
    whole = Toy(tmp_path / "other")
    expected = whole.train()
    first = Toy(tmp_path / "kept", stop_at=(2, 0))
    with pytest.raises(KeyboardInterrupt):
        first.train()
    second = Toy(tmp_path / "kept")
    outcome = second.train()
    np.testing.assert_array_equal(second.total, whole.total)
    assert outcome.losses == expected.losses
    assert second.n_calls == 4  # the last epoch only
    assert not (tmp_path / "kept").exists()


def test_within_an_epoch_it_is_saved_once_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint_module, "SAVE_SECONDS", 0.0)
    saved = []
    monkeypatch.setattr(Checkpoint, "save", lambda self, place: saved.append(place.chunk))
    release = threading.Event()

    def work(epoch, chunk):
        release.wait(0.15)  # longer than the main thread sleeps
        return 1.0, 1

    toy = Toy(tmp_path / "kept")
    train(work, [1] * 4, epochs=1, checkpoint=toy.checkpoint)
    assert saved
    assert set(saved) <= {1, 2, 3}


def test_an_interruption_saves_the_chunks_that_are_done(tmp_path):
    toy = Toy(tmp_path / "kept")

    def work(epoch, chunk):
        result = toy.work(epoch, chunk)
        if chunk == 1:
            # As ctrl-C does: the main thread is interrupted while a chunk is at work.
            import _thread

            _thread.interrupt_main()
            release.wait(0.3)
        return result

    release = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        train(work, [1] * 4, epochs=3, checkpoint=toy.checkpoint)
    again = Toy(tmp_path / "kept")
    place = again.checkpoint.resume()
    assert (place.epoch, place.chunk) == (0, 2)
    np.testing.assert_array_equal(again.total, toy.total)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    Toy(tmp_path / "kept").checkpoint.save(Place())
    with pytest.raises(PersistError, match="of another training"):
        Toy(tmp_path / "kept", identity="b").checkpoint.resume()


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "kept"
    path.write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(PersistError, match="damaged"):
        Toy(path).checkpoint.resume()


def test_another_model_file_is_no_checkpoint(tmp_path):
    import textrep

    path = textrep.CountVectorizer().save(tmp_path / "model")
    with pytest.raises(PersistError, match="no interrupted training"):
        Toy(path).checkpoint.resume()


@pytest.mark.parametrize("model", [[], None, 3, "checkpoint"])
def test_what_names_no_kind_is_no_checkpoint(tmp_path, model):
    container.write(tmp_path / "kept", container.Contents(model))
    with pytest.raises(PersistError, match="no interrupted training"):
        Toy(tmp_path / "kept").checkpoint.resume()


@pytest.mark.parametrize(
    ("name", "value"),
    [("epoch", "1"), ("epoch", None), ("chunk", -1), ("chunk", 0.5), ("loss", "x"), ("losses", {})],
)
def test_a_place_that_is_none_is_refused_before_anything_is_taken_up(tmp_path, name, value):
    Toy(tmp_path / "kept").checkpoint.save(Place())
    contents = container.read(tmp_path / "kept")
    contents.model["place"][name] = value
    container.write(tmp_path / "kept", contents)
    toy = Toy(tmp_path / "kept")
    before = toy.total.copy()
    with pytest.raises(PersistError, match=f"training is damaged: {name} is"):
        toy.checkpoint.resume()
    np.testing.assert_array_equal(toy.total, before)
