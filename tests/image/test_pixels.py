"""Pictures as numbers: what is taken, what it becomes, and what is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

pytest.importorskip("PIL")
from PIL import Image

from textrep.image import check_pictures, resize_pictures, to_pil
from textrep.image.pixels import files_in

LEVELS = np.random.default_rng(0).integers(0, 256, (4, 3, 6, 5), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    for number, level in enumerate(LEVELS):
        place = tmp_path / ("b" if number % 2 else "a")
        place.mkdir(exist_ok=True)
        Image.fromarray(level.transpose(1, 2, 0)).save(place / f"{number}.png")
    (tmp_path / ".hidden").mkdir()
    Image.fromarray(LEVELS[0, 0]).save(tmp_path / ".hidden" / "x.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


SHAPES = st.tuples(st.integers(1, 3), st.sampled_from([1, 3]), st.integers(4, 7), st.integers(4, 7))


@settings(max_examples=25, deadline=None)
@given(SHAPES.flatmap(lambda shape: arrays.arrays(np.uint8, shape)))
def test_every_form_of_the_same_levels_is_the_same_picture(levels):
    expected = levels.astype(np.float64) / 255
    last = levels.transpose(0, 2, 3, 1)
    grey = levels.shape[1] == 1
    images = [Image.fromarray(each[..., 0] if grey else each) for each in last]
    forms = [
        levels, last, list(levels), list(last), torch.from_numpy(levels), images, expected,
        expected.astype(np.float32), torch.from_numpy(expected), iter(list(expected)),
        np.asfortranarray(expected), to_pil(levels),
    ]  # fmt: skip
    if grey:
        forms += [levels[:, 0], expected[:, 0], list(levels[:, 0])]
    for form in forms:
        found = check_pictures(form)
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
        np.testing.assert_allclose(found, expected, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(
    st.one_of(
        st.none(), st.text(max_size=5), st.binary(max_size=5), st.integers(), st.floats(),
        st.lists(st.one_of(st.none(), st.integers(), st.floats(), st.lists(st.floats()))),
        st.dictionaries(st.text(max_size=2), st.integers()),
        arrays.arrays(
            st.sampled_from([np.float64, np.int64, np.float32, np.complex128]),
            arrays.array_shapes(max_dims=5, min_side=0, max_side=3),
            elements=st.just(2),
        ),
    )
)  # fmt: skip
def test_whatever_is_no_picture_is_refused_by_name(anything):
    with pytest.raises(ValueError, match="pictures"):
        check_pictures(anything, name="pictures")


def test_bfloat16_and_half_precision_are_read():
    halves = torch.tensor([[[0.0, 0.5], [0.25, 1.0]]])
    for kind in (torch.bfloat16, torch.float16):
        np.testing.assert_array_equal(check_pictures(halves.to(kind))[0, 0], halves[0])
    assert check_pictures(np.eye(3, dtype=bool)[None])[0, 0].tolist() == np.eye(3).tolist()


def test_rounding_beside_the_ends_is_cut_off():
    found = check_pictures(np.array([[[-1e-7, 1 + 1e-7]]]))
    assert found.min() == 0
    assert found.max() == 1


@pytest.mark.parametrize(
    ("pixel", "named"),
    [
        (np.nan, r"X\[1\] has a pixel of nan"),
        (np.inf, r"X\[1\] has a pixel of inf"),
        (200.0, "divide by 255"),
        (-0.5, r"\(X \+ 1\) / 2"),
    ],
)
def test_a_pixel_out_of_range_is_named_with_its_picture(pixel, named):
    pictures = np.zeros((3, 1, 4, 4))
    pictures[1, 0, 2, 2] = pixel
    with pytest.raises(ValueError, match=named):
        check_pictures(pictures)
    with pytest.raises(ValueError, match=named):
        check_pictures(list(pictures))


def test_a_folder_is_read_by_name_without_what_is_hidden(folder):
    assert [path.name for path in files_in(folder)] == ["0.png", "2.png", "1.png", "3.png"]
    np.testing.assert_array_equal(check_pictures(folder), check_pictures(LEVELS[[0, 2, 1, 3]]))
    # A str in a list is a path.
    alone = check_pictures([str(folder / "a" / "0.png")])
    np.testing.assert_array_equal(alone, check_pictures(LEVELS[:1]))


def test_folders_that_hold_nothing_or_are_none_are_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no pictures"):
        check_pictures(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="no folder"):
        check_pictures(tmp_path / "none")
    with pytest.raises(ValueError, match="put a single picture into a list"):
        check_pictures(folder / "a" / "0.png")


def test_a_broken_file_is_named(folder):
    path = folder / "a" / "0.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"X\[0\].*0\.png.*broken"):
        check_pictures(folder)


def test_grey_files_among_coloured_ones_become_coloured(folder):
    Image.fromarray(LEVELS[0, 0]).save(folder / "z.png")
    found = check_pictures(folder)
    assert found.shape == (5, 3, 6, 5)
    assert (found[-1] == found[-1, :1]).all()
    only = check_pictures([folder / "z.png"])
    assert only.shape == (1, 1, 6, 5)
    np.testing.assert_array_equal(only[0, 0], found[-1, 0])


def test_files_get_the_channels_that_are_asked_for(folder):
    assert check_pictures(folder, channels=1).shape == (4, 1, 6, 5)
    Image.fromarray(LEVELS[0, 0]).save(folder / "z.png")
    assert check_pictures([folder / "z.png"], channels=3).shape == (1, 3, 6, 5)


def test_pictures_of_several_sizes_are_refused_with_position():
    with pytest.raises(ValueError, match=r"X\[1\] is 5 x 4 pixels with 1 channel, but X\[0\] 4 x"):
        check_pictures([np.zeros((4, 4)), np.zeros((5, 4))])
    with pytest.raises(ValueError, match=r"X\[1\]"):
        check_pictures([np.zeros((3, 4, 4)), np.zeros((1, 4, 4))])


@pytest.mark.parametrize(
    ("pictures", "wanted", "named"),
    [
        (np.zeros((2, 3, 4, 4)), {"channels": 1}, "has 3 channels, expected 1.*mean"),
        (np.zeros((2, 1, 4, 4)), {"channels": 3}, "has 1 channels, expected 3.*repeat"),
        (np.zeros((2, 1, 4, 4)), {"size": 8}, "expected 8 x 8.*resize_pictures"),
        (np.zeros((2, 1, 4, 4)), {"least": 3}, "at least 3"),
        (np.zeros((4, 16)), {}, "reshape"),
        (np.zeros((2, 8, 8, 3)), {}, "channels last"),
        (np.zeros((2, 8, 8, 4), np.uint8), {}, "transparency"),
        ([np.zeros((8, 8, 4), np.uint8)], {}, "transparency"),
        (np.zeros((2, 4, 4), np.int64), {}, "uint8"),
        (np.zeros((2, 0, 4)), {}, "no pixel"),
        ("folder", {}, "single"),
        ([], {}, "empty"),
        (Image.new("L", (3, 3)), {}, "into a list"),
    ],
)
def test_what_is_not_wanted_says_what_is(pictures, wanted, named):
    with pytest.raises(ValueError, match=named):
        check_pictures(pictures, **wanted)


def test_pillow_gets_the_same_levels_back():
    back = check_pictures(to_pil(LEVELS))
    np.testing.assert_array_equal(np.rint(back * 255), LEVELS)
    file = io.BytesIO()
    to_pil(LEVELS[:, :1])[0].save(file, format="PNG")
    assert Image.open(file).mode == "L"
    with pytest.raises(ValueError, match="2 channels"):
        to_pil(np.zeros((1, 2, 4, 4)))


def test_resizing_keeps_the_mean_of_what_would_alias():
    # Lines of one pixel, of which nearest neighbours would be all white or all black.
    lines = np.zeros((1, 1, 16, 16))
    lines[..., ::2] = 1
    small = resize_pictures(lines, 4)
    assert small.shape == (1, 1, 4, 4)
    np.testing.assert_allclose(small[..., 1:-1], 0.5, atol=0.05)
    assert resize_pictures(LEVELS, (3, 9)).shape == (4, 3, 3, 9)
    with pytest.raises(ValueError, match="size must be"):
        resize_pictures(lines, 0)
