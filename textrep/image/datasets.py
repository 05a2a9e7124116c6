"""Pictures by name, or from a folder with a sub-folder for each class."""

from __future__ import annotations

import difflib
import io
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import printable, shown
from textrep.data.cards import Card, CardFile, load_card
from textrep.data.errors import DataError
from textrep.data.readers.archives import open_members
from textrep.data.readers.files import MAX_DOCUMENT
from textrep.data.readers.matlab import read_matlab
from textrep.data.store import locate
from textrep.embeddings.formats.lazy import open_unpacked
from textrep.embeddings.parameters import check_count
from textrep.image.pictures import open_picture, pillow, read_image
from textrep.image.pixels import SUFFIXES, check_size, files_in, resize_pictures, to_levels

Levels = NDArray[np.uint8]

PARTS = ("train", "test")
_DIGITS_TRAIN = 1437  # four fifths; other people wrote the rest
_DIGITS_MOST = 16  # levels of scikit-learn's digits
_PHOTO_CROP = 32
_STYLE_SIZE = 256
_FACE_SIZE, _FACES_EACH = 64, 10
_IDX_BYTES = 8  # the code of uint8 in an IDX file


class PictureSet(NamedTuple):
    """Pictures with what is known of them.

    Attributes
    ----------
    pictures : uint8 ndarray (n, channels, height, width)
    labels : int64 ndarray (n,) or None
        Numbers of the classes.
    names : list of str or None
        Of the classes, by their number.
    """

    pictures: Levels
    labels: NDArray[np.int64] | None = None
    names: list[str] | None = None


def load_pictures(
    name_or_path: str | os.PathLike[str],
    *,
    part: str | None = None,
    size: tuple[int, int] | int | None = None,
    data_home: str | os.PathLike[str] | None = None,
) -> PictureSet:
    """Load pictures and, where there are any, their classes.

    Parameters
    ----------
    name_or_path : str or path
        - ``"digits"``: 1,797 handwritten digits, grey, 8 x 8, which scikit-learn holds;
        - ``"photos"``: crops of scikit-learn's two photographs, by default of 32 x 32;
        - ``"mnist"``, ``"fashion_mnist"`` (grey, 28 x 28), ``"cifar10_jpg"`` (32 x 32 colours),
          ``"olivetti"`` (400 faces of 40 people, grey, 64 x 64), ``"style_images"`` (paintings and
          photographs, by default cut to 256 x 256), each a class of its own: from the data folder,
          the cache or their publisher, see `textrep.load_corpus`;
        - a folder of pictures, where sub-folders are classes, and ``train`` and ``test`` may stand
          above them.
    part : {"train", "test"} or None, default=None
        None loads all.
    size : int, (int, int) or None, default=None
        Height and width to bring them to, antialiased; what sticks out on the longer side is cut
        off. Of ``"photos"``, the size of the crops.
    data_home : str or path, default=None
        Folder to look in rather than the data folder that ``TEXTREP_DATA`` names.

    Returns
    -------
    PictureSet

    Raises
    ------
    DataError
        When there is no such set or part, or its files are not here or broken.
    ValueError
        When the pictures of a folder differ in size and `size` is not given.

    Examples
    --------
    >>> digits = load_pictures("digits", part="test")
    >>> digits.pictures.shape, digits.names[:3]
    ((360, 1, 8, 8), ['0', '1', '2'])
    """
    if part is not None and part not in PARTS:
        raise DataError(f"part is {shown(part)}; expected 'train', 'test' or None")
    height_width = None if size is None else check_size("size", size)
    # An empty name would be the folder that one is in.
    if not isinstance(name_or_path, str | os.PathLike) or not os.fspath(name_or_path):
        raise DataError(
            f"name_or_path must be a folder or one of {', '.join(NAMES)}, got {shown(name_or_path)}"
        )
    if isinstance(name_or_path, str) and name_or_path in _SETS:
        return _SETS[name_or_path](name_or_path, part, height_width, data_home)
    return _folder(Path(name_or_path), part, height_width)


def crops(picture: NDArray[Any], size: int, *, stride: int | None = None) -> NDArray[Any]:
    """All squares of a picture on a grid.

    Parameters
    ----------
    picture : ndarray (channels, height, width)
    size : int
        Of a square, in pixels.
    stride : int or None, default=None
        From one to the next; None is `size`, so that they do not overlap.

    Returns
    -------
    ndarray (n, channels, size, size)
        Row by row.

    Examples
    --------
    >>> crops(np.zeros((3, 8, 12)), 4).shape, crops(np.zeros((3, 8, 12)), 4, stride=2).shape
    ((6, 3, 4, 4), (15, 3, 4, 4))
    """
    check_count("size", size, 1)
    stride = size if stride is None else stride
    check_count("stride", stride, 1)
    if picture.ndim != 3 or min(picture.shape[1:]) < size:
        raise ValueError(
            f"picture is {picture.shape}; expected (channels, height, width) of at least {size} "
            "pixels each way"
        )
    windows = np.lib.stride_tricks.sliding_window_view(picture, (size, size), axis=(1, 2))
    chosen = windows[:, ::stride, ::stride]  # (channels, rows, columns, size, size)
    return np.ascontiguousarray(
        chosen.transpose(1, 2, 0, 3, 4).reshape(-1, len(picture), size, size)
    )


# ---- sets by name

_Size = tuple[int, int] | None
_Home = str | os.PathLike[str] | None


def _digits(name: str, part: str | None, size: _Size, home: _Home) -> PictureSet:
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = np.rint(found.images * (255 / _DIGITS_MOST)).astype(np.uint8)[:, None]
    rows = {
        None: slice(None), "train": slice(_DIGITS_TRAIN), "test": slice(_DIGITS_TRAIN, None)
    }[part]  # fmt: skip
    labels, names = found.target.astype(np.int64), [str(i) for i in range(10)]
    return PictureSet(fitted_pictures(pictures[rows], size), labels[rows], names)


def _photos(name: str, part: str | None, size: _Size, home: _Home) -> PictureSet:
    from sklearn.datasets import load_sample_images

    _refuse_part(name, part)
    found = load_sample_images()
    edge = max(size) if size else _PHOTO_CROP
    parts = [crops(photo.transpose(2, 0, 1), edge) for photo in found.images]
    labels = np.repeat(np.arange(len(parts)), [len(each) for each in parts])
    names = [Path(path).stem for path in found.filenames]
    return PictureSet(fitted_pictures(np.concatenate(parts), size), labels, names)


def _idx_set(name: str, part: str | None, size: _Size, home: _Home) -> PictureSet:
    card = load_card(name)
    wanted = _of_part(card, part)
    labels = [
        _read_idx(locate(card, file, home=home), 1) for file in wanted if file.role == "labels"
    ]
    pictures = [
        _read_idx(locate(card, file, home=home), 3) for file in wanted if file.role != "labels"
    ]
    names = list(card.expected["counts"]["train"])
    joined, numbers = np.concatenate(pictures)[:, None], np.concatenate(labels).astype(np.int64)
    if len(joined) != len(numbers) or numbers.max(initial=0) >= len(names):
        raise DataError(f"the pictures and the labels of {name!r} do not belong together")
    return PictureSet(fitted_pictures(joined, size), numbers, names)


def _read_idx(path: Path, axes: int) -> Levels:
    """An IDX file of uint8, compressed or not: two zero bytes, type, axes, sizes, values."""
    try:
        with open_unpacked(path) as file:
            head = file.read(4 + 4 * axes)
            shape = [int(size) for size in np.frombuffer(head, ">u4", axes, offset=4)]
            size = math.prod(shape)
            if head[:4] != bytes([0, 0, _IDX_BYTES, axes]):
                raise ValueError(f"its head is not that of one with {axes} axes")
            if size > MAX_DOCUMENT:
                raise ValueError(f"it says that it holds {size:,} bytes")
            # One more, to see whether it ends where it should.
            values = np.frombuffer(file.read(size + 1), np.uint8)
        if values.size != size:
            raise ValueError("its head and its length do not agree")
        return values.reshape(shape)
    except (OSError, ValueError) as error:
        raise DataError(f"it is no whole IDX file of bytes: {error}", path=path) from None


def _cifar(name: str, part: str | None, size: _Size, home: _Home) -> PictureSet:
    card = load_card(name)
    names = list(card.expected["counts"]["train"])
    pictures: list[Levels] = []
    labels: list[int] = []
    for file in _of_part(card, part):
        path = locate(card, file, home=home)
        found = [(label, levels) for label, levels in _in_archive(path) if label in names]
        if not found:
            raise DataError("there are no pictures of the ten classes in it", path=path)
        labels += [names.index(label) for label, _ in found]
        pictures += [levels for _, levels in found]
    return PictureSet(fitted_pictures(np.stack(pictures), size), np.array(labels, np.int64), names)


def _in_archive(path: Path) -> Iterator[tuple[str, Levels]]:
    """Pictures of an archive, sorted by name, each with the folder that it is in."""
    with open_members(path) as members:
        chosen = [each for each in members if PurePosixPath(*each.parts).suffix.lower() in SUFFIXES]
        for member in sorted(chosen, key=lambda each: each.parts):
            where = member.source.where
            try:
                image = open_picture(io.BytesIO(member.read()))
            except Exception as error:  # Pillow has many
                raise DataError(f"a broken image: {error!s:.200}", path=where) from None
            label = "".join(member.parts[-2:-1])
            yield label, _levels_of(read_image(image, printable(str(where))))


def _olivetti(name: str, part: str | None, size: _Size, home: _Home) -> PictureSet:
    _refuse_part(name, part)
    card = load_card(name)
    path = locate(card, card.files[0], home=home)
    try:
        # A column for each face, and a face column by column.
        faces = read_matlab(path)["faces"].T.reshape(-1, _FACE_SIZE, _FACE_SIZE)
    except DataError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"it is no file of Matlab with faces: {error}", path=path) from None
    faces = faces.transpose(0, 2, 1)[:, None]
    people = len(faces) // _FACES_EACH
    labels = np.repeat(np.arange(people), _FACES_EACH)
    names = [f"person {i + 1}" for i in range(people)]
    return PictureSet(fitted_pictures(np.ascontiguousarray(faces), size), labels, names)


def _style_images(name: str, part: str | None, size: _Size, home: _Home) -> PictureSet:
    _refuse_part(name, part)
    card = load_card(name)
    paths = [locate(card, file, home=home) for file in card.files]
    edges = size or (_STYLE_SIZE, _STYLE_SIZE)
    pictures = np.stack([_levels_of(_fitted(read_image(path), edges)) for path in paths])
    return PictureSet(pictures, np.arange(len(paths)), [path.stem for path in paths])


_SETS: dict[str, Callable[[str, str | None, _Size, _Home], PictureSet]] = {
    "cifar10_jpg": _cifar,
    "digits": _digits,
    "fashion_mnist": _idx_set,
    "mnist": _idx_set,
    "olivetti": _olivetti,
    "photos": _photos,
    "style_images": _style_images,
}

NAMES = tuple(_SETS)
"""Of the sets that `load_pictures` knows."""


def _of_part(card: Card, part: str | None) -> list[CardFile]:
    return [file for file in card.files if part is None or file.split == part]


def _refuse_part(name: str, part: str | None) -> None:
    if part is not None:
        raise DataError(f"{name!r} has no parts; leave part out")


# ---- folders


def _folder(path: Path, part: str | None, size: _Size) -> PictureSet:
    if not path.is_dir():
        close = difflib.get_close_matches(str(path), NAMES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"sets are {', '.join(NAMES)}"
        raise DataError(f"no such folder, and no set of pictures of that name; {hint}", path=path)
    if part is not None:
        if not (path / part).is_dir():
            raise DataError(f"there is no folder {part!r} in it", path=path)
        path = path / part
    found = files_in(path)
    if not found:
        raise DataError(f"it holds no pictures ({' '.join(SUFFIXES)})", path=path)
    # Each is made small before the next one is read: photographs are large.
    images = [_fitted(read_image(each, printable(str(each))), size) for each in found]
    for each, image in zip(found, images, strict=True):
        if image.size != images[0].size:
            raise ValueError(
                f"{printable(str(each))} is {image.height} x {image.width} pixels, "
                f"{printable(str(found[0]))} {images[0].height} x {images[0].width}; give size=, "
                "to which all are brought"
            )
    pictures = np.stack([_levels_of(image) for image in images])
    if (pictures == pictures[:, :1]).all():
        pictures = pictures[:, :1]  # all are grey
    return PictureSet(np.ascontiguousarray(pictures), *_classes(path, found))


def _classes(folder: Path, found: Sequence[Path]) -> tuple[Any, Any]:
    """Labels and names by sub-folder; None and None where a picture is in none."""
    relative = [path.relative_to(folder).parts[:-1] for path in found]
    if all(parts and parts[0] in PARTS for parts in relative):
        relative = [parts[1:] for parts in relative]
    if not all(relative):
        return None, None
    named = [parts[0] for parts in relative]
    names = sorted(set(named))
    return np.array([names.index(each) for each in named], np.int64), names


def _fitted(image: Any, size: _Size) -> Any:
    if size is None:
        return image
    PIL = pillow()
    return PIL.ImageOps.fit(image, (size[1], size[0]), PIL.Image.Resampling.LANCZOS)


def _levels_of(image: Any) -> Levels:
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def fitted_pictures(pictures: Levels, size: tuple[int, int] | None) -> Levels:
    """Pictures in another size; what sticks out on the longer side is cut off.

    Parameters
    ----------
    pictures : uint8 ndarray (n, channels, height, width)
    size : (int, int) or None
        Height and width; None leaves them as they are.

    Returns
    -------
    uint8 ndarray

    Examples
    --------
    >>> fitted_pictures(np.array([[[[9, 5, 5, 9]] * 2]], np.uint8), (1, 1)).tolist()
    [[[[5]]]]
    """
    if size is None or pictures.shape[2:] == size:
        return pictures
    return to_levels(resize_pictures(_cut(pictures, size), size))


def _cut(pictures: Levels, size: tuple[int, int]) -> Levels:
    """The middle of pictures, with the proportions of a size."""
    height, width = pictures.shape[2:]
    scale = min(height / size[0], width / size[1])
    kept = [max(1, round(scale * edge)) for edge in size]
    top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
    return pictures[:, :, top : top + kept[0], left : left + kept[1]]
