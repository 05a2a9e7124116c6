"""Images of every kind become RGB; what is none is named."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from textrep.image import check_images, read_image

pytest.importorskip("PIL")
from PIL import Image

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "some.png"
    Image.fromarray(PIXELS).save(path)
    return path


def test_a_path_an_array_and_an_image_are_the_same(png):
    for image in (png, str(png), PIXELS, Image.fromarray(PIXELS)):
        found = read_image(image)
        assert found.mode == "RGB"
        assert np.array_equal(np.asarray(found), PIXELS)
    turned = read_image(PIXELS[:, ::-1])  # not contiguous
    assert np.array_equal(np.asarray(turned), PIXELS[:, ::-1])


def test_lists_arrays_of_images_and_generators_are_read(png):
    assert check_images(iter([png, str(png)])) == [png, str(png)]
    assert len(check_images(np.stack([PIXELS, PIXELS]))) == 2
    assert check_images([]) == []


def test_grey_transparent_and_deep_pixels_become_rgb():
    assert np.asarray(read_image(Image.new("L", (1, 1), 7))).tolist() == [[[7, 7, 7]]]
    clear = Image.new("RGBA", (1, 1), (0, 0, 0, 0))
    assert np.asarray(read_image(clear)).tolist() == [[[255, 255, 255]]]
    palette = Image.new("P", (1, 1), 0)
    palette.info["transparency"] = 0
    assert np.asarray(read_image(palette)).tolist() == [[[255, 255, 255]]]
    deep = Image.fromarray(np.array([[0x8000]], np.uint16))
    assert np.asarray(read_image(deep)).tolist() == [[[128, 128, 128]]]
    with pytest.raises(ValueError, match=r"^image has pixels of mode 'F'"):
        read_image(Image.new("F", (1, 1)))


def test_photographs_are_turned_as_the_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    path = tmp_path / "turned.png"
    Image.fromarray(PIXELS).save(path, exif=exif)
    assert read_image(path).size == (2, 4)


def test_images_are_left_as_they_are(png):
    image = Image.open(png)
    read_image(image)
    assert np.array_equal(np.asarray(image), PIXELS)


@pytest.mark.parametrize(
    "images",
    ["cat.png", Path("cat.png"), None, PIXELS, Image.new("L", (1, 1)), {}, 3],
    ids=lambda images: type(images).__name__,
)
def test_a_single_image_is_no_list(images):
    with pytest.raises(ValueError, match=r"^images must be a list of images, got"):
        check_images(images)


@pytest.mark.parametrize(
    "item", [PIXELS.astype(float), PIXELS[0], PIXELS[:0], PIXELS[..., :1], 3, None, b"png"]
)
def test_items_that_are_no_images_are_named(item):
    with pytest.raises(ValueError, match=r"^images\[1\] must be"):
        check_images([PIXELS, item])


def test_files_that_are_no_images_are_named(png, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^images\[1\]: there is no file .*none\.png"):
        check_images([png, tmp_path / "none.png"])
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(ValueError, match=r"^images\[0\]: .*text\.png is no image of a kind"):
        check_images([tmp_path / "text.png"])
    with pytest.raises(ValueError, match=r"^images\[0\]: .* cannot be read"):
        check_images([tmp_path])


def test_a_file_that_ends_too_early_is_named(tmp_path):
    whole = tmp_path / "whole.png"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(whole)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:2000])
    assert check_images([cut]) == [cut]  # its header is fine
    with pytest.raises(ValueError, match=r"^images\[0\] \(.*cut\.png\) is a broken image: "):
        read_image(cut, "images[0]")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match=r"^images\[0\]: .*pipe\.png is a pipe, expected a file"):
        check_images([tmp_path / "pipe.png"])
    with pytest.raises(ValueError, match=r"is a pipe, expected a file with an image"):
        read_image(tmp_path / "pipe.png")


def test_a_program_is_no_picture(tmp_path):
    # Pillow has Ghostscript run it.
    path = tmp_path / "picture.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    assert Image.open(path).format == "EPS"
    with pytest.raises(ValueError, match=r"picture\.png is no image of a kind that is read"):
        read_image(path)


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (1, 1)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">2I", 1 << 20, 1 << 20)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"bomb\.png is a broken image: .*decompression bomb"):
        read_image(path)


def test_whatever_pillow_makes_of_a_broken_file_is_one_error(tmp_path, monkeypatch):
    path = tmp_path / "whole.png"
    Image.fromarray(PIXELS).save(path)

    def broken(self):
        raise struct.error("unpack requires a buffer of 4 bytes")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", broken)
    with pytest.raises(ValueError, match=r"whole\.png\) is a broken image: unpack requires"):
        read_image(path)
