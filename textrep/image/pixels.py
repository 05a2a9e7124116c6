"""Pictures as numbers: whatever they come as, float32 (n, channels, height, width) from 0 to 1."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import printable, shown, type_name
from textrep.image.pictures import open_picture, pillow, read_image

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels: TypeAlias = NDArray[np.float32]
"""Pictures (n, channels, height, width), from 0, which is black, to 1."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""Of the files of a folder that are taken for pictures."""

_KINDS = (
    "float pixels from 0 to 1 (n, channels, height, width) or (n, height, width), uint8 pixels "
    "(also channels last), a list of pictures or paths, or the pathlib.Path of a folder"
)
_GREY = ("1", "L", "LA", "La")  # modes of Pillow, beside those of 16 bits
_DEEP = "I;16"
_MOST = 255
_ROUNDING = 1e-6  # what resizing and the like may leave beside 0 and 1
_RESIZED_AT_ONCE = 4096  # pictures, so that memory is bounded


def check_pictures(
    X: Any,
    *,
    name: str = "X",
    channels: int | None = None,
    size: tuple[int, int] | int | None = None,
    least: int = 1,
) -> Pixels:
    """Read pictures of any kind, and refuse what is none before any work.

    Parameters
    ----------
    X : array, torch.Tensor, list or Path
        - floats from 0 to 1, (n, channels, height, width) or (n, height, width);
        - uint8, of which 255 becomes 1, (n, height, width), (n, height, width, 1 or 3) or
          (n, channels, height, width);
        - a list of images of Pillow, paths, or arrays as above without their first axis;
        - the `pathlib.Path` of a folder, whose pictures are taken in the order of their names,
          those in sub-folders too.

        Files and images of Pillow have one channel where they are grey and three where not; all of
        them have three where some have, and what `channels` says where it is given.
    name : str, default="X"
        What messages call it.
    channels : int or None, default=None
        Channels that are needed.
    size : int, (int, int) or None, default=None
        Height and width that are needed, in pixels.
    least : int, default=1
        Pictures that are needed.

    Returns
    -------
    float32 ndarray (n, channels, height, width)
        From 0 to 1, contiguous; not the caller's own memory unless it is such already.

    Raises
    ------
    ValueError
        When it is none of these, a pixel is NaN or not from 0 to 1, pictures differ in size, or
        there are too few; the message gives the position.
    FileNotFoundError
        When there is no such file or folder.

    Examples
    --------
    >>> check_pictures(np.full((2, 8, 8), 255, np.uint8)).shape
    (2, 1, 8, 8)
    >>> check_pictures(np.full((2, 8, 8), 255.0))
    Traceback (most recent call last):
    ...
    ValueError: X[0] has a pixel of 255, and floats must be from 0 to 1: divide by 255 or give uint8
    """
    if isinstance(X, os.PathLike):
        X = _pictures_in(Path(X), name)
    array = _array_of(X)
    if array is not None and array.dtype.kind not in "OUS":
        positions = [f"{name}[{i}]" for i in range(len(array))] if array.ndim else []
        pixels = _floats(array, positions, name)
    else:
        pixels = _stacked(_listed(X, name), name, channels)
    if len(pixels) < least:
        raise ValueError(f"{name} has {len(pixels)} pictures, and at least {least} are needed")
    _check_wanted(pixels.shape, name, channels, size)
    return np.ascontiguousarray(pixels)


def to_pil(pictures: Any) -> list[Image]:
    """Images of Pillow, grey for one channel and RGB for three.

    Parameters
    ----------
    pictures : pictures
        As for `check_pictures`.

    Returns
    -------
    list of PIL.Image.Image

    Raises
    ------
    ValueError
        When they have another number of channels, or are no pictures.

    Examples
    --------
    >>> to_pil(np.zeros((1, 3, 2, 4)))[0].size  # width first, as Pillow has it
    (4, 2)
    """
    image = pillow().Image
    levels = to_levels(check_pictures(pictures, name="pictures"))
    if levels.shape[1] not in (1, 3):
        raise ValueError(
            f"pictures have {levels.shape[1]} channels; files and Pillow know 1 (grey) and 3 (RGB)"
        )
    if levels.shape[1] == 1:
        return [image.fromarray(level) for level in levels[:, 0]]
    return [image.fromarray(np.ascontiguousarray(level.transpose(1, 2, 0))) for level in levels]


def to_levels(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Pixels from 0 to 1 as uint8, rounded.

    >>> to_levels(np.array([0.0, 0.5, 1.0]))
    array([  0, 128, 255], dtype=uint8)
    """
    return np.rint(np.clip(pixels, 0, 1) * _MOST).astype(np.uint8)


def resize_pictures(pictures: Any, size: tuple[int, int] | int) -> Pixels:
    """Pictures in another size, without aliasing.

    Parameters
    ----------
    pictures : pictures
        As for `check_pictures`.
    size : int or (int, int)
        Height and width in pixels; proportions are not kept.

    Returns
    -------
    float32 ndarray (n, channels, height, width)

    Examples
    --------
    >>> resize_pictures(np.full((1, 4, 4), 0.5), 2)[0, 0].tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    import torch
    from torch.nn.functional import interpolate

    pixels = check_pictures(pictures, name="pictures")
    height_width = check_size("size", size)
    if pixels.shape[2:] == height_width:
        return pixels
    parts = [
        interpolate(
            torch.tensor(pixels[i : i + _RESIZED_AT_ONCE]),
            height_width,
            mode="bilinear",
            antialias=True,
        ).clamp_(0, 1)
        for i in range(0, len(pixels), _RESIZED_AT_ONCE)
    ]
    return torch.cat(parts).numpy()


def check_size(name: str, size: Any) -> tuple[int, int]:
    """Height and width, of one number or of two.

    >>> check_size("size", 28)
    (28, 28)
    """
    both = (size, size) if isinstance(size, int | np.integer) else size
    fits = isinstance(both, Sequence) and len(both) == 2 and not isinstance(size, bool | str)
    if not fits or not all(isinstance(n, int | np.integer) and n >= 1 for n in both):
        raise ValueError(
            f"{name} must be a number of pixels of at least 1, or (height, width), got "
            f"{shown(size)}"
        )
    return int(both[0]), int(both[1])


# ---- arrays


def _array_of(X: Any) -> NDArray[Any] | None:
    """An array, or a tensor of torch as one; None for anything else."""
    if isinstance(X, np.ndarray):
        return X
    if type(X).__module__.partition(".")[0] == "torch" and hasattr(X, "detach"):
        tensor = X.detach().cpu()
        # numpy has no bfloat16.
        return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return None


def _floats(array: NDArray[Any], where: list[str], name: str) -> Pixels:
    """An array of pictures -> float32 (n, channels, height, width); `where` names each of them."""
    if array.ndim not in (3, 4):
        raise ValueError(f"{name} must be {_KINDS}; got {_named(array)}{_hint(array)}")
    if array.dtype == np.uint8:
        if array.ndim == 4 and array.shape[1] not in (1, 3) and array.shape[3] in (1, 3):
            array = array.transpose(0, 3, 1, 2)
        elif array.ndim == 4 and array.shape[1] > 4 and array.shape[3] == 4:
            raise ValueError(
                f"{name} is {_named(array)}, which looks like colours with transparency; give the "
                "three colours alone, X[..., :3], or images of Pillow"
            )
    elif array.dtype.kind == "f":
        if array.ndim == 4 and array.shape[1] > 4 and array.shape[3] in (1, 3):
            raise ValueError(
                f"{name} is {_named(array)}, which looks like channels last; give "
                "X.transpose(0, 3, 1, 2)"
            )
    elif array.dtype != bool:
        raise ValueError(
            f"{name} is {_named(array)}; give uint8 pixels (0 to 255) or floats from 0 to 1"
        )
    if 0 in array.shape[1:]:
        raise ValueError(f"{name} is {_named(array)}: there is no pixel in it")
    array = array if array.ndim == 4 else array[:, None]
    if array.dtype == np.uint8:
        return np.divide(array, _MOST, dtype=np.float32)
    if array.dtype == bool:
        return array.astype(np.float32)
    return _in_range(array, where)


def _in_range(array: NDArray[Any], where: list[str]) -> Pixels:
    if not len(array):
        return array.astype(np.float32)
    low, high = array.min(), array.max()
    if low >= 0 and high <= 1:
        return array.astype(np.float32, copy=False)
    if low >= -_ROUNDING and high <= 1 + _ROUNDING:
        return np.clip(array, 0, 1).astype(np.float32)
    flat = array.reshape(len(array), -1)
    bad = ~((flat >= -_ROUNDING) & (flat <= 1 + _ROUNDING))
    position = int(bad.any(axis=1).argmax())
    pixel = flat[position][bad[position]][0]
    raise ValueError(f"{where[position]} has a pixel of {pixel:g}, {_fix(pixel)}")


def _fix(pixel: Any) -> str:
    if not np.isfinite(pixel):
        return "which is no brightness; replace it by a number from 0 to 1"
    if pixel > 1:
        return "and floats must be from 0 to 1: divide by 255 or give uint8"
    return "and floats must be from 0 to 1: those from -1 to 1 become so by (X + 1) / 2"


def _hint(array: NDArray[Any]) -> str:
    if array.ndim == 2:
        return (
            "; a single picture goes into a list, rows of pixels become pictures by "
            "X.reshape(-1, 1, height, width)"
        )
    return ""


# ---- lists and folders


def _pictures_in(folder: Path, name: str) -> list[Path]:
    if not folder.exists():
        raise FileNotFoundError(f"{name}: there is no folder {printable(str(folder))}")
    if not folder.is_dir():
        raise ValueError(
            f"{name} is the file {printable(str(folder))}; put a single picture into a list"
        )
    found = files_in(folder)
    if not found:
        raise ValueError(
            f"{name}: the folder {printable(str(folder))} holds no pictures ({' '.join(SUFFIXES)})"
        )
    return found


def files_in(folder: Path) -> list[Path]:
    """The pictures below a folder, sorted by name; hidden files and folders are passed over."""
    found = []
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            found.append(path)
    return sorted(found)


def _listed(X: Any, name: str) -> list[Any]:
    single = X is None or isinstance(X, str | bytes | Mapping | set)
    if single or isinstance(X, pillow().Image.Image):
        what = shown(X) if X is None or isinstance(X, str | bytes) else f"a {type_name(X)}"
        hint = "; a single picture goes into a list" if X is not None else ""
        raise ValueError(f"{name} must be {_KINDS}; got {what}{hint}")
    try:
        items = list(X)
    except TypeError:
        raise ValueError(f"{name} must be {_KINDS}; got a {type_name(X)}") from None
    if not items:
        raise ValueError(f"{name} is empty: there are no pictures in it")
    return items


def _stacked(items: list[Any], name: str, channels: int | None) -> Pixels:
    read = [_read(item, f"{name}[{position}]", channels) for position, item in enumerate(items)]
    found = {pixels.shape[0] for pixels, _ in read}
    if found == {1, 3} and channels is None:
        # Grey files among coloured ones; grey arrays stay what their owner made them.
        read = [(np.repeat(p, 3, axis=0) if free and len(p) == 1 else p, free) for p, free in read]
    first = read[0][0].shape
    for position, (pixels, _) in enumerate(read):
        if pixels.shape != first:
            raise ValueError(
                f"{name}[{position}] is {_size(pixels.shape)}, but {name}[0] {_size(first)}; "
                "pictures must be of one size: resize them, or read a folder by "
                "textrep.image.load_pictures(folder, size=...)"
            )
    return np.stack([pixels for pixels, _ in read])


def _read(item: Any, where: str, channels: int | None) -> tuple[Pixels, bool]:
    """Pixels (channels, height, width) of one picture, and whether its channels may be changed."""
    array = _array_of(item)
    if array is not None:
        if array.ndim not in (2, 3):
            raise ValueError(
                f"{where} is {_named(array)}, expected one picture: (channels, height, width), "
                "(height, width) or, of uint8, (height, width, 3)"
            )
        return _floats(array[None], [where], where)[0], False
    image = read_image(item, where)
    grey = _is_grey(item)
    if channels == 1 and not grey:
        image, grey = image.convert("L"), True
        return np.divide(np.asarray(image), _MOST, dtype=np.float32)[None], True
    levels = np.asarray(image).transpose(2, 0, 1)
    if grey and channels != 3:
        levels = levels[:1]
    return np.divide(levels, _MOST, dtype=np.float32), True


def _is_grey(item: Any) -> bool:
    if isinstance(item, str | os.PathLike):
        with open_picture(item) as opened:
            mode = opened.mode
    else:
        mode = item.mode
    return mode in _GREY or mode.startswith(_DEEP)


# ---- what is wanted


def _check_wanted(
    shape: tuple[int, ...], name: str, channels: int | None, size: tuple[int, int] | int | None
) -> None:
    if channels is not None and shape[1] != channels:
        fix = {
            (3, 1): "; X.mean(axis=1, keepdims=True) makes colours grey",
            (1, 3): "; X.repeat(3, axis=1) gives grey three channels",
        }.get((shape[1], channels), "")
        raise ValueError(f"{name} has {shape[1]} channels, expected {channels}{fix}")
    if size is not None and shape[2:] != check_size("size", size):
        height, width = check_size("size", size)
        raise ValueError(
            f"{name} is {_size(shape[1:])}, expected {height} x {width} pixels; "
            f"textrep.image.resize_pictures({name}, {(height, width)}) makes them so"
        )


def _size(shape: Sequence[int]) -> str:
    """Of one picture (channels, height, width)."""
    plural = "s" if shape[0] > 1 else ""
    return f"{shape[1]} x {shape[2]} pixels with {shape[0]} channel{plural}"


def _named(array: NDArray[Any]) -> str:
    return f"a {array.dtype} array {array.shape}"
