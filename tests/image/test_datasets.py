"""Sets of pictures by name, and folders."""

from __future__ import annotations

import gzip
import io
import tarfile

import numpy as np
import pytest
from sklearn.datasets import load_digits

pytest.importorskip("PIL")
pytest.importorskip("torch")
from PIL import Image

from textrep import DataError
from textrep.image import load_pictures
from textrep.image.datasets import NAMES, crops, fitted_pictures

RNG = np.random.default_rng(0)


def write_idx(path, values):
    path.parent.mkdir(exist_ok=True)
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    path.write_bytes(gzip.compress(head + values.tobytes()))


@pytest.fixture
def mnist(tmp_path):
    pictures = RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8)
    labels = np.array([7, 2, 1, 0, 4], np.uint8)
    for part in ("train", "t10k"):
        write_idx(tmp_path / "mnist" / f"{part}-images-idx3-ubyte.gz", pictures)
        write_idx(tmp_path / "mnist" / f"{part}-labels-idx1-ubyte.gz", labels)
    return tmp_path, pictures, labels


def test_digits_are_those_of_scikit_learn():
    found, peer = load_pictures("digits"), load_digits()
    np.testing.assert_allclose(found.pictures[:, 0] / 255, peer.images / 16, atol=0.5 / 255)
    np.testing.assert_array_equal(found.labels, peer.target)
    train, test = (load_pictures("digits", part=part) for part in ("train", "test"))
    np.testing.assert_array_equal(np.concatenate([train.pictures, test.pictures]), found.pictures)
    assert load_pictures("digits", part="test", size=16).pictures.shape == (360, 1, 16, 16)


def test_photos_are_cut_into_crops():
    found = load_pictures("photos", size=100)
    assert found.pictures.shape == (2 * 4 * 6, 3, 100, 100)
    assert found.names == ["china", "flower"]
    assert found.labels.tolist() == [0] * 24 + [1] * 24


def test_idx_files_are_read_from_the_folder_that_is_named(mnist):
    home, pictures, labels = mnist
    found = load_pictures("mnist", part="test", data_home=home)
    np.testing.assert_array_equal(found.pictures[:, 0], pictures)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.names == list("0123456789")
    assert len(load_pictures("mnist", data_home=home).pictures) == 10


def test_a_short_idx_file_is_told(mnist):
    home, _, _ = mnist
    path = home / "mnist" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))
    with pytest.raises(DataError, match="no whole IDX file"):
        load_pictures("mnist", part="test", data_home=home)


def test_a_file_of_garbage_is_told(mnist):
    home, _, _ = mnist
    (home / "mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b\x08" + b"\xff" * 40)
    with pytest.raises(DataError, match="no whole IDX file"):
        load_pictures("mnist", part="test", data_home=home)
    for name, file in (
        ("cifar10_jpg", "cifar10-images-test.tar.gz"), ("olivetti", "olivettifaces.mat")
    ):  # fmt: skip
        (home / name).mkdir()
        (home / name / file).write_bytes(gzip.compress(b"what is no archive" * 40))
    with pytest.raises(DataError, match=r"test\.tar\.gz: not a sound archive"):
        load_pictures("cifar10_jpg", part="test", data_home=home)
    with pytest.raises(DataError, match=r"faces\.mat: it is no file of Matlab"):
        load_pictures("olivetti", data_home=home)


def test_pictures_and_labels_of_several_sets_are_told(mnist):
    home, pictures, labels = mnist
    write_idx(home / "mnist" / "t10k-labels-idx1-ubyte.gz", labels[:4])
    with pytest.raises(DataError, match="do not belong together"):
        load_pictures("mnist", part="test", data_home=home)
    write_idx(home / "mnist" / "t10k-labels-idx1-ubyte.gz", pictures)
    with pytest.raises(DataError, match="no whole IDX file"):
        load_pictures("mnist", part="test", data_home=home)


def test_cifar_is_read_from_its_archive(tmp_path):
    (tmp_path / "cifar10_jpg").mkdir()
    with tarfile.open(tmp_path / "cifar10_jpg" / "cifar10-images-test.tar.gz", "w:gz") as archive:
        for name, shade in (("dog", 250), ("cat", 10)):
            file = io.BytesIO()
            Image.new("RGB", (32, 32), (shade, shade, shade)).save(file, format="JPEG")
            member = tarfile.TarInfo(f"test/{name}/0001.jpg")
            member.size = file.tell()
            file.seek(0)
            archive.addfile(member, file)
    found = load_pictures("cifar10_jpg", part="test", data_home=tmp_path)
    assert [found.names[label] for label in found.labels] == ["cat", "dog"]
    assert found.pictures.shape == (2, 3, 32, 32)
    assert found.pictures.mean(axis=(1, 2, 3)).round().tolist() == [10, 250]


def test_a_folder_has_classes_and_parts(tmp_path):
    for part, number in (("train", 3), ("test", 2)):
        for kind in ("cat", "dog"):
            place = tmp_path / part / kind
            place.mkdir(parents=True)
            for i in range(number):
                Image.new("L", (4, 6), 10 * i).save(place / f"{i}.png")
    found = load_pictures(tmp_path)
    assert found.pictures.shape == (10, 1, 6, 4)
    assert found.names == ["cat", "dog"]
    train = load_pictures(tmp_path, part="train")
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert train.pictures[:3, 0, 0, 0].tolist() == [0, 10, 20]
    with pytest.raises(DataError, match="part"):
        load_pictures(tmp_path, part="dev")


def test_pictures_of_several_sizes_need_one(tmp_path):
    Image.new("RGB", (20, 10), "red").save(tmp_path / "a.png")
    Image.new("RGB", (10, 10), "red").save(tmp_path / "b.png")
    with pytest.raises(ValueError, match="give size="):
        load_pictures(tmp_path)
    found = load_pictures(tmp_path, size=8)
    assert found.pictures.shape == (2, 3, 8, 8)
    assert found.labels is None


def test_proportions_are_kept_when_a_folder_is_brought_to_a_size(tmp_path):
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert (load_pictures(tmp_path, size=10).pictures == 255).all()  # the middle is what is left


def test_proportions_are_kept_when_a_set_is_brought_to_a_size():
    narrow = load_pictures("digits", size=(8, 4)).pictures
    np.testing.assert_array_equal(narrow, load_pictures("digits").pictures[..., 2:6])
    flat = load_pictures("photos", size=(16, 32)).pictures
    np.testing.assert_array_equal(flat, load_pictures("photos").pictures[:, :, 8:24])
    assert fitted_pictures(narrow[:2], (3, 30)).shape == (2, 1, 3, 30)
    assert fitted_pictures(narrow[:2], (1, 200)).shape == (2, 1, 1, 200)


@pytest.mark.parametrize("name", [None, 3, "", b"mnist", ["mnist"]])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(DataError, match="name_or_path must be"):
        load_pictures(name)


def test_what_is_not_there_gets_a_hint(tmp_path):
    with pytest.raises(DataError, match="did you mean 'mnist'"):
        load_pictures("minst")
    with pytest.raises(DataError, match="holds no pictures"):
        load_pictures(tmp_path)
    with pytest.raises(DataError, match="data_home"):
        load_pictures("mnist", data_home=tmp_path)
    with pytest.raises(DataError, match="no parts"):
        load_pictures("photos", part="test")
    assert "digits" in NAMES


def test_crops_are_all_squares_of_a_grid():
    picture = np.arange(2 * 6 * 7).reshape(2, 6, 7)
    found = crops(picture, 3, stride=2)
    expected = [picture[:, y : y + 3, x : x + 3] for y in (0, 2) for x in (0, 2, 4)]
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="at least 8"):
        crops(picture, 8)
