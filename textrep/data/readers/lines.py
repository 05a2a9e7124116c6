"""Lines of a text file, decoded one at a time so that an error can name its line."""

from __future__ import annotations

import codecs
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from textrep.data.errors import DataError
from textrep.data.readers.encodings import find_line_codec
from textrep.data.readers.files import open_file

_WIDE_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_lines(path: Path, encoding: str = "utf-8") -> Generator[str, None, None]:
    """Decode a file line by line.

    Parameters
    ----------
    path : Path
        Text file; a byte order mark of UTF-8 at its start is skipped.
    encoding : str, default="utf-8"
        One in which a line feed is the byte 10, which all but UTF-16 and UTF-32 are.

    Yields
    ------
    str
        A line with its line end. Only ``\\n`` ends a line, so that texts may hold the other marks
        that `str.splitlines` breaks at.

    Raises
    ------
    DataError
        When it is no plain file, cannot be opened, is empty, holds a NUL byte or is not in that
        encoding.
    """
    decode = find_line_codec(encoding).decode
    try:
        with open_file(path) as file:
            _skip_bom(file, path)
            number = 0
            for number, raw in enumerate(file, start=1):
                if b"\0" in raw:
                    raise DataError(
                        "a NUL byte, so not a text file (or one in UTF-16: save it as UTF-8)",
                        path=path,
                        line=number,
                        column=raw.index(b"\0") + 1,
                    )
                try:
                    line, _ = decode(raw, "strict")
                except UnicodeDecodeError as error:
                    raise DataError(
                        f"byte 0x{raw[error.start]:02x} is not valid {encoding}; save the file as "
                        "UTF-8 or pass its encoding, such as encoding='latin-1'",
                        path=path,
                        line=number,
                        column=error.start + 1,
                    ) from None
                yield line
            if number == 0:
                raise DataError("the file is empty", path=path)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from error


def _skip_bom(file: BinaryIO, path: Path) -> None:
    start = file.read(4)
    for mark, name in _WIDE_BOMS.items():
        if start.startswith(mark):
            raise DataError(f"the file is in {name}; save it as UTF-8", path=path, line=1)
    file.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
