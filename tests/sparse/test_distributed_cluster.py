"""Workers on loopback, one of which is killed: the answer stays that of one machine."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys

import numpy as np
import pytest
import scipy.sparse as sp

import textrep
from textrep.sparse import HashingVectorizer, TfidfVectorizer
from textrep.sparse.sharded import fit_files, read_shard

bag = pytest.importorskip("dask.bag")
distributed = pytest.importorskip("distributed")
cloudpickle = pytest.importorskip("cloudpickle")

# The workers do not find this file by its name.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

TEXTS = [f"text {i % 7} of {'cats' if i % 2 else 'dogs'} and word{i % 11}" for i in range(60)]

pytestmark = pytest.mark.slow


class Killer(distributed.WorkerPlugin):
    """Kills the worker that first finishes a task of some name, as the system would."""

    def __init__(self, task: str, marker: str) -> None:
        self.name = f"killer of {task}"
        self.task = task
        self.marker = marker

    def transition(self, key, start, finish, **_):
        if finish != "memory" or not str(key).startswith(self.task):
            return
        try:
            found = os.open(self.marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return  # one has been killed
        os.write(found, str(os.getpid()).encode())
        os.close(found)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        local_directory=str(tmp_path_factory.mktemp("workers")),
    )
    with distributed.Client(cluster) as client:
        yield client
    with contextlib.suppress(TimeoutError):  # on a busy machine
        cluster.close()


def killed(client, marker):
    """Whether the worker that the marker names is gone."""
    return int(marker.read_text()) not in client.run(os.getpid).values()


def test_a_collection_is_fitted_though_a_worker_is_killed(client, tmp_path):
    marker = tmp_path / "killed"
    client.register_plugin(Killer("_seen_in_part", str(marker)))
    wanted = TfidfVectorizer(min_df=2).fit(TEXTS)
    documents = bag.from_sequence(TEXTS, npartitions=6)
    found = TfidfVectorizer(min_df=2).fit(documents)
    assert killed(client, marker)
    assert list(found.vocabulary_.items()) == list(wanted.vocabulary_.items())
    np.testing.assert_array_equal(found.idf_, wanted.idf_)
    lazy = pickle.loads(pickle.dumps(found.transform(documents)))
    assert (lazy.compute() != wanted.transform(TEXTS)).nnz == 0


class Counting(HashingVectorizer):
    """A vectoriser that leaves a file wherever it is unpickled."""

    def __setstate__(self, state):
        super().__setstate__(state)
        with open(f"{self.folder}/{os.getpid()}", "a") as file:  # noqa: PTH123
            file.write("x")


def test_a_model_comes_to_a_worker_once(client, tmp_path):
    vectorizer = Counting(n_features=16)
    vectorizer.folder = str(tmp_path)
    lazy = vectorizer.transform(bag.from_sequence(TEXTS, npartitions=12))
    here = tmp_path / str(os.getpid())
    here.unlink(missing_ok=True)
    lazy.compute()
    workers = [path.read_text() for path in tmp_path.iterdir() if path != here]
    assert 1 <= len(workers) <= 3  # two workers, and whoever unpacks the graph
    assert set(workers) == {"x"}


def matrix(out, manifest):
    return sp.vstack([read_shard(out / shard["file"])[0] for shard in manifest["shards"]])


def test_processes_of_this_machine_write_the_same_shards(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    manifest = fit_files(HashingVectorizer(), [path], tmp_path / "out", block_bytes=400, workers=2)
    expected = HashingVectorizer().transform(TEXTS)
    assert (matrix(tmp_path / "out", manifest) != expected).nnz == 0


def test_files_are_vectorised_though_a_worker_is_killed(client, tmp_path):
    marker = tmp_path / "killed"
    client.register_plugin(Killer("write_block", str(marker)))
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    out = tmp_path / "out"
    address = client.scheduler.address
    manifest = fit_files(TfidfVectorizer(), [path], out, block_bytes=150, scheduler=address)
    assert killed(client, marker)
    assert len(manifest["shards"]) > 6
    wanted = TfidfVectorizer().fit(TEXTS)
    assert (matrix(out, manifest) != wanted.transform(TEXTS)).nnz == 0
    model = textrep.load(out / "model.textrep")
    assert list(model.vocabulary_.items()) == list(wanted.vocabulary_.items())
