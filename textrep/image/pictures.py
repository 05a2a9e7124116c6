"""Images as they are given: files, Pillow's own or arrays of bytes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from textrep.core.files import special_kind
from textrep.core.messages import printable, shown, type_name

if TYPE_CHECKING:
    from PIL.Image import Image

_KINDS = "a path, an image of Pillow or a uint8 array (height, width, 3)"
_DEEP = "I;16"  # Pillow's modes of 16 bits begin so
_UNBOUNDED = ("I", "F")
_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")

KINDS = (
    *("PNG", "JPEG", "JPEG2000", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "DIB", "PPM"),
    *("ICO", "TGA", "PCX", "SGI"),
)
"""What is opened, by Pillow's names: pixels and nothing else. Of the others that Pillow knows, EPS
runs a program (Ghostscript), and some unpack what they hold without a bound.
"""


def check_images(images: Any, *, name: str = "images") -> list[Any]:
    """Read any iterable of images into a list, and refuse what is none before any work.

    Of files the headers are read, so that thousands need no memory; `read_image` reads the rest.

    Parameters
    ----------
    images : iterable of str, Path, PIL.Image.Image or uint8 ndarray (height, width, 3)
    name : str, default="images"
        What messages call the argument.

    Returns
    -------
    list

    Raises
    ------
    ValueError
        If `images` is a single image, or an item is no image or a file that holds none; the message
        gives the position.
    FileNotFoundError
        If there is no such file.
    ModuleNotFoundError
        If Pillow is not installed.

    Examples
    --------
    >>> len(check_images([np.zeros((2, 3, 3), np.uint8)]))
    1
    >>> check_images("cat.png")
    Traceback (most recent call last):
    ...
    ValueError: images must be a list of images, got 'cat.png'; put a single one into a list
    """
    if _is_single(images):
        raise ValueError(
            f"{name} must be a list of images, got {_named(images)}; put a single one into a list"
        )
    try:
        items = list(images)
    except TypeError:
        raise ValueError(f"{name} must be a list of images, got {_named(images)}") from None
    for position, item in enumerate(items):
        _check_image(item, f"{name}[{position}]")
    return items


def read_image(image: Any, where: str = "image") -> Image:
    """The pixels of one image.

    Parameters
    ----------
    image : str, Path, PIL.Image.Image or uint8 ndarray (height, width, 3)
        Of a file with several pictures the first is read. A photograph is turned as its camera was
        held, what is transparent becomes white, and of 16 bits the upper 8 are kept.
    where : str, default="image"
        What messages call it.

    Returns
    -------
    PIL.Image.Image
        Of mode RGB.

    Raises
    ------
    ValueError
        If it is no image, or a broken one.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> read_image(np.zeros((2, 3, 3), np.uint8)).size  # width first, as Pillow has it
    (3, 2)
    """
    _check_image(image, where)
    PIL = pillow()
    if isinstance(image, np.ndarray):
        return PIL.Image.fromarray(np.ascontiguousarray(image))
    if not isinstance(image, str | os.PathLike):
        return _as_rgb(image, where)
    name = f"{where} ({printable(os.fspath(image))})"
    with open_picture(image) as opened:
        return _as_rgb(opened, name)


def open_picture(file: str | os.PathLike[str] | BinaryIO) -> Image:
    """Open a picture, whose pixels are read later.

    Parameters
    ----------
    file : path or binary file

    Returns
    -------
    PIL.Image.Image
        Of one of `KINDS`, whatever the name of the file says.

    Raises
    ------
    OSError
        If it cannot be opened, or is no picture of these kinds.
    """
    image = pillow().Image
    image.init()
    return image.open(file, formats=[kind for kind in KINDS if kind in image.OPEN])


@contextlib.contextmanager
def _whole(where: str) -> Iterator[None]:
    """Tell of a broken image in one way; Pillow has errors of many kinds for it, some struct's."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{where} is a broken image: {error!s:.200}") from None


def _as_rgb(image: Image, where: str) -> Image:
    PIL = pillow()
    with _whole(where):
        image.load()
        image = PIL.ImageOps.exif_transpose(image)
        if image.mode.startswith(_DEEP):
            image = PIL.Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in _UNBOUNDED:
        raise ValueError(
            f"{where} has pixels of mode {image.mode!r}, whose range is not known; convert it to "
            "mode 'RGB'"
        )
    with _whole(where):
        if image.mode in _ALPHA or "transparency" in image.info:
            image = image.convert("RGBA")
            white = PIL.Image.new("RGBA", image.size, "white")
            image = PIL.Image.alpha_composite(white, image)
        return image.convert("RGB")


def _check_image(item: Any, where: str) -> None:
    if isinstance(item, str | os.PathLike):
        _check_file(item, where)
    elif isinstance(item, np.ndarray):
        if item.dtype != np.uint8 or item.ndim != 3 or item.shape[2] != 3 or 0 in item.shape:
            raise ValueError(
                f"{where} must be a uint8 array (height, width, 3), got {_named(item)}"
            )
    elif not _is_pillow(item):
        raise ValueError(f"{where} must be {_KINDS}, got {_named(item)}")


def _check_file(path: Any, where: str) -> None:
    PIL = pillow()
    name = printable(os.fspath(path))
    try:
        kind = special_kind(Path(path).stat().st_mode)
        # A pipe would be waited for, for ever; opening a folder raises an error of its own.
        if kind is None or kind == "a folder":
            with open_picture(path):
                return
    except FileNotFoundError:
        raise FileNotFoundError(f"{where}: there is no file {name}") from None
    except PIL.UnidentifiedImageError:
        raise ValueError(f"{where}: {name} is no image of a kind that is read") from None
    except OSError as error:
        raise ValueError(f"{where}: {name} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # of many kinds, as for pixels
        raise ValueError(f"{where}: {name} is a broken image: {error!s:.200}") from None
    raise ValueError(f"{where}: {name} is {kind}, expected a file with an image")


def _is_single(images: Any) -> bool:
    if images is None or isinstance(images, str | bytes | os.PathLike | Mapping | set):
        return True
    return (isinstance(images, np.ndarray) and images.ndim == 3) or _is_pillow(images)


def _is_pillow(item: Any) -> bool:
    return isinstance(item, pillow().Image.Image)


def _named(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return shown(value) if isinstance(value, str) or value is None else f"a {type_name(value)}"


def pillow() -> Any:
    """Pillow, with the two of its modules that are used.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; the message says how to.
    """
    try:
        import PIL.Image
        import PIL.ImageOps
    except ModuleNotFoundError:
        raise ModuleNotFoundError("images need Pillow: pip install 'textrep[image]'") from None
    return PIL
