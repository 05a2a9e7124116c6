"""Lines of a text file, decoded so that an error can name its line and column."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from textrep.data.errors import DataError
from textrep.data.readers.encodings import find_line_codec
from textrep.data.readers.source import Source, file_source

# A line, or a row of a table, that is longer was made to fill the memory, or is no text: the
# longest novels have 10 MB, and all of text8, which is one line, has 100 MB.
MAX_LINE = 1 << 27

# Bytes read at once; more is no faster.
_BLOCK = 1 << 18

_WIDE_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Codecs that keep nothing in mind from one line to the next, so that many lines can be decoded at
# once; begins of their names.
_STATELESS = ("utf-8", "ascii", "iso8859", "cp125", "koi8", "mac-")

_Decode = Callable[..., tuple[str, int]]


def read_lines(source: Path | Source, encoding: str = "utf-8") -> Generator[str, None, None]:
    """Decode a file line by line.

    Parameters
    ----------
    source : Path or Source
        Text file; a byte order mark of UTF-8 at its start is skipped. It is never held as a whole.
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
        When it is no plain file, cannot be opened, is damaged, is empty, holds a NUL byte or a
        line of more than 128 MiB, or is not in that encoding.
    """
    source = source if isinstance(source, Source) else file_source(source)
    codec = find_line_codec(encoding)
    # The mark that this codec looks for is skipped already; it would do so again in each block.
    decode = codecs.utf_8_decode if codec.name == "utf-8-sig" else codec.decode
    number = 1
    for block in _blocks(source):
        yield from _decoded(block, number, decode, codec.name, source.where)
        number += block.count(b"\n")


def read_line_texts(
    source: Path | Source, encoding: str = "utf-8", blank: str = "skip"
) -> Generator[str, None, None]:
    r"""Read a file with a document on each line.

    Parameters
    ----------
    source : Path or Source
        Text file.
    encoding : str, default="utf-8"
        See `read_lines`.
    blank : {"skip", "document", "keep"}, default="skip"
        What a line of nothing but white space is: nothing, the end of a document of several lines,
        or a document without words.

    Yields
    ------
    str
        A document; its lines are joined by ``\n``, without the last line end.

    Raises
    ------
    DataError
        For an unknown `blank`, a file of blank lines only, and whatever `read_lines` refuses.
    """
    if blank not in ("skip", "document", "keep"):
        raise DataError(f"blank is {blank!r}; expected 'skip', 'document' or 'keep'")
    lines = (without_end(line) for line in read_lines(source, encoding))
    texts = lines if blank == "keep" else filter(str.strip, lines)
    found = False
    for text in _paragraphs(lines, source) if blank == "document" else texts:
        found = True
        yield text
    if not found:
        where = source.where if isinstance(source, Source) else source
        raise DataError("the file holds no texts, only blank lines", path=where)


def without_end(line: str) -> str:
    r"""A line without its line end, ``\n`` or ``\r\n``.

    Parameters
    ----------
    line : str
        As `read_lines` gives it.

    Returns
    -------
    str
    """
    return line.removesuffix("\n").removesuffix("\r")


def _paragraphs(lines: Iterator[str], source: Path | Source) -> Iterator[str]:
    document: list[str] = []
    size = 0
    for number, line in enumerate(lines, start=1):
        if line.strip():
            document.append(line)
            size += len(line)
            if size > MAX_LINE:
                where = source.where if isinstance(source, Source) else source
                raise DataError(
                    f"the document that ends here has more than {MAX_LINE:,} characters; put blank "
                    "lines between documents",
                    path=where,
                    line=number,
                )
        elif document:
            yield "\n".join(document)
            document, size = [], 0
    if document:
        yield "\n".join(document)


def _blocks(source: Source) -> Generator[bytes, None, None]:
    """Whole lines, a block's worth at a time, without the byte order mark."""
    with source.open() as file:
        # A line is put together of these only once its end is seen.
        pieces = [_without_bom(file.read(_BLOCK), source.where)]
        size = len(pieces[0])
        number = 1
        while pieces[-1]:
            end = pieces[-1].rfind(b"\n") + 1
            if end:
                last = pieces.pop()
                block = b"".join((*pieces, last[:end]))
                yield block
                number += block.count(b"\n")
                pieces = [last[end:]]
                size = len(pieces[0])
            if size > MAX_LINE:
                raise DataError(
                    f"the line has more than {MAX_LINE:,} bytes; that is no text",
                    path=source.where,
                    line=number,
                )
            pieces.append(file.read(_BLOCK))
            size += len(pieces[-1])
        if rest := b"".join(pieces):
            yield rest
        elif number == 1:
            raise DataError("the file is empty", path=source.where)


def _without_bom(start: bytes, where: Path) -> bytes:
    for mark, name in _WIDE_BOMS.items():
        if start.startswith(mark):
            raise DataError(f"the file is in {name}; save it as UTF-8", path=where, line=1)
    return start.removeprefix(codecs.BOM_UTF8)


def _decoded(
    block: bytes, first: int, decode: _Decode, encoding: str, where: Path
) -> Iterator[str]:
    """Lines of a block; one by one where not all of it can be decoded at once."""
    if encoding.startswith(_STATELESS) and b"\0" not in block:
        try:
            text, _ = decode(block, "strict")
        except UnicodeDecodeError:
            pass  # the lines before the faulty one are given out, and then it is named
        else:
            return io.StringIO(text, newline="\n")
    return _one_by_one(block, first, decode, encoding, where)


def _one_by_one(
    block: bytes, first: int, decode: _Decode, encoding: str, where: Path
) -> Iterator[str]:
    for number, raw in enumerate(io.BytesIO(block), start=first):
        if b"\0" in raw:
            raise DataError(
                "a NUL byte, so not a text file (or one in UTF-16: save it as UTF-8)",
                path=where,
                line=number,
                column=raw.index(b"\0") + 1,
            )
        try:
            line, _ = decode(raw, "strict")
        except UnicodeDecodeError as error:
            raise DataError(
                f"byte 0x{raw[error.start]:02x} is not valid {encoding}; save the file as UTF-8 "
                "or pass its encoding, such as encoding='latin-1'",
                path=where,
                line=number,
                column=error.start + 1,
            ) from None
        yield line
