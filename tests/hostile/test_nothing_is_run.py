"""Nothing in a file of others is run: pickles that would give themselves away stay silent."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import textrep
from tests.hostile.mutations import CANARY, PAYLOAD, members_of, signed, zip_of
from textrep.comparison import load_model
from textrep.comparison.workers.jobs import Answer, Figures, read_answer, write_answer
from textrep.data import DataError, load_corpus
from textrep.embeddings import VectorFileError, read_vectors
from textrep.generation.checkpoint_weights import read_weights
from textrep.image.style_transfer.vgg import read_vgg


@pytest.fixture(autouse=True)
def _watched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not Path(CANARY).exists(), "a pickle was run"


def test_the_canary_sings():
    pickle.loads(PAYLOAD)
    Path(CANARY).rmdir()


def torch_file(folder):
    """A file of torch's whose pickle is the payload."""
    made = io.BytesIO()
    torch.save({"weight": torch.ones(2)}, made)
    members = members_of(made.getvalue())
    (name,) = (name for name in members if name.endswith("data.pkl"))
    path = folder / "pytorch_model.bin"
    path.write_bytes(zip_of({**members, name: PAYLOAD}))
    return path


def test_weights_that_are_pickled(tmp_path):
    torch_file(tmp_path)
    with pytest.raises(DataError, match=r"pytorch_model\.bin: is refused"):
        read_weights(tmp_path)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_network_of_pictures(tmp_path, legacy):
    path = torch_file(tmp_path)
    if legacy:
        path.write_bytes(PAYLOAD)
    with pytest.raises(ValueError, match=r"pytorch_model\.bin is no file of tensors alone"):
        read_vgg(path)


@pytest.mark.parametrize(
    "name", ["model.json", "manifest.json", "parts/0.skops", "arrays.safetensors"]
)
def test_a_saved_model_with_a_pickle_for_a_member(tmp_path, name):
    pipeline = make_pipeline(textrep.CountVectorizer(), LogisticRegression())
    path = textrep.save(pipeline.fit(["so much", "little"], ["a", "b"]), tmp_path / "model")
    members = {**members_of(path.read_bytes()), name: PAYLOAD}
    path.write_bytes(zip_of(members if name == "manifest.json" else signed(members)))
    with pytest.raises(textrep.PersistError, match="cannot load"):
        textrep.load(path)


def test_a_saved_model_that_is_a_pickle(tmp_path):
    (tmp_path / "model").write_bytes(PAYLOAD)
    with pytest.raises(textrep.PersistError, match="not a model file of textrep"):
        textrep.load(tmp_path / "model")


@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "subprocess.Popen", "textrep.cli.main", "pickle.loads"]
)
@pytest.mark.parametrize("kind", ["textrep", "composite", "sklearn"])
def test_a_class_that_is_no_estimator(tmp_path, name, kind):
    path = textrep.CountVectorizer().save(tmp_path / "model")
    members = members_of(path.read_bytes())
    tree = {**json.loads(members["model.json"]), "kind": kind, "class": name, "member": name}
    members["model.json"] = json.dumps(tree).encode()
    path.write_bytes(zip_of(signed(members)))
    with pytest.raises(textrep.PersistError, match=r"unknown class|is missing"):
        textrep.load(path)


def test_arrays_of_objects_in_what_a_comparison_left(tmp_path):
    write_answer(tmp_path, Answer(Figures(), np.zeros(1, np.int32), None))
    made = io.BytesIO()
    np.save(made, np.zeros(1, np.int32))
    header = made.getvalue()[:-4].replace(b"'<i4'", b"'|O' ")
    with zipfile.ZipFile(tmp_path / "arrays.npz", "w") as archive:
        archive.writestr("codes.npy", header + PAYLOAD)
    assert read_answer(tmp_path) is None


def test_a_saved_comparison_whose_model_is_a_pickle(tmp_path):
    from tests.comparison.toy_results import make_result

    folder = make_result().save(tmp_path / "model")
    (folder / "model.textrep").write_bytes(PAYLOAD)
    with pytest.raises(textrep.PersistError, match="not a model file of textrep"):
        load_model(folder)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.zip", "a.tar.gz", "a.jsonl"])
def test_a_corpus_that_is_a_pickle(tmp_path, name):
    (tmp_path / name).write_bytes(PAYLOAD)
    with pytest.raises(DataError, match=name):
        load_corpus(tmp_path / name)


def test_vectors_that_are_a_pickle(tmp_path):
    (tmp_path / "v.bin").write_bytes(PAYLOAD)
    with pytest.raises(VectorFileError, match=r"v\.bin"):
        read_vectors(tmp_path / "v.bin")
